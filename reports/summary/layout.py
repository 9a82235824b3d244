"""Building blocks of the summary: headings, aligned grids, and schedules cut into blocks that fit the width."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from ..text import fixed, safe

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


def sums(labels: Sequence[str], rows: Sequence[Row], width: int) -> Iterator[RenderableType]:
    """A matrix of amounts that adds up, cut into blocks that fit: the same decimals everywhere, small items in a row
    of their own, and a row of totals.
    """
    amounts = [(name, values, total) for name, values, total in rows if values is not None and total is not None]
    largest = max((abs(v) for _, values, _ in amounts for v in values), default=0.0)
    decimals = next((d for d, most in ((2, 9.99), (1, 99.9)) if largest < most), 0)
    seen = [row for row in amounts if any(abs(v) >= 0.5 * 10.0**-decimals for v in row[1])]
    few = [row for row in amounts if row not in seen]
    if few:
        count = f"{len(few)} other{'s' if len(few) > 1 else ''}"
        seen.append((count, _added([row[1] for row in few]), sum(row[2] for row in few)))
    if not seen:
        return
    whole = ("total", _added([row[1] for row in seen]), sum(row[2] for row in seen))
    yield from _blocks(labels, [*seen, whole], width, lambda value: fixed(value, decimals))
    columns = [*zip(*(row[1] for row in seen), strict=True), [row[2] for row in seen]]
    if any(round(math.fsum(column), decimals) != _as_written(column, decimals) for column in columns):
        yield note("each figure is rounded by itself: a sum may differ from its parts in the last digit")


def _as_written(values: Sequence[float], decimals: int) -> float:
    """The sum of rounded figures."""
    return round(math.fsum(round(value, decimals) for value in values), decimals)


def _added(rows: Sequence[Sequence[float]]) -> list[float]:
    return [math.fsum(column) for column in zip(*rows, strict=True)]


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
    yield from _blocks(labels, rows, width, lambda value: short(value, decimals))
    if hidden:
        yield note(f"and {hidden} with less than {0.5 * 10.0**-decimals:g} in every period")


def _blocks(
    labels: Sequence[str], rows: Sequence[Row], width: int, shown: Callable[[float], str]
) -> Iterator[RenderableType]:
    room = width - INDENT - TOTAL
    blocks = -(-len(labels) // max(1, (room - LABEL) // CELL))
    per_block = -(-len(labels) // blocks)
    longest = max(len(safe(name)) for name, _, _ in rows) + 1
    name_width = max(min(longest, LABEL_MOST, room - per_block * CELL), 8)
    cell = max(CELL, min(CELL_MOST, (room - name_width) // per_block))
    names = distinct([safe(name) for name, _, _ in rows], name_width - 1)
    for first in range(0, len(labels), per_block):
        part = slice(first, min(first + per_block, len(labels)))
        last = part.stop == len(labels)
        head = " " * name_width + "".join(_short_label(label).rjust(cell) for label in labels[part])
        yield note(head + ("total".rjust(TOTAL) if last else ""))
        for name, (_, values, total) in zip(names, rows, strict=True):
            line = Text(set_cell_size(name, name_width), style="" if values is not None else QUIET)
            for value in () if values is None else values[part]:
                text_ = shown(value).rjust(cell)
                line.append(text_, style=QUIET if text_.strip() == NOUGHT else "")
            if last and total is not None:
                line.append(shown(total).rjust(TOTAL), style=HEADING)
            yield Padding(line, (0, 0, 0, INDENT))


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


def distinct(names: Sequence[str], width: int) -> list[str]:
    """Each name in at most `width` cells. Where cut ends would make two the same, what they share is cut instead."""
    cut = [_cut(name, width) for name in names]
    for i, name in enumerate(names):
        rivals = {other for other in names if other != name and _cut(other, width) == _cut(name, width)}
        if rivals:
            shared = min(_alike(name, other) for other in rivals)
            cut[i] = _joined(name, shared, width)
    taken: dict[str, str] = {}
    for i, name in enumerate(names):
        number = 2
        while taken.setdefault(cut[i], name) != name:  # as good as the same
            cut[i], number = set_cell_size(_cut(name, width - 3), width - 2).rstrip() + f" {number}", number + 1
    return cut


def _alike(one: str, other: str) -> int:
    """Characters that both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _cut(name: str, width: int) -> str:
    return name if cell_len(name) <= width else set_cell_size(name, width - 1).rstrip() + "…"


def _joined(name: str, shared: int, width: int) -> str:
    """A long name whose first `shared` characters other names have too: its head and its tail."""
    tail = name[shared:]
    room = width - 1 - cell_len(tail)
    if room < width // 3:
        tail = _cut(tail, width - 1 - width // 3)
        room = width - 1 - cell_len(tail)
    return set_cell_size(name, room).rstrip() + "…" + tail
