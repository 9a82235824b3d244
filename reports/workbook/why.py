"""The sheet Why: where there is no plan, what stands in its way."""

from __future__ import annotations

from ..text import safe
from .book import Book
from .plan_values import finite

NAME = "Why"
PURPOSE = "Why there is no plan"
STOPPED = "the search was stopped before it found a plan that meets every limit; give it more time"

PROVEN = "All limits can be met if these are relaxed together, by so much; risk limits come on top"
CHEAPEST = "These limits are the cheapest that must be relaxed together"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet, reason = book.sheet(NAME, PURPOSE), book.plan.infeasibility
    sheet.heading("Why there is no plan")
    if reason is None:
        sheet.note(STOPPED)
        return
    sheet.note(safe(reason.reason))
    for name, limit, low, unit in reason.minimum_risk:
        sheet.heading(f"Risk limit {safe(name)}")
        asked = sheet.constant("asked", book.unit(unit), finite(limit), "number")
        found = sheet.constant("minimum of any plan", book.unit(unit), finite(low), "number")
        if asked.total is not None and found.total is not None:
            sheet.constant("more than asked", book.unit(unit), found.total - asked.total, "number")
    if reason.relaxations:
        sheet.heading(PROVEN if reason.proven else CHEAPEST)
    for one in reason.relaxations:
        label = safe(f"{one.title}: {one.index}" if one.index else one.title)
        sheet.constant(label, book.unit(one.unit), finite(one.amount), "number")
