"""Charts of what the money becomes: orders, compute in service by system and by site, and what holds it back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.names import (
    BOTTLENECKS,
    COMPUTE_BY_SYSTEM,
    NO_LINK,
    PURCHASES,
    Bottlenecks,
    Purchases,
    SystemCompute,
)
from ...optimizer.table import Column, Record, Table
from ..summary.views import numbers, titles
from ..text import figure, part, percent, safe
from .capital import stacked_bars
from .chart import Chart, Drawing, data
from .series import grouped, largest, long, wide
from .theme import LINE, SERIES, WIDTH, altair, amounts, colours, periods

if TYPE_CHECKING:
    from ...optimizer.plan import Plan


def _orders(plan: Plan) -> Drawing | None:
    labels = plan.case.horizon.labels
    names = titles(plan.case.accelerator)
    prices = {a.id: a.price for a in plan.case.accelerator}
    rows = plan.tables[PURCHASES].records()
    systems = grouped((names[row.text(Purchases.ACCELERATOR)], numbers(row, labels)) for row in rows)
    if not systems:
        return None
    spent = grouped(
        (
            names[row.text(Purchases.ACCELERATOR)],
            [v * prices[row.text(Purchases.ACCELERATOR)] / 1e3 for v in numbers(row, labels)],
        )
        for row in rows
    )
    total = math.fsum(map(math.fsum, spent.values()))
    most = max(spent, key=lambda name: math.fsum(spent[name]))
    count = math.fsum(map(math.fsum, systems.values()))
    sentence = (
        f"{figure(count, 4)} systems are ordered, most of the money goes into {safe(most)} "
        f"({percent(part(math.fsum(spent[most]), total))} at today's prices)."
    )
    table = wide("orders", "Systems ordered", systems, labels, "systems", "number", "system")
    series = largest(spent)
    return Drawing("billion at today's prices", sentence, table, lambda: stacked_bars(series, labels, "billion"))


def _by(column: SystemCompute, entries: Callable[[Plan], Any], what: str) -> Callable[[Plan], Drawing | None]:
    def draw(plan: Plan) -> Drawing | None:
        labels = plan.case.horizon.labels
        names = titles(entries(plan))
        rows = plan.tables[COMPUTE_BY_SYSTEM].records()
        whole = grouped((names[row.text(column)], numbers(row, labels)) for row in rows)
        if not whole:
            return None
        total = [math.fsum(values) for values in zip(*whole.values(), strict=True)]
        most = max(whole, key=lambda name: whole[name][-1])
        sentence = (
            f"Compute in service goes from {figure(total[0], 3)} to {figure(total[-1], 3)} PFLOP/s; in {labels[-1]} "
            f"{safe(most)} has the largest part ({percent(part(whole[most][-1], total[-1]))})."
        )
        title = f"Compute in service by {what}"
        table = wide(f"compute_by_{what}", title, whole, labels, "PFLOP/s", "number", what)
        series = largest(whole)
        return Drawing("PFLOP/s, expected", sentence, table, lambda: _areas(series, labels))

    return draw


def _areas(series: dict[str, list[float]], labels: Any) -> Any:
    alt = altair()
    most = max(math.fsum(values) for values in zip(*series.values(), strict=True))
    factor, unit = (1e-3, "EFLOP/s") if most >= 1e5 else (1.0, "PFLOP/s")
    scaled = {name: [v * factor for v in values] for name, values in series.items()}
    return (
        alt.Chart(data(long(scaled, labels)))
        .mark_area(interpolate="step-after" if len(labels) < 2 else "linear")
        .encode(
            x=periods(labels),
            y=amounts("amount", unit, stack="zero"),
            color=alt.Color("series:N", scale=colours([safe(name) for name in series]), sort=None),
            order=alt.Order("order:Q"),
        )
        .properties(width=WIDTH - 60, height=260)
    )


def _bottlenecks(plan: Plan) -> Drawing | None:
    rows = plan.tables[BOTTLENECKS].records()
    if not rows:
        return None
    labels = plan.case.horizon.labels
    names = titles(plan.case.site)
    count = Counter(_link(row) for row in rows)
    ranked = [link for link, _ in count.most_common() if link != NO_LINK]
    if ranked:
        sentence = (
            f"Most often {safe(ranked[0])} holds compute back: in {count[ranked[0]]} of {len(rows)} pairs of site and "
            "period."
        )
    else:
        sentence = "Nothing holds compute back."
    columns = (Column("site"), Column("period"), Column("bottleneck"), Column("what"))
    cells = tuple(
        (
            safe(names.get(row.text(Bottlenecks.SITE), row.text(Bottlenecks.SITE))),
            row.text(Bottlenecks.PERIOD),
            _link(row),
            row.text(Bottlenecks.WHAT),
        )
        for row in rows
    )
    table = Table("bottlenecks", "What holds compute back", columns, cells)

    def marks() -> Any:
        alt = altair()
        shown = [{"site": site, "period": period, "link": link} for site, period, link, _ in cells]
        domain = [*ranked, *([NO_LINK] if count[NO_LINK] else [])]
        shades = [SERIES[i % len(SERIES)] for i in range(len(ranked))] + [LINE]
        return (
            alt.Chart(data(shown))
            .mark_rect(strokeWidth=1, stroke="transparent")
            .encode(
                x=periods(labels),
                y=alt.Y("site:N", sort=None, axis=alt.Axis(title=None, labelLimit=180, domain=False, ticks=False)),
                color=alt.Color("link:N", scale=alt.Scale(domain=domain, range=shades[: len(domain)])),
            )
            .properties(width=WIDTH - 210, height=alt.Step(34))
        )

    return Drawing("the bottleneck", sentence, table, marks)


def _link(row: Record) -> str:
    return row.text(Bottlenecks.BOTTLENECK) or NO_LINK


ORDERS = Chart("orders", "Systems ordered", (PURCHASES,), _orders)
BY_SYSTEM = Chart(
    "compute_by_system",
    "Compute in service by system",
    (COMPUTE_BY_SYSTEM,),
    _by(SystemCompute.ACCELERATOR, lambda plan: plan.case.accelerator, "system"),
)
BY_SITE = Chart(
    "compute_by_site",
    "Compute in service by site",
    (COMPUTE_BY_SYSTEM,),
    _by(SystemCompute.SITE, lambda plan: plan.case.site, "site"),
)
BY_LINK = Chart("bottlenecks", "Bottlenecks", (BOTTLENECKS,), _bottlenecks)
