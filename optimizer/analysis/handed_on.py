"""What one search hands on to another of nearly the same program: cuts, plans that still hold, where it ended."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..cutting_planes.master import Master
from ..cutting_planes.progress import Monitor
from ..cutting_planes.solution import Evaluation, RiskLimit, WarmStart
from ..setup.prepare import PlanningProblem
from .tidy import worst_violation

HOLDS = 1e-9  # scaled: a plan known before serves again if it breaks no row by more


def handed_on(
    tight: PlanningProblem,
    limits: Sequence[RiskLimit],
    before: WarmStart,
    changed: Sequence[int],
    gap: float,
    room: float,
) -> tuple[WarmStart, float]:
    """What a first search has learnt, as far as it is true of a program with other bounds or rows.

    Cuts of a loss that has changed are left out. The plans known are those that hold the rows still, and the best one
    by the cuts, which holds them in any case. Beside it, the bound that the cuts prove, of the maximised objective.

    Raises `Infeasible` where the rows and cuts leave no plan.
    """
    program = tight.program
    cuts = tuple(cut for cut in before.cuts if cut.limit not in changed)
    monitor = Monitor(None, None if math.isinf(room) else room, gap, 1.0 if program.maximise else -1.0)
    master = Master(program, [limit.limit for limit in limits], monitor)
    for cut in cuts:
        master.add(cut)
    same = before.vertex is not None and before.vertex.rows.size == program.matrix.shape[0] + 1
    if same and before.vertex is not None:
        master.begin(before.vertex)
    point = master.solve()
    x = point.x
    if not limits:
        return WarmStart(), point.bound
    tables, exposures = [one.table for one in limits], [one.matrix @ master.decisions(x) for one in limits]
    losses = tight.backend.losses(tight.store, tables, exposures)
    values = np.array([tight.backend.tail(v, one.level).cvar for v, one in zip(losses, limits, strict=True)])
    nothing = np.full(values.size, math.nan)
    known = [k for k in before.known if not changed and worst_violation(program, k.x) <= HOLDS]
    return WarmStart(cuts, (*known, Evaluation(x, values, nothing, nothing)), master.vertex()), point.bound
