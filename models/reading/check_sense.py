"""Plausibility of figures side by side: systems that pay themselves back in weeks, halls too small for their fleet."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..schema.case import Case
from ..schema.drivers import Deterministic, GeometricJumps, TwoRegime
from ..schema.financing import Opening
from ..schema.hardware import Accelerator
from ..schema.revenue import Contract
from ..schema.sites import Layer
from ..schema.usual import RENTAL, SYSTEM_PRICE
from .check_drivers import column_start, factors_of
from .context import Context, Node, SkipError
from .faults import quantity
from .values import likely, money_scale
from .walk import specs

HOURS = 8766.0
PAYBACK = (0.02, 8.0)  # a year's rental over the price: 0.3 to 2 in 2026
OVER_RENTAL = (0.05, 15.0)  # a contract's price over the rental of the same compute: 0.5 to 1
_DEAREST = 40.0  # an hour of an accelerator, USD
KW_EACH = (0.15, 20.0)  # 0.7 to 4.2 kW in 2026, with its share of the system
BOOK = 1.5  # times today's price of the systems
ABOVE_NEW = 1.05
_HOURLY = ((730.5, "per month"), (24.0, "per day"), (HOURS, "per year"), (100.0, "in cents"))
_MILLIONS = ((1e-3, "in thousands"), (1e-6, "in single units of money"))


def _payback(ctx: Context, node: Node) -> None:
    """A year's rental against the price, in any currency."""
    ratio = node["rental"] * node["accelerators"] * HOURS / 1e6 / node["price"]
    low, high = PAYBACK
    if node["rental"] == 0 or low <= ratio <= high:
        return
    times = quantity(float(f"{ratio:.3g}"))
    doubt = f"fully let for a year it earns {times} times its price; usual: {low:g} to {high:g}"
    count, scale = node["accelerators"], money_scale(ctx) or 1.0
    whole = node["price"] * count
    sound_rental = RENTAL.low * scale <= node["rental"] <= _DEAREST * scale
    if ratio > high >= ratio / count and count > 1 and sound_rental and whole <= SYSTEM_PRICE.high * scale:
        meant = f"did you mean {quantity(float(f'{whole:.6g}'))}? It seems to be given per accelerator"
        ctx.warn((*node.path, "price"), node["price"], doubt, meant)
        return
    key, units = ("rental", _HOURLY) if ratio > high else ("price", _MILLIONS)
    factor, unit = _nearest(ratio, units, low, high)
    value = node[key] / factor if key == "rental" else node[key] * factor
    meant = f"did you mean {quantity(float(f'{value:.3g}'))}? It seems to be given {unit}" if unit else ""
    ctx.warn((*node.path, key), node[key], doubt, meant or "price is in millions, rental per accelerator and hour")


def _power(ctx: Context, node: Node) -> None:
    """Power of a system against the accelerators in it."""
    each, (low, high) = node["it_kw"] / node["accelerators"], KW_EACH
    if low <= each <= high:
        return
    meant = ""
    if each < low <= node["it_kw"] <= high and node["accelerators"] > 1:
        whole = quantity(float(f"{node['it_kw'] * node['accelerators']:.6g}"))
        meant = f"did you mean {whole}? It seems to be given per accelerator"
    doubt = f"that is {each:.3g} kW per accelerator; usual: {low:g} to {high:g} with its share of the system"
    ctx.warn((*node.path, "it_kw"), node["it_kw"], doubt, meant or _other_unit(node))


def _other_unit(node: Node) -> str:
    meant = likely(specs(node.cls)["it_kw"][0], node["it_kw"], 1.0)
    return f"did you mean {meant}" if meant else "it_kw is the IT power of a whole system, kW"


def _nearest(ratio: float, units: tuple[tuple[float, str], ...], low: float, high: float) -> tuple[float, str]:
    """The unit that brings a ratio nearest to the middle of its range, if one brings it inside."""
    middle = math.log(low * high) / 2
    fits = [(abs(math.log(ratio / f) - middle), f, word) for f, word in units if low <= ratio / f <= high]
    return min(fits)[1:] if fits else (1.0, "")


