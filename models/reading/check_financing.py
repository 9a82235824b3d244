"""Instruments, investors and opening debt: terms that contradict each other."""

from __future__ import annotations

from collections.abc import Callable

from ..schema.financing import Depth, Instrument, OpeningDebt
from .check_cost import of_supplier
from .check_drivers import start_of
from .check_hardware import in_order, meets_horizon, sums_to_one
from .context import Context, Node

_LONG = 60  # years: the longest bonds run so long


def _say(ctx: Context, node: Node, name: str, allowed: str, cure: str) -> None:
    ctx.fault((*node.path, name), "(missing)" if node[name] is None else node[name], allowed, cure)


def _window(ctx: Context, node: Node) -> None:
    in_order(ctx, node, "issue_from", "issue_to")
    meets_horizon(ctx, node, "issue_from", "issue_to", "it could never be used: take it out, or move the date")


def _tenor(ctx: Context, node: Node) -> None:
    if node["amortisation"] == "none" and node["tenor"] is not None:
        _say(
            ctx, node, "tenor", 'left out with amortisation = "none"', 'leave it out, or write amortisation = "bullet"'
        )
    if node["amortisation"] != "none" and node["tenor"] is None:
        _say(
            ctx,
            node,
            "tenor",
            "the years to final repayment",
            'add tenor = years, or write amortisation = "none" for equity',
        )


def _outlives(ctx: Context, node: Node) -> None:
    """A loan on systems that runs for more than twice their life."""
    if node["tenor"] is None or node["secured_by"] != "accelerators":
        return
    life, per_year = max((a["life"] for a in ctx.case["accelerator"]), default=0), ctx.time().per_year
    if node["tenor"] > 2 * life > 0:
        years = node["tenor"] / per_year
        months = years / 12 <= 2 * life / per_year
        meant = f"did you mean {years / 12:.4g}? It seems to be given in months" if months else ""
        doubt = f"its collateral serves {life / per_year:g} years; usual: a tenor of at most twice that"
        ctx.warn((*node.path, "tenor"), years, doubt, meant)


def _grace(ctx: Context, node: Node) -> None:
    tenor = node["tenor"]
    if tenor is None and node["grace"] > 0:
        _say(ctx, node, "grace", "0 without a tenor", "leave it out")
    elif tenor is not None and node["grace"] >= tenor:
        _say(ctx, node, "grace", f"below the tenor, {tenor} periods", "something must be left to repay")


def _annuity(ctx: Context, node: Node) -> None:
    annuity = node["amortisation"] == "annuity"
    if annuity and node["annuity_rate"] is None:
        _say(ctx, node, "annuity_rate", "the rate at which the annuity is drawn up", "add annuity_rate, e.g. 0.09")
    if not annuity and node["annuity_rate"] is not None:
        _say(ctx, node, "annuity_rate", 'left out unless amortisation = "annuity"', "leave it out")


def _schedule(ctx: Context, node: Node) -> None:
    schedule, tenor = node["schedule"], node["tenor"]
    if node["amortisation"] != "custom":
        if schedule:
            ctx.fault(
                (*node.path, "schedule"), list(schedule), 'left out unless amortisation = "custom"', "leave it out"
            )
        return
    if tenor is None or node["grace"] >= tenor:
        return
    if len(schedule) != tenor - node["grace"]:
        allowed = f"{tenor - node['grace']} shares: one per period of the tenor after the grace"
        ctx.fault((*node.path, "schedule"), f"{len(schedule)} shares", allowed, "add or take out shares")
    else:
        sums_to_one(ctx, node, "schedule")


def _rate(ctx: Context, node: Node) -> None:
    if node["rate"] == "floating" and node["benchmark"] is None:
        _say(
            ctx, node, "benchmark", "the driver that a floating rate follows", 'add benchmark, or write rate = "fixed"'
        )
        return
    if node["benchmark"] is not None or node["spread_driver"] is not None or node["subsidised"]:
        return
    if _own_cost(node) > 0:
        return
    if node["tenor"] is None:
        allowed = "a return that its holders ask: accretion, margin, or a benchmark"
        _say(ctx, node, "accretion", allowed, "equity that costs nothing is not on offer: add accretion, e.g. 0.2")
    elif node["discount"] == 0 and node["dilution"] is None and not of_supplier(ctx, node):
        # a zero coupon is paid for by its discount, by shares, or in the price of what it buys
        allowed = (
            "a benchmark, a spread_driver, a margin or a discount above 0; or a supplier's credit: tied_to, taken by"
        )
        cure = "money that costs nothing is not on offer"
        _say(ctx, node, "margin", f"{allowed} investor classes with a party", cure)


def _own_cost(node: Node, margin: str = "margin") -> float:
    """What its cheapest step costs a year beside the benchmark and the market spread."""
    first = min((depth["steps"][0]["spread"] for depth in node["depth"] if depth["steps"]), default=0.0)
    best = node["grid"][0]["margin"] if node["grid"] else 0.0
    return float(node[margin] + node["accretion"] + first + best)


