"""The amortisation engine: balance and principal of one unit of face value, whatever the instrument."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..arrays import FloatArray
from ..schema.financing import Instrument

PERPETUAL = 600
"""Periods for which the balance of an instrument that is never repaid is drawn up; longer than any horizon."""


@dataclass(frozen=True)
class Schedule:
    """Per unit of face value, n periods after the issue (index 0 is the issue itself).

    Attributes:
        balance: outstanding at the end of the period, accretion included.
        principal: repaid in the period.
        accreted: added to the balance in the period instead of being paid.
    """

    balance: FloatArray
    principal: FloatArray
    accreted: FloatArray


@lru_cache(maxsize=4096)
def schedule(instrument: Instrument, dt: float, age: int = 0) -> Schedule:
    """Repayment schedule of an instrument; `age`: periods of tenor and grace that are over at the issue.

    With shares s_n of the face value that sum to 1 and growth g = 1 + accretion dt, principal is s_n g^n and the
    balance (1 - s_1 - ... - s_n) g^n. Annuity: s_k = r (1+r)^(k-1) / ((1+r)^K - 1), r = annuity_rate dt, in the K
    periods after the grace (level payments at rate r; Fabozzi, Handbook of Fixed Income Securities, ch. on mortgages).
    Of linear and annuity repayment only 1 - balloon is spread so; the balloon is due with the last of them.

    Raises ValueError if the terms do not make a schedule: shares that do not sum to 1, a grace as long as the tenor.
    """
    if instrument.amortisation == "none" or instrument.tenor is None:
        if instrument.amortisation != "none":
            raise ValueError(f"instrument {instrument.id}: {instrument.amortisation} repayment needs a tenor")
        shares = np.zeros(PERPETUAL + 1)
    else:
        shares = np.concatenate(
            [[0.0], _shares(instrument, instrument.tenor - age, max(instrument.grace - age, 0), dt)]
        )
        if abs(shares.sum() - 1.0) > 1e-9:
            raise ValueError(f"instrument {instrument.id}: the repayment shares sum to {shares.sum():.9g}, not 1")
    growth = (1.0 + instrument.accretion * dt) ** np.arange(shares.size)
    left = np.maximum(1.0 - np.cumsum(shares), 0.0)
    if instrument.amortisation != "none":
        left[-1] = 0.0  # what rounding leaves
    balance = left * growth
    before = np.concatenate([[0.0], balance[:-1]])
    return Schedule(balance, shares * growth, before * instrument.accretion * dt)


def _shares(instrument: Instrument, tenor: int, grace: int, dt: float) -> FloatArray:
    count, level = tenor - grace, 1.0 - instrument.balloon
    if count < 1:
        raise ValueError(f"instrument {instrument.id}: a grace of {grace} periods leaves none of {tenor} to repay in")
    shares = np.zeros(tenor)
    if instrument.amortisation == "bullet":
        shares[-1] = 1.0
    elif instrument.amortisation == "linear":
        shares[grace:] = level / count
    elif instrument.amortisation == "annuity":
        if instrument.annuity_rate is None:
            raise ValueError(f"instrument {instrument.id}: an annuity needs annuity_rate")
        rate = instrument.annuity_rate * dt
        growth = (1.0 + rate) ** np.arange(count)
        shares[grace:] = level * growth / growth.sum()
    else:
        custom = np.asarray(instrument.schedule, dtype=np.float64)
        if custom.size > count:
            raise ValueError(f"instrument {instrument.id}: {custom.size} repayments in {count} periods")
        shares[grace : grace + custom.size] = custom
    if instrument.amortisation in ("linear", "annuity"):
        shares[-1] += instrument.balloon
    return shares
