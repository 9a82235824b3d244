"""What holds compute back, in the summary: the bottleneck by site and period, one letter each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import BOTTLENECKS, NO_LINK, RISK_LINK, Bottlenecks
from .. import glyphs
from ..text import safe
from .layout import INDENT, LABEL_MOST, distinct, heading, note
from .section import Section, View
from .views import found, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Bottlenecks"
LETTERS = {
    "supply": "S", "shell": "H", "power": "P", "grid": "G", "cooling": "C", "security": "Y", "fibre": "F", "use": "U",
    "budget": "B", "cash": "M", "depth": "D", "issuance capacity": "I", "facility": "T", "collateral": "L",
    "covenant": "V", "circularity": "R", RISK_LINK: "K", "own": "O",
}  # fmt: skip
"""The letter of each link: the same in every plan."""


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The bottleneck by site and period, one letter each."""
    rows = plan.tables[BOTTLENECKS].records()
    if not rows:
        return
    yield from heading(TITLE, "what holds compute back, by site and period")
    labels = plan.case.horizon.labels
    count = Counter(link for row in rows if (link := row.text(Bottlenecks.BOTTLENECK)) not in (NO_LINK, ""))
    ranked = [link for link, _ in count.most_common()]
    letters = {link: found(LETTERS, link, "link of the compute chain") for link in ranked}
    known = titles(plan.case.site)
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        link = row.text(Bottlenecks.BOTTLENECK)
        letter = letters[link] if link in letters else view.g.columns[0]  # nothing holds compute back
        cells.setdefault(row.text(Bottlenecks.SITE), {})[row.text(Bottlenecks.PERIOD)] = letter
    names = dict(zip(cells, distinct([safe(known.get(site, site)) for site in cells], LABEL_MOST), strict=True))
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


SECTION = Section("bottlenecks", TITLE, (BOTTLENECKS,), _render)
