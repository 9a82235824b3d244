"""The workbook as a file: cells, formats, print setup, defined names and charts by XlsxWriter.

No text of a case is ever a formula: text goes through `write_string` alone, formulas are made of terms.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

from ..text import safe
from . import cover, inputs
from .book import MASTER_CHECK, Book
from .charts import draw
from .grid import COUNTED, FIRST, LABEL, OPENING, PERIODS, SIGN, SUBTITLE, TITLE, TOP, TOTAL, UNIT, Content, Look, Sheet
from .looks import LINE, PERIOD_WIDTH, RED, WIDTHS, lines, money_format, properties
from .terms import Spot, Term, cell

MOST_LETTERS = 32_000
"""Of a text; a cell takes 32,767."""
LONGEST_TITLE = 200
A3, A4 = 8, 9
MOST_ON_A4 = 12
"""Periods; more across A4 are too small to read."""
LONGEST_FOOTER = 100
TITLE_HEIGHT = 24
FREE = (cover.NAME, "Why")
"""Sheets without the timeline."""


class Writer:
    """One workbook while it is written."""

    def __init__(self, book: Book, made: datetime) -> None:
        self.book = book
        self.buffer = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.file = xlsxwriter.Workbook(self.buffer, options)
        self.looks: dict[Look, Any] = {}
        self.pages: dict[str, Any] = {}
        self.money = money_format(_largest(book))
        heading = book.plan.case.case
        self.file.set_properties(
            {
                "title": safe(heading.title or heading.name)[:LONGEST_TITLE],
                "subject": "Financing and capacity plan",
                "comments": f"Status: {book.plan.status.value}; {book.plan.scenarios.count:,} scenarios",
                "author": "capmix",
                "created": made.replace(tzinfo=None),
            }
        )  # fmt: skip
        self.file.set_calc_mode("auto")

    def look(self, look: Look) -> Any:
        """The format of a look, made once."""
        if look not in self.looks:
            self.looks[look] = self.file.add_format(properties(look, self.money))
        return self.looks[look]

    def sheets(self, names: Sequence[str]) -> None:
        """All sheets in this order: first all of them, since formulas name them."""
        found = [name for name in names if name in self.book.sheets]
        for name in found:
            self.pages[name] = self.file.add_worksheet(name)
        for name in found:
            self._sheet(self.book.sheets[name], self.pages[name])

    def names(self) -> None:
        """Defined names."""
        for name, (first, last) in self.book.names.items():
            spot = first.spot
            to = None if first == last else (last.spot.row, last.spot.column)
            place = Spot(spot.sheet, spot.row, spot.column, fixed=True, to=to)
            self.file.define_name(name, f"={place.seen_from('')}")

    def _sheet(self, sheet: Sheet, page: Any) -> None:
        free = sheet.name in FREE
        self._top(sheet, page, free)
        for (row, column), (content, look) in sheet.cells.items():
            if (row, column) in sheet.links:
                target = sheet.links[row, column]
                page.write_url(row, column, f"internal:'{target}'!A1", self.look(Look("link")), target)
            else:
                self._write(page, (row, column), content, look, sheet.name)
        for row, many in _heights(sheet).items():
            page.set_row(row, LINE * many)
        for column, width in WIDTHS.items():
            page.set_column(column, column, width)
        if not free:
            page.set_column(FIRST, FIRST + sheet.periods - 1, PERIOD_WIDTH)
            page.freeze_panes(TOP, FIRST)
            page.repeat_rows(PERIODS, COUNTED)
            page.repeat_columns(LABEL, UNIT)
        page.set_row(TITLE, TITLE_HEIGHT)
        page.set_h_pagebreaks(sheet.breaks)
        page.set_landscape()
        page.set_paper(A4 if free or sheet.periods <= MOST_ON_A4 else A3)
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        heading = self.book.plan.case.case
        title = safe(heading.title or heading.name)[:LONGEST_FOOTER].replace("&", "&&")
        page.set_footer(f"&L&A&C{title}, {self.book.plan.status.value}&R&P / &N")
        page.hide_gridlines(2)
        if MASTER_CHECK in self.book.names:
            self._failures(sheet, page)

    def _failures(self, sheet: Sheet, page: Any) -> None:
        """Checks that fail are red."""
        red = self.file.add_format({"font_color": RED, "bold": True})
        for row, column in [at for at, (_, look) in sheet.cells.items() if look.kind == "flag"]:
            page.conditional_format(
                row, column, row, column, {"type": "cell", "criteria": "!=", "value": 0, "format": red}
            )

    def _top(self, sheet: Sheet, page: Any, free: bool) -> None:
        title = self.book.plan.case.case.title or self.book.plan.case.case.name
        page.write_string(TITLE, LABEL, f"{sheet.name.replace('_', ' and ')}", self.look(Look("title")))
        page.write_string(
            SUBTITLE, LABEL, f"{safe(title)[:LONGEST_TITLE]}. {sheet.purpose}", self.look(Look("subtitle"))
        )
        if free:
            return
        heads = {LABEL: "", UNIT: "unit", SIGN: "±", TOTAL: "total", OPENING: "before"}
        for column, head in heads.items():
            left = column in (LABEL, UNIT, SIGN)
            page.write_string(PERIODS, column, head, self.look(Look("head left" if left else "head")))
            page.write_string(COUNTED, column, "period" if column == LABEL else "", self.look(Look("head number")))
        for t, label in enumerate(self.book.labels):
            where = (FIRST + t,)
            if sheet.name != inputs.NAME:
                self._linked(page, PERIODS, where[0], label, "head", sheet.name)
                self._linked(page, COUNTED, where[0], float(t + 1), "head number", sheet.name)

    def _linked(self, page: Any, row: int, column: int, value: float | str, kind: str, sheet: str) -> None:
        """A head that is that of the sheet Inputs."""
        source = cell(inputs.NAME, row, column, value)
        page.write_formula(row, column, f"={source.seen_from(sheet)}", self.look(Look(kind)), value)

    def _write(self, page: Any, at: tuple[int, int], content: Content, look: Look, sheet: str) -> None:
        row, column = at
        if isinstance(content, Term):
            page.write_formula(row, column, f"={content.seen_from(sheet)}", self.look(look), content.value)
        elif isinstance(content, str):
            page.write_string(row, column, content[:MOST_LETTERS], self.look(look))
        else:
            page.write_number(row, column, float(content), self.look(look))


def written(book: Book, standing: Sequence[str], made: datetime) -> bytes:
    """The file of a workbook, its sheets in the order `standing`."""
    writer = Writer(book, made)
    writer.sheets(standing)
    writer.names()
    for chart in book.charts:
        draw(writer.file, writer.pages[chart.sheet], chart)
    writer.file.close()
    return writer.buffer.getvalue()


def _heights(sheet: Sheet) -> dict[int, int]:
    """Lines of each row in which a text needs more than one."""
    found: dict[int, int] = {}
    for (row, _), (content, look) in sheet.cells.items():
        if isinstance(content, str) and (many := lines(look, content)) > 1:
            found[row] = max(many, found.get(row, 1))
    return found


def _largest(book: Book) -> float:
    """The largest amount of money in a period."""
    found = [
        abs(content.number if isinstance(content, Term) else float(content))
        for sheet in book.sheets.values()
        for content, look in sheet.cells.values()
        if look.kind == "money" and not isinstance(content, str)
    ]
    return max(found, default=1.0)
