"""The summary of a plan in the terminal: 80 to 120 columns, readable without colour, safe whatever the names hold.

No text of the plan is ever read as markup: everything goes through `safe` into `rich.text.Text`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..glyphs import UNICODE, Glyphs
from ..scale import scale_for
from .registry import FULL, SHORT
from .screen import as_text, within
from .section import View, drawn
from .views import has_plan

if TYPE_CHECKING:
    from pathlib import Path

    from ...optimizer.plan import Plan


def render(
    plan: Plan,
    width: int,
    folder: Path | None = None,
    colour: bool = False,
    g: Glyphs = UNICODE,
    full: bool = False,
) -> str:
    """The summary as text of at most `width` columns, brought into 80 … 120: one screen, or with `full` every section.

    UnknownName or ValueError where the plan's tables do not hold what is shown: a figure is never made up.
    """
    width = within(width)
    sizes = (plan.funding.total, plan.case.cash.opening) if has_plan(plan) else (plan.case.cash.opening,)
    view = View(width, folder, g, scale_for(sizes))
    return as_text(drawn(FULL if full else SHORT, plan, view), width, colour, g)
