"""The sheet Holders: who funds the plan, and who bears its losses."""

from __future__ import annotations

from ...optimizer.analysis.names import LOSS_BY_HOLDER, Losses
from ..text import safe
from . import plan_values
from .book import Book
from .grid import IN, PLAIN, Row, Sheet, added
from .terms import Cell, Term, ratio, total

NAME = "Holders"
PURPOSE = "Who funds the plan and when, and who bears what is lost"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    by_holder: dict[str, list[Row]] = {}
    by_instrument: dict[str, list[Row]] = {}
    for key, row in book.rows.items():
        if key[:2] == (plan_values.NAME, plan_values.FUNDED):
            by_instrument.setdefault(key[2], []).append(row)
            by_holder.setdefault(key[3], []).append(row)
    investors = {i.id: safe(i.title or i.id) for i in book.plan.case.investor}
    parties = {p.id: safe(p.title or p.id) for p in book.plan.case.party}
    instruments = {i.id: safe(i.title or i.id) for i in book.plan.case.instrument}
    first = _funding(book, sheet, "By holder", by_holder, parties | investors)
    second = _funding(book, sheet, "By instrument", by_instrument, instruments)
    checks = [*_losses(book, sheet)]
    sheet.heading("Checks")
    funded = book.row(plan_values.NAME, "funding", "total").total
    for label, row in (("holders", first), ("instruments", second)):
        checks.append((f"funding by {label} is capmix's", book.differs_in_money(row.total, funded)))
    for label, term in checks:
        sheet.check_one(label, term)


def _funding(book: Book, sheet: Sheet, title: str, found: dict[str, list[Row]], titles: dict[str, str]) -> Row:
    sheet.heading(title)
    rows = [
        sheet.formulas(titles.get(name, safe(name.replace("_", " "))), book.money, IN, added(rows), summed=True)
        for name, rows in found.items()
    ]
    wholes: list[Cell] = [row.whole for row in rows]
    top = sheet.formulas("funding", book.money, IN, added(rows), strong=True, whole=total(wholes))
    for row in rows:
        sheet.constant(f"share of {row.label}", "share", ratio(row.whole, top.whole.fixed()), "share")
    return book.keep(top, NAME, title)


def _losses(book: Book, sheet: Sheet) -> list[tuple[str, Term | None]]:
    table = book.plan.tables[LOSS_BY_HOLDER]
    if not table.rows:
        return []
    for column in (Losses.CLAIM, Losses.EXPECTED, Losses.TAIL):
        sheet.heading(f"Holders: {column}")
        rows = []
        for record in table.records():
            source = book.row(plan_values.NAME, LOSS_BY_HOLDER, record.text("holder"), column)
            if source.total is not None:
                rows.append(sheet.constant(source.label, source.unit, source.total, "money", PLAIN))
        whole = sheet.constant(f"{column}, all", book.money, total([row.whole for row in rows]), "money")
        if column == Losses.TAIL:
            shares = [
                sheet.constant(f"share of {row.label}", "share", ratio(row.whole, whole.whole.fixed()), "share")
                for row in rows
            ]
            return _shares(book, table.column("holder"), shares)
    return []


def _shares(book: Book, holders: tuple[object, ...], shares: list[Row]) -> list[tuple[str, Term | None]]:
    """That each share of the tail is capmix's."""
    capmix = [book.row(plan_values.NAME, LOSS_BY_HOLDER, str(h), Losses.SHARE).total for h in holders]
    return [
        (f"{own.label} of the tail is capmix's", book.differs(own.total, given))
        for own, given in zip(shares, capmix, strict=True)
    ]
