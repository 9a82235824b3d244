"""Drivers by their use: a yearly rate or spread is a fraction and moves like one; others move in their own scale."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

from ..schema import usual as u
from ..schema.case import Case
from ..schema.drivers import CIR, GeometricJumps, LogisticShare, LogOU, TwoRegime, Vasicek
from ..schema.fields import Usual
from .check_usual import furthest, say
from .context import BAD, Context, Node, SkipError
from .faults import quantity
from .values import likely
from .walk import specs

_LARGEST_RATE = 1.0  # per year
_LOWEST_RATE = -0.1
_LEVELS = ("start", "mean", "path")
_WILD = 100.0  # times its own scale a year: no quantity moves so
_RESTLESS = 3.0
_FAR = 20.0


def _rates(ctx: Context, case: Node) -> None:
    """Drivers that are used as yearly rates or spreads must be fractions."""
    used = dict.fromkeys(_used_as_rates(case))
    for name, driver in ctx.nodes.get("driver", {}).items():
        if name in used:
            _rate(ctx, driver)
        elif driver.cls in (Vasicek, CIR):
            _own_scale(ctx, driver)


def _rate(ctx: Context, driver: Node) -> None:
    for key in _LEVELS:
        if key in driver.values:
            _level(ctx, driver, key)
    if driver.cls is Vasicek:
        _judge(ctx, driver, "volatility", u.RATE_VOLATILITY, most=_LARGEST_RATE)
    elif driver.cls is CIR:
        _judge(ctx, driver, "volatility", u.CIR_VOLATILITY, most=10.0)


def _level(ctx: Context, driver: Node, key: str) -> None:
    values = _values(driver, key)
    lowest = min(values, default=0.0)
    if lowest < _LOWEST_RATE:
        cure = "it is used as a yearly rate, and no money pays its borrower so much"
        ctx.fault((*driver.path, key), lowest, f"at least {_LOWEST_RATE}, fraction per year", cure)
    elif driver.cls in (GeometricJumps, TwoRegime, LogisticShare):  # an index used as a rate: doubtful, not impossible
        _judge(ctx, driver, key, u.RATE)
    else:
        _judge(ctx, driver, key, u.RATE, most=_LARGEST_RATE)


def _judge(ctx: Context, driver: Node, key: str, usual: Usual, most: float = math.inf) -> None:
    """A fault above `most`, a doubt outside the usual range."""
    values = _values(driver, key)
    spec = dataclasses.replace(specs(driver.cls)[key][0], usual=usual)
    largest = max(values, default=0.0)
    if largest > most:
        percent = f"{quantity(largest)} % is written {quantity(largest / 100)}"
        meant = "" if usual.low <= largest / 100 <= usual.high else likely(spec, largest, 1.0)
        cure = f"it is used as a yearly rate, and rates are fractions: {f'did you mean {meant}' if meant else percent}"
        ctx.fault((*driver.path, key), largest, f"at most {most:g}, fraction per year", cure)
        return
    value, item = furthest(values, usual, 1.0)
    if value is not None:
        say(ctx, driver, key, spec, value, item)


def _own_scale(ctx: Context, driver: Node) -> None:
    """Volatility of a level that is no rate, against that level."""
    scale = max((abs(v) for key in ("start", "mean") for v in _values(driver, key)), default=0.0)
    volatility = max(_values(driver, "volatility"), default=0.0)
    if scale == 0:
        return
    yearly = volatility / scale if driver.cls is Vasicek else volatility / math.sqrt(scale)
    words = f"times its level, {scale:g}, in a year"
    if yearly > _WILD:
        ctx.fault(
            (*driver.path, "volatility"), volatility, f"a driver that moves by at most {_WILD:g} {words}",
            f"it moves by {yearly:.3g} times: give it in the driver's own unit, or another process",
        )  # fmt: skip
    elif yearly > _RESTLESS:
        ctx.warn(
            (*driver.path, "volatility"), volatility, f"it moves by {yearly:.3g} {words}; usual: at most {_RESTLESS:g}",
            "volatility is in the driver's own unit",
        )  # fmt: skip


def _far_mean(ctx: Context, node: Node) -> None:
    """A level that reverts to one twenty times as large: hardly the same unit."""
    start, mean = abs(node["start"]), max(abs(v) for v in node["mean"])
    if start > 0 and mean > 0 and not 1 / _FAR <= mean / start <= _FAR:
        doubt = f"it starts at {start:g}; usual: a mean within {_FAR:g} times of that"
        ctx.warn((*node.path, "mean"), mean, doubt, "start and mean are in the same unit")


def _values(driver: Node, key: str) -> list[float]:
    value = driver.values.get(key, BAD)
    if value is BAD or value is None:
        return []
    return [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, (int, float))]


def _used_as_rates(case: Node) -> Iterator[str]:
    users = [(case.values["cash"], "rate_driver")]
    entries = case.values["instrument"]
    for entry in entries if isinstance(entries, tuple) else ():
        users += [(entry, "benchmark"), (entry, "spread_driver")]
    opening = case.values["opening"]
    if isinstance(opening, Node):
        debts = opening.values["debt"]
        users += [(debt, "benchmark") for debt in (debts if isinstance(debts, tuple) else ())]
    for node, key in users:
        try:
            name = node[key] if isinstance(node, Node) else None
        except SkipError:
            continue
        if name is not None:
            yield name


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Case: (_rates,),
    Vasicek: (_far_mean,),
    CIR: (_far_mean,),
    LogOU: (_far_mean,),
}
