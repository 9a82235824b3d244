"""Coupons have a floor: the leg that a coupon rests on never counts below the level at which the floor is reached.

max(b + m, floor) = m + max(b, k) with k = floor - m, and max(b, k) = k (1 + x) with x a driver of process excess at the
strike k. So a floored coupon stays linear in drivers: one more driver shows what the benchmark stands above k.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ..arrays import FloatArray
from ..schema.case import Case
from ..schema.drivers import Driver, Excess, Shown, process_of
from ..schema.financing import Instrument
from . import availability
from .quantities import excess_of

_LEAST_STRIKE = 1e-4
"""An excess needs a strike above 0: a rate that may fall below a strike of 0 or less counts as this at least."""


@dataclass(frozen=True)
class Leg:
    """A driver times `times`; below `strike` it counts as that. No strike where it never falls so far."""

    driver: str
    times: float
    strike: float | None = None

    @property
    def column(self) -> str:
        """The driver that moves it."""
        return self.driver if self.strike is None else excess_of(self.driver, self.strike)

    @property
    def constant(self) -> float:
        """What it is while that driver is 0."""
        return 0.0 if self.strike is None else self.times * self.strike

    @property
    def slope(self) -> float:
        return self.times if self.strike is None else self.times * self.strike


def benchmark_leg(case: Case, instrument: Instrument) -> Leg | None:
    """The benchmark, floored so that the coupon is never below its floor, whatever the market spread."""
    if instrument.benchmark is None:
        return None
    spread = 0.0
    if instrument.spread_driver is not None:
        spread = instrument.spread_beta * _least(case, _driver(case, instrument.spread_driver))
    return _leg(case, instrument.benchmark, 1.0, instrument.coupon_floor - least_margin(instrument) - max(spread, 0.0))


def spread_leg(case: Case, instrument: Instrument) -> Leg | None:
    """The market spread; floored where there is no benchmark to carry the floor."""
    if instrument.spread_driver is None or instrument.spread_beta == 0.0:
        return None
    if instrument.benchmark is not None:
        return Leg(instrument.spread_driver, instrument.spread_beta)
    strike = (instrument.coupon_floor - least_margin(instrument)) / instrument.spread_beta
    return _leg(case, instrument.spread_driver, instrument.spread_beta, strike)


def floored_margins(instrument: Instrument, margins: FloatArray) -> FloatArray:
    """Margins, never below the floor where no driver carries it."""
    alone = instrument.benchmark is None and (instrument.spread_driver is None or instrument.spread_beta == 0.0)
    return margins.clip(min=instrument.coupon_floor) if alone else margins


def least_margin(instrument: Instrument) -> float:
    """The lowest fixed part of its coupon that any of its steps pays at any time, and at any rating."""
    margin = instrument.margin
    if instrument.conversion is not None and instrument.converted_margin is not None:
        margin = min(margin, instrument.converted_margin)
    reached = [line.margin for line in instrument.grid]
    step = min((step.spread for depth in instrument.depth for step in depth.steps), default=0.0)
    return margin + min(reached, default=0.0) + step


def with_floors(case: Case) -> Case:
    """The case with the drivers that floored coupons and short availability need; itself where none is missing."""
    legs = [leg for i in case.instrument for leg in (benchmark_leg(case, i), spread_leg(case, i)) if leg is not None]
    floating = [d for d in case.opening.debt if d.rate == "floating"]
    legs += [opening_leg(case, d.benchmark, d.coupon) for d in floating if d.benchmark is not None]
    known = {d.id for d in case.driver}
    pairs = [(leg.driver, leg.strike) for leg in legs if leg.strike is not None]
    wanted = {excess_of(*pair): pair for pair in (*pairs, *availability.excesses(case))}
    made = tuple(
        Excess(id=name, title=f"{driver} above {strike:.4g}", process="excess", depends_on=driver, strike=strike)
        for name, (driver, strike) in wanted.items()
        if name not in known
    )
    return replace(case, driver=(*case.driver, *made)) if made else case


def without_floors(case: Case) -> Case:
    """The case as it is written: without the drivers that `with_floors` adds; itself where there are none."""
    written = tuple(d for d in case.driver if not (isinstance(d, Excess) and d.id == excess_of(d.depends_on, d.strike)))
    return case if len(written) == len(case.driver) else replace(case, driver=written)


def opening_leg(case: Case, benchmark: str, coupon: float) -> Leg:
    """The benchmark of a floating debt of the opening balance sheet, whose coupon is never below zero."""
    return _leg(case, benchmark, 1.0, -coupon)


def _leg(case: Case, name: str, times: float, strike: float) -> Leg:
    driver = _driver(case, name)
    if isinstance(driver, Shown) or _least(case, driver) >= strike:
        return Leg(name, times)
    return Leg(name, times, max(strike, _LEAST_STRIKE))


def _driver(case: Case, name: str) -> Driver:
    return next(d for d in case.driver if d.id == name)


def _least(case: Case, driver: Driver) -> float:
    """A level below which a driver does not fall."""
    return process_of(type(driver)).least(partial(getattr, driver), case.horizon.periods, case.horizon.dt)
