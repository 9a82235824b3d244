"""Charts of a comparison: the objective of each variant, compute over time, what each raises, who bears the tail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...optimizer.comparison.names import COST_BY_INSTRUMENT
from ...optimizer.table import BILLION, Column, Table
from ..summary.views import titles
from ..text import figure, money, percent, safe
from .chart import Drawing, data
from .series import grouped, largest
from .theme import SERIES, WARN, WIDTH, altair, amounts, colours, periods

if TYPE_CHECKING:
    from ...optimizer.comparison.compare import Comparison
    from ...optimizer.comparison.differences import Outcome

Named = tuple[str, str, Drawing]


def comparison_drawings(found: Comparison) -> Iterator[Named]:
    """(name, title, drawing) of each chart that the comparison has."""
    planned = [one for one in found.outcomes.values() if one.capacity is not None]
    if not planned:
        return
    yield "objective", "What each variant reaches", _objective(planned)
    yield "compute", "Compute in service", _compute(found, planned)
    if any(one.plan.funding.total > 0.0 for one in planned):
        yield "raised_by_variant", "What each variant raises", _raised(found, planned)
    if any(one.plan.loss_allocation is not None for one in planned):
        yield "losses_by_variant", "Loss in the worst scenarios", _losses(planned)


def _objective(planned: Sequence[Outcome]) -> Drawing:
    unit = planned[0].plan.objective_unit
    cost = planned[0].plan.case.objective.kind == "cost"
    ranked = sorted(planned, key=lambda one: one.plan.objective_value, reverse=not cost)
    best, last = ranked[0], ranked[-1]
    sentence = (
        f"{safe(best.name)} {'costs least' if cost else 'reaches most'} with {figure(best.plan.objective_value, 5)} "
        f"{safe(unit)}; {safe(last.name)} is last with {figure(last.plan.objective_value, 5)}."
    )
    columns = (Column("variant"), Column("objective", unit, "number"))
    table = Table("objective", "Objective", columns, tuple((one.name, one.plan.objective_value) for one in planned))

    def marks() -> Any:
        alt = altair()
        shown = [{"variant": safe(one.name), "amount": one.plan.objective_value} for one in planned]
        return (
            alt.Chart(data(shown))
            .mark_bar(color=SERIES[0])
            .encode(
                y=alt.Y("variant:N", sort=None, axis=alt.Axis(title=None, labelLimit=200, domain=False, ticks=False)),
                x=alt.X("amount:Q", axis=alt.Axis(title=unit, tickCount=5, format="~s")),
            )
            .properties(width=WIDTH - 230, height=alt.Step(26))
        )

    return Drawing(unit, sentence, table, marks)


def _compute(found: Comparison, planned: Sequence[Outcome]) -> Drawing:
    labels = found.case.horizon.labels
    ends = {one.name: float(one.capacity[-1]) for one in planned if one.capacity is not None}
    most = max(ends, key=lambda name: ends[name])
    sentence = f"In {labels[-1]} {safe(most)} has most compute in service: {figure(ends[most], 4)} PFLOP/s."
    columns = (Column("variant"), *(Column(label, "PFLOP/s", "number") for label in labels))
    paths = {one.name: [float(v) for v in one.capacity] for one in planned if one.capacity is not None}
    table = Table("compute", "Compute in service", columns, tuple((name, *path) for name, path in paths.items()))

    def marks() -> Any:
        alt = altair()
        top = max(max(path) for path in paths.values())
        factor, unit = (1e-3, "EFLOP/s") if top >= 1e5 else (1.0, "PFLOP/s")
        shown = [
            {"variant": safe(name), "period": label, "amount": value * factor}
            for name, path in paths.items()
            for label, value in zip(labels, path, strict=True)
        ]
        return (
            alt.Chart(data(shown))
            .mark_line(strokeWidth=2)
            .encode(
                x=periods(labels),
                y=amounts("amount", unit),
                color=alt.Color("variant:N", scale=colours([safe(one.name) for one in planned]), sort=None),
            )
            .properties(width=WIDTH - 60, height=260)
        )

    return Drawing("PFLOP/s, expected", sentence, table, marks)


def _raised(found: Comparison, planned: Sequence[Outcome]) -> Drawing:
    whole = grouped(
        (name, [one.plan.funding.by_instrument.get(name, 0.0) if one is mine else 0.0 for mine in planned])
        for one in planned
        for name in one.plan.funding.by_instrument
    )
    most = max(planned, key=lambda one: one.plan.funding.total)
    costs = [(one.cost, one.name) for one in planned if one.cost is not None]
    cheapest = f"; {safe(min(costs)[1])} pays least for it, {percent(min(costs)[0], 2)} a year all in" if costs else ""
    sentence = f"{safe(most.name)} raises most, {money(most.plan.funding.total)} bn{cheapest}."

    def marks() -> Any:
        alt = altair()
        names = titles(planned[0].plan.case.instrument)
        series = {names.get(name, name): values for name, values in largest(whole).items()}
        shown = [
            {"series": safe(name), "variant": safe(one.name), "amount": value, "order": number}
            for number, (name, values) in enumerate(series.items())
            for one, value in zip(planned, values, strict=True)
        ]
        return (
            alt.Chart(data(shown))
            .mark_bar()
            .encode(
                y=alt.Y("variant:N", sort=None, axis=alt.Axis(title=None, labelLimit=200, domain=False, ticks=False)),
                x=alt.X("amount:Q", stack="zero", axis=alt.Axis(title="billion", tickCount=6)),
                color=alt.Color("series:N", scale=colours([safe(name) for name in series]), sort=None),
                order=alt.Order("order:Q"),
            )
            .properties(width=WIDTH - 230, height=alt.Step(30))
        )

    return Drawing(BILLION, sentence, found.tables[COST_BY_INSTRUMENT], marks)


def _losses(planned: Sequence[Outcome]) -> Drawing:
    rows = []
    for one in planned:
        borne = one.plan.loss_allocation
        if borne is not None:
            own = borne.shareholder_share * borne.cvar
            rows.append((one.name, own, max(0.0, borne.cvar - own), borne.default_probability))
    least = min(rows, key=lambda row: row[2])
    sentence = (
        f"Outside the company {safe(least[0])} loses least in the worst scenarios, {money(least[2])} bn; it defaults "
        f"in {percent(least[3])} of all."
    )
    columns = (
        Column("variant"),
        Column("on its own shareholders", BILLION, "money"),
        Column("outside the company", BILLION, "money"),
        Column("probability of default", "", "share"),
    )
    table = Table("losses", "Mean loss in the worst scenarios", columns, tuple(rows))

    def marks() -> Any:
        alt = altair()
        names = [column.name for column in columns[1:3]]
        shown = [
            {"variant": safe(row[0]), "who": who, "amount": float(row[1 + i])}
            for row in rows
            for i, who in enumerate(names)
        ]
        return (
            alt.Chart(data(shown))
            .mark_bar()
            .encode(
                y=alt.Y("variant:N", sort=None, axis=alt.Axis(title=None, labelLimit=200, domain=False, ticks=False)),
                x=alt.X("amount:Q", stack="zero", axis=alt.Axis(title="billion", tickCount=6)),
                color=alt.Color("who:N", scale=alt.Scale(domain=names, range=[SERIES[0], WARN])),
            )
            .properties(width=WIDTH - 230, height=alt.Step(30))
        )

    return Drawing(BILLION, sentence, table, marks)
