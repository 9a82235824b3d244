"""What replications say together: means with standard errors, Student's intervals, and their tables.

Student's t with n - 1 degrees of freedom, for n independent replications of about normal figures: the interval of the
mean is mean ± t s / sqrt(n), that of one more replication mean ± t s sqrt(1 + 1/n) (Law 2015, Simulation modeling and
analysis, 5th ed., ch. 4 and 9). The gap's is one-sided, from 0 to mean + t s / sqrt(n) (Mak, Morton & Wood 1999,
doi:10.1016/S0167-6377(98)00054-6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from ..cutting_planes.solution import Solution, Status
from ..plan import Estimate, LimitReplicated, Plan, Replication, Replications, RiskFigure
from ..setup.prepare import PlanningProblem
from ..table import Cell, Column, Table
from .scenario_names import REPLICATED_PRICES, REPLICATIONS, Replicated, ReplicatedPrices, cvar_of, price_of
from .shadow_prices import limits_of, named, ranked
from .tabulate import long

LEVEL = 0.95
KEPT = 1e-9  # relative to a limit: rounding


def estimate(values: Sequence[float], one_sided: bool = False) -> Estimate | None:
    """Mean, standard error and 95 % interval of independent values; None for fewer than two of them.

    one_sided: of values that cannot be negative, from 0 to where the mean is below with 95 % confidence.
    """
    count = len(values)
    if count < 2:
        return None
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(count)
    wide = _t(count, LEVEL if one_sided else 0.5 * (1.0 + LEVEL)) * error
    return Estimate(mean, error, 0.0 if one_sided else mean - wide, mean + wide)


def spread(values: Sequence[float]) -> float | None:
    """Half width of the 95 % interval, about their mean, of one more value; None for fewer than two of them."""
    count = len(values)
    if count < 2:
        return None
    deviation = float(np.std(values, ddof=1))
    return _t(count, 0.5 * (1.0 + LEVEL)) * deviation * math.sqrt(1.0 + 1.0 / count)


def _t(count: int, level: float) -> float:
    return float(stdtrit(count - 1, level))


def summed_up(asked: int, each: Sequence[Replication], risk: Sequence[RiskFigure]) -> Replications:
    """All figures of the replications together; optimum, gap and prices are those of the certified ones."""
    certified = [one for one in each if one.status is Status.CERTIFIED]
    optima = [0.5 * (one.lower + one.upper) for one in certified if one.lower is not None and one.upper is not None]
    gaps = [one.gap for one in certified if one.gap is not None]
    limits = []
    for m, figure in enumerate(risk):
        values = [one.cvars[m] for one in each]
        name = named("risk", (figure.name,))
        limits.append(
            LimitReplicated(
                name=figure.name,
                limit=figure.limit,
                unit=figure.unit,
                cvar=estimate(values),
                kept=sum(value <= figure.limit + KEPT * abs(figure.limit) for value in values),
                price=estimate([one.prices.get(name, 0.0) for one in certified]),
            )
        )
    return Replications(
        asked=asked,
        each=tuple(each),
        certified=len(certified),
        infeasible=sum(one.status is Status.INFEASIBLE for one in each),
        optimum=estimate(optima),
        spread=spread(optima),
        gap=estimate(gaps, one_sided=True),
        limits=tuple(limits),
    )


def with_replications(
    plan: Plan,
    ready: PlanningProblem,
    solution: Solution,
    asked: int,
    each: Sequence[Replication],
    messages: Sequence[str] = (),
) -> Plan:
    """The plan with its replications: their figures, tables and evidence. The plan as it was where it has none."""
    if solution.columns is None:
        return plan
    found = summed_up(asked, each, plan.risk)
    tables = {
        REPLICATIONS: _replications_table(plan, each),
        REPLICATED_PRICES: _prices_table(plan, ready, solution, each),
    }
    evidence = None if plan.evidence is None else replace(plan.evidence, replications=tuple(each))
    said = (*messages, *_remarks(found))
    return replace(
        plan,
        replications=found,
        tables={**plan.tables, **tables},
        evidence=evidence,
        messages=(*plan.messages, *said),
    )


def _remarks(found: Replications) -> tuple[str, ...]:
    out = []
    short = len(found.each) - found.certified - found.infeasible
    if found.infeasible:
        out.append(
            f"no plan meets the limits on {found.infeasible} of {len(found.each)} other sets of scenarios: figures of "
            "the optimum are those of the others, and the limits are too tight for so few scenarios"
        )
    if short:
        out.append(f"{short} of {len(found.each)} replications stopped short of the gap and are not counted")
    return tuple(out)


def _replications_table(plan: Plan, each: Sequence[Replication]) -> Table:
    """A row per replication."""
    unit = plan.objective_unit
    columns = (
        Column(Replicated.SEED, "", "text"),  # up to 2^64 - 1, which no double holds
        Column(Replicated.STATUS),
        Column(Replicated.LOWER, unit, "number"),
        Column(Replicated.UPPER, unit, "number"),
        Column(Replicated.PLAN, unit, "number"),
        Column(Replicated.GAP, unit, "number"),
        *(Column(cvar_of(figure.name), figure.unit, "number") for figure in plan.risk),
        *(Column(price_of(figure.name), f"{unit} per {figure.unit}", "number") for figure in plan.risk),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            str(one.seed), one.status.value, one.lower, one.upper, one.objective, one.gap, *one.cvars,
            *(one.prices.get(named("risk", (figure.name,)), 0.0) if one.prices else None for figure in plan.risk),
        )
        for one in each
    ]  # fmt: skip
    title = f"The case planned again on {len(each)} other sets of {plan.scenarios.count:,} scenarios"
    return long(REPLICATIONS, title, columns, rows)


def _prices_table(plan: Plan, ready: PlanningProblem, solution: Solution, each: Sequence[Replication]) -> Table:
    """A row per shadow price of the plan: the same over the certified replications."""
    certified = [one for one in each if one.status is Status.CERTIFIED]
    unit = plan.objective_unit
    columns = (
        Column(ReplicatedPrices.RULE),
        Column(ReplicatedPrices.LIMIT),
        Column(ReplicatedPrices.WHERE),
        Column(ReplicatedPrices.PER, "", "number"),
        Column(ReplicatedPrices.UNIT),
        Column(ReplicatedPrices.PRICE, unit, "number"),
        Column(ReplicatedPrices.MEAN, unit, "number"),
        Column(ReplicatedPrices.ERROR, unit, "number"),
        Column(ReplicatedPrices.FROM, unit, "number"),
        Column(ReplicatedPrices.TO, unit, "number"),
        Column(ReplicatedPrices.BINDS, "replications", "count"),
    )
    rows: list[tuple[Cell, ...]] = []
    for name, price in ranked(limits_of(ready.program, solution), plan.risk, ready.case.horizon.labels):
        values = [one.prices.get(name, 0.0) for one in certified]
        found = estimate(values)
        figures: tuple[Cell, ...] = (
            (None,) * 4 if found is None else (found.mean, found.standard_error, found.ci_low, found.ci_high)
        )
        binding = sum(value != 0.0 for value in values)
        rows.append((price.rule, price.title, price.index, price.per, price.unit, price.price, *figures, binding))
    title = f"Shadow prices over {len(certified)} other sets of scenarios ({unit})"
    return long(REPLICATED_PRICES, title, columns, rows)
