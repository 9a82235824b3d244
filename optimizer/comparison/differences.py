"""The figures in which variants differ, and the tables that put them side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...models.ledger import Account
from ...models.schema.case import Case
from ..analysis.expected import Amounts
from ..analysis.funding_cost import cost_of_funding
from ..analysis.funding_tables import FUNDED
from ..analysis.tabulate import long
from ..arrays import FloatArray
from ..plan import Plan
from ..table import BILLION, Cell, Column, Table, Tables
from .names import COMPARISON, COST_BY_INSTRUMENT, LIMITS, MILESTONES, Costs, Limits, Milestones, Variants, times

PARTS = (0.25, 0.5, 0.75)
SOME = 1e-6  # billion: less is rounding


@dataclass(frozen=True)
class Outcome:
    """One variant: its plan, and what is compared.

    Attributes:
        capacity: (T,) expected compute in service, PFLOP/s; None without a plan.
        cost: all-in yearly cost of the money raised, None where none was.
        costs: the same by instrument.
        wall: largest expected repayment in one year within the horizon, billion.
    """

    name: str
    title: str
    plan: Plan
    capacity: FloatArray | None
    cost: float | None
    costs: Mapping[str, float | None]
    wall: float | None

    def reached(self, milestone: float) -> int | None:
        """First period with that much compute in service; None where it is never reached."""
        if self.capacity is None:
            return None
        there = np.flatnonzero(self.capacity >= milestone * (1.0 - 1e-9))
        return int(there[0]) if there.size else None


def outcome(name: str, title: str, plan: Plan, amounts: Amounts | None) -> Outcome:
    """The figures of one variant; `amounts` is None where it has no plan."""
    if amounts is None:
        return Outcome(name, title, plan, None, None, {}, None)
    raised: dict[str, float] = {}
    for decision, amount in amounts.decisions(*FUNDED):
        raised[decision.tags["instrument"]] = raised.get(decision.tags["instrument"], 0.0) + amount
    used = [i for i, face in raised.items() if face > SOME]
    return Outcome(
        name=name,
        title=title,
        plan=plan,
        capacity=amounts.of(Account.COMPUTE),
        cost=cost_of_funding(amounts) if used else None,
        costs={i: cost_of_funding(amounts, i) for i in used},
        wall=maturity_wall(amounts),
    )


def maturity_wall(amounts: Amounts) -> float:
    """Largest expected repayment in any year that lies in the horizon, billion."""
    due = -amounts.of(Account.PRINCIPAL)
    span = min(amounts.case.horizon.per_year, due.size)
    return float(np.convolve(due, np.ones(span), mode="valid").max())


def milestones_of(outcomes: Sequence[Outcome]) -> tuple[float, ...]:
    """Three figures of two digits between compute in service at the start and the most that any variant reaches."""
    known = [one.capacity for one in outcomes if one.capacity is not None]
    if not known:
        return ()
    low, high = min(float(c[0]) for c in known), max(float(c.max()) for c in known)
    return tuple(dict.fromkeys(_rounded(low + part * (high - low)) for part in PARTS))


def _rounded(value: float) -> float:
    """`value` with two significant digits."""
    if value <= 0.0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(value / unit) * unit


def tables(case: Case, outcomes: Sequence[Outcome], reference: str, milestones: Sequence[float]) -> Tables:
    """The tables comparison, milestones, limits and cost_by_instrument."""
    made = (
        _comparison(outcomes, reference),
        _milestones(case, outcomes, milestones),
        _limits(outcomes),
        _costs(outcomes),
    )
    return Tables({table.name: table for table in made})


def _comparison(outcomes: Sequence[Outcome], reference: str) -> Table:
    base = next((o.plan.objective_value for o in outcomes if o.name == reference), math.nan)
    unit = outcomes[0].plan.objective_unit
    columns = (
        Column(Variants.VARIANT),
        Column(Variants.TITLE),
        Column(Variants.STATUS),
        Column(Variants.OBJECTIVE, unit, "number"),
        Column(times(reference), "", "number"),
        Column(Variants.GAP, "", "number"),
        Column(Variants.RAISED, BILLION, "money"),
        Column(Variants.COST, "per year", "rate"),
        Column(Variants.WALL, BILLION, "money"),
        Column(Variants.CIRCULAR, "", "share"),
        Column(Variants.CIRCULATING, "", "share"),
        Column(Variants.EXPECTED, BILLION, "money"),
        Column(Variants.TAIL, BILLION, "money"),
        Column(Variants.OUTSIDE, "", "share"),
        Column(Variants.BY_CIRCULAR, "", "share"),
        Column(Variants.DEFAULT, "", "share"),
        Column(Variants.WHY),
    )
    rows: list[tuple[Cell, ...]] = []
    for one in outcomes:
        plan, borne = one.plan, one.plan.loss_allocation
        head: tuple[Cell, ...] = (one.name, one.title, plan.status.value)
        if one.capacity is None or plan.certificate is None:
            reason = plan.infeasibility.reason if plan.infeasibility is not None else "; ".join(plan.messages)
            rows.append((*head, *(None,) * (len(columns) - 4), reason))
            continue
        tail: tuple[Cell, ...] = (None,) * 5
        if borne is not None:
            tail = (borne.expected, borne.cvar, borne.outside_share, borne.circular_share, borne.default_probability)
        relative = plan.objective_value / base if base > 0.0 else None
        funds = plan.funding
        rows.append(
            (*head, plan.objective_value, relative, plan.certificate.gap, funds.total, one.cost, one.wall,
             funds.circular_share, funds.circulating_share, *tail, "; ".join(plan.messages))
        )  # fmt: skip
    return long(COMPARISON, "Variants side by side", columns, rows)


def _milestones(case: Case, outcomes: Sequence[Outcome], milestones: Sequence[float]) -> Table:
    columns = (
        Column(Milestones.VARIANT),
        Column(Milestones.COMPUTE, "PFLOP/s", "number"),
        Column(Milestones.PERIOD),
        Column(Milestones.PERIODS, "periods", "count"),
    )
    rows: list[tuple[Cell, ...]] = []
    for one in outcomes:
        for mark in milestones:
            t = one.reached(mark)
            rows.append((one.name, mark, None if t is None else case.horizon.label(t), t))
    return long(MILESTONES, "When compute in service reaches a mark; empty: never", columns, rows)


def _limits(outcomes: Sequence[Outcome]) -> Table:
    columns = (
        Column(Limits.VARIANT),
        Column(Limits.LIMIT),
        Column(Limits.LEVEL, "", "share"),
        Column(Limits.CVAR, "", "number"),
        Column(Limits.MAXIMUM, "", "number"),
        Column(Limits.UNIT),
        Column(Limits.PRICE, "objective per unit", "number"),
    )
    rows: list[tuple[Cell, ...]] = [
        (one.name, f.name, f.level, f.value, f.limit, f.unit, f.price) for one in outcomes for f in one.plan.risk
    ]
    return long(LIMITS, "Risk limits", columns, rows)


def _costs(outcomes: Sequence[Outcome]) -> Table:
    columns = (
        Column(Costs.VARIANT),
        Column(Costs.INSTRUMENT),
        Column(Costs.FACE, BILLION, "money"),
        Column(Costs.COST, "per year", "rate"),
    )
    rows: list[tuple[Cell, ...]] = []
    for one in outcomes:
        faces = one.plan.funding.by_instrument
        rows += [
            (one.name, i, faces.get(i, 0.0), one.costs.get(i))
            for i in sorted(one.costs, key=lambda i: -faces.get(i, 0.0))
        ]
    return long(COST_BY_INSTRUMENT, "Capital raised and its all-in cost, fees included", columns, rows)
