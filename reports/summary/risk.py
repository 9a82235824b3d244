"""The risk limits in the summary: the plan against each, in sample and out of sample."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ...optimizer.table import BILLION
from ..text import level, percent, safe
from .layout import grid, heading, note
from .section import Section, View
from .views import short_unit

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Interval, Plan, RiskFigure

TITLE = "Risk"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    yield from heading(TITLE, "CVaR is the mean of the worst scenarios; ± 95 % interval")
    if plan.risk:
        rows = [
            (
                f"{safe(r.name)}, {r.measure} {level(r.level)}",
                view.money.figure(r.limit, r.unit),
                view.money.figure(r.value, r.unit),
                interval(r.out_of_sample, r.unit, view),
                percent(r.probability),
                short_unit(view.money.named(r.unit)),
            )
            for r in plan.risk
        ]
        yield grid(("limit", "at most", "plan", "out of sample", "P(above)", ""), "lrrrrl", rows)
        for figure_ in plan.risk:
            yield from _verdict(figure_, view)
    else:
        yield note("the case sets no risk limit: the plan is the best on average, whatever the bad scenarios hold")
    yield from _tax(plan, view)


def _tax(plan: Plan, view: View) -> Iterator[RenderableType]:
    """What the tax of the expected income hides, in a sentence."""
    tax, money = plan.tax, view.money
    if tax is None:
        return
    hidden = tax.mean - tax.expected
    said = (
        f"tax: {money(tax.expected)} {money.unit} on the expected income, {money(tax.mean)} on average on each "
        "scenario's own"
    )
    if abs(hidden) > 5e-4 * max(1e-3, abs(tax.mean)) and tax.share_of_cash is not None:
        hid = f"{money.figure(tax.at_end, BILLION, 2)} {money.unit}"
        said += f"; {hid}, {percent(tax.share_of_cash, 2)} of the closing cash, is hidden so"
    for one in tax.net_loss:
        said += f"; {safe(one.limit)} with own tax {money.figure(one.own_tax, BILLION)}"
    yield note(said)


def interval(sample: Interval | None, unit: str, view: View) -> str:
    """A figure out of sample with its 95 % interval."""
    if sample is None:
        return "not taken"
    figure = partial(view.money.figure, unit=unit)
    below, above = sample.value - sample.ci_low, sample.ci_high - sample.value
    if abs(above - below) <= 0.01 * abs(above + below):
        return f"{figure(sample.value)} ± {figure(above, digits=3)}"
    return f"{figure(sample.value)} [{figure(sample.ci_low)}, {figure(sample.ci_high)}]"


def _verdict(figure_: RiskFigure, view: View) -> Iterator[RenderableType]:
    """A remark where the out-of-sample scenarios do not confirm the limit."""
    sample = figure_.out_of_sample
    if sample is None or sample.value <= figure_.limit:
        return
    excess = view.money.figure(sample.value - figure_.limit, figure_.unit, 2)
    above = f"{safe(figure_.name)}: {excess} {view.money.named(figure_.unit)} above its limit out of sample"
    if sample.ci_low <= figure_.limit:
        yield note(f"{above}, within the sampling error; more scenarios narrow it")
    else:
        yield note(f"{above}, more than the sampling error: use more scenarios", "yellow")


SECTION = Section("risk", TITLE, (), _render)
