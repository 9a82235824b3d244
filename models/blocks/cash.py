"""Cash: the expected balance from period to period, with interest, and its minimum."""

from __future__ import annotations

import numpy as np

from ..ledger import CASH_ACCOUNTS
from . import rules
from .assembly import Assembly

CASH = "cash"


def column(a: Assembly) -> int:
    """Column of the cash balance at the end of period 0; those of the other periods follow."""
    first = a.first(CASH)
    if first is None:
        raise RuntimeError("the cash block must be added before the blocks that use its balance")
    return first


def constrain(a: Assembly) -> None:
    """cash[t] = (1 + i[t]) cash[t-1] + expected cash flow of t; cash[t] >= minimum[t]. cash[-1] is opening cash."""
    first = a.state(CASH, lower=None)
    flow = a.expected(CASH_ACCOUNTS)
    terms = [(t, first + t, 1.0) for t in range(a.periods)]
    terms += [(t, first + t - 1, -(1.0 + a.rates[t])) for t in range(1, a.periods)]
    start = np.zeros(a.periods)
    start[0] = a.case.cash.opening * (1.0 + a.rates[0])
    a.rows(rules.CASH_BALANCE, a.labels, -flow, lower=start, upper=start, terms=terms)
    a.rows(
        rules.MINIMUM_CASH,
        a.labels,
        None,
        lower=a.case.cash.minimum,
        terms=[(t, first + t, 1.0) for t in range(a.periods)],
    )
