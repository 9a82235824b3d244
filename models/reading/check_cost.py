"""All-in cost of each instrument on the case's mean path: money that nobody would lend is refused.

A lender who is paid less than nothing, or less than the same benchmark earns on a deposit, gives money away: the plan
would raise it to hold cash. Public support may do so, and says so with `subsidised`; a supplier's credit is paid for in
its price, a convertible by its shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..schema.drivers import process_of
from ..schema.financing import Instrument
from ..schema.ratings import rank
from .check_drivers import start_of
from .context import Context, Node
from .faults import MISSING

_SAME = 1e-9
_PERPETUAL = 40  # years for which what is never repaid is followed


@dataclass(frozen=True)
class _Costs:
    """Of one issue, in multiples of the face value, discounted at what a deposit earns: what lenders get over nothing,
    over the benchmark, over a deposit at the same benchmark, over idle cash; and the all-in cost, a year.
    """

    total: float
    own: float
    same: float
    idle: float
    rate: float


def _cost(ctx: Context, node: Node) -> None:
    """Refuse what costs nothing or less, or is sure to cost less than a deposit earns; doubt what is likely to."""
    if node["subsidised"] or not node["depth"]:
        return
    if _shares_pay(node) and node["market_margin"] is None:
        _nothing_asked(ctx, node)
        return
    if node["tenor"] is None and node["amortisation"] != "none":
        return
    supplier = of_supplier(ctx, node)
    bare = node["benchmark"] is None and node["spread_driver"] is None and not supplier
    if bare and node["discount"] == 0.0 and _fixed_parts(ctx, node, 1) <= 0.0:
        return  # said of an instrument without a coupon
    found = [_costs(ctx, node, v) for v in _issues(ctx, node)]
    if not found:
        return
    worst = min(found, key=lambda c: c.total)
    least = -_SAME if supplier else _SAME
    key = _key(node)
    path, value = (*node.path, key), node[key]
    cure = f"raise the {key}, or write subsidised = true if public support pays the difference"
    if worst.total < least and worst.own <= _SAME:
        said = f"an all-in cost above 0; on the mean path it is {_percent(worst.rate)} a year, fees included"
        ctx.fault(path, value, said, f"nobody pays to lend: {cure}")
    elif supplier:
        return
    elif (worst := min(found, key=lambda c: c.same)).same < -_SAME:
        said = (
            "an all-in cost that is not below what idle cash earns at the same benchmark; on the mean path it is "
            f"{_percent(worst.rate)} a year, fees included"
        )
        ctx.fault(path, value, said, f"borrowing to hold cash would be a gain in every scenario: {cure}")
    elif (worst := min(found, key=lambda c: c.idle)).idle < -_SAME:
        doubt = f"on the mean path it costs {_percent(worst.rate)} a year, fees included, less than idle cash earns"
        ctx.warn(path, value, f"{doubt}; usual: more", f"borrowing to hold cash would be a gain: {cure}")


def _nothing_asked(ctx: Context, node: Node) -> None:
    """Refuse a convertible whose holders are owed nothing for the coupon that they gave up (blocks/beyond.py)."""
    straight = [
        i for i in ctx.case["instrument"] if i["amortisation"] != "none" and not i["rent"] and not _shares_pay(i)
    ]
    if not straight and ctx.case["objective"]["money_discount"] == 0.0:
        cure = "give it, or money_discount, or offer a straight debt that its holders could buy instead"
        said = "the margin that a straight debt would pay, needed where none is on offer and money_discount is 0"
        ctx.fault((*node.path, "market_margin"), MISSING, said, cure)


def of_supplier(ctx: Context, node: Node) -> bool:
    """Whether it pays for purchases, and nobody but suppliers or their kin lend."""
    takers = [ctx.entry("investor", depth["investor"]) for depth in node["depth"]]
    return node["tied_to"] is not None and all(taker["party"] is not None for taker in takers)


def _shares_pay(node: Node) -> bool:
    return node["dilution"] is not None or node["kind"] == "convertible" or node["market_margin"] is not None


def _key(node: Node) -> str:
    if node["market_margin"] is not None:
        return "market_margin"
    converted = node["converted_margin"]
    return "converted_margin" if converted is not None and converted < node["margin"] else "margin"


def _percent(rate: float) -> str:
    return f"{rate * 100:.4g} %"


def _issues(ctx: Context, node: Node) -> Iterator[int]:
    """Periods of issue that may be the cheapest: where the benchmark or the spread is lowest, and the ends."""
    last = ctx.periods() - 1
    first, to = max(node["issue_from"] or 0, 0), last if node["issue_to"] is None else min(node["issue_to"], last)
    if first > to:
        return
    window = range(first, to + 1)
    found = {first, to}
    for driver in (node["benchmark"], node["spread_driver"]):
        if driver is not None:
            path = mean_path(ctx, driver)
            found.add(min(window, key=lambda v: path[v]))
    yield from sorted(found)


def _fixed_parts(ctx: Context, node: Node, n: int) -> float:
    """What is paid in interest period n beside benchmark and market spread, at its cheapest step, a year."""
    margin = node["margin"] if node["market_margin"] is None else node["market_margin"]
    if node["conversion"] is not None and node["converted_margin"] is not None and n > node["conversion"]:
        margin = node["converted_margin"]
    step = min((depth["steps"][0]["spread"] for depth in node["depth"] if depth["steps"]), default=0.0)
    lines, party = node["grid"], node["offtaker"]
    grid = 0.0
    if lines:
        rating = ctx.entry("party", party)["rating"] if party is not None else ""
        grid = next((x["margin"] for x in lines if rank(rating) <= rank(x["rating"])), lines[-1]["margin"])
    return float(margin + node["accretion"] + step + grid)


def _costs(ctx: Context, node: Node, issued: int) -> _Costs:
    dt = ctx.time().dt
    benchmark, spread = mean_path(ctx, node["benchmark"]), mean_path(ctx, node["spread_driver"])
    deposit, margin = mean_path(ctx, ctx.case["cash"]["rate_driver"]), ctx.case["cash"]["deposit_margin"]
    linked = node["benchmark"] is not None and node["benchmark"] == ctx.case["cash"]["rate_driver"]
    drawn = node["draw_window"] > 0
    upfront = node["fee"] + node["discount"] + (node["commitment_fee"] * dt if drawn else 0.0)
    market, floor = node["spread_beta"] * _at(spread, issued), node["coupon_floor"]
    total = own = same = idle = upfront
    worth, flows = 1.0, [1.0 - upfront]
    balances = _balances(ctx, node)
    for n, before in enumerate(balances[:-1], start=1):
        now = _at(benchmark, issued if node["rate"] == "fixed" else issued + n - 1)
        fixed = _fixed_parts(ctx, node, n)
        coupon = now + market + fixed
        paid = max(coupon - node["accretion"], floor) + node["accretion"]
        coupon = paid if floor > 0.0 else coupon
        earned = max(_at(deposit, issued + n - 1) + margin, 0.0)
        worth /= 1.0 + earned * dt
        weight = worth * dt * before
        total += weight * coupon
        own += weight * (coupon - now)
        same += weight * (paid - max(now + margin, 0.0)) if linked else weight * coupon
        idle += weight * (paid - earned)
        flows.append(balances[n] - before - dt * before * coupon)
    return _Costs(total, own, same if linked else 1.0, idle if deposit else 1.0, _rate(flows, balances[-1]) / dt)


def _balances(ctx: Context, node: Node) -> list[float]:
    """Balance of one unit of face value 0, 1, … periods after its issue; what grows is left to the rates."""
    tenor = node["tenor"]
    if tenor is None:
        return [1.0] * (_PERPETUAL * ctx.time().per_year + 1)
    count = tenor - node["grace"]
    if count < 1:
        return [1.0, 0.0]
    if node["amortisation"] == "bullet":
        shares = [0.0] * (count - 1) + [1.0]
    elif node["amortisation"] == "custom":
        shares = [*node["schedule"], *[0.0] * (count - len(node["schedule"]))]
    else:
        growth = 1.0 + (node["annuity_rate"] or 0.0) * ctx.time().dt if node["amortisation"] == "annuity" else 1.0
        shares = [growth**k for k in range(count)]
        shares = [s * (1.0 - node["balloon"]) / sum(shares) for s in shares]
        shares[-1] += node["balloon"]
    left = [1.0] * (node["grace"] + 1)
    for share in shares:
        left.append(left[-1] - share)
    return left


def _rate(flows: list[float], owed: float) -> float:
    """Rate per period at which money in first and out later, with what is then owed, is worth nothing."""
    flows = [*flows[:-1], flows[-1] - owed]
    low, high = -0.5, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        worth = sum(flow * math.exp(-n * math.log1p(middle)) for n, flow in enumerate(flows))
        low, high = (middle, high) if worth < 0.0 else (low, middle)
    return 0.5 * (low + high)


def _at(path: tuple[float, ...], period: int) -> float:
    """The path's value; beyond the horizon its last one, and 0 without a driver."""
    return path[min(period, len(path) - 1)] if path else 0.0


def mean_path(ctx: Context, driver: str | None) -> tuple[float, ...]:
    """A driver's path without shocks, period by period: its mean, for a logarithm its median; () without a driver."""
    if driver is None:
        return ()
    node, dt = ctx.entry("driver", driver), ctx.time().dt
    spec = process_of(node.cls)
    if spec.shows is not None:
        start_of(ctx, driver)  # skips what shows a driver that shows another
        return tuple(spec.shows(x, float(node["strike"])) for x in mean_path(ctx, node["depends_on"]))
    assert spec.level is not None
    return tuple(spec.level(node.__getitem__, t, dt) for t in range(ctx.periods()))


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {Instrument: (_cost,)}
