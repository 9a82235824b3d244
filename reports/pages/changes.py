"""The changes of the financing study: one input of a case made better or worse, everything else as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...models.schema.case import Case
from ...models.schema.drivers import Driver, LogOU, TwoRegime
from ...models.schema.financing import Instrument
from ...models.schema.variants import Variant


@dataclass(frozen=True)
class Change:
    """A change. `make` gives the changed case, or None where it does not apply."""

    title: str
    meaning: str
    make: Callable[[Case], Case | None]


def _depth(factor: float) -> Callable[[Case], Case]:
    def scaled(instrument: Instrument) -> Instrument:
        return replace(
            instrument,
            depth=tuple(
                replace(d, steps=tuple(replace(s, size=s.size * factor) for s in d.steps)) for d in instrument.depth
            ),
        )

    def make(case: Case) -> Case:
        # what an investor may hold in all stays: it counts what it holds already
        investors = tuple(
            replace(i, issuance_capacity=tuple(a * factor for a in i.issuance_capacity)) for i in case.investor
        )
        return replace(case, instrument=tuple(scaled(i) for i in case.instrument), investor=investors)

    return make


def _rental(shift: float) -> Callable[[Case], Case]:
    def moved(driver: Driver) -> Driver:
        if driver.id == "rental" and isinstance(driver, TwoRegime):
            return replace(driver, drift=tuple(d + shift for d in driver.drift))
        return driver

    return lambda case: replace(case, driver=tuple(moved(d) for d in case.driver))


def _spreads(factor: float) -> Callable[[Case], Case]:
    """Spread drivers start and stay at `factor` times their level; fixed margins over a benchmark grow as much."""

    def moved(driver: Driver) -> Driver:
        if isinstance(driver, LogOU) and driver.id.startswith("oas"):
            return replace(driver, start=driver.start * factor, mean=tuple(m * factor for m in driver.mean))
        return driver

    def dearer(instrument: Instrument) -> Instrument:
        floats = instrument.benchmark is not None and instrument.spread_driver is None and instrument.margin > 0.0
        return replace(instrument, margin=instrument.margin * factor) if floats else instrument

    return lambda case: replace(
        case, driver=tuple(moved(d) for d in case.driver), instrument=tuple(dearer(i) for i in case.instrument)
    )


def _limit(loss: str, factor: float) -> Callable[[Case], Case]:
    """The limit of one kind of loss, times `factor`. The case's variants set others, which stay."""
    return lambda case: replace(
        case, risk=tuple(replace(r, limit=r.limit * factor) if r.loss == loss else r for r in case.risk)
    )


def _no_cap(case: Case) -> Case | None:
    """All variants without a cap on circular financing; None where there is none."""
    if case.circularity.cap >= 1.0:
        return None

    def freed(variant: Variant) -> Variant:
        kept = tuple((path, value) for path, value in variant.set if path != "circularity.cap")
        return replace(variant, set=kept)

    free = replace(case.circularity, cap=1.0)
    return replace(case, circularity=free, variant=tuple(freed(v) for v in case.variant))


def _taken_over(share: float) -> Callable[[Case], Case]:
    """Whoever takes the systems over pays a share of what is still to be billed: no plan changes, only who loses."""
    return lambda case: replace(case, contract=tuple(replace(c, takeover_share=share) for c in case.contract))


def _richer(case: Case) -> Case:
    """Opening cash and the rest of the company's cash flow doubled."""
    cash = replace(case.cash, opening=2.0 * case.cash.opening)
    organic = case.organic
    if organic is not None:
        organic = replace(
            organic, amount=tuple(2.0 * a for a in organic.amount), ebitda=tuple(2.0 * e for e in organic.ebitda)
        )
    return replace(case, cash=cash, organic=organic)


CHANGES: tuple[Change, ...] = (
    Change("half the depth", "every investor class takes half as much in a period", _depth(0.5)),
    Change("twice the depth", "every investor class takes twice as much in a period", _depth(2.0)),
    Change("spreads doubled", "market spreads, and other margins over a benchmark, are twice as wide", _spreads(2.0)),
    Change("rentals fall faster", "the rental market drifts 20 % a year lower", _rental(-0.20)),
    Change("rentals rise", "the rental market drifts 20 % a year higher", _rental(0.20)),
    Change("net-loss limit halved", "half as much may be lost in the worst scenarios", _limit("net_loss", 0.5)),
    Change("liquidity limit halved", "half as much cash may be short in the worst scenarios", _limit("liquidity", 0.5)),
    Change("no covenants", "nobody asks for a ratio on the expected path", lambda case: replace(case, covenant=())),
    Change("twice the own cash", "opening cash and the rest of the company's cash flow are doubled", _richer),
    Change(
        "contracts are taken over",
        "a fifth of what contracts still bring is paid at a default or the end, where they are worth nothing now",
        _taken_over(0.2),
    ),
    Change("no cap on circular financing", "suppliers and customers may give any share of the funding", _no_cap),
)
