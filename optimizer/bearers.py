"""Who bears the loss: the plan's balances in every scenario, at its first default or at the horizon, by the waterfall.

Nothing of this is convex in the decisions, so none of it enters a cut: it is evaluated for the chosen plan.

The company defaults at the end of the first period in which running cash falls below minus the committed revolver:
b[s,t] < -C[t], with b as the liquidity loss runs it (deficits bear interest) and C[t] the plan's commitment, 0 if there
is none. Without such a period the claims are settled at the end of the horizon. At the date of settlement

    value   = cash above 0 (the company's) + systems at resale + sites + contracts that another would take over, each
              with the entity that owns it
    claims  = balances, unearned prepayments, the revolver drawn, at a default what was left unpaid, and own equity,

where own equity is what the expected path leaves to the company's shareholders at that date, at least 0. A loss is what
of a claim stays unpaid: losses sum to the claims less the value that they are paid from, guarantees only move them. In
one company that is (claims - value) above 0; a ring-fenced company's lenders have no recourse to what others hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.backend import Backend, Held, Losses
from ..kernels.losses import line
from ..kernels.store import LANES
from ..kernels.tables import FloatArray
from ..kernels.tail import Tail, tail
from ..kernels.waterfall import distributor
from ..models.schema.rules import Risk
from .amounts import Amounts
from .assemble import Measured
from .claims import ASSETS, ESTATE, PER_ENTITY, SITES, SYSTEMS, Claims, claims

Rows = NDArray[np.int64]

LEVEL = 0.95
_CELLS = 1 << 23  # doubles held at one time
_NOISE = 1e-9


@dataclass(frozen=True)
class Settled:
    """What the waterfall leaves in each of n scenarios.

    Attributes:
        due: (n, claims) what each claim is owed at its date.
        losses: (n, claims) what stays unpaid, guarantees counted as payments.
        guarantees: (n, guaranteed claims) what the guarantors pay: their loss.
        value: (n,) value of all estates.
        left: (n,) value that no claim took: above what the expected path leaves to the shareholders.
        date: (n,) period of the settlement.
        defaulted: (n,) whether it is a default.
    """

    due: FloatArray
    losses: FloatArray
    guarantees: FloatArray
    value: FloatArray
    left: FloatArray
    date: NDArray[np.int64]
    defaulted: NDArray[np.bool_]

    @property
    def total(self) -> FloatArray:
        """(n,) all losses."""
        return np.asarray(self.losses.sum(axis=1) + self.guarantees.sum(axis=1))


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
        default: (T,) probability that the first default falls into each period.
        cvar: of the total loss.
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


def level_of(risks: Sequence[Risk]) -> float:
    """Level of the tail of the total loss: that of the first limit on net loss, else of the first limit, else 0.95."""
    first = [r.level for r in risks if r.loss == "net_loss"] + [r.level for r in risks]
    return first[0] if first else LEVEL


def bear(
    amounts: Amounts,
    backend: Backend,
    store: Held,
    liquidity: Measured,
    risks: Sequence[Risk] = (),
    losses: Sequence[Losses] = (),
) -> Bearing:
    """Share out the losses of the plan in every scenario.

    Args:
        liquidity: running cash of the plan.
        risks, losses: the case's risk limits and their losses as the backend gives them, for the tails of each.
    """
    settle = Settlement(amounts, backend, store, liquidity)
    known = settle.claims
    count, width = store.count, len(known.claims) + len(known.guaranteed)
    total = np.empty(count)
    sums, hits, owed = np.zeros(width), np.zeros(width), np.zeros(len(known.claims))
    default = np.zeros(amounts.periods)
    for rows in settle.chunks(np.arange(count)):
        one = settle(rows)
        borne = np.hstack([one.losses, one.guarantees])
        total[rows] = one.total
        sums += borne.sum(axis=0)
        hits += (borne > _NOISE).sum(axis=0)
        owed += one.due.sum(axis=0)
        default += np.bincount(one.date[one.defaulted], minlength=amounts.periods)
    level = level_of(risks)
    worst = tail(total, level)
    return Bearing(
        claims=known,
        level=level,
        expected=sums / count,
        tail=settle.mean(worst),
        owed=owed / count,
        hit=hits / count,
        by_limit={
            r.id: (r.level, settle.mean(backend.tail(loss, r.level))) for r, loss in zip(risks, losses, strict=True)
        },
        default=default / count,
        cvar=worst.cvar,
    )


class Settlement:
    """The waterfall of one plan, for any rows of a store."""

    def __init__(self, amounts: Amounts, backend: Backend, store: Held, liquidity: Measured) -> None:
        self.claims = claims(amounts)
        self._backend, self._store, self._cash = backend, store, liquidity.table
        self._exposure = np.asarray(liquidity.matrix @ amounts.decided, dtype=np.float64)
        self._line = line(liquidity.table, self._exposure)
        # a device counts its processors as threads; the waterfall runs on the host's
        self._distribute = distributor(backend.name, min(backend.threads, os.cpu_count() or 1))
        self._own = self._stake(amounts)

    def chunks(self, rows: Rows) -> Iterator[Rows]:
        """The rows in pieces that bound the memory."""
        stocks = self.claims.stocks
        step = max(LANES, _CELLS // ((stocks.random.size + 1) * stocks.fixed.shape[1]) // LANES * LANES)
        for low in range(0, rows.size, step):
            yield rows[low : low + step]

    def mean(self, worst: Tail) -> FloatArray:
        """(claims + guaranteed claims,) weighted mean losses over a tail."""
        total = np.zeros(len(self.claims.claims) + len(self.claims.guaranteed))
        chosen = np.asarray(self._backend.host(worst.rows), dtype=np.int64)
        weights = np.asarray(self._backend.host(worst.weights), dtype=np.float64)
        at = 0
        for rows in self.chunks(chosen):
            one = self(rows)
            total += weights[at : at + rows.size] @ np.hstack([one.losses, one.guarantees])
            at += rows.size
        return np.asarray(total / weights.sum())

    def __call__(self, rows: Rows) -> Settled:
        """Settle the given rows."""
        known = self.claims
        part = self._backend.subset(self._store, rows)  # for both passes, where scenarios are drawn anew
        balance = self._backend.balances(part, self._cash, self._exposure)
        below = balance < -self._line - _NOISE
        defaulted: NDArray[np.bool_] = np.any(below, axis=1)
        last = balance.shape[1] - 1
        date = np.where(defaulted, below.argmax(axis=1), last)
        held = self._stocks(part, date)
        cash = balance[np.arange(rows.size), date]
        drawn = np.minimum(np.maximum(-cash, 0.0), self._line[date])
        unpaid = np.where(defaulted, np.maximum(-cash, 0.0) - drawn, 0.0)
        due = np.column_stack([held[:, : known.owed], drawn, unpaid, self._own[date]])
        estate = np.zeros((rows.size, PER_ENTITY * len(known.entities)))
        estate[:, ESTATE] = np.maximum(cash, 0.0)
        for e in range(len(known.entities)):
            systems, sites, contracts = held[:, known.owed + ASSETS * e : known.owed + ASSETS * (e + 1)].T
            estate[:, PER_ENTITY * e + SYSTEMS] = systems
            estate[:, PER_ENTITY * e + SITES] = sites
            estate[:, PER_ENTITY * e + ESTATE] += contracts
        pools = np.hstack([estate, self._guarantees(held)])
        lost, left = self._distribute(known.table, due, pools)
        own = estate.shape[1]
        paid = (pools - left)[:, own:]
        return Settled(due, lost, paid, estate.sum(axis=1), left[:, :own].sum(axis=1), date, defaulted)

    def _stocks(self, part: Held, date: NDArray[np.int64]) -> FloatArray:
        """(n, stocks) at the date of each row of a part, never below 0."""
        stocks = self.claims.stocks
        held = stocks.fixed[:, date].T.copy()
        if stocks.table is not None:
            flows = self._backend.balances(part, stocks.table, stocks.exposure)
            flows = flows.reshape(date.size, stocks.random.size, -1)
            held[:, stocks.random] += flows[np.arange(date.size), :, date]
        return np.maximum(held, 0.0)

    def _guarantees(self, held: FloatArray) -> FloatArray:
        """(n, guaranteed claims) most that each guarantee pays: a share of the claim, while the guarantor lives."""
        known = self.claims
        survival = {p.id: p.survival or "" for p in self._parties}
        out = np.zeros((held.shape[0], len(known.guaranteed)))
        first = known.owed + ASSETS * len(known.entities)
        for g, k in enumerate(known.guaranteed):
            claim = known.claims[k]
            alive = held[:, first + known.survivals.index(survival[claim.guarantor])]
            out[:, g] = claim.guaranteed * held[:, k] * alive
        return out

    def _stake(self, amounts: Amounts) -> FloatArray:
        """(T,) what the expected path leaves to the company's shareholders at each date, at least 0."""
        self._parties = amounts.case.party
        stocks, owed = self.claims.stocks, self.claims.owed
        mean = stocks.fixed.copy()
        if stocks.table is not None:
            terms = stocks.table.terms
            values = stocks.exposure * self._backend.means(self._store, terms.factors)[terms.atom]
            row = np.repeat(np.arange(terms.periods), np.diff(terms.start))
            flat = np.bincount(row, weights=values, minlength=terms.periods)
            mean[stocks.random] += flat.reshape(stocks.random.size, -1)
        value = amounts.cash + mean[owed : owed + ASSETS * len(self.claims.entities)].sum(axis=0)
        return np.asarray(np.maximum(value - mean[:owed].sum(axis=0), 0.0))
