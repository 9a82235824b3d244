"""The drivers in the summary: what the scenarios draw in the end, so that a volatility of 0.8 for 0.008 is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import DRIVERS, Drivers
from ..text import figure, safe, shorten
from .layout import INDENT, grid, heading, note
from .section import Section, View
from .views import found

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan
    from ...optimizer.table import Record

TITLE = "Drivers"
CERTAIN = "–"
SPREAD = {Drivers.Q05: "5 %", Drivers.Q95: "95 %"}
DIGITS = 3
SAME = 1e-6  # of a figure: a mean of equal single precision numbers is rounded
LEAST, MOST, CELL, GAP = 20, 40, 7, 2  # columns of a driver's name, least and most, of a figure, and between them


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """A line a driver: its mean at first; mean and spread at the end, and halfway where the page has room."""
    by_driver: dict[str, dict[str, Record]] = {}
    for row in plan.tables[DRIVERS].records():
        by_driver.setdefault(row.text(Drivers.DRIVER), {})[row.text(Drivers.PERIOD)] = row
    figures, free = CELL + GAP, view.width - INDENT
    start, *later = shown(plan.case.horizon.labels, (free - LEAST - figures) // ((1 + len(SPREAD)) * figures))
    room = min(MOST, free - figures * (1 + (1 + len(SPREAD)) * len(later)))
    yield from heading(TITLE, "the mean, and what 5 and 95 % of the scenarios stay below")
    body: list[tuple[str, ...]] = []
    for driver in plan.case.driver:  # the table has further ones, derived from these
        rows = found(by_driver, driver.id, f"driver of {DRIVERS}")
        first = found(rows, start, f"period of {DRIVERS}")
        cells = [shorten(safe(first.text(Drivers.TITLE)), room), figure(first.number(Drivers.MEAN), DIGITS)]
        for date in later:
            row = found(rows, date, f"period of {DRIVERS}")
            cells.append(figure(row.number(Drivers.MEAN), DIGITS))
            cells += [CERTAIN if _certain(row) else figure(row.number(column), DIGITS) for column in SPREAD]
        body.append(tuple(cells))
    heads = [word for date in later for word in (date, *SPREAD.values())]
    yield grid(("", start, *heads), "l" + "r" * (1 + len(heads)), body)
    certain = "; –: certain" if any(CERTAIN in cells for cells in body) else ""
    yield note(f"all periods stand in table {DRIVERS}{certain}")


def shown(labels: Sequence[str], later: int) -> list[str]:
    """The first period and the last one; between them the middle one where two `later` ones have room."""
    chosen = (0, len(labels) // 2, len(labels) - 1) if later >= 2 else (0, len(labels) - 1)
    return [labels[t] for t in dict.fromkeys(chosen)]


def _certain(row: Record) -> bool:
    low, high, mean = (row.number(column) for column in (Drivers.Q05, Drivers.Q95, Drivers.MEAN))
    return low == high and abs(mean - low) <= SAME * abs(low)


SECTION = Section("drivers", TITLE, (DRIVERS,), _render)
