"""What to do next, in the summary: the first decisions of the plan, what more of is worth most, and what to ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import (
    CONSTRUCTION,
    CONTRACTS,
    ISSUANCE,
    PREPAID,
    PURCHASES,
    Construction,
    Contracts,
    Issuance,
    Purchases,
)
from ..text import figure, safe
from . import binding_limits
from .layout import heading, note
from .section import Section, View
from .views import titles, words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "What to do next"
PERIODS, LISTED, WORTH = 2, 3, 3  # periods told, items of a kind, limits that more of is worth most
SIGHT = 0.01  # of the largest item of a kind in the period: what is less is not told


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """A sentence for each of the first periods in which something is decided, then limits and commands."""
    yield from heading(TITLE)
    told, first = 0, min((review.at for review in plan.case.review), default=plan.case.horizon.periods)
    for t, label in enumerate(plan.case.horizon.labels):
        said = _decided(plan, label, view) if told < PERIODS else []
        if said:
            told += 1
            mean = ", on average over the bands of its reviews" if t >= first else ""
            yield note(f"{label}{mean}: {'; '.join(said)}", "")
    if not told:
        yield note("nothing is ordered, built, issued or signed", "")
    for price in plan.prices[:WORTH]:
        worth, step, what = binding_limits.told(price, view)
        yield note(f"{worth} {plan.objective_unit} for {step} more of {safe(what)}", "")
    asked = ["capmix plan CASE --full, every section"]
    if plan.case.variant:
        asked.append("capmix compare CASE, the case's variants")
    if plan.risk:
        asked.append(f"capmix frontier CASE --limit {safe(plan.risk[0].name)}, what a limit costs")
    yield note(f"ask next: {'; '.join(asked)}")


def _decided(plan: Plan, label: str, view: View) -> list[str]:
    """What is ordered, started, raised and signed in a period, in words."""
    case = plan.case
    ordered = _by(plan, PURCHASES, Purchases.ACCELERATOR, label, titles(case.accelerator))
    started = _by(plan, CONSTRUCTION, Construction.LAYER, label, {})
    signed = _by(plan, CONTRACTS, Contracts.CONTRACT, label, titles(case.contract))
    raised: dict[str, float] = {}
    known = titles(case.instrument)
    for row in plan.tables[ISSUANCE].records():
        if row.text(Issuance.PERIOD) == label and row.text(Issuance.HOW) != PREPAID:
            name = known.get(row.text(Issuance.INSTRUMENT), words(row.text(Issuance.INSTRUMENT)))
            raised[name] = raised.get(name, 0.0) + row.number(Issuance.FUNDED) + row.number(Issuance.COMMITTED)
    parts = []
    if ordered:
        parts.append(f"order {_count(math.fsum(ordered.values()))} systems ({_listed(ordered, _count)})")
    if started:
        parts.append(f"start {_listed(started, lambda v: f'{figure(v, 3)} MW', len(started))}")
    raised = {name: value for name, value in raised.items() if view.money(value) != view.money(0.0)}
    if raised:
        parts.append(
            f"raise {view.money(math.fsum(raised.values()))} {view.money.unit} ({_listed(raised, view.money)})"
        )
    if signed:
        parts.append(f"sign {figure(math.fsum(signed.values()))} PFLOP/s ({_listed(signed, figure)})")
    return parts


def _count(number: float) -> str:
    """Systems: whole ones, but for less than ten."""
    return f"{number:,.0f}" if number >= 10.0 else figure(number, 2)


def _by(plan: Plan, table: str, key: str, label: str, known: Mapping[str, str]) -> dict[str, float]:
    """Sums of a period by the entries of a column, those that can be seen."""
    found: dict[str, float] = {}
    for row in plan.tables[table].records():
        name = known.get(row.text(key), row.text(key))
        found[name] = found.get(name, 0.0) + row.number(label)
    largest = max(found.values(), default=0.0)
    return {name: value for name, value in found.items() if value > max(SIGHT * largest, 1e-9)}


def _listed(amounts: Mapping[str, float], write: Callable[[float], str], most: int = LISTED) -> str:
    """The largest amounts by name, the others counted."""
    ranked = sorted(amounts.items(), key=lambda item: -item[1])
    parts = [f"{safe(name)} {write(value)}" for name, value in ranked[:most]]
    if len(ranked) > most:
        parts.append(f"{len(ranked) - most} more")
    return ", ".join(parts)


SECTION = Section("next_steps", TITLE, (PURCHASES, CONSTRUCTION, CONTRACTS, ISSUANCE), _render)
