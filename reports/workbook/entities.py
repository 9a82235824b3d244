"""Cash of each entity of a group, on the sheet Cash: their cash together is that of the group."""

from __future__ import annotations

from ...optimizer.analysis.entity_names import ENTITY_CASH, EntityCash
from ...optimizer.analysis.names import CashRow
from ..text import safe
from . import plan_values
from .book import Book
from .grid import FLOW, Row, Sheet, added, linked
from .terms import Term


def entities(book: Book, sheet: Sheet, end: Row) -> None:
    """A corkscrew per entity, and the checks that they are capmix's and sum up to the group's. `end`: the group's."""
    records = book.plan.tables[ENTITY_CASH].records()
    ends: list[tuple[str, Row]] = []
    for entity in dict.fromkeys(record.text(EntityCash.ENTITY) for record in records):
        sheet.heading(f"Cash of {safe(entity)}")
        own = [record.text(EntityCash.LINE) for record in records if record.text(EntityCash.ENTITY) == entity]
        moves = [label for label in own if label not in (CashRow.START, CashRow.END)]
        sources = {label: book.row(plan_values.NAME, ENTITY_CASH, entity, label) for label in own}
        opening = sheet.constant("opening cash", book.money, _first(sources[CashRow.START]), "money")
        flows = [(safe(label), FLOW, linked(sources[label])) for label in moves]
        *_, closing = sheet.corkscrew((CashRow.START, opening.whole), book.money, flows, CashRow.END)
        ends.append((entity, closing))
    sheet.heading("Checks of the entities")
    for entity, row in ends:
        capmix = book.row(plan_values.NAME, ENTITY_CASH, entity, CashRow.END)
        sheet.check(f"cash of {safe(entity)} is capmix's", book.same_money(linked(row), linked(capmix)))
    together = added([row for _, row in ends])
    sheet.check("cash of the entities is the group's", book.same_money(together, linked(end)))


def _first(row: Row) -> Term:
    """The opening balance: what stands at the start of the first period."""
    return row.of(0)
