"""Circular financing in the summary: the loops of the largest circulation through the company, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import CIRCULAR_LOOPS, STEP, CircularLoops, investor_node, party_node
from ..text import percent, plural, safe, shorten
from .layout import INDENT, grid, heading, note
from .section import Section, View
from .views import titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Circular financing"
LOOPS = 6


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The loops of the largest circulation, by name."""
    rows = plan.tables[CIRCULAR_LOOPS].records()
    funding = plan.funding
    if not rows and funding.circular_share == 0.0:
        return
    yield from heading(TITLE, f"what can run from the company back to it, {view.money.unit}")
    yield note(
        f"{view.money(funding.circulating)} of {view.money(funding.total)} raised can circulate "
        f"({percent(funding.circulating_share)}); suppliers and customers put in {percent(funding.circular_share)}"
    )
    names = {party_node(k): v for k, v in titles(plan.case.party).items()}
    names |= {investor_node(k): v for k, v in titles(plan.case.investor).items()}
    room = view.width - INDENT - 28
    body = [
        (
            view.money(row.number(CircularLoops.AMOUNT)),
            "" if (share := row.maybe(CircularLoops.SHARE)) is None else percent(share),
            row.text(CircularLoops.KIND),
            shorten(STEP.join(safe(names.get(n, n)) for n in row.text(CircularLoops.LOOP).split(STEP)), room),
        )
        for row in rows[:LOOPS]
    ]
    if body:
        yield grid(("", "of funding", "back as", "loop"), "rrll", body, flexible=3)
    if len(rows) > LOOPS:
        yield note(f"and {plural(len(rows) - LOOPS, 'smaller loop')} in table {CIRCULAR_LOOPS}")


SECTION = Section("circular_financing", TITLE, (CIRCULAR_LOOPS,), _render)
