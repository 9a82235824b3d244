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

    from ...optimizer.plan import Infeasibility, LimitInConflict, Plan

TITLE = "Why there is no plan"
SHOWN = 12
NEVER, UNKNOWN = "–", "?"


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    """Why there is no plan."""
    reason = plan.infeasibility
    yield from heading(TITLE)
    if reason is None:
        yield note("the search was stopped before it found a plan that meets every limit; give it more time", "")
        return
    yield note(reason.reason, "")
    if reason.conflicts:
        yield from _conflicts(reason)
        return
    if reason.minimum_risk:
        yield Text("")
        rows = [(safe(name), figure(limit), figure(low), unit) for name, limit, low, unit in reason.minimum_risk]
        yield grid(("risk limit", "asked", "minimum", ""), "lrrl", rows)
    if reason.relaxations:
        yield Text("")
        relaxed = [
            (figure(r.amount, 3), r.unit, f"{r.title}: {r.index}" if r.index else r.title) for r in reason.relaxations
        ]
        more = len(relaxed) - SHOWN
        these = f"all {len(relaxed)} of these limits" if more > 0 else "these limits"
        if reason.proven:
            risks = "; risk limits come on top" if plan.case.risk else ""
            yield note(f"all limits can be met if {these} are relaxed together, by so much{risks}:", "")
        else:
            yield note(f"{these} are the cheapest that must be relaxed together:", "")
        yield grid(("by", "", "limit"), "rll", relaxed[:SHOWN], flexible=2)
        if more > 0:
            yield note(f"and {more} more, which plan.json lists", "")


def _conflicts(reason: Infeasibility) -> Iterator[RenderableType]:
    """Each limit with its amount as asked, and those with which there is a plan."""
    from ...optimizer.questions.words import shown

    yield Text("")
    every = [limit for conflict in reason.conflicts for limit in conflict.limits]
    rows = [
        (
            safe(limit.key),
            shown(limit.asked, limit.unit),
            _alone(limit),
            *([] if len(every) == 1 else [NEVER if limit.together is None else shown(limit.together, limit.unit)]),
        )
        for limit in every
    ]
    both = () if len(every) == 1 else ("all at once",)
    yield note("with these amounts there is a plan; each is rounded to where it is easier to keep:", "")
    yield grid(("limit", "asked", "it alone", *both), "l" + "r" * (2 + len(both)), rows)
    if any(limit.alone is None and limit.asked_alone for limit in every):
        yield note(f"{NEVER}: by whatever amount it is relaxed, that alone is not enough", "")


def _alone(limit: LimitInConflict) -> str:
    from ...optimizer.questions.words import shown

    if limit.alone is not None:
        return shown(limit.alone, limit.unit)
    return NEVER if limit.asked_alone else UNKNOWN


SECTION = Section("no_plan", TITLE, (), _render, lambda plan: not has_plan(plan))
