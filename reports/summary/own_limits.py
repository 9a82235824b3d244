"""The part of the summary on limits that the user added in code: where the plan stands and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import figure, safe
from .layout import grid, heading
from .views import amount, records

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TABLE = "own_limits"


def own_limits(plan: Plan) -> Iterator[RenderableType]:
    """A line per limit; nothing where none was added."""
    if TABLE not in plan.tables:
        return
    yield from heading("Your own limits", f"worth in {plan.objective_unit} per unit more of the bound")
    rows = []
    for row in records(plan, TABLE):
        name = safe(str(row["limit"])) + (f", {row['period']}" if row["period"] else "")
        price = amount(row["price"])
        binds = row["binds"] == "yes"
        worth = f"{'+' if price > 0.0 else ''}{figure(price)}" if binds else "does not bind"
        bound = f"{row['sign']} {figure(amount(row['bound']))}"
        rows.append((name, bound, figure(amount(row["plan"])), worth, safe(str(row["unit"]))))
    yield grid(("limit", "bound", "plan", "worth", ""), "lrrrl", rows, flexible=0)
