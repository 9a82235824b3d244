"""The loss allocation in the summary: by holder in the worst scenarios, and what falls on whom in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...models.blocks.owners import companies
from ...optimizer.analysis.names import DEFAULT_DATES, LOSS_BY_HOLDER, Losses
from .. import glyphs
from ..text import level, part, percent, plural, safe, shorten
from .layout import INDENT, grid, heading, note
from .section import Section, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Loss allocation"
VISIBLE = 0.0005  # share of the tail below which a holder is not listed on his own


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """Losses by holder in the worst scenarios, and what falls on whom in a sentence."""
    borne, money = plan.loss_allocation, view.money
    if borne is None:
        return
    worst = level(1.0 - borne.level)
    remark = f"at the first default or the horizon, {money.unit}; tail: the worst {worst} of scenarios"
    yield from heading(TITLE, remark)
    rows = [row for row in plan.tables[LOSS_BY_HOLDER].records() if row.number(Losses.TAIL) > 0.0]
    if not rows:
        yield note("nobody loses in any scenario")
        return
    tails = [row.number(Losses.TAIL) for row in rows]
    total, top = sum(tails), max(tails)
    shown = [(row, tail) for row, tail in zip(rows, tails, strict=True) if tail >= VISIBLE * total]
    room = max(4, min(30, view.width - INDENT - 34 - 40))
    body = [
        (
            shorten(safe(row.text(Losses.TITLE)), 32).ljust(32),
            money(row.number(Losses.CLAIM)),
            money(row.number(Losses.EXPECTED)),
            money(tail),
            percent(part(tail, total)),
            glyphs.bar(part(tail, top), room, view.g),
        )
        for row, tail in shown
    ]
    yield grid(("", "mean claim", "expected", "in the tail", "share", ""), "lrrrrl", body)
    if len(shown) < len(rows):
        yield note(f"and {plural(len(rows) - len(shown), 'other')} with less than {percent(VISIBLE, 2)} each")
    yield note(
        f"all losses: {money(borne.expected)} expected, CVaR {level(borne.level)} {money(borne.cvar)}; of the "
        f"tail {percent(borne.outside_share)} falls outside the company, "
        f"{percent(borne.circular_share)} on suppliers and customers"
    )
    who = "the parent" if companies(plan.case) else "the company"
    yield note(f"{who} defaults in {percent(borne.default_probability)} of scenarios (table {DEFAULT_DATES})")


SECTION = Section("loss_allocation", TITLE, (LOSS_BY_HOLDER,), _render)