def _contract_price(ctx: Context, case: Node) -> None:
    """A contract's price against what the same compute is rented for."""
    metric = case["objective"]["metric"]
    per_pflops = [
        a["rental"] / (a[f"{metric}_tflops"] / 1e3) for a in case["accelerator"] if a["rental"] > 0
    ]  # fmt: skip
    if not per_pflops:
        return
    low, high = OVER_RENTAL[0] * min(per_pflops), OVER_RENTAL[1] * max(per_pflops)
    for contract in case["contract"]:
        price = contract["price"]
        if not low <= price <= high:
            doubt = f"the systems' rental is {min(per_pflops):.3g} to {max(per_pflops):.3g} per PFLOP/s and hour"
            near = 0.3 * min(per_pflops), 1.5 * max(per_pflops)
            factor, unit = _nearest(price, (*_HOURLY, (1e3, "per 1,000 PFLOP/s"), (1e-3, "per TFLOP/s")), *near)
            meant = f"did you mean {price / factor:.3g}? It seems to be given {unit}" if unit else ""
            ctx.warn(
                (*contract.path, "price"), price, f"{doubt}; usual: a price of {low:.2g} to {high:.2g}",
                meant or "price is per PFLOP/s and hour",
            )  # fmt: skip


def _lead(ctx: Context, node: Node) -> None:
    if any(node["supply"]):
        _beyond(ctx, node, "lead", "nothing that is ordered comes into service within the horizon")


def _layer_lead(ctx: Context, node: Node) -> None:
    if node["max_mw"] > node["opening_mw"] and (node["max_build"] is None or any(node["max_build"])):
        _beyond(ctx, node, "lead", "nothing that is built comes into service within the horizon")


def _ramp(ctx: Context, node: Node) -> None:
    _beyond(ctx, node, "ramp", "nothing that is signed is delivered within the horizon")


def _beyond(ctx: Context, node: Node, name: str, what: str) -> None:
    if node[name] >= ctx.periods():
        ctx.warn(
            (*node.path, name), node[name], f"{what}; usual: below its {ctx.periods()} periods",
            f"it is counted in periods: {'quarters' if ctx.time().step == 'quarter' else 'months'}",
        )  # fmt: skip


def _residual(ctx: Context, node: Node) -> None:
    curve = node["residual"]
    for i in range(1, len(curve)):
        if curve[i] > curve[i - 1]:
            allowed = f"at most that of the year before, {curve[i - 1]:g}"
            cure = "a system is worth less as it ages; a market that rises stands in resale_column"
            ctx.fault((*node.path, "residual", i), curve[i], allowed, cure)


def _resale(ctx: Context, node: Node) -> None:
    """Old systems that are expected to sell above new ones."""
    dt, curve = ctx.time().dt, node["residual"]
    for t in range(ctx.periods()):
        age = t * dt
        at = min(int(age), len(curve) - 1)
        after = min(at + 1, len(curve) - 1)
        share = curve[at] + (curve[after] - curve[at]) * min(age - at, 1.0)
        new = _expected(ctx, node["price_column"], age, t)
        old = share * _expected(ctx, node["resale_column"], age, t)
        if old > ABOVE_NEW * new:
            when = ctx.time().label(t)
            doubt = f"in {when} a system of today is expected to sell for {old / new:.2f} times a new one"
            ctx.warn(
                (*node.path, "resale_column"), node["resale_column"], f"{doubt}; usual: at most 1",
                "lower residual or the column's drift, or let price_column rise with it",
            )  # fmt: skip
            return


def _expected(ctx: Context, column: str, years: float, t: int) -> float:
    """Expected value of a price column, roughly: growth and known paths count, what reverts stays at its start."""
    value, growth = column_start(ctx, column), 0.0
    for name in factors_of(ctx, column):
        node = ctx.entry("driver", name)
        if node.cls is GeometricJumps:
            growth += sum(node["drift"][:t]) * ctx.time().dt
        elif node.cls is TwoRegime:
            leave, drift = node["switch"], node["drift"]
            first = leave[1] / sum(leave) if sum(leave) > 0 else 1.0 - node["start_regime"]
            growth += (first * drift[0] + (1.0 - first) * drift[1]) * years
        elif node.cls is Deterministic and node["path"][0]:
            value *= node["path"][t] / node["path"][0]
    return value * math.exp(min(growth, 300.0))


def _fleets(ctx: Context, node: Node) -> None:
    """Opening fleets: each once, at a book value near its price, in halls that can power them."""
    first: dict[tuple[str, str, int], int] = {}
    for i, fleet in enumerate(node["fleet"]):
        try:
            one = (fleet["accelerator"], fleet["site"], fleet["age"])
            if first.setdefault(one, i) != i:
                line = ctx.document.lines.line((*node.path, "fleet", first[one]))
                cure = f"it is already in line {line}: put the systems and book values into one entry"
                ctx.fault((*fleet.path, "accelerator"), one[0], "each system of an age once at a site", cure)
            _book(ctx, fleet)
        except SkipError:
            continue


