"""Tax on the expected income, with losses and interest carried forward, as far as a linear program can state it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ..arrays import FloatArray
from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.rules import Tax
from . import cash as cash_block
from . import rules
from .assembly import Assembly

DEFERRED = "deferred_tax"
TAXABLE = tuple(x for x in Account if x.taxable)
TAX_EBITDA = tuple(x for x in Account if x.taxable and x.ebitda)
"""EBITDA that is taxed here: without that of the rest of the company."""
BORROWING = (Account.INTEREST, Account.ACCRETION, Account.FEES, Account.FEES_SPREAD)
"""What a limit on interest counts as such, net of interest on cash: ATAD article 2(1) names fees and the like too."""


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions tax[t], billion paid. Their size follows from the rows, so they need no bound of their own."""
    if case.tax is None:
        return
    for t, label in enumerate(case.horizon.labels):
        tax = builder.decide(
            Decision(
                key=f"tax[{label}]", block="tax", period=t, unit="billion", lower=0.0, upper=np.inf,
                tags={"period": label},
            )
        )  # fmt: skip
        builder.post(tax, Account.TAX, t, -1.0)
    if defers(case):
        last = case.horizon.periods - 1
        put_off = builder.decide(
            Decision(
                key=DEFERRED, block=DEFERRED, period=last, unit="billion", lower=0.0, upper=np.inf,
                tags={"period": case.horizon.labels[last]},
            )
        )  # fmt: skip
        builder.post(put_off, Account.DEFERRED_TAX, last, -1.0)


def defers(case: Case) -> bool:
    """Whether early write-offs may put tax off past the end, and what lies there counts."""
    tax = case.tax
    early = tax is not None and (tax.systems is not None or tax.sites is not None)
    return early and case.objective.valuation == "market"


def put_off(tax: Tax, ahead: float, pool: float) -> float:
    """Tax owed at the end, billion, for what was written off `ahead` of the books, where losses of `pool` are carried.

    It comes back as income, undiscounted (IAS 12.53), and carried losses are set against it as far as the law lets them
    (IAS 12.28 and 12.36): never more than loss_use of it.
    """
    return tax.rate * max(ahead - pool, (1.0 - tax.loss_use) * ahead, 0.0)


def constrain(a: Assembly) -> None:
    """profit - loss = income; tax = rate (profit - used); used <= loss_use profit; used <= losses carried in.

    With a limit on interest, net interest + interest carried in - interest carried out <= limit × taxable EBITDA, and
    income is higher by what the interest carried rises.
    """
    tax = a.case.tax
    if tax is None:
        return
    profit, loss, used, pool = (a.state(name) for name in ("profit", "loss", "loss_used", "loss_pool"))
    cash, periods = cash_block.column(a), range(a.periods)
    on_cash = [(t, cash + t - 1, -a.rates[t]) for t in periods if t > 0]
    interest, opening = np.zeros(a.periods), np.zeros(a.periods)
    interest[0] = a.rates[0] * a.case.cash.opening
    waiting: list[tuple[int, int, float]] = []
    if tax.interest_limit is not None:
        opening[0] = tax.opening_interest
        carried = a.state("interest_carried")
        waiting = [(t, carried + t, -1.0) for t in periods]
        waiting += [(t, carried + t - 1, 1.0) for t in periods if t > 0]
        a.rows(
            rules.TAX_INTEREST,
            a.labels,
            csr_array(-a.expected(BORROWING) - tax.interest_limit * a.expected(TAX_EBITDA)),
            upper=interest - opening,
            terms=on_cash + waiting,
        )
    carried_in = np.zeros(a.periods)
    carried_in[0] = tax.opening_losses
    a.rows(
        rules.TAX_INCOME,
        a.labels,
        -a.expected(TAXABLE),
        lower=interest - opening,
        upper=interest - opening,
        terms=[(t, profit + t, 1.0) for t in periods] + [(t, loss + t, -1.0) for t in periods] + on_cash + waiting,
    )
    a.rows(
        rules.TAX_LOSS_USE,
        a.labels,
        None,
        upper=0.0,
        terms=[x for t in periods for x in ((t, used + t, 1.0), (t, profit + t, -tax.loss_use))],
    )
    a.rows(
        rules.TAX_LOSS_POOL,
        a.labels,
        None,
        upper=carried_in,
        terms=[(t, used + t, 1.0) for t in periods] + [(t, pool + t - 1, -1.0) for t in periods if t > 0],
    )
    a.rows(
        rules.TAX_LOSS_CARRIED,
        a.labels,
        None,
        lower=carried_in,
        upper=carried_in,
        terms=[x for t in periods for x in ((t, pool + t, 1.0), (t, loss + t, -1.0), (t, used + t, 1.0))]
        + [(t, pool + t - 1, -1.0) for t in periods if t > 0],
    )
    a.rows(
        rules.TAX_DUE,
        a.labels,
        a.selector(a.mask(block="tax"), periods),
        lower=0.0,
        upper=0.0,
        terms=[x for t in periods for x in ((t, profit + t, -tax.rate), (t, used + t, tax.rate))],
    )
    if defers(a.case):
        ahead, last = a.expected([Account.WRITTEN_AHEAD])[[a.periods - 1]], a.periods - 1
        owed = a.selector(a.mask(block=DEFERRED), [last])
        for name, share, carried_on in (("all", 1.0, tax.rate), ("least", 1.0 - tax.loss_use, 0.0)):
            a.rows(
                rules.TAX_DEFERRED,
                [name],
                csr_array(owed - tax.rate * share * ahead),
                lower=0.0,
                terms=[(0, pool + last, carried_on)] if carried_on else [],
            )


