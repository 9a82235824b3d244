"""The statements that the workbook has: which of their rows are values, and which it computes and only compares."""

from __future__ import annotations

from collections.abc import Mapping

from ...models.ledger import Account, Group
from ...optimizer.analysis import names as n
from ...optimizer.analysis.treasury import names as b
from ...optimizer.plan import Plan

GROUPS = (Group.OPERATING, Group.INVESTING, Group.FINANCING, Group.TAX)
CASH_SUMS = {n.cash_flow_of(group): group for group in GROUPS}
TITLES = {
    n.CASH_FLOW: "Accounts of cash",
    n.INCOME: "Accounts of taxable income",
    b.INCOME_STATEMENT: "Accounts of the income statement",
    n.DEBT_SERVICE: "Accounts of debt",
    b.BOOK_CASH_FLOW: "Accounts of the cash flow statement",
    b.BOOK_BALANCE: "Balances of the books",
    b.CHANGES_IN_EQUITY: "Changes in equity",
    n.MARKET_BALANCE: "Balances at market value",
    n.COMPUTE: "Compute",
}
"""Statements with a row per line and a column per period, in the order of their values on the sheet Plan."""
STOCKS = (b.BOOK_BALANCE, n.MARKET_BALANCE, n.COMPUTE)

CHECKED: Mapping[str, frozenset[str]] = {
    n.CASH_FLOW: frozenset((*CASH_SUMS, n.CashRow.START, n.CashRow.CHANGE, n.CashRow.END)),
    n.INCOME: frozenset(
        (
            n.IncomeRow.EBITDA, n.IncomeRow.BEFORE_LIMIT, n.IncomeRow.TAXABLE, n.IncomeRow.INTEREST_CARRIED,
            n.IncomeRow.LOSS, n.IncomeRow.TAXED, Account.TAX.label, n.IncomeRow.CARRIED,
        )
    ),
    b.INCOME_STATEMENT: frozenset(
        (
            b.IncomeLine.EBITDA, b.IncomeLine.OPERATING_PROFIT, b.IncomeLine.BEFORE_TAX, b.IncomeLine.TAX,
            b.IncomeLine.NET_INCOME,
        )
    ),
    n.DEBT_SERVICE: frozenset((n.DebtRow.SERVICE, n.DebtRow.START, n.DebtRow.END)),
    b.BOOK_CASH_FLOW: frozenset(
        (
            b.CashLine.NET_INCOME, b.CashLine.DEPRECIATION, b.CashLine.GAIN, b.CashLine.ACCRETION, b.CashLine.FEES,
            b.CashLine.DEFERRED, b.CashLine.PAYABLES, b.CashLine.UNEARNED, b.CashLine.OPERATING, b.CashLine.SYSTEMS,
            b.CashLine.SITES, b.CashLine.SALES, b.CashLine.INVESTING, b.CashLine.REPAID, b.CashLine.DIVIDENDS,
            b.CashLine.FINANCING, b.CashLine.CHANGE, b.CashLine.START, b.CashLine.END,
        )
    ),
    b.BOOK_BALANCE: frozenset(
        (
            b.BookRow.CASH, b.BookRow.DEBT, b.BookRow.DEFERRED, b.BookRow.RETAINED, b.BookRow.ASSETS,
            b.BookRow.LIABILITIES, b.BookRow.EQUITY, b.BookRow.BOTH,
        )
    ),
    b.CHANGES_IN_EQUITY: frozenset(b.EquityLine),
    n.MARKET_BALANCE: frozenset(
        (
            n.BalanceRow.CASH, n.BalanceRow.DEBT, n.BalanceRow.ASSETS, n.BalanceRow.LIABILITIES, n.BalanceRow.EQUITY,
            n.BalanceRow.BOTH,
        )
    ),
    n.COMPUTE: frozenset((n.ComputeRow.DELIVERED, n.ComputeRow.CUMULATIVE)),
}  # fmt: skip
"""Rows that the workbook computes itself; capmix's own are only compared with."""
PASSED_OVER: Mapping[str, frozenset[str]] = {
    n.DEBT_SERVICE: frozenset(
        (Account.FEES.label, Account.INTEREST.label, Account.PRINCIPAL.label, n.DebtRow.PROCEEDS, n.DebtRow.OPERATING)
    )
}
"""Rows that another table has too, with another sign."""


def checked(plan: Plan, table: str) -> frozenset[str]:
    """Rows of a table that the workbook computes itself.

    A plan that adapts is assessed at each node, on what is known there: its losses and the profit that is taxed are
    values, since they do not follow from the mean income.
    """
    own = CHECKED.get(table, frozenset())
    return own - {n.IncomeRow.LOSS, n.IncomeRow.TAXED} if plan.case.review else own


def lines(plan: Plan, table: str) -> list[tuple[str, str]]:
    """Label and section of the rows of a statement, in their order; no section where it has none."""
    found = plan.tables[table]
    sections = found.column(n.Lines.SECTION) if n.Lines.SECTION in found.names else ("",) * len(found.rows)
    return [(str(a), str(b)) for a, b in zip(found.column(n.Line.LINE), sections, strict=True)]
