"""The sections of the summary, each a few lines made from the plan's own tables; nothing is computed here but sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table as Grid
from rich.text import Text

from . import charts
from .charts import Glyphs, Scale
from .layout import HEADING, INDENT, LABEL_MOST, QUIET, Row, grid, heading, note, schedule, text
from .text import figure, fixed, money, percent, plural, safe, seconds, shorten, size
from .views import Steps, line, records, series, steps, titles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..optimizer.plan import Plan

STATUS = {
    "certified": ("CERTIFIED", "bold green"),
    "stopped": ("STOPPED, GAP NOT MET", "bold yellow"),
    "infeasible": ("NO FEASIBLE PLAN", "bold red"),
}
FAN = ("5%", "25%", "50%", "75%", "95%")


def headline(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    heading_, horizon = plan.case.case, plan.case.horizon
    word, style = STATUS[plan.status.value]
    title = text(shorten(safe(heading_.title or heading_.name), width - len(word) - 12), HEADING)
    top = Grid.grid(expand=True)
    top.add_column()
    top.add_column(justify="right", no_wrap=True)
    top.add_row(Text("capmix · ", style=QUIET) + title, Text(word, style=style))
    yield top
    yield Text(g.rule * width, style=QUIET)
    labels = horizon.labels
    yield text(
        f"{plural(horizon.periods, horizon.step)} {labels[0]}–{labels[-1]} · {plural(plan.scenarios.count, 'future')} · "
        f"seed {plan.scenarios.seed} · bn = billion {heading_.currency}",
        QUIET,
    )
    if plan.infeasibility is not None or not plan.decisions.rows:
        return
    spent = {name: -sum(line(plan, "cash_flow", name)) for name in ("hardware", "sites")}
    cash = line(plan, "cash_flow", "cash at the end")
    lowest = min(range(len(cash)), key=cash.__getitem__)
    yield Text("")
    yield grid(
        ("", "", "", ""),
        "lrll",
        [
            (_words(plan.objective_name), text(figure(plan.objective_value, 6), HEADING), plan.objective_unit, _gap(plan)),
            ("capital raised", text(money(plan.funding.total), HEADING), "bn",
             f"{percent(plan.funding.circular_share)} circular (suppliers, customers)"),
            ("capital spent", text(money(sum(spent.values())), HEADING), "bn",
             f"hardware {money(spent['hardware'])}, sites {money(spent['sites'])}"),
            ("cash at the end", text(money(cash[-1]), HEADING), "bn",
             f"opening {money(plan.case.cash.opening)}, low {money(cash[lowest])} in {labels[lowest]}"),
        ],
        flexible=3,
    )  # fmt: skip


def _words(name: str) -> str:
    return name.replace("_", " ")


def _gap(plan: Plan) -> str:
    certificate = plan.certificate
    if certificate is None:
        return ""
    return f"gap {certificate.gap:.1e}, asked {certificate.tolerance:.0e}"


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
    top = ranked[0][1]
    rows = [
        (
            shorten(safe(names.get(key, key)), 32) + (" *" if key in circular else ""),
            money(value).rjust(8),
            percent(value / total).rjust(6),
            charts.bar(value / top, room, g),
        )
        for key, value in ranked
    ]
    return grid(("", "", "", ""), "lrrl", [(row[0].ljust(34), *row[1:]) for row in rows])


def _funding_schedule(plan: Plan, width: int) -> Iterator[RenderableType]:
    known, labels = titles(plan.case.instrument), plan.case.horizon.labels
    at = {label: t for t, label in enumerate(labels)}
    raised: dict[str, list[float]] = {}
    for row in records(plan, "issuance"):
        if row["how"] != "committed":
            values = raised.setdefault(str(row["instrument"]), [0.0] * len(labels))
            values[at[str(row["period"])]] += float(row["face"])
    columns = steps(labels)
    rows = [(known.get(name, name), columns.sums(values), sum(values)) for name, values in raised.items()]
    yield from schedule(columns.labels, rows, width)


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
    built = [(f"{sites.get(r.heads[0], r.heads[0])}: {r.heads[1]}", columns.sums(r.values), "MW") for r in series(plan, "construction")]
    names = titles(plan.case.contract)
    signed = [(names.get(r.heads[0], r.heads[0]), columns.sums(r.values), "PFLOP/s") for r in series(plan, "contracts")]
    for words, remark, part in (
        ("Construction", "MW started", built), ("Contracts", "PFLOP/s signed", signed),
    ):  # fmt: skip
        if part:
            yield from heading(words, remark)
            yield _small_columns(part, columns, g)


def _small_columns(rows: Sequence[tuple[str, Sequence[float], str]], columns: Steps, g: Glyphs) -> RenderableType:
    cell = 2 if len(columns.labels) <= 12 else 1
    body = []
    for name, values, unit in rows:
        top = max(range(len(values)), key=values.__getitem__)
        pillars = "".join(c * cell for c in charts.columns(values, g))
        when = f"most in {columns.labels[top]}: {figure(values[top], 3)}"
        body.append((shorten(safe(name), LABEL_MOST), figure(sum(values), 3), unit, pillars, when))
    return grid(("", "total", "", charts.year_ticks(columns.labels, cell), ""), "lrlll", body)


def tests_and_chain(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    """The least link of the chain of compute by site and period, one letter each."""
    rows = records(plan, "chain")
    if not rows:
        return
    yield from heading("The least link of the chain", "what holds compute back, by site and period")
    labels = plan.case.horizon.labels
    links = list(dict.fromkeys(str(row["least link"]) for row in rows if row["least link"] not in ("none", "")))
    letters = _letters(links)
    known = titles(plan.case.site)
    cells: dict[str, dict[str, str]] = {}
    count: dict[str, int] = {}
    for row in rows:
        link = str(row["least link"])
        cells.setdefault(str(row["site"]), {})[str(row["period"])] = letters.get(link, g.columns[0])
        if link in letters:
            count[link] = count.get(link, 0) + 1
    names = {site: shorten(safe(known.get(site, site)), LABEL_MOST) for site in cells}
    beside = max(map(len, names.values())) + 2
    room = width - INDENT - beside
    cell = 2 if 2 * len(labels) <= room else 1
    for first in range(0, len(labels), room // cell):
        part = labels[first : first + room // cell]
        yield note(" " * beside + charts.year_ticks(part, cell))
        for site, by_period in cells.items():
            letters_of = "".join(by_period.get(label, " ").ljust(cell) for label in part)
            yield note(names[site].ljust(beside) + letters_of, "")
    ranked = sorted(links, key=lambda link: -count[link])
    legend = " · ".join(f"{letters[link]} {safe(link)} ({count[link]})" for link in ranked)
    yield note(legend or "nothing holds compute back")


def _letters(links: Sequence[str]) -> dict[str, str]:
    """A letter per link: its first that is free."""
    taken: dict[str, str] = {}
    for link in links:
        options = [c.upper() for c in link if c.isalpha() and c.isascii()] + list("ABCDEFGHIJKLMNOPQRSTUVWXYZ?")
        taken[link] = next((c for c in options if c not in taken.values()), "?")
    return taken


def path(plan: Plan, width: int, g: Glyphs) -> Iterator[RenderableType]:
    """Per period: compute, flows, debt service, cash and the fan of cash over the futures."""
    columns = steps(plan.case.horizon.labels)
    fan = {str(row["period"]): row for row in records(plan, "liquidity_fan")}
    flows = [
        line(plan, "compute", "compute in service"),
        line(plan, "cash_flow", "operating cash flow"),
        line(plan, "cash_flow", "investing cash flow"),
        line(plan, "debt_service", "raised"),
        line(plan, "debt_service", "debt service"),
        line(plan, "cash_flow", "cash at the end"),
    ]
    shown = [
        [figure(v, 4) for v in columns.ends(flows[0])],
        [money(v) for v in columns.sums(flows[1])],
        [money(-v) for v in columns.sums(flows[2])],
        [money(v) for v in columns.sums(flows[3])],
        [money(v) for v in columns.sums(flows[4])],
        [money(v) for v in columns.ends(flows[5])],
    ]
    gap = 1 if width < 100 else 2
    heads = ["", "PFLOP/s", "earned", "invested", "raised", "service", "cash"]
    widths = [max(len(head), *(len(cell) for cell in cells)) for head, cells in zip(heads[1:], shown, strict=True)]
    room = width - INDENT - 6 - sum(widths) - gap * (len(widths) + 2)
    ends = [labels[-1] for labels in _members(plan, columns)]
    ranges = [[float(fan[label][q]) for q in FAN] if label in fan else None for label in ends]
    drawn = [r for r in ranges if r is not None]
    scale = None
    if drawn and room >= 12:
        floors = plan.case.cash.minimum
        scale = Scale(min(0.0, *floors, *(r[0] for r in drawn)), max(r[4] for r in drawn), min(room, 44))
        low, high = figure(scale.low, 3), figure(scale.high, 3)
        heads.append(low + high.rjust(scale.width - len(low)))
    rows = []
    for i, label in enumerate(columns.labels):
        row: list[object] = [label, *(cells[i] for cells in shown)]
        if scale is not None:
            minimum = plan.case.cash.minimum[columns.spans[i][1]]
            found = ranges[i]
            row.append(Text(charts.spread(found, minimum, scale, g)) if found is not None else "")
        rows.append(row)
    yield from heading("Cash and debt service", "expected, bn; PFLOP/s and cash at each end")
    yield grid(heads, "lrrrrrr" + "l" * (len(heads) - 7), rows, flexible=-1, gap=gap)
    yield note("earned: operating cash flow; service: interest and repayment")
    if scale is not None:
        yield note(f"cash over the futures: {g.outer} 5–95 %, {g.inner} middle half, {g.median} median, {g.floor} minimum cash")
        worst = max(fan.values(), key=lambda row: float(row.get("below minimum") or 0.0))
        share = float(worst.get("below minimum") or 0.0)
        if share > 0.0:
            yield note(f"before any remedy, cash is below the minimum most often in {worst['period']}: {percent(share)} of futures")
        else:
            yield note("cash stays above the minimum in every future")


def _members(plan: Plan, columns: Steps) -> list[Sequence[str]]:
    labels = plan.case.horizon.labels
    return [labels[a : b + 1] for a, b in columns.spans]


def risk_and_prices(plan: Plan, width: int) -> Iterator[RenderableType]:
    yield from heading("Risk", "CVaR is the mean of the worst futures; [95 % interval]")
    if plan.risk:
        rows = []
        for figure_ in plan.risk:
            sample = figure_.out_of_sample
            fresh = "not taken" if sample is None else f"{figure(sample.value)} [{figure(sample.ci_low)}, {figure(sample.ci_high)}]"
            rows.append(
                (safe(figure_.name), f"{figure_.measure} {percent(figure_.level, 0 if 100 * figure_.level % 1 < 1e-9 else 1)}",
                 figure(figure_.limit), figure(figure_.value), fresh, percent(figure_.probability), figure_.unit)
            )  # fmt: skip
        yield grid(("limit", "measure", "at most", "plan", "on fresh draws", "P(above)", ""), "llrrrrl", rows)
        for figure_ in plan.risk:
            yield from _verdict(plan, figure_.name)
    else:
        yield note("the case sets no risk limit: the plan is the best on average, whatever the bad futures hold")
    yield from _prices(plan, width)
    yield from _covenants(plan)


def _verdict(plan: Plan, name: str) -> Iterator[RenderableType]:
    """A remark where the fresh draws do not confirm the limit."""
    figure_ = next(f for f in plan.risk if f.name == name)
    sample = figure_.out_of_sample
    if sample is None or sample.value <= figure_.limit:
        return
    above = f"{safe(name)}: {figure(sample.value - figure_.limit, 2)} {figure_.unit} above its limit on fresh draws"
    if sample.ci_low <= figure_.limit:
        yield note(f"{above}, within the sampling error; more scenarios narrow it")
    else:
        yield note(f"{above}, more than the sampling error: use more scenarios", "yellow")


def _prices(plan: Plan, width: int) -> Iterator[RenderableType]:
    yield from heading("What binds", f"{plan.objective_unit} that more of a limit is worth")
    if not plan.prices:
        yield note("no limit binds")
        return
    rows = []
    for price in plan.prices[:10]:
        what = f"{price.title}: {price.index}" if price.index else price.title
        now = f"{price.per:g} {_unit(price.unit)} more, now {figure(price.level)}"
        rows.append((f"{'+' if price.price > 0 else ''}{figure(price.price)}", now, what))
    yield grid(("worth", "for", "of"), "rll", rows, flexible=2)


def _unit(unit: str) -> str:
    return unit.replace("billion", "bn")


def _covenants(plan: Plan) -> Iterator[RenderableType]:
    rows = records(plan, "covenants")
    if not rows:
        return
    key = "covenant" if "covenant" in rows[0] else "kind"
    least: dict[str, dict[str, object]] = {}
    for row in rows:
        if isinstance(row["headroom"], (int, float)):
            best = least.get(str(row[key]))
            if best is None or float(row["headroom"]) < float(str(best["headroom"])):
                least[str(row[key])] = row
    if not least:
        return
    yield from heading("Covenants", "where each has the least headroom, on the expected path")
    body = [
        (_words(name), str(row["period"]), _figure(row["value"]), _figure(row["limit"]), _figure(row["headroom"]))
        for name, row in sorted(least.items(), key=lambda item: float(str(item[1]["headroom"])))
    ]
    yield grid(("covenant", "period", "value", "limit", "headroom"), "llrrr", body)


def _figure(value: object) -> str:
    return figure(float(value), 3) if isinstance(value, (int, float)) else "–"


def infeasible(plan: Plan) -> Iterator[RenderableType]:
    """Why there is no plan."""
    reason = plan.infeasibility
    yield from heading("Why there is no plan")
    if reason is None:
        yield note("the search was stopped before it found a plan that meets every limit; give it more time", "")
        return
    yield note(reason.reason, "")
    if reason.least:
        yield Text("")
        rows = [(safe(name), figure(limit), figure(least), unit) for name, limit, least, unit in reason.least]
        yield grid(("risk limit", "asked", "least possible", ""), "lrrl", rows)
    if reason.faults:
        yield Text("")
        faults = [(figure(f.amount, 3), f.unit, f"{f.title}: {f.index}" if f.index else f.title) for f in reason.faults]
        yield note("a plan exists if these limits give way together, by so much:", "")
        yield grid(("by", "", "limit"), "rll", faults, flexible=2)


def proof(plan: Plan, folder: Path | None) -> Iterator[RenderableType]:
    """The certificate in a sentence, remarks, times and the run folder."""
    certificate = plan.certificate
    if certificate is not None and plan.decisions.rows:
        yield from heading("Certificate")
        yield note(certificate_sentence(plan), "")
    for message in plan.messages:
        yield note(f"Note: {safe(message)}", "")
    times, passes = plan.timings, plan.passes
    yield Text("")
    yield text(
        f"{seconds(times.total_s)}: build {seconds(times.build_s)}, simulate {seconds(times.simulate_s)}, "
        f"evaluate {seconds(times.evaluate_s)}, solve {seconds(times.master_s)}",
        QUIET,
    )
    yield text(
        f"{plural(passes.full, 'full pass', 'full passes')} ({passes.equivalent:.1f} in all), {plural(passes.solves, 'linear program')}, "
        f"{plural(passes.cuts, 'cut')}",
        QUIET,
    )
    yield text(
        f"{plan.device.backend} on {plural(plan.device.threads, 'thread')} of {safe(plan.device.name)}, "
        f"{size(plan.scenarios.bytes)} of scenarios",
        QUIET,
    )
    if folder is not None:
        yield text(f"run folder: {safe(folder)}")


def certificate_sentence(plan: Plan) -> str:
    """What is proven, in words."""
    certificate = plan.certificate
    if certificate is None:
        return "nothing is proven"
    unit = plan.objective_unit
    cost = plan.case.objective.kind == "cost"
    bound = certificate.lower_bound if cost else certificate.upper_bound
    reached = f"this one {'costs' if cost else 'reaches'} {figure(plan.objective_value, 8)}"
    where = f"on these {plan.scenarios.count:,} futures"
    head = f"No plan {'costs less' if cost else 'does better'} than {figure(bound, 8)} {unit} {where}; {reached}: gap {certificate.gap:.1e}."
    if plan.status.value != "certified":
        head += f" That is more than the {certificate.tolerance:.0e} asked for, so a better plan may exist."
    checked = [f for f in plan.risk if f.out_of_sample is not None]
    parts = [
        f"{f.name} {figure(f.out_of_sample.value)} against {figure(f.limit)} {f.unit}" for f in checked if f.out_of_sample is not None
    ]
    return head + (f" On fresh draws: {'; '.join(parts)}." if parts else "")
