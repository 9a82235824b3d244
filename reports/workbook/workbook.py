"""A plan as a workbook, report.xlsx: live formulas that carry their results."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from ...optimizer.plan import Plan
from ..summary.views import has_plan
from . import cover
from .book import Book
from .registry import MADE, MADE_WITHOUT_PLAN, STANDING


def write_workbook(plan: Plan, path: str | os.PathLike[str], made: datetime | None = None) -> None:
    """Write a plan as an Excel workbook with live formulas, whose results are written too.

    The amounts of the plan stand on its sheet Plan, the case on Inputs; all else is computed from them by formulas. The
    master check on the cover is 0 where the workbook agrees with itself and with plan.json. A plan without solution
    has its inputs, and why there is none.

    Args:
        plan: as `optimize` returns it, or `load_plan` reads it.
        path: of the file; one that is there is replaced.
        made: the date that the file bears; now where left out.

    Raises:
        UnknownName: a table of the plan is not what it should be.
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(workbook_bytes(plan, made))


def workbook_bytes(plan: Plan, made: datetime | None = None) -> bytes:
    """The workbook as `write_workbook` writes it. UnknownName."""
    from .writing import written  # XlsxWriter is imported with it

    return written(workbook(plan), STANDING, made or datetime.now(UTC))


def workbook(plan: Plan) -> Book:
    """The workbook before it is written. UnknownName."""
    book = Book(plan)
    for _, build in MADE if has_plan(plan) else MADE_WITHOUT_PLAN:
        build(book)
    standing = [(s.name, s.purpose) for name in STANDING if (s := book.sheets.get(name)) is not None]
    cover.build(book, standing)
    return book
