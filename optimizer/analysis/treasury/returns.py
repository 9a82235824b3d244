"""NPV and IRR of the plan and of equity, against doing nothing: incremental flows, as `models/blocks/idle.py` has it.

Three views, each with its own flows, so that NPV and IRR of a row are those of the same flows:

- the plan before financing: what it earns, invests and pays in tax, and what it leaves at the end; nothing of what
  goes to or comes from those who finance it. Tax is what is paid, so the shield of interest is in it (capital cash
  flow: Ruback, Financial Management 31(2), 2002, doi:10.2307/3666224).
- equity, as cash arises: the same after financing. Cash counts when it comes in, as if it were paid out, so interest on
  cash that waits is not in it.
- owners, as the company keeps its cash: it earns the deposit rate and is theirs at the end, with the assets and without
  the debt. This NPV is the objective `npv`, and minus the objective `cost`; since dividends are the same with and
  without the plan, it is one flow, and has no IRR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....models.blocks.quantities import money_discount
from ....models.ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account, Group
from ...arrays import FloatArray
from ...table import BILLION, Cell, Column, Table
from ..expected import Amounts
from ..funding_cost import yearly
from ..names import Line
from ..tabulate import long, wide
from .internal_rate import internal_rate
from .names import AT_END, RETURN_FLOWS, RETURNS, Measure, Returns
from .postings import BoolArray, Postings

FINANCING = (
    Account.PROCEEDS, Account.FEES, Account.INTEREST, Account.PRINCIPAL, Account.DIVIDENDS, Account.RENT,
)  # fmt: skip
"""What goes to, and comes from, those who finance the plan; rent is that of leases that fund it."""
OPERATION = tuple(
    a for a in CASH_ACCOUNTS if a not in FINANCING and a.group is not Group.INTERNAL and a is not Account.TAX
)
ONE_FLOW = "no rate: the owners put in and take out nothing before the end"
WHAT = {
    Measure.PLAN: "operation, customers' prepayments, investment and tax, and what is left at the end, against doing "
    "nothing; nothing of its financing",
    Measure.EQUITY: "the same after financing, at the end less what is owed; cash counts when it arises, without "
    "interest on cash",
    Measure.OWNERS: "wealth at the end against doing nothing, cash kept in the company at the deposit rate: the "
    "objective npv",
}


@dataclass(frozen=True, eq=False)
class Flows:
    """(T,) incremental flows at each period's end, billion, and the value at the end of the last period."""

    flows: FloatArray
    end: float

    @property
    def all(self) -> FloatArray:
        found = self.flows.copy()
        found[-1] += self.end
        return found


def flows(own: Postings) -> dict[Measure, Flows]:
    """The flows of each view. own: postings of the whole case."""
    amounts = own.amounts
    chosen = ~own.block("fixed")
    without, last = amounts.without, float(money_discount(amounts.case)[-1])
    tax = own.of(Account.TAX) + without.tax
    operation = own.of(*OPERATION, where=chosen) + tax
    financing = own.of(*FINANCING, where=chosen)
    funded = chosen & ~own.tagged(instrument="")
    ends = _at_end(own, chosen)
    kept = float(own.cash[-1] + own.of(*TERMINAL_ACCOUNTS).sum()) - without.wealth / last
    return {
        Measure.PLAN: Flows(operation, ends - _at_end(own, funded)),
        Measure.EQUITY: Flows(operation + financing, ends),
        Measure.OWNERS: Flows(np.zeros(amounts.periods), kept),
    }


def _at_end(own: Postings, where: BoolArray) -> float:
    """What is owned less what is owed at the end."""
    return float(own.of(*TERMINAL_ACCOUNTS, where=where).sum())


def net_present_value(amounts: Amounts, found: Flows) -> float:
    """Billion, at the start of period 0, at objective.money_discount."""
    return float(money_discount(amounts.case) @ found.all)


def return_tables(own: Postings) -> dict[str, Table]:
    """returns and return_flows. own: postings of the whole case."""
    amounts, found = own.amounts, flows(own)
    columns = (
        Column(Returns.MEASURE),
        Column(Returns.NPV, BILLION, "money"),
        Column(Returns.RATE, "per year", "rate"),
        Column(Returns.IRR, "per year", "rate"),
        Column(Returns.NOTE),
        Column(Returns.WHAT),
    )
    rows = [_row(amounts, measure, view) for measure, view in found.items()]
    title = "NPV and IRR against doing nothing; flows at the end of their period, rates effective by year"
    lines: list[tuple[tuple[str, ...], FloatArray]] = []
    for measure, view in found.items():
        ends = np.zeros(amounts.periods)
        ends[-1] = view.end
        lines += [((measure,), view.flows), ((f"{AT_END}{measure}",), ends)]
    heading = "Expected flows against doing nothing, of which NPV and IRR are made"
    return {
        RETURNS: long(RETURNS, title, columns, rows),
        RETURN_FLOWS: wide(RETURN_FLOWS, heading, tuple(Line), lines, amounts.labels, BILLION, "money", noise=1e-12),
    }


def _row(amounts: Amounts, measure: Measure, view: Flows) -> Sequence[Cell]:
    rate, why = (None, ONE_FLOW) if measure is Measure.OWNERS else internal_rate(view.all)
    return (
        measure, net_present_value(amounts, view), amounts.case.objective.money_discount,
        yearly(rate, amounts.case.horizon.per_year), why, WHAT[measure],
    )  # fmt: skip
