"""The sheet Balance: the balance sheet of the books and that at market value; cash and debt come from their sheets."""

from __future__ import annotations

from collections.abc import Mapping

from ...models.ledger import Account
from ...optimizer.analysis.names import MARKET_BALANCE, BalanceRow, CashRow, DebtRow
from ...optimizer.analysis.treasury.names import (
    BOOK_BALANCE,
    BOOK_CASH_FLOW,
    CHANGES_IN_EQUITY,
    BookRow,
    CashLine,
    EquityLine,
    IncomeLine,
    Section,
)
from ..text import safe
from . import cash, debt, income, plan_values
from .book import Book
from .grid import FIRST, FLOW, OPENING, STOCK, Each, Row, Sheet, added, linked
from .statements import lines
from .terms import Term, cell

NAME = "Balance"
PURPOSE = "Expected balance sheets at each period's end: of the books, and at market value"
SECTIONS = (Section.ASSETS, Section.LIABILITIES, Section.EQUITY)
SUMS: Mapping[str, tuple[str, ...]] = {
    BOOK_BALANCE: (BookRow.ASSETS, BookRow.LIABILITIES, BookRow.EQUITY, BookRow.BOTH),
    MARKET_BALANCE: (BalanceRow.ASSETS, BalanceRow.LIABILITIES, BalanceRow.EQUITY, BalanceRow.BOTH),
}
"""The sum of each section, and liabilities and equity together."""
DERIVED: Mapping[str, tuple[str, ...]] = {
    BOOK_BALANCE: (BookRow.CASH, BookRow.DEBT, BookRow.DEFERRED, BookRow.RETAINED),
    MARKET_BALANCE: (BalanceRow.CASH, BalanceRow.DEBT),
}
"""Rows that come from other sheets, or from the rows before."""


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    equity = _changes(book, sheet)
    _balance(book, sheet, BOOK_BALANCE, "Books", equity)
    _balance(book, sheet, MARKET_BALANCE, "Market value", None)
    sheet.heading("Checks")
    for table, which in ((BOOK_BALANCE, "books"), (MARKET_BALANCE, "market value")):
        assets, both = (book.row(NAME, table, SUMS[table][i]) for i in (0, 3))
        sheet.check(f"{which}: assets are liabilities and equity", book.same_money(linked(assets), linked(both)))
        for label in (*DERIVED[table], *SUMS[table]):
            if (own := book.rows.get((NAME, table, label))) is not None:
                capmix = book.row(plan_values.NAME, table, label)
                sheet.check(f"{which}: {label} is capmix's", book.same_money(linked(own), linked(capmix)))
    capmix = book.row(plan_values.NAME, CHANGES_IN_EQUITY, EquityLine.END)
    sheet.check("closing equity is capmix's", book.same_money(linked(equity), linked(capmix)))


def _changes(book: Book, sheet: Sheet) -> Row:
    """How equity comes about; its closing row."""
    sheet.heading("Changes in equity")
    sources: dict[str, tuple[str, ...]] = {
        EquityLine.NET_INCOME: (income.NAME, IncomeLine.NET_INCOME),
        EquityLine.DIVIDENDS: (cash.NAME, Account.DIVIDENDS.label),
        EquityLine.ISSUED: (cash.NAME, BOOK_CASH_FLOW, CashLine.ISSUED),
        EquityLine.ISSUE_COSTS: (cash.NAME, BOOK_CASH_FLOW, CashLine.ISSUE_COSTS),
    }
    flows = [
        (safe(label), FLOW, linked(row) if (row := book.rows.get(sources[label])) is not None else added([]))
        for label, _ in lines(book.plan, CHANGES_IN_EQUITY)
        if label in sources
    ]
    opening = book.row(plan_values.NAME, BOOK_BALANCE, BookRow.AT_START).of(0)
    *_, end = sheet.corkscrew((EquityLine.START, opening), book.money, flows, EquityLine.END)
    return book.keep(end, NAME, EquityLine.END)


def _balance(book: Book, sheet: Sheet, table: str, title: str, equity: Row | None) -> None:
    """equity: closing equity of the books, by what has changed it."""
    found = lines(book.plan, table)
    sums = []
    *names, together = SUMS[table]
    for section, label in zip(SECTIONS, names, strict=True):
        sheet.heading(f"{title}: {section}")
        rows: list[Row] = []
        for line, of in found:
            if of == section:
                rows.append(_line(book, sheet, table, line, (equity, rows)))
        sums.append(sheet.formulas(label, book.money, STOCK, added(rows), strong=True))
        book.keep(sums[-1], NAME, table, label)
    both = sheet.formulas(together, book.money, STOCK, added(sums[1:]), strong=True)
    book.keep(both, NAME, table, together)


def _line(book: Book, sheet: Sheet, table: str, label: str, equity: tuple[Row | None, list[Row]]) -> Row:
    closing, before = equity
    each: Each
    if label == BookRow.CASH:
        each = linked(book.row(cash.NAME, CashRow.END))
    elif label == (BookRow.DEBT if table == BOOK_BALANCE else BalanceRow.DEBT):
        each = linked(book.row(debt.NAME, DebtRow.END))
    elif table == BOOK_BALANCE and label == BookRow.DEFERRED:
        each = _put_off(book, sheet)
    elif table == BOOK_BALANCE and label == BookRow.RETAINED and closing is not None:
        each = _left(closing, list(before))
    else:
        each = linked(book.row(plan_values.NAME, table, label))
    return book.keep(sheet.formulas(safe(label), book.money, STOCK, each), NAME, table, label)


def _put_off(book: Book, sheet: Sheet) -> Each:
    """Deferred tax: what was owed before, and what the income statement puts off."""
    moved, number = book.row(income.NAME, IncomeLine.DEFERRED), sheet.next
    balance = 0.0
    found: list[Term] = []
    for t in range(sheet.periods):
        term = cell(sheet.name, number, FIRST + t - 1 if t else OPENING, balance) - moved.of(t)
        balance = term.number
        found.append(term)
    return lambda t: found[t]


def _left(closing: Row, others: list[Row]) -> Each:
    """What of closing equity is none of the rows above it."""

    def each(t: int) -> Term:
        found: Term = closing.of(t)
        for row in others:
            found = found - row.of(t)
        return found

    return each
