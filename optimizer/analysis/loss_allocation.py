"""Who bears the loss: the plan's balances in every scenario, at its first default or at the horizon, by the waterfall.

Nothing of this is convex in the decisions, so none of it enters a cut: it is evaluated for the chosen plan.

The company defaults at the end of the first period in which running cash falls below minus the committed revolver:
b[s,t] < -C[t], with b as the liquidity loss runs it (deficits bear interest) and C[t] the plan's commitment, 0 if there
is none. Without such a period the claims are settled at the end of the horizon. At the date of settlement

    value   = cash above 0 (the company's) + systems at resale + sites + contracts that another would take over, each
              with the entity that owns it
    claims  = balances, unearned prepayments, the revolver drawn, at a default arrears, and shareholders' equity,

where shareholders' equity is what the expected path leaves to them at that date, at least 0. A loss is what of a claim
stays unpaid: losses sum to the claims less the value that they are paid from, guarantees only move them. In
one company that is (claims - value) above 0. Where there are ring-fenced companies each defaults and is settled on its
own (group_loss_allocation.py), and the company above is the parent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.backend import Backend, ScenarioStore, SealedTail
from ...kernels.group_settling import GroupTally, settle_all, settle_apart
from ...kernels.memory.leaves import LeafBackend, LeafSettling, parted_store
from ...kernels.settling import Settling, Tally
from ...kernels.tables import FloatArray, IntArray
from ...kernels.tail import tail
from ...kernels.vectors import LossVector, RowVector
from ...models.blocks import owners
from ...models.schema.rules import Risk
from ..setup.assemble import MeasuredLoss
from .claims import ASSETS, ESTATE, PER_ENTITY, SITES, SYSTEMS, Claims, claims
from .expected import Amounts
from .group_loss_allocation import EntityBearing, group_settling
from .tabulate import NEGLIGIBLE

LEVEL = 0.95


@dataclass(frozen=True)
class Bearing:
    """Losses over all scenarios, in billions; `tail_*` are means over the worst 1 - level of the total loss.

    Attributes:
        claims: who is owed what, and from what.
        level: confidence level of the tail.
        expected, tail: (claims + guaranteed claims,) mean loss of each, guarantors' losses last.
        owed: (claims,) mean of what is due at the settlement.
        hit: (claims + guaranteed claims,) share of the scenarios with a loss.
        by_limit: per risk limit of the case its level and the (claims + guaranteed claims,) mean losses in its tail.
        default: (T,) probability that the first default falls into each period; of the parent, in a group.
        cvar: of the total loss.
        entities: each company of a group, the parent first; none where there is only one company.
        any_default: probability that some company of the group defaults.
    """

    claims: Claims
    level: float
    expected: FloatArray
    tail: FloatArray
    owed: FloatArray
    hit: FloatArray
    by_limit: Mapping[str, tuple[float, FloatArray]]
    default: FloatArray
    cvar: float
    entities: tuple[EntityBearing, ...] = ()
    any_default: float = 0.0


def level_of(risks: Sequence[Risk]) -> float:
    """Level of the tail of the total loss: that of the first limit on net loss, else of the first limit, else 0.95."""
    first = [r.level for r in risks if r.loss == "net_loss"] + [r.level for r in risks]
    return first[0] if first else LEVEL


def bear(
    amounts: Amounts,
    backend: Backend,
    store: ScenarioStore,
    liquidity: MeasuredLoss,
    risks: Sequence[Risk] = (),
    losses: Sequence[LossVector] = (),
) -> Bearing:
    """Share out the losses of the plan in every scenario.

    Args:
        liquidity: running cash over the ledger's decisions.
        risks, losses: the case's risk limits and their losses as the backend gives them, for the tails of each.
    """
    known, means = _claims(amounts, backend, store)
    if len(known[0].entities) > 1:
        return _bear_apart(amounts, known, means, backend, store, liquidity, risks, losses)
    each = [settling(p, k, liquidity, m) for p, k, m in zip(amounts.paths, known, means, strict=True)]

    def settle(rows: RowVector | None, weights: LossVector | None) -> tuple[LossVector, Tally]:
        if isinstance(backend, LeafBackend):
            return backend.settle(store, LeafSettling(tuple(each)), rows, weights)
        return backend.settle(store, each[0], rows, weights)

    count = store.count
    total, sums = settle(None, None)
    level = level_of(risks)

    def mean(worst: SealedTail) -> FloatArray:
        return settle(worst.rows, worst.weights)[1].sums / worst.mass

    worst = backend.tail(total, level)
    return Bearing(
        claims=known[0],
        level=level,
        expected=sums.sums / count,
        tail=mean(worst),
        owed=sums.owed / count,
        hit=sums.hits / count,
        by_limit={r.id: (r.level, mean(backend.tail(loss, r.level))) for r, loss in zip(risks, losses, strict=True)},
        default=sums.dates / count,
        cvar=worst.cvar,
    )


def _bear_apart(
    amounts: Amounts,
    known: Sequence[Claims],
    means: Sequence[FloatArray],
    backend: Backend,
    store: ScenarioStore,
    liquidity: MeasuredLoss,
    risks: Sequence[Risk],
    losses: Sequence[LossVector],
) -> Bearing:
    """The same where each company of a group is settled on its own."""
    each = [group_settling(p, k, liquidity, m) for p, k, m in zip(amounts.paths, known, means, strict=True)]

    def settle(rows: RowVector | None = None, weights: LossVector | None = None) -> tuple[FloatArray, GroupTally]:
        if isinstance(backend, LeafBackend):
            return settle_apart(backend, parted_store(store), each, rows, weights)
        return settle_all(backend, store, each[0], rows, weights)

    total, sums = settle()
    level, count = level_of(risks), store.count

    def mean(worst: SealedTail) -> FloatArray:
        return settle(worst.rows, worst.weights)[1].tally.sums / worst.mass

    worst = tail(total, level)
    names = [name or owners.head_name(amounts.case) for name in known[0].entities]
    shares = (sums.dates / count, sums.withheld / count, sums.missing / count)
    return Bearing(
        claims=known[0],
        level=level,
        expected=sums.tally.sums / count,
        tail=mean(worst),
        owed=sums.tally.owed / count,
        hit=sums.tally.hits / count,
        by_limit={
            r.id: (r.level, mean(tail(backend.host(loss), r.level))) for r, loss in zip(risks, losses, strict=True)
        },
        default=sums.tally.dates / count,
        cvar=worst.cvar,
        entities=tuple(EntityBearing(name, *(s[k] for s in shares)) for k, name in enumerate(names)),
        any_default=sums.any_default / count,
    )


def _claims(amounts: Amounts, backend: Backend, store: ScenarioStore) -> tuple[list[Claims], list[FloatArray]]:
    """The claims of the plan, of each leaf the same ones if it adapts, and the expected amounts of their stocks."""
    if not isinstance(backend, LeafBackend):
        known = claims(amounts)
        return [known], [stock_means(known, lambda factors: backend.means(store, factors))]
    held = np.any([np.abs(path.decided) > NEGLIGIBLE for path in amounts.paths], axis=0)
    each = [claims(path, held) for path in amounts.paths]
    return each, [
        stock_means(one, lambda factors, leaf=leaf: backend.leaf_means(store, factors)[leaf])  # type: ignore[misc]
        for leaf, one in enumerate(each)
    ]


def settling(amounts: Amounts, known: Claims, liquidity: MeasuredLoss, mean: FloatArray) -> Settling:
    """The claims and pools of a plan, as the kernels settle them in every scenario.

    liquidity: running cash over the ledger's decisions. mean: (R, T) expected amounts of the stocks.
    """
    stocks, entities = known.stocks, len(known.entities)
    own = PER_ENTITY * entities
    pools = own + len(known.guaranteed)
    surplus, share = np.zeros(pools), np.zeros(pools)
    amount, factor = np.full(pools, -1), np.full(pools, -1)
    surplus[ESTATE] = 1.0  # all cash is the company's
    for e in range(entities):
        for place, pool in enumerate((SYSTEMS, SITES, ESTATE)):  # contracts belong to the estate
            share[PER_ENTITY * e + pool] = 1.0
            amount[PER_ENTITY * e + pool] = known.owed + ASSETS * e + place
    survival = {p.id: p.survival or "" for p in amounts.case.party}
    for g, k in enumerate(known.guaranteed):
        claim = known.claims[k]
        share[own + g], amount[own + g] = claim.guaranteed, k
        factor[own + g] = known.owed + ASSETS * entities + known.survivals.index(survival[claim.guarantor])
    return Settling(
        balance=liquidity.table,
        balance_exposure=np.asarray(liquidity.matrix @ amounts.decided, dtype=np.float64),
        fixed=stocks.fixed,
        moving=stocks.random,
        flows=stocks.table,
        flow_exposure=stocks.exposure,
        owed=known.owed,
        last=_stake(amounts, known, mean),
        surplus=surplus,
        share=share,
        amount=amount.astype(np.int32),
        factor=factor.astype(np.int32),
        bearers=len(known.guaranteed),
        steps=known.table,
    )


def _stake(amounts: Amounts, known: Claims, mean: FloatArray) -> FloatArray:
    """(T,) what the expected path leaves to the company's shareholders at each date, at least 0."""
    owed = known.owed
    value = amounts.cash + mean[owed : owed + ASSETS * len(known.entities)].sum(axis=0)
    return np.asarray(np.maximum(value - mean[:owed].sum(axis=0), 0.0))


def stock_means(known: Claims, means: Callable[[IntArray], FloatArray]) -> FloatArray:
    """(R, T) expected amounts of the stocks. means: of products of drivers over the scenarios."""
    stocks = known.stocks
    mean = stocks.fixed.copy()
    if stocks.table is not None:
        terms = stocks.table.terms
        values = stocks.exposure * means(terms.factors)[terms.atom]
        row = np.repeat(np.arange(terms.periods), np.diff(terms.start))
        flat = np.bincount(row, weights=values, minlength=terms.periods)
        mean[stocks.random] += flat.reshape(stocks.random.size, -1)
    return mean
