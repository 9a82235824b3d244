"""The plan in four figures: the objective, capital raised and spent, and cash at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ...models.ledger import Account
from ...optimizer.analysis.names import CASH_FLOW, CashRow
from ..text import figure, gap, percent, safe
from .layout import HEADING, QUIET, grid, text
from .section import Section, View
from .views import by_period, words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    money = view.money
    labels = plan.case.horizon.labels
    hardware, sites = (-sum(by_period(plan, CASH_FLOW, a.label)) for a in (Account.HARDWARE, Account.SITES))
    cash = by_period(plan, CASH_FLOW, CashRow.END)
    lowest = min(range(len(cash)), key=cash.__getitem__)
    yield Text("")
    reached = Text("  " + words(plan.objective_name) + "  ")
    reached.append(figure(plan.objective_value, 6), style=HEADING)
    reached.append(f" {safe(plan.objective_unit)}")
    if plan.certificate is not None:
        reached.append(f"   gap {gap(plan.certificate.gap)}", style=QUIET)
    yield reached
    yield grid(
        ("", "", "", ""),
        "lrll",
        [
            (
                "capital raised",
                text(money(plan.funding.total), HEADING),
                money.unit,
                f"{percent(plan.funding.circular_share)} circular (from suppliers and customers), "
                f"{percent(plan.funding.circular_of_spending)} of what is spent",
            ),
            (
                "capital spent",
                text(money(hardware + sites), HEADING),
                money.unit,
                f"hardware {money(hardware)}, sites {money(sites)}",
            ),
            (
                "closing cash",
                text(money(cash[-1]), HEADING),
                money.unit,
                f"opening {money(plan.case.cash.opening)}, lowest {money(cash[lowest])} in {labels[lowest]}",
            ),
        ],
        flexible=3,
    )


SECTION = Section("key_figures", "", (CASH_FLOW,), _render)
