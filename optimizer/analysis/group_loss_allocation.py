"""Who bears the loss in a group: each company defaults on its own cash, and is settled with its own assets.

A ring-fenced company's lenders have no recourse to what others hold, and its owner loses at most what it has in the
company, unless the case makes it answer (`recourse`). So each company is run on its own cash in every scenario: it pays
its owner what the plan says only as far as it has the cash, with its reserve left and its lock-up test met in that
scenario. It defaults where its cash, before such a payment, falls below nothing; the parent, below minus the committed
revolver. It is settled then, or at the end of the horizon; what its settlement leaves belongs to its owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.group_settling import Companies, GroupSettling
from ...kernels.losses import line
from ...kernels.tables import MAX_FACTORS, FloatArray, IntArray, LossKind, LossTable, TermTable
from ...models.blocks import owners
from ...models.blocks.entities import EBITDA, SERVICE, lock_up_of
from ...models.flows import Block, Flow, exposure, trailing_window
from ...models.ledger import CASH_ACCOUNTS, Account
from ..setup.exposures import MeasuredLoss, terms
from .claims import ASSETS, ESTATE, PARENT, PER_ENTITY, SITES, SYSTEMS, Claims
from .entities import cash
from .expected import Amounts

WITHOUT = tuple(a for a in CASH_ACCOUNTS if a not in (Account.RECEIVED_WITHIN, Account.PAID_WITHIN))


@dataclass(frozen=True)
class EntityBearing:
    """One company of the group over the scenarios.

    Attributes:
        entity: its id. default: (T,) probability that its first default falls into each period.
        withheld: (T,) probability that a planned distribution is not made in full. missing: (T,) mean of what is not
            made, billion.
    """

    entity: str
    default: FloatArray
    withheld: FloatArray
    missing: FloatArray


def group_settling(amounts: Amounts, known: Claims, liquidity: MeasuredLoss, mean: FloatArray) -> GroupSettling:
    """The claims and pools of a group, as `kernels.group_settling` settles them.

    Args:
        liquidity: running cash of the group: its margins and the committed line.
        mean: (R, T) expected amounts of the stocks.
    """
    case, stocks, entities = amounts.case, known.stocks, known.entities
    companies = _companies(amounts, entities)
    flows, exposed = _flows(amounts, known, companies, liquidity.table)
    own = PER_ENTITY * len(entities)
    pools = own + len(known.guaranteed)
    share, amount, factor = np.zeros(pools), np.full(pools, -1), np.full(pools, -1)
    for e in range(len(entities)):
        for place, pool in enumerate((SYSTEMS, SITES, ESTATE)):  # contracts belong to the estate
            share[PER_ENTITY * e + pool] = 1.0
            amount[PER_ENTITY * e + pool] = known.owed + ASSETS * e + place
    survival = {p.id: p.survival or "" for p in case.party}
    for g, k in enumerate(known.guaranteed):
        claim = known.claims[k]
        share[own + g], amount[own + g] = claim.guaranteed, k
        factor[own + g] = known.owed + ASSETS * len(entities) + known.survivals.index(survival[claim.guarantor])
    of = [entities.index(c.entity) for c in known.claims[: known.owed]]
    of += [e for e in range(len(entities)) for _ in range(ASSETS)]
    balance = np.asarray(liquidity.matrix @ amounts.decided, dtype=np.float64)
    return GroupSettling(
        companies=companies,
        table=liquidity.table,
        line=line(liquidity.table, balance),
        flows=flows,
        exposure=exposed,
        fixed=stocks.fixed,
        moving=stocks.random,
        of=np.array(of + [0] * (stocks.fixed.shape[0] - len(of)), dtype=np.int32),
        owed=known.owed,
        last=_stake(amounts, known, mean),
        estate=np.arange(len(entities), dtype=np.int32) * PER_ENTITY + ESTATE,
        share=share,
        amount=amount.astype(np.int32),
        factor=factor.astype(np.int32),
        bearers=len(known.guaranteed),
        steps=known.table,
    )


def _companies(amounts: Amounts, entities: Sequence[str]) -> Companies:
    case, periods = amounts.case, amounts.periods
    by_id, head = {e.id: e for e in case.entity}, owners.head(case)
    known = [head if name == PARENT else by_id[name] for name in entities]
    up, down, keep = (np.zeros((len(entities), periods)) for _ in range(3))
    moved = amounts.by_period("distribution", ("entity",)), amounts.by_period("contribution", ("entity",))
    opening, owner, gated = np.full(len(entities), case.cash.opening), np.full(len(entities), -1), [False]
    for k, entity in enumerate(known):
        if entity is not None:
            opening[k] = owners.opening_cash(case, entity)
        if k and entity is not None:
            above = owners.owner_of(case, entity)
            owner[k] = entities.index(above) if above in entities else 0
            for to, found in zip((up, down), moved, strict=True):
                to[k] = np.maximum(found.get((entity.id,), 0.0), 0.0)
            keep[k] = np.maximum(entity.reserve, entity.minimum_cash)
            gated.append(entity.lock_up is not None)
    return Companies(opening, owner.astype(np.int32), up, down, keep, np.array(gated))


def _flows(amounts: Amounts, known: Claims, companies: Companies, table: LossTable) -> tuple[LossTable, FloatArray]:
    """What the scenarios add: flows of each company, gates of lock-ups, the rate seen, and what moves the stocks."""
    case, ledger, periods = amounts.case, amounts.ledger, amounts.periods
    year, times = trailing_window(periods, case.horizon.per_year), range(periods)
    shares = [owners.share_of(case, ledger, name or owners.head_name(case)) for name in known.entities]
    blocks: list[Block] = [((Flow(WITHOUT, share=s),), times) for s in shares]
    for k in np.flatnonzero(companies.gated):
        entity = next(e for e in case.entity if e.id == known.entities[k])
        cover = Flow(EBITDA, share=shares[k], window=year), Flow(SERVICE, entity.lock_up or 0.0, shares[k], year)
        due = np.array([(lock_up_of(entity), t) not in amounts.nothing_due for t in times])
        blocks.append(([Flow(f.accounts, f.factor, f.share, year * due[:, None]) for f in cover], times))
    found = exposure(ledger, blocks)
    parts = [(terms(found), np.asarray(found.matrix @ amounts.decided))]
    parts.append(_rates(table, periods))
    if known.stocks.table is not None:
        parts.append((known.stocks.table.terms, known.stocks.exposure))
    whole = _below([t for t, _ in parts])
    return LossTable(LossKind.WORST, whole, np.zeros(whole.periods)), np.concatenate([e for _, e in parts])


def _rates(table: LossTable, periods: int) -> tuple[TermTable, FloatArray]:
    """The rate that is seen on the way into each period; 0 where there is none."""
    if table.rate_driver < 0:
        none = np.zeros(0, np.int32)
        return TermTable(periods, np.full((1, MAX_FACTORS), -1, np.int32), none, np.zeros(periods + 1, np.int32)), (
            np.zeros(0)
        )
    factors = np.full((periods, MAX_FACTORS), -1, np.int32)
    factors[:, 0] = table.rate_driver * periods + np.maximum(np.arange(periods) - 1, 0)
    every = np.arange(periods, dtype=np.int32)
    return TermTable(periods, factors, every, np.arange(periods + 1, dtype=np.int32)), np.ones(periods)


def _below(tables: Sequence[TermTable]) -> TermTable:
    """One table with the periods of several, one below the other."""
    atoms = np.cumsum([0, *(t.factors.shape[0] for t in tables)])
    ends = np.cumsum([0, *(t.entries for t in tables)])
    starts: list[IntArray] = [t.start[1:] + e for t, e in zip(tables, ends, strict=False)]
    return TermTable(
        periods=sum(t.periods for t in tables),
        factors=np.ascontiguousarray(np.concatenate([t.factors for t in tables]), dtype=np.int32),
        atom=np.concatenate([t.atom + a for t, a in zip(tables, atoms, strict=False)]).astype(np.int32),
        start=np.concatenate([[0], *starts]).astype(np.int32),
    )


def _stake(amounts: Amounts, known: Claims, mean: FloatArray) -> FloatArray:
    """(T,) what the expected path leaves to the parent's shareholders at each date, at least 0.

    A company counts with what it leaves to its owner, at least 0: its lenders have no more than it has. What they have
    recourse to its owner for comes off there.
    """
    case, entities, owed = amounts.case, known.entities, known.owed
    by_id, head = {e.id: e for e in case.entity}, owners.head(case)
    companies = _companies(amounts, entities)
    worth = np.zeros((len(entities), amounts.periods))
    for e in companies.order:
        entity = head if entities[e] == PARENT else by_id[entities[e]]
        worth[e] += amounts.cash if entity is None else cash(amounts, entity)
        worth[e] += mean[owed + ASSETS * e : owed + ASSETS * (e + 1)].sum(axis=0)
        mine = [k for k, c in enumerate(known.claims[:owed]) if c.entity == entities[e]]
        worth[e] -= mean[mine].sum(axis=0)
        if e:
            backed = mean[[k for k in mine if known.claims[k].recourse]].sum(axis=0)
            worth[companies.owner[e]] += np.maximum(worth[e], 0.0) - np.minimum(np.maximum(-worth[e], 0.0), backed)
    return np.asarray(np.maximum(worth[0], 0.0))
