"""Covenants: value and headroom on the expected path, breaches and headroom over the futures, and what a tightening
step costs.

All figures come from the same headroom, level + limit × slope, that makes the rows and the losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.backend import Backend, Held
from ..models.blocks.headroom import Figure, Headroom, opening_cash_carried, spelled_out
from ..models.flows import expected
from ..models.schema.rules import Covenant
from .amounts import Amounts
from .plan import Cell, Column, Table
from .shortfalls import Shortfall, tested, value_of
from .tabulate import long, rounded_off

FloatArray = NDArray[np.float64]

CHUNK = 1 << 15
FAN_SCENARIOS = 1 << 17
FIFTH = 0.05
BREACH = 1e-9
"""Part of a covenant's size, its largest expected level or requirement, below which a shortfall is rounding."""


@dataclass(frozen=True)
class Prices:
    """Objective gained per unit more room: by name of the row, and by name of the risk limit."""

    rows: Mapping[str, float]
    risks: Mapping[str, float]


@dataclass(frozen=True)
class StepPrice:
    """Objective lost if a covenant's limit were its tightening step tighter; None where that is not known.

    how: "within headroom" (the plan keeps it as it is), "planned again", "first order", "no plan" (none is left),
    "not priced" (not in the time there was), or "" for a covenant that is only reported.
    """

    cost: float | None
    how: str


@dataclass(frozen=True)
class Breaches:
    """A covenant over the futures. Arrays by period tested, in the order of `times`.

    probability: share of the futures in which it is breached at all. first, breached: shares whose first breach falls
    into the period, and that are in breach then. fifth: 5th percentile of the headroom. worst_fifth: that of the least
    headroom of each future. Headroom in billions.
    """

    times: tuple[int, ...]
    probability: float
    first: FloatArray
    breached: FloatArray
    fifth: FloatArray
    worst_fifth: float

    def median_first(self) -> int | None:
        """Period by which half of the futures that breach it have done so; None where none does."""
        if self.probability <= 0.0:
            return None
        return self.times[int(np.searchsorted(np.cumsum(self.first), 0.5 * self.probability - 1e-12))]


def covenants(amounts: Amounts) -> Table:
    """The table covenants, on the expected path. A ratio over nothing is undefined: an empty cell."""
    rows: list[tuple[Cell, ...]] = []
    for covenant in amounts.case.covenant:
        for test in amounts.covenant_tests[covenant.id]:
            level, slope = (on_path(amounts, covenant.entity, f, test) for f in (test.level, test.slope))
            values = value_of(test, level, slope)
            money = level + covenant.limit * slope
            sign = -1.0 if covenant.at_least else 1.0
            for i, t in enumerate(test.times):
                value = float(values[i]) if np.isfinite(values[i]) else None
                headroom = None
                if value is not None:
                    headroom = rounded_off(sign * (covenant.limit - value), covenant.limit, value)
                label, name = amounts.labels[t], covenant.id
                rows.append(
                    (
                        name,
                        covenant.kind,
                        test.of,
                        label,
                        value,
                        covenant.limit,
                        headroom,
                        rounded_off(float(money[i]), float(level[i]), float(covenant.limit * slope[i])),
                        covenant.as_,
                    )
                )
    columns = (
        Column("covenant"),
        Column("kind"),
        Column("of"),
        Column("period"),
        Column("value", "", "number"),
        Column("limit", "", "number"),
        Column("headroom", "", "number"),
        Column("headroom in billions", "billion", "money"),
        Column("kept"),
    )
    return long("covenants", "Covenants on the expected path", columns, rows)


def on_path(amounts: Amounts, entity: str | None, figure: Figure, test: Headroom) -> FloatArray:
    """(times,) expected amount of a figure at the plan, billion."""
    case, ledger = amounts.case, amounts.ledger
    spelled = spelled_out(case, ledger, entity, figure, amounts.deposit_rates)
    flow = expected(ledger, spelled.flows, amounts.means, test.times) @ amounts.decided
    carried = opening_cash_carried(case, entity, amounts.deposit_rates)[list(test.times)]
    return np.asarray(flow + spelled.constant + spelled.cash * carried)


def over_futures(
    amounts: Amounts,
    backend: Backend,
    store: Held,
    prices: Prices,
    objective_unit: str,
    steps: Mapping[str, StepPrice] | None = None,
) -> dict[str, Table]:
    """The tables covenant_risk (a row per covenant) and covenant_breaches (a row per covenant and period).

    steps: what a tightening step costs where plans were made again; else it is priced to first order.
    """
    summary: list[tuple[Cell, ...]] = []
    periods: list[tuple[Cell, ...]] = []
    for covenant in amounts.case.covenant:
        one = shortfall_at(amounts, covenant)
        exposure = one.measured.matrix @ amounts.decided
        found = breaches(backend, store, one, exposure)
        price = (steps or {}).get(covenant.id) or first_order(amounts, backend, store, one, prices)
        first = found.median_first()
        summary.append(
            (
                covenant.id,
                covenant.kind,
                covenant.as_,
                covenant.entity or "",
                covenant.limit,
                found.probability,
                None if first is None else amounts.labels[first],
                found.worst_fifth,
                covenant.step,
                price.cost,
                price.how,
            )
        )
        for i, t in enumerate(found.times):
            shares = (float(found.first[i]), float(found.breached[i]), float(found.fifth[i]))
            periods.append((covenant.id, amounts.labels[t], *shares))
    count = f"{store.count:,} futures"
    head = (
        Column("covenant"),
        Column("kind"),
        Column("kept"),
        Column("entity"),
        Column("limit", "", "number"),
        Column("breached", "", "share"),
        Column("median first breach"),
        Column("least headroom, 5th percentile", "billion", "money"),
        Column("notch", "", "number"),
        Column("cost of a notch", objective_unit, "number"),
        Column("priced"),
    )
    each = (
        Column("covenant"),
        Column("period"),
        Column("first breach here", "", "share"),
        Column("in breach", "", "share"),
        Column("headroom, 5th percentile", "billion", "money"),
    )
    return {
        "covenant_risk": long("covenant_risk", f"Covenants over {count}", head, summary),
        "covenant_breaches": long("covenant_breaches", f"Covenants over {count}, by period", each, periods),
    }


