"""Among plans whose objective is as good as certified, one of the highest value.

A linear program that maximises compute does not care about money left over: it may raise funds to hold them. Polishing
maximises the secondary objective under a floor on the primary one. Points on the floor touch the risk limits, so
there is no interior to work from; a point may instead exceed the limits by as little as a step towards the deep
interior point repairs within the objective it may cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .master import Master
from .phase_one import violations
from .progress import Monitor
from .sample import Rows

FloatArray = NDArray[np.float64]

WIDEST = 1e-3  # most excess allowed, relative to the limits' scales
WORTHWHILE = 1e-6  # least relative gain of value for which a plan is replaced
STILL = 25  # steps without progress after which polishing ends


@dataclass(frozen=True)
class Polished:
    """x: (columns,) the plan; moved: it is worth clearly more than the start. value_bound: no plan above the floor is
    worth more.
    """

    x: FloatArray
    moved: bool
    value_bound: float


def allowance(depth: float, cost: float, slack: float) -> float:
    """Excess e such that the step towards an interior point of `depth`, which loses `cost` of the objective over its
    whole length, repairs it for at most `slack`: the step's share is e / (e + depth).
    """
    share = 0.5 if cost <= 2.0 * slack else slack / cost
    return min(WIDEST, depth * share / (1.0 - share))


def polish(
    master: Master,
    rows: Rows,
    plan: FloatArray,
    deep: FloatArray,
    deep_values: FloatArray,
    slack: float,
    gap: float,
    solves: int,
    monitor: Monitor,
) -> Polished:
    """Maximise the value on `rows`, starting at the certified `plan`, losing at most `slack` (absolute) of the
    objective.

    deep: an interior point with the CVaRs `deep_values` over all scenarios. Leaves the master at the value aim.
    """
    objective = master.primary(plan)
    depth = -float(violations(master, deep_values).max(initial=-WIDEST))
    allowed = allowance(depth, objective - master.primary(deep), 0.45 * slack)
    master.aim_value(objective - 0.5 * slack)
    base, value = plan, master.objective(plan)
    first, bound, still = value, np.inf, 0
    for _ in range(solves):
        point = master.solve()
        bound = min(bound, point.bound)
        monitor.tell("polish")
        if bound - value <= gap * max(1e-9, abs(value)) or still >= STILL:
            break
        before = value
        for x in (point.x, 0.5 * (base + point.x)):
            decisions = master.decisions(x)
            tails = rows.tails(rows.losses(decisions))
            excess = violations(master, [t.cvar for t in tails])
            if float(excess.max(initial=-np.inf)) <= allowed:
                base, value = x, master.objective(x)
                break
            for m in np.flatnonzero(excess > 0.5 * allowed):
                master.add(rows.cut(int(m), decisions, tails[m]))
        still = 0 if value - before > 0.02 * (bound - before) else still + 1
    if rows.weights:
        values = np.array([t.cvar for t in rows.tails(rows.losses(master.decisions(base)))])
        base = deep + inner_share(values, deep_values, np.asarray(master.limits)) * (base - deep)
    return Polished(base, master.objective(base) - first > WORTHWHILE * max(1e-9, abs(first)), float(bound))


def inner_share(values: FloatArray, deep_values: FloatArray, limits: FloatArray) -> float:
    """Share of the way from an interior point to a point of the given CVaRs that convexity proves feasible."""
    out = values > limits
    if not out.any():
        return 1.0
    return float(((limits - deep_values)[out] / (values - deep_values)[out]).min()) * (1.0 - 1e-12)
