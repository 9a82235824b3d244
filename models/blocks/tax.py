"""Tax on the expected income, with losses carried forward, as far as a linear program can state it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.rules import Tax
from . import cash as cash_block
from . import rules
from .assembly import Assembly
from .quantities import FloatArray

TAXABLE = tuple(x for x in Account if x.taxable)


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


def constrain(a: Assembly) -> None:
    """profit - loss = income; tax = rate (profit - used); used <= loss_use profit; used <= losses carried in."""
    tax = a.case.tax
    if tax is None:
        return
    profit, loss, used, pool = (a.state(name) for name in ("profit", "loss", "loss_used", "loss_pool"))
    cash, periods = cash_block.column(a), range(a.periods)
    interest = np.zeros(a.periods)
    interest[0] = a.rates[0] * a.case.cash.opening
    carried = np.zeros(a.periods)
    carried[0] = tax.opening_losses
    a.rows(
        rules.TAX_INCOME,
        a.labels,
        -a.expected(TAXABLE),
        lower=interest,
        upper=interest,
        terms=[(t, profit + t, 1.0) for t in periods]
        + [(t, loss + t, -1.0) for t in periods]
        + [(t, cash + t - 1, -a.rates[t]) for t in periods if t > 0],
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
        upper=carried,
        terms=[(t, used + t, 1.0) for t in periods] + [(t, pool + t - 1, -1.0) for t in periods if t > 0],
    )
    a.rows(
        rules.TAX_LOSS_CARRIED,
        a.labels,
        None,
        lower=carried,
        upper=carried,
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


@dataclass(frozen=True)
class Assessed:
    """(T,) each, billion: income before carried losses, losses used, losses carried out, tax, and cash at the end."""

    income: FloatArray
    used: FloatArray
    pool: FloatArray
    tax: FloatArray
    cash: FloatArray


def assessed(tax: Tax, taxable: FloatArray, flow: FloatArray, rates: FloatArray, opening: float) -> Assessed:
    """The tax of an income: losses are used as soon as there is a profit to set them against, and not before.

    Of all payments that the rows above allow this one is, up to every period, the least in total.

    Args:
        taxable: (T,) taxable income but for interest on cash. flow: (T,) cash flow before interest on cash and tax.
        rates: (T,) deposit rates. opening: cash at the start.
    """
    periods = taxable.size
    income, used, pool, due, cash = (np.zeros(periods) for _ in range(5))
    held, left = opening, tax.opening_losses
    for t in range(periods):
        interest = rates[t] * held
        income[t] = taxable[t] + interest
        profit = max(income[t], 0.0)
        used[t] = min(tax.loss_use * profit, left)
        left += max(-income[t], 0.0) - used[t]
        due[t] = tax.rate * (profit - used[t])
        held += interest + flow[t] - due[t]
        pool[t], cash[t] = left, held
    return Assessed(income, used, pool, due, cash)
