"""Which entity of the group each decision, and each posting, belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..ledger import ACCOUNT_NUMBER, Account, Decision, Ledger
from ..schema.case import Case
from ..schema.entities import Entity

BoolArray = NDArray[np.bool_]


def head(case: Case) -> Entity | None:
    """The parent; None where the case has no entities."""
    return next((e for e in case.entity if e.kind == "parent"), None)


def head_name(case: Case) -> str:
    parent = head(case)
    return "" if parent is None else parent.id


def companies(case: Case) -> tuple[Entity, ...]:
    """The ring-fenced entities, in the case's order."""
    return tuple(e for e in case.entity if e.kind == "spv")


def owner_of(case: Case, entity: Entity) -> str:
    """Who receives an SPV's distributions."""
    return entity.parent or head_name(case)


def opening_cash(case: Case, entity: Entity) -> float:
    """Cash of its own at the start, billion: the parent has what the SPVs leave of the group's."""
    if entity.kind == "spv":
        return entity.opening_cash
    return case.cash.opening - sum(e.opening_cash for e in companies(case))


def of_site(case: Case) -> Mapping[str, str]:
    """Entity of each site."""
    return {s.id: s.entity or head_name(case) for s in case.site}


def of_instrument(case: Case) -> Mapping[str, str]:
    """Issuer of each instrument."""
    return {i.id: i.issuer or head_name(case) for i in case.instrument}


def with_sites(case: Case) -> tuple[str, ...]:
    """Entities that own sites, in the case's order; one nameless one where the case has no entities."""
    owned = set(of_site(case).values())
    return tuple(e.id for e in case.entity if e.id in owned) or ("",)


def rings(case: Case, ledger: Ledger) -> list[tuple[str, BoolArray | None]]:
    """Each entity with the mask (N,) of its decisions; where the case has none, no name and no mask."""
    if not case.entity:
        return [("", None)]
    decided = decisions_of(case, ledger)
    return [(e.id, np.asarray(decided == e.id)) for e in case.entity]


def within(where: BoolArray, own: BoolArray | None) -> BoolArray:
    """The part of a mask that is an entity's."""
    return where if own is None else where & own


def index(entity: str, names: Sequence[str]) -> list[str]:
    """Names of rows, with the entity before them where there is one."""
    return [f"{entity},{name}" for name in names] if entity else list(names)


def of_decision(case: Case, decision: Decision) -> str:
    """Entity of a decision: of its site, contract, instrument or debt, as its tags say; else the parent.

    Of a distribution or contribution it is the SPV; the other side of it is the SPV's owner.
    """
    tags = decision.tags
    if "entity" in tags:
        return tags["entity"]
    named: dict[str, Mapping[str, str | None]] = {
        "site": {s.id: s.entity for s in case.site},
        "contract": {c.id: c.entity for c in case.contract},
        "instrument": {i.id: i.issuer for i in case.instrument},
        "debt": {d.id: d.entity for d in case.opening.debt},
    }
    for tag, owners in named.items():
        if tag in tags:
            return owners.get(tags[tag]) or head_name(case)
    return head_name(case)


def decisions_of(case: Case, ledger: Ledger) -> NDArray[np.str_]:
    """(N,) entity of each decision."""
    site, issuer = of_site(case), of_instrument(case)
    found = []
    for d in ledger.decisions:
        tags = d.tags
        if "entity" not in tags and "site" in tags:
            found.append(site[tags["site"]])
        elif "entity" not in tags and "instrument" in tags:
            found.append(issuer[tags["instrument"]])
        else:
            found.append(of_decision(case, d))
    return np.array(found, dtype=np.str_)


def share_of(case: Case, ledger: Ledger, entity: str) -> FloatArray:
    """(P,) 1 for the postings of an entity, 0 for others.

    A payment within the group has two sides, with two owners.
    """
    decided = decisions_of(case, ledger)
    owner = {e.id: owner_of(case, e) for e in companies(case)}
    above = np.array([owner.get(name, name) for name in decided.tolist()], dtype=np.str_)
    blocks = np.array([d.block for d in ledger.decisions], dtype=np.str_)
    number = ledger.decision
    # A distribution is paid by the SPV and received by its owner, a contribution the other way round.
    up = blocks[number] == "distribution"
    down = blocks[number] == "contribution"
    received = ledger.account == ACCOUNT_NUMBER[Account.RECEIVED_WITHIN]
    paid = ledger.account == ACCOUNT_NUMBER[Account.PAID_WITHIN]
    owners = np.where((up & received) | (down & paid), above[number], decided[number])
    return np.asarray(owners == entity, dtype=np.float64)
