"""The second half of the summary: cash over time, risk, what binds, covenants, and the proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from .. import charts
from ..charts import Glyphs, Scale
from ..text import figure, gap, level, money, percent, plural, safe, seconds, size
from .covenants import covenants
from .entities import entities
from .layout import INDENT, QUIET, grid, heading, note, text
from .own_limits import own_limits
from .replications import replications
from .views import Steps, amount, has_plan, line, numbers, records, steps

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Interval, Plan

FAN = ("5%", "25%", "50%", "75%", "95%")
PRICES = 10
FAULTS = 12


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
        other_flows(plan),
        line(plan, "cash_flow", "cash at the end"),
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
    heads = ["", unit, "earned", "invested", "raised", "service", "other", "cash"]
    widths = [max(len(head), *(len(cell) for cell in cells)) for head, cells in zip(heads[1:], shown, strict=True)]
    room = width - INDENT - 6 - sum(widths) - space * (len(widths) + 2)
    ends = [labels[-1] for labels in _members(plan, columns)]
    ranges = [next(iter(numbers([fan.get(label, {})], *FAN)), None) for label in ends]
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
    yield from heading("Cash and debt service", "expected, bn; compute and cash at each end")
    yield grid(heads, "lrrrrrrr" + "l" * (len(heads) - 8), rows, flexible=-1, gap=space)
    yield note(f"cash: {money(plan.case.cash.opening)} at the start, + earned - invested + raised - service + other")
    yield note("earned: operating cash flow; raised: placed and drawn; service: interest and repayment;")
    yield note("other: prepayments less credits, fees, dividends, tax, interest on cash")
    if scale is not None:
        yield note(
            f"cash over the futures: {g.outer} 5–95 %, {g.inner} middle half, {g.median} median, {g.floor} minimum cash"
        )
        worst = max(fan.values(), key=lambda row: amount(row.get("below minimum")))
        share = amount(worst.get("below minimum"))
        if share > 0.0:
            when = f"{worst['period']}: {percent(share)} of futures"
            yield note(f"before any remedy, cash is most often below the minimum in {when}")
        else:
            yield note("cash stays above the minimum in every future")


def other_flows(plan: Plan) -> list[float]:
    """What moves cash beside earnings, investments, money placed and drawn, and debt service."""
    cash = line(plan, "cash_flow", "cash at the end")
    before = (plan.case.cash.opening, *cash[:-1])
    known = (
        line(plan, "cash_flow", "operating cash flow"),
        line(plan, "cash_flow", "investing cash flow"),
        line(plan, "debt_service", "raised"),
        [-v for v in line(plan, "debt_service", "debt service")],
    )
    return [end - start - sum(flows) for end, start, *flows in zip(cash, before, *known, strict=True)]


def _members(plan: Plan, columns: Steps) -> list[Sequence[str]]:
    labels = plan.case.horizon.labels
    return [labels[a : b + 1] for a, b in columns.spans]


def risk_and_prices(plan: Plan) -> Iterator[RenderableType]:
    yield from heading("Risk", "CVaR is the mean of the worst futures; ± 95 % interval")
    if plan.risk:
        rows = [
            (
                f"{safe(r.name)}, {r.measure} {level(r.level)}",
                figure(r.limit),
                figure(r.value),
                _interval(r.out_of_sample),
                percent(r.probability),
                _unit(r.unit),
            )
            for r in plan.risk
        ]
        yield grid(("limit", "at most", "plan", "on fresh draws", "P(above)", ""), "lrrrrl", rows)
        for figure_ in plan.risk:
            yield from _verdict(plan, figure_.name)
    else:
        yield note("the case sets no risk limit: the plan is the best on average, whatever the bad futures hold")
    yield from _tax(plan)
    yield from _prices(plan)
    yield from own_limits(plan)
    yield from covenants(plan)
    yield from entities(plan)
    yield from replications(plan)


def _tax(plan: Plan) -> Iterator[RenderableType]:
    """What the tax of the expected income hides, in a sentence."""
    tax = plan.tax
    if tax is None:
        return
    hidden = tax.mean - tax.expected
    said = f"tax: {money(tax.expected)} bn on the expected income, {money(tax.mean)} on average on each future's own"
    if abs(hidden) > 5e-4 * max(1e-3, abs(tax.mean)) and tax.share_of_cash is not None:
        said += f"; {figure(tax.at_end, 2)} bn, {percent(tax.share_of_cash, 2)} of the cash at the end, is hidden so"
    for one in tax.net_loss:
        said += f"; {safe(one.limit)} with own tax {figure(one.own_tax)}"
    yield note(said)


def _interval(sample: Interval | None) -> str:
    if sample is None:
        return "not taken"
    below, above = sample.value - sample.ci_low, sample.ci_high - sample.value
    if abs(above - below) <= 0.01 * abs(above + below):
        return f"{figure(sample.value)} ± {figure(above, 3)}"
    return f"{figure(sample.value)} [{figure(sample.ci_low)}, {figure(sample.ci_high)}]"


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


def _prices(plan: Plan) -> Iterator[RenderableType]:
    yield from heading("What binds", f"{plan.objective_unit} that more of a limit is worth")
    if not plan.prices:
        yield note("no limit binds")
        return
    rows = []
    for price in plan.prices[:PRICES]:
        where = f": {price.index}" if price.index else ""
        what = f"{price.title}{where}; now {figure(price.level)}"
        rows.append(
            (f"{'+' if price.price > 0 else ''}{figure(price.price)}", f"{price.per:g} {_unit(price.unit)} more", what)
        )
    yield grid(("worth", "for", "of"), "rll", rows, flexible=2)


def _unit(unit: str) -> str:
    return unit.replace("billion", "bn").replace(" per ", "/")


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
        more = len(faults) - FAULTS
        these = f"all {len(faults)} of these limits" if more > 0 else "these limits"
        if reason.proven:
            risks = "; risk limits come on top" if plan.case.risk else ""
            yield note(f"all rules can be met if {these} give way together, by so much{risks}:", "")
        else:
            yield note(f"{these} are the cheapest that would have to give way together:", "")
        yield grid(("by", "", "limit"), "rll", faults[:FAULTS], flexible=2)
        if more > 0:
            yield note(f"and {more} more, which plan.json lists", "")


def proof(plan: Plan, folder: Path | None) -> Iterator[RenderableType]:
    """The certificate in a sentence, remarks, times and the run folder."""
    certificate = plan.certificate
    if certificate is not None and has_plan(plan):
        yield from heading("Certificate")
        yield note(certificate_sentence(plan), "")
    for message in plan.messages:
        yield note(f"Note: {safe(message)}", "")
    times, passes = plan.timings, plan.passes
    yield Text("")
    others = f", replications {seconds(times.replications_s)}" if times.replications_s else ""
    yield text(
        f"{seconds(times.total_s)}: build {seconds(times.build_s)}, simulate {seconds(times.simulate_s)}, "
        f"evaluate {seconds(times.evaluate_s)}, solve {seconds(times.master_s)}{others}",
        QUIET,
    )
    yield text(
        f"{plural(passes.full, 'full pass', 'full passes')} ({passes.equivalent:.1f} in all), "
        f"{plural(passes.solves, 'linear program')}, {plural(passes.cuts, 'cut')}",
        QUIET,
    )
    yield text(
        f"{_where(plan)}, {size(plan.scenarios.bytes)} of scenarios, {plan.device.mode}",
        QUIET,
    )
    if folder is not None:
        yield text(f"run folder: {safe(folder)}")


def _where(plan: Plan) -> str:
    device = plan.device
    if device.backend == "cuda":
        return f"cuda on {safe(device.name)}"
    return f"{device.backend} on {plural(device.threads, 'thread')} of {safe(device.name)}"


def _other_scenarios(plan: Plan, error: float | None) -> str:
    """How far the choice of scenarios moves the optimum: by replications where there are any, else to first order."""
    size = max(1e-9, abs(plan.objective_value))
    found = plan.replications
    if found is not None and found.spread is not None:
        first = "" if error is None else f"; to first order ± {percent(error / size, 2)}"
        made = f"{found.certified} replications{first}"
        return f" As many other scenarios move the optimum by ± {percent(found.spread / size, 2)} (95 %, {made})."
    if error is None:
        return ""
    return f" As many other scenarios move the optimum by ± {percent(error / size, 2)} (95 % interval)."


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
    kept = " that keeps your own limits" if "own_limits" in plan.tables else ""
    head = (
        f"No plan{kept} {'costs less' if cost else 'does better'} than {figure(bound, 8)} {unit} {where}; "
        f"{reached}: gap {gap(certificate.gap)}."
    )
    if plan.status.value != "certified":
        head += f" That is more than the {certificate.tolerance:.0e} asked for, so a better plan may exist."
    head += _other_scenarios(plan, certificate.sampling_error)
    checked = [f for f in plan.risk if f.out_of_sample is not None]
    parts = [
        f"{f.name} {figure(f.out_of_sample.value)} against {figure(f.limit)} {f.unit}"
        for f in checked
        if f.out_of_sample is not None
    ]
    return head + (f" On fresh draws: {'; '.join(parts)}." if parts else "")
