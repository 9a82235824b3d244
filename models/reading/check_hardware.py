"""Hardware, sites and revenue: windows, layers, schedules, price columns that start at 1."""

from __future__ import annotations

from collections.abc import Callable

from ..schema.drivers import Deterministic, Survival, Vasicek, process_of
from ..schema.financing import Opening, OpeningFleet
from ..schema.hardware import Accelerator
from ..schema.revenue import Contract, Merchant, Organic
from ..schema.sites import LAYERS, Layer, Site
from .check_drivers import column_start, factors_of, start_of
from .context import Context, Node

SUM = 1e-6
_FACTORS = 4
"""Drivers that a price may be the product of, as the scenarios are computed."""
_FULLY_LET = (0.05, 2.0)
_SIGMAS = 3.0


def in_order(ctx: Context, node: Node, first: str, last: str) -> None:
    """Fault if window `first` to `last` ends before it starts; either end may be open."""
    start, end = node[first], node[last]
    if start is not None and end is not None and end < start:
        label = ctx.time().label
        ctx.fault(
            (*node.path, last), label(end), f"not before {first}, {label(start)}", "the end lies before the start"
        )


def meets_horizon(ctx: Context, node: Node, first: str, last: str, useless: str) -> None:
    """Fault if a window ends before the horizon, a doubt if it begins after it."""
    time, start, end = ctx.time(), node[first], node[last]
    span = f"{time.label(0)} to {time.label(time.periods - 1)}"
    if start is not None and end is not None and end < start:
        return
    if end is not None and end < 0:
        ctx.fault((*node.path, last), time.label(end), f"not before the horizon, {span}", useless)
    elif start is not None and start >= time.periods:
        ctx.warn((*node.path, first), time.label(start), f"it lies after the horizon, {span}", useless)


def starts_at_one(ctx: Context, node: Node, name: str) -> None:
    """Fault if a price column that scales a price of period 0 is not 1 there."""
    start = column_start(ctx, node[name])
    if abs(start - 1.0) > SUM:
        allowed = "a price column that is 1 in period 0"
        ctx.fault(
            (*node.path, name), node[name], allowed, f"it starts at {start:g}: divide the driver's values by that"
        )


def never_negative(ctx: Context, node: Node, name: str) -> None:
    """Fault if a driver of a price column is known to fall below zero, a doubt if its law lets it."""
    for driver in factors_of(ctx, node[name]):
        entry = ctx.entry("driver", driver)
        if entry.cls is Deterministic and min(entry["path"]) < 0.0:
            cure = f"the path of {driver} falls to {min(entry['path']):g}: correct it"
            ctx.fault((*node.path, name), node[name], "a price column that is never below 0", cure)
        elif entry.cls is Vasicek and (entry["floor"] is None or entry["floor"] < 0.0):
            spread = _SIGMAS * max(entry["volatility"]) / (2.0 * entry["reversion"]) ** 0.5
            lowest = min(entry["start"], *entry["mean"]) - spread
            if lowest < 0.0:
                doubt = f"{driver} may fall to {lowest:.3g}; usual: a price that is never below 0"
                ctx.warn((*node.path, name), node[name], doubt, f"give {driver} floor = 0.0, or another process")


def sums_to_one(ctx: Context, node: Node, name: str) -> None:
    total = sum(node[name])
    if abs(total - 1.0) > SUM:
        ctx.fault((*node.path, name), f"sum {total:.10g}", "shares that sum to 1", "correct the shares")


def _accelerator_window(ctx: Context, node: Node) -> None:
    in_order(ctx, node, "available_from", "available_to")
    held = any(fleet.values["accelerator"] == node["id"] for fleet in ctx.case["opening"]["fleet"])
    if not held:  # what is no longer sold may still stand in the opening fleet
        meets_horizon(
            ctx, node, "available_from", "available_to", "it could never be ordered: take it out, or move the date"
        )


def _price_column(ctx: Context, node: Node) -> None:
    starts_at_one(ctx, node, "price_column")
    never_negative(ctx, node, "price_column")


def _resale_column(ctx: Context, node: Node) -> None:
    starts_at_one(ctx, node, "resale_column")
    never_negative(ctx, node, "resale_column")


