"""The entities of the group in the summary: cash, debt and cover of each, and what moved up and down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import figure, money, percent, plural, safe
from .layout import grid, heading, note
from .views import records, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def entities(plan: Plan) -> Iterator[RenderableType]:
    """One line per entity; nothing where the case has none."""
    rows = records(plan, "entity_figures")
    if not rows:
        return
    known = titles(plan.case.entity)
    by_entity: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        by_entity.setdefault(str(row["entity"]), []).append(row)
    yield from heading("Entities", "expected, bn; cover: EBITDA over debt service of the last year")
    body = []
    for name, own in by_entity.items():
        cash, debt = _of(own, "cash"), _of(own, "debt")
        cover = _of(own, "debt service cover")
        shut = sum(row["may distribute"] == "no" for row in own)
        body.append(
            (
                safe(known.get(name, name)),
                money(min(cash, default=None)),
                money(cash[-1] if cash else None),
                money(max(debt, default=None)),
                figure(min(cover), 3) if cover else "–",
                money(sum(_of(own, "distribution"))),
                money(sum(_of(own, "contribution"))),
                plural(shut, "period") if shut else "–",
            )
        )
    heads = ("", "least cash", "at the end", "most debt", "least cover", "paid up", "put in", "locked up")
    yield grid(heads, "lrrrrrrr", body)
    yield note("an entity pays its owner only in periods in which its tests are met on the expected path")
    told = []
    for row in records(plan, "entity_risk"):
        name, default = str(row["entity"]), row["default"]
        if isinstance(default, (int, float)):
            trapped = max(_of(by_entity.get(name, []), "trapped cash"), default=0.0)
            also = f" (up to {money(trapped)} trapped)" if trapped > 0.0 else ""
            told.append(f"{safe(known.get(name, name))} {percent(float(default))}{also}")
    if told:
        yield note(f"default, each on its own cash: {', '.join(told)} (tables entity_risk, entity_default, group_cash)")


def _of(rows: list[dict[str, object]], key: str) -> list[float]:
    return [float(value) for row in rows if isinstance(value := row[key], (int, float))]