def shortfall_at(amounts: Amounts, covenant: Covenant, by: float = 0.0) -> Shortfall:
    """The shortfall of a covenant at its limit, or at one that is higher `by` an amount."""
    tests = amounts.covenant_tests[covenant.id]
    return tested(amounts.case, amounts.ledger, amounts.deposit_rates, covenant, tests, covenant.limit + by)


def breaches(backend: Backend, store: Held, one: Shortfall, exposure: FloatArray) -> Breaches:
    """What the futures do to a covenant. Percentiles per period take the first 131,072 futures at most."""
    times = tuple(dict.fromkeys(t for _, t in one.rows))
    column = np.array([times.index(t) for _, t in one.rows], dtype=np.int32)
    worst, counts = backend.breaches(store, one.measured.table, exposure, column, BREACH * _size(one, exposure))
    kept: list[FloatArray] = []
    for rows in _chunks(min(store.count, FAN_SCENARIOS)):
        balances = np.ascontiguousarray(backend.balances(store, one.measured.table, exposure, rows=rows).T)
        headroom = np.full((len(times), rows.size), np.inf)
        for i, balance, floor in zip(column, balances, one.measured.table.floor, strict=True):
            np.minimum(headroom[i], balance - floor, out=headroom[i])
        kept.append(headroom)
    fifth = np.quantile(np.concatenate(kept, axis=1), FIFTH, axis=1)
    shares = counts.first / store.count
    least = backend.quantile(worst, FIFTH)
    return Breaches(times, float(shares.sum()), shares, counts.any / store.count, fifth, least)


def _size(one: Shortfall, exposure: FloatArray) -> float:
    return max(1.0, float(np.max(np.abs(exposure), initial=0.0)), float(np.max(np.abs(one.measured.table.floor))))


def _chunks(count: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, count, CHUNK):
        yield np.arange(first, min(first + CHUNK, count))


def tightening(covenant: Covenant) -> float:
    """What a tightening step adds to the limit."""
    return covenant.step if covenant.at_least else -covenant.step


def kept_when_tightened(amounts: Amounts, backend: Backend, store: Held, one: Shortfall) -> bool:
    """Whether the plan as it is would keep the covenant with its limit a step tighter: then the step costs nothing."""
    covenant = one.covenant
    if covenant.as_ == "hard":
        for test in amounts.covenant_tests[covenant.id]:
            level, slope = (on_path(amounts, covenant.entity, f, test) for f in (test.level, test.slope))
            required = (covenant.limit + tightening(covenant)) * slope
            if (level + required < -BREACH * np.maximum(1.0, np.maximum(np.abs(level), np.abs(required)))).any():
                return False
        return True
    tighter = shortfall_at(amounts, covenant, tightening(covenant))
    return _cvar(covenant, backend, store, tighter, amounts.decided) <= BREACH * _size(
        tighter, tighter.measured.matrix @ amounts.decided
    )


def first_order(amounts: Amounts, backend: Backend, store: Held, one: Shortfall, prices: Prices) -> StepPrice:
    """What a tightening step costs by the prices of the plan; not priced where these say nothing and the plan would
    break the tighter limit.

    By the envelope theorem: hard, the sum over its rows of price × what a step takes off their headroom at the plan;
    over the futures, the limit's price × what a step adds to the CVaR of the shortfall.
    """
    covenant, cost = one.covenant, 0.0
    if covenant.as_ == "report":
        return StepPrice(None, "")
    if kept_when_tightened(amounts, backend, store, one):
        return StepPrice(0.0, "within headroom")
    step = tightening(covenant)
    if covenant.as_ == "hard":
        for test in amounts.covenant_tests[covenant.id]:
            slope = on_path(amounts, covenant.entity, test.slope, test)
            for i, t in enumerate(test.times):
                name = f"covenant_{covenant.id}[{f'{test.of},' if test.of else ''}{amounts.labels[t]}]"
                cost -= prices.rows.get(name, 0.0) * step * float(slope[i])
    elif price := prices.risks.get(f"covenant {covenant.id}", 0.0):
        tighter = shortfall_at(amounts, covenant, step)
        worse = [_cvar(covenant, backend, store, each, amounts.decided) for each in (tighter, one)]
        cost = price * (worse[0] - worse[1])
    return StepPrice(cost, "first order") if cost > 0.0 else StepPrice(None, "not priced")


def _cvar(covenant: Covenant, backend: Backend, store: Held, one: Shortfall, decided: FloatArray) -> float:
    losses = backend.losses(store, [one.measured.table], [one.measured.matrix @ decided])[0]
    return backend.tail(losses, covenant.level or 0.0).cvar
