"""Expected amounts of one company, or of all: sums over the postings that are its own, by account and decision."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....models.blocks import owners
from ....models.ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, Account
from ....models.schema.case import Case
from ....models.schema.entities import Entity
from ...arrays import FloatArray
from ..expected import Amounts

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


class Postings:
    """The expected postings of `entity`, or of the whole case where it is None."""

    def __init__(self, amounts: Amounts, entity: Entity | None = None) -> None:
        self.amounts, self.entity = amounts, entity
        keep = amounts.posted != 0.0
        if entity is not None:
            keep &= owners.share_of(self.case, amounts.ledger, entity.id) > 0.0
        kept = np.flatnonzero(keep)
        account = amounts.ledger.account[kept]
        order = np.argsort(account, kind="stable")
        self._order = kept[order]
        self._bounds = np.searchsorted(account[order], np.arange(len(ACCOUNT_NUMBER) + 1))

    @property
    def case(self) -> Case:
        return self.amounts.case

    @property
    def periods(self) -> int:
        return self.amounts.periods

    def owns(self, entity: str | None) -> bool:
        """Whether what belongs to an entity of this id, the parent where it is None, is its own."""
        return self.entity is None or (entity or owners.head_name(self.case)) == self.entity.id

    def counted(self, *accounts: Account) -> IntArray:
        """Numbers of its own postings of these accounts that come to anything."""
        parts = [self._order[self._bounds[n] : self._bounds[n + 1]] for n in (ACCOUNT_NUMBER[a] for a in accounts)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def of(self, *accounts: Account, where: BoolArray | None = None) -> FloatArray:
        """(T,) sum over the accounts, of the decisions in the mask (N,) alone where it is given."""
        ledger, at = self.amounts.ledger, self.counted(*accounts)
        if where is not None:
            at = at[where[ledger.decision[at]]]
        found = np.bincount(ledger.period[at], weights=self.amounts.posted[at], minlength=self.periods)
        return found.astype(np.float64)

    def by_decision(self, account: Account, paid_when: IntArray | None = None) -> FloatArray:
        """(N,) sum of the account over the periods, or in the period (N,) of each decision alone."""
        ledger, at = self.amounts.ledger, self.counted(account)
        if paid_when is not None:
            at = at[ledger.period[at] == paid_when[ledger.decision[at]]]
        count = len(ledger.decisions)
        found = np.bincount(ledger.decision[at], weights=self.amounts.posted[at], minlength=count)
        return found.astype(np.float64)

    def tagged(self, **tags: str) -> BoolArray:
        """(N,) which decisions carry these tags; `block` counts as one, and "" is that of those without it."""
        return self.amounts.ledger.mask(**tags)

    def block(self, *names: str) -> BoolArray:
        """(N,) which decisions are of these blocks."""
        return self._any("block", names)

    def on(self, instruments: Collection[str]) -> BoolArray:
        """(N,) which decisions are on these instruments."""
        return self._any("instrument", instruments)

    def _any(self, tag: str, values: Collection[str]) -> BoolArray:
        found = np.zeros(len(self.amounts.ledger.decisions), dtype=np.bool_)
        for value in values:
            found |= self.tagged(**{tag: value})
        return found

    @cached_property
    def decided_in(self) -> IntArray:
        """(N,) period of each decision."""
        return np.array([d.period for d in self.amounts.ledger.decisions], dtype=np.int64)

    def opening_cash(self) -> float:
        """Cash at the start, billion."""
        return self.case.cash.opening if self.entity is None else owners.opening_cash(self.case, self.entity)

    @cached_property
    def cash(self) -> FloatArray:
        """(T,) expected cash at each period's end."""
        return self.amounts.mean_of(lambda path: self._carried(path))

    @cached_property
    def interest_on_cash(self) -> FloatArray:
        """(T,) expected interest on the cash with which each period begins."""
        return self.amounts.mean_of(lambda path: rolled(self.opening_cash(), self._carried(path)) * path.deposit_rates)

    def _carried(self, path: Amounts) -> FloatArray:
        """The same on one path of the plan: cash earns what that path expects."""
        own = self if path is self.amounts else Postings(path, self.entity)
        held, flow, out = self.opening_cash(), own.of(*CASH_ACCOUNTS), np.empty(self.periods)
        for t, rate in enumerate(path.deposit_rates.tolist()):
            held = held * (1.0 + rate) + flow[t]
            out[t] = held
        return out


def rolled(start: float, values: FloatArray) -> FloatArray:
    """(T,) what stood before each period, of what stands after it."""
    return np.concatenate([[start], values[:-1]])
