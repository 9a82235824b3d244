"""Objective, cash, budget, covenants and risk limits."""

from __future__ import annotations

from collections.abc import Callable

from ..schema.covenant_kinds import COVENANT_KINDS
from ..schema.losses import LOSS_SPECS
from ..schema.rules import Budget, Cash, Covenant, Objective, Risk, Tax, WriteOff
from .check_hardware import in_order, sums_to_one
from .context import Context, Node
from .faults import quantity


def _objective(ctx: Context, node: Node) -> None:
    kind = node["kind"]
    if node["at"] is None and (kind in ("capacity", "cost") or (kind == "npv" and node["target"] is not None)):
        needed = f'the date, needed with kind = "{kind}"{" and a target" if kind == "npv" else ""}'
        ctx.fault((*node.path, "at"), "(missing)", needed, 'add at, e.g. at = "2028Q4"')


def _objective_target(ctx: Context, node: Node) -> None:
    if node["kind"] == "cost" and node["target"] is None:
        ctx.fault((*node.path, "target"), "(missing)", 'compute in PFLOP/s, needed with kind = "cost"', "add target")


def within_horizon(ctx: Context, node: Node) -> None:
    """Fault if `at` lies outside the horizon."""
    at, time = node["at"], ctx.time()
    if at is not None and not 0 <= at < time.periods:
        allowed = f"a period of the horizon, {time.label(0)} to {time.label(time.periods - 1)}"
        ctx.fault((*node.path, "at"), time.label(at), allowed, "move the date or lengthen the horizon")


def _margins(ctx: Context, node: Node) -> None:
    if node["deficit_margin"] < node["deposit_margin"]:
        allowed = f"at least deposit_margin, {node['deposit_margin']:g}"
        ctx.fault(
            (*node.path, "deficit_margin"), node["deficit_margin"], allowed, "a deficit costs more than a surplus earns"
        )


def _interest(ctx: Context, node: Node) -> None:
    if node["opening_interest"] > 0 and node["interest_limit"] is None:
        cure = "add interest_limit, e.g. interest_limit = 0.30"
        ctx.fault((*node.path, "opening_interest"), node["opening_interest"], "0 where interest has no limit", cure)


def _write_off(ctx: Context, node: Node) -> None:
    method = node["method"]
    if node["years"] is not None and method != "straight":
        ctx.fault(
            (*node.path, "years"), "given", f'left out with method = "{method}", which says how long it takes',
            'leave it out, or write method = "straight"',
        )  # fmt: skip
    if method == "table" and not node["shares"]:
        ctx.fault(
            (*node.path, "shares"), "(missing)", 'shares by calendar year, needed with method = "table"', "add shares"
        )
    elif method == "table":
        sums_to_one(ctx, node, "shares")
    elif node["shares"]:
        ctx.fault((*node.path, "shares"), list(node["shares"]), 'left out unless method = "table"', "leave it out")


def _budget(ctx: Context, node: Node) -> None:
    if node["total"] is None and node["per_period"] is None:
        ctx.fault(node.path, "(empty)", "total, per_period or both", "give a budget, or leave [budget] out")


def _covenant_window(ctx: Context, node: Node) -> None:
    in_order(ctx, node, "from_period", "to_period")


def _covenant_reach(ctx: Context, node: Node) -> None:
    time, to = ctx.time(), node["to_period"]
    if node["from_period"] >= time.periods or (to is not None and to < 0):
        allowed = f"a window that meets the horizon, {time.label(0)} to {time.label(time.periods - 1)}"
        key = "from_period" if node["from_period"] >= time.periods else "to_period"
        ctx.fault((*node.path, key), time.label(node[key]), allowed, "it would test nothing")


def _covenant_limit(ctx: Context, node: Node) -> None:
    kind, limit = node["kind"], node["limit"]
    known = COVENANT_KINDS[kind]
    if known.unit == "fraction" and known.most is not None and not 0 <= limit <= known.most:
        cure = "shares are fractions: 80 % is written 0.80"
        ctx.fault((*node.path, "limit"), limit, f"from 0 to {known.most:g} for {kind}", cure)
    elif not known.signed and limit < 0:
        ctx.fault((*node.path, "limit"), limit, f"at least 0 for {kind}", "")
    elif known.most is not None and limit > known.most:
        allowed = f"from 0 to {known.most:g} for {kind}, {known.unit}"
        ctx.fault((*node.path, "limit"), limit, allowed, "check the unit, or leave it out")
    elif known.usual is not None and limit and not known.usual[0] <= limit <= known.usual[1]:
        low, high = known.usual
        right = limit / 100
        meant = f"did you mean {quantity(right)}? It seems to be given in percent" if low <= right <= high else ""
        ctx.warn((*node.path, "limit"), limit, f"usual for {kind}: {low:g} to {high:g}, {known.unit}", meant)


def _loss(ctx: Context, node: Node) -> None:
    """A loss has its own keys and none of another's."""
    own = LOSS_SPECS[node["loss"]]
    if own.needs is not None and node[own.needs[0]] is None:
        name, what = own.needs
        ctx.fault((*node.path, name), "(missing)", f"{what}, needed for {node['loss']}", f"add {name}")
    for loss, spec in LOSS_SPECS.items():
        for name in spec.keys:
            if name in own.keys or node[name] is None:
                continue
            shown = ctx.time().label(node[name]) if name == "at" else node[name]
            cure = "other losses are the group's" if name == "entity" else "leave it out"
            ctx.fault((*node.path, name), shown, f'left out unless loss = "{loss}"', cure)


def _tail(ctx: Context, node: Node) -> None:
    count, level = ctx.case["simulation"]["count"], node["level"]
    if level is not None and (1 - level) * count < 1 - 1e-9:
        allowed = f"a tail of at least one scenario: level at most {quantity(1 - 1 / count)} with {count} scenarios"
        needed = f"simulate at least {quantity(round(1 / (1 - level)))}" if 1 - level > 1e-9 else "lower the level"
        ctx.fault((*node.path, "level"), level, allowed, f"{needed}, or lower the level")


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Objective: (_objective, _objective_target, within_horizon),
    Cash: (_margins,),
    Tax: (_interest,),
    WriteOff: (_write_off,),
    Budget: (_budget,),
    Covenant: (_covenant_window, _covenant_reach, _covenant_limit, _tail),
    Risk: (_loss, within_horizon, _tail),
}
