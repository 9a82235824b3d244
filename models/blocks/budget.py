"""Budget: most that may be spent on hardware and sites, in expectation."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account
from . import rules
from .assembly import Assembly


def constrain(a: Assembly) -> None:
    """Spending is what is paid, of systems by their delivery at the latest; sales of retired ones do not refill it."""
    budget = a.case.budget
    if budget is None:
        return
    spent = -a.expected([Account.HARDWARE, Account.SITES], ~a.mask(block="defer"))
    if budget.total is not None:
        total = csr_array(np.asarray(spent.sum(axis=0))[None, :])
        a.rows(rules.BUDGET_TOTAL, ["total"], total, upper=budget.total)
    if budget.per_period is not None:
        a.rows(rules.BUDGET_PERIOD, a.labels, spent, upper=budget.per_period)
