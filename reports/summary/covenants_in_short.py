"""Covenants in the short summary: a line each, and a note where scenarios breach one often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import COVENANT_RISK, COVENANTS, CovenantRisk, Covenants
from ..text import percent
from .covenants import FIGURES, TITLE, breach_note, figured, name_of, tightest
from .layout import grid, heading
from .section import Section, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    """One line per covenant with its breaches, for the short summary."""
    ranked, without = tightest(plan)
    if not ranked and not without:
        return
    yield from heading(TITLE, "the tightest period of each on the expected path; breached: share of the scenarios")
    over = plan.tables[COVENANT_RISK]
    body = [
        (
            name_of(row),
            *(figured(row.maybe(key)) for key in FIGURES),
            row.text(Covenants.PERIOD),
            percent(over.row(row.text(Covenants.COVENANT)).number(CovenantRisk.BREACHED)),
        )
        for row in ranked
    ]
    body += [(name_of(row), "not tested", figured(row.maybe(Covenants.LIMIT)), "–", "–", "–") for row in without]
    yield grid(("covenant", "value", "limit", "headroom", "in", "breached"), "lrrrlr", body)
    yield from breach_note([*ranked, *without], over)


SECTION = Section("covenants_in_short", TITLE, (COVENANTS, COVENANT_RISK), _render)
