"""Replications in the summary: what as many other scenarios would have said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import figure, percent, plural, safe
from .layout import grid, heading, note
from .section import Section, View
from .views import has_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Estimate, Plan


TITLE = "Replications"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """Optimum, gap of the plan, and each limit with its price over other scenarios."""
    found = plan.replications
    if found is None or not found.each:
        return
    count = plan.scenarios.count
    yield from heading(TITLE, f"planned again on other sets of {count:,} scenarios; ± standard error")
    size = max(1e-9, abs(plan.objective_value))
    if found.optimum is not None and found.spread is not None:
        mean = f"{figure(found.optimum.mean, 7)} ± {figure(found.optimum.standard_error, 2)} {plan.objective_unit}"
        moved = percent(found.spread / size, 2)
        yield note(f"optimum of {found.certified}: {mean}; one more set moves it by ± {moved} (95 %)", "")
    if found.gap is not None:
        yield note(
            f"this plan is {percent(found.gap.mean / size, 3)} from their optimum, below "
            f"{percent(found.gap.ci_high / size, 3)} at 95 %, what it exceeds charged at its price",
            "",
        )
    if found.limits:
        made = len(found.each)
        rows = [
            (
                safe(one.name),
                view.money.figure(one.limit, one.unit),
                _told(one.cvar, view.money.factor if view.money.scales(one.unit) else 1.0),
                f"{one.kept} of {made}",
                _told(one.price, 1.0 / view.money.factor if view.money.scales(one.unit) else 1.0, 3),
                view.money.named(one.unit),
            )
            for one in found.limits
        ]
        yield grid(("limit", "at most", "CVaR of this plan", "kept in", "price", "per"), "lrrrrl", rows)
    short = found.asked - len(found.each)
    if short:
        yield note(f"{plural(short, 'replication')} of {found.asked} not made")


def _told(found: Estimate | None, factor: float, digits: int = 4) -> str:
    if found is None:
        return "–"
    return f"{figure(factor * found.mean, digits)} ± {figure(factor * found.standard_error, 2)}"


def _applies(plan: Plan) -> bool:
    return has_plan(plan) and plan.replications is not None and bool(plan.replications.each)


SECTION = Section("replications", TITLE, (), _render, _applies)
