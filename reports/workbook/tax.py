"""The sheet Tax: from EBITDA to taxable income, losses carried forward and tax."""

from __future__ import annotations

from ...models.ledger import Account
from ...optimizer.analysis.names import INCOME, IncomeRow
from ..text import safe
from . import inputs, plan_values
from .book import Book
from .grid import FLOW, OUT, STOCK, Row, Sheet, added, linked
from .statements import checked, lines
from .terms import ZERO, larger

NAME = "Tax"
PURPOSE = "Expected taxable income and tax of the group"
_TO_TAX = (
    IncomeRow.PUT_OFF, IncomeRow.INTEREST_CARRIED, IncomeRow.LOSS, IncomeRow.USED, IncomeRow.TAXED, Account.TAX.label,
    IncomeRow.CARRIED,
)  # fmt: skip


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    labels = [label for label, _ in lines(book.plan, INCOME)]
    at = labels.index(IncomeRow.EBITDA)
    sheet.heading("Revenue and costs")
    above = [_line(book, sheet, label) for label in labels[:at]]
    ebitda = _sum(book, sheet, IncomeRow.EBITDA, above)
    below = [ebitda]
    for label in labels[at + 1 :]:
        if label in (IncomeRow.BEFORE_LIMIT, IncomeRow.TAXABLE):
            below = [_sum(book, sheet, label, below)]
        elif label == IncomeRow.PUT_OFF or label not in _TO_TAX:
            below.append(_line(book, sheet, label))
    _tax(book, sheet, set(labels))
    sheet.heading("Checks")
    for label in labels:
        own = book.rows.get((NAME, label))
        if own is not None and label in checked(book.plan, INCOME):
            capmix = book.row(plan_values.NAME, INCOME, label)
            sheet.check(f"{label} is capmix's", book.same_money(linked(own), linked(capmix)))


def _line(book: Book, sheet: Sheet, label: str) -> Row:
    source = book.row(plan_values.NAME, INCOME, label)
    return book.keep(sheet.formulas(safe(label), book.money, FLOW, linked(source), summed=True), NAME, label)


def _sum(book: Book, sheet: Sheet, label: str, rows: list[Row]) -> Row:
    return book.keep(sheet.formulas(label, book.money, FLOW, added(rows), summed=True, strong=True), NAME, label)


def _tax(book: Book, sheet: Sheet, labels: set[str]) -> None:
    sheet.heading("Tax")
    if book.plan.case.tax is None or IncomeRow.LOSS not in labels:
        _line_of_tax(book, sheet)
        return
    rate, losses = (book.row(inputs.NAME, f"tax.{name}").whole for name in ("rate", "opening_losses"))
    income = book.row(NAME, IncomeRow.TAXABLE)
    if book.plan.case.review:
        sheet.note(
            "The plan adapts: it is assessed at each node, so profit that is taxed is not that of the mean income"
        )
        loss, used, taxed = (_line(book, sheet, row) for row in (IncomeRow.LOSS, IncomeRow.USED, IncomeRow.TAXED))
    else:
        loss = sheet.formulas(IncomeRow.LOSS, book.money, FLOW, lambda t: larger(-income.of(t), ZERO), summed=True)
        used = _line(book, sheet, IncomeRow.USED)
        each = added([income, loss, used])
        taxed = sheet.formulas(IncomeRow.TAXED, book.money, FLOW, each, summed=True, strong=True)
    tax = sheet.formulas(
        Account.TAX.label, book.money, OUT, lambda t: -(rate.fixed() * taxed.of(t)), summed=True, strong=True
    )
    for row, label in ((loss, IncomeRow.LOSS), (taxed, IncomeRow.TAXED), (tax, Account.TAX.label)):
        book.keep(row, NAME, label)
    sheet.heading("Losses carried forward")
    moves = ((IncomeRow.LOSS, STOCK, linked(loss)), (IncomeRow.USED, STOCK, linked(used)))
    *_, carried = sheet.corkscrew(("carried losses at the start", losses), book.money, moves, IncomeRow.CARRIED)
    book.keep(carried, NAME, IncomeRow.CARRIED)
    if IncomeRow.PUT_OFF in labels:
        sheet.heading("Interest carried forward")
        opening = book.row(inputs.NAME, "tax.opening_interest").whole
        kept = book.row(NAME, IncomeRow.PUT_OFF)
        *_, waiting = sheet.corkscrew(
            ("interest carried forward at the start", opening), book.money,
            ((IncomeRow.PUT_OFF, STOCK, linked(kept)),), IncomeRow.INTEREST_CARRIED,
        )  # fmt: skip
        book.keep(waiting, NAME, IncomeRow.INTEREST_CARRIED)


def _line_of_tax(book: Book, sheet: Sheet) -> None:
    """Tax as the plan pays it, where the case has none."""
    paid = book.row(plan_values.NAME, INCOME, Account.TAX.label)
    row = sheet.formulas(Account.TAX.label, book.money, OUT, linked(paid), summed=True)
    book.keep(row, NAME, Account.TAX.label)
