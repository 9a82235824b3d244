"""Charts of the capital: sources and uses, what is raised when, and from whom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...models.ledger import Account
from ...optimizer.analysis.names import (
    CASH_FLOW,
    FUNDING_BY_HOLDER,
    FUNDING_BY_INSTRUMENT,
    ISSUANCE,
    PREPAID,
    YES,
    FundingByHolder,
    FundingByInstrument,
    Issuance,
)
from ...optimizer.table import BILLION, Column, Table
from ..summary.sources_uses import BALANCED, SOURCE, USE, sources_and_uses
from ..text import money, part, percent, safe
from .chart import Chart, Drawing, data
from .series import grouped, largest, long, wide
from .theme import SERIES, WARN, WIDTH, altair, amounts, colours, periods

if TYPE_CHECKING:
    from ...optimizer.plan import Plan


def by_instrument(plan: Plan) -> list[tuple[str, str, float]]:
    """(side, what, billion) over the horizon, largest first on each side: sources and uses with the proceeds of each
    instrument. OutOfBalance where the two sides differ.
    """
    sources, uses = sources_and_uses(plan)
    raised = [(row.text(FundingByInstrument.TITLE), row.number(FundingByInstrument.FACE)) for row in _placed(plan)]
    proceeds = math.fsum(v for name, v in sources if name == Account.PROCEEDS.label)
    other = proceeds - math.fsum(v for _, v in raised)
    if abs(other) > BALANCED * max(1.0, proceeds):
        (raised if other > 0.0 else uses).append(("other proceeds of financing", abs(other)))
    sources = [*raised, *(entry for entry in sources if entry[0] != Account.PROCEEDS.label)]
    entries = [(side, name, v) for side, found in ((SOURCE, sources), (USE, uses)) for name, v in found if v]
    return sorted(entries, key=lambda entry: (entry[0], -entry[2]))


def _placed(plan: Plan) -> list[Any]:
    """Rows of funding by instrument, without customers' prepayments, which are an account of their own."""
    prepaid = {
        row.text(Issuance.INSTRUMENT) for row in plan.tables[ISSUANCE].records() if row.text(Issuance.HOW) == PREPAID
    }
    rows = plan.tables[FUNDING_BY_INSTRUMENT].records()
    return [row for row in rows if row.text(FundingByInstrument.INSTRUMENT) not in prepaid]


def _sources(plan: Plan) -> Drawing | None:
    entries = by_instrument(plan)
    total = math.fsum(v for side, _, v in entries if side == SOURCE)
    if total <= 0.0:
        return None
    most = {side: next((name, v) for s, name, v in entries if s == side) for side in (SOURCE, USE)}
    sentence = (
        f"Of {money(total)} bn over the horizon the largest source is {safe(most[SOURCE][0])} "
        f"({percent(part(most[SOURCE][1], total))}), the largest use {safe(most[USE][0])} "
        f"({percent(part(most[USE][1], total))})."
    )
    rows = [(side, safe(name), v, part(v, total)) for side, name, v in entries]
    rows += [(side, "total", total, 1.0) for side in (SOURCE, USE)]
    rows.sort(key=lambda row: row[0])
    table = Table(
        "sources_and_uses",
        "Sources and uses over the horizon",
        (Column("side"), Column("what"), Column("amount", BILLION, "money"), Column("share", "", "share")),
        tuple(rows),
    )

    def marks() -> Any:
        alt = altair()
        shown = [
            {"side": side, "what": safe(name), "amount": v, "order": i}
            for i, (side, name, v) in enumerate(entries)
            if v >= 0.002 * total
        ]
        parts = []
        for side, colour in ((SOURCE, SERIES[0]), (USE, SERIES[1])):
            mine = [row for row in shown if row["side"] == side]
            parts.append(
                alt.Chart(data(mine), title=alt.Title(side, anchor="start", fontSize=13))
                .mark_bar(color=colour)
                .encode(
                    y=alt.Y("what:N", sort=None, axis=alt.Axis(title=None, labelLimit=260, domain=False, ticks=False)),
                    x=alt.X("amount:Q", axis=alt.Axis(title="billion", tickCount=5), scale=alt.Scale(domain=[0, top])),
                )
                .properties(width=WIDTH - 290, height=alt.Step(20))
            )
        return alt.vconcat(*parts)

    top = max(v for _, _, v in entries)
    return Drawing(BILLION, sentence, table, marks)


