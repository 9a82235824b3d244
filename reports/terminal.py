"""The summary of a plan in the terminal: 80 to 120 columns, readable without colour, safe whatever the names hold.

`render` gives plain text; `print_summary` writes to standard output, in colour where that is a terminal. No text of the
plan is ever read as markup: everything goes through `safe` into `rich.text.Text`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .charts import ASCII, UNICODE, Glyphs, glyphs, to_ascii
from .losses import circular_money, who_bears
from .outcome import infeasible, path, proof, risk_and_prices
from .sections import chain, funding, headline, purchases
from .views import has_plan

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from ..optimizer.plan import Plan

NARROWEST, WIDEST = 80, 120


def render(plan: Plan, width: int, folder: Path | None = None, colour: bool = False, g: Glyphs = UNICODE) -> str:
    """The summary as text of at most `width` columns, brought into 80 … 120."""
    from rich.console import Console

    width = max(NARROWEST, min(WIDEST, width))
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for part in _parts(plan, width, folder, g):
        console.print(part)
    text = "\n".join(row.rstrip() for row in buffer.getvalue().splitlines()) + "\n"
    return to_ascii(text) if g is ASCII else text


def print_summary(plan: Plan, width: int, folder: Path | None) -> None:
    """Write the summary to standard output."""
    stream = sys.stdout
    colour = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    stream.write(render(plan, width, folder, colour, glyphs(stream.encoding)))
    stream.flush()


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
