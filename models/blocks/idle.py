"""Doing nothing: the opening balance sheet, organic flows and dividends alone, against which a plan's wealth is held.

An investment is worth its incremental cash flows, those with it less those without it (Brealey, Myers & Allen,
Principles of Corporate Finance, chapter "Making investment decisions with the net present value rule"). The objective
`cost` and the net loss both take what is here as the side without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Ledger
from ..schema.case import Case
from .quantities import FloatArray, money_discount
from .tax import BORROWING, TAX_EBITDA, TAXABLE, Assessor, Base


@dataclass(frozen=True)
class Idle:
    """Expected figures of doing nothing, billion.

    Attributes:
        tax: (T,) paid.
        cash: (T,) at the end of each period; below zero where the opening debt cannot be served without a plan.
        wealth: at the end, discounted to time 0: cash, and assets less debt. Without the dividends paid on the way,
            which every plan pays too.
    """

    tax: FloatArray
    cash: FloatArray
    wealth: float


def wealth_weights(case: Case, deposit_rates: FloatArray) -> FloatArray:
    """(T,) what a billion received in each period adds to discounted wealth at the end; it waits at the deposit rate.

    Discounting flows at money_discount instead would make debt cheaper than that rate look like a gain even when its
    proceeds lie idle.
    """
    growth = np.concatenate([np.cumprod((1.0 + deposit_rates)[:0:-1])[::-1], [1.0]])
    return np.asarray(money_discount(case)[-1] * growth)


def idle(case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray) -> Idle:
    """What the fixed decisions do alone.

    Its income before interest on cash has a loss pool of its own; the interest is taxed at the full rate outside the
    pool. No plan ever pays more than the full rate on a further unit of income, so money that both have more of
    (opening cash, organic flows, dividends not paid) never makes a plan look worse.

    Args:
        means: (A,) sample means of the ledger's atoms.
        rates: (T,) mean deposit rate per period.
    """
    fixed = ledger.mask(block="fixed").astype(np.float64)
    flow = np.asarray(ledger.expected(CASH_ACCOUNTS, means) @ fixed)
    parts = [np.asarray(ledger.expected(accounts, means) @ fixed) for accounts in (TAXABLE, BORROWING, TAX_EBITDA)]
    on_income = own_tax(case, Base(parts[0], -parts[1], parts[2]))
    rate = 0.0 if case.tax is None else case.tax.rate
    tax, cash, held = np.zeros(flow.size), np.zeros(flow.size), case.cash.opening
    for t in range(flow.size):
        interest = held * rates[t]
        tax[t] = on_income[t] + rate * interest
        held += interest + flow[t] - tax[t]
        cash[t] = held
    ends = float((ledger.expected(TERMINAL_ACCOUNTS, means) @ fixed).sum())
    return Idle(tax, cash, float(money_discount(case)[-1] * (held + ends)))


def own_tax(case: Case, base: Base) -> FloatArray:
    """(T,) tax on an income, losses and interest deducted as soon as they can be."""
    if case.tax is None:
        return np.zeros(base.taxable.size)
    law = Assessor(case.tax)
    return np.array([law.period(base, t, np.zeros(()))[2] for t in range(base.taxable.size)])
