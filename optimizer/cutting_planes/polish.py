"""Among plans whose objective is as good as certified, one of the highest value.

A linear program that maximises compute does not care about money left over: it may raise funds to hold them. Polishing
maximises the secondary objective under a floor on the primary one, by the same in-out cutting planes. Points on the
floor of the certified objective touch the risk limits; the floor lies below it by what polishing may cost, so a
small step from the certified plan towards a deep interior point is inside both the floor and the limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...kernels.vectors import LossVector
from ..arrays import FloatArray
from .highs import SolverError, Unbounded
from .in_out import Inside, in_out
from .master import Infeasible, Master
from .oracle import Rows, Sample
from .progress import Monitor, relative_gap
from .settings import Settings
from .solution import Evaluation

if TYPE_CHECKING:
    from .incumbent import Incumbent


WORTHWHILE = 1e-6  # least relative gain of value for which a plan is replaced
ROUNDS = 3  # on working sets, each with a full pass after it
MOST_SHARE = 0.5  # of the way to the deep point that polishing may begin at


@dataclass(frozen=True)
class Better:
    """plan: the plan that replaces the certified one, or None. value_bound: no plan whose objective is within what
    polishing may cost is worth more; infinite if that is not known.
    """

    plan: Evaluation | None = None
    value_bound: float = math.inf
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Polished:
    """x: (columns,) the plan, worth `value`; moved: clearly more than the start. value_bound: no plan above the floor
    is worth more.
    """

    x: FloatArray
    value: float
    moved: bool
    value_bound: float


def polished(
    master: Master, sample: Sample, rows: Rows, found: Incumbent, settings: Settings, monitor: Monitor
) -> Better:
    """The plan of highest value that is certified still, from the certified one in `found`.

    rows: the working set of the search. A plan counts once all scenarios have confirmed it.
    """
    certified = found.plan
    if certified is None:
        return Better()
    size = max(1e-9, abs(master.primary(certified.x)))
    room = settings.gap - relative_gap(monitor.upper, master.primary(certified.x))
    slack = size * min(settings.polish_slack, 0.99 * room)
    if slack <= 0.1 * settings.polish_slack * size:
        return Better()
    deep, depths = certified.x, np.zeros(0)
    if rows.weights:
        if not found.measure_deep() or found.deep is None or found.deep_values is None:
            return Better(messages=("not polished: no point lies clearly inside the risk limits",))
        deep, depths = found.deep, found.deep_values
    plan, bound, gap = certified, math.inf, settings.polish_gap

    def value(one: Evaluation) -> float:
        return float(master.program.value @ one.x) + master.program.value_offset

    def evaluated(x: FloatArray) -> tuple[Evaluation, Sequence[LossVector]]:
        losses = sample.all.losses(master.decisions(x))
        return found.measured(x, losses), losses

    try:
        for _ in range(ROUNDS):
            best = polish(master, rows, certified.x, deep, slack, gap, settings.solves, monitor)
            bound = min(bound, best.value_bound)
            if not best.moved:
                break
            candidate, losses = evaluated(best.x)
            if not found.feasible(candidate):
                share = inner_share(candidate.values, depths, np.asarray(master.limits))
                candidate, _ = evaluated(deep + share * (best.x - deep))
            kept = relative_gap(monitor.upper, master.primary(candidate.x)) <= settings.gap
            if kept and found.feasible(candidate) and value(candidate) > value(plan):
                plan = candidate
            if rows.complete or value(plan) >= best.value - gap * abs(best.value):
                break
            rows = sample.worst(losses, settings.tail_multiple, rows)
    except (SolverError, Infeasible) as fault:
        return Better(None if plan is certified else plan, bound, (f"not polished: {fault}",))
    return Better(None if plan is certified else plan, bound)


def polish(
    master: Master,
    rows: Rows,
    plan: FloatArray,
    deep: FloatArray,
    slack: float,
    gap: float,
    solves: int,
    monitor: Monitor,
) -> Polished:
    """Maximise the value on `rows`, starting at the certified `plan`, losing at most `slack` (absolute) of the
    objective.

    deep: an interior point over all scenarios. Leaves the master at the value aim.
    """
    objective = master.primary(plan)
    master.aim_value(objective - slack)
    first, bound = master.objective(plan), np.inf
    if not rows.weights:
        point = master.solve()
        monitor.tell("polish")
        best, bound = point.x, point.bound
    else:
        begin = plan + inward(objective - master.primary(deep), slack) * (deep - plan)

        def tell(_: float) -> None:
            monitor.tell("polish")

        inside = Inside(begin, tuple(rows.losses(master.decisions(begin))))
        try:
            found = in_out(master, rows, inside, gap, solves, tell)
        except Unbounded:
            raise
        except SolverError:  # limits held deep beside the floor leave little room, which is hard on simplex
            master.aim_value(objective - slack)
            found = in_out(master, rows, inside, gap, solves, tell, deep=False)
        best, bound = found.best, found.bound
    value = master.objective(best)
    return Polished(best, value, value - first > WORTHWHILE * max(1e-9, abs(first)), float(bound))


def inward(cost: float, slack: float) -> float:
    """Share of the way from a plan to an interior point, which loses `cost` of the objective over its whole length,
    that loses 0.9 of `slack` at most.
    """
    return MOST_SHARE if MOST_SHARE * cost <= 0.9 * slack else 0.9 * slack / cost


def inner_share(values: FloatArray, deep_values: FloatArray, limits: FloatArray) -> float:
    """Share of the way from an interior point to a point of the given CVaRs that convexity proves feasible."""
    out = values > limits
    if not out.any():
        return 1.0
    return float(((limits - deep_values)[out] / (values - deep_values)[out]).min()) * (1.0 - 1e-12)
