"""Charts of cash: its fan over the scenarios against the minimum, and when the company defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.names import DEFAULT_DATES, LIQUIDITY_FAN, DefaultDates, LiquidityFan
from ...optimizer.table import BILLION
from ..text import money, percent
from .chart import Chart, Drawing, data
from .theme import SERIES, WARN, WIDTH, altair, amounts, periods

if TYPE_CHECKING:
    from ...optimizer.plan import Plan


def _fan(plan: Plan) -> Drawing | None:
    table = plan.tables[LIQUIDITY_FAN]
    rows = table.records()
    if not rows:
        return None
    worst = max(rows, key=lambda row: row.number(LiquidityFan.BELOW))
    least = min(rows, key=lambda row: row.number(LiquidityFan.Q50))
    share = worst.number(LiquidityFan.BELOW)
    when = worst.text(LiquidityFan.PERIOD)
    often = (
        f"cash is most often below the minimum in {when}, in {percent(share)} of the scenarios"
        if share > 0.0
        else "cash stays above the minimum in every scenario"
    )
    sentence = (
        f"The median is lowest in {least.text(LiquidityFan.PERIOD)} at {money(least.number(LiquidityFan.Q50))} bn; "
        f"before any remedy, {often}."
    )
    labels = [row.text(LiquidityFan.PERIOD) for row in rows]

    def marks() -> Any:
        keys = {
            "q05": LiquidityFan.Q05, "q25": LiquidityFan.Q25, "q50": LiquidityFan.Q50, "q75": LiquidityFan.Q75,
            "q95": LiquidityFan.Q95, "minimum": LiquidityFan.MINIMUM,
        }  # fmt: skip
        shown = [
            {"period": row.text(LiquidityFan.PERIOD)} | {key: row.number(name) for key, name in keys.items()}
            for row in rows
        ]
        return fan(shown, labels, "billion", floor="minimum")

    return Drawing(BILLION, sentence, table, marks)


def fan(rows: list[dict[str, Any]], labels: list[str], unit: str, floor: str = "") -> Any:
    """Bands of 5 to 95 and 25 to 75 % with the median, from the fields q05 … q95; `floor`: a field drawn as a limit."""
    alt = altair()
    names = ["5 to 95 %", "25 to 75 %", "median"] + (["minimum"] if floor else [])
    shades = ["#a9c3e6", "#6f9ad0", SERIES[0], WARN][: len(names)]
    scale = alt.Scale(domain=names, range=shades)
    base = alt.Chart(data(rows)).encode(x=periods(labels))

    def band(low: str, high: str, name: str) -> Any:
        return (
            base.transform_calculate(what=f"'{name}'")
            .mark_area(opacity=0.85)
            .encode(y=amounts(low, unit), y2=f"{high}:Q", color=alt.Color("what:N", scale=scale))
        )

    def line(field: str, name: str, dash: list[int]) -> Any:
        return (
            base.transform_calculate(what=f"'{name}'")
            .mark_line(strokeDash=dash, strokeWidth=2)
            .encode(y=amounts(field, unit), color=alt.Color("what:N", scale=scale))
        )

    layers = [band("q05", "q95", names[0]), band("q25", "q75", names[1]), line("q50", names[2], [])]
    if floor:
        layers.append(line(floor, names[3], [5, 3]))
    return alt.layer(*layers).properties(width=WIDTH - 60, height=280)


def _defaults(plan: Plan) -> Drawing | None:
    table = plan.tables[DEFAULT_DATES]
    rows = table.records()
    if not rows or rows[-1].number(DefaultDates.CUMULATIVE) <= 0.0:
        return None
    ever = rows[-1].number(DefaultDates.CUMULATIVE)
    worst = max(rows, key=lambda row: row.number(DefaultDates.FIRST))
    sentence = (
        f"The company defaults in {percent(ever)} of the scenarios, most often in {worst.text(DefaultDates.PERIOD)}."
    )
    labels = [row.text(DefaultDates.PERIOD) for row in rows]

    def marks() -> Any:
        alt = altair()
        shown = [
            {
                "period": row.text(DefaultDates.PERIOD),
                "first": 100.0 * row.number(DefaultDates.FIRST),
                "so_far": 100.0 * row.number(DefaultDates.CUMULATIVE),
            }
            for row in rows
        ]
        base = alt.Chart(data(shown)).encode(x=periods(labels))
        scale = alt.Scale(domain=["so far", "first default in the period"], range=[SERIES[0], WARN])
        bars = (
            base.transform_calculate(what="'first default in the period'")
            .mark_bar()
            .encode(y=amounts("first", "% of scenarios"), color=alt.Color("what:N", scale=scale))
        )
        line = (
            base.transform_calculate(what="'so far'")
            .mark_line(strokeWidth=2)
            .encode(y=amounts("so_far", "% of scenarios"), color=alt.Color("what:N", scale=scale))
        )
        return alt.layer(bars, line).properties(width=WIDTH - 60, height=200)

    return Drawing("share of the scenarios", sentence, table, marks)


CASH_FAN = Chart("cash_fan", "Cash against its minimum", (LIQUIDITY_FAN,), _fan)
DEFAULTS = Chart("defaults", "When the company defaults", (DEFAULT_DATES,), _defaults)
