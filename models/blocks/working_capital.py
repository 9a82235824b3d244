"""Working capital: bills that are paid some days after (or ahead of) delivery, as receivables, payables and advances.

What is delivered in a period falls evenly into it. So at its end the deliveries of the last `days` are open: with w =
days / days of a period and k its whole part, a share k + 1 - w of a period's bill is paid k periods later and w - k in
the period after that. Income stays on accrual; one posting takes the open part out of cash, one brings it when it is
paid, priced as the bill was. What is open at the horizon's end is owned or owed there, at its face (IFRS 15.63: within
a year nothing is discounted), less the expected loss on it until it is due (IFRS 9, 5.5.15).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import FloatArray
from ..ledger import ONE, Account, LedgerBuilder, Scale
from ..schema.case import Case
from ..schema.drivers import Survival
from ..schema.hardware import Accelerator
from ..schema.revenue import Contract
from .quantities import PeriodArray
from .survival import Life

DAYS_PER_YEAR = 365.0
_ROUNDING = 1e-9

BoolArray = NDArray[np.bool_]
Parts = tuple[tuple[int, float], ...]
"""Periods from delivery to payment, at least one, and the share of a bill that is paid then."""


def parts(days: float, dt: float) -> Parts:
    """What of a period's bill is open at its end: when it is paid, and which share of it. Of days ahead, how far."""
    wait = abs(days) / (DAYS_PER_YEAR * dt)
    whole = math.floor(wait + _ROUNDING)
    later = max(wait - whole, 0.0)
    later = 0.0 if later < _ROUNDING else later
    return tuple((n, share) for n, share in ((whole, 1.0 - later), (whole + 1, later)) if n > 0 and share > 0.0)


def contract_days(case: Case, contract: Contract) -> float:
    return case.working_capital.receivable_days if contract.payment_days is None else contract.payment_days


def merchant_days(case: Case) -> float:
    own = None if case.merchant is None else case.merchant.payment_days
    return case.working_capital.receivable_days if own is None else own


def system_days(case: Case, accelerator: Accelerator) -> float:
    own = accelerator.payment_days
    return case.working_capital.system_days if own is None else own


@dataclass(frozen=True)
class _Side:
    change: Account
    stock: Account
    end: Account
    sign: float


_RECEIVABLE = _Side(Account.RECEIVABLES, Account.RECEIVABLE, Account.RECEIVABLES_AT_END, 1.0)
_PAYABLE = _Side(Account.PAYABLES, Account.PAYABLE, Account.PAYABLES_AT_END, -1.0)


def post_sale(
    case: Case,
    builder: LedgerBuilder,
    decision: int,
    periods: PeriodArray,
    amounts: ArrayLike,
    column: str,
    second: str = ONE,
    scaled: Scale = (),
) -> None:
    """The open part of rentals that a market pays after the period's use, at the price of the rental."""
    days = merchant_days(case)
    _post_open(case, builder, decision, _RECEIVABLE, days, periods, amounts, column, None, second, scaled)


def post_cost(
    case: Case,
    builder: LedgerBuilder,
    decision: int,
    account: Account,
    periods: PeriodArray,
    amounts: ArrayLike,
    column: str = ONE,
    observed: int | None = None,
    served: int = 0,
) -> None:
    """Post costs of operation (negative) to their account, and what of them is paid later.

    `served`: of the opening balance sheet, for how many periods the same has been bought before period 0; bills of then
    that are still open are paid in their turn, at the level of period 0, unless the case gives `opening_payables`.
    """
    value = np.broadcast_to(np.asarray(amounts, dtype=np.float64), periods.shape)
    builder.post(decision, account, periods, value, column, observed)
    _post_open(case, builder, decision, _PAYABLE, case.working_capital.payable_days, periods, value, column, observed)
    if served and periods.size and case.working_capital.opening_payables is None:
        for wait, share in parts(case.working_capital.payable_days, case.horizon.dt):
            for ahead in range(min(wait, served)):  # bought in period -1 - ahead
                _open_at_start(case, builder, decision, _PAYABLE, wait - 1 - ahead, share * value[0], column)


