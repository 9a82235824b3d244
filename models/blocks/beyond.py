"""What the financing still costs beyond the horizon, over and above the balance that is owed at its end.

With balances B_n and rates c_n, a growing balance's growth included, what is due after period T - 1 is worth, at a
yield of y_n,

    B_last + sum over n > last of D_n dt B_(n-1) (c_n - y_n),   D_n = D_(n-1) / (1 + y_n dt),

for any repayment. The balance is posted as debt at the end; this file posts the sum. D is taken at the reference yield
of the instrument (reference.py), so that c_n - y_n is linear in the drivers: exact where the scenario's yield is the
reference, else the tangent of a convex function, below it by about half of convexity × squared difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray
from ..ledger import Account, LedgerBuilder, Scale
from ..schema.case import Case
from ..schema.financing import Instrument
from .floors import benchmark_leg, spread_leg
from .reference import expected_excess, reference
from .schedule import Schedule

_BISECTIONS = 200


@dataclass(frozen=True)
class Life:
    """One unit of face value over its whole life.

    Attributes:
        issued, agreed: periods in which it is paid out and was agreed. scaled: what share of it comes.
        margins: (N,) what is paid on the balance in each interest period beside benchmark and market spread.
    """

    issued: int
    agreed: int
    scaled: Scale
    margins: FloatArray


def post_beyond(
    case: Case, builder: LedgerBuilder, instrument: Instrument, decision: int, life: Life, terms: Schedule
) -> None:
    """Post DEFERRED and REVALUED in the last period, unless the case values what lies beyond at its face.

    DEFERRED: a coupon that steps is owed at its level rate, the constant one at which the money is worth its face when
    it comes (effective interest, IFRS 9, 5.4.1 and B5.4.1); what was paid less than that so far is still owed, with
    interest. The holders of a convertible ask `required` of it as a whole: coupon given up is owed likewise, less the
    mean of what the shares are then worth above the face (DILUTION), and never less than nothing.

    REVALUED: what market rates did since the coupon was set, times the present value of one per year on the balance.
    What is never repaid is owed at its accreted value.
    """
    dt, last = case.horizon.dt, case.horizon.periods - 1 - life.issued
    if case.objective.valuation == "face" or last >= terms.balance.size or terms.balance[last] <= 0.0:
        return
    base = market_part(case, instrument) + instrument.accretion
    rates = base + life.margins
    level = level_rate(terms, rates, dt)
    asked = max(level, required(case, instrument, base, float(life.margins[0]))) if converts(instrument) else level
    unpaid = _unpaid(terms, rates, asked, dt, last)
    if converts(instrument):
        given = 0.0 if instrument.dilution is None else expected_excess(case, instrument.dilution)
        unpaid = max(unpaid - terms.balance[last] * given, 0.0)
    end = case.horizon.periods - 1
    builder.post(decision, Account.DEFERRED, end, -unpaid, scaled=life.scaled)
    if instrument.amortisation == "none":
        return
    ahead = annuity(terms, asked, dt, last)
    for leg, set_in in (
        (benchmark_leg(case, instrument) if instrument.rate == "fixed" else None, life.issued),
        (spread_leg(case, instrument), life.agreed),
    ):
        if leg is not None and set_in != end:
            builder.post(decision, Account.REVALUED, end, -ahead * leg.slope, leg.column, set_in, scaled=life.scaled)
            builder.post(decision, Account.REVALUED, end, ahead * leg.slope, leg.column, end, scaled=life.scaled)


def market_part(case: Case, instrument: Instrument) -> float:
    """Benchmark and market spread where they are looked for in the last period, a year."""
    legs = [leg for leg in (benchmark_leg(case, instrument), spread_leg(case, instrument)) if leg is not None]
    return sum(leg.times * max(reference(case, leg.driver), leg.strike or -math.inf) for leg in legs)


def converts(instrument: Instrument) -> bool:
    """Whether its holders gave up coupon for something else: shares, or as `market_margin` says."""
    given = instrument.market_margin is not None or instrument.dilution is not None
    return given or instrument.kind == "convertible"


def required(case: Case, instrument: Instrument, base: float, margin: float) -> float:
    """Rate that the holders of a convertible ask of it as a whole, a year: as of a straight debt of the company.

    With `market_margin`, that in place of its own margin; else that of the most expensive unsecured straight debt on
    offer at its first step, of the most expensive secured one where there is none, or objective.money_discount.
    """
    if instrument.market_margin is not None:
        return base - instrument.accretion + instrument.market_margin + margin - instrument.margin
    straight = [i for i in case.instrument if i.amortisation != "none" and not i.rent and not converts(i)]
    unsecured = [i for i in straight if i.secured_by == "none"]
    asked = [
        market_part(case, i) + i.accretion + i.margin + min((d.steps[0].spread for d in i.depth), default=0.0)
        for i in unsecured or straight
    ]
    return max(asked, default=case.objective.money_discount)


def level_rate(terms: Schedule, rates: FloatArray, dt: float) -> float:
    """The constant rate a year at which payments of `rates` on the balance are worth the face at the issue.

    It lies between the least and the largest rate, and is that rate where they are one.
    """
    low, high = float(rates.min()), float(rates.max())
    if high - low <= 1e-15:
        return low
    before, n = terms.balance[:-1], np.arange(1, rates.size + 1)

    def worth(y: float) -> float:
        return float(np.exp(-n * np.log1p(y * dt)) @ (before * (rates - y)))

    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if worth(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)


def _unpaid(terms: Schedule, rates: FloatArray, asked: float, dt: float, last: int) -> float:
    """What interest at `asked` exceeds that paid by, in the first `last` periods, grown at `asked` to their end."""
    n = np.arange(1, last + 1)
    if np.ptp(rates) <= 1e-15 and asked == rates[0]:
        return 0.0
    return float((1.0 + asked * dt) ** (last - n) @ (dt * terms.balance[:last] * (asked - rates[:last])))


def annuity(terms: Schedule, rate: float, dt: float, last: int) -> float:
    """Present value, after `last` periods, of one a year on the balance for the rest of its life."""
    before = terms.balance[last:-1]
    ahead = np.arange(1, before.size + 1)
    return float(dt * np.exp(-ahead * np.log1p(rate * dt)) @ before)
