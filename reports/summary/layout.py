"""Building blocks of the summary: headings, aligned grids, and schedules cut into blocks that fit the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from ..text import safe

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType

HEADING = "bold"
QUIET = "dim"
INDENT = 2
LABEL, LABEL_MOST = 21, 34  # room for names beside a schedule
CELL, CELL_MOST = 5, 6
TOTAL = 7
NOUGHT = "·"


def text(value: object, style: str = "") -> Text:
    return Text(safe(value), style=style)


def heading(words: str, remark: str = "") -> Iterator[RenderableType]:
    yield Text("")
    line = Text(safe(words).upper(), style=HEADING)
    if remark:
        line.append("   " + safe(remark), style=f"not bold {QUIET}")
    yield line


def note(words: str, style: str = QUIET) -> RenderableType:
    return Padding(text(words, style), (0, 0, 0, INDENT))


def grid(
    heads: Sequence[str], align: str, rows: Sequence[Sequence[object]], flexible: int = 0, gap: int = 2
) -> RenderableType:
    """Rows under quiet heads. `align`: one letter per column, l or r; the column `flexible` wraps if it must."""
    justify: dict[str, JustifyMethod] = {"l": "left", "r": "right"}
    table = Grid(box=None, padding=(0, gap, 0, 0), pad_edge=False, show_header=any(heads), header_style=QUIET)
    for i, (head, letter) in enumerate(zip(heads, align, strict=True)):
        table.add_column(
            Text(safe(head)),
            justify=justify[letter],
            no_wrap=i != flexible,
            overflow="ellipsis" if i != flexible else "fold",
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else text(cell) for cell in row))
    return Padding(table, (0, 0, 0, INDENT))


Row = tuple[str, Sequence[float] | None, float | None]


def schedule(labels: Sequence[str], rows: Sequence[Row], width: int, decimals: int = 1) -> Iterator[RenderableType]:
    """A matrix of short numbers, a row per item (name, one number per period, total), cut into blocks that fit.

    A row without numbers is a subheading. `decimals`: shown of numbers below ten.
    """
    seen = [row for row in rows if row[1] is None or any(short(value, decimals) != NOUGHT for value in row[1])]
    hidden = len(rows) - len(seen)
    rows = [
        row for i, row in enumerate(seen) if row[1] is not None or (i + 1 < len(seen) and seen[i + 1][1] is not None)
    ]
    if not rows:
        return
    room = width - INDENT - TOTAL
    blocks = -(-len(labels) // max(1, (room - LABEL) // CELL))
    per_block = -(-len(labels) // blocks)
    longest = max(len(safe(name)) for name, _, _ in rows) + 1
    name_width = max(min(longest, LABEL_MOST, room - per_block * CELL), 8)
    cell = max(CELL, min(CELL_MOST, (room - name_width) // per_block))
    for first in range(0, len(labels), per_block):
        part = slice(first, min(first + per_block, len(labels)))
        last = part.stop == len(labels)
        head = " " * name_width + "".join(_short_label(label).rjust(cell) for label in labels[part])
        yield note(head + ("total".rjust(TOTAL) if last else ""))
        for name, values, total in rows:
            line = Text(_fit(safe(name), name_width), style="" if values is not None else QUIET)
            for value in () if values is None else values[part]:
                text_ = short(value, decimals).rjust(cell)
                line.append(text_, style=QUIET if text_.strip() == NOUGHT else "")
            if last and total is not None:
                line.append(short(total, decimals).rjust(TOTAL), style=HEADING)
            yield Padding(line, (0, 0, 0, INDENT))
    if hidden:
        yield note(f"and {hidden} with less than {0.5 * 10.0**-decimals:g} in every period")


def short(value: float, decimals: int = 1) -> str:
    """A number in at most four characters, five with a sign; `decimals` of them below ten."""
    size = abs(value)
    if size < 0.5 * 10.0**-decimals:
        return NOUGHT
    if size < 9.95:
        return f"{value:.{decimals}f}"
    for limit, factor, digits, sign in ((999.5, 1.0, 0, ""), (9950.0, 1e3, 1, "k"), (999_500.0, 1e3, 0, "k")):
        if size < limit:
            return f"{value / factor:.{digits}f}{sign}"
    return f"{value / 1e6:.{1 if size < 9.95e6 else 0}f}M"


def _short_label(label: str) -> str:
    """27Q1 for 2027Q1 and 27-03 for 2027-03; a year stays as it is."""
    return label[2:] if len(label) > 4 else label


def _fit(name: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return set_cell_size(name, width) if cell_len(name) <= width - 1 else set_cell_size(name, width - 2) + "… "
