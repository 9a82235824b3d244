"""Availability: what of the compute in service is up in a scenario, and what of a promise on it is therefore kept.

A unit of contract volume that 1/K units of compute in service keep, of which a share a is up, receives min(1, a/K) of
what was promised. For a fixed K that depends on the scenario alone: 1 where a is never below K, and else a/K -
max(a/K - 1, 0), with a driver of process excess. So what is paid for stays linear in the plan. As it stands a promise
is backed at about the mean share, by one unit of *expected* compute; a plan may back it better, at a lower K.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..arrays import FloatArray
from ..ledger import ONE
from ..schema.case import Case
from ..schema.drivers import Deterministic, Driver, process_of
from ..schema.revenue import Contract
from .quantities import excess_of

_ALIKE = 1e-6
_SPARE = (0.75, 0.5)
"""K below the start for a driver without bounds, which a share should have."""


@dataclass(frozen=True)
class Level:
    """A promise backed by 1 / strike units of compute in service.

    Attributes:
        strikes: (T,) K, the availability at which it is just kept.
        sure: it is kept whatever happens.
        excess: driver and strike of what stands above K; None where the share of what is kept is taken on the straight
            line between the least and the greatest availability, `chord`: exact where there are only these two, and
            below min(1, a/K) elsewhere, which is concave.
    """

    strikes: tuple[float, ...]
    sure: bool = False
    excess: tuple[str, float] | None = None
    chord: tuple[float, float] | None = None


def factors(case: Case, column: str) -> tuple[str, ...]:
    """Drivers whose product a price column is."""
    if column == ONE:
        return ()
    return next((c.drivers for c in case.column if c.id == column), (column,))


def varies(case: Case, column: str) -> bool:
    """Whether the column differs between scenarios."""
    return any(not isinstance(_driver(case, name), Deterministic) for name in factors(case, column))


def varying(case: Case) -> tuple[str, ...]:
    """Availability columns of the case's systems that differ between scenarios."""
    used = dict.fromkeys(a.availability_column for a in case.accelerator)
    return tuple(column for column in used if varies(case, column))


def bounds(case: Case, column: str) -> tuple[float, float] | None:
    """What a column is never below and never above; None where a factor has no bounds."""
    each = [_bounds(_driver(case, name)) for name in factors(case, column)]
    known = [b for b in each if b is not None]
    if len(known) < len(each):
        return None
    return float(np.prod([low for low, _ in known])), float(np.prod([high for _, high in known]))


def _bounds(driver: Driver) -> tuple[float, float] | None:
    known = process_of(type(driver)).bounds
    return None if known is None else known(partial(getattr, driver))


def _driver(case: Case, name: str) -> Driver:
    return next(d for d in case.driver if d.id == name)


def backing(case: Case, column: str) -> Level:
    """The level at which a promise is backed as it stands: the greatest mean of a share, the mean path of others."""
    names, limits, periods = factors(case, column), bounds(case, column), case.horizon.periods
    first = _driver(case, names[0])
    if limits is None:
        start = float(getattr(first, "start", 1.0))
        return Level((start,) * periods, excess=(names[0], start))
    low, high = limits
    peak = process_of(type(first)).peak
    if len(names) == 1 and peak is not None:
        strike = peak(partial(getattr, first))
        return Level((strike,) * periods, excess=(names[0], strike))
    path = np.clip(np.prod([_mean(case, _driver(case, name)) for name in names], axis=0), max(low, _ALIKE), high)
    return Level(tuple(path.tolist()), chord=(low, high))


def spare(case: Case, column: str) -> tuple[Level, ...]:
    """Levels at which a promise is backed by more than that."""
    names, limits, base = factors(case, column), bounds(case, column), backing(case, column)
    periods = case.horizon.periods
    if limits is None:
        strikes = [base.strikes[0] * k for k in _SPARE]
        return tuple(Level((k,) * periods, excess=(names[0], k)) for k in strikes)
    low = limits[0]
    found = []
    if base.excess is not None:
        strikes = [(base.strikes[0] + low) / 2.0] + ([base.strikes[0] / 4.0] if low <= 0.0 else [])
        found = [Level((k,) * periods, excess=(names[0], k)) for k in strikes]
    return (*found, Level((low,) * periods, sure=True)) if low > 0.0 else tuple(found)


def _mean(case: Case, driver: Driver) -> FloatArray:
    """(T,) mean of a share, as its own terms say."""
    mean = process_of(type(driver)).mean
    assert mean is not None  # of all that have bounds
    return np.asarray(mean(partial(getattr, driver), case.horizon.periods, case.horizon.dt))


Terms = tuple[tuple[FloatArray, str], ...]
"""A sum of (T,) coefficients times price columns."""


def short(column: str, level: Level) -> Terms:
    """The share of a promise that is not available: 1 - min(1, a / K)."""
    strikes = np.array(level.strikes)
    if level.sure:
        return ()
    if level.excess is not None:
        one = np.ones(strikes.size)
        return ((one, ONE), (-1.0 / strikes, column), (one, excess_of(*level.excess)))
    assert level.chord is not None
    low, high = level.chord
    slope = (1.0 - low / strikes) / max(high - low, _ALIKE)
    return ((slope * high, ONE), (-slope, column))


def damages(case: Case, contract: Contract, column: str, level: Level) -> Terms:
    """Damages for it over the bill: min(rate × share short, cap). Of a product of drivers the cap is left out."""
    rate, cap = contract.damages, contract.damages_cap
    if contract.shortfall != "damages" or rate == 0.0 or level.sure:
        return ()
    scaled = tuple((rate * value, name) for value, name in short(column, level))
    if level.chord is not None:
        if len(factors(case, column)) > 1:
            return scaled
        worst = np.maximum(rate * (1.0 - level.chord[0] / np.array(level.strikes)), _ALIKE)
        return tuple((value * np.minimum(1.0, cap / worst), name) for value, name in scaled)
    capped = _capped(case, contract, column, level)
    if capped is None or level.excess is None:
        return scaled
    one = np.ones(case.horizon.periods)
    above = (rate * one, excess_of(*level.excess))
    return ((cap * one, ONE), above, (-rate * capped / level.strikes[0] * one, excess_of(level.excess[0], capped)))


def _capped(case: Case, contract: Contract, column: str, level: Level) -> float | None:
    """The availability below which damages reach their cap; None where they never do."""
    strike = level.strikes[0] * (1.0 - contract.damages_cap / contract.damages)
    limits = bounds(case, column)
    return strike if strike > (0.0 if limits is None else max(limits[0], 0.0)) + _ALIKE else None


def excesses(case: Case) -> tuple[tuple[str, float], ...]:
    """Drivers and the strikes above which they must be shown, for contracts to be served from the case's systems."""
    wanted: dict[tuple[str, float], None] = {}
    for contract in case.contract:
        for column in varying(case):
            for level in (backing(case, column), *spare(case, column)):
                if level.excess is None:
                    continue
                wanted[level.excess] = None
                if contract.shortfall == "damages" and contract.damages > 0.0:
                    strike = _capped(case, contract, column, level)
                    if strike is not None:
                        wanted[level.excess[0], strike] = None
    return tuple(wanted)
