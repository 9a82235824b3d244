"""Why there is no plan: the section of the summary where a case has none, or none was found in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ..text import figure, safe
from .layout import grid, heading, note
from .section import Section, View
from .views import has_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Why there is no plan"
FAULTS = 12


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    """Why there is no plan."""
    reason = plan.infeasibility
    yield from heading(TITLE)
    if reason is None:
        yield note("the search was stopped before it found a plan that meets every limit; give it more time", "")
        return
    yield note(reason.reason, "")
    if reason.least:
        yield Text("")
        rows = [(safe(name), figure(limit), figure(least), unit) for name, limit, least, unit in reason.least]
        yield grid(("risk limit", "asked", "least possible", ""), "lrrl", rows)
    if reason.faults:
        yield Text("")
        faults = [(figure(f.amount, 3), f.unit, f"{f.title}: {f.index}" if f.index else f.title) for f in reason.faults]
        more = len(faults) - FAULTS
        these = f"all {len(faults)} of these limits" if more > 0 else "these limits"
        if reason.proven:
            risks = "; risk limits come on top" if plan.case.risk else ""
            yield note(f"all rules can be met if {these} give way together, by so much{risks}:", "")
        else:
            yield note(f"{these} are the cheapest that would have to give way together:", "")
        yield grid(("by", "", "limit"), "rll", faults[:FAULTS], flexible=2)
        if more > 0:
            yield note(f"and {more} more, which plan.json lists", "")


SECTION = Section("no_plan", TITLE, (), _render, lambda plan: not has_plan(plan))
