"""The sheet Balance: what is owned and owed at each period's end; cash and debt come from their own sheets."""

from __future__ import annotations

from ...optimizer.analysis.names import MARKET_BALANCE, SUM, BalanceRow, CashRow, DebtRow
from ..text import safe
from . import cash, debt, plan_values
from .book import Book
from .grid import STOCK, Row, Sheet, added, linked

NAME = "Balance"
PURPOSE = "Expected balance sheet at market value, at each period's end"
SECTIONS = (BalanceRow.ASSETS, BalanceRow.LIABILITIES, BalanceRow.EQUITY)


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    found = plan_values.lines(book.plan, MARKET_BALANCE)
    sums = {}
    for section in SECTIONS:
        sheet.heading(section.capitalize())
        rows = [_line(book, sheet, label) for label, of in found if of == section and label != SUM]
        sums[section] = sheet.formulas(section, book.money, STOCK, added(rows), strong=True)
        book.keep(sums[section], NAME, section)
    both = sheet.formulas(
        BalanceRow.BOTH, book.money, STOCK, added([sums[BalanceRow.LIABILITIES], sums[BalanceRow.EQUITY]]), strong=True
    )
    book.keep(both, NAME, BalanceRow.BOTH)
    sheet.heading("Checks")
    assets = sums[BalanceRow.ASSETS]
    sheet.check("assets are liabilities and equity", book.same_money(linked(assets), linked(both)))
    for label in (BalanceRow.CASH, BalanceRow.DEBT, *SECTIONS, BalanceRow.BOTH):
        own, capmix = book.row(NAME, label), book.row(plan_values.NAME, MARKET_BALANCE, label)
        sheet.check(f"{label} is capmix's", book.same_money(linked(own), linked(capmix)))


def _line(book: Book, sheet: Sheet, label: str) -> Row:
    elsewhere = {
        BalanceRow.CASH: book.row(cash.NAME, CashRow.END),
        BalanceRow.DEBT: book.row(debt.NAME, DebtRow.END),
    }
    source = elsewhere.get(BalanceRow(label)) if label in tuple(BalanceRow) else None
    if source is None:
        source = book.row(plan_values.NAME, MARKET_BALANCE, label)
    return book.keep(sheet.formulas(safe(label), book.money, STOCK, linked(source)), NAME, label)
