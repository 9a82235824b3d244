"""The sheet Debt: the balance of each instrument, how it is served, and what covers all of them."""

from __future__ import annotations

from ...models.ledger import Account, Group
from ...optimizer.analysis.names import DEBT_SERVICE, CashRow, DebtRow, IncomeRow, cash_flow_of
from ...optimizer.analysis.treasury.names import DEBT, DEBT_SCHEDULE, Claim, Debt
from ...optimizer.analysis.treasury.names import DebtSchedule as Schedule
from ..text import safe
from . import cash, inputs, plan_values, tax
from .book import Book
from .coverage import check_coverage, coverage
from .grid import FLOW, IN, OUT, PLAIN, STOCK, Row, Sheet, added, linked, negative
from .terms import ZERO, Term, ratio

NAME = "Debt"
PURPOSE = "Expected balance of each instrument, interest and repayment, and what covers them"
NET_DEBT = "debt less cash"
OWED = (Claim.DEBT, Claim.OPENING)
"""What is debt; leases and outside equity are not."""


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    closings = _instruments(book, sheet)
    sheet.heading("All debt")
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
    covers = coverage(book, sheet, book.rows.get((NAME, Account.INTEREST.label)), service)
    sheet.heading("Checks")
    check_coverage(book, sheet, covers)
    owed = [row for key, row in closings.items() if key[1] in OWED]
    sheet.check("debt is that of the instruments", book.same_money(added(owed), linked(end)))
    for row, label in ((start, DebtRow.START), (end, DebtRow.END), (service, DebtRow.SERVICE)):
        capmix = book.row(plan_values.NAME, DEBT_SERVICE, label)
        sheet.check(f"{label} is capmix's", book.same_money(linked(row), linked(capmix)))
    for key, row in closings.items():
        capmix = book.row(plan_values.NAME, DEBT_SCHEDULE, *key, Schedule.CLOSING)
        sheet.check(f"{safe(key[0])}: closing balance is capmix's", book.same_money(linked(row), linked(capmix)))


def _instruments(book: Book, sheet: Sheet) -> dict[tuple[str, str], Row]:
    """A corkscrew per instrument, with its interest and fees below; the closing balances."""
    table = book.plan.tables[DEBT]
    titles = {record.text(Debt.INSTRUMENT): safe(record.text(Debt.TITLE)) for record in table.records()}
    closings: dict[tuple[str, str], Row] = {}
    for key in [k[2:4] for k in book.rows if k[:2] == (plan_values.NAME, DEBT_SCHEDULE) and k[-1] == Schedule.CLOSING]:
        name, claim = key
        rows = {c: book.row(plan_values.NAME, DEBT_SCHEDULE, *key, c) for c in plan_values.SCHEDULED}
        sheet.heading(f"{titles.get(name, safe(name))}: {claim}")
        before = book.rows.get((inputs.NAME, f"opening.debt.{name}.amount")) if claim == Claim.OPENING else None
        moves = (
            (Schedule.PROCEEDS, IN, linked(rows[Schedule.PROCEEDS])),
            (Schedule.ACCRETED, IN, linked(rows[Schedule.ACCRETED])),
            (Schedule.REPAID, OUT, negative(rows[Schedule.REPAID])),
        )
        opening = ZERO if before is None else before.whole
        *_, closing = sheet.corkscrew((Schedule.OPENING, opening), book.money, moves, Schedule.CLOSING)
        closings[name, claim] = closing
        for cost in (Schedule.INTEREST, Schedule.FEES):
            sheet.formulas(f"{cost} paid, positive", book.money, PLAIN, linked(rows[cost]), summed=True)
    return closings


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
    paid = [a for a, row in ((Account.INTEREST, interest), (Account.PRINCIPAL, repaid)) if row is not None]
    for row, account in zip(rows, paid, strict=True):
        book.keep(row, NAME, account.label)
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
    ebitda = book.row(tax.NAME, IncomeRow.EBITDA)
    yearly = book.row(inputs.NAME, inputs.PERIODS_PER_YEAR).whole.fixed()

    def leverage(t: int) -> Term:
        return ratio(net.of(t), ebitda.of(t) * yearly)

    sheet.formulas("debt less cash to the period's EBITDA, annualised", "ratio", PLAIN, leverage, "ratio")
