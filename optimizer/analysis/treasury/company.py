"""What the statements of one company, or of all, are made of: its expected flows and balances, by what they are."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ....models.blocks import owners
from ....models.blocks.financing import is_repaid
from ....models.ledger import Account
from ....models.schema.entities import Entity
from ...arrays import FloatArray
from ..expected import Amounts
from .assets import Assets, assets
from .fees import Fees, fees
from .postings import BoolArray, Postings


class Company(Postings):
    """A company, or the whole case where `entity` is None: (T,) billion each, as the statements need it."""

    def __init__(self, amounts: Amounts, entity: Entity | None = None) -> None:
        super().__init__(amounts, entity)
        never, leased = set[str](), set[str]()
        for instrument in self.case.instrument:
            if not is_repaid(instrument):
                never.add(instrument.id)
            elif instrument.rent:
                leased.add(instrument.id)
        self._never, self._leased = never, leased

    @cached_property
    def held(self) -> Assets:
        """Its systems and sites."""
        return assets(self)

    @cached_property
    def fee(self) -> Fees:
        """What it pays for raising money."""
        return fees(self)

    @cached_property
    def of_leases(self) -> BoolArray:
        """(N,) decisions on instruments whose payments are rent."""
        return self.on(self._leased)

    @cached_property
    def of_equity(self) -> BoolArray:
        """(N,) decisions on instruments that are never repaid."""
        return self.on(self._never)

    @cached_property
    def of_suppliers(self) -> BoolArray:
        """(N,) decisions by which systems are paid for later."""
        return self.block("defer")

    @cached_property
    def lease_repayment(self) -> FloatArray:
        """What of the rent repays lease liabilities; the ledger takes it off depreciation."""
        return self.of(Account.DEPRECIATION, where=self.of_leases)

    def proceeds(self, where: BoolArray) -> FloatArray:
        return self.of(Account.PROCEEDS, where=where)

    # ------------------------------------------------------------------------------------------- open bills
    @cached_property
    def collected(self) -> FloatArray:
        """Change in cash by receivables and customers' advances, without what a default has lost."""
        return self.of(Account.RECEIVABLES) - self.of(Account.BAD_DEBTS)

    @cached_property
    def owed_by_customers(self) -> FloatArray:
        """Receivables less customers' advances."""
        return self.of(Account.RECEIVABLE) - self.of(Account.ADVANCES)

    @property
    def bills_at_start(self) -> float:
        """Receivables less advances and payables at the start: what stands after period 0 before its changes."""
        owed = self.of(Account.PAYABLE)[0] - self.of(Account.PAYABLES)[0] - self.deferred_payment[0]
        return float(self.owed_by_customers[0] + self.collected[0] - owed)

    @cached_property
    def deferred_payment(self) -> FloatArray:
        """Change in what is owed to suppliers of systems, in their days."""
        return self.of(Account.HARDWARE, where=self.of_suppliers)

    # ------------------------------------------------------------------------------------------- within the group
    @cached_property
    def companies(self) -> tuple[Entity, ...]:
        """Those it owns; none of the whole group."""
        if self.entity is None:
            return ()
        mine = self.entity.id
        return tuple(e for e in owners.companies(self.case) if owners.owner_of(self.case, e) == mine)

    @cached_property
    def from_companies(self) -> FloatArray:
        """Distributions received."""
        return self._within(Account.RECEIVED_WITHIN, "distribution")

    @cached_property
    def to_companies(self) -> FloatArray:
        """Contributions paid, as a cost."""
        return -self._within(Account.PAID_WITHIN, "contribution")

    @cached_property
    def from_owner(self) -> FloatArray:
        return self._within(Account.RECEIVED_WITHIN, "contribution")

    @cached_property
    def to_owner(self) -> FloatArray:
        """Distributions paid, as a cost."""
        return -self._within(Account.PAID_WITHIN, "distribution")

    def _within(self, account: Account, block: str) -> FloatArray:
        if self.entity is None:  # both sides are its own
            return np.zeros(self.periods)
        return self.of(account, where=self.block(block))

    @cached_property
    def companies_at_start(self) -> float:
        """Book equity at the start of the companies that it owns, billion: what it carries them at."""
        return sum(Company(self.amounts, e).equity_at_start for e in self.companies)

    @cached_property
    def equity_at_start(self) -> float:
        """Book equity at the start, billion."""
        debt = sum(d.amount for d in self.case.opening.debt if self.owns(d.entity))
        return self.opening_cash() + self.held.opening + self.companies_at_start + self.bills_at_start - debt