def _availability(ctx: Context, node: Node) -> None:
    for driver in factors_of(ctx, node["availability_column"]):
        start = start_of(ctx, driver)
        if not 0 <= start <= 1:
            allowed = "a price column of shares, from 0 to 1"
            ctx.fault(
                (*node.path, "availability_column"),
                node["availability_column"],
                allowed,
                f"{driver} starts at {start:g}",
            )


def _served(ctx: Context, node: Node) -> None:
    """What a contract or a rental is paid for is a product of drivers, and short only of a share with bounds."""
    name, drivers = node["availability_column"], factors_of(ctx, node["availability_column"])
    kinds = [ctx.entry("driver", driver).cls for driver in drivers]
    processes = [process_of(kind) for kind in kinds]
    moves = any(kind is not Deterministic for kind in kinds)
    bounded = all(process.bounds is not None for process in processes)
    shown = any(process.shows is not None for process in processes)
    if moves and ctx.case["contract"] and (shown or (len(kinds) > 1 and not bounded)):
        allowed = "drivers of process logistic_share, survival, window or deterministic, where there are contracts"
        cure = "what is short of a contract follows from a share that stays between bounds"
        ctx.fault((*node.path, "availability_column"), name, allowed, cure)
    merchant = ctx.case["merchant"]
    if moves and merchant is not None and node["rental"] > 0:
        count = len(kinds) + len(factors_of(ctx, merchant["column"]))
        if count > _FACTORS:
            allowed = f"a column that with merchant.column is the product of at most {_FACTORS} drivers, not {count}"
            ctx.fault(
                (*node.path, "availability_column"), name, allowed, "a rental is paid for what is available of it"
            )


def _layers(ctx: Context, node: Node) -> None:
    kinds = [layer["kind"] for layer in node["layer"]]
    for kind in LAYERS:
        if kind not in kinds:
            ctx.fault((*node.path, "layer"), ", ".join(kinds), f"each of {', '.join(LAYERS)} once", f"add layer {kind}")
    for i, kind in enumerate(kinds):
        if kind in kinds[:i]:
            ctx.fault((*node.path, "layer", i, "kind"), kind, "each layer once", "merge it with the other")


def _power_column(ctx: Context, node: Node) -> None:
    starts_at_one(ctx, node, "power_column")
    never_negative(ctx, node, "power_column")


def _lease(ctx: Context, node: Node) -> None:
    """A remaining lease needs a shell that is leased, and subletting a lease."""
    leased = node["lease"] is not None or node["opening_lease"] is not None
    if node["sublet_share"] > 0 and not leased:
        allowed = "0 without lease or opening_lease"
        ctx.fault((*node.path, "sublet_share"), node["sublet_share"], allowed, "add lease = years, or leave it out")
    opening = sum(layer["opening_mw"] for layer in node["layer"] if layer["kind"] == "shell")
    if node["opening_lease"] is not None and opening == 0:
        years = node["opening_lease"] / ctx.time().per_year
        cure = "no shell is in service at the start: leave it out, or give the shell's opening_mw"
        ctx.fault((*node.path, "opening_lease"), years, "left out without a shell in service", cure)
    if leased and node["opex"] == 0:
        name = "lease" if node["lease"] is not None else "opening_lease"
        years = node[name] / ctx.time().per_year
        ctx.fault((*node.path, name), years, "left out with opex = 0", "the rent is in opex: give it")


def _stages(ctx: Context, node: Node) -> None:
    sums_to_one(ctx, node, "stages")


def _opening_mw(ctx: Context, node: Node) -> None:
    if node["opening_mw"] > node["max_mw"]:
        allowed = f"at most max_mw, {node['max_mw']:g} MW"
        cure = "lower opening_mw or raise max_mw, both in MW"
        ctx.fault((*node.path, "opening_mw"), node["opening_mw"], allowed, cure)


def _schedule(ctx: Context, node: Node) -> None:
    schedule = node["schedule_mw"]
    if schedule is not None and max(schedule) > node["max_mw"]:
        ctx.fault((*node.path, "schedule_mw"), max(schedule), f"at most max_mw, {node['max_mw']:g}", "raise max_mw")


def _signing(ctx: Context, node: Node) -> None:
    in_order(ctx, node, "sign_from", "sign_to")
    if node["opening_volume"] == 0:
        meets_horizon(ctx, node, "sign_from", "sign_to", "it could never be signed: take it out, or move the date")


