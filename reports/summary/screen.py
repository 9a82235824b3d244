"""From parts of a report to plain text, and from there to standard output; the same for a plan and a comparison."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..glyphs import ASCII, Glyphs, glyphs, to_ascii
from ..streams import display

if TYPE_CHECKING:
    from rich.console import RenderableType

NARROWEST, WIDEST = 80, 120


def within(width: int) -> int:
    """Columns of a report on a terminal of `width`: 80 to 120."""
    return max(NARROWEST, min(WIDEST, width))


def as_text(parts: Iterable[RenderableType], width: int, colour: bool, g: Glyphs) -> str:
    """The parts as text of `width` columns; no text in them is read as markup."""
    from rich.console import Console

    buffer = io.StringIO()
    console = Console(
        force_jupyter=False,  # else a notebook shows every line, and nothing is left to return
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
    for part in parts:
        console.print(part)
    text = "\n".join(row.rstrip() for row in buffer.getvalue().splitlines()) + "\n"
    return to_ascii(text) if g is ASCII else text


def show(draw: Callable[[bool, Glyphs], str]) -> None:
    """Write what `draw` gives to standard output: in colour on a terminal that wants it, in glyphs it can show."""
    stream = sys.stdout
    terminal = stream is not None and stream.isatty()
    colour = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    display(draw(colour, glyphs(getattr(stream, "encoding", None))))
