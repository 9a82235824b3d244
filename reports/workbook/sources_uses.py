"""The sheet Sources_Uses: where the money of each period comes from and where it goes."""

from __future__ import annotations

from ...models.ledger import Account, Group
from ...optimizer.analysis.funding_tables import PREPAYMENTS
from ...optimizer.analysis.names import CashRow, cash_flow_of
from ..text import safe
from . import cash, plan_values
from .book import Book
from .grid import IN, PLAIN, STOCK, Row, Sheet, added, linked, negative
from .terms import total

NAME = "Sources_Uses"
PURPOSE = "Where the money of each period comes from, and where it goes; both as positive amounts"
SOURCES, USES = "sources", "uses"
USED = (Account.HARDWARE, Account.SITES, Account.FEES, Account.INTEREST, Account.PRINCIPAL, Account.DIVIDENDS,
        Account.TAX)  # fmt: skip


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    titles = {i.id: safe(i.title or i.id) for i in book.plan.case.instrument} | {"revolver": "Revolving credit line"}
    sheet.heading("Sources")
    before = _balance(book, sheet, CashRow.START, first=True)
    raised = []
    for instrument, rows in funded(book).items():
        if instrument == PREPAYMENTS:
            continue
        title = titles.get(instrument, safe(instrument))
        raised.append(sheet.formulas(title, book.money, IN, added(rows), summed=True))
        book.keep(raised[-1], NAME, SOURCES, instrument)
    others = [
        sheet.formulas(row.label, book.money, IN, linked(row), summed=True)
        for label in (Account.PREPAYMENT.label, cash_flow_of(Group.OPERATING), Account.SALVAGE.label, CashRow.INTEREST)
        if (row := book.rows.get((cash.NAME, label))) is not None
    ]
    book.sides[SOURCES] = [before, *raised, *others]
    sources = _sum(book, sheet, SOURCES, book.sides[SOURCES])
    sheet.heading("Uses")
    used = []
    for account in USED:
        if (row := book.rows.get((cash.NAME, account.label))) is not None:
            used.append(sheet.formulas(row.label, book.money, PLAIN, negative(row), summed=True))
            book.keep(used[-1], NAME, USES, account.label)
    after = _balance(book, sheet, CashRow.END, first=False)
    book.sides[USES] = [*used, after]
    uses = _sum(book, sheet, USES, book.sides[USES])
    sheet.heading("Checks")
    sheet.check("sources are uses", book.same_money(linked(sources), linked(uses)))
    sheet.check_one("sources are uses over the horizon", book.differs_in_money(sources.whole, uses.whole))
    proceeds = book.rows.get((cash.NAME, Account.PROCEEDS.label))
    if proceeds is not None or raised:
        of_account = linked(proceeds) if proceeds else added([])
        sheet.check("what the instruments raise is the account", book.same_money(added(raised), of_account))


def funded(book: Book) -> dict[str, list[Row]]:
    """The rows of the plan's funding by instrument."""
    found: dict[str, list[Row]] = {}
    for key, row in book.rows.items():
        if key[:2] == (plan_values.NAME, plan_values.FUNDED):
            found.setdefault(key[2], []).append(row)
    return found


def _balance(book: Book, sheet: Sheet, label: str, first: bool) -> Row:
    """Cash at the start, or at the end, of each period; over the horizon that of the first, or the last, one."""
    source = book.row(cash.NAME, label)
    whole = source.of(0) if first else source.of(sheet.periods - 1)
    return sheet.formulas(label, book.money, STOCK, linked(source), whole=whole)


def _sum(book: Book, sheet: Sheet, label: str, rows: list[Row]) -> Row:
    whole = total([row.whole for row in rows])
    found = sheet.formulas(label, book.money, PLAIN, added(rows), strong=True, whole=whole)
    return book.keep(found, NAME, label)
