"""The sheet Covenants: each covenant by period on the expected path, against its limit."""

from __future__ import annotations

from ...models.schema.covenant_kinds import COVENANT_KINDS
from ...optimizer.analysis.names import COVENANTS, Covenants
from ...optimizer.table import BILLION
from ..text import safe
from . import inputs, plan_values
from .book import Book
from .grid import PLAIN, Each, Row, Sheet, linked
from .terms import ZERO, Term

NAME = "Covenants"
PURPOSE = "Covenants on the expected path; a period without figures is not tested, since nothing is due"
MAINTAINED = "maintained"
FORMS = {"fraction": "share", "ratio": "multiple"}
"""How the units of covenants are shown, where not with two decimals."""


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    checks: list[tuple[str, Each]] = []
    for covenant in book.plan.case.covenant:
        for key in [k for k in book.rows if k[:3] == (plan_values.NAME, COVENANTS, covenant.id)]:
            if key[-1] == Covenants.VALUE:
                kind = COVENANT_KINDS[covenant.kind]
                checks += _covenant(book, sheet, key[2:-1], covenant.at_least, covenant.as_, kind.unit)
    if not checks:
        sheet.note("the case has no covenants, or none that is tested on the expected path")
        return
    sheet.heading("Checks")
    for label, each in checks:
        sheet.check(label, each)


def _covenant(
    book: Book, sheet: Sheet, key: tuple[str, ...], at_least: bool, kept: str, measured: str
) -> list[tuple[str, Each]]:
    """The rows of a covenant; the checks to be written below all of them."""
    name = ", ".join(safe(word) for word in key if word)
    limit = book.row(inputs.NAME, f"covenant.{key[0]}.limit").whole.fixed()
    source = {c: book.row(plan_values.NAME, COVENANTS, *key, c) for c in Covenants if c in _SHOWN}
    sheet.heading(f"{name}: {'at least' if at_least else 'at most'} the limit; {kept}")
    unit, kind = book.unit(measured), "money" if measured == BILLION else FORMS.get(measured, "level")
    value = sheet.formulas("value", unit, PLAIN, linked(source[Covenants.VALUE]), kind)
    limits = sheet.formulas("limit", unit, PLAIN, lambda t: None if value.at[t] is None else limit, kind)

    def headroom(t: int) -> Term | None:
        found, against = value.at[t], limits.at[t]
        if found is None or against is None:
            return None
        return found - against if at_least else against - found

    room = sheet.formulas("headroom", unit, PLAIN, headroom, kind, strong=True)
    money = sheet.formulas("headroom in money", book.money, PLAIN, linked(source[Covenants.MONEY]))
    return [*_checks(book, name, room, source[Covenants.HEADROOM], money, kept)]


def _checks(book: Book, name: str, room: Row, capmix: Row, money: Row, kept: str) -> list[tuple[str, Each]]:
    found: list[tuple[str, Each]] = [
        (f"{name}: headroom is capmix's", lambda t: book.differs(room.at[t], capmix.at[t])),
    ]
    if kept == MAINTAINED:
        found.append((f"{name} is kept", lambda t: book.exceeds_in_money(ZERO, money.at[t])))
    return found


_SHOWN = (Covenants.VALUE, Covenants.HEADROOM, Covenants.MONEY)
