"""The cash flow statement of the books on the sheet Cash: from net income to the same change in cash."""

from __future__ import annotations

from collections.abc import Mapping

from ...models.ledger import Account
from ...optimizer.analysis.names import SUM
from ...optimizer.analysis.treasury.names import BOOK_CASH_FLOW, CashLine, IncomeLine
from ..text import safe
from . import income, plan_values
from .book import Book
from .grid import FLOW, Each, Row, Sheet, added, linked
from .statements import CHECKED, lines
from .terms import Term, total

KEY = "Cash", BOOK_CASH_FLOW
"""Under which other sheets find the rows."""
SUMS = (CashLine.OPERATING, CashLine.INVESTING, CashLine.FINANCING)
TURNED: Mapping[str, tuple[str, ...]] = {
    CashLine.DEPRECIATION: (IncomeLine.DEPRECIATION_SYSTEMS, IncomeLine.DEPRECIATION_SITES),
    CashLine.GAIN: (IncomeLine.GAIN,),
    CashLine.ACCRETION: (IncomeLine.ACCRETION,),
    CashLine.FEES: (IncomeLine.FEES,),
    CashLine.DEFERRED: (IncomeLine.DEFERRED,),
}
"""Lines that take back what of net income is no cash: rows of the sheet Income with the other sign."""
ACCOUNTS: Mapping[str, Account] = {
    CashLine.PAYABLES: Account.PAYABLES,
    CashLine.UNEARNED: Account.PREPAYMENT,
    CashLine.SYSTEMS: Account.HARDWARE,
    CashLine.SITES: Account.SITES,
    CashLine.SALES: Account.SALVAGE,
    CashLine.REPAID: Account.PRINCIPAL,
    CashLine.DIVIDENDS: Account.DIVIDENDS,
}
"""Lines that are an account of cash."""


def indirect(book: Book, sheet: Sheet, end: Row) -> None:
    """Write the statement below the accounts. `end`: cash by the accounts."""
    found = lines(book.plan, BOOK_CASH_FLOW)
    sums = []
    for name in SUMS:
        sheet.heading(f"Cash flow statement: {name}")
        rows = [_line(book, sheet, label) for label, section in found if section == name and label != SUM]
        sums.append(sheet.formulas(name, book.money, FLOW, added(rows), summed=True, strong=True))
        book.keep(sums[-1], *KEY, name)
    change = sheet.formulas(CashLine.CHANGE, book.money, FLOW, added(sums), summed=True, strong=True)
    book.keep(change, *KEY, CashLine.CHANGE)
    sheet.heading("Checks of the cash flow statement")
    for label, _ in found:
        own = book.rows.get((*KEY, label))
        if own is not None and label in CHECKED[BOOK_CASH_FLOW]:
            capmix = book.row(plan_values.NAME, BOOK_CASH_FLOW, label)
            sheet.check(f"{label} is capmix's", book.same_money(linked(own), linked(capmix)))
    closing = book.row(plan_values.NAME, BOOK_CASH_FLOW, CashLine.END)
    direct = book.row("Cash", CashLine.CHANGE)
    sheet.check("both statements change cash by as much", book.same_money(linked(change), linked(direct)))
    sheet.check("closing cash is that of the books", book.same_money(linked(end), linked(closing)))


def _line(book: Book, sheet: Sheet, label: str) -> Row:
    row = sheet.formulas(safe(label), book.money, FLOW, _source(book, label), summed=True)
    return book.keep(row, *KEY, label)


def _source(book: Book, label: str) -> Each:
    if label == CashLine.NET_INCOME:
        return linked(book.row(income.NAME, IncomeLine.NET_INCOME))
    if label in TURNED:
        rows = [row for name in TURNED[label] if (row := book.rows.get((income.NAME, name))) is not None]

        def turned(t: int) -> Term:
            return -total([row.of(t) for row in rows])

        return turned
    if label in ACCOUNTS:
        row = book.rows.get(("Cash", ACCOUNTS[label].label))
        return linked(row) if row is not None else added([])
    return linked(book.row(plan_values.NAME, BOOK_CASH_FLOW, label))
