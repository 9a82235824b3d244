"""What tax lets a company deduct and when: write-off of systems and sites, and fees over the life of the debt.

Nothing here moves cash. Without a word in the case both are as the books have them: straight line over the life in
service, fees when they are paid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray
from ..ledger import ONE, Account, LedgerBuilder, Scale
from ..schema.case import Case
from ..schema.horizon import Horizon
from ..schema.rules import WriteOff

MACRS = {
    "macrs3": (0.3333, 0.4445, 0.1481, 0.0741),
    "macrs5": (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576),
    "macrs7": (0.1429, 0.2449, 0.1749, 0.1249, 0.0893, 0.0892, 0.0893, 0.0446),
    "macrs15": (
        0.05, 0.095, 0.0855, 0.077, 0.0693, 0.0623, 0.059, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591,
        0.0295,
    ),
}  # fmt: skip
"""Shares of the cost by calendar year, half-year convention: IRS Publication 946 (2024), appendix A, table A-1.

Computers are 5-year property (26 USC 168(e)(3)(B), asset class 00.12), land improvements 15-year property.
"""


@dataclass(frozen=True)
class Service:
    """What is written off serves from period `start` for `life` periods in the books; `sold`: and is sold then."""

    start: int
    life: int
    sold: bool = False


def shares(how: WriteOff, horizon: Horizon, service: Service) -> FloatArray:
    """(N,) share of the cost that tax writes off in each period from the start of service on; they sum to 1.

    A calendar year's share is spread evenly over its periods, the first year's over those that are left of it; straight
    line runs by periods. What is sold before the end is written off with the sale.
    """
    per_year = horizon.per_year
    left = per_year - (horizon.origin + service.start) % per_year
    first = np.full(left, how.bonus / left)
    if how.method == "straight":
        count = service.life if how.years is None else how.years
        rest = np.full(count, (1.0 - how.bonus) / count)
    else:
        yearly = how.shares if how.method == "table" else MACRS[how.method]
        spread = [np.full(left, yearly[0] / left), *(np.full(per_year, y / per_year) for y in yearly[1:])]
        rest = (1.0 - how.bonus) * np.concatenate(spread)
    out = np.zeros(max(first.size, rest.size))
    out[: first.size] += first
    out[: rest.size] += rest
    if service.sold and out.size > service.life:
        out = np.append(out[: service.life], out[service.life :].sum())
    return out


def write_off(
    case: Case,
    builder: LedgerBuilder,
    decision: int,
    how: WriteOff | None,
    service: Service,
    cost: float,
    column: str = ONE,
    observed: int | None = None,
) -> None:
    """Post DEPRECIATION of a cost, and WRITTEN_AHEAD: what tax has written off at the end and the books have not."""
    periods, start = case.horizon.periods, service.start
    if how is None or case.tax is None:
        written = np.arange(start, min(start + service.life, periods))
        builder.post(decision, Account.DEPRECIATION, written, -cost / service.life, column, observed)
        return
    part = shares(how, case.horizon, service)
    t = np.arange(start, min(start + part.size, periods))
    builder.post(decision, Account.DEPRECIATION, t, -cost * part[: t.size], column, observed)
    ahead = float(part[: t.size].sum()) - min(periods - start, service.life) / service.life
    if abs(ahead) > 1e-12:
        builder.post(decision, Account.WRITTEN_AHEAD, periods - 1, cost * ahead, column, observed)


def spread_fee(
    case: Case,
    builder: LedgerBuilder,
    decision: int,
    paid: int,
    fee: float,
    outstanding: FloatArray | None,
    scaled: Scale = (),
) -> None:
    """Post FEES_SPREAD: a fee paid in period `paid` comes back to income then, and goes off it over the debt's life.

    outstanding: (N,) balance at the start of each period of the life; None of what is never repaid, since the cost of
    raising equity is not deducted. Straight line, or in proportion to the balance: the bonds-outstanding form of the
    effective interest method (IFRS 9, 5.4.1 and B5.4.1; for tax 26 CFR 1.446-5).
    """
    if case.tax is None or case.tax.fees == "paid" or fee == 0.0:
        return
    builder.post(decision, Account.FEES_SPREAD, paid, fee, scaled=scaled)
    if outstanding is None:
        return
    weight = np.ones(outstanding.size) if case.tax.fees == "straight" else outstanding
    part = weight / weight.sum()
    t = np.arange(paid + 1, min(paid + 1 + part.size, case.horizon.periods))
    builder.post(decision, Account.FEES_SPREAD, t, -fee * part[: t.size], scaled=scaled)
