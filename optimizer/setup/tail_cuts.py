"""What a covenant that is kept over the scenarios asks of the calendar: cuts of its tail, period by period.

CVaR of the worst shortfall at most 0 implies CVaR of each period's shortfall at most 0. A cut of the latter at some
plan holds for every plan in which the period is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...kernels.backend import Backend, ScenarioStore
from ...models.blocks.headroom import headrooms, name_of
from ...models.ledger import Ledger
from ...models.schema.case import Case
from ..arrays import FloatArray
from .lockup_calendar import Pair, TailCut, TailCuts
from .risk_losses import tested

ENOUGH = 1 << 15
"""Scenarios that the choice looks at."""
BROKEN = 1e-6


def tail_cuts_of(
    case: Case, ledger: Ledger, rates: FloatArray, backend: Backend, store: ScenarioStore
) -> TailCuts | None:
    """The cuts of a case's covenants over the scenarios; None where it has none that may go untested."""
    kept = [c for c in case.covenant if c.as_ == "cvar" and c.level is not None]
    if not kept:
        return None
    part = backend.part(store, 0, min(store.count, ENOUGH))
    known = {
        (name_of(c), t): tested(case, ledger, rates, c, [replace(test, times=(t,))], c.limit)
        for c in kept
        for test in headrooms(case, ledger, c)
        if test.due is not None
        for t in test.tested
    }

    def broken(decisions: FloatArray, tests: Sequence[Pair]) -> list[TailCut]:
        found = []
        for pair in tests:
            if pair not in known:
                continue
            one = known[pair]
            exposure = np.asarray(one.measured.matrix @ decisions)
            losses = backend.losses(part, [one.measured.table], [exposure])[0]
            worst = backend.tail(losses, one.covenant.level or 0.0)
            size = max(1.0, float(np.max(np.abs(exposure), initial=0.0)))
            if worst.cvar > BROKEN * size:
                _, slope = backend.pull_back(part, one.measured.table, exposure, worst.rows, worst.weights)
                gradient = np.asarray(one.measured.matrix.T @ (np.asarray(slope) / worst.mass))
                found.append(TailCut(pair, gradient, float(gradient @ decisions) - worst.cvar))
        return found

    return broken
