"""Covenants: value and headroom on the expected path, breaches and headroom over the scenarios, and what a tightening
step costs.

All figures come from the same headroom, level + limit × slope, that makes the rows and the losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...kernels.backend import Backend, ScenarioStore
from ...models.blocks.figures import Figure, spelled_out
from ...models.blocks.headroom import Headroom, name_of, whose
from ...models.blocks.rules import covenant as covenant_rule
from ...models.flows import expected
from ...models.program import Index
from ...models.schema.rules import Covenant
from ..arrays import FloatArray
from ..reviews.tree import index_in
from ..setup.exposures import MeasuredLoss
from ..setup.risk_losses import Shortfall, tested, value_of
from ..table import BILLION, Cell, Column, Table
from .expected import Amounts, View
from .names import COVENANT_BREACHES, COVENANT_RISK, COVENANTS, FIRST_ORDER, CovenantBreaches, CovenantRisk, Covenants
from .review_names import NODE
from .tabulate import long, rounded_off

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

CHUNK = 1 << 15
FAN_SCENARIOS = 1 << 17
FIFTH = 0.05
NOTHING = 1e-9
BREACH = 1e-9
"""Part of a covenant's size, its largest expected level or requirement, below which a shortfall is rounding."""


@dataclass(frozen=True)
class Prices:
    """Objective gained per unit more room: by name of every row, and by name of the risk limit."""

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
    """A covenant over the scenarios. Arrays by period tested, in the order of `times`.

    probability: share of the scenarios in which it is breached at all. first, breached: shares whose first breach falls
    into the period, and that are in breach then. fifth: 5th percentile of the headroom. worst_fifth: that of the least
    headroom of each scenario. Headroom in billions; without end where nothing is due and so nothing tested.
    """

    times: tuple[int, ...]
    probability: float
    first: FloatArray
    breached: FloatArray
    fifth: FloatArray
    worst_fifth: float

    def median_first(self) -> int | None:
        """Period by which half of the scenarios that breach it have done so; None where none does."""
        if self.probability <= 0.0:
            return None
        return self.times[int(np.searchsorted(np.cumsum(self.first), 0.5 * self.probability - 1e-12))]


AHEAD = ("llcr", "maturity_wall")
"""Kinds that count what comes after the period in which they are tested."""


def covenants(amounts: Amounts) -> Table:
    """The table covenants, on the expected path, of each node of a plan that adapts. Where nothing is due there is no
    test: empty cells.
    """
    rows: list[tuple[Cell, ...]] = []
    nodes = len(amounts.paths) > 1
    for covenant in amounts.case.covenant:
        for view in amounts.views(covenant.kind in AHEAD):
            for test in amounts.covenant_tests[covenant.id]:
                for t, row in _on_view(view, covenant, test):
                    cells = (covenant.id, covenant.kind, test.of, amounts.labels[t], *row, covenant.as_)
                    rows.append((*cells, view.node) if nodes else cells)
    columns = (
        Column(Covenants.COVENANT),
        Column(Covenants.KIND),
        Column(Covenants.OF),
        Column(Covenants.PERIOD),
        Column(Covenants.VALUE, "", "number"),
        Column(Covenants.LIMIT, "", "number"),
        Column(Covenants.HEADROOM, "", "number"),
        Column(Covenants.MONEY, BILLION, "money"),
        Column(Covenants.TREATMENT),
        *((Column(NODE),) if nodes else ()),
    )
    return long(COVENANTS, "Covenants on the expected path", columns, rows)


def _on_view(view: View, covenant: Covenant, test: Headroom) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    """Period; value, limit, headroom and headroom in billions of a test, where it is looked at from a node."""
    level, slope = (seen(view, f, test) for f in (test.level, test.slope))
    values = value_of(test, level, slope)
    money = level + covenant.limit * slope
    applies = _applies(view, test)
    sign = -1.0 if covenant.at_least else 1.0
    for i, t in enumerate(test.times):
        if not view.alive[t]:
            continue
        value = float(values[i]) if np.isfinite(values[i]) and applies[i] else None
        headroom, billions = None, None
        if value is not None:
            headroom = rounded_off(sign * (covenant.limit - value), covenant.limit, value)
        if applies[i]:
            billions = rounded_off(float(money[i]), float(level[i]), float(covenant.limit * slope[i]))
        yield t, (value, covenant.limit, headroom, billions)


