"""Charts of a frontier: what risk buys, what a unit more of it is worth, and with what money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...optimizer.frontiers.names import FRONTIER, FRONTIER_FUNDING
from ...optimizer.table import BILLION
from ..summary.views import titles, words
from ..text import figure, percent, safe
from .chart import Drawing, data
from .series import grouped, largest
from .theme import QUIET, SERIES, WARN, WIDTH, altair, amounts, colours

if TYPE_CHECKING:
    from ...optimizer.frontiers.frontier import Frontier
    from ...optimizer.frontiers.points import FrontierPoint
    from .variants import Named


def frontier_drawings(found: Frontier) -> Iterator[Named]:
    """(name, title, drawing) of each chart that the frontier has."""
    planned = [point for point in found.points if point.planned]
    if not planned:
        return
    yield "frontier", "What risk buys", _objective(found, planned)
    yield "price", "What a unit more of the limit is worth", _price(found, planned)
    if any(point.raised > 0.0 for point in planned):
        yield "funding", "With what money", _funding(found, planned)


def _axis(found: Frontier) -> Any:
    alt = altair()
    title = f"{words(safe(found.limit))}: at most, {safe(found.unit)}"
    return alt.X("limit:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title=title, tickCount=7, grid=False))


def _objective(found: Frontier, planned: Sequence[FrontierPoint]) -> Drawing:
    unit = safe(found.objective_unit)
    first, last = planned[0], planned[-1]
    change = (last.objective - first.objective) / max(1e-9, abs(first.objective))
    free = "" if found.free_from is None else f"; from {figure(found.free_from, 4)} on it costs nothing"
    asked = figure(found.asked, 4)
    sentence = (
        f"With {words(safe(found.limit))} between {figure(first.limit, 4)} and {figure(last.limit, 4)} "
        f"{safe(found.unit)} the objective moves by {percent(change)}{free}. The case asks for {asked}."
    )

    def marks() -> Any:
        alt = altair()
        shown = [{"limit": p.limit, "objective": p.objective} for p in planned]
        line = (
            alt.Chart(data(shown))
            .mark_line(color=SERIES[0], strokeWidth=2, point=alt.OverlayMarkDef(color=SERIES[0], size=40))
            .encode(x=_axis(found), y=amounts("objective", unit, scale=alt.Scale(zero=False)))
        )
        layers = [line]
        for value, colour in ((found.asked, WARN), (found.free_from, QUIET)):
            if value is not None and planned[0].limit <= value <= planned[-1].limit:
                rule = alt.Chart(data([{"limit": value}])).mark_rule(color=colour, strokeDash=[5, 3])
                layers.append(rule.encode(x=_axis(found)))
        return alt.layer(*layers).properties(width=WIDTH - 90, height=280)

    return Drawing(unit, sentence, found.tables[FRONTIER], marks)


def _price(found: Frontier, planned: Sequence[FrontierPoint]) -> Drawing:
    unit = f"{safe(found.objective_unit)} per {safe(found.unit)}"
    most = max(planned, key=lambda p: abs(p.price))
    sentence = (
        f"A unit more is worth most at {figure(most.limit, 4)} {safe(found.unit)}: {figure(most.price, 3)} "
        f"{safe(found.objective_unit)}."
    )

    def marks() -> Any:
        alt = altair()
        shown = [{"limit": p.limit, "price": p.price} for p in planned]
        return (
            alt.Chart(data(shown))
            .mark_line(color=SERIES[1], strokeWidth=2, interpolate="step", point=alt.OverlayMarkDef(color=SERIES[1]))
            .encode(x=_axis(found), y=amounts("price", unit))
            .properties(width=WIDTH - 90, height=200)
        )

    return Drawing(unit, sentence, found.tables[FRONTIER], marks)


def _funding(found: Frontier, planned: Sequence[FrontierPoint]) -> Drawing:
    names = list(dict.fromkeys(name for p in planned for name in p.funding))
    whole = grouped((name, [p.funding.get(name, 0.0) for p in planned]) for name in names)
    first, last = planned[0], planned[-1]
    sentence = f"{figure(first.raised, 4)} bn is raised at the first point and {figure(last.raised, 4)} bn at the last."

    def marks() -> Any:
        alt = altair()
        known = titles(found.case.instrument)
        series = {known.get(name, name): values for name, values in largest(whole).items()}
        shown = [
            {"series": safe(name), "limit": p.limit, "amount": value, "order": number}
            for number, (name, values) in enumerate(series.items())
            for p, value in zip(planned, values, strict=True)
        ]
        return (
            alt.Chart(data(shown))
            .mark_area()
            .encode(
                x=_axis(found),
                y=amounts("amount", "billion", stack="zero"),
                color=alt.Color("series:N", scale=colours([safe(name) for name in series]), sort=None),
                order=alt.Order("order:Q"),
            )
            .properties(width=WIDTH - 90, height=240)
        )

    return Drawing(BILLION, sentence, found.tables[FRONTIER_FUNDING], marks)
