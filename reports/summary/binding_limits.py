"""What binds, in the summary: the limits that more of is worth most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import figure
from .layout import grid, heading, note
from .section import Section, View
from .views import short_unit

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "What binds"
PRICES = 10


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    yield from heading(TITLE, f"{plan.objective_unit} that more of a limit is worth")
    if not plan.prices:
        yield note("no limit binds")
        return
    rows = []
    for price in plan.prices[:PRICES]:
        where = f": {price.index}" if price.index else ""
        what = f"{price.title}{where}; now {figure(price.level)}"
        rows.append(
            (
                f"{'+' if price.price > 0 else ''}{figure(price.price)}",
                f"{price.per:g} {short_unit(price.unit)} more",
                what,
            )
        )
    yield grid(("worth", "for", "of"), "rll", rows, flexible=2)


SECTION = Section("binding_limits", TITLE, (), _render)
