"""How often each company of a group defaults on its own cash, in the summary: a sentence under the entities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...models.blocks.owners import companies
from ...optimizer.analysis.entity_names import (
    ENTITY_DEFAULT,
    ENTITY_FIGURES,
    ENTITY_RISK,
    GROUP_CASH,
    WHOLE_GROUP,
    EntityFigures,
    EntityRisk,
)
from ..text import percent, safe
from .layout import note
from .section import Section, View
from .views import found, has_plan, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """Each company, with the most of its cash that is trapped, then the group."""
    known, trapped = titles(plan.case.entity), dict.fromkeys((e.id for e in plan.case.entity), 0.0)
    for row in plan.tables[ENTITY_FIGURES].records():
        name = row.text(EntityFigures.ENTITY)
        trapped[name] = max(found(trapped, name, "entity"), row.number(EntityFigures.TRAPPED))
    parts = []
    for row in plan.tables[ENTITY_RISK].records():
        name, default = row.text(EntityRisk.ENTITY), row.maybe(EntityRisk.DEFAULT)
        if default is None:
            continue  # the shareholders
        if name == WHOLE_GROUP:
            parts.append(f"{name} {percent(default)}")
            continue
        most = found(trapped, name, "entity")
        also = f" (up to {view.money(most)} trapped)" if most > 0.0 else ""
        parts.append(f"{safe(known[name])} {percent(default)}{also}")
    tables = ", ".join((ENTITY_RISK, ENTITY_DEFAULT, GROUP_CASH))
    yield note(f"default, each on its own cash: {', '.join(parts)} (tables {tables})")


SECTION = Section(
    "entity_defaults",
    "",
    (ENTITY_FIGURES, ENTITY_RISK),
    _render,
    lambda plan: has_plan(plan) and bool(companies(plan.case)),
)
