"""The least CVaR of one risk limit that any plan reaches while all others are kept: the safe end of a frontier.

The master minimises the excess of that limit's cuts alone, which is a bound from below. From a point inside the other
limits towards its vertex, and after a few steps towards a running mean of its vertices, the segment is followed to
where it leaves them (docs/mathematics-loop.md, in-out); the CVaR there is a bound from above.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.vectors import LossVector
from ...models.program import LinearProgram
from ..arrays import FloatArray
from .in_out import EXACT, Inside, between, crossings
from .master import Infeasible, Master
from .oracle import Rows, Sample
from .phase_one import CLEARLY, violations
from .polish import inner_share
from .progress import Monitor, Progress
from .settings import Settings
from .solution import Cut, Evaluation, Passes, RiskLimit

ROUNDS = 20
STEPS = 300
ALONE = 8  # steps towards the vertices themselves: short searches need no more
NEWEST = 0.5  # of the last vertex in the running mean of vertices after that
BACK = 0.1  # share of the way back to the start that each new point goes: never quite onto another limit


@dataclass(frozen=True)
class Least:
    """plan: the safest plan found, evaluated over all scenarios. bound: no plan's CVaR is below it. cuts: valid ones
    that the search ended with. known: all plans evaluated over all scenarios.
    """

    plan: Evaluation
    value: float
    bound: float
    cuts: tuple[Cut, ...]
    known: tuple[Evaluation, ...]
    passes: Passes
    evaluate_s: float
    master_s: float


def least_kept(
    program: LinearProgram,
    risks: Sequence[RiskLimit],
    limit: int,
    backend: Backend,
    store: ScenarioStore,
    inside: FloatArray,
    settings: Settings,
    pool: Sequence[Cut] = (),
    progress: Progress | None = None,
) -> Least:
    """Minimise the CVaR of risk number `limit` over all scenarios, to `settings.least_gap` of its size, with every
    other limit kept. Its own amount does not matter.

    inside: (columns,) a plan that holds every row and lies inside every other limit.

    Raises `OutOfTime`; ValueError where `inside` is not inside.
    """
    monitor = Monitor(progress, settings.time_limit, settings.least_gap, 1.0)
    sample = Sample(backend, store, risks, monitor)
    start, losses = _evaluated(program, sample, inside)
    kept = [replace(r, limit=float(start.values[m])) if m == limit else r for m, r in enumerate(risks)]
    master = Master(program, [r.limit for r in kept], monitor, settings.seed, yielding=limit)
    master.scales = tuple(max(abs(r.limit), 1e-2 * abs(v), 1e-9) for r, v in zip(kept, start.values, strict=True))
    others = np.arange(len(kept)) != limit
    if float(violations(master, start.values)[others].max(initial=-math.inf)) > -CLEARLY:
        raise ValueError("the search for the least risk must begin inside every other risk limit")
    for cut in pool:
        master.add(cut)
    decisions = master.decisions(inside)
    master.add(sample.all.cut(limit, decisions, sample.all.tail(limit, losses[limit])))
    rows = sample.worst(losses, settings.tail_multiple)
    best, bound, known = start, -math.inf, [start]
    for _ in range(ROUNDS):
        size = max(abs(best.values[limit]), master.scales[limit])
        found, proven = _descend(master, rows, limit, inside, 0.3 * settings.least_gap * size, monitor)
        bound = max(bound, proven)
        point, losses = _evaluated(program, sample, found)
        known.append(point)
        share = inner_share(point.values[others], start.values[others], np.asarray(master.limits)[others])
        if share < 1.0:
            point, _ = _evaluated(program, sample, inside + share * (found - inside))
            known.append(point)
        if point.values[limit] < best.values[limit]:
            best = point
        if best.values[limit] - bound <= settings.least_gap * size or rows.complete:
            break
        rows = sample.worst(losses, settings.tail_multiple, rows)
    value = float(best.values[limit])
    passes = Passes(monitor.full, monitor.rows, monitor.solves, monitor.cuts)
    return Least(
        best, value, min(bound, value), master.pool, tuple(known), passes, monitor.evaluate_s, monitor.master_s
    )


def _descend(
    master: Master, rows: Rows, limit: int, inside: FloatArray, accuracy: float, monitor: Monitor
) -> tuple[FloatArray, float]:
    """The point of least CVaR of `limit` on `rows`, the other limits kept there, and the bound on it."""
    own, scale = master.limits[limit], master.scales[limit]
    start = Inside(inside, tuple(rows.losses(master.decisions(inside))))
    base, reached, mean = start, inside, start
    least, bound = rows.tail(limit, start.losses[limit]).cvar, -math.inf
    master.aim_interior(-math.inf)
    for step in range(STEPS):
        try:
            point = master.solve()
        except Infeasible:
            break
        bound = max(bound, own + scale * point.excess)
        monitor.tell("least risk")
        if least - bound <= accuracy:
            break
        decisions = master.decisions(point.x)
        losses = rows.losses(decisions)
        tails = rows.tails(losses)
        vertex = Inside(point.x, tuple(losses))
        mean = vertex if step < ALONE else between(mean, vertex, NEWEST)
        outer = tails if mean is vertex else rows.tails(mean.losses)
        leave = [c for c in crossings(rows, master, base.losses, mean.losses, outer) if c.limit != limit]
        share = min((c.share for c in leave), default=1.0)
        here = base.x + share * (mean.x - base.x)
        there = rows.losses(master.decisions(here))
        ends = rows.tails(there)
        beyond = {m for m, tail in enumerate(tails) if tail.cvar > master.limits[m] + EXACT * master.scales[m]}
        for m in {limit} | beyond:
            master.add(rows.cut(m, decisions, tails[m]))
        for m in {limit} | {c.limit for c in leave}:
            master.add(rows.cut(m, master.decisions(here), ends[m]))
        if ends[limit].cvar < least:
            reached, least = here, ends[limit].cvar
        base = between(Inside(here, tuple(there)), start, BACK)
        if (step + 1) % 20 == 0:
            master.purge()
    return reached, bound


def _evaluated(program: LinearProgram, sample: Sample, x: FloatArray) -> tuple[Evaluation, list[LossVector]]:
    """A plan over all scenarios, with its losses."""
    losses = sample.all.losses(x[program.decisions])
    values = np.array([t.cvar for t in sample.all.tails(losses)])
    unknown = np.full_like(values, np.nan)
    return Evaluation(x, values, unknown, unknown), losses