def _raised(plan: Plan) -> Drawing | None:
    labels = plan.case.horizon.labels
    titles = {
        row.text(FundingByInstrument.INSTRUMENT): row.text(FundingByInstrument.TITLE)
        for row in plan.tables[FUNDING_BY_INSTRUMENT].records()
    }
    rows = []
    for row in plan.tables[ISSUANCE].records():
        values = [0.0] * len(labels)
        values[labels.index(row.text(Issuance.PERIOD))] = row.number(Issuance.FUNDED)
        name = row.text(Issuance.INSTRUMENT)
        rows.append((titles.get(name, name), values))
    whole = {name: values for name, values in grouped(rows).items() if any(values)}
    if not whole:
        return None
    total = math.fsum(map(math.fsum, whole.values()))
    most = max(whole, key=lambda name: math.fsum(whole[name]))
    by_time = [math.fsum(column) for column in zip(*whole.values(), strict=True)]
    peak = max(range(len(labels)), key=lambda t: by_time[t])
    sentence = (
        f"{money(total)} bn is raised, most of it as {safe(most)} ({percent(part(math.fsum(whole[most]), total))}); "
        f"the busiest period is {labels[peak]} with {money(by_time[peak])} bn."
    )
    table = wide("raised", "Raised by instrument and period", whole, labels, BILLION, "money", "instrument")
    series = largest(whole)
    return Drawing(BILLION, sentence, table, lambda: stacked_bars(series, labels, "billion"))


def stacked_bars(series: dict[str, list[float]], labels: Any, unit: str) -> Any:
    """Bars by period, one on top of the other by series."""
    alt = altair()
    return (
        alt.Chart(data(long(series, labels)))
        .mark_bar()
        .encode(
            x=periods(labels),
            y=amounts("amount", unit, stack="zero"),
            color=alt.Color("series:N", scale=colours([safe(name) for name in series]), sort=None),
            order=alt.Order("order:Q"),
        )
        .properties(width=WIDTH - 60, height=260)
    )


def _holders(plan: Plan) -> Drawing | None:
    rows = plan.tables[FUNDING_BY_HOLDER].records()
    if not rows:
        return None
    circular = [row for row in rows if row.text(FundingByHolder.CIRCULAR) == YES]
    first = max(rows, key=lambda row: row.number(FundingByHolder.FACE))
    who, share = safe(first.text(FundingByHolder.TITLE)), percent(first.number(FundingByHolder.SHARE))
    sentence = (
        f"Most comes from {who} ({share}); "
        f"{percent(plan.funding.circular_share)} is from suppliers and customers"
        + (", in the second colour." if circular else ".")
    )

    def marks() -> Any:
        alt = altair()
        shown = [
            {
                "holder": safe(row.text(FundingByHolder.TITLE)),
                "amount": row.number(FundingByHolder.FACE),
                "who": "suppliers and customers" if row.text(FundingByHolder.CIRCULAR) == YES else "outside investors",
            }
            for row in rows
        ]
        scale = alt.Scale(domain=["outside investors", "suppliers and customers"], range=[SERIES[0], WARN])
        return (
            alt.Chart(data(shown))
            .mark_bar()
            .encode(
                y=alt.Y("holder:N", sort="-x", axis=alt.Axis(title=None, labelLimit=260, domain=False, ticks=False)),
                x=alt.X("amount:Q", axis=alt.Axis(title="billion", tickCount=6)),
                color=alt.Color("who:N", scale=scale),
            )
            .properties(width=WIDTH - 290, height=alt.Step(22))
        )

    return Drawing(BILLION, sentence, plan.tables[FUNDING_BY_HOLDER], marks)


SOURCES = Chart("sources_and_uses", "Sources and uses", (CASH_FLOW, FUNDING_BY_INSTRUMENT, ISSUANCE), _sources)
RAISED = Chart("raised", "Capital raised over time", (ISSUANCE, FUNDING_BY_INSTRUMENT), _raised)
HOLDERS = Chart("holders", "Who provides the money", (FUNDING_BY_HOLDER,), _holders)
