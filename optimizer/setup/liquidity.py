"""Losses of cash: of the group, of one company of it, or the worst of all of them.

What a ring-fenced company holds is not its owner's before it is distributed. So where a case has such companies the
liquidity loss is the largest shortfall of the group's cash below its minimum and of each company's own cash below its
own: no company is helped by what another holds, and none may be paid from money that another lacks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from ...kernels.tables import LossKind, LossTable
from ...models.blocks import owners
from ...models.blocks.revolver import lines
from ...models.flows import Block, Flow
from ...models.flows import exposure as exposed
from ...models.ledger import CASH_ACCOUNTS, Exposure, Ledger
from ...models.schema.case import Case
from ...models.schema.entities import Entity
from .driver_order import driver_order
from .exposures import MeasuredLoss, terms


def liquidity(case: Case, ledger: Ledger, name: str = "liquidity") -> MeasuredLoss:
    """Peak of (minimum cash - running cash) of the whole group, wherever in it the cash lies.

    Cash flows, with interest on a surplus and the dearer one on a deficit. With a revolver, the committed line of each
    period follows the entries of the exposure. What is drawn gives its part of the commitment fee back, which the
    ledger charges on the whole line.
    """
    return _measured(case, ledger, name, ledger.exposure(CASH_ACCOUNTS), [None])


def liquidity_of(case: Case, ledger: Ledger, entity: str, name: str) -> MeasuredLoss:
    """Peak of (minimum cash - running cash) of one entity, its distributions and contributions included.

    The committed line is the parent's.
    """
    own = next(e for e in case.entity if e.id == entity)
    found = exposed(ledger, [_cash_flow(case, ledger, own)])
    return _measured(case, ledger, name, found, [own])


def worst_liquidity(case: Case, ledger: Ledger, name: str) -> MeasuredLoss:
    """The largest of the shortfalls of the group and of each company alone; of one company, its own."""
    if not owners.companies(case):
        return liquidity(case, ledger, name)
    blocks: list[Block] = [((Flow(CASH_ACCOUNTS),), range(ledger.periods))]
    blocks += [_cash_flow(case, ledger, e) for e in case.entity]
    return _measured(case, ledger, name, exposed(ledger, blocks), [None, *case.entity])


def _cash_flow(case: Case, ledger: Ledger, entity: Entity) -> Block:
    return (Flow(CASH_ACCOUNTS, share=owners.share_of(case, ledger, entity.id)),), range(ledger.periods)


def _measured(
    case: Case, ledger: Ledger, name: str, exposure: Exposure, entities: Sequence[Entity | None]
) -> MeasuredLoss:
    """The balances of the group (None) or of entities, side by side."""
    cash, revolver = case.cash, case.revolver
    openings = [cash.opening if e is None else owners.opening_cash(case, e) for e in entities]
    floors = [cash.minimum if e is None else e.minimum_cash for e in entities]
    backed = [e is None or e.kind == "parent" for e in entities]
    revolving = revolver is not None and any(backed)
    matrix = exposure.matrix
    if revolving:
        line = lines(case, ledger)
        matrix = csr_array(vstack([matrix, *(line if b else csr_array(line.shape) for b in backed)]))
    table = LossTable(
        kind=LossKind.PEAK,
        terms=terms(exposure),
        floor=np.asarray(np.concatenate([np.asarray(f, dtype=np.float64) for f in floors])),
        opening=openings[0],
        others=tuple(openings[1:]),
        rate_driver=-1 if cash.rate_driver is None else driver_order(case).index(cash.rate_driver),
        surplus_margin=cash.deposit_margin,
        deficit_margin=cash.deficit_margin,
        dt=case.horizon.dt,
        revolver=revolving,
        revolver_margin=revolver.margin - revolver.commitment_fee if revolver is not None and revolving else 0.0,
    )
    return MeasuredLoss(name, table, matrix)
