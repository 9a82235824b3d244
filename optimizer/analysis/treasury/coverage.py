"""What covers the debt: cover and leverage by calendar year, and rate, life and floating share of debt by period.

Interest, repayment, cash flow available and life are those that covenants read (`models/blocks/figures.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....models.blocks.covenant_kinds import REVENUE
from ....models.blocks.figures import AVAILABLE, EBITDA
from ....models.blocks.headroom import headrooms
from ....models.flows import expected
from ....models.ledger import Account
from ....models.schema.rules import Covenant
from ...arrays import FloatArray
from ...table import BILLION, Cell, Column, Table
from ..expected import Amounts
from ..tabulate import NEGLIGIBLE, long
from .debt import Held
from .debt_tables import total, years
from .names import COVERAGE, DEBT_PORTFOLIO, Claim, Coverage, DebtPortfolio

OF_DEBT = (Claim.DEBT, Claim.OPENING)


def coverage_tables(amounts: Amounts, held: Sequence[Held]) -> dict[str, Table]:
    """coverage and debt_portfolio."""
    tables = (_coverage(amounts), _portfolio(amounts, held))
    return {table.name: table for table in tables}


def _coverage(amounts: Amounts) -> Table:
    columns = (
        Column(Coverage.YEAR),
        Column(Coverage.PERIODS, "", "count"),
        *(Column(c, BILLION, "money") for c in (Coverage.REVENUE, Coverage.EBITDA, Coverage.AVAILABLE)),
        *(Column(c, BILLION, "money") for c in (Coverage.INTEREST, Coverage.REPAID, Coverage.SERVICE)),
        Column(Coverage.INTEREST_COVER, "", "number"),
        Column(Coverage.DSCR, "", "number"),
        *(Column(c, BILLION, "money") for c in (Coverage.DEBT, Coverage.NET_DEBT)),
        Column(Coverage.LEVERAGE, "", "number"),
    )
    title = "Cover of interest and debt service by calendar year, on the expected path; a part of a year is annualised"
    return long(COVERAGE, title, columns, _years(amounts))


def _years(amounts: Amounts) -> Iterator[tuple[Cell, ...]]:
    revenue, ebitda = amounts.of(*REVENUE), amounts.of(*EBITDA)
    available = amounts.of(*AVAILABLE, Account.TAX) + amounts.interest_income
    interest, repaid = -amounts.of(Account.INTEREST), -amounts.of(Account.PRINCIPAL)
    debt = amounts.of(Account.DEBT)
    for year, first, end in years(amounts):
        sums = [float(v[first:end].sum()) for v in (revenue, ebitda, available, interest, repaid)]
        service = sums[3] + sums[4]
        owed, net = float(debt[end - 1]), float(debt[end - 1] - amounts.cash[end - 1])
        yearly = sums[1] * amounts.case.horizon.per_year / (end - first)
        yield (
            year, end - first, *sums, service, _ratio(sums[1], sums[3]), _ratio(sums[2], service),
            owed, net, _ratio(net, yearly) if owed > NEGLIGIBLE else None,
        )  # fmt: skip


def _ratio(above: float, below: float) -> float | None:
    """None where nothing is due, or where there are no earnings to measure by."""
    return above / below if below > NEGLIGIBLE else None


def _portfolio(amounts: Amounts, held: Sequence[Held]) -> Table:
    columns = (
        Column(DebtPortfolio.PERIOD),
        *(Column(c, BILLION, "money") for c in (DebtPortfolio.DEBT, DebtPortfolio.FIXED, DebtPortfolio.FLOATING)),
        Column(DebtPortfolio.SHARE, "", "share"),
        Column(DebtPortfolio.RATE, "per year", "rate"),
        Column(DebtPortfolio.LIFE, "years", "number"),
    )
    debt = amounts.of(Account.DEBT)
    floating = total([h for h in held if h.rate == "floating"], OF_DEBT, "closing", amounts.periods)
    before = total(held, OF_DEBT, "before", amounts.periods) * amounts.case.horizon.dt
    interest, ahead = -amounts.of(Account.INTEREST), _years_ahead(amounts)
    rows: list[tuple[Cell, ...]] = []
    for t, label in enumerate(amounts.labels):
        owed, floats = (float(v[t]) if v[t] > NEGLIGIBLE else 0.0 for v in (debt, floating))
        fixed = max(owed - floats, 0.0)
        rows.append(
            (
                label, owed, fixed if fixed > NEGLIGIBLE else 0.0, floats, _ratio(floats, owed),
                _ratio(float(interest[t]), float(before[t])), _ratio(float(ahead[t]), owed),
            )
        )  # fmt: skip
    title = "Debt by period: what of it floats, the rate paid on it a year, the average life of what is left"
    return long(DEBT_PORTFOLIO, title, columns, rows)


def _years_ahead(amounts: Amounts) -> FloatArray:
    """(T,) sum over later repayments × years until then, as the covenant weighted_average_life has it."""
    life = Covenant(id="life", kind="weighted_average_life", limit=0.0)
    flows = headrooms(amounts.case, amounts.ledger, life)[0].level.flows
    times = range(amounts.periods)
    return amounts.mean_of(lambda path: np.asarray(expected(path.ledger, flows, path.means, times) @ path.decided))