def _survival(ctx: Context, node: Node) -> None:
    name = node["survival"]
    if name is None:
        if node["relet_share"] > 0:
            ctx.fault((*node.path, "relet_share"), node["relet_share"], "0 without survival", "add survival = a driver")
    elif ctx.entry("driver", name).cls not in (Survival, Deterministic):
        ctx.fault((*node.path, "survival"), name, "a driver of process survival", "add one for this customer")
    elif ctx.entry("driver", name).cls is Survival and ctx.entry("driver", name)["recovery"] >= 1.0:
        allowed = "a driver with recovery below 1, which shows a default"
        ctx.fault((*node.path, "survival"), name, allowed, "lower its recovery, or leave survival out: all is paid")


def _relet(ctx: Context, node: Node) -> None:
    if node["relet_share"] > 0 and ctx.case["merchant"] is None:
        ctx.fault(
            (*node.path, "relet_share"),
            node["relet_share"],
            "0 without [merchant]",
            "add [merchant], where it is re-let",
        )


def _opening_volume(ctx: Context, node: Node) -> None:
    if node["opening_volume"] > 0 and node["opening_term"] is None:
        allowed = "the remaining time of opening_volume"
        ctx.fault((*node.path, "opening_volume"), node["opening_volume"], allowed, "add opening_term = years")
    if node["opening_volume"] == 0 and node["opening_term"] is not None:
        ctx.fault(
            (*node.path, "opening_volume"), 0, "above 0 with opening_term", "give the volume, or leave opening_term out"
        )


def _opening_receivable(ctx: Context, node: Node) -> None:
    if node["opening_receivable"] > 0 and node["opening_volume"] == 0:
        value, cure = node["opening_receivable"], "give opening_volume, whose bills they are, or leave it out"
        ctx.fault((*node.path, "opening_receivable"), value, "0 without opening_volume", cure)


def _remedy(ctx: Context, node: Node) -> None:
    if node["shortfall"] == "damages" and node["damages"] == 0:
        cure = 'add damages, over the price, or write shortfall = "credit"'
        ctx.fault((*node.path, "damages"), 0, 'above 0 with shortfall = "damages"', cure)
    if node["shortfall"] != "damages" and node["damages"] > 0:
        ctx.fault(
            (*node.path, "damages"), node["damages"], '0 unless shortfall = "damages"', 'write shortfall = "damages"'
        )


def _rentals(ctx: Context, node: Node) -> None:
    if not any(accelerator["rental"] > 0 for accelerator in ctx.case["accelerator"]):
        ctx.fault(
            node.path,
            "no rental",
            "a rental above 0 for at least one accelerator",
            "give accelerators a rental, or leave [merchant] out",
        )


def _merchant_column(ctx: Context, node: Node) -> None:
    """The index counts in list prices: one that starts at 100 would rent at a hundred times the list."""
    never_negative(ctx, node, "column")
    start = column_start(ctx, node["column"])
    low, high = _FULLY_LET
    if not low <= start <= high:
        doubt = f"it starts at {start:g}, and 1 is today's list price fully let; usual: {low:g} to {high:g}"
        ctx.warn((*node.path, "column"), node["column"], doubt, "divide the driver's values by its start")


def _organic_column(ctx: Context, node: Node) -> None:
    starts_at_one(ctx, node, "column")


def _fleet_age(ctx: Context, node: Node) -> None:
    life = ctx.entry("accelerator", node["accelerator"])["life"]
    if node["age"] >= life:
        ctx.fault(
            (*node.path, "age"), node["age"], f"below the system's life, {life} periods", "leave retired systems out"
        )


def _site_life(ctx: Context, node: Node) -> None:
    if node["site_book_value"] > 0 and node["site_life"] is None:
        allowed = "the time over which it is depreciated"
        ctx.fault((*node.path, "site_book_value"), node["site_book_value"], allowed, "add site_life = years")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Accelerator: (_accelerator_window, _price_column, _resale_column, _availability, _served),
    Site: (_layers, _power_column, _lease),
    Layer: (_stages, _opening_mw, _schedule),
    Contract: (_signing, _survival, _relet, _opening_volume, _opening_receivable, _remedy),
    Merchant: (_rentals, _merchant_column),
    Organic: (_organic_column,),
    OpeningFleet: (_fleet_age,),
    Opening: (_site_life,),
}
