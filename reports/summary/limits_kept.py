"""Risk in sentences, for the short summary: each limit, what the plan makes of it, and who bears the losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import level, percent, safe
from .layout import heading, note
from .risk import interval
from .section import Section, View
from .views import short_unit, words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan, RiskFigure

TITLE = "Risk"
AT_LIMIT = 1e-3  # of the limit: so near to it that it binds


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """A sentence for each limit, and one for the losses."""
    yield from heading(TITLE, "CVaR is the mean of the worst scenarios")
    if not plan.risk:
        yield note("the case sets no risk limit: the plan is the best on average, whatever the bad scenarios hold")
    for figure in plan.risk:
        yield note(_sentence(figure, view), "")
    borne = plan.loss_allocation
    if borne is not None:
        yield note(
            f"losses: {view.money(borne.expected)} {view.money.unit} expected, {view.money(borne.cvar)} in the worst "
            f"{level(1.0 - borne.level)}, {percent(borne.outside_share)} of that outside the company; it defaults in "
            f"{percent(borne.default_probability)} of scenarios",
            "",
        )


def _sentence(figure: RiskFigure, view: View) -> str:
    money, unit = view.money, figure.unit
    room = figure.limit - figure.value
    shown = f"{money.figure(figure.value, unit)} {short_unit(money.named(unit))}"
    limit = money.figure(figure.limit, unit)
    where = (
        f"at its limit of {limit}"
        if abs(room) <= AT_LIMIT * max(abs(figure.limit), 1e-9)
        else f"{money.figure(room, unit, 3)} below its limit of {limit}"
    )
    said = f"{safe(words(figure.name))}: {figure.measure} {level(figure.level)} is {shown}, {where}"
    said += f"; {percent(figure.probability)} of scenarios exceed it"
    sample = figure.out_of_sample
    if sample is None:
        return said
    beyond = ""
    if sample.value > figure.limit:
        within = sample.ci_low <= figure.limit
        beyond = f", above the limit by {'less' if within else 'more'} than the sampling error"
    return f"{said}; out of sample {interval(sample, unit, view)}{beyond}"


SECTION = Section("limits_kept", TITLE, (), _render)
