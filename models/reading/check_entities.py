"""Entities: one parent, ownership without a circle, assets and cash behind each; and covenants on what is defined."""

from __future__ import annotations

from collections.abc import Callable

from ..schema.case import Case
from ..schema.covenant_kinds import COVENANT_KINDS, kinds_taking
from ..schema.entities import Entity
from ..schema.financing import Instrument, OpeningDebt
from ..schema.rules import COUNTS_LEASES, Covenant
from .context import Context, Node
from .faults import quantity

_OF_SPV = {"parent": None, "opening_cash": 0.0, "lock_up": None}
_ONLY = {key: kinds_taking(key) for key in ("party", "holder", "advance", "discount")}


def _parent_only(ctx: Context, node: Node) -> None:
    if node["kind"] != "parent":
        return
    for key, empty in _OF_SPV.items():
        if node[key] != empty:
            cure = "the parent has what the SPVs leave of cash.opening" if key == "opening_cash" else "leave it out"
            ctx.fault((*node.path, key), node[key], f'left out with kind = "{node["kind"]}"', cure)
    if any(node["reserve"]):
        ctx.fault((*node.path, "reserve"), node["reserve"][0], 'left out with kind = "parent"', "use minimum_cash")


def _one_parent(ctx: Context, node: Node) -> None:
    entities = node["entity"]
    parents = [e for e in entities if e["kind"] == "parent"]
    if entities and not parents:
        ctx.fault(("entity",), f"{len(entities)} entities", 'one entity with kind = "parent"', "add the parent")
    for extra in parents[1:]:
        ctx.fault((*extra.path, "kind"), "parent", f'"spv": {parents[0]["id"]} is the parent', "a group has one parent")


def _owners(ctx: Context, node: Node) -> None:
    """Each SPV is owned, in the end, by the parent."""
    owner = {e["id"]: e["parent"] for e in node["entity"]}
    for entity in node["entity"]:
        way, name = [entity["id"]], entity["parent"]
        while name is not None and name not in way:
            way.append(name)
            name = owner.get(name)
        if name == entity["id"]:
            chain = " is owned by ".join([*way, name])
            cure = f"{chain}: leave parent out of one of them, it is then owned by the parent of the group"
            ctx.fault((*entity.path, "parent"), entity["parent"], "an entity above it, without a circle", cure)


def _cash(ctx: Context, node: Node) -> None:
    opening, given = node["cash"]["opening"], sum(e["opening_cash"] for e in node["entity"])
    if given > opening + 1e-12:
        last = next(e for e in reversed(node["entity"]) if e["opening_cash"] > 0)
        allowed = f"at most {quantity(opening)} billion in all SPVs, the group's cash.opening"
        ctx.fault(
            (*last.path, "opening_cash"), last["opening_cash"], allowed, f"they sum to {quantity(given)}; lower one"
        )


def _assets(ctx: Context, node: Node) -> None:
    """An SPV owns a site; whoever signs a contract has one to deliver from."""
    parent = next((e["id"] for e in node["entity"] if e["kind"] == "parent"), None)
    owning = {s["entity"] or parent for s in node["site"]}
    for entity in node["entity"]:
        if entity["kind"] == "spv" and entity["id"] not in owning:
            cure = f'give it one: entity = "{entity["id"]}" in a [[site]]; or take it out'
            ctx.fault((*entity.path, "id"), entity["id"], "an SPV with assets: at least one site", cure)
    for contract in node["contract"]:
        if node["entity"] and (contract["entity"] or parent) not in owning:
            who = contract["entity"] or f"left out, so {parent}"
            cure = "it could deliver nothing: name the entity whose sites serve the contract"
            ctx.fault((*contract.path, "entity"), who, "an entity that owns a site", cure)


def _kept(ctx: Context, node: Node) -> None:
    if node["as"] == "cvar" and node["level"] is None:
        ctx.fault(
            (*node.path, "level"), "(missing)", 'the confidence level, needed with as = "cvar"', "add level = 0.95"
        )
    if node["as"] != "cvar" and node["level"] is not None:
        ctx.fault((*node.path, "level"), node["level"], 'left out unless as = "cvar"', "leave it out")


def _keys(ctx: Context, node: Node) -> None:
    kind = node["kind"]
    if node["leases"] and kind not in COUNTS_LEASES:
        ctx.fault((*node.path, "leases"), True, f"left out unless kind is {' or '.join(COUNTS_LEASES)}", "leave it out")
    for key, kinds in _ONLY.items():
        if node[key] not in (None, ()) and kind not in kinds:
            ctx.fault((*node.path, key), node[key], f"left out unless kind is {' or '.join(kinds)}", "leave it out")
    if kind == "borrowing_base" and not node["advance"]:
        ctx.fault(
            (*node.path, "advance"), "(missing)", "advance rates by age, needed for borrowing_base",
            "add advance, e.g. advance = [0.7, 0.5, 0.3]",
        )  # fmt: skip


