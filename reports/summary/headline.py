"""The head of the summary: the case, its status, its horizon and its scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table as Grid
from rich.text import Text

from ..text import plural, safe, shorten
from .layout import HEADING, QUIET, text
from .section import Section, View, always
from .views import has_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

STATUS = {
    "certified": ("CERTIFIED", "bold green"),
    "stopped": ("STOPPED, GAP NOT MET", "bold yellow"),
    "infeasible": ("NO FEASIBLE PLAN", "bold red"),
}


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    heading_, horizon = plan.case.case, plan.case.horizon
    word, style = STATUS[plan.status.value]
    if plan.status.value == "stopped" and not has_plan(plan):
        word = "STOPPED, NO PLAN YET"
    title = text(shorten(safe(heading_.title or heading_.name), view.width - len(word) - 12), HEADING)
    top = Grid.grid(expand=True)
    top.add_column()
    top.add_column(justify="right", no_wrap=True)
    top.add_row(Text.assemble(("capmix · ", QUIET), title), Text(word, style=style))
    yield top
    yield Text(view.g.rule * view.width, style=QUIET)
    labels = horizon.labels
    unit = f"{view.money.unit} = {view.money.word} {heading_.currency}"
    yield text(
        f"{plural(horizon.periods, horizon.step)} {labels[0]}–{labels[-1]} · "
        f"{plural(plan.scenarios.count, 'scenario')} · seed {plan.scenarios.seed} · {unit}",
        QUIET,
    )


SECTION = Section("headline", "", (), _render, always)
