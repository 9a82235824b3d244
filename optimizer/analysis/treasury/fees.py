"""Upfront fees and issue discount in the books: off the debt, and written off over its life by its balance.

So debt stands at its carrying amount (IFRS 9, 5.1.1 and 5.4.1; ASC 835-30-45-1A), whatever tax deducts when. Fees on
what is not drawn are a cost of their period (IFRS 9, B5.4.2). Costs of raising equity go off equity (IAS 32.37).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.blocks.financing import fee_left, is_repaid
from ....models.blocks.revolver import BLOCK as LINE
from ....models.ledger import Account
from ...arrays import FloatArray
from .postings import Postings


@dataclass(frozen=True, eq=False)
class Fees:
    """Billion, (T,) each, costs positive.

    paid: upfront, on debt. left: of these at each period's end. running: on what is not drawn. of_equity: all on
    equity. deducted_of_equity: what tax lets off income of the last.
    """

    paid: FloatArray
    left: FloatArray
    running: FloatArray
    of_equity: FloatArray
    deducted_of_equity: FloatArray

    @property
    def written_off(self) -> FloatArray:
        return self.paid - np.diff(self.left, prepend=0.0)


def fees(own: Postings) -> Fees:
    """What a company pays for raising money, and how much of it is still to be written off."""
    instruments = {i.id: i for i in own.case.instrument}
    never_repaid = {name for name, instrument in instruments.items() if not is_repaid(instrument)}
    equity = own.on(never_repaid)
    paid, left = np.zeros(own.periods), np.zeros(own.periods)
    for j in np.flatnonzero(upfront := upfront_fees(own)).tolist():
        decision = own.amounts.ledger.decisions[j]
        if equity[j]:
            continue
        paid[decision.period] += upfront[j]
        if decision.block == LINE:
            tenor = 1 if own.case.revolver is None else own.case.revolver.tenor
            share = np.arange(tenor, -1, -1) / tenor
        else:
            share = fee_left(own.case, instruments[decision.tags["instrument"]], decision)
        ahead = share[: own.periods - decision.period]
        left[decision.period : decision.period + ahead.size] += upfront[j] * ahead
    all_paid, of_equity = -own.of(Account.FEES), -own.of(Account.FEES, where=equity)
    deducted = -own.of(Account.FEES, Account.FEES_SPREAD, where=equity)
    return Fees(paid, left, all_paid - of_equity - paid, of_equity, deducted)


def upfront_fees(own: Postings) -> FloatArray:
    """(N,) fee and discount that fall due with each decision itself, as a cost."""
    return -own.by_decision(Account.FEES, own.decided_in)