def post_opening_payables(case: Case, builder: LedgerBuilder, decision: int) -> None:
    """What the case says is owed to suppliers at the start, paid over `payable_days`."""
    owed = case.working_capital.opening_payables or 0.0
    for at, share in _over_days(case.working_capital.payable_days, case.horizon.dt):
        _open_at_start(case, builder, decision, _PAYABLE, at, -share * owed, ONE)


def _over_days(days: float, dt: float) -> Parts:
    """(period, share) in which an even stock of open bills is paid."""
    wait = days / (DAYS_PER_YEAR * dt)
    if wait <= 1.0:
        return ((0, 1.0),)
    count = math.ceil(wait - _ROUNDING)
    return tuple((j, min(1.0, wait - j) / wait) for j in range(count))


def _open_at_start(
    case: Case, builder: LedgerBuilder, decision: int, side: _Side, paid: int, amount: float, column: str
) -> None:
    """A bill of before the horizon that is paid in period `paid`, at the price of period 0."""
    periods = case.horizon.periods
    stock: PeriodArray = np.arange(min(paid, periods))
    builder.post(decision, side.stock, stock, side.sign * amount, column, 0)
    if paid < periods:
        builder.post(decision, side.change, paid, amount, column, 0)
    else:
        builder.post(decision, side.end, periods - 1, amount, column, 0)


def _post_open(
    case: Case,
    builder: LedgerBuilder,
    decision: int,
    side: _Side,
    days: float,
    periods: PeriodArray,
    amounts: ArrayLike,
    column: str,
    observed: int | None = None,
    second: str = ONE,
    scaled: Scale = (),
) -> None:
    last = case.horizon.periods - 1
    value = np.broadcast_to(np.asarray(amounts, dtype=np.float64), periods.shape)
    seen: PeriodArray = periods if observed is None else np.full(periods.shape, observed)

    def post(account: Account, times: PeriodArray, some: BoolArray, factor: float) -> None:
        builder.post(
            decision, account, times[some], factor * value[some], column, seen[some], second, seen[some], scaled
        )

    for wait, share in parts(days, case.horizon.dt):
        every = np.ones(periods.shape, dtype=np.bool_)
        post(side.change, periods, every, -share)
        for after in range(wait):
            post(side.stock, periods + after, periods + after <= last, side.sign * share)
        paid = periods + wait <= last
        post(side.change, periods + wait, paid, share)
        post(side.end, np.full(periods.shape, last), ~paid, share)


