"""Cash in the summary: compute, flows, debt service and cash by period, and the fan of cash over the scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ...models.ledger import Group
from ...optimizer.analysis.names import (
    CASH_FLOW,
    COMPUTE,
    DEBT_SERVICE,
    LIQUIDITY_FAN,
    CashRow,
    ComputeRow,
    DebtRow,
    LiquidityFan,
    cash_flow_of,
)
from .. import glyphs
from ..glyphs import Scale
from ..text import figure, percent
from .layout import INDENT, grid, heading, note
from .section import Section, View
from .views import by_period, steps

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

TITLE = "Cash and debt service"
FAN = (LiquidityFan.Q05, LiquidityFan.Q25, LiquidityFan.Q50, LiquidityFan.Q75, LiquidityFan.Q95)


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """Per period: compute, flows, debt service, cash and the fan of cash over the scenarios."""
    labels, width, g, money = plan.case.horizon.labels, view.width, view.g, view.money
    columns = steps(labels)
    flows = [
        by_period(plan, COMPUTE, ComputeRow.SERVED),
        by_period(plan, CASH_FLOW, cash_flow_of(Group.OPERATING)),
        by_period(plan, CASH_FLOW, cash_flow_of(Group.INVESTING)),
        by_period(plan, DEBT_SERVICE, DebtRow.PROCEEDS),
        by_period(plan, DEBT_SERVICE, DebtRow.SERVICE),
        other_flows(plan),
        by_period(plan, CASH_FLOW, CashRow.END),
    ]
    # a thousand PFLOP/s is an EFLOP/s: four digits then say enough
    unit, scale_ = ("EFLOP/s", 1e-3) if max(flows[0]) >= 1e5 else ("PFLOP/s", 1.0)
    shown = [
        [f"{v * scale_:,.{0 if max(flows[0]) * scale_ >= 1000 else 1}f}" for v in columns.ends(flows[0])],
        [money(v) for v in columns.sums(flows[1])],
        [money(-v) for v in columns.sums(flows[2])],
        [money(v) for v in columns.sums(flows[3])],
        [money(v) for v in columns.sums(flows[4])],
        [money(v) for v in columns.sums(flows[5])],
        [money(v) for v in columns.ends(flows[6])],
    ]
    space = 1 if width < 100 else 2
    heads = ["", unit, "earned", "invested", "proceeds", "service", "other", "cash"]
    widths = [max(len(head), *(len(cell) for cell in cells)) for head, cells in zip(heads[1:], shown, strict=True)]
    room = width - INDENT - 6 - sum(widths) - space * (len(widths) + 2)
    fan = [plan.tables[LIQUIDITY_FAN].row(label) for label in labels]
    ranges = [[row.number(q) for q in FAN] for row in columns.ends(fan)]
    scale = None
    if room >= 12:
        floors = plan.case.cash.minimum
        scale = Scale(min(0.0, *floors, *(r[0] for r in ranges)), max(r[4] for r in ranges), min(room, 44))
        low, high = (figure(v * money.factor, 3) for v in (scale.low, scale.high))
        heads.append(low + high.rjust(scale.width - len(low)))
    rows = []
    for i, label in enumerate(columns.labels):
        row: list[object] = [label, *(cells[i] for cells in shown)]
        if scale is not None:
            minimum = plan.case.cash.minimum[columns.spans[i][1]]
            row.append(Text(glyphs.spread(ranges[i], minimum, scale, g)))
        rows.append(row)
    yield from heading(TITLE, f"expected, {money.unit}; compute and cash at each end")
    yield grid(heads, "lrrrrrrr" + "l" * (len(heads) - 8), rows, flexible=-1, gap=space)
    yield note(f"cash: {money(plan.case.cash.opening)} opening, + earned - invested + proceeds - service + other")
    yield note("earned: operating cash flow; proceeds: issued and drawn; service: interest and repayment;")
    yield note("other: prepayments less credits, fees, dividends, tax, interest on cash")
    if scale is not None:
        yield note(
            f"cash by scenario: {g.outer} 5–95 %, {g.inner} middle half, {g.median} median, {g.floor} minimum cash"
        )
        worst = max(fan, key=lambda row: row.number(LiquidityFan.BELOW))
        share = worst.number(LiquidityFan.BELOW)
        if share > 0.0:
            when = f"{worst.text(LiquidityFan.PERIOD)}: {percent(share)} of scenarios"
            yield note(f"before any remedy, cash is most often below the minimum in {when}")
        else:
            yield note("cash stays above the minimum in every scenario")


def other_flows(plan: Plan) -> list[float]:
    """What moves cash beside earnings, investments, money placed and drawn, and debt service."""
    cash = by_period(plan, CASH_FLOW, CashRow.END)
    before = (plan.case.cash.opening, *cash[:-1])
    known = (
        by_period(plan, CASH_FLOW, cash_flow_of(Group.OPERATING)),
        by_period(plan, CASH_FLOW, cash_flow_of(Group.INVESTING)),
        by_period(plan, DEBT_SERVICE, DebtRow.PROCEEDS),
        [-v for v in by_period(plan, DEBT_SERVICE, DebtRow.SERVICE)],
    )
    return [end - start - sum(flows) for end, start, *flows in zip(cash, before, *known, strict=True)]


SECTION = Section("cash", TITLE, (COMPUTE, CASH_FLOW, DEBT_SERVICE, LIQUIDITY_FAN), _render)
