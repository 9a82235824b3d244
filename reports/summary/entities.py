"""The entities of the group in the summary: cash, debt and cover of each, and what moved up and down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.entity_names import ENTITY_FIGURES, EntityFigures
from ...optimizer.analysis.names import NO
from ..text import figure, plural, safe
from .layout import grid, heading, note
from .section import Section, View
from .views import found, has_plan, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan
    from ...optimizer.table import Record


TITLE = "Entities"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """One line per entity."""
    known = titles(plan.case.entity)
    by_entity: dict[str, list[Record]] = {}
    for row in plan.tables[ENTITY_FIGURES].records():
        by_entity.setdefault(row.text(EntityFigures.ENTITY), []).append(row)
    money = view.money
    yield from heading(TITLE, f"expected, {money.unit}; cover: EBITDA over debt service of the last year")
    body = []
    for name in known:
        own = found(by_entity, name, f"entity of {ENTITY_FIGURES}")
        cash = [row.number(EntityFigures.CASH) for row in own]
        cover = [value for row in own if (value := row.maybe(EntityFigures.COVER)) is not None]
        shut = sum(row.text(EntityFigures.MAY) == NO for row in own)
        body.append(
            (
                safe(known.get(name, name)),
                money(min(cash)),
                money(cash[-1]),
                money(max(row.number(EntityFigures.DEBT) for row in own)),
                figure(min(cover), 3) if cover else "–",
                money(sum(row.number(EntityFigures.DISTRIBUTION) for row in own)),
                money(sum(row.number(EntityFigures.CONTRIBUTION) for row in own)),
                plural(shut, "period") if shut else "–",
            )
        )
    heads = (
        "",
        "minimum cash",
        "closing cash",
        "peak debt",
        "minimum cover",
        "distributed",
        "contributed",
        "locked up",
    )
    yield grid(heads, "lrrrrrrr", body)
    yield note("an entity distributes only in periods in which its tests are met on the expected path")


def _applies(plan: Plan) -> bool:
    return has_plan(plan) and bool(plan.case.entity)


SECTION = Section("entities", TITLE, (ENTITY_FIGURES,), _render, _applies)
