"""Money against money: an amount is judged beside the others of its case, since no ceiling fits dollars and yen."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

from ..schema.case import Case
from ..schema.covenant_kinds import COVENANT_KINDS
from ..schema.losses import LOSS_SPECS
from ..schema.rules import LOSSES
from .context import BAD, Context, Node
from .faults import quantity
from .values import in_range
from .walk import specs

BEYOND = 1e6
"""Times all other money of the case: no amount is meant so large."""
STOCKS = {
    "opening": 20.0, "opening_cash": 20.0, "opening_losses": 20.0, "opening_interest": 20.0,
    "minimum": 5.0, "minimum_cash": 5.0, "reserve": 5.0,
    "dividends": 5.0, "site_book_value": 5.0, "amount": 5.0, "ebitda": 5.0,
    "opening_receivable": 5.0, "opening_payables": 5.0,
}  # fmt: skip
"""Times what all hardware and sites would cost: a company whose cash, debt or book value is more needs no such plan."""

NO_LIMIT = 100.0
"""The same for limits and appetites."""


def _plausible(ctx: Context, case: Node) -> None:
    """Faults for amounts beyond all others, doubts about stocks of money beyond all that can be bought."""
    amounts = list(_amounts(case))
    buys = purchases(case)
    positive = [abs(value) for _, _, value, _ in amounts if value != 0]
    if not positive:
        return
    typical = statistics.median_low(positive)
    reference = max(buys, typical)
    for node, name, value, item in amounts:
        if abs(value) > BEYOND * reference:
            _beyond(ctx, node, name, value, reference)
        elif buys > 0:
            _doubtful(ctx, node, name, value, item, reference)


def _beyond(ctx: Context, node: Node, name: str, value: float, reference: float) -> None:
    near = 1e-9 if abs(value) * 1e-9 > 1e-4 * reference else 1e-3
    most = quantity(float(f"{BEYOND * reference:.3g}"))
    none = "" if name in STOCKS else "; for no limit leave it out, or write less"
    ctx.fault(
        (*node.path, name), value, f"at most {most} billion, a million times the other money of the case",
        f"amounts are in billions: did you mean {quantity(float(f'{value * near:.6g}'))}?{none}",
    )  # fmt: skip


def _doubtful(ctx: Context, node: Node, name: str, value: float, item: int | None, reference: float) -> None:
    unit = specs(node.cls)[name][0].unit
    periods = ctx.periods() if "per period" in unit and name not in STOCKS else 1
    times, usual = abs(value) * periods / reference, STOCKS.get(name, NO_LIMIT)
    if times > usual:
        over = " over the horizon" if periods > 1 else ""
        doubt = f"it is {times:.0f} times all hardware and sites of the case{over}; usual: at most {usual:.0f}"
        meant = f"did you mean {quantity(float(f'{value / 1e3:.6g}'))}? It seems to be given in millions"
        none = "" if name in STOCKS else "; for no limit leave it out"
        ctx.warn((*node.path, name), value, doubt, meant + none, item=item)


def _amounts(case: Node) -> Iterator[tuple[Node, str, float, int | None]]:
    """Every amount in billions: the largest of each series, with its place."""
    for node in case.walk():
        for name, (spec, _) in specs(node.cls).items():
            value = node.values.get(name, BAD)
            if value is BAD or value is None or not _is_money(node, name, spec.unit):
                continue
            if isinstance(value, tuple):
                value, item = max(((v, i) for i, v in enumerate(value)), key=lambda pair: abs(pair[0]))
                yield node, name, float(value), item
            elif in_range(value, spec):
                yield node, name, float(value), None


def _is_money(node: Node, name: str, unit: str) -> bool:
    if unit.startswith("billion"):
        return True
    if name == "limit" and "kind" in node.values:
        return node.values["kind"] in COVENANT_KINDS and COVENANT_KINDS[node.values["kind"]].unit == "billion"
    return name == "limit" and _of_money(node.values.get("loss"))


def _of_money(loss: object) -> bool:
    return loss in LOSSES and LOSS_SPECS[str(loss)].unit == "billion"


def purchases(case: Node) -> float:
    """What all hardware and sites that can be bought or are there would cost, billion; parts at fault are left out."""
    price: dict[str, float] = {}
    total = 0.0
    for system in _entries(case, "accelerator"):
        values = system.values
        if BAD in (values["price"], values["attach_cost"], values["supply"]):
            continue
        each = (values["price"] + values["attach_cost"]) / 1e3
        price[str(values["id"])] = each
        total += each * sum(values["supply"])
    for site in _entries(case, "site"):
        for layer in _entries(site, "layer"):
            values = layer.values
            if BAD not in (values["cost_per_mw"], values["max_mw"], values["cost_per_site"]):
                total += (values["cost_per_mw"] * values["max_mw"] + values["cost_per_site"]) / 1e3
    opening = case.values["opening"]
    for fleet in _entries(opening, "fleet") if isinstance(opening, Node) else ():
        if fleet.values["systems"] is not BAD:
            total += fleet.values["systems"] * price.get(str(fleet.values["accelerator"]), 0.0)
    return total


def _entries(node: Node, name: str) -> Iterator[Node]:
    value = node.values.get(name)
    yield from (entry for entry in (value if isinstance(value, tuple) else ()) if isinstance(entry, Node))


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {Case: (_plausible,)}
