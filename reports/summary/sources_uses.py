"""Sources and uses over the horizon, in the summary: where money comes from and where it goes; both sides add up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.text import Text

from ...errors import CapmixError
from ...models.ledger import CASH_ACCOUNTS, Account, Group
from ...optimizer.analysis.names import CASH_FLOW, CashRow, cash_flow_of
from ..scale import MoneyScale
from .layout import HEADING, grid, heading, note
from .section import Section, View
from .views import by_period

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Sources and uses"
SOURCE, USE = "sources", "uses"
TOLD = (CashRow.START, CashRow.END, Account.HARDWARE.label, Account.SITES.label)  # in the head of the summary too
BALANCED = 1e-6  # of all sources: what may be missing between sources and uses


class OutOfBalance(CapmixError):
    """Sources and uses differ: a fault of capmix; they are not shown then."""


Entries = list[tuple[str, float]]


def sources_and_uses(plan: Plan) -> tuple[Entries, Entries]:
    """What money comes from and what it goes to over the horizon, billion: two lists with the same sum.

    Operation is one entry, by its net; every other account of cash is one of its own. Opening cash is the first source,
    closing cash the last use; between them the largest comes first. OutOfBalance where the sums differ.
    """
    beside = [account.label for account in CASH_ACCOUNTS if account.group not in (Group.OPERATING, Group.INTERNAL)]
    lines = (cash_flow_of(Group.OPERATING), *beside, CashRow.INTEREST)
    flows = {str(line): math.fsum(by_period(plan, CASH_FLOW, line)) for line in lines}
    end = by_period(plan, CASH_FLOW, CashRow.END)[-1]
    sources = [(CashRow.START.value, by_period(plan, CASH_FLOW, CashRow.START)[0])]
    sources += sorted(((name, v) for name, v in flows.items() if v > 0.0), key=lambda entry: -entry[1])
    uses = sorted(((name, -v) for name, v in flows.items() if v < 0.0), key=lambda entry: -entry[1])
    uses.append((CashRow.END.value, end))
    of_sources, of_uses = (math.fsum(v for _, v in side) for side in (sources, uses))
    if not abs(of_sources - of_uses) <= BALANCED * max(1.0, of_sources):
        raise OutOfBalance(f"sources are {of_sources:.9g} billion and uses {of_uses:.9g}")
    return sources, uses


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    money = view.money
    yield from heading(TITLE, f"{plan.case.horizon.labels[0]}–{plan.case.horizon.labels[-1]}, expected, {money.unit}")
    try:
        sides = sources_and_uses(plan)
    except OutOfBalance as fault:
        yield note(f"not shown: {fault}, which is a fault of capmix", "yellow")
        return
    left, right = (_visible(side, money) for side in sides)
    rows: list[tuple[object, ...]] = [(*a, "", *b) for a, b in zip_longest(left, right, fillvalue=("", ""))]
    totals = [Text(money(math.fsum(v for _, v in side)), style=HEADING) for side in sides]
    rows.append(("total", totals[0], "", "total", totals[1]))
    yield grid((SOURCE, "", "", USE, ""), "lrllr", rows)


def _visible(entries: Entries, money: MoneyScale) -> list[tuple[str, str]]:
    """The entries as they are shown; those that would be nothing in one of their own."""
    least = 0.5 * 10.0**-money.decimals / money.factor
    few = [v for _, v in entries if v < least]
    shown = [(name, v) for name, v in entries if v >= least]
    if math.fsum(few) >= least:
        shown.append(("other", math.fsum(few)))
    kept = [i for i, (name, _) in enumerate(shown) if name in TOLD]
    return list(zip((name for name, _ in shown), money.adding([v for _, v in shown], kept), strict=True))


SECTION = Section("sources_uses", TITLE, (CASH_FLOW,), _render)
