"""What money costs: the rate of return of the expected financing flows, with fees and what is owed at the end.

What outlives the horizon counts as paid back in the last period at its carrying amount: its balance less the part of
its fees and discount that its remaining life bears, by outstanding balance. So a note of seven years that is sold in
the last quarter costs about what it costs to maturity, and not its whole fee in three months. The effective interest
method (IFRS 9, paragraphs 5.4.1 and B5.4.1, https://www.ifrs.org) spreads by interest instead of balance; the two
differ by the interest on the fee.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...models.blocks.financing import fee_left, is_repaid
from ...models.ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account, Decision
from ..arrays import FloatArray
from .expected import Amounts

_RATES = np.concatenate(
    [np.linspace(-0.5, 0.5, 401), np.linspace(0.51, 5.0, 450)]
)  # per period, where a root is sought
_STEPS = 100
_CASH = np.array([a in CASH_ACCOUNTS for a in ACCOUNT_NUMBER])
# What market rates do to the value of a debt does not change what it costs.
_ENDS = np.array([a in TERMINAL_ACCOUNTS and a is not Account.REVALUED for a in ACCOUNT_NUMBER])


def rate_of_return(flows: Sequence[float] | FloatArray) -> float | None:
    """Rate per period at which flows, first in and later out, are worth nothing; None where there is none.

    The least root of f(r) = sum_t flow_t (1+r)^-t at which f rises, by bisection. Money that comes in before it is paid
    back has only one; a fee on a commitment, paid before the first draw, adds another at an absurd rate, where f falls.
    """
    f = np.trim_zeros(np.asarray(flows, dtype=np.float64))
    if f.size < 2 or not (f > 0).any() or not (f < 0).any():
        return None
    t = np.arange(f.size)

    def worth(r: float) -> float:
        return float(f @ np.exp(-t * np.log1p(r)))

    values = np.array([worth(r) for r in _RATES])
    rising = np.flatnonzero((values[:-1] <= 0.0) & (values[1:] > 0.0))
    if rising.size == 0:
        return None
    low, high = float(_RATES[rising[0]]), float(_RATES[rising[0] + 1])
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if worth(middle) < 0.0 else (low, middle)
        if high - low < 1e-14:
            break
    return 0.5 * (low + high)


def yearly(rate: float | None, per_year: int) -> float | None:
    """A rate per period as an effective yearly rate."""
    return None if rate is None else float((1.0 + rate) ** per_year - 1.0)


def funding_flows(amounts: Amounts, mask: NDArray[np.bool_]) -> FloatArray:
    """(T,) expected flows to the company from the financing decisions in the mask (N,).

    Debt and claims that outlive the horizon count as paid back in the last period at their carrying amount, and shares
    given to holders who convert at their value.
    """
    ledger = amounts.ledger
    at = np.flatnonzero(mask[ledger.decision])
    account, decision, period = ledger.account[at], ledger.decision[at], ledger.period[at]
    posted = amounts.posted[at]
    cash, ends, fees = _CASH[account], _ENDS[account], account == ACCOUNT_NUMBER[Account.FEES]
    flows = np.bincount(period[cash], weights=posted[cash], minlength=amounts.periods).astype(np.float64)
    flows[-1] += posted[ends].sum()
    issued = np.array([d.period for d in ledger.decisions], dtype=np.int64)
    upfront = fees & (period == issued[decision])
    paid = np.bincount(decision[upfront], weights=posted[upfront], minlength=issued.size)
    for j in np.flatnonzero(paid).tolist():
        flows[-1] -= paid[j] * _unborne(amounts, ledger.decisions[j])
    return flows


def _unborne(amounts: Amounts, decision: Decision) -> float:
    """Share of the upfront fee that falls on life after the horizon, by balance; all of it if never repaid."""
    instrument = next(i for i in amounts.case.instrument if i.id == decision.tags["instrument"])
    if not is_repaid(instrument):
        return 1.0
    left = fee_left(amounts.case, instrument, decision)[amounts.periods - 1 - decision.period :]
    return float(left[0]) if left.size else 0.0


def cost_of_funding(amounts: Amounts, instrument: str | None = None) -> float | None:
    """All-in yearly cost of the money placed and drawn, of one instrument or of all; None where none was raised.

    Prepayments by customers are not in it: their price is in the contract.
    """
    mask = ["instrument" in d.tags and instrument in (None, d.tags["instrument"]) for d in amounts.ledger.decisions]
    return cost_of(amounts, np.array(mask, dtype=np.bool_))


def cost_of(amounts: Amounts, mask: NDArray[np.bool_]) -> float | None:
    """All-in yearly cost of the money from the financing decisions in the mask (N,); None where none was raised."""
    return yearly(rate_of_return(funding_flows(amounts, mask)), amounts.case.horizon.per_year)
