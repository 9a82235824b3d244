"""Who provides the capital, and when, in the summary: bars by holder, and a schedule by instrument that adds up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from ...optimizer.analysis.names import ISSUANCE, Issuance
from .. import glyphs
from ..text import part, percent, plural, safe
from .layout import INDENT, distinct, grid, heading, note, sums
from .section import Section, View
from .views import steps, titles, words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Who provides it, and when"
VISIBLE = 0.0005  # share of all funding below which a holder is not listed on his own


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """What is raised by holder, then when by instrument."""
    yield from heading(TITLE, f"face value raised, {view.money.unit}")
    if not plan.funding.by_holder:
        yield note("nothing is raised: the plan lives on its own cash")
        return
    circular = {investor.id for investor in plan.case.investor if investor.party}
    yield _bars(plan.funding.by_holder, titles(plan.case.investor), plan.funding.total, view, circular)
    if circular & set(plan.funding.by_holder):
        yield note("* a supplier or customer of the plan")
    yield from _funding_schedule(plan, view)


def _bars(
    values: Mapping[str, float], names: Mapping[str, str], total: float, view: View, circular: set[str]
) -> RenderableType:
    room = min(48, view.width - INDENT - 34 - 8 - 6 - 8)
    ranked = sorted(values.items(), key=lambda item: -item[1])
    shown = [(key, value) for key, value in ranked if value >= VISIBLE * total]
    few = [value for _, value in ranked[len(shown) :]]
    top = ranked[0][1]
    stars = {key: " *" if key in circular else "" for key, _ in shown}
    known = distinct([safe(names.get(key, words(key))) for key, _ in shown], 32)
    rows = [
        (name + stars[key], value, glyphs.bar(part(value, top), room, view.g))
        for name, (key, value) in zip(known, shown, strict=True)
    ]
    if sum(few) >= VISIBLE * total:
        rows.append((f"{plural(len(few), 'other')}, less than {percent(VISIBLE, 2)} each", sum(few), ""))
    rows.append(("total", total, ""))
    cells = [
        (name.ljust(34), view.money(value).rjust(8), percent(part(value, total)).rjust(6), bar)
        for name, value, bar in rows
    ]
    return grid(("", "", "", ""), "lrrl", cells)


def _funding_schedule(plan: Plan, view: View) -> Iterator[RenderableType]:
    known, labels = titles(plan.case.instrument), plan.case.horizon.labels
    at = {label: t for t, label in enumerate(labels)}
    raised: dict[str, list[float]] = {}
    for row in plan.tables[ISSUANCE].records():
        if row.number(Issuance.FUNDED) > 0.0:
            values = raised.setdefault(row.text(Issuance.INSTRUMENT), [0.0] * len(labels))
            values[at[row.text(Issuance.PERIOD)]] += row.number(Issuance.FUNDED) * view.money.factor
    columns = steps(labels)
    rows = [(known.get(name, words(name)), columns.sums(values), sum(values)) for name, values in raised.items()]
    if not rows:  # nothing is drawn
        return
    yield Text("")
    yield note(f"raised by period, {view.money.unit}")
    yield from sums(columns.labels, rows, view.width)


SECTION = Section("funding_schedule", TITLE, (ISSUANCE,), _render)