def seen(view: View, figure: Figure, test: Headroom) -> FloatArray:
    """(times,) expected amount of a figure at the plan, billion, where it is looked at from a node; 0 elsewhere."""
    total = np.zeros(len(test.times))
    for weight, amounts, mask in view.parts:
        here = on_path(amounts, test.covenant.entity, figure, test)
        if weight == 1.0 and mask.all():
            return here
        total += np.where(mask[list(test.times)], weight * here, 0.0)
    return total


def on_path(amounts: Amounts, entity: str | None, figure: Figure, test: Headroom) -> FloatArray:
    """(times,) expected amount of a figure at the plan, billion."""
    case, ledger, times = amounts.case, amounts.ledger, list(test.times)
    spelled = spelled_out(case, ledger, entity, figure, amounts.deposit_rates)
    flow = expected(ledger, spelled.flows, amounts.means, times) @ amounts.decided
    return np.asarray(flow + spelled.constant[times])


def _applies(view: View, test: Headroom) -> BoolArray:
    """(times,) whether the test applies at the plan: something is due, where that is asked."""
    if test.due is None:
        return np.ones(len(test.times), dtype=np.bool_)
    due = seen(view, test.due, test)
    there = np.array([t not in test.untested for t in test.times], dtype=np.bool_)
    return np.asarray(there & (due > NOTHING))


def untested(amounts: Amounts) -> tuple[str, ...]:
    """In words, where the calendar lets a test of cover go, since nothing may fall due."""
    names: dict[str, list[int]] = {}
    for name, t in sorted(amounts.nothing_due):
        names.setdefault(name, []).append(t)
    found = []
    for name, times in names.items():
        label = [amounts.labels[t] for t in times]
        span = label[0] if len(label) == 1 else f"{len(label)} periods from {label[0]} to {label[-1]}"
        found.append(
            f"{name} is not tested in {span}, where the plan keeps free of what it would be held against; the calendar "
            "was chosen on the expected path without risk limits, and the certificate holds for it"
        )
    return tuple(found)


