"""The comparison in the terminal: figures as rows, variants as columns, so that any number of figures fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .charts import UNICODE, Glyphs
from .layout import grid, heading, note
from .screen import as_text, show, within
from .text import figure, gap, money, percent, plural, safe, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from ..optimizer.compare import Comparison
    from ..optimizer.differences import Outcome

NEVER = "never"


def render_comparison(
    found: Comparison, width: int, folder: Path | None = None, colour: bool = False, g: Glyphs = UNICODE
) -> str:
    """The comparison as text of 80 to 120 columns."""
    return as_text(_parts(found, folder), within(width), colour, g)


def print_comparison(found: Comparison, width: int, folder: Path | None) -> None:
    """Write the comparison to standard output."""
    show(lambda colour, g: render_comparison(found, width, folder, colour, g))


def _parts(found: Comparison, folder: Path | None) -> Iterator[RenderableType]:
    outcomes = list(found.outcomes.values())
    first = outcomes[0].plan
    title = found.case.case.title or found.case.case.name
    yield from heading(title, f"{plural(first.scenarios.count, 'scenario')}, seed {first.scenarios.seed}")
    names = [one.name for one in outcomes]
    yield grid(["", *names], "l" + "r" * len(names), list(_rows(found, outcomes)))
    for one in outcomes:
        if one.capacity is None:
            plan = one.plan
            why = plan.infeasibility.reason if plan.infeasibility is not None else "; ".join(plan.messages)
            yield note(f"{one.name}: {why}", style="bold")
        elif one.plan.messages:
            yield note(f"{one.name}: {'; '.join(one.plan.messages)}")
    yield from heading("money raised", "face in billions, and all-in cost per year with all fees")
    yield grid(["", *names], "l" + "r" * len(names), list(_money(outcomes)))
    yield note(f"one pool of scenarios, {seconds(found.total_s)} in all")
    if folder is not None:
        yield note(f"written to {safe(folder)}")


def _rows(found: Comparison, outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    def row(name: str, cell: Callable[[Outcome], str]) -> list[str]:
        return [name, *(cell(one) if one.capacity is not None else "–" for one in outcomes)]

    first = outcomes[0].plan
    base = found.outcomes[found.reference].plan.objective_value if found.reference else float("nan")
    yield ["status", *(one.plan.status.value for one in outcomes)]
    yield row(f"{first.objective_name}, {first.objective_unit}", lambda o: figure(o.plan.objective_value, 7))
    if found.reference:
        yield row(f"times {found.reference}", lambda o: f"{o.plan.objective_value / base:.3f}" if base > 0.0 else "–")
    yield row("proven within", lambda o: gap(o.plan.certificate.gap) if o.plan.certificate else "–")
    for mark in found.milestones:
        yield row(f"periods until {figure(mark)} PFLOP/s", lambda o, m=mark: _when(o, m))  # type: ignore[misc]
    yield row("raised, bn", lambda o: money(o.plan.funding.total))
    yield row("all-in cost of money per year", lambda o: percent(o.cost, 2))
    yield row("largest repayment in a year, bn", lambda o: money(o.wall))
    yield row("circular share of funding", lambda o: percent(o.plan.funding.circular_share))
    yield row("circulating share of funding", lambda o: percent(o.plan.funding.circulating_share))
    for name in dict.fromkeys(f.name for one in outcomes for f in one.plan.risk):
        yield row(f"CVaR of {name}", lambda o, n=name: _cvar(o, n))  # type: ignore[misc]
    yield row("tail loss of all, bn", lambda o: money(o.plan.bearers.cvar) if o.plan.bearers else "–")
    yield row("  held outside the company", lambda o: percent(o.plan.bearers.outside_share) if o.plan.bearers else "–")
    yield row("  by suppliers, customers", lambda o: percent(o.plan.bearers.circular_share) if o.plan.bearers else "–")
    yield row(
        "probability of default", lambda o: percent(o.plan.bearers.default_probability) if o.plan.bearers else "–"
    )


def _when(one: Outcome, mark: float) -> str:
    t = one.reached(mark)
    return NEVER if t is None else str(t)


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
