"""Tax on the expected income, with losses carried forward, as far as a linear program can state it."""

from __future__ import annotations

import numpy as np

from ..ledger import Account, Decision, LedgerBuilder
from ..schema.case import Case
from . import cash as cash_block
from . import rules
from .assembly import Assembly

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
