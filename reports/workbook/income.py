"""The sheet Income: the income statement of the books, each sum a formula; its tax is that of the sheet Tax."""

from __future__ import annotations

from ...models.ledger import Account
from ...optimizer.analysis.names import SUM
from ...optimizer.analysis.treasury.names import INCOME_STATEMENT, IncomeLine
from ..text import safe
from . import plan_values, tax
from .book import Book
from .grid import FLOW, Row, added, linked
from .statements import lines

NAME = "Income"
PURPOSE = "Expected income statement of the books, from revenue to net income"


def build(book: Book) -> None:
    """Write the sheet. A sum is the sum before it and what stands between."""
    sheet = book.sheet(NAME, PURPOSE)
    waiting: list[Row] = []
    sums: list[str] = []
    sheet.heading("Income statement")
    for label, section in lines(book.plan, INCOME_STATEMENT):
        if section == SUM:
            row = sheet.formulas(label, book.money, FLOW, added(waiting), summed=True, strong=True)
            waiting = [row]
            sums.append(label)
        else:
            source = (tax.NAME, Account.TAX.label) if label == IncomeLine.TAX else ()
            found = book.row(*(source or (plan_values.NAME, INCOME_STATEMENT, label)))
            row = sheet.formulas(safe(label), book.money, FLOW, linked(found), summed=True)
            waiting.append(row)
        book.keep(row, NAME, label)
    sheet.heading("Checks")
    for label in (*sums, *((IncomeLine.TAX,) if (NAME, IncomeLine.TAX) in book.rows else ())):
        own, capmix = book.row(NAME, label), book.row(plan_values.NAME, INCOME_STATEMENT, label)
        sheet.check(f"{label} is capmix's", book.same_money(linked(own), linked(capmix)))
