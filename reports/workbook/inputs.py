"""The sheet Inputs: the timeline, the tolerance, and the whole case key by key; what a formula needs it takes here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from ...models.schema.fields import Spec
from ..text import safe
from .book import MONEY_TOLERANCE, TIMELINE, TOLERANCE, WITHIN, Book
from .grid import COUNTED, FIRST, IN, LABEL, OPENING, PERIODS, PLAIN, Look, Sheet
from .terms import ONE, ZERO, Term, cell, larger, total

NAME = "Inputs"
PURPOSE = "The case that was planned, key by key; blue is entered"
LARGEST = 2**53
"""Whole numbers above it are no numbers of a spreadsheet."""
PERIODS_PER_YEAR, OPENING_DEBT, LENGTH = "periods per year", "opening debt", "length of a period"
YEAR = "calendar year"
LEAST_OBJECTIVE, LEAST_OBJECTIVE_SIZE = "least size of the objective", 1e-9
"""As in `plan.Certificate`."""
_PASSED_OVER = {"source", "confidence", "note", "variant", "correlation"}
_TABLES = ("table", "tables", "union")


def build(book: Book) -> None:
    """Write the sheet, the timeline that all others refer to, and the names of the tolerances."""
    sheet, case = book.sheet(NAME, PURPOSE), book.plan.case
    _timeline(book, sheet)
    sheet.heading("Tolerance of the checks")
    words = "tolerance, of the larger figure or of 1"
    tolerance = sheet.constant(words, "fraction", WITHIN, "tolerance")
    book.names[TOLERANCE] = (tolerance.whole, tolerance.whole)
    least = sheet.constant("least objective of which a gap is taken", "", LEAST_OBJECTIVE_SIZE, "tolerance")
    book.keep(least, NAME, LEAST_OBJECTIVE)
    sheet.heading("Time")
    length = sheet.constant(LENGTH, "years", case.horizon.dt)
    book.keep(length, NAME, LENGTH)
    book.keep(sheet.constant(PERIODS_PER_YEAR, "", ONE / length.whole), NAME, PERIODS_PER_YEAR)
    years = [int(label[:4]) for label in book.labels]
    book.keep(sheet.values(YEAR, "", PLAIN, years, "year"), NAME, YEAR)
    for name, value, spec in _fields(case):
        if spec.kind in _TABLES and name not in _PASSED_OVER and value is not None and value != ():
            entries = value if isinstance(value, tuple) else (value,)
            for entry in entries:
                own = str(getattr(entry, "id", "")) if isinstance(value, tuple) else ""
                _table(book, sheet, entry, (name, own) if own else (name,))
    debts = [book.row(NAME, f"opening.debt.{debt.id}.amount").whole for debt in case.opening.debt]
    sheet.heading("Of the inputs")
    book.keep(sheet.constant(OPENING_DEBT, book.money, total(debts) if debts else ZERO, "money"), NAME, OPENING_DEBT)


def scale_money(book: Book, largest: Sequence[Term]) -> None:
    """Define the tolerance of money, of the largest account in a period; `largest`: terms, at least one."""
    sheet = book.sheets[NAME]
    amount = sheet.constant("largest amount of a period, or 1", book.money, larger(ONE, *largest), "money")
    words = "tolerance of amounts of money"
    tolerance = sheet.constant(words, book.money, book.defined(TOLERANCE) * amount.whole, "tolerance")
    book.names[MONEY_TOLERANCE] = (tolerance.whole, tolerance.whole)


def _timeline(book: Book, sheet: Sheet) -> None:
    """The one timeline: labels are entered here, numbers count up from the column before the first period."""
    for t, label in enumerate(book.labels):
        sheet.put(PERIODS, FIRST + t, label, Look("period", entered=True))
    before = sheet.put(COUNTED, OPENING, 0, Look("count of periods", entered=True))
    for t in range(sheet.periods):
        before = sheet.put(COUNTED, FIRST + t, before + ONE, Look("count of periods"))
    last = FIRST + sheet.periods - 1
    book.names[TIMELINE] = (cell(NAME, PERIODS, FIRST, ""), cell(NAME, PERIODS, last, ""))


def _fields(entry: Any) -> Iterator[tuple[str, Any, Spec]]:
    for one in dataclasses.fields(entry):
        spec = one.metadata.get("spec")
        if isinstance(spec, Spec):
            yield one.name, getattr(entry, one.name), spec


def _table(book: Book, sheet: Sheet, entry: Any, names: Sequence[str]) -> None:
    """A table of the case under its heading; neither where all of its keys are left out."""
    before = sheet.next
    sheet.heading(safe(" ".join(names).replace("_", " ")))
    top = sheet.next
    _entry(book, sheet, entry, ".".join(names), "")
    if sheet.next == top:
        del sheet.cells[top - 1, LABEL]
        sheet.next = before


def _entry(book: Book, sheet: Sheet, entry: Any, path: str, before: str) -> None:
    """The fields of a table of the case; those of tables in it with the name of these before theirs."""
    for name, value, spec in _fields(entry):
        if name in _PASSED_OVER or value is None or value == "" or value == ():
            continue
        label, own = f"{before}{name.rstrip('_')}".replace("_", " "), f"{path}.{name}"
        if spec.kind in _TABLES:
            for number, one in enumerate(value if isinstance(value, tuple) else (value,), start=1):
                key = str(getattr(one, "id", "") or getattr(one, "investor", "") or number)
                _entry(book, sheet, one, f"{own}.{key}", f"{before}{name} {key}: ".replace("_", " "))
        else:
            _field(book, sheet, (safe(label), own), value, spec)


def _field(book: Book, sheet: Sheet, names: tuple[str, str], value: Any, spec: Spec) -> None:
    label, path = names
    unit = book.unit("periods" if spec.kind == "years" else spec.unit)
    kind = "money" if spec.unit.startswith("billion") else "rate" if spec.unit.startswith("fraction") else "number"
    if spec.kind == "series":
        each = value if isinstance(value, tuple) else (value,) * sheet.periods  # a default that no reader has spread
        row = sheet.values(label, unit, IN if kind == "money" else PLAIN, each, kind)
    elif isinstance(value, bool):
        row = sheet.constant(label, "", "yes" if value else "no", "text")
    elif spec.kind == "period":
        row = sheet.constant(label, "period", book.plan.case.horizon.label(value), "text")
    elif isinstance(value, int | float) and abs(value) <= LARGEST:
        row = sheet.constant(label, unit, value, "whole" if kind == "number" and isinstance(value, int) else kind)
    elif isinstance(value, tuple):
        row = sheet.constant(label, unit, safe(", ".join(map(str, value))), "text")
    else:
        row = sheet.constant(label, unit, safe(value), "text")
    book.keep(row, NAME, path)
