"""The sheet Why: where there is no plan, what stands in its way."""

from __future__ import annotations

from ..text import safe
from .book import Book
from .plan_values import finite

NAME = "Why"
PURPOSE = "Why there is no plan"
STOPPED = "the search was stopped before it found a plan that meets every limit; give it more time"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet, reason = book.sheet(NAME, PURPOSE), book.plan.infeasibility
    sheet.heading("Why there is no plan")
    if reason is None:
        sheet.note(STOPPED)
        return
    sheet.note(safe(reason.reason))
    for name, limit, least, unit in reason.minimum_risk:
        sheet.heading(f"Risk limit {safe(name)}")
        asked = sheet.constant("asked", book.unit(unit), finite(limit), "number")
        found = sheet.constant("minimum", book.unit(unit), finite(least), "number")
        if asked.total is not None and found.total is not None:
            sheet.constant("more than asked", book.unit(unit), found.total - asked.total, "number")
    if reason.relaxations:
        together = "all limits can be met if these are relaxed together, by so much" if reason.proven else (
            "these are the cheapest that must be relaxed together")  # fmt: skip
        sheet.heading(together)
    for fault in reason.relaxations:
        label = safe(f"{fault.title}: {fault.index}" if fault.index else fault.title)
        sheet.constant(label, book.unit(fault.unit), finite(fault.amount), "number")
