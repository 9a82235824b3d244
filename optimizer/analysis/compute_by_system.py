"""Compute in service by system and site: what of the opening fleet and of the orders serves in each period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...models.ledger import ACCOUNT_NUMBER, Account
from ..table import Table
from .expected import Amounts
from .names import COMPUTE_BY_SYSTEM, SystemCompute
from .tabulate import wide


def compute_by_system(amounts: Amounts) -> Table:
    """Expected PFLOP/s in service; a row per system and site that serve at all, together the compute in service."""
    ledger, periods = amounts.ledger, amounts.periods
    keep = ledger.account == ACCOUNT_NUMBER[Account.COMPUTE]
    decision, period = ledger.decision[keep], ledger.period[keep]
    posted = amounts.posted[keep]
    keys = [tuple(d.tags.get(tag, "") for tag in SystemCompute) for d in ledger.decisions]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys[n] for n in decision))}
    numbers = np.array([order[keys[n]] for n in decision], dtype=np.int64)
    flat = np.bincount(numbers * periods + period, weights=posted, minlength=len(order) * periods)
    sums: NDArray[np.float64] = flat.astype(np.float64).reshape(-1, periods)
    rows = {key: sums[n] for key, n in order.items()}
    title = f"Expected compute in service by system and site ({amounts.case.objective.metric}, dense)"
    shown = ((key, values) for key, values in rows.items() if np.any(values))
    return wide(COMPUTE_BY_SYSTEM, title, tuple(SystemCompute), shown, amounts.labels, "PFLOP/s", "number")
