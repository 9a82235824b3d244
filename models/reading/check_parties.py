"""Parties: who owns whom without a circle, who may fund, who guarantees, and who ranks where."""

from __future__ import annotations

from collections.abc import Callable

from ..schema.case import Case
from ..schema.drivers import Survival
from ..schema.financing import Instrument, Investor
from ..schema.hardware import Accelerator
from ..schema.parties import Party
from ..schema.revenue import Contract
from .context import BAD, Context, Node
from .lines import KeyPath

_DEBT = ("super_senior", "senior", "subordinated")


def _survival(ctx: Context, node: Node) -> None:
    name = node["survival"]
    if name is not None and ctx.entry("driver", name).cls is not Survival:
        allowed = 'a driver with process = "survival"'
        ctx.fault((*node.path, "survival"), name, allowed, "name the driver of the party's default, or leave it out")


def _stakes(ctx: Context, node: Node) -> None:
    seen: set[str] = set()
    for i, stake in enumerate(node["owns"]):
        name = stake["party"]
        path = (*node.path, "owns", i)
        if name == node["id"]:
            ctx.fault((*path, "party"), name, "another party", "a party does not own itself: leave the stake out")
        if name in seen:
            ctx.fault((*path, "party"), name, "each owned party once", "put the holdings into one stake")
        if stake["share"] == 0.0:
            ctx.fault((*path, "share"), 0.0, "above 0", "leave the stake out")
        seen.add(name)


def _ownership(ctx: Context, node: Node) -> None:
    """Ownership has no circle, and nobody is owned by more than the whole. Stakes at fault are left out."""
    stakes: list[tuple[str, str, float, KeyPath]] = []
    for party in node["party"]:
        owns = party.values["owns"]
        for s in owns if owns is not BAD else ():
            if BAD not in (party.values["id"], s.values["party"], s.values["share"]):
                stakes.append((party["id"], s["party"], s["share"], s.path))
    held: dict[str, float] = {}
    for owner, owned, share, path in stakes:
        held[owned] = held.get(owned, 0.0) + share
        if held[owned] > 1.0 + 1e-9:
            allowed = f"at most the {1.0 - held[owned] + share:g} of {owned} that nobody else holds"
            ctx.fault((*path, "share"), share, allowed, "the shares held in a party sum to 1 at most")
        if owner != owned and (way := _way(stakes, owned, owner)):
            chain = " owns ".join((owner, *way))
            ctx.fault((*path, "party"), owned, "ownership without a circle", f"{chain}: take one of these stakes out")


def _way(stakes: list[tuple[str, str, float, KeyPath]], start: str, goal: str) -> tuple[str, ...]:
    """Parties from `start` to `goal` along stakes, both included; empty if there is no way."""
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = [start]
    for name in queue:
        if name == goal:
            return ways[name]
        for owner, owned, _, _ in stakes:
            if owner == name and owned not in ways:
                ways[owned] = (*ways[name], owned)
                queue.append(owned)
    return ()


def _funder(ctx: Context, node: Node) -> None:
    name = node["party"]
    if name is None or ctx.entry("party", name)["role"] != "other":
        return
    linked = any(s["party"] == name or p["id"] == name for p in ctx.case["party"] for s in p["owns"])
    if not linked:
        allowed = "a supplier, a customer, or a party linked to one by ownership"
        cure = "its money is not circular: leave party out, correct its role, or say who owns it with [[party.owns]]"
        ctx.fault((*node.path, "party"), name, allowed, cure)


def _in_trade(ctx: Context, node: Node, name: str, role: str) -> None:
    """Who supplies or signs has a role that says so: what it funds is circular, offer or no offer."""
    if ctx.entry("party", node[name])["role"] == "other":
        allowed = f'a party with role = "{role}"'
        cure = f'write role = "{role}" at the party; what it funds then counts as circular'
        ctx.fault((*node.path, name), node[name], allowed, cure)


def _vendor(ctx: Context, node: Node) -> None:
    _in_trade(ctx, node, "vendor", "supplier")


def _customer(ctx: Context, node: Node) -> None:
    _in_trade(ctx, node, "customer", "customer")


def _guarantee(ctx: Context, node: Node) -> None:
    if node["guarantor"] is None and node["guaranteed_share"] < 1.0:
        ctx.fault(
            (*node.path, "guaranteed_share"), node["guaranteed_share"], "left out without guarantor",
            "add guarantor = the party that guarantees",
        )  # fmt: skip
    if node["guarantor"] is not None and node["amortisation"] == "none":
        ctx.fault(
            (*node.path, "guarantor"), node["guarantor"], 'left out with amortisation = "none"',
            "equity has no claim that could be guaranteed",
        )  # fmt: skip


def _rank(ctx: Context, node: Node) -> None:
    if node["amortisation"] == "none" and node["seniority"] in _DEBT:
        cure = "what is never repaid ranks behind all debt; leave seniority out, or give it a tenor"
        ctx.fault((*node.path, "seniority"), node["seniority"], "preferred or equity", cure)


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Party: (_survival, _stakes),
    Case: (_ownership,),
    Investor: (_funder,),
    Accelerator: (_vendor,),
    Contract: (_customer,),
    Instrument: (_guarantee, _rank),
}
