"""The sheet Checks: every check of every sheet, and their sum, the master check: 0 where all of them hold."""

from __future__ import annotations

from .book import MASTER_CHECK, Book
from .grid import Look
from .terms import Cell, total

NAME = "Checks"
PURPOSE = "Each check counts where it fails; the master check is 0 where all hold"


def build(book: Book) -> None:
    """Write the sheet and define the master check."""
    sheet = book.sheet(NAME, PURPOSE)
    wholes: list[Cell] = []
    for other in [s for s in book.sheets.values() if s.checks]:
        sheet.heading(other.name)
        for check in other.checks:
            if check.total is None:
                continue
            if check.cells:
                row = sheet.formulas(
                    check.label.removeprefix("check: "), "failures", "", lambda t, at=check.at: at[t], "flag",  # type: ignore[misc]
                    whole=check.total,
                )  # fmt: skip
            else:
                row = sheet.constant(check.label.removeprefix("check: "), "failures", check.total, "flag")
            wholes.append(row.whole)
    sheet.heading("Master check")
    master = sheet.constant("sum of all checks", "failures", total(wholes), "flag")
    sheet.put(master.number, 0, "sum of all checks", Look("label", strong=True))
    book.names[MASTER_CHECK] = (master.whole, master.whole)
