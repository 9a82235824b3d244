"""Losses that come of covenants and entities: the shortfall of a covenant, and the cash of one entity alone.

A covenant's loss in a scenario is the worst, over the periods tested, of what it requires less what there is, in
billions: max_t (- headroom_t). Headroom is linear in the plan (models/blocks/headroom.py), so the loss is convex and
can be limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.tables import LossKind, LossTable
from ..models.blocks import owners
from ..models.blocks.headroom import Headroom, headrooms, opening_cash_carried, spelled_out
from ..models.flows import Flow, exposure
from ..models.ledger import CASH_ACCOUNTS, Ledger
from ..models.schema.case import Case
from ..models.schema.rules import Covenant, Risk
from .terms import Measured, terms

FloatArray = NDArray[np.float64]

SHORTFALL = "covenant_shortfall"


def all_risks(case: Case) -> tuple[Risk, ...]:
    """The case's risk limits, then one for each covenant kept over the futures: CVaR of its shortfall at most 0."""
    kept = [c for c in case.covenant if c.as_ == "cvar" and c.level is not None]
    return (
        *case.risk,
        *(Risk(id=f"covenant {c.id}", loss=SHORTFALL, level=c.level or 0.0, limit=0.0) for c in kept),
    )


def tails(*cases: Case) -> tuple[int, float]:
    """Number of risk limits, and the sum of 1 - level over them: the largest of the cases. They decide on memory."""
    kept = [[1.0 - risk.level for risk in all_risks(case)] for case in cases]
    return max(len(k) for k in kept), max(sum(k) for k in kept)


@dataclass(frozen=True)
class Shortfall:
    """A covenant over the scenarios. rows: (whose, period) of each number that its table's flow has per scenario."""

    covenant: Covenant
    measured: Measured
    rows: tuple[tuple[str, int], ...]


def shortfall(case: Case, ledger: Ledger, rates: FloatArray, covenant: Covenant) -> Shortfall:
    """A covenant's shortfall at its own limit. `rates`: mean deposit rates (T,)."""
    return tested(case, ledger, rates, covenant, headrooms(case, ledger, covenant), covenant.limit)


def tested(
    case: Case, ledger: Ledger, rates: FloatArray, covenant: Covenant, tests: Sequence[Headroom], limit: float
) -> Shortfall:
    """The shortfall of a covenant with these tests, at any limit."""
    blocks, floors, rows = [], [], []
    carried = opening_cash_carried(case, covenant.entity, rates)
    for test in tests:
        figure = spelled_out(case, ledger, covenant.entity, test.at(limit), rates)
        blocks.append((figure.flows, test.times))
        floors.append(-figure.constant - figure.cash * carried[list(test.times)])
        rows += [(test.of, t) for t in test.times]
    found = exposure(ledger, blocks)
    table = LossTable(LossKind.WORST, terms(found), np.concatenate(floors))
    return Shortfall(covenant, Measured(f"covenant {covenant.id}", table, found.matrix), tuple(rows))


def value_of(test: Headroom, level: FloatArray, slope: FloatArray) -> FloatArray:
    """The figure that is compared with the limit, where it is defined: the limit at which the headroom would be nil.

    Headroom is level + limit × slope. For a most, slope is what the debt or amount is measured against and must be
    positive; for a least (EBITDA - limit × interest), it must be negative.
    """
    sign = -1.0 if test.covenant.at_least else 1.0
    defined = sign * slope > 1e-9
    return np.asarray(np.where(defined, -level / np.where(defined, slope, 1.0), np.nan))


def entity_liquidity(case: Case, ledger: Ledger, entity: str, rate_driver: int, name: str) -> Measured:
    """Peak of (minimum cash - running cash) of one entity, its distributions and contributions included."""
    own = next(e for e in case.entity if e.id == entity)
    flow = Flow(CASH_ACCOUNTS, share=owners.share_of(case, ledger, entity))
    found = exposure(ledger, [((flow,), range(ledger.periods))])
    cash = case.cash
    table = LossTable(
        kind=LossKind.PEAK,
        terms=terms(found),
        floor=np.asarray(own.minimum_cash, dtype=np.float64),
        opening=owners.opening_cash(case, own),
        rate_driver=rate_driver,
        surplus_margin=cash.deposit_margin,
        deficit_margin=cash.deficit_margin,
        dt=case.horizon.dt,
    )
    return Measured(name, table, found.matrix)


def shortfalls(case: Case, ledger: Ledger, rates: FloatArray) -> Sequence[Measured]:
    """The loss of each covenant that is kept over the futures, in the order of `all_risks`."""
    return [
        shortfall(case, ledger, rates, c).measured for c in case.covenant if c.as_ == "cvar" and c.level is not None
    ]
