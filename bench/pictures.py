"""Small pictures of a run, as SVG written by hand: time against scenarios, gap against time, passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 76, 236, 56, 60
# told apart by most readers, in print too: Wong 2011, https://doi.org/10.1038/nmeth.1618; then two greys
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#555555", "#999999")


@dataclass(frozen=True)
class Point:
    """x, y: positive. kind: right (filled), off (hollow: answered, outside the tolerance), unfinished (a triangle)."""

    x: float
    y: float
    kind: str = "right"


@dataclass(frozen=True)
class Series:
    """One line, or with `joined` false single points, and its name."""

    name: str
    points: tuple[Point, ...]
    joined: bool = True


@dataclass(frozen=True)
class Axis:
    """Label and unit; both ends of a logarithmic scale, in data."""

    label: str
    low: float
    high: float

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        span = math.log(self.high / self.low)
        return math.log(min(max(value, self.low), self.high) / self.low) / span

    def ticks(self) -> list[float]:
        """Powers of ten within, and between them 2 and 5 where there are fewer than three."""
        powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
        found = [10.0**p for p in powers]
        if len(found) < 3:
            more = {m * 10.0**p for p in range(powers.start - 1, powers.stop + 1) for m in (1, 2, 5)}
            found = sorted(v for v in more if self.low * 0.999 <= v <= self.high * 1.001)
        return found


def axis(label: str, values: Sequence[float]) -> Axis:
    """From the values' own range, ends on powers of ten where that wastes less than half a decade, else near them."""
    low, high = min(values), max(values)
    down = 10.0 ** math.floor(math.log10(low) + 1e-9)
    up = 10.0 ** math.ceil(math.log10(high) - 1e-9)
    low = down if low / down < 3.2 else low / 1.5
    high = up if up / high < 3.2 else high * 1.5
    return Axis(label, low, high if high > low * 1.01 else low * 10.0)


def chart(title: str, note: str, x: Axis, y: Axis, series: Sequence[Series], line: float | None = None) -> str:
    """One picture. `line`: a horizontal line at this y, e.g. the tolerance. Names stand at the lines' right ends."""
    inner, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222222">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(16, 24, title, size=15, weight="bold"),
        _text(16, 42, note, fill="#555555"),
    ]

    def px(value: float) -> float:
        return LEFT + inner * x.at(value)

    def py(value: float) -> float:
        return TOP + tall * (1.0 - y.at(value))

    for tick in x.ticks():
        parts.append(_line(px(tick), TOP, px(tick), TOP + tall, "#e4e4e4"))
        parts.append(_text(px(tick), TOP + tall + 18, number(tick), anchor="middle"))
    for tick in y.ticks():
        parts.append(_line(LEFT, py(tick), LEFT + inner, py(tick), "#e4e4e4"))
        parts.append(_text(LEFT - 8, py(tick) + 4, number(tick), anchor="end"))
    parts.append(_text(LEFT + inner / 2, HEIGHT - 20, x.label, anchor="middle", fill="#555555"))
    middle = TOP + tall / 2
    parts.append(
        f'<text x="18" y="{middle:.1f}" transform="rotate(-90 18 {middle:.1f})" text-anchor="middle" '
        f'fill="#555555">{escape(y.label)}</text>'
    )
    if line is not None:
        parts.append(_line(LEFT, py(line), LEFT + inner, py(line), "#222222", dash="5 4"))
    ends = []
    for i, one in enumerate(series):
        # the first colour is the first line's alone
        colour = COLOURS[i if i < len(COLOURS) else 1 + (i - len(COLOURS)) % (len(COLOURS) - 1)]
        dash = "" if i < len(COLOURS) else "6 3"
        where = [(px(p.x), py(p.y), p.kind) for p in one.points]
        if one.joined and len(where) > 1:
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b, _ in where)
            style = f' stroke-dasharray="{dash}"' if dash else ""
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>')
        parts += [_mark(a, b, kind, colour) for a, b, kind in where]
        ends.append((where[-1][1], where[-1][0], one.name, colour))
    parts += _names(ends, LEFT + inner + 14, TOP, TOP + tall)
    return "\n".join([*parts, "</svg>"]) + "\n"


def number(value: float) -> str:
    """A tick: 0.01, 5, 200, 10⁵."""
    if 0.01 <= value < 10_000:
        return f"{value:g}"
    power = math.floor(math.log10(value) + 1e-9)
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = round(value / 10.0**power)
    return f"10{digits}" if lead == 1 else f"{lead}·10{digits}"


def _names(ends: list[tuple[float, float, str, str]], left: float, top: float, bottom: float) -> list[str]:
    """Names beside the lines' ends, pushed apart to 16 pixels, with a thin line to their end."""
    ends = sorted(ends)
    places = [y for y, *_ in ends]
    step = min(16.0, (bottom - top) / max(1, len(ends) - 1))
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + step)
    over = places[-1] - bottom if places else 0.0
    if over > 0.0:
        places[-1] -= over
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - step)
    parts = []
    for place, (y, x, name, colour) in zip(places, ends, strict=True):
        parts.append(_line(x + 7, y, left - 3, place, colour, width=0.7))
        parts.append(_text(left, place + 4, name, fill=colour))
    return parts


def _mark(x: float, y: float, kind: str, colour: str) -> str:
    if kind == "unfinished":
        return f'<path d="M{x:.1f} {y - 6:.1f} l6 10 h-12 z" fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
    fill = colour if kind == "right" else "#ffffff"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0, dash: str = "") -> str:
    style = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{style}/>'
    )


def _text(
    x: float, y: float, words: str, size: int = 12, anchor: str = "start", fill: str = "#222222", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )
