"""The summary of a plan in the terminal: 80 to 120 columns, readable without colour, safe whatever the names hold.

No text of the plan is ever read as markup: everything goes through `safe` into `rich.text.Text`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..glyphs import UNICODE, Glyphs
from .registry import SECTIONS
from .screen import as_text, within
from .section import View, drawn

if TYPE_CHECKING:
    from pathlib import Path

    from ...optimizer.plan import Plan


def render(plan: Plan, width: int, folder: Path | None = None, colour: bool = False, g: Glyphs = UNICODE) -> str:
    """The summary as text of at most `width` columns, brought into 80 … 120.

    UnknownName or ValueError where the plan's tables do not hold what is shown: a figure is never made up.
    """
    width = within(width)
    return as_text(drawn(SECTIONS, plan, View(width, folder, g)), width, colour, g)
