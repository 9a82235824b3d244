"""The workbook before it is written: sheets of one grid, whose rows share one timeline in the same columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .terms import Cell, Term, cell, total

LABEL, UNIT, SIGN, TOTAL, OPENING, FIRST = range(6)
"""Columns: label, unit, sign, total over the timeline, what stands before it, and the first period."""

TITLE, SUBTITLE, PERIODS, COUNTED, TOP = range(5)
"""Rows above the data: title, what the sheet is for, label and number of each period; then the first row of data."""

IN, OUT, FLOW, STOCK, PLAIN = "+", "−", "±", "=", ""
"""Signs: an inflow is positive; an outflow is shown negative; either; a balance; no money."""

Content = float | str | Term
Each = Callable[[int], Term | None]


@dataclass(frozen=True)
class Look:
    """How a cell is shown, see `looks.py`. kind: of figure or text; entered: no formula; strong: a sum."""

    kind: str
    entered: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a sheet: its cells over the timeline, None where there is none, its total and what stands before it."""

    label: str
    unit: str
    kind: str
    number: int
    at: tuple[Cell | None, ...]
    total: Cell | None = None
    opening: Cell | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Those over the timeline that are there."""
        return tuple(c for c in self.at if c is not None)

    def of(self, t: int) -> Cell:
        """The cell of a period that must be there."""
        found = self.at[t]
        assert found is not None, f"{self.label}, period {t}"
        return found

    @property
    def whole(self) -> Cell:
        """The total, or the constant, of a row that has one."""
        assert self.total is not None, self.label
        return self.total


@dataclass
class Sheet:
    """A sheet in the making; rows are added from the top.

    Attributes:
        name, purpose: as they are shown.
        periods: columns of the timeline.
        cells: contents and looks by (row, column), counted from 0.
        next: the row that is added next.
        checks: its rows of checks, 0 where a check holds.
        links: cells that lead to another sheet.
        breaks: rows at which a new page begins.
    """

    name: str
    purpose: str
    periods: int
    cells: dict[tuple[int, int], tuple[Content, Look]] = field(default_factory=dict)
    next: int = TOP
    checks: list[Row] = field(default_factory=list)
    links: dict[tuple[int, int], str] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------------ free cells
    def put(self, row: int, column: int, content: Content, look: Look) -> Cell:
        """Write a cell and return it as a term."""
        self.cells[row, column] = (content, look)
        return cell(self.name, row, column, content.value if isinstance(content, Term) else content)

    def heading(self, words: str) -> None:
        """A heading, with a free row above it."""
        self.next += self.next > TOP
        self.put(self.next, LABEL, words, Look("heading"))
        self.next += 1

    def note(self, words: str) -> None:
        """A line of text."""
        self.put(self.next, LABEL, words, Look("note"))
        self.next += 1

    # ------------------------------------------------------------------------------------------------------ rows
    def values(
        self,
        label: str,
        unit: str,
        sign: str,
        values: Sequence[float | str | None],
        kind: str = "money",
        summed: bool = False,
        opening: Term | None = None,
    ) -> Row:
        """Numbers that are given; `summed`: with their total."""
        look = Look(kind, entered=True)
        number = self._head(label, unit, sign, Look("label"))
        at = tuple(None if v is None else self.put(number, FIRST + t, v, look) for t, v in enumerate(values))
        whole = self._total(number, at, summed, kind, False)
        first = None if opening is None else self.put(number, OPENING, opening, Look(kind))
        return Row(label, unit, kind, number, at, whole, first)

    def constant(self, label: str, unit: str, content: Content | None, kind: str = "number", sign: str = PLAIN) -> Row:
        """One figure or text, in the column of totals."""
        number = self._head(label, unit, sign, Look("label"))
        look = Look(kind, entered=not isinstance(content, Term))
        shown = None if content is None else self.put(number, TOTAL, content, look)
        return Row(label, unit, kind, number, (None,) * self.periods, shown)

    def formulas(
        self,
        label: str,
        unit: str,
        sign: str,
        each: Each,
        kind: str = "money",
        summed: bool = False,
        strong: bool = False,
        whole: Term | None = None,
        opening: Term | None = None,
    ) -> Row:
        """A formula per period, the same in all; `summed`: with their total; `strong`: shown as a sum."""
        look = Look(kind, strong=strong)
        number = self._head(label, unit, sign, Look("label", strong=strong))
        found: list[Cell | None] = []
        for t in range(self.periods):
            term = each(t)
            found.append(None if term is None else self.put(number, FIRST + t, term, look))
        at = tuple(found)
        if whole is not None:
            shown: Cell | None = self.put(number, TOTAL, whole, look)
        else:
            shown = self._total(number, at, summed, kind, strong)
        first = None if opening is None else self.put(number, OPENING, opening, look)
        return Row(label, unit, kind, number, at, shown, first)

    def corkscrew(
        self, opening: tuple[str, Term], unit: str, flows: Sequence[tuple[str, str, Each]], closing: str
    ) -> tuple[Row, tuple[Row, ...], Row]:
        """Balance at the start, what moves it, balance at the end: the start is the end of the period before.

        opening: label of the row, and the balance before the first period. flows: label, sign, formula.
        """
        top, end = self.next, self.next + len(flows) + 1
        moved = [[each(t) for t in range(self.periods)] for _, _, each in flows]
        before, starts = opening[1].number, list[float]()
        for t in range(self.periods):
            starts.append(before)
            before += sum(term.number for terms in moved if (term := terms[t]) is not None)
        start = self.formulas(
            opening[0], unit, STOCK, lambda t: cell(self.name, end, FIRST + t - 1 if t else OPENING, starts[t])
        )
        rows = tuple(self.formulas(label, unit, sign, each, summed=True) for label, sign, each in flows)

        def closed(t: int) -> Term:
            return total([c for row in (start, *rows) if (c := row.at[t]) is not None])

        assert (start.number, self.next) == (top, end)
        last = self.formulas(closing, unit, STOCK, closed, strong=True, opening=opening[1])
        return start, rows, last

    def check(self, label: str, each: Each) -> Row:
        """A row of flags, 1 where a check fails in a period, and their sum."""
        row = self.formulas(f"check: {label}", "", PLAIN, each, kind="flag", summed=True)
        self.checks.append(row)
        return row

    def check_one(self, label: str, term: Term | None) -> None:
        """A check that no period has; none where there is nothing to compare."""
        if term is not None:
            self.checks.append(self.constant(f"check: {label}", "", term, kind="flag"))

    def _head(self, label: str, unit: str, sign: str, look: Look) -> int:
        number = self.next
        self.put(number, LABEL, label, look)
        for column, words in ((UNIT, unit), (SIGN, sign)):
            if words:
                self.put(number, column, words, Look("unit"))
        self.next += 1
        return number

    def _total(self, number: int, at: Sequence[Cell | None], summed: bool, kind: str, strong: bool) -> Cell | None:
        present = [c for c in at if c is not None]
        if not summed or not present:
            return None
        return self.put(number, TOTAL, total(present), Look(kind, strong=strong))


@dataclass(frozen=True)
class Chart:
    """A chart on a sheet of rows over the timeline, with the name of each.

    shape: column, line or area; bar: of the totals of rows that stand together, each with the name of its side.
    place: the row at which it begins, and whether it is the left one or the right one.
    """

    sheet: str
    title: str
    unit: str
    rows: tuple[tuple[str, Row], ...]
    shape: str
    place: tuple[int, int]
    stacked: bool = False


def linked(row: Row) -> Each:
    """Each period of a row of another place."""
    return lambda t: row.at[t]


def negative(row: Row) -> Each:
    """Each period of a row, with its sign turned."""

    def turned(t: int) -> Term | None:
        found = row.at[t]
        return None if found is None else -found

    return turned


def added(rows: Sequence[Row]) -> Each:
    """The sum of rows in each period; 0 of none."""

    def sums(t: int) -> Term:
        return total([c for row in rows if (c := row.at[t]) is not None])

    return sums