def over_scenarios(
    amounts: Amounts,
    backend: Backend,
    store: ScenarioStore,
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
        found = breaches(amounts, backend, store, one)
        price = (steps or {}).get(covenant.id) or first_order(amounts, backend, store, one, prices)
        first = found.median_first()
        summary.append(
            (
                covenant.id,
                covenant.kind,
                covenant.as_,
                whose(amounts.case, covenant) or "",
                covenant.limit,
                found.probability,
                None if first is None else amounts.labels[first],
                _finite(found.worst_fifth),
                covenant.step,
                price.cost,
                price.how,
            )
        )
        for i, t in enumerate(found.times):
            shares = (float(found.first[i]), float(found.breached[i]), _finite(float(found.fifth[i])))
            periods.append((covenant.id, amounts.labels[t], *shares))
    count = f"{store.count:,} scenarios"
    head = (
        Column(CovenantRisk.COVENANT),
        Column(CovenantRisk.KIND),
        Column(CovenantRisk.TREATMENT),
        Column(CovenantRisk.ENTITY),
        Column(CovenantRisk.LIMIT, "", "number"),
        Column(CovenantRisk.BREACHED, "", "share"),
        Column(CovenantRisk.FIRST),
        Column(CovenantRisk.MINIMUM, BILLION, "money"),
        Column(CovenantRisk.STEP, "", "number"),
        Column(CovenantRisk.COST, objective_unit, "number"),
        Column(CovenantRisk.PRICED),
    )
    each = (
        Column(CovenantBreaches.COVENANT),
        Column(CovenantBreaches.PERIOD),
        Column(CovenantBreaches.FIRST, "", "share"),
        Column(CovenantBreaches.BREACHED, "", "share"),
        Column(CovenantBreaches.HEADROOM, BILLION, "money"),
    )
    return {
        COVENANT_RISK: long(COVENANT_RISK, f"Covenants over {count}", head, summary),
        COVENANT_BREACHES: long(COVENANT_BREACHES, f"Covenants over {count}, by period", each, periods),
    }


def shortfall_at(amounts: Amounts, covenant: Covenant, by: float = 0.0) -> Shortfall:
    """The shortfall of a covenant at its limit, or at one that is higher `by` an amount."""
    tests = amounts.covenant_tests[covenant.id]
    return tested(amounts.case, amounts.ledger, amounts.deposit_rates, covenant, tests, covenant.limit + by)


def breaches(amounts: Amounts, backend: Backend, store: ScenarioStore, one: Shortfall) -> Breaches:
    """What the scenarios do to a covenant at the plan. Percentiles per period take the first 131,072 at most.

    A test of cover does not apply in a scenario in which nothing is due, e.g. as a market was shut.
    """
    times = tuple(dict.fromkeys(t for _, t in one.rows))
    if not times:
        nothing = np.zeros(0)
        return Breaches((), 0.0, nothing, nothing, nothing, np.inf)
    exposure = amounts.exposure(one.measured)
    column = np.array([times.index(t) for _, t in one.rows], dtype=np.int32)
    surely = one.due is None or all(surely_due(one.due, path.decided) for path in amounts.paths)
    owing = None if one.due is None or surely else amounts.exposure(one.due)
    short = BREACH * _size(one, exposure)
    few = min(store.count, FAN_SCENARIOS)
    early = backend.foremost(store, few)
    if owing is None:
        kept = np.concatenate([_rooms(backend, store, one, exposure, owing, early[rows]) for rows in _chunks(few)])
        worst, counts = backend.breaches(store, one.measured.table, exposure, column, short)
        first, breached, least = counts.first, counts.any, backend.quantile(worst, FIFTH)
    else:
        first, breached = np.zeros((2, len(times)), dtype=np.int64)
        lowest, kept_parts = [], []
        for rows in _chunks(store.count):
            room = _rooms(backend, store, one, exposure, owing, rows)
            below = room < -short
            first += np.bincount(below[below.any(axis=1)].argmax(axis=1), minlength=len(times))
            breached += below.sum(axis=0)
            lowest.append(room.min(axis=1))
            kept_parts.append(room[np.isin(rows, early)])
        kept, least = np.concatenate(kept_parts), _fifth(np.concatenate(lowest))
    shares = first / store.count
    fifth = np.array([_fifth(v) for v in kept.T])
    return Breaches(times, float(shares.sum()), shares, breached / store.count, fifth, least)


def _rooms(
    backend: Backend,
    store: ScenarioStore,
    one: Shortfall,
    exposure: FloatArray,
    owing: FloatArray | None,
    rows: IntArray,
) -> FloatArray:
    """(rows, times) least headroom of the tests of each period; without end where none applies."""
    times = list(dict.fromkeys(t for _, t in one.rows))
    balances = backend.balances(store, one.measured.table, exposure, rows=rows).T
    held = None if owing is None or one.due is None else backend.balances(store, one.due.table, owing, rows=rows).T
    room = np.full((len(times), rows.size), np.inf)
    for i, (_, t) in enumerate(one.rows):
        at = times.index(t)
        headroom = balances[i] - one.measured.table.floor[i]
        np.minimum(room[at], headroom if held is None else np.where(held[i] > NOTHING, headroom, np.inf), out=room[at])
    return np.ascontiguousarray(room.T)


def _fifth(values: FloatArray) -> float:
    """The 5th percentile; interpolated unless values without end are among those that it lies between."""
    if np.isfinite(values).all():
        return float(np.quantile(values, FIFTH))
    return float(np.quantile(values, FIFTH, method="lower"))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def surely_due(due: MeasuredLoss, decided: FloatArray) -> bool:
    """Whether something is due in every row and scenario: what no driver moves exceeds what drivers may take off it."""
    table, exposure = due.table.terms, np.asarray(due.matrix @ decided)
    constant = np.asarray((table.factors < 0).all(axis=1))[table.atom]
    least = np.where(constant, exposure, np.minimum(exposure, 0.0))
    sums = np.add.reduceat(np.append(least, 0.0), table.start[:-1]) * (np.diff(table.start) > 0)
    return bool((sums > NOTHING).all())


def _size(one: Shortfall, exposure: FloatArray) -> float:
    return max(1.0, float(np.max(np.abs(exposure), initial=0.0)), float(np.max(np.abs(one.measured.table.floor))))


def _chunks(count: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, count, CHUNK):
        yield np.arange(first, min(first + CHUNK, count))


def tightening(covenant: Covenant) -> float:
    """What a tightening step adds to the limit."""
    return covenant.step if covenant.at_least else -covenant.step


def kept_when_tightened(amounts: Amounts, backend: Backend, store: ScenarioStore, one: Shortfall) -> bool:
    """Whether the plan as it is would keep the covenant with its limit a step tighter: then the step costs nothing."""
    covenant = one.covenant
    if covenant.as_ == "maintained":
        for view in amounts.views(covenant.kind in AHEAD):
            for test in amounts.covenant_tests[covenant.id]:
                level, slope = (seen(view, f, test) for f in (test.level, test.slope))
                required = (covenant.limit + tightening(covenant)) * slope
                short = level + required < -BREACH * np.maximum(1.0, np.maximum(np.abs(level), np.abs(required)))
                here = (t not in test.untested and view.alive[t] for t in test.times)
                if any(below and tested_here for below, tested_here in zip(short, here, strict=True)):
                    return False
        return True
    tighter = shortfall_at(amounts, covenant, tightening(covenant))
    return _cvar(amounts, covenant, backend, store, tighter) <= BREACH * _size(
        tighter, amounts.exposure(tighter.measured)
    )


def first_order(amounts: Amounts, backend: Backend, store: ScenarioStore, one: Shortfall, prices: Prices) -> StepPrice:
    """What a tightening step costs by the prices of the plan; not priced where these say nothing and the plan would
    break the tighter limit.

    By the envelope theorem: hard, the sum over its rows of price × what a step takes off their headroom at the plan;
    over the scenarios, the limit's price × what a step adds to the CVaR of the shortfall.
    """
    covenant, cost, rule = one.covenant, 0.0, covenant_rule(one.covenant)
    if covenant.as_ == "monitored":
        return StepPrice(None, "")
    if kept_when_tightened(amounts, backend, store, one):
        return StepPrice(0.0, "within headroom")
    step = tightening(covenant)
    if covenant.as_ == "maintained":
        for view in amounts.views(covenant.kind in AHEAD):
            for test in amounts.covenant_tests[covenant.id]:
                slope = seen(view, test.slope, test)
                for i, t in enumerate(test.times):
                    if t in test.untested or not view.alive[t]:
                        continue
                    name = index_in(Index.read(f"{rule.name}[{test.index(amounts.labels[t])}]"), view.node).name
                    cost -= prices.rows[name] * step * float(slope[i])
    elif price := prices.risks[name_of(covenant)]:
        tighter = shortfall_at(amounts, covenant, step)
        worse = [_cvar(amounts, covenant, backend, store, each) for each in (tighter, one)]
        cost = price * (worse[0] - worse[1])
    return StepPrice(cost, FIRST_ORDER) if cost > 0.0 else StepPrice(None, "not priced")


def _cvar(amounts: Amounts, covenant: Covenant, backend: Backend, store: ScenarioStore, one: Shortfall) -> float:
    losses = backend.losses(store, [one.measured.table], [amounts.exposure(one.measured)])[0]
    return backend.tail(losses, covenant.level or 0.0).cvar
