"""Circular money and who bears the loss: two sections of the summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import charts
from ..charts import Glyphs
from ..text import level, money, part, percent, plural, safe, shorten
from .layout import INDENT, grid, heading, note
from .views import amount, records, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

LOOPS = 6
VISIBLE = 0.0005  # share of the tail below which a holder is not listed on his own


def circular_money(plan: Plan, width: int) -> Iterator[RenderableType]:
    """The loops of the largest circulation, by name."""
    rows = records(plan, "circular_loops")
    funding = plan.funding
    if not rows and funding.circular_share == 0.0:
        return
    yield from heading("Circular money", "what can run from the company back to it, bn")
    yield note(
        f"{money(funding.circulating)} of {money(funding.total)} raised can circulate "
        f"({percent(funding.circulating_share)}); suppliers and customers put in {percent(funding.circular_share)}"
    )
    names = {f"party {k}": v for k, v in titles(plan.case.party).items()}
    names |= {f"investor {k}": v for k, v in titles(plan.case.investor).items()}
    body = [
        (
            money(amount(row["amount"])),
            percent(row["share of funding"]) if row["share of funding"] is not None else "",
            str(row["comes back as"]),
            shorten(" > ".join(safe(names.get(n, n)) for n in str(row["loop"]).split(" > ")), width - INDENT - 28),
        )
        for row in rows[:LOOPS]
    ]
    if body:
        yield grid(("", "of funding", "back as", "loop"), "rrll", body, flexible=3)
    if len(rows) > LOOPS:
        yield note(f"and {plural(len(rows) - LOOPS, 'smaller loop')} in table circular_loops")


def who_bears(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    """Losses by holder in the worst futures, and what falls on whom in a sentence."""
    bearers = plan.bearers
    if bearers is None:
        return
    worst = level(1.0 - bearers.level)
    yield from heading(
        "Who bears the loss", f"at the first default or the horizon, bn; tail: the worst {worst} of futures"
    )
    rows = [row for row in records(plan, "loss_by_holder") if amount(row["loss in the tail"]) > 0.0]
    if not rows:
        yield note("nobody loses in any future")
        return
    total = sum(amount(row["loss in the tail"]) for row in rows)
    shown = [row for row in rows if amount(row["loss in the tail"]) >= VISIBLE * total]
    top = max(amount(row["loss in the tail"]) for row in rows)
    room = max(4, min(30, width - INDENT - 34 - 40))
    body = [
        (
            shorten(safe(row["title"]), 32).ljust(32),
            money(amount(row["owed"])),
            money(amount(row["expected loss"])),
            money(amount(row["loss in the tail"])),
            percent(part(amount(row["loss in the tail"]), total)),
            charts.bar(part(amount(row["loss in the tail"]), top), room, g),
        )
        for row in shown
    ]
    yield grid(("", "due then", "expected", "in the tail", "share", ""), "lrrrrl", body)
    if len(shown) < len(rows):
        yield note(f"and {plural(len(rows) - len(shown), 'other')} with less than {percent(VISIBLE, 2)} each")
    yield note(
        f"all losses: {money(bearers.expected)} expected, CVaR {level(bearers.level)} {money(bearers.cvar)}; of the "
        f"tail {percent(bearers.outside_share)} falls outside the company, "
        f"{percent(bearers.circular_share)} on suppliers and customers"
    )
    who = "the parent" if records(plan, "entity_risk") else "the company"
    yield note(f"{who} defaults in {percent(bearers.default_probability)} of futures (table default_dates)")
