"""An interior point, or the proof that there is none: minimise the largest violation of the risk limits over the
master problem.

violation(x) = max_m (CVaR_m(x) - limit_m) / s_m is convex; its cuts are those of the limits. Each step evaluates the
middle of the best point and the master's vertex: either it is better, or its cut separates the vertex.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import FloatArray
from .in_out import PURGE_EVERY, Inside
from .master import Infeasible, Master
from .oracle import Rows, Sample
from .progress import Monitor
from .solution import LeastRisk

FEASIBLE = 1e-9  # relative to a limit's scale: the limit holds
CLEARLY = 1e-6  # violation below minus this: an interior point
STEPS = 500
GOOD_STEPS = 25  # after so many, a good interior point is given up for any
GOOD_SHARE = 0.3  # of the depth aimed at, with which an interior point is taken


@dataclass(frozen=True)
class Deepest:
    """inside: the least violation found on the rows, `violation`; no plan has one below `bound`."""

    inside: Inside
    violation: float
    bound: float


def violations(master: Master, values: ArrayLike) -> FloatArray:
    """(M,) how far each CVaR is above its limit, relative to the limit's scale."""
    amount: FloatArray = (np.asarray(values, dtype=np.float64) - np.asarray(master.limits)) / np.asarray(master.scales)
    return amount


def good_inside(master: Master, rows: Rows, depth: float, monitor: Monitor, phase: str) -> Inside | None:
    """A point inside every limit on `rows` by a share of `depth`, relative to the limits' scales, and of high
    objective: the best by the cuts where every limit is tightened by `depth`. None if it is not found soon.
    """
    master.aim_primary(depth)
    for step in range(1, GOOD_STEPS + 1):
        try:
            point = master.solve()
        except Infeasible:
            return None
        monitor.tell(phase)
        decisions = master.decisions(point.x)
        losses = rows.losses(decisions)
        tails = rows.tails(losses)
        over = violations(master, [t.cvar for t in tails])
        if float(over.max()) <= -GOOD_SHARE * depth:
            return Inside(point.x, tuple(losses))
        for m in np.flatnonzero(over > -depth):
            master.add(rows.cut(int(m), decisions, tails[m]))
        if step % PURGE_EVERY == 0:
            master.purge()
    return None


def deepest(
    master: Master, rows: Rows, floor: float, accuracy: float, limits: Sequence[int], monitor: Monitor, phase: str
) -> Deepest:
    """Minimise the largest violation of `limits` on `rows` until it is clearly negative (half of what is possible or of
    `floor`), or known to `accuracy`. `floor` < 0, or -inf to go to the minimum. The master keeps the cuts.
    """
    master.aim_interior(floor)
    best: Inside | None = None
    least, bound = math.inf, -math.inf
    for _ in range(STEPS):
        point = master.solve()
        bound = max(bound, point.excess)
        monitor.tell(phase)
        deep_enough = math.isfinite(floor) and least <= min(-CLEARLY, max(0.5 * bound, 0.5 * floor))
        if best is not None and (deep_enough or least - bound <= accuracy):
            break
        x = point.x if best is None else 0.5 * (best.x + point.x)
        decisions = master.decisions(x)
        losses = rows.losses(decisions)
        tails = [rows.tail(m, losses[m]) for m in limits]
        amount = [(t.cvar - master.limits[m]) / master.scales[m] for m, t in zip(limits, tails, strict=True)]
        for m, t, v in zip(limits, tails, amount, strict=True):
            if v > bound - 0.1 * abs(bound):
                master.add(rows.cut(m, decisions, t))
        if max(amount) < least:
            best, least = Inside(x, tuple(losses)), max(amount)
        master.purge()
    if best is None:
        raise Infeasible
    return Deepest(best, least, bound)


def least_risk(
    master: Master,
    sample: Sample,
    rows: Rows,
    limits: Sequence[int],
    settings_gap: float,
    multiple: float,
    monitor: Monitor,
) -> tuple[FloatArray, FloatArray, float]:
    """Minimise the largest violation of `limits` over all scenarios.

    Returns the plan reached, its CVaR of every limit and the proven bound on the violation. The relative accuracy is
    `settings_gap`, unless the working set has stopped growing.
    """
    bound, best, reached, least = -math.inf, None, np.zeros(0), math.inf
    for _ in range(20):
        accuracy = settings_gap if best is None else max(0.3 * settings_gap * _size(master, reached, limits), 1e-12)
        found = deepest(master, rows, -math.inf, 0.3 * accuracy, limits, monitor, "least risk")
        bound = max(bound, found.bound)
        losses = sample.all.losses(master.decisions(found.inside.x))
        values = np.array([t.cvar for t in sample.all.tails(losses)])
        violation = float(violations(master, values)[list(limits)].max())
        if violation < least:
            best, reached, least = found.inside.x, values, violation
        if least - bound <= settings_gap * _size(master, reached, limits) or rows.complete:
            break
        rows = sample.worst(losses, multiple, rows)
    assert best is not None
    return best, reached, bound


def least_alone(
    master: Master, sample: Sample, rows: Rows, limit: int, name: str, gap: float, multiple: float, monitor: Monitor
) -> LeastRisk:
    """The least CVaR of one limit alone. `master` is used up: it holds no other limit afterwards."""
    master.only(limit)
    # without a first cut of this limit its excess could fall without end
    master.aim_interior(0.0)
    decisions = master.decisions(master.solve().x)
    master.add(rows.cut(limit, decisions, rows.tail(limit, rows.losses(decisions)[limit])))
    _, values, bound = least_risk(master, sample, rows, [limit], gap, multiple, monitor)
    proven = master.limits[limit] + master.scales[limit] * bound
    return LeastRisk(name, master.limits[limit], float(values[limit]), min(proven, float(values[limit])))


def _size(master: Master, values: FloatArray, limits: Sequence[int]) -> float:
    """Size of the CVaRs in units of their scales, so that a relative accuracy of the CVaR becomes one of the
    violation.
    """
    return float(min(max(1e-3, abs(values[m]) / master.scales[m]) for m in limits))