@dataclass(frozen=True)
class Bills:
    """What a contract's bills are paid by: its customer's life and days, and the period from which he can pay.

    opening: whether it runs at the start, so that what was due ahead before period 0 has come in already.
    """

    case: Case
    customer: Life
    days: float
    signed: int
    opening: bool = False

    def post(
        self, builder: LedgerBuilder, decision: int, periods: PeriodArray, amounts: ArrayLike, column: str = ONE
    ) -> None:
        """The open part, or the part paid ahead, of bills of amounts × column that are due while the customer lives.

        `periods` may lie beyond the horizon where bills are paid ahead.
        """
        value = np.broadcast_to(np.asarray(amounts, dtype=np.float64), periods.shape)
        for wait, share in parts(self.days, self.case.horizon.dt):
            if self.days < 0.0:
                self._ahead(builder, decision, wait, periods, share * value)
            else:
                inside = periods < self.case.horizon.periods
                self._open(builder, decision, wait, periods[inside], share * value[inside], column)

    def _open(
        self, builder: LedgerBuilder, decision: int, wait: int, t: PeriodArray, amounts: FloatArray, column: str
    ) -> None:
        """At his default what is open is written off but for his recovery, which is paid at once."""
        life, last = self.customer, self.case.horizon.periods - 1
        life.while_alive(builder, decision, Account.RECEIVABLES, t, -amounts, column=column)
        for after in range(wait):
            here = t + after <= last
            at, billed, open_ = (t + after)[here], t[here], amounts[here]
            life.while_alive(builder, decision, Account.RECEIVABLE, at, open_, column=column, priced=billed)
        for after in range(1, wait + 1):
            here = t + after <= last
            self._lost(builder, decision, (t + after)[here], t[here], amounts[here], column)
        paid = t + wait <= last
        life.while_alive(
            builder, decision, Account.RECEIVABLES, (t + wait)[paid], amounts[paid], column=column, priced=t[paid]
        )
        billed, open_ = t[~paid], amounts[~paid]
        end = np.full(billed.size, last)
        life.while_alive(builder, decision, Account.RECEIVABLES_AT_END, end, open_, column=column, priced=billed)
        loss = open_ * self._loss(billed + wait - last)
        life.while_alive(builder, decision, Account.CREDIT_LOSS_AHEAD, end, -loss, column=column, priced=billed)

    def post_opening(self, builder: LedgerBuilder, decision: int, amount: float) -> None:
        """Bills of before the horizon that are open at its start."""
        life, last = self.customer, self.case.horizon.periods - 1
        for at, share in _over_days(max(self.days, 0.0), self.case.horizon.dt):
            value = np.array([share * amount])
            stock: PeriodArray = np.arange(min(at, last + 1))
            life.while_alive(builder, decision, Account.RECEIVABLE, stock, share * amount)
            lost: PeriodArray = np.arange(1, min(at, last) + 1)
            self._lost(builder, decision, lost, lost, np.full(lost.size, share * amount), ONE)
            end: PeriodArray = np.array([min(at, last)])
            paid = at <= last
            account = Account.RECEIVABLES if paid else Account.RECEIVABLES_AT_END
            life.while_alive(builder, decision, account, end, value)
            if not paid:
                loss = value * self._loss(np.array([at - last]))
                life.while_alive(builder, decision, Account.CREDIT_LOSS_AHEAD, end, -loss)

    def _lost(
        self,
        builder: LedgerBuilder,
        decision: int,
        at: PeriodArray,
        billed: PeriodArray,
        amounts: FloatArray,
        column: str,
    ) -> None:
        life = self.customer
        back = life.recovery * amounts
        life.died(builder, decision, Account.RECEIVABLES, at, back, at - 1, column, billed)
        life.died(builder, decision, Account.BAD_DEBTS, at, back - amounts, at - 1, column, billed)

    def _loss(self, ahead: PeriodArray) -> FloatArray:
        """Share of what is due so many periods after the horizon that is expected to be lost until then."""
        driver = next((d for d in self.case.driver if d.id == self.customer.driver), None)
        if not isinstance(driver, Survival) or self.case.objective.valuation == "face":
            return np.zeros(ahead.size)
        dead = -np.expm1(-driver.hazard[-1] * self.case.horizon.dt * ahead)
        return np.asarray((1.0 - self.customer.recovery) * dead)

    def _ahead(self, builder: LedgerBuilder, decision: int, wait: int, t: PeriodArray, amounts: FloatArray) -> None:
        """Paid `wait` periods ahead, but not before the signature; owed until it is delivered, returned if he dies."""
        life, last = self.customer, self.case.horizon.periods - 1
        first = np.maximum(t - wait, self.signed)
        before = (t - wait < 0) & self.opening
        came = (first <= last) & ((first < t) | before)
        t, amounts, first, before = t[came], amounts[came], first[came], before[came]
        now = ~before
        life.while_alive(builder, decision, Account.RECEIVABLES, first[now], amounts[now])
        for at, amount, paid in zip(t.tolist(), amounts.tolist(), first.tolist(), strict=True):
            owed: PeriodArray = np.arange(paid, min(at, last + 1))
            life.while_alive(builder, decision, Account.ADVANCES, owed, amount, np.full(owed.size, paid))
        due = t <= last
        life.while_alive(builder, decision, Account.RECEIVABLES, t[due], -amounts[due], first[due])
        end = np.full(int((~due).sum()), last)
        life.while_alive(builder, decision, Account.TERMINAL_DEBT, end, -amounts[~due], first[~due])
