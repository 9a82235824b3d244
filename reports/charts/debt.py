"""Charts of the debt: what is outstanding by instrument, and when it falls due, beyond the horizon too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...optimizer.analysis.treasury.names import (
    DEBT,
    DEBT_PORTFOLIO,
    DEBT_SCHEDULE,
    MATURITIES,
    Claim,
    Debt,
    DebtPortfolio,
    DebtSchedule,
    Maturities,
)
from ...optimizer.table import BILLION
from ..text import money, percent, safe
from .capital import stacked_bars
from .chart import Chart, Drawing
from .series import grouped, largest, wide

if TYPE_CHECKING:
    from ...optimizer.plan import Plan


def _titles(plan: Plan) -> dict[str, str]:
    return {row.text(Debt.INSTRUMENT): row.text(Debt.TITLE) for row in plan.tables[DEBT].records()}


def _outstanding(plan: Plan) -> Drawing | None:
    labels = plan.case.horizon.labels
    known = _titles(plan)
    rows = []
    for row in plan.tables[DEBT_SCHEDULE].records():
        if row.text(DebtSchedule.CLAIM) == Claim.EQUITY:
            continue  # has a balance and is no debt
        values = [0.0] * len(labels)
        values[labels.index(row.text(DebtSchedule.PERIOD))] = row.number(DebtSchedule.CLOSING)
        name = row.text(DebtSchedule.INSTRUMENT)
        rows.append((known.get(name, name), values))
    whole = {name: values for name, values in grouped(rows).items() if any(values)}
    if not whole:
        return None
    total = [math.fsum(values) for values in zip(*whole.values(), strict=True)]
    peak = max(range(len(labels)), key=lambda t: total[t])
    last = plan.tables[DEBT_PORTFOLIO].records()[-1]
    rate, life = last.maybe(DebtPortfolio.RATE), last.maybe(DebtPortfolio.LIFE)
    cost = "" if rate is None or life is None else f" at {percent(rate, 2)} a year and {life:.1f} years of average life"
    high = f"{money(total[peak])} bn in {labels[peak]}"
    sentence = f"The balance is at most {high} and ends at {money(total[-1])} bn{cost}."
    table = wide("debt_outstanding", "Outstanding balance", whole, labels, BILLION, "money", "instrument")
    series = largest(whole)
    return Drawing(BILLION, sentence, table, lambda: stacked_bars(series, labels, "billion"))


def _maturities(plan: Plan) -> Drawing | None:
    table = plan.tables[MATURITIES]
    known = _titles(plan)
    years = sorted({row.text(Maturities.YEAR) for row in table.records()})
    rows = []
    for row in table.records():
        values = [0.0] * len(years)
        values[years.index(row.text(Maturities.YEAR))] = row.number(Maturities.REPAID)
        name = row.text(Maturities.INSTRUMENT)
        rows.append((known.get(name, name), values))
    whole = {name: values for name, values in grouped(rows).items() if any(values)}
    if not whole:
        return None
    total = [math.fsum(values) for values in zip(*whole.values(), strict=True)]
    wall = max(range(len(years)), key=lambda t: total[t])
    sentence = f"Most falls due in {safe(years[wall])}: {money(total[wall])} bn of {money(math.fsum(total))} bn in all."
    shown = wide("maturities", "Repayment by year", whole, years, BILLION, "money", "instrument")
    series = largest(whole)
    return Drawing(BILLION, sentence, shown, lambda: stacked_bars(series, years, "billion"))


OUTSTANDING = Chart("debt_outstanding", "Debt outstanding", (DEBT, DEBT_SCHEDULE, DEBT_PORTFOLIO), _outstanding)
MATURITY = Chart("debt_maturities", "When debt falls due", (DEBT, MATURITIES), _maturities)
