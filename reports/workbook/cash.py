"""The sheet Cash: the accounts by section, and from them cash at each period's end against its minimum."""

from __future__ import annotations

from ...models.ledger import Account, Group
from ...optimizer.analysis.entity_names import ENTITY_CASH
from ...optimizer.analysis.names import CASH_FLOW, CashRow, cash_flow_of
from ..text import safe
from . import inputs, plan_values, tax
from .book import Book
from .entities import entities
from .grid import FLOW, STOCK, Row, Sheet, added, linked
from .indirect import indirect
from .statements import CASH_SUMS, GROUPS, lines

NAME = "Cash"
PURPOSE = "Expected cash flow of the group by account, the same from net income on, and cash at each period's end"
MINIMUM = "minimum cash"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    found = lines(book.plan, CASH_FLOW)
    sums = [_section(book, sheet, group, [label for label, of in found if of == group.value])
            for group in GROUPS]  # fmt: skip
    sheet.heading("Change in cash")
    links = [sheet.formulas(row.label, book.money, FLOW, linked(row), summed=True) for row in sums]
    source = book.row(plan_values.NAME, CASH_FLOW, CashRow.INTEREST)
    interest = book.keep(
        sheet.formulas(CashRow.INTEREST, book.money, FLOW, linked(source), summed=True), NAME, CashRow.INTEREST
    )
    change = sheet.formulas(CashRow.CHANGE, book.money, FLOW, added([*links, interest]), summed=True, strong=True)
    book.keep(change, NAME, CashRow.CHANGE)
    sheet.heading("Cash")
    opening = book.row(inputs.NAME, "cash.opening").whole
    start, _, end = sheet.corkscrew(
        (CashRow.START, opening), book.money, ((CashRow.CHANGE, FLOW, linked(change)),), CashRow.END
    )
    book.keep(start, NAME, CashRow.START)
    book.keep(end, NAME, CashRow.END)
    _minimum(book, sheet, end)
    indirect(book, sheet, end)
    if ENTITY_CASH in book.plan.tables:
        entities(book, sheet, end)


def _section(book: Book, sheet: Sheet, group: Group, labels: list[str]) -> Row:
    sheet.heading(f"{group.value.capitalize()} cash flow")
    rows = []
    for label in labels:
        source = book.row(plan_values.NAME, CASH_FLOW, label)
        if label == Account.TAX.label:
            source = book.row(tax.NAME, label)
        rows.append(sheet.formulas(safe(label), book.money, FLOW, linked(source), summed=True))
        book.keep(rows[-1], NAME, label)
    name = cash_flow_of(group)
    return book.keep(sheet.formulas(name, book.money, FLOW, added(rows), summed=True, strong=True), NAME, name)


def _minimum(book: Book, sheet: Sheet, end: Row) -> None:
    source = book.row(inputs.NAME, "cash.minimum")
    minimum = book.keep(sheet.formulas(MINIMUM, book.money, STOCK, linked(source)), NAME, MINIMUM)
    sheet.formulas("cash above the minimum", book.money, STOCK, lambda t: end.of(t) - minimum.of(t))
    sheet.heading("Checks")
    for label in (*CASH_SUMS, CashRow.CHANGE, CashRow.START, CashRow.END):
        own, capmix = book.row(NAME, label), book.row(plan_values.NAME, CASH_FLOW, label)
        sheet.check(f"{label} is capmix's", book.same_money(linked(own), linked(capmix)))
    sheet.check("cash is not below the minimum", lambda t: book.exceeds_in_money(minimum.of(t), end.of(t)))