@dataclass(frozen=True)
class Assessed:
    """Billion, (T,) or (T, n) each.

    income: before carried losses. used: losses used. pool: losses carried out. tax. cash: at the end of each period.
    waiting: interest carried out, not yet deducted.
    """

    income: FloatArray
    used: FloatArray
    pool: FloatArray
    tax: FloatArray
    cash: FloatArray
    waiting: FloatArray


@dataclass(frozen=True)
class Base:
    """What is taxed, billion, (T,) or (T, n) each, in all of it without interest on cash.

    taxable: taxable income before any limit on interest. borrowing: interest and fees, as an expense, of which a limit
    lets only a part off income. ebitda: taxable EBITDA.
    """

    taxable: FloatArray
    borrowing: FloatArray
    ebitda: FloatArray

    @classmethod
    def plain(cls, taxable: FloatArray) -> Base:
        """An income without borrowing."""
        return cls(taxable, np.zeros_like(taxable), np.zeros_like(taxable))


class Assessor:
    """The law, period by period: interest and losses are deducted as soon as they can be, and not before.

    Neither is the taxpayer's choice: 26 USC 163(j)(2) and 172(b)(2). Where taxable EBITDA is negative the limit is too.
    """

    def __init__(self, tax: Tax, shape: tuple[int, ...] = ()) -> None:
        self._tax = tax
        self.left = np.full(shape, tax.opening_losses)
        self.waiting = np.full(shape, tax.opening_interest if tax.interest_limit is not None else 0.0)

    def period(self, base: Base, t: int, interest: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Income before carried losses, losses used and tax of period t, with `interest` earned on cash."""
        tax = self._tax
        income = base.taxable[t] + interest
        if tax.interest_limit is not None:
            put_off = base.borrowing[t] - interest + self.waiting - tax.interest_limit * base.ebitda[t]
            waiting = np.maximum(put_off, 0.0)
            income = income + (waiting - self.waiting)
            self.waiting = waiting
        profit = np.maximum(income, 0.0)
        used = np.minimum(tax.loss_use * profit, self.left)
        self.left = self.left + (np.maximum(-income, 0.0) - used)
        return income, used, tax.rate * (profit - used)


def assessed(tax: Tax, base: Base, flow: FloatArray, rates: FloatArray, opening: float) -> Assessed:
    """The tax of an income: losses are used as soon as there is a profit to set them against, and not before.

    Of all payments that the rows above allow this one is, without a limit on interest, the least in total up to every
    period.

    Args:
        base: what is taxed, (T,). flow: (T,) cash flow before interest on cash and tax.
        rates: (T,) deposit rates. opening: cash at the start.
    """
    law, held = Assessor(tax), opening
    income, used, pool, due, cash, waiting = (np.zeros(flow.size) for _ in range(6))
    for t in range(flow.size):
        interest = rates[t] * held
        income[t], used[t], due[t] = law.period(base, t, interest)
        held += interest + flow[t] - due[t]
        pool[t], cash[t], waiting[t] = law.left, held, law.waiting
    return Assessed(income, used, pool, due, cash, waiting)
