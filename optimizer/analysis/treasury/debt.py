"""What each instrument is, raises, costs and repays: the facts that the tables of debt are made of.

Of an offer of the case that the plan takes up, and of each debt of the opening balance sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ....models.blocks import owners
from ....models.blocks.financing import grid_margin, is_debt, is_repaid, terms_of
from ....models.blocks.opening import opening_debt_balance
from ....models.ledger import Account, Decision
from ....models.schema.financing import Instrument, OpeningDebt, Step
from ...arrays import FloatArray
from ..expected import Amounts
from ..funding_cost import cost_of, rate_of_return, yearly
from ..statements import StatementError
from ..tabulate import NEGLIGIBLE, name_of
from .names import Claim
from .postings import BoolArray, Postings, rolled

STOCK = {
    Claim.DEBT: Account.DEBT, Claim.OPENING: Account.DEBT, Claim.LEASE: Account.LEASES, Claim.EQUITY: Account.EQUITY,
}  # fmt: skip
PAID = {Claim.DEBT: Account.INTEREST, Claim.OPENING: Account.INTEREST, Claim.EQUITY: Account.DIVIDENDS}
CLOSING = 1e-9


@dataclass(frozen=True, eq=False)
class Held:
    """One instrument of the plan, or one opening debt: (T,) billion each, all positive.

    closing = opening + gross proceeds + accreted - repaid in each period. decisions: (N,) those on it. ahead: what is
    repaid past the horizon, by period.
    """

    id: str
    title: str
    kind: str
    claim: Claim
    issuer: str
    rate: str
    benchmark: str
    opening: float
    raised: FloatArray
    accreted: FloatArray
    repaid: FloatArray
    closing: FloatArray
    interest: FloatArray
    fees: FloatArray
    decisions: BoolArray = field(repr=False)
    ahead: Mapping[int, float] = field(default_factory=dict)

    @cached_property
    def before(self) -> FloatArray:
        """(T,) balance at the start of each period."""
        return rolled(self.opening, self.closing)

    @property
    def repayments(self) -> Iterator[tuple[int, float]]:
        """Period and what is repaid then, those past the horizon among them."""
        yield from enumerate(self.repaid.tolist())
        yield from sorted(self.ahead.items())


def portfolio(own: Postings) -> list[Held]:
    """Everything that is raised, committed or owed at the start, in the case's order. StatementError.

    own: postings of the whole case.
    """
    found = [held for i in own.case.instrument if (held := _offer(own, i)) is not None]
    return [*found, *(_opening(own, debt) for debt in own.case.opening.debt)]


def claim_of(instrument: Instrument) -> Claim:
    """What an instrument is to the company."""
    if is_debt(instrument):
        return Claim.DEBT
    return Claim.LEASE if is_repaid(instrument) else Claim.EQUITY


def _offer(own: Postings, instrument: Instrument) -> Held | None:
    mine = own.tagged(instrument=instrument.id)
    if not np.any(own.amounts.decided[mine] > NEGLIGIBLE):
        return None
    claim = claim_of(instrument)
    raised, closing = own.of(Account.PROCEEDS, where=mine), own.of(STOCK[claim], where=mine)
    accreted = -own.of(Account.ACCRETION, where=mine)
    repaid, interest = -own.of(Account.PRINCIPAL, where=mine), np.zeros(own.periods)
    if claim is Claim.EQUITY:
        accreted = np.diff(closing, prepend=0.0) - raised
    if claim is Claim.LEASE:
        repaid = own.of(Account.DEPRECIATION, where=mine)
        interest = -own.of(Account.RENT, where=mine) - repaid
    else:
        interest = -own.of(PAID[claim], where=mine)
    return _closed(Held(
        id=instrument.id, title=name_of(instrument), kind=instrument.kind, claim=claim,
        issuer=instrument.issuer or owners.head_name(own.case), rate=instrument.rate,
        benchmark=instrument.benchmark or "", opening=0.0, raised=raised, accreted=accreted, repaid=repaid,
        closing=closing, interest=interest, fees=-own.of(Account.FEES, where=mine), decisions=mine,
        ahead=_ahead(own, instrument, mine),
    ), own)  # fmt: skip


def _ahead(own: Postings, instrument: Instrument, mine: BoolArray) -> dict[int, float]:
    """What is repaid after the horizon, by period."""
    found: dict[int, float] = {}
    if not is_repaid(instrument):
        return found
    for j, face in faces(own, mine).items():
        decision = own.amounts.ledger.decisions[j]
        principal = terms_of(own.case, instrument, decision).principal
        for n in range(own.periods - decision.period, principal.size):
            if principal[n]:
                at = decision.period + n
                found[at] = found.get(at, 0.0) + face * float(principal[n])
    return found


def faces(own: Postings, mine: BoolArray) -> dict[int, float]:
    """Expected face of each placement and draw that is made, by the number of its decision."""
    came = own.by_decision(Account.PROCEEDS)
    return {j: float(came[j]) for j in np.flatnonzero(mine & (came > 0.0)).tolist()}


def _opening(own: Postings, debt: OpeningDebt) -> Held:
    mine = own.tagged(block="fixed", debt=debt.id)
    balance = opening_debt_balance(debt)
    later = -np.diff(balance, prepend=debt.amount)[own.periods :]
    return _closed(Held(
        id=debt.id, title=name_of(debt), kind=Claim.OPENING, claim=Claim.OPENING,
        issuer=debt.entity or owners.head_name(own.case), rate=debt.rate, benchmark=debt.benchmark or "",
        opening=debt.amount, raised=np.zeros(own.periods), accreted=np.zeros(own.periods),
        repaid=-own.of(Account.PRINCIPAL, where=mine), closing=own.of(Account.DEBT, where=mine),
        interest=-own.of(Account.INTEREST, where=mine), fees=np.zeros(own.periods), decisions=mine,
        ahead={own.periods + n: float(v) for n, v in enumerate(later.tolist()) if v},
    ), own)  # fmt: skip


def _closed(held: Held, own: Postings) -> Held:
    """The same, if its balance is what it was and what moved. StatementError."""
    off = held.before + held.raised + held.accreted - held.repaid - held.closing
    wrong = np.flatnonzero(~(np.abs(off) <= CLOSING * max(1.0, float(np.abs(held.closing).max()))))
    if wrong.size:
        label = own.amounts.labels[int(wrong[0])]
        raise StatementError(f"{held.id}: the balance at the end of {label} is off by {off[wrong[0]]:.3g} billion")
    return held


# ------------------------------------------------------------------------------------------------------ figures
def all_in_cost(amounts: Amounts, held: Held) -> float | None:
    """Effective yearly rate at which all that is received and paid on it is worth nothing (`funding_cost.py`)."""
    if held.claim is Claim.OPENING:
        flows = -held.interest - held.repaid
        flows[-1] -= held.closing[-1]
        rate = rate_of_return(np.concatenate([[held.opening], flows]))
        return yearly(rate, amounts.case.horizon.per_year)
    return cost_of(amounts, held.decisions)


def mean_coupon(amounts: Amounts, held: Held) -> float | None:
    """Interest over what was outstanding at the start of each period, a year; None where nothing was."""
    base = amounts.case.horizon.dt * float(held.before.sum())
    return float(held.interest.sum()) / base if base > NEGLIGIBLE else None


def weighted_life(own: Postings, held: Held) -> float | None:
    """Years from the issue to the repayments, weighted by these; of opening debt from the start. None of equity."""
    case, dt = own.case, own.case.horizon.dt
    if held.claim is Claim.EQUITY:
        return None
    if held.claim is Claim.OPENING:
        return float(sum(v * (t + 1) for t, v in held.repayments)) * dt / held.opening
    instrument = next(i for i in case.instrument if i.id == held.id)
    years = repaid = 0.0
    for j, face in faces(own, held.decisions).items():
        principal = terms_of(case, instrument, own.amounts.ledger.decisions[j]).principal
        years += face * dt * float(np.arange(principal.size) @ principal)
        repaid += face * float(principal.sum())
    return years / repaid if repaid > 0.0 else None


def maturity(held: Held) -> int | None:
    """Period of the last repayment; None of what is never repaid."""
    return max((t for t, v in held.repayments if v > NEGLIGIBLE), default=None)


def step_of(instrument: Instrument, decision: Decision) -> Step:
    """The step of the depth curve of a placement, commitment or draw."""
    depth = next(d for d in instrument.depth if d.investor == decision.tags["investor"])
    return depth.steps[int(decision.tags["step"]) - 1]


def margin_of(amounts: Amounts, instrument: Instrument, step: Step) -> float:
    """Margin at the agreement: its own, the grid's at the offtaker's rating, and the step's spread."""
    rating = next((p.rating for p in amounts.case.party if p.id == instrument.offtaker), "")
    return instrument.margin + grid_margin(instrument, rating) + step.spread
