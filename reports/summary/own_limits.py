"""The part of the summary on limits that the user added in code: where the plan stands and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import YES
from ...optimizer.analysis.review_names import NODE
from ...optimizer.analysis.scenario_names import OWN_LIMITS, OwnLimits
from ..text import figure, safe
from .layout import grid, heading
from .section import Section, View
from .views import has_plan, with_own_limits

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Your own limits"


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    """A line per limit."""
    yield from heading(TITLE, f"worth in {plan.objective_unit} per unit more of the bound")
    rows = []
    for row in plan.tables[OWN_LIMITS].records():
        period, price = row.text(OwnLimits.PERIOD), row.number(OwnLimits.PRICE)
        name = safe(row.text(OwnLimits.LIMIT)) + (f", {period}" if period else "")
        if node := row.text(NODE) if NODE in row else "":
            name += f", in {safe(node)}"
        binds = row.text(OwnLimits.BINDS) == YES
        worth = f"{'+' if price > 0.0 else ''}{figure(price)}" if binds else "does not bind"
        bound = f"{row.text(OwnLimits.SENSE)} {figure(row.number(OwnLimits.BOUND))}"
        rows.append((name, bound, figure(row.number(OwnLimits.PLAN)), worth, safe(row.text(OwnLimits.UNIT))))
    yield grid(("limit", "bound", "plan", "worth", ""), "lrrrl", rows, flexible=0)


SECTION = Section("own_limits", TITLE, (OWN_LIMITS,), _render, lambda plan: has_plan(plan) and with_own_limits(plan))
