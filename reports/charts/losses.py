"""Chart of who bears the loss: by holder, expected and in the worst scenarios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.names import LOSS_BY_HOLDER, Losses
from ...optimizer.table import BILLION
from ..text import level, part, percent, safe
from .chart import Chart, Drawing, data
from .theme import SERIES, WARN, WIDTH, altair

if TYPE_CHECKING:
    from ...optimizer.plan import Plan

SMALL = 0.0005  # of the tail: less is not drawn


def _losses(plan: Plan) -> Drawing | None:
    table = plan.tables[LOSS_BY_HOLDER]
    rows = [row for row in table.records() if row.number(Losses.TAIL) > 0.0]
    if not rows or plan.loss_allocation is None:
        return None
    total = math.fsum(row.number(Losses.TAIL) for row in rows)
    first = max(rows, key=lambda row: row.number(Losses.TAIL))
    worst = level(1.0 - plan.loss_allocation.level)
    share = percent(part(first.number(Losses.TAIL), total))
    found = plan.loss_allocation
    sentence = (
        f"In the worst {worst} of the scenarios {share} of the loss falls on {safe(first.text(Losses.TITLE))}; "
        f"{percent(found.outside_share)} falls outside the company, {percent(found.circular_share)} on suppliers and "
        "customers."
    )

    def marks() -> Any:
        alt = altair()
        tail, mean = f"mean of the worst {worst}", "expected"
        shown = [
            {"holder": safe(row.text(Losses.TITLE)), "what": what, "amount": row.number(column)}
            for row in rows
            if row.number(Losses.TAIL) >= SMALL * total
            for what, column in ((mean, Losses.EXPECTED), (tail, Losses.TAIL))
        ]
        return (
            alt.Chart(data(shown))
            .mark_bar()
            .encode(
                y=alt.Y("holder:N", sort=None, axis=alt.Axis(title=None, labelLimit=240, domain=False, ticks=False)),
                yOffset=alt.YOffset("what:N", sort=[mean, tail]),
                x=alt.X("amount:Q", axis=alt.Axis(title="billion", tickCount=6)),
                color=alt.Color("what:N", scale=alt.Scale(domain=[mean, tail], range=[SERIES[0], WARN])),
            )
            .properties(width=WIDTH - 270, height=alt.Step(14))
        )

    return Drawing(BILLION, sentence, table, marks)


LOSS_ALLOCATION = Chart("loss_allocation", "Loss allocation", (LOSS_BY_HOLDER,), _losses)
