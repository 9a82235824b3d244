"""Doing nothing: the opening balance sheet, organic flows and dividends alone, against which a plan's wealth is held.

An investment is worth its incremental cash flows, those with it less those without it (Brealey, Myers & Allen,
Principles of Corporate Finance, chapter "Making investment decisions with the net present value rule"). The objective
`cost` and the net loss both take what is here as the side without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray
from ..ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Ledger
from ..schema.case import Case
from .quantities import money_discount
from .tax import BORROWING, TAX_EBITDA, TAXABLE, Assessor, Base


@dataclass(frozen=True)
class Idle:
    """Expected figures of doing nothing, billion.

    Attributes:
        tax: (T,) paid.
        cash: (T,) at the end of each period; below zero where the opening debt cannot be served without a plan.
        wealth: at the end, discounted to time 0: cash, and assets less debt. Without the dividends paid on the way,
            which every plan pays too.
        left, waiting: (T,) losses and interest carried out of each period.
    """

    tax: FloatArray
    cash: FloatArray
    wealth: float
    left: FloatArray
    waiting: FloatArray


def wealth_weights(case: Case, deposit_rates: FloatArray) -> FloatArray:
    """(T,) what a billion received in each period adds to discounted wealth at the end; it waits at the deposit rate.

    Discounting flows at money_discount instead would make debt cheaper than that rate look like a gain even when its
    proceeds lie idle.
    """
    growth = np.concatenate([np.cumprod((1.0 + deposit_rates)[:0:-1])[::-1], [1.0]])
    return np.asarray(money_discount(case)[-1] * growth)


def idle(
    case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray, start: int = 0, before: Idle | None = None
) -> Idle:
    """What the fixed decisions do alone.

    Its income before interest on cash has a loss pool of its own; the interest is taxed at the full rate outside the
    pool. No plan ever pays more than the full rate on a further unit of income, so money that both have more of
    (opening cash, organic flows, dividends not paid) never makes a plan look worse.

    Args:
        means: (A,) sample means of the ledger's atoms.
        rates: (T,) mean deposit rate per period.
        start, before: of a node of a tree of reviews, its first period and the node that it comes from: until then
            the tax is what was owed there.
    """
    fixed = ledger.mask(block="fixed").astype(np.float64)
    flow = np.asarray(ledger.expected(CASH_ACCOUNTS, means) @ fixed)
    parts = [np.asarray(ledger.expected(accounts, means) @ fixed) for accounts in (TAXABLE, BORROWING, TAX_EBITDA)]
    base = Base(parts[0], -parts[1], parts[2])
    law = None if case.tax is None else Assessor(case.tax)
    rate = 0.0 if case.tax is None else case.tax.rate
    tax, cash, left, waiting = (np.zeros(flow.size) for _ in range(4))
    if before is not None and start:
        tax[:start], left[:start], waiting[:start] = before.tax[:start], before.left[:start], before.waiting[:start]
        if law is not None:
            law.left, law.waiting = np.asarray(left[start - 1]), np.asarray(waiting[start - 1])
    held = case.cash.opening
    for t in range(flow.size):
        interest = held * rates[t]
        if t >= start and law is not None:
            tax[t] = law.period(base, t, np.zeros(()))[2] + rate * interest
            left[t], waiting[t] = law.left, law.waiting
        held += interest + flow[t] - tax[t]
        cash[t] = held
    ends = float((ledger.expected(TERMINAL_ACCOUNTS, means) @ fixed).sum())
    return Idle(tax, cash, float(money_discount(case)[-1] * (held + ends)), left, waiting)
