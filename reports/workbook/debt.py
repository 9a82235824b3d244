"""The sheet Debt: how debt comes about and is served, and what covers it."""

from __future__ import annotations

from ...models.ledger import Account, Group
from ...optimizer.analysis.names import DEBT_SERVICE, CashRow, DebtRow, IncomeRow, cash_flow_of
from . import cash, income, inputs, plan_values
from .book import Book
from .grid import FLOW, IN, OUT, PLAIN, STOCK, Row, Sheet, added, linked, negative
from .terms import Term, ratio

NAME = "Debt"
PURPOSE = "Expected debt: balance, interest and repayment, and what covers them"
NET_DEBT = "debt less cash"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    sheet.heading("Debt")
    raised, accretion = (book.row(plan_values.NAME, DEBT_SERVICE, row) for row in (DebtRow.OF_DEBT, DebtRow.ACCRETION))
    repaid = _paid(book, Account.PRINCIPAL)
    moves = (
        (DebtRow.OF_DEBT, IN, linked(raised)),
        (DebtRow.ACCRETION, IN, linked(accretion)),
        (Account.PRINCIPAL.label, OUT, added([repaid] if repaid else [])),
    )
    opening = book.row(inputs.NAME, inputs.OPENING_DEBT).whole
    start, _, end = sheet.corkscrew((DebtRow.START, opening), book.money, moves, DebtRow.END)
    book.keep(end, NAME, DebtRow.END)
    service = _service(book, sheet, repaid)
    _cover(book, sheet, end, service)
    sheet.heading("Checks")
    for row, label in ((start, DebtRow.START), (end, DebtRow.END), (service, DebtRow.SERVICE)):
        capmix = book.row(plan_values.NAME, DEBT_SERVICE, label)
        sheet.check(f"{label} is capmix's", book.same_money(linked(row), linked(capmix)))


def _paid(book: Book, account: Account) -> Row | None:
    """The account on the sheet Cash; None where there is none of it."""
    return book.rows.get((cash.NAME, account.label))


def _service(book: Book, sheet: Sheet, repaid: Row | None) -> Row:
    """Debt service, paid: positive, as it is divided by."""
    sheet.heading("Debt service, as a positive amount")
    interest = _paid(book, Account.INTEREST)
    rows = [
        sheet.formulas(row.label, book.money, PLAIN, negative(row), summed=True)
        for row in (interest, repaid)
        if row is not None
    ]
    service = sheet.formulas(DebtRow.SERVICE, book.money, PLAIN, added(rows), summed=True, strong=True)
    return book.keep(service, NAME, DebtRow.SERVICE)


def _cover(book: Book, sheet: Sheet, end: Row, service: Row) -> None:
    sheet.heading("Cover")
    operating = book.row(cash.NAME, cash_flow_of(Group.OPERATING))
    available = sheet.formulas(DebtRow.OPERATING, book.money, FLOW, linked(operating), summed=True)
    sheet.formulas(
        "operating cash flow to debt service, 0 where none is due", "ratio", PLAIN,
        lambda t: ratio(available.of(t), service.of(t)), "ratio", whole=ratio(available.whole, service.whole),
    )  # fmt: skip
    held = book.row(cash.NAME, CashRow.END)
    net = sheet.formulas(NET_DEBT, book.money, STOCK, lambda t: end.of(t) - held.of(t), strong=True)
    book.keep(net, NAME, NET_DEBT)
    ebitda = book.row(income.NAME, IncomeRow.EBITDA)
    yearly = book.row(inputs.NAME, inputs.PERIODS_PER_YEAR).whole.fixed()

    def leverage(t: int) -> Term:
        return ratio(net.of(t), ebitda.of(t) * yearly)

    sheet.formulas("debt less cash to the period's EBITDA, annualised", "ratio", PLAIN, leverage, "ratio")