def _book(ctx: Context, fleet: Node) -> None:
    system = ctx.entry("accelerator", fleet["accelerator"])
    worth = fleet["systems"] * (system["price"] + system["attach_cost"]) / 1e3
    if fleet["book_value"] > BOOK * worth + 1e-9:
        doubt = (
            f"new, the {fleet['systems']:g} systems cost {worth:.3g} billion today; usual: at most {BOOK:g} times that"
        )
        right = fleet["book_value"] / 1e3
        meant = (
            f"did you mean {quantity(float(f'{right:.6g}'))}? It seems to be given in millions"
            if right <= worth
            else ""
        )
        ctx.warn((*fleet.path, "book_value"), fleet["book_value"], doubt, meant or "check systems and book_value")


def _halls(ctx: Context, case: Node) -> None:
    """What stands at a site in period 0 must be powered and cooled by it."""
    opening = case["opening"]
    for site in case["site"]:
        megawatts, last = 0.0, None
        for fleet in opening["fleet"]:
            if fleet["site"] == site["id"]:
                megawatts += fleet["systems"] * ctx.entry("accelerator", fleet["accelerator"])["it_kw"] / 1e3
                last = fleet
        room = [(_room(site, layer), layer["kind"]) for layer in site["layer"]]
        least, kind = min(room, default=(math.inf, ""))
        if last is not None and megawatts > least * (1 + 1e-9):
            doubt = f"the fleet at {site['id']} takes {megawatts:.4g} MW, its {kind} serves {least:.4g} MW in period 0"
            ctx.warn((*last.path, "systems"), last["systems"], doubt, "fewer systems, or a larger opening_mw")


def _room(site: Node, layer: Node) -> float:
    """IT power that a layer serves in period 0, MW."""
    scheduled = layer["schedule_mw"]
    there = layer["opening_mw"] if scheduled is None else min(layer["opening_mw"], scheduled[0])
    return float(there / site["pue"] if layer["kind"] == "power" else there)


def _promised(ctx: Context, case: Node) -> None:
    """Volume already signed, against the compute that is there to deliver it."""
    metric = case["objective"]["metric"]
    there = sum(_compute(ctx, fleet, metric) for fleet in case["opening"]["fleet"])
    signed = [c for c in case["contract"] if c["opening_volume"] > 0]
    total = sum(c["opening_volume"] for c in signed)
    if signed and total > 1.5 * there:
        doubt = f"the opening fleet has {there:,.0f} PFLOP/s ({metric}) for the {total:,.0f} PFLOP/s already signed"
        tera = total / 1e3 <= 1.5 * there
        path = (*signed[-1].path, "opening_volume")
        ctx.warn(
            path, signed[-1]["opening_volume"], doubt, "is it given in TFLOP/s?" if tera else "check opening.fleet"
        )


def _compute(ctx: Context, fleet: Node, metric: str) -> float:
    system = ctx.entry("accelerator", fleet["accelerator"])
    return float(fleet["systems"] * system["accelerators"] * system[f"{metric}_tflops"] / 1e3)


def _far_volume(ctx: Context, case: Node) -> None:
    """A volume on offer that all systems which can be ordered could not serve by far."""
    metric = case["objective"]["metric"]
    could = sum(sum(a["supply"]) * a["accelerators"] * a[f"{metric}_tflops"] / 1e3 for a in case["accelerator"])
    could += sum(_compute(ctx, fleet, metric) for fleet in case["opening"]["fleet"])
    for contract in case["contract"]:
        if could > 0 and contract["volume"] > 300 * could:
            doubt = f"all systems that can be ordered or are there deliver {could:,.0f} PFLOP/s ({metric})"
            right = quantity(contract["volume"] / 1e3)
            ctx.warn(
                (*contract.path, "volume"),
                contract["volume"],
                doubt,
                f"did you mean {right}? It seems to be in TFLOP/s",
            )


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Accelerator: (_payback, _power, _lead, _residual, _resale),
    Layer: (_layer_lead,),
    Contract: (_ramp,),
    Opening: (_fleets,),
    Case: (_contract_price, _halls, _promised, _far_volume),
}