def _earnings(ctx: Context, node: Node) -> None:
    """A cover or leverage test needs something that can be earned."""
    if not COVENANT_KINDS[node["kind"]].earns:
        return
    case, entity = ctx.case, node["entity"]
    head = next((e["id"] for e in case["entity"] if e["kind"] == "parent"), None)
    sites = [s for s in case["site"] if entity is None or (s["entity"] or head) == entity]
    rented = case["merchant"] is not None and bool(sites)
    signed = any(entity is None or (c["entity"] or head) == entity for c in case["contract"])
    organic = case["organic"] is not None and any(case["organic"]["ebitda"]) and entity in (None, head)
    if not (rented or signed or organic):
        whose = "the case" if entity is None else f"entity {entity}"
        cure = "give it a [[contract]], a [merchant] market or organic.ebitda; or take the covenant out"
        ctx.fault((*node.path, "kind"), node["kind"], f"a quantity that is defined: {whose} earns nothing", cure)


def _owing(ctx: Context, node: Node) -> None:
    """A ratio to debt or to its service needs a debt that can be owed. A variant may take all of it away."""
    if not COVENANT_KINDS[node["kind"]].owes or ctx.varied:
        return
    case, entity = ctx.case, node["entity"]
    head = next((e["id"] for e in case["entity"] if e["kind"] == "parent"), None)
    debts = [
        (i["issuer"], i["secured_by"])
        for i in case["instrument"]
        if i["amortisation"] != "none" and (node["leases"] or not i["rent"])
    ]
    opening = case["opening"]
    debts += [(d["entity"], d["secured_by"]) for d in (opening["debt"] if opening is not None else ())]
    owed = [secured for issuer, secured in debts if entity is None or (issuer or head) == entity]
    whose = "the case" if entity is None else f"entity {entity}"
    if not owed:
        cure = "offer it an instrument that is repaid, or take the covenant out"
        ctx.fault((*node.path, "kind"), node["kind"], f"a quantity that is defined: {whose} can owe nothing", cure)
    elif node["kind"] == "borrowing_base" and "accelerators" not in owed:
        allowed = f"a quantity that is defined: {whose} can owe nothing that is secured by accelerators"
        cure = 'write secured_by = "accelerators" at the loans that are meant, or take the covenant out'
        ctx.fault((*node.path, "kind"), node["kind"], allowed, cure)


def _concentration(ctx: Context, node: Node) -> None:
    """A share needs somebody who has one."""
    case, kind = ctx.case, node["kind"]
    if kind == "supplier_concentration":
        known, what, name = {a["vendor"] for a in case["accelerator"]}, "supplies a system", node["party"]
    elif kind == "offtaker_concentration":
        known, what, name = {c["customer"] for c in case["contract"]}, "has a contract on offer", node["party"]
    elif kind == "holder_concentration":
        known = {d["investor"] for i in case["instrument"] for d in i["depth"]}
        known |= {d["holder"] for d in case["opening"]["debt"]} - {None}
        what, name = "may hold an instrument or holds opening debt", node["holder"]
    else:
        return
    key = "holder" if kind == "holder_concentration" else "party"
    if not known and not (ctx.varied and kind == "holder_concentration"):
        ctx.fault((*node.path, "kind"), kind, f"a quantity that is defined: nobody {what}", "take the covenant out")
    elif known and name is not None and name not in known:
        allowed = f"one who {what}: {', '.join(sorted(known))}"
        ctx.fault((*node.path, key), name, allowed, "its share is always zero; name another or take the covenant out")


def _recourse(ctx: Context, node: Node) -> None:
    """Only an SPV's debt can be without recourse, so only there it is worth a word."""
    if not node["recourse"]:
        return
    name = node["issuer" if node.cls is Instrument else "entity"]
    spvs = {e["id"] for e in ctx.case["entity"] if e["kind"] == "spv"}
    if name not in spvs:
        allowed = "left out unless an SPV owes it"
        ctx.fault((*node.path, "recourse"), True, allowed, "the parent's own debt is its own anyway; leave it out")
    elif node["amortisation"] == "none":
        cure = "equity has no claim that its owner could answer for; leave it out"
        ctx.fault((*node.path, "recourse"), True, 'left out with amortisation = "none"', cure)


CHECKS: dict[type, tuple[Callable[[Context, Node], None], ...]] = {
    Case: (_one_parent, _owners, _cash, _assets),
    Entity: (_parent_only,),
    Covenant: (_kept, _keys, _earnings, _owing, _concentration),
    Instrument: (_recourse,),
    OpeningDebt: (_recourse,),
}
