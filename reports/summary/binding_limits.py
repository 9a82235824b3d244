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

    from ...optimizer.plan import Plan, ShadowPrice

TITLE = "What binds"
PRICES = 10


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    yield from heading(TITLE, f"{plan.objective_unit} that more of a limit is worth")
    if not plan.prices:
        yield note("no limit binds")
        return
    rows = []
    for price in plan.prices[:PRICES]:
        worth, step, what = told(price, view)
        rows.append((worth, f"{step} more", f"{what}; now {view.money.figure(price.level, price.unit)}"))
    yield grid(("worth", "for", "of"), "rll", rows, flexible=2)


def told(price: ShadowPrice, view: View) -> tuple[str, str, str]:
    """What more of a limit is worth, in the objective's unit, the step it is quoted for, and which limit it is."""
    where = f": {price.index}" if price.index else ""
    step = f"{price.per * (view.money.factor if view.money.scales(price.unit) else 1.0):,g}"
    return (
        f"{'+' if price.price > 0 else ''}{figure(price.price)}",
        f"{step} {short_unit(view.money.named(price.unit))}",
        f"{price.title}{where}",
    )


SECTION = Section("binding_limits", TITLE, (), _render)
