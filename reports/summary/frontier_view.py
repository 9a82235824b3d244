"""The frontier in the terminal: a row per amount of the limit, with a bar, and what changes along the way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..glyphs import UNICODE, Glyphs, bar
from ..text import figure, gap, level, money, plural, safe, seconds
from .layout import grid, heading, note
from .screen import as_text, within

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from ...optimizer.frontiers.frontier import Frontier
    from ...optimizer.frontiers.points import FrontierPoint

BAR = 18
DIGITS = 7
INSTRUMENTS = 6  # shown beside each other


def render_frontier(
    found: Frontier, width: int, folder: Path | None = None, colour: bool = False, g: Glyphs = UNICODE
) -> str:
    """The frontier as text of 80 to 120 columns."""
    return as_text(_parts(found, folder, within(width), g), within(width), colour, g)


def _parts(found: Frontier, folder: Path | None, width: int, g: Glyphs) -> Iterator[RenderableType]:
    title = found.case.case.title or found.case.case.name
    yield from heading(title, f"{plural(found.scenarios.count, 'scenario')}, seed {found.scenarios.seed}")
    yield note(
        f"{found.objective_name}, {found.objective_unit}, where CVaR {level(found.level)} of {found.limit} is at most "
        f"the limit, {found.unit}; the case asks for {figure(found.asked)}"
    )
    planned = [p for p in found.points if p.planned]
    if planned:
        heads = ["limit", found.objective_name.split()[-1], "", "of the last", "proven within", "price", "raised, bn"]
        yield grid(heads, "rrlrrrr", list(_rows(planned, g)))
        yield note(f"price: {found.objective_unit} per {found.unit} more of the limit")
    for why, limits in _reasons(found).items():
        yield note(f"{limits}: {why}", style="bold")
    yield from _ends(found)
    shown = list(_money(planned, width))
    if shown:
        yield from heading("capital raised", "face in billions, by instrument, at each amount of the limit")
        yield grid(shown[0], "r" * len(shown[0]), shown[1:])
    yield note(
        f"{plural(len(found.points), 'point')} on one pool of scenarios and cuts: "
        f"{found.passes.full} full passes, {plural(found.passes.solves, 'linear program')}, "
        f"{seconds(found.timings.total_s)} in all"
    )
    for message in found.messages:
        yield note(message)
    if folder is not None:
        yield note(f"written to {safe(folder)}")


def _rows(planned: list[FrontierPoint], g: Glyphs) -> Iterator[list[str]]:
    values = [p.objective for p in planned]
    low, high, last = min(values), max(values), values[-1]
    for p in planned:
        share = (p.objective - low) / (high - low) if high > low else 1.0
        yield [
            figure(p.limit),
            figure(p.objective, DIGITS),
            bar(share, BAR, g),
            f"{p.objective / last:.4f}" if last > 0.0 else "–",
            gap(p.gap) + ("" if p.status.value == "certified" else " !"),
            figure(p.price),
            money(p.raised),
        ]


def _reasons(found: Frontier) -> dict[str, str]:
    """What there is to say about points, and the amounts of the limit at which it holds."""
    reasons: dict[str, list[str]] = {}
    for p in found.points:
        if not p.planned or p.why:
            words = p.why or p.status.value
            if p.status.value == "infeasible" and found.minimum is not None and math.isfinite(found.minimum):
                words = f"no plan; the minimum is {figure(found.minimum, 5)} {found.unit}"
            reasons.setdefault(words, []).append(figure(p.limit))
    return {words: f"at {', '.join(limits)}" for words, limits in reasons.items()}


def _ends(found: Frontier) -> Iterator[RenderableType]:
    if found.minimum is not None:
        yield note(f"minimum, with every other limit kept: {figure(found.minimum, 5)} {found.unit}")
    if found.free_from is not None:
        yield note(f"costs nothing from {figure(found.free_from, 5)} {found.unit}")


def _money(planned: list[FrontierPoint], width: int) -> Iterator[list[str]]:
    """Heads, then a row per point: the instruments that raise most somewhere, and all others together."""
    largest: dict[str, float] = {}
    for p in planned:
        for name, face in p.funding.items():
            largest[name] = max(largest.get(name, 0.0), face)
    names = sorted((n for n in largest if largest[n] > 5e-3), key=lambda n: -largest[n])
    if not names:
        return
    room, kept = width - 20, []
    for name in names[:INSTRUMENTS]:
        room -= max(8, len(name)) + 2
        if room < 0:
            break
        kept.append(name)
    rest = [n for n in names if n not in kept]
    yield ["limit", *kept, *(["others"] if rest else [])]
    for p in planned:
        cells = [money(p.funding.get(name, 0.0)) for name in kept]
        yield [figure(p.limit), *cells, *([money(sum(p.funding.get(n, 0.0) for n in rest))] if rest else [])]
