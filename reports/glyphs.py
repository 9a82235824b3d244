"""Pictures made of characters: bars, rows of small columns, ranges on a scale; with plain ASCII where needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Glyphs:
    """Characters that the pictures are made of."""

    eighths: str  # a bar's last cell, from nothing to full
    columns: str  # heights of a small column; the first stands for nothing
    outer: str  # between the 5 % and 95 % quantiles
    inner: str  # between the quartiles
    median: str
    floor: str
    rule: str


UNICODE = Glyphs(" ▏▎▍▌▋▊▉█", "·▁▂▃▄▅▆▇█", "╌", "━", "◆", "│", "─")
ASCII = Glyphs(" #", ".123456789", "-", "=", "o", "|", "-")
_PLAIN = str.maketrans({"·": ".", "–": "-", "…": "~", "−": "-", "×": "x", "≤": "<=", "≥": ">=", "±": "+-", "█": "#"})


def glyphs(encoding: str | None) -> Glyphs:
    """The set that an output with this encoding can show."""
    return UNICODE if (encoding or "").lower().replace("-", "").replace("_", "").startswith("utf") else ASCII


def to_ascii(text: str) -> str:
    """The text for an output that knows ASCII only."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")


def bar(share: float, width: int, g: Glyphs) -> str:
    """A bar of `share` (0 … 1) of `width` cells, to an eighth of a cell."""
    if not math.isfinite(share):
        return ""
    steps = len(g.eighths) - 1
    total = round(max(0.0, min(1.0, share)) * width * steps)
    if share > 0.0:
        total = max(total, 1)
    whole, part = divmod(total, steps)
    return g.eighths[-1] * whole + (g.eighths[part] if part else "")


def columns(values: Sequence[float], g: Glyphs) -> str:
    """One small column per value, the largest full height; less than a fiftieth of it counts as nothing."""
    top = max((v for v in values if math.isfinite(v)), default=0.0)
    if top <= 0.0:
        return g.columns[0] * len(values)
    steps = len(g.columns) - 1
    return "".join(
        g.columns[max(1, round(v / top * steps))] if math.isfinite(v) and v >= 0.02 * top else g.columns[0]
        for v in values
    )


@dataclass(frozen=True)
class Scale:
    """A straight scale of `width` cells from `low` to `high`."""

    low: float
    high: float
    width: int

    def cell(self, value: float) -> int:
        span = self.high - self.low
        place = 0.5 if span <= 0.0 else (value - self.low) / span
        return max(0, min(self.width - 1, round(place * (self.width - 1))))


def spread(quantiles: Sequence[float], floor: float | None, scale: Scale, g: Glyphs) -> str:
    """Five quantiles (5, 25, 50, 75, 95 %) as a range on the scale, with a mark at `floor` where it is free."""
    q05, q25, q50, q75, q95 = (scale.cell(q) for q in quantiles)
    cells = [" "] * scale.width
    for first, last, sign in ((q05, q95, g.outer), (q25, q75, g.inner)):
        for i in range(first, last + 1):
            cells[i] = sign
    if floor is not None and math.isfinite(floor):
        cells[scale.cell(floor)] = g.floor
    cells[q50] = g.median
    return "".join(cells)


def year_ticks(labels: Sequence[str], cell: int = 1) -> str:
    """A heading over columns of `cell` characters: each year where it begins, in two digits where room is short."""
    years = [label[:4] for label in labels]
    parts = []
    for year in dict.fromkeys(years):
        room = years.count(year) * cell
        parts.append((year if room > 4 else year[2:] if room > 2 else "").ljust(room))
    return "".join(parts)