def _below_zero(ctx: Context, node: Node) -> None:
    """A cost below zero at the rates of today: money would be paid to be borrowed."""
    parts = [(node["benchmark"], 1.0), (node["spread_driver"], node["spread_beta"])]
    if all(driver is None for driver, _ in parts) or node["dilution"] is not None or node["subsidised"]:
        return
    market = sum(times * start_of(ctx, driver) for driver, times in parts if driver is not None)
    for margin in ("margin", "converted_margin"):
        cost = 1.0 if node[margin] is None else market + _own_cost(node, margin)
        if cost <= 0 and not any(fault.key == ctx.key((*node.path, margin)) for fault in ctx.faults):
            percent = f"{cost * 100:.4g} % a year, {market * 100:.4g} % of it the market's"
            doubt = f"at the rates of period 0 it costs {percent}"
            ctx.warn((*node.path, margin), node[margin], f"{doubt}; usual: above 0", f"raise the {margin}")


def _accretion(ctx: Context, node: Node) -> None:
    if node["accretion"] > 0 and node["amortisation"] not in ("bullet", "none"):
        _say(
            ctx,
            node,
            "accretion",
            'above 0 only with amortisation = "bullet" or "none"',
            "a growing balance cannot be repaid in shares of the face value",
        )


def _draws(ctx: Context, node: Node) -> None:
    window, tenor = node["draw_window"], node["tenor"]
    if window == 0:
        if node["commitment_fee"] > 0:
            _say(ctx, node, "commitment_fee", "0 without a draw_window", "add draw_window = periods")
    elif tenor is None:
        _say(ctx, node, "draw_window", "0 for an instrument that is never repaid", "leave it out")
    elif window >= tenor:
        _say(ctx, node, "draw_window", f"below the tenor, {tenor} periods", "shorten the window")


def _collateral(ctx: Context, node: Node) -> None:
    if node["advance_rate"] is not None and node["secured_by"] == "none":
        _say(
            ctx,
            node,
            "advance_rate",
            'left out with secured_by = "none"',
            'write secured_by = "accelerators", "sites" or "all"',
        )


def _tied(ctx: Context, node: Node) -> None:
    party = node["tied_to"]
    if party is None:
        if node["tied_share"] < 1:
            _say(ctx, node, "tied_share", "left out without tied_to", "add tied_to = the supplier")
        return
    vendors = [accelerator["vendor"] for accelerator in ctx.case["accelerator"]]
    if party not in vendors:
        _say(
            ctx,
            node,
            "tied_to",
            f"a vendor of accelerators: {', '.join(dict.fromkeys(vendors))}",
            "it could never be used",
        )


def _holders(ctx: Context, node: Node) -> None:
    seen: set[str] = set()
    for i, depth in enumerate(node["depth"]):
        name = depth["investor"]
        if name in seen:
            ctx.fault(
                (*node.path, "depth", i, "investor"),
                name,
                "each investor class once per instrument",
                "put its steps into one [[instrument.depth]]",
            )
        seen.add(name)


def _steps(ctx: Context, node: Node) -> None:
    spreads = [step["spread"] for step in node["steps"]]
    for i in range(1, len(spreads)):
        if spreads[i] < spreads[i - 1]:
            allowed = f"at least the step before, {spreads[i - 1]:g}"
            cure = (
                "more of an instrument is never cheaper: a curve that falls with depth is not convex, and the linear "
                "program would take the cheap step first; put the steps in order"
            )
            ctx.fault((*node.path, "steps", i, "spread"), spreads[i], allowed, cure)


def _opening_rate(ctx: Context, node: Node) -> None:
    if node["rate"] == "floating" and node["benchmark"] is None:
        _say(
            ctx, node, "benchmark", "the driver that a floating rate follows", 'add benchmark, or write rate = "fixed"'
        )
    if node["benchmark"] is None and node["market_margin"] is not None:
        _say(ctx, node, "benchmark", "the driver that market_margin is over", "add benchmark, or leave it out")


def _opening_maturity(ctx: Context, node: Node) -> None:
    if node["maturity"] < 0:
        label = ctx.time().label
        ctx.fault(
            (*node.path, "maturity"),
            label(node["maturity"]),
            f"not before the first period, {label(0)}",
            "leave repaid debt out",
        )
    elif node["maturity"] > _LONG * ctx.time().per_year:
        doubt = (
            f"it is repaid {node['maturity'] / ctx.time().per_year:.0f} years from the start; usual: at most {_LONG}"
        )
        ctx.warn((*node.path, "maturity"), ctx.time().label(node["maturity"]), doubt, "check the year")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Instrument: (
        _window, _tenor, _outlives, _grace, _annuity, _schedule, _rate, _below_zero, _accretion, _draws, _collateral,
        _tied, _holders,
    ),
    Depth: (_steps,),
    OpeningDebt: (_opening_rate, _opening_maturity),
}  # fmt: skip
