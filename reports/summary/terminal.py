"""The summary of a plan in the terminal: 80 to 120 columns, readable without colour, safe whatever the names hold.

No text of the plan is ever read as markup: everything goes through `safe` into `rich.text.Text`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..charts import UNICODE, Glyphs
from .losses import circular_money, who_bears
from .outcome import infeasible, path, proof, risk_and_prices
from .screen import as_text, within
from .sections import chain, funding, headline, purchases
from .views import has_plan

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def render(plan: Plan, width: int, folder: Path | None = None, colour: bool = False, g: Glyphs = UNICODE) -> str:
    """The summary as text of at most `width` columns, brought into 80 … 120."""
    width = within(width)
    return as_text(_parts(plan, width, folder, g), width, colour, g)


def _parts(plan: Plan, width: int, folder: Path | None, g: Glyphs) -> Iterator[RenderableType]:
    yield from headline(plan, width, g)
    if not has_plan(plan):
        yield from infeasible(plan)
    else:
        yield from funding(plan, width, g)
        yield from circular_money(plan, width)
        yield from purchases(plan, width, g)
        yield from chain(plan, width, g)
        yield from path(plan, width, g)
        yield from who_bears(plan, width, g)
        yield from risk_and_prices(plan)
    yield from proof(plan, folder)
