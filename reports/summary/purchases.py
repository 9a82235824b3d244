"""What is bought, in the summary: systems ordered, construction started, contracts signed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import CONSTRUCTION, CONTRACTS, PURCHASES, Construction, Contracts, Purchases
from .. import glyphs
from ..glyphs import Glyphs
from ..text import figure, safe, shorten
from .layout import INDENT, LABEL_MOST, Row, grid, heading, note, schedule
from .section import Section, View
from .views import Steps, numbers, steps, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Purchases"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """Systems ordered by period and site; construction, contracts and merchant capacity as small columns."""
    labels = plan.case.horizon.labels
    columns = steps(labels)
    systems, sites = titles(plan.case.accelerator), titles(plan.case.site)
    yield from heading(TITLE, "systems ordered, by site and period")
    by_site: dict[str, list[Row]] = {}
    for row in plan.tables[PURCHASES].records():
        accelerator, site, values = row.text(Purchases.ACCELERATOR), row.text(Purchases.SITE), numbers(row, labels)
        order: Row = ("  " + systems.get(accelerator, accelerator), columns.sums(values), math.fsum(values))
        by_site.setdefault(site, []).append(order)
    rows = [row for site, orders in by_site.items() for row in ((sites.get(site, site), None, None), *orders)]
    if rows:
        yield from schedule(columns.labels, rows, view.width)
    else:
        yield note("no systems are ordered")
    built = []
    for row in plan.tables[CONSTRUCTION].records():
        site = row.text(Construction.SITE)
        layer = f"{sites.get(site, site)}: {row.text(Construction.LAYER)}"
        built.append((layer, columns.sums(numbers(row, labels))))
    names, signed = titles(plan.case.contract), []
    for row in plan.tables[CONTRACTS].records():
        contract = row.text(Contracts.CONTRACT)
        signed.append((names.get(contract, contract), columns.sums(numbers(row, labels))))
    for words, remark, lines in (("Construction", "MW started", built), ("Contracts", "PFLOP/s signed", signed)):
        if lines:
            yield from heading(words, remark)
            yield _small_columns(lines, columns, view.width, view.g)


def _small_columns(
    rows: Sequence[tuple[str, Sequence[float]]], columns: Steps, width: int, g: Glyphs
) -> RenderableType:
    cell = 2 if len(columns.labels) <= 12 else 1
    room = min(LABEL_MOST, width - INDENT - cell * len(columns.labels) - 36)
    body = []
    for name, values in rows:
        top = max(range(len(values)), key=values.__getitem__)
        pillars = "".join(c * cell for c in glyphs.columns(values, g))
        when = f"peak in {columns.labels[top]}: {figure(values[top], 3)}"
        body.append((shorten(safe(name), room), figure(sum(values), 3), pillars, when))
    return grid(("", "total", glyphs.year_ticks(columns.labels, cell), ""), "lrll", body, flexible=-1)


SECTION = Section("purchases", TITLE, (PURCHASES, CONSTRUCTION, CONTRACTS), _render)
