"""Covenants in the summary: where each is tightest, how often scenarios breach it, and what a step tighter costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import COVENANT_RISK, COVENANTS, FIRST_ORDER, CovenantRisk, Covenants
from ...optimizer.table import BILLION
from ..text import figure, percent, safe
from .layout import grid, heading, note
from .section import Section, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan
    from ...optimizer.table import Record, Table

TITLE = "Covenants"
FIGURES = (Covenants.VALUE, Covenants.LIMIT, Covenants.HEADROOM)
OFTEN = 0.1  # share of the scenarios above which a breach is told in a note of its own
TREATMENT = {"maintained": "", "cvar": ", CVaR", "monitored": ", monitored"}


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """One line per covenant, the tightest first."""
    ranked, without = tightest(plan)
    if not ranked and not without:
        return
    yield from heading(TITLE, "the tightest period of each, on the expected path")
    body = [(name_of(row), row.text(Covenants.PERIOD), *(figured(row.maybe(key)) for key in FIGURES)) for row in ranked]
    body += [(name_of(row), "–", "not tested", figured(row.maybe(Covenants.LIMIT)), "–") for row in without]
    yield grid(("covenant", "period", "value", "limit", "headroom"), "llrrr", body)
    costs = f"{plan.objective_unit} lost with the limit a step tighter"
    yield note(f"over the scenarios, headroom in {view.money.unit}; costs: {costs}")
    over = plan.tables[COVENANT_RISK]
    scenarios = [
        (name_of(row), *_scenarios(over.row(row.text(Covenants.COVENANT)), view)) for row in [*ranked, *without]
    ]
    heads = ("covenant", "breached", "median first", "worst 5 %", "step", "costs")
    yield grid(heads, "lrlrrr", scenarios)
    yield from breach_note([*ranked, *without], over)


def tightest(plan: Plan) -> tuple[list[Record], list[Record]]:
    """The tightest period of each covenant, the tightest covenant first; and one of each that is never tested."""
    rows = plan.tables[COVENANTS].records()
    least: dict[str, Record] = {}
    for row in rows:
        if (headroom := row.maybe(Covenants.HEADROOM)) is not None:
            best = least.get(row.text(Covenants.COVENANT))
            if best is None or headroom < best.number(Covenants.HEADROOM):
                least[row.text(Covenants.COVENANT)] = row
    untested = {row.text(Covenants.COVENANT): row for row in rows if row.text(Covenants.COVENANT) not in least}
    return sorted(least.values(), key=_tightness), list(untested.values())


def breach_note(rows: Sequence[Record], over: Table) -> Iterator[RenderableType]:
    """A note on covenants that more than a tenth of the scenarios breach: kept in the mean is not kept."""
    often = []
    for row in rows:
        found = over.row(row.text(Covenants.COVENANT))
        if found.number(CovenantRisk.BREACHED) > OFTEN:
            first = found.text(CovenantRisk.FIRST)
            when = f" (median first {first})" if first else ""
            often.append(f"{name_of(row)} in {percent(found.number(CovenantRisk.BREACHED), 0)}{when}")
    if often:
        yield note(
            f"Note: scenarios breach {', '.join(often)}. A covenant kept on the expected path is not kept in all; "
            'as = "cvar" limits it over them.',
            "yellow",
        )


def name_of(row: Record) -> str:
    whose = f" ({of})" if (of := row.text(Covenants.OF)) else ""
    return safe(row.text(Covenants.COVENANT).replace("_", " ") + whose) + TREATMENT[row.text(Covenants.TREATMENT)]


def _scenarios(row: Record, view: View) -> tuple[str, ...]:
    return (
        percent(row.number(CovenantRisk.BREACHED)),
        row.text(CovenantRisk.FIRST) or "–",
        view.money.figure(row.maybe(CovenantRisk.MINIMUM), BILLION, 3),
        figured(row.maybe(CovenantRisk.STEP)),
        _cost(row),
    )


def _cost(row: Record) -> str:
    """What a tightening step costs; in words where there is no figure for it."""
    how, cost = row.text(CovenantRisk.PRICED), row.maybe(CovenantRisk.COST)
    if cost is not None:
        return figured(cost) + (" by first order" if how == FIRST_ORDER else "")
    return how or "–"


def _tightness(row: Record) -> float:
    """Headroom as a share of the limit, so that ratios and amounts can be ranked together."""
    return row.number(Covenants.HEADROOM) / max(abs(row.number(Covenants.LIMIT)), 1e-9)


def figured(value: float | None) -> str:
    return "–" if value is None else figure(value, 3)


SECTION = Section("covenants", TITLE, (COVENANTS, COVENANT_RISK), _render)
