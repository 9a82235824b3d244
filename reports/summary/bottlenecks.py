"""What holds compute back, in the summary: the bottleneck by site and period, one letter each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import BOTTLENECKS, NO_LINK, Bottlenecks
from .. import glyphs
from ..text import safe, shorten
from .layout import INDENT, LABEL_MOST, heading, note
from .section import Section, View
from .views import found, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Bottlenecks"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The bottleneck by site and period, one letter each."""
    rows = plan.tables[BOTTLENECKS].records()
    if not rows:
        return
    yield from heading(TITLE, "what holds compute back, by site and period")
    labels = plan.case.horizon.labels
    count = Counter(link for row in rows if (link := row.text(Bottlenecks.BOTTLENECK)) not in (NO_LINK, ""))
    ranked = [link for link, _ in count.most_common()]
    letters = _letters(ranked)
    known = titles(plan.case.site)
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        link = row.text(Bottlenecks.BOTTLENECK)
        letter = letters[link] if link in letters else view.g.columns[0]  # nothing holds compute back
        cells.setdefault(row.text(Bottlenecks.SITE), {})[row.text(Bottlenecks.PERIOD)] = letter
    names = {site: shorten(safe(known.get(site, site)), LABEL_MOST) for site in cells}
    beside = max(map(len, names.values())) + 2
    room = view.width - INDENT - beside
    cell = 2 if 2 * len(labels) <= room else 1
    for first in range(0, len(labels), room // cell):
        shown = labels[first : first + room // cell]
        yield note(" " * beside + glyphs.year_ticks(shown, cell))
        for site, by_period in cells.items():
            letters_of = "".join(found(by_period, label, f"period of {BOTTLENECKS}").ljust(cell) for label in shown)
            yield note(names[site].ljust(beside) + letters_of, "")
    legend = " · ".join(f"{letters[link]} {safe(link)} ({count[link]})" for link in ranked)
    yield note(legend or "nothing holds compute back")


def _letters(links: Sequence[str]) -> dict[str, str]:
    """A letter per link: its first that is free."""
    taken: dict[str, str] = {}
    for link in links:
        options = [c.upper() for c in link if c.isalpha() and c.isascii()] + list("ABCDEFGHIJKLMNOPQRSTUVWXYZ?")
        taken[link] = next((c for c in options if c not in taken.values()), "?")
    return taken


SECTION = Section("bottlenecks", TITLE, (BOTTLENECKS,), _render)
