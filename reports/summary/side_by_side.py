"""The comparison in the terminal: figures as rows, variants as columns, so that any number of figures fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...optimizer.table import BILLION
from ..glyphs import UNICODE, Glyphs
from ..text import figure, gap, level, money, percent, plural, safe, seconds
from .layout import grid, heading, note
from .screen import as_text, within

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from ...models.schema.case import Case
    from ...optimizer.comparison.compare import Comparison
    from ...optimizer.comparison.differences import Outcome
    from ...optimizer.plan import LossAllocation

NEVER = "never"


def render_comparison(
    found: Comparison, width: int, folder: Path | None = None, colour: bool = False, g: Glyphs = UNICODE
) -> str:
    """The comparison as text of 80 to 120 columns."""
    return as_text(_parts(found, folder), within(width), colour, g)


def _parts(found: Comparison, folder: Path | None) -> Iterator[RenderableType]:
    outcomes = list(found.outcomes.values())
    first = outcomes[0].plan
    title = found.case.case.title or found.case.case.name
    yield from heading(title, f"{plural(first.scenarios.count, 'scenario')}, seed {first.scenarios.seed}")
    names = [one.name for one in outcomes]
    yield grid(["", *names], "l" + "r" * len(names), list(rows(found, outcomes)))
    for one in outcomes:
        if one.capacity is None:
            plan = one.plan
            why = plan.infeasibility.reason if plan.infeasibility is not None else "; ".join(plan.messages)
            yield note(f"{one.name}: {why}", style="bold")
    if found.missing:
        yield note(f"interrupted: not planned are {', '.join(found.missing)}", style="bold")
    yield from _messages(outcomes)
    yield note(
        "circular: from suppliers, customers and who is linked to them; circulating: what of it the company's own "
        "payments can have brought back; loss: at the first default or the horizon, shareholders included"
    )
    yield from heading("capital raised", "face in billions, and all-in cost per year, fees spread over the life")
    yield grid(["", *names], "l" + "r" * len(names), list(_money(outcomes)))
    yield note(f"one pool of scenarios, {seconds(found.total_s)} in all")
    if folder is not None:
        yield note(f"written to {safe(folder)}")


def _messages(outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    """What the plans remark, once each: after the names of the variants that say so, unless all do."""
    said: dict[str, list[str]] = {}
    for one in outcomes:
        for message in one.plan.messages if one.capacity is not None else ():
            said.setdefault(message, []).append(one.name)
    planned = sum(one.capacity is not None for one in outcomes)
    for message, names in said.items():
        yield note(message if len(names) == planned else f"{', '.join(names)}: {message}")


def rows(found: Comparison, outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """The figures in which the variants differ: a name, then a cell per variant."""

    def row(name: str, cell: Callable[[Outcome], str]) -> list[str]:
        return [name, *(cell(one) if one.capacity is not None else "–" for one in outcomes)]

    first = outcomes[0].plan
    base = found.outcomes[found.reference].plan.objective_value if found.reference else float("nan")
    yield ["status", *(one.plan.status.value for one in outcomes)]
    yield row(f"{first.objective_name}, {first.objective_unit}", lambda o: figure(o.plan.objective_value, 7))
    if found.reference:
        yield row(f"times {found.reference}", lambda o: f"{o.plan.objective_value / base:.3f}" if base > 0.0 else "–")
    yield row("proven within", lambda o: gap(o.plan.certificate.gap) if o.plan.certificate else "–")
    labels = found.case.horizon.labels
    for mark in found.milestones:
        yield row(
            f"{step(found.case)}s until {figure(mark)} PFLOP/s",
            lambda o, m=mark: _when(o, m, labels),  # type: ignore[misc]
        )
    yield row("raised, bn", lambda o: money(o.plan.funding.total))
    yield row("all-in cost of money per year", lambda o: percent(o.cost, 2))
    yield row("largest repayment in a year, bn", lambda o: money(o.wall))
    yield row("circular share of funding", lambda o: percent(o.plan.funding.circular_share))
    yield row("circular funding over spending", lambda o: percent(o.plan.funding.circular_of_spending))
    yield row("circulating share of funding", lambda o: percent(o.plan.funding.circulating_share))
    for name in dict.fromkeys(f.name for one in outcomes for f in one.plan.risk):
        yield row(_limited(outcomes, name), lambda o, n=name: _cvar(o, n))  # type: ignore[misc]
    yield from _losses(outcomes)


def _losses(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """Who bears the loss, where a plan says so."""
    levels = {level(one.plan.loss_allocation.level) for one in outcomes if one.plan.loss_allocation is not None}
    rows: tuple[tuple[str, Callable[[LossAllocation], str]], ...] = (
        (f"loss of all holders, CVaR {', '.join(sorted(levels))}, bn", lambda b: money(b.cvar)),
        ("  of it outside the company", lambda b: percent(b.outside_share)),
        ("  of it on suppliers and customers", lambda b: percent(b.circular_share)),
        ("probability of default", lambda b: percent(b.default_probability)),
    )
    for name, cell in rows:
        yield [name, *("–" if one.plan.loss_allocation is None else cell(one.plan.loss_allocation) for one in outcomes)]


def step(case: Case) -> str:
    """What one period of the case is called."""
    return {1: "year", 2: "half-year", 4: "quarter", 12: "month"}.get(case.horizon.per_year, "period")


def _when(one: Outcome, mark: float, labels: Sequence[str]) -> str:
    t = one.reached(mark)
    return NEVER if t is None else f"{t} ({labels[t]})"


def _limited(outcomes: Sequence[Outcome], name: str) -> str:
    """A risk limit with its level and unit; with its maximum where that is the same in all variants."""
    figures = [f for one in outcomes for f in one.plan.risk if f.name == name]
    unit = {BILLION: ", bn"}.get(figures[0].unit, f", {figures[0].unit}")
    most = {f.limit for f in figures}
    allowed = f" (maximum {figure(figures[0].limit)})" if len(most) == 1 else ""
    return f"{name}, CVaR {level(figures[0].level)}{unit}{allowed}"


def _cvar(one: Outcome, name: str) -> str:
    return next((figure(f.value) for f in one.plan.risk if f.name == name), "–")


def _money(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    totals: dict[str, float] = {}
    for one in outcomes:
        for name, face in one.plan.funding.by_instrument.items():
            totals[name] = max(totals.get(name, 0.0), face)
    for name in sorted(totals, key=lambda n: -totals[n]):
        if totals[name] > 5e-3:
            yield [name, *(_share(one, name) for one in outcomes)]


def _share(one: Outcome, name: str) -> str:
    face = one.plan.funding.by_instrument.get(name, 0.0)
    cost = one.costs.get(name)
    return money(face) if face <= 5e-3 or cost is None else f"{money(face)} at {percent(cost, 2)}"
