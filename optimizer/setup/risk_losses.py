"""Losses that come of covenants: the shortfall of each.

A covenant's loss in a scenario is the worst, over the periods tested, of what it requires less what there is, in
billions: max_t (- headroom_t). Headroom is linear in the plan (models/blocks/headroom.py), so the loss is convex and
can be limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.tables import LossKind, LossTable
from ...models.blocks.figures import Figure, spelled_out
from ...models.blocks.headroom import Headroom, NothingDue, headrooms, name_of, whose
from ...models.flows import Block, exposure
from ...models.ledger import Ledger
from ...models.schema.case import Case
from ...models.schema.rules import Covenant, Risk
from ..arrays import FloatArray
from .exposures import MeasuredLoss, terms

SHORTFALL = "covenant_shortfall"


def all_risks(case: Case) -> tuple[Risk, ...]:
    """The case's risk limits, then one for each covenant kept over the scenarios: CVaR of its shortfall at most 0."""
    kept = [c for c in case.covenant if c.as_ == "cvar" and c.level is not None]
    return (
        *case.risk,
        *(Risk(id=name_of(c), loss=SHORTFALL, level=c.level or 0.0, limit=0.0) for c in kept),
    )


def tails(*cases: Case) -> tuple[int, float]:
    """Number of risk limits, and the sum of 1 - level over them: the largest of the cases. They decide on memory."""
    kept = [[1.0 - risk.level for risk in all_risks(case)] for case in cases]
    return max(len(k) for k in kept), max(sum(k) for k in kept)


@dataclass(frozen=True)
class Shortfall:
    """A covenant over the scenarios.

    Attributes:
        rows: (whose, period) of each number that its table's flow has per scenario. Where the covenant is tested in no
            period there is one number, 0, and no entry here.
        due: what it is held against, in the same rows; None for kinds that always apply.
    """

    covenant: Covenant
    measured: MeasuredLoss
    rows: tuple[tuple[str, int], ...]
    due: MeasuredLoss | None = None


def shortfall(
    case: Case, ledger: Ledger, rates: FloatArray, covenant: Covenant, nothing_due: NothingDue = ()
) -> Shortfall:
    """A covenant's shortfall at its own limit. `rates`: mean deposit rates (T,)."""
    return tested(case, ledger, rates, covenant, headrooms(case, ledger, covenant, nothing_due), covenant.limit)


def tested(
    case: Case, ledger: Ledger, rates: FloatArray, covenant: Covenant, tests: Sequence[Headroom], limit: float
) -> Shortfall:
    """The shortfall of a covenant with these tests, at any limit, over the periods in which they apply."""
    rows = tuple((test.of, t) for test in tests for t in test.tested)
    short = _measured(case, ledger, rates, covenant, [(test.at(limit), test.tested) for test in tests])
    owing = [(test.due, test.tested) for test in tests if test.due is not None]
    due = _measured(case, ledger, rates, covenant, owing) if owing and rows else None
    return Shortfall(covenant, short, rows, due)


def _measured(
    case: Case, ledger: Ledger, rates: FloatArray, covenant: Covenant, figures: Sequence[tuple[Figure, Sequence[int]]]
) -> MeasuredLoss:
    """The worst of the figures' negatives over their periods."""
    blocks: list[Block] = []
    floors = []
    for figure, times in figures:
        spelled = spelled_out(case, ledger, whose(case, covenant), figure, rates)
        blocks.append((spelled.flows, times))
        floors.append(-spelled.constant[list(times)])
    floor = np.concatenate(floors)
    if not floor.size:
        blocks, floor = [((), (0,))], np.zeros(1)
    found = exposure(ledger, blocks)
    return MeasuredLoss(name_of(covenant), LossTable(LossKind.WORST, terms(found), floor), found.matrix)


def value_of(test: Headroom, level: FloatArray, slope: FloatArray) -> FloatArray:
    """The figure that is compared with the limit, where it is defined: the limit at which the headroom would be zero.

    Headroom is level + limit × slope. For a most, slope is what the debt or amount is measured against and must be
    positive; for a least (EBITDA - limit × interest), it must be negative.
    """
    sign = -1.0 if test.covenant.at_least else 1.0
    defined = sign * slope > 1e-9
    return np.asarray(np.where(defined, -level / np.where(defined, slope, 1.0), np.nan))


def shortfalls(case: Case, ledger: Ledger, rates: FloatArray, nothing_due: NothingDue = ()) -> Sequence[MeasuredLoss]:
    """The loss of each covenant that is kept over the scenarios, in the order of `all_risks`."""
    return [
        shortfall(case, ledger, rates, c, nothing_due).measured
        for c in case.covenant
        if c.as_ == "cvar" and c.level is not None
    ]
