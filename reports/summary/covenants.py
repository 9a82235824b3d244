"""Covenants in the summary: where each is tightest, how often scenarios breach it, and what a step tighter costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import COVENANT_RISK, COVENANTS, FIRST_ORDER, CovenantRisk, Covenants
from ..text import figure, percent, safe
from .layout import grid, heading, note
from .section import Section, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan
    from ...optimizer.table import Record

TITLE = "Covenants"
FIGURES = (Covenants.VALUE, Covenants.LIMIT, Covenants.HEADROOM)
TREATMENT = {"maintained": "", "cvar": ", CVaR", "monitored": ", monitored"}


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    """One line per covenant, the tightest first."""
    rows = plan.tables[COVENANTS].records()
    least: dict[str, Record] = {}
    for row in rows:
        if (headroom := row.maybe(Covenants.HEADROOM)) is not None:
            best = least.get(row.text(Covenants.COVENANT))
            if best is None or headroom < best.number(Covenants.HEADROOM):
                least[row.text(Covenants.COVENANT)] = row
    if not rows:
        return
    yield from heading(TITLE, "the tightest period of each, on the expected path")
    ranked = sorted(least.values(), key=_tightness)
    body = [(_name(row), row.text(Covenants.PERIOD), *(_figure(row.maybe(key)) for key in FIGURES)) for row in ranked]
    untested = [row for row in rows if row.text(Covenants.COVENANT) not in least]
    without = list({row.text(Covenants.COVENANT): row for row in untested}.values())
    body += [(_name(row), "–", "not tested", _figure(row.maybe(Covenants.LIMIT)), "–") for row in without]
    yield grid(("covenant", "period", "value", "limit", "headroom"), "llrrr", body)
    yield note(f"over the scenarios, headroom in bn; costs: {plan.objective_unit} lost with the limit a step tighter")
    over = plan.tables[COVENANT_RISK]
    scenarios = [(_name(row), *_scenarios(over.row(row.text(Covenants.COVENANT)))) for row in [*ranked, *without]]
    heads = ("covenant", "breached", "median first", "worst 5 %", "step", "costs")
    yield grid(heads, "lrlrrr", scenarios)


def _name(row: Record) -> str:
    whose = f" ({of})" if (of := row.text(Covenants.OF)) else ""
    return safe(row.text(Covenants.COVENANT).replace("_", " ") + whose) + TREATMENT[row.text(Covenants.TREATMENT)]


def _scenarios(row: Record) -> tuple[str, ...]:
    return (
        percent(row.number(CovenantRisk.BREACHED)),
        row.text(CovenantRisk.FIRST) or "–",
        _figure(row.maybe(CovenantRisk.MINIMUM)),
        _figure(row.maybe(CovenantRisk.STEP)),
        _cost(row),
    )


def _cost(row: Record) -> str:
    """What a tightening step costs; in words where there is no figure for it."""
    how, cost = row.text(CovenantRisk.PRICED), row.maybe(CovenantRisk.COST)
    if cost is not None:
        return _figure(cost) + (" by first order" if how == FIRST_ORDER else "")
    return how or "–"


def _tightness(row: Record) -> float:
    """Headroom as a share of the limit, so that ratios and amounts can be ranked together."""
    return row.number(Covenants.HEADROOM) / max(abs(row.number(Covenants.LIMIT)), 1e-9)


def _figure(value: float | None) -> str:
    return "–" if value is None else figure(value, 3)


SECTION = Section("covenants", TITLE, (COVENANTS, COVENANT_RISK), _render)
