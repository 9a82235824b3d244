"""The first half of the summary: headline, capital stack, purchases and the chain of compute.

Each section is a few lines made from the plan's own tables; nothing is computed here but sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table as Grid
from rich.text import Text

from .. import charts
from ..charts import Glyphs
from ..text import figure, gap, money, part, percent, plural, safe, shorten
from .layout import HEADING, INDENT, LABEL_MOST, QUIET, Row, grid, heading, note, schedule, text
from .views import Steps, amount, has_plan, line, records, series, steps, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

STATUS = {
    "certified": ("CERTIFIED", "bold green"),
    "stopped": ("STOPPED, GAP NOT MET", "bold yellow"),
    "infeasible": ("NO FEASIBLE PLAN", "bold red"),
}
VISIBLE = 0.0005  # share of all funding below which an instrument is not listed on its own


def headline(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    heading_, horizon = plan.case.case, plan.case.horizon
    word, style = STATUS[plan.status.value]
    if plan.status.value == "stopped" and not has_plan(plan):
        word = "STOPPED, NO PLAN YET"
    title = text(shorten(safe(heading_.title or heading_.name), width - len(word) - 12), HEADING)
    top = Grid.grid(expand=True)
    top.add_column()
    top.add_column(justify="right", no_wrap=True)
    top.add_row(Text.assemble(("capmix · ", QUIET), title), Text(word, style=style))
    yield top
    yield Text(g.rule * width, style=QUIET)
    labels = horizon.labels
    yield text(
        f"{plural(horizon.periods, horizon.step)} {labels[0]}–{labels[-1]} · "
        f"{plural(plan.scenarios.count, 'future')} · seed {plan.scenarios.seed} · bn = billion {heading_.currency}",
        QUIET,
    )
    if not has_plan(plan):
        return
    spent = {name: -sum(line(plan, "cash_flow", name)) for name in ("hardware", "sites")}
    cash = line(plan, "cash_flow", "cash at the end")
    lowest = min(range(len(cash)), key=cash.__getitem__)
    yield Text("")
    reached = Text("  " + _words(plan.objective_name) + "  ")
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
                "bn",
                f"{percent(plan.funding.circular_share)} circular (from suppliers and customers), "
                f"{percent(plan.funding.circular_of_spending)} of what is spent",
            ),
            (
                "capital spent",
                text(money(sum(spent.values())), HEADING),
                "bn",
                f"hardware {money(spent['hardware'])}, sites {money(spent['sites'])}",
            ),
            (
                "cash at the end",
                text(money(cash[-1]), HEADING),
                "bn",
                f"opening {money(plan.case.cash.opening)}, lowest {money(cash[lowest])} in {labels[lowest]}",
            ),
        ],
        flexible=3,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def funding(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    """The capital stack by instrument and by holder, then when it is raised."""
    yield from heading("Capital stack", "face value raised, bn")
    blocks = (
        (plan.funding.by_instrument, titles(plan.case.instrument)),
        (plan.funding.by_holder, titles(plan.case.investor)),
    )
    circular = {investor.id for investor in plan.case.investor if investor.party}
    for values, names in blocks:
        if values:
            yield _bars(values, names, plan.funding.total, width, g, circular)
            yield Text("")
    if not plan.funding.by_instrument:
        yield note("nothing is raised: the plan lives on its own cash")
        return
    if circular & set(plan.funding.by_holder):
        yield note("* a supplier or customer of the plan")
    yield from _funding_schedule(plan, width)


def _bars(
    values: Mapping[str, float], names: Mapping[str, str], total: float, width: int, g: Glyphs, circular: set[str]
) -> RenderableType:
    room = min(48, width - INDENT - 34 - 8 - 6 - 8)
    ranked = sorted(values.items(), key=lambda item: -item[1])
    shown = [(key, value) for key, value in ranked if value >= VISIBLE * total]
    few = [value for _, value in ranked[len(shown) :]]
    top = ranked[0][1]
    rows = [
        (shorten(safe(names.get(key, _words(key))), 32) + (" *" if key in circular else ""), value)
        for key, value in shown
    ]
    if sum(few) >= VISIBLE * total:
        rows.append((f"{plural(len(few), 'other')}, less than {percent(VISIBLE, 2)} each", sum(few)))
    return grid(
        ("", "", "", ""),
        "lrrl",
        [
            (
                name.ljust(34),
                money(value).rjust(8),
                percent(part(value, total)).rjust(6),
                charts.bar(part(value, top), room, g),
            )
            for name, value in rows
        ],
    )


def _funding_schedule(plan: Plan, width: int) -> Iterator[RenderableType]:
    known, labels = titles(plan.case.instrument), plan.case.horizon.labels
    at = {label: t for t, label in enumerate(labels)}
    raised: dict[str, list[float]] = {}
    for row in records(plan, "issuance"):
        if amount(row["funded"]) > 0.0:
            values = raised.setdefault(str(row["instrument"]), [0.0] * len(labels))
            values[at[str(row["period"])]] += amount(row["funded"])
    columns = steps(labels)
    rows = [(known.get(name, _words(name)), columns.sums(values), sum(values)) for name, values in raised.items()]
    if not rows:  # nothing is drawn
        return
    yield Text("")
    yield note("raised by period, bn")
    largest = max(max(values) for _, values, _ in rows)
    yield from schedule(columns.labels, rows, width, decimals=2 if largest < 9.95 else 1)


def purchases(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    """Systems ordered by period and site; construction, contracts and merchant capacity as small columns."""
    labels = plan.case.horizon.labels
    columns = steps(labels)
    systems, sites = titles(plan.case.accelerator), titles(plan.case.site)
    yield from heading("Purchases", "systems ordered, by site and period")
    by_site: dict[str, list[Row]] = {}
    for row in series(plan, "purchases"):
        accelerator, site = row.heads[:2]
        order: Row = ("  " + systems.get(accelerator, accelerator), columns.sums(row.values), row.total)
        by_site.setdefault(sites.get(site, site), []).append(order)
    rows = [row for site, orders in by_site.items() for row in ((site, None, None), *orders)]
    if rows:
        yield from schedule(columns.labels, rows, width)
    else:
        yield note("no systems are ordered")
    built = [
        (f"{sites.get(r.heads[0], r.heads[0])}: {r.heads[1]}", columns.sums(r.values))
        for r in series(plan, "construction")
    ]
    names = titles(plan.case.contract)
    signed = [(names.get(r.heads[0], r.heads[0]), columns.sums(r.values)) for r in series(plan, "contracts")]
    for words, remark, lines in (("Construction", "MW started", built), ("Contracts", "PFLOP/s signed", signed)):
        if lines:
            yield from heading(words, remark)
            yield _small_columns(lines, columns, width, g)


def _small_columns(
    rows: Sequence[tuple[str, Sequence[float]]], columns: Steps, width: int, g: Glyphs
) -> RenderableType:
    cell = 2 if len(columns.labels) <= 12 else 1
    room = min(LABEL_MOST, width - INDENT - cell * len(columns.labels) - 36)
    body = []
    for name, values in rows:
        top = max(range(len(values)), key=values.__getitem__)
        pillars = "".join(c * cell for c in charts.columns(values, g))
        when = f"most in {columns.labels[top]}: {figure(values[top], 3)}"
        body.append((shorten(safe(name), room), figure(sum(values), 3), pillars, when))
    return grid(("", "total", charts.year_ticks(columns.labels, cell), ""), "lrll", body, flexible=-1)


def chain(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    """The least link of the chain of compute by site and period, one letter each."""
    rows = records(plan, "chain")
    if not rows:
        return
    yield from heading("The least link of the chain", "what holds compute back, by site and period")
    labels = plan.case.horizon.labels
    count = Counter(str(row["least link"]) for row in rows if row["least link"] not in ("none", ""))
    ranked = [link for link, _ in count.most_common()]
    letters = _letters(ranked)
    known = titles(plan.case.site)
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        cells.setdefault(str(row["site"]), {})[str(row["period"])] = letters.get(str(row["least link"]), g.columns[0])
    names = {site: shorten(safe(known.get(site, site)), LABEL_MOST) for site in cells}
    beside = max(map(len, names.values())) + 2
    room = width - INDENT - beside
    cell = 2 if 2 * len(labels) <= room else 1
    for first in range(0, len(labels), room // cell):
        shown = labels[first : first + room // cell]
        yield note(" " * beside + charts.year_ticks(shown, cell))
        for site, by_period in cells.items():
            letters_of = "".join(by_period.get(label, " ").ljust(cell) for label in shown)
            yield note(names[site].ljust(beside) + letters_of, "")
    legend = " · ".join(f"{letters[link]} {safe(link)} ({count[link]})" for link in ranked)
    yield note(legend or "nothing holds compute back")


def _letters(links: Sequence[str]) -> dict[str, str]:
    """A letter per link: its first that is free."""
    taken: dict[str, str] = {}
    for link in links:
        options = [c.upper() for c in link if c.isalpha() and c.isascii()] + list("ABCDEFGHIJKLMNOPQRSTUVWXYZ?")
        taken[link] = next((c for c in options if c not in taken.values()), "?")
    return taken
