"""Expected amounts of one company, or of all: sums over the postings that are its own, by account and decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....models.blocks import owners
from ....models.ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, Account, Decision
from ....models.schema.case import Case
from ....models.schema.entities import Entity
from ..expected import Amounts

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


class Postings:
    """The expected postings of `entity`, or of the whole case where it is None."""

    def __init__(self, amounts: Amounts, entity: Entity | None = None) -> None:
        self.amounts, self.entity = amounts, entity
        self._share = None if entity is None else owners.share_of(self.case, amounts.ledger, entity.id) > 0.0

    @property
    def case(self) -> Case:
        return self.amounts.case

    @property
    def periods(self) -> int:
        return self.amounts.periods

    def owns(self, entity: str | None) -> bool:
        """Whether what belongs to an entity of this id, the parent where it is None, is its own."""
        return self.entity is None or (entity or owners.head_name(self.case)) == self.entity.id

    def counted(self, *accounts: Account) -> BoolArray:
        """(P,) which postings are its own and of these accounts."""
        keep = np.isin(self.amounts.ledger.account, [ACCOUNT_NUMBER[a] for a in accounts])
        return keep if self._share is None else keep & self._share

    def of(self, *accounts: Account, where: BoolArray | None = None) -> FloatArray:
        """(T,) sum over the accounts, of the decisions in the mask (N,) alone where it is given."""
        ledger, keep = self.amounts.ledger, self.counted(*accounts)
        if where is not None:
            keep &= where[ledger.decision]
        found = np.bincount(ledger.period[keep], weights=self.amounts.posted[keep], minlength=self.periods)
        return found.astype(np.float64)

    def by_decision(self, account: Account, paid_when: IntArray | None = None) -> FloatArray:
        """(N,) sum of the account over the periods, or in the period (N,) of each decision alone."""
        ledger, keep = self.amounts.ledger, self.counted(account)
        if paid_when is not None:
            keep &= ledger.period == paid_when[ledger.decision]
        count = len(ledger.decisions)
        found = np.bincount(ledger.decision[keep], weights=self.amounts.posted[keep], minlength=count)
        return found.astype(np.float64)

    def mask(self, chosen: Callable[[Decision], bool]) -> BoolArray:
        """(N,) which decisions are chosen."""
        return np.array([chosen(d) for d in self.amounts.ledger.decisions], dtype=np.bool_)

    def block(self, *names: str) -> BoolArray:
        """(N,) which decisions are of these blocks."""
        return self.mask(lambda d: d.block in names)

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
        held, flow, out = self.opening_cash(), self.of(*CASH_ACCOUNTS), np.empty(self.periods)
        for t, rate in enumerate(self.amounts.deposit_rates.tolist()):
            held = held * (1.0 + rate) + flow[t]
            out[t] = held
        return out


def rolled(start: float, values: FloatArray) -> FloatArray:
    """(T,) what stood before each period, of what stands after it."""
    return np.concatenate([[start], values[:-1]])
