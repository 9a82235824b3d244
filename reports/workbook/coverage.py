"""Cover by calendar year, on the sheet Debt: each period shows the figures of its year."""

from __future__ import annotations

from ...models.blocks.figures import AVAILABLE
from ...models.ledger import Account
from ...optimizer.analysis.names import CashRow, IncomeRow
from ...optimizer.analysis.treasury.names import COVERAGE, Coverage
from . import cash, inputs, plan_values, tax
from .book import Book
from .grid import FLOW, PLAIN, Row, Sheet, added
from .terms import Term, ratio, total_where

SHOWN = (Coverage.INTEREST_COVER, Coverage.DSCR)
"""Ratios that are compared with capmix's."""


def coverage(book: Book, sheet: Sheet, interest: Row | None, service: Row) -> list[Row]:
    """Write the rows; the ratios in the order of `SHOWN`."""
    sheet.heading("Cover by calendar year")
    accounts = [book.rows.get((cash.NAME if a.cash else tax.NAME, a.label)) for a in (*AVAILABLE, Account.TAX)]
    found = [row for row in (*accounts, book.row(cash.NAME, CashRow.INTEREST)) if row is not None]
    available = sheet.formulas(Coverage.AVAILABLE, book.money, FLOW, added(found), summed=True, strong=True)
    ebitda = _of_year(book, sheet, "EBITDA of the year", book.row(tax.NAME, IncomeRow.EBITDA))
    flow = _of_year(book, sheet, "cash flow available of the year", available)
    due = _of_year(book, sheet, "debt service of the year", service)
    rows = []
    if interest is not None:
        paid = _of_year(book, sheet, "interest of the year", interest)
        rows.append(_cover(sheet, Coverage.INTEREST_COVER, ebitda, paid))
    rows.append(_cover(sheet, Coverage.DSCR, flow, due))
    return rows


def check_coverage(book: Book, sheet: Sheet, rows: list[Row]) -> None:
    """Compare the ratios with capmix's, which has none where nothing is due."""
    for row in rows:
        capmix = book.row(plan_values.NAME, COVERAGE, row.label)
        sheet.check(f"{row.label} is capmix's", lambda t, own=row, given=capmix: book.differs(own.at[t], given.at[t]))  # type: ignore[misc]


def _of_year(book: Book, sheet: Sheet, label: str, row: Row) -> Row:
    years = book.row(inputs.NAME, inputs.YEAR)

    def each(t: int) -> Term:
        return total_where(years.cells, years.of(t), row.cells)

    return sheet.formulas(label, book.money, PLAIN, each)


def _cover(sheet: Sheet, label: str, above: Row, below: Row) -> Row:
    return sheet.formulas(label, "ratio", PLAIN, lambda t: ratio(above.of(t), below.of(t)), "ratio")
