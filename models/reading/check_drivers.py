"""Drivers, their correlation and the price columns made of them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..schema.drivers import (
    PROCESS_SPECS,
    Column,
    Correlation,
    Deterministic,
    LogisticShare,
    Shown,
    Survival,
    Vasicek,
    process_of,
)
from .context import Context, Node, SkipError
from .faults import show

MAX_FACTORS = 3
_FAR = 10.0


def start_of(ctx: Context, driver: str) -> float:
    """Value of a driver in period 0."""
    node = ctx.entry("driver", driver)
    spec = process_of(node.cls)
    if spec.shows is None:
        return spec.first(node.__getitem__)
    if issubclass(ctx.entry("driver", node["depends_on"]).cls, Shown):
        raise SkipError
    return spec.shows(start_of(ctx, node["depends_on"]), float(node["strike"]))


def factors_of(ctx: Context, column: str) -> tuple[str, ...]:
    """Drivers of a price column."""
    if column == "one":
        return ()
    if column in ctx.names["driver"]:
        return (column,)
    return tuple(ctx.entry("column", column)["drivers"])


def column_start(ctx: Context, column: str) -> float:
    """Value of a price column in period 0."""
    return prod(start_of(ctx, driver) for driver in factors_of(ctx, column))


def _floor(ctx: Context, node: Node) -> None:
    floor, start = node["floor"], node["start"]
    if floor is not None and floor > start:
        ctx.fault((*node.path, "floor"), floor, f"at most start, {start:g}", "lower the floor or raise the start")


def _logistic_bounds(ctx: Context, node: Node) -> None:
    low, high = node["low"], node["high"]
    if low >= high:
        ctx.fault((*node.path, "high"), high, f"above low, {low:g}", "the lower bound must lie below the upper one")
        return
    inside = f"strictly between low and high, {low:g} and {high:g}"
    if not low < node["start"] < high:
        ctx.fault((*node.path, "start"), node["start"], inside, "a logistic share never reaches its bounds")
    for value in dict.fromkeys(node["mean"]):
        if not low < value < high:
            ctx.fault((*node.path, "mean"), value, inside, "a logistic share never reaches its bounds")


def _depends_on(ctx: Context, node: Node) -> None:
    path, other = (*node.path, "depends_on"), node["depends_on"]
    if other is None:
        if node["sensitivity"] > 0:
            ctx.fault(
                (*node.path, "sensitivity"), node["sensitivity"], "0 without depends_on", "add depends_on = a driver"
            )
        return
    chain = [node["id"]]
    at: str | None = other
    while at is not None and at not in chain:
        chain.append(at)
        step = ctx.entry("driver", at)
        at = step["depends_on"] if step.cls is Survival else None
    allowed = "a driver that is always positive and no survival"
    if at is not None:
        ctx.fault(path, other, allowed, f"a cycle: {' → '.join([*chain, at])}; break it")
        return
    driver = ctx.entry("driver", other)
    if issubclass(driver.cls, Shown):
        ctx.fault(path, other, allowed, f"name the driver that the {driver['process']} is of")
    elif driver.cls is Survival:
        ctx.fault(path, other, allowed, "link both survivals to the driver behind them, e.g. the rental price")
    elif driver.cls is Vasicek and not (driver["floor"] or 0) > 0:
        ctx.fault(
            path,
            other,
            allowed,
            f"a vasicek can fall to 0 or below: give {show(other)} a floor above 0 or another process",
        )
    elif driver.cls is Deterministic and min(driver["path"]) <= 0:
        ctx.fault(path, other, allowed, "its path must stay above 0")


def _shown(ctx: Context, node: Node) -> None:
    other = node["depends_on"]
    if issubclass(ctx.entry("driver", other).cls, Survival | Shown):
        cure = "name a price or an index, e.g. the company's share price"
        allowed = "a driver that is no survival, no excess and no shortfall"
        ctx.fault((*node.path, "depends_on"), other, allowed, cure)
        return
    start, strike = start_of(ctx, other), node["strike"]
    if start > 0 and not 1 / _FAR <= strike / start <= _FAR:
        doubt = f"{other} starts at {start:g}; usual: a strike within {_FAR:g} times of that"
        ctx.warn((*node.path, "strike"), strike, doubt, f"strike is in the unit of {other}")


def _correlation(ctx: Context, node: Node) -> None:
    from .correlation import correlation_fault  # numpy: only where there is a matrix

    names = node["drivers"]
    for i, name in enumerate(names):
        if name in names[:i]:
            ctx.fault((*node.path, "drivers", i), name, "each driver once", "take out the repetition")
        elif name in ctx.nodes.get("driver", {}) and not process_of(ctx.nodes["driver"][name].cls).random:
            kind = ctx.nodes["driver"][name]["process"]
            cure = f"{'an' if kind == 'excess' else 'a'} {kind} driver has none; take it out"
            ctx.fault((*node.path, "drivers", i), name, "drivers with shocks", cure)
    if wrong := correlation_fault(node["matrix"], names):
        where, value, allowed, cure = wrong
        ctx.fault((*node.path, "matrix", *where), value, allowed, cure)


def _column(ctx: Context, node: Node) -> None:
    names, path = node["drivers"], (*node.path, "drivers")
    if len(names) > MAX_FACTORS:
        ctx.fault(path, list(names), f"two or {MAX_FACTORS} drivers", "multiply fewer drivers")
    for i, name in enumerate(names):
        if name in names[:i]:
            ctx.fault((*path, i), name, "each driver once", "take out the repetition")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    **{spec.schema: (_shown,) for spec in PROCESS_SPECS.values() if spec.shows is not None},
    Vasicek: (_floor,),
    LogisticShare: (_logistic_bounds,),
    Survival: (_depends_on,),
    Correlation: (_correlation,),
    Column: (_column,),
}
