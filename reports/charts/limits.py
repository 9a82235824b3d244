"""Charts of limits: covenants' headroom and breaches, risk limits out of sample, and what each limit is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.names import (
    COVENANT_BREACHES,
    COVENANTS,
    PRICES,
    CovenantBreaches,
    Covenants,
    Prices,
)
from ...optimizer.analysis.review_names import NODE
from ...optimizer.table import Column, Table
from ..summary.views import words
from ..text import figure, level, percent, safe
from .chart import Chart, Drawing, data
from .theme import GOOD, QUIET, SERIES, WARN, WIDTH, altair, amounts, colours, periods

if TYPE_CHECKING:
    from ...optimizer.plan import Plan

WORTH = 10
MEASURES = {"cvar": "CVaR"}


def _headroom(plan: Plan) -> Drawing | None:
    rows = [row for row in plan.tables[COVENANTS].records() if row.maybe(Covenants.HEADROOM) is not None]
    tightest: dict[tuple[str, str], float] = {}  # a plan that adapts has a row for each node
    for row in rows:
        key = words(row.text(Covenants.COVENANT)), row.text(Covenants.PERIOD)
        share = row.number(Covenants.HEADROOM) / max(abs(row.number(Covenants.LIMIT)), 1e-9)
        tightest[key] = min(share, tightest.get(key, share))
    shares = [(*key, share) for key, share in tightest.items()]
    if not shares:
        return None
    name, when, least = min(shares, key=lambda entry: entry[2])
    sentence = (
        f"On the expected path the tightest is {safe(name)} in {when}, with {percent(least)} of its limit left; "
        "below 0 it would be breached."
    )
    table = plan.tables[COVENANTS]
    if NODE in table.names:
        sentence += " Each point is that of the tightest node."
    labels = plan.case.horizon.labels

    def marks() -> Any:
        alt = altair()
        names = list(dict.fromkeys(safe(name) for name, _, _ in shares))
        shown = [
            {"covenant": safe(name), "period": period, "share": 100.0 * min(value, 2.0)}
            for name, period, value in shares
        ]
        lines = (
            alt.Chart(data(shown))
            .mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=2)
            .encode(
                x=periods(labels),
                y=amounts("share", "% of the limit (200 and more at the top)"),
                color=alt.Color("covenant:N", scale=colours(names), sort=None),
            )
        )
        zero = alt.Chart(data([{"y": 0.0}])).mark_rule(color=WARN, strokeDash=[5, 3]).encode(y="y:Q")
        return alt.layer(lines, zero).properties(width=WIDTH - 60, height=260)

    return Drawing("headroom as a share of the limit", sentence, table, marks)


def _breaches(plan: Plan) -> Drawing | None:
    table = plan.tables[COVENANT_BREACHES]
    rows = [row for row in table.records() if row.maybe(CovenantBreaches.BREACHED) is not None]
    if not any(row.number(CovenantBreaches.BREACHED) > 0.0 for row in rows):
        return None
    worst = max(rows, key=lambda row: row.number(CovenantBreaches.BREACHED))
    sentence = (
        f"Most breaches are of {safe(words(worst.text(CovenantBreaches.COVENANT)))} in "
        f"{worst.text(CovenantBreaches.PERIOD)}: {percent(worst.number(CovenantBreaches.BREACHED))} of the scenarios."
    )
    labels = plan.case.horizon.labels

    def marks() -> Any:
        alt = altair()
        shown = [
            {
                "covenant": safe(words(row.text(CovenantBreaches.COVENANT))),
                "period": row.text(CovenantBreaches.PERIOD),
                "share": 100.0 * row.number(CovenantBreaches.BREACHED),
            }
            for row in rows
        ]
        names = list(dict.fromkeys(str(row["covenant"]) for row in shown))
        return (
            alt.Chart(data(shown))
            .mark_line(strokeWidth=2)
            .encode(
                x=periods(labels),
                y=amounts("share", "% of scenarios"),
                color=alt.Color("covenant:N", scale=colours(names), sort=None),
            )
            .properties(width=WIDTH - 60, height=240)
        )

    return Drawing("share of the scenarios in breach", sentence, table, marks)


def _risk(plan: Plan) -> Drawing | None:
    if not plan.risk:
        return None
    rows = []
    for limit in plan.risk:
        fresh = limit.out_of_sample
        ends = (None, None, None) if fresh is None else (fresh.value, fresh.ci_low, fresh.ci_high)
        rows.append(
            (
                f"{words(limit.name)}, {MEASURES.get(limit.measure, limit.measure)} {level(limit.level)}",
                limit.limit,
                limit.value,
                *ends,
                limit.unit,
            )
        )
    close = max(plan.risk, key=lambda limit: limit.value / limit.limit if limit.limit else 0.0)
    sentence = (
        f"{safe(words(close.name)).capitalize()} is the closest to its limit: {figure(close.value, 4)} of "
        f"{figure(close.limit, 4)} {safe(close.unit)}; the bars are 95 % intervals on out-of-sample "
        "scenarios."
    )
    names = ("limit", "at most", "plan", "out of sample", "from", "to")
    forms = ("text", *("number",) * 5)
    columns = (*(Column(n, "", f) for n, f in zip(names, forms, strict=True)), Column("unit"))
    table = Table("risk", "Risk limits", columns, tuple(rows))

    def marks() -> Any:
        alt = altair()
        shown = []
        for name, most, value, fresh, low, high, _ in rows:
            base = abs(most) or 1.0
            entry = {"limit": safe(name), "plan": 100.0 * value / base}
            if fresh is not None and low is not None and high is not None:
                entry |= {"fresh": 100.0 * fresh / base, "low": 100.0 * low / base, "high": 100.0 * high / base}
            shown.append(entry)
        ends = [v for entry in shown for k, v in entry.items() if k != "limit"] + [100.0]
        room = max(5.0, 0.15 * (max(ends) - min(ends)))
        scale = alt.Scale(domain=[min(ends) - room, max(ends) + room], zero=False, nice=False)
        base = alt.Chart(data(shown)).encode(
            y=alt.Y("limit:N", sort=None, axis=alt.Axis(title=None, labelLimit=220, domain=False, ticks=False))
        )
        x = alt.X("plan:Q", scale=scale, axis=alt.Axis(title="% of the limit", tickCount=6))
        kinds = alt.Scale(domain=["plan", "out of sample, 95 %"], range=[SERIES[0], QUIET])
        bars = base.transform_calculate(what="'out of sample, 95 %'").mark_rule(strokeWidth=3).encode(
            x=alt.X("low:Q", scale=scale, axis=alt.Axis(title="% of the limit", tickCount=6)), x2="high:Q",
            color=alt.Color("what:N", scale=kinds),
        )  # fmt: skip
        dots = (
            base.transform_calculate(what="'plan'")
            .mark_point(filled=True, size=90, opacity=1)
            .encode(x=x, color=alt.Color("what:N", scale=kinds))
        )
        rule = (
            alt.Chart(data([{"x": 100.0}])).mark_rule(color=WARN, strokeDash=[5, 3]).encode(x=alt.X("x:Q", scale=scale))
        )
        return alt.layer(rule, bars, dots).properties(width=WIDTH - 250, height=alt.Step(34))

    return Drawing("share of the limit", sentence, table, marks)


def _worth(plan: Plan) -> Drawing | None:
    table = plan.tables[PRICES]
    rows = table.records()
    if not rows:
        return None
    first = max(rows, key=lambda row: abs(row.number(Prices.PRICE)))

    def named(row: Any) -> str:
        """Two lines: how much more, and of what."""
        more = f"{figure(row.number(Prices.PER), 3)} {row.text(Prices.UNIT)} more"
        return f"{safe(more)}|{safe(words(row.text(Prices.RULE)))}: {safe(row.text(Prices.WHERE))}"

    more = f"{figure(first.number(Prices.PER), 3)} {safe(first.text(Prices.UNIT))} more"
    which = f"{safe(first.text(Prices.LIMIT))} ({safe(first.text(Prices.WHERE))})"
    sentence = (
        f"{more} of {which} would change the objective most, by {figure(first.number(Prices.PRICE), 3)} "
        f"{safe(plan.objective_unit)}; each price holds for a small change."
    )

    def marks() -> Any:
        alt = altair()
        lines = "split(datum.label, '|')"
        axis = alt.Axis(title=None, labelLimit=290, domain=False, ticks=False, labelExpr=lines)
        shown = [
            {
                "limit": named(row),
                "worth": row.number(Prices.PRICE),
                "sign": "gain" if row.number(Prices.PRICE) >= 0.0 else "loss",
            }
            for row in sorted(rows[:WORTH], key=lambda row: -abs(row.number(Prices.PRICE)))
        ]
        return (
            alt.Chart(data(shown))
            .mark_bar()
            .encode(
                y=alt.Y("limit:N", sort=None, axis=axis),
                x=alt.X("worth:Q", axis=alt.Axis(title=plan.objective_unit, tickCount=4, format="~s")),
                color=alt.Color("sign:N", scale=alt.Scale(domain=["gain", "loss"], range=[GOOD, WARN]), legend=None),
            )
            .properties(width=WIDTH - 310, height=alt.Step(38))
        )

    return Drawing(plan.objective_unit, sentence, table, marks)


HEADROOM = Chart("covenant_headroom", "Covenants: headroom", (COVENANTS,), _headroom)
BREACHES = Chart("covenant_breaches", "Covenants: breaches over the scenarios", (COVENANT_BREACHES,), _breaches)
RISK = Chart("risk_limits", "Risk limits", (), _risk)
SHADOW_PRICES = Chart("shadow_prices", "What more of a limit is worth", (PRICES,), _worth)
