"""Entities: the parent and the ring-fenced companies under it, each with its own cash and debt."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from .fields import Sourced


@dataclass(frozen=True, kw_only=True)
class Entity(Sourced):
    """A company of the group. Exactly one is the parent; an SPV owns sites and may issue debt without recourse to it.

    Cash moves up only as a distribution, and only in periods in which the entity's tests are met on the expected path
    after it: cash at least the reserve, and debt service cover at least the lock-up level. It moves down as a contribution.
    An SPV defaults by itself, and its lenders have its assets only, unless their claim has `recourse`.
    Whatever names no entity (instruments, contracts, sites, opening debt, tax, organic cash flow) is the parent's.
    """

    id: str = f.ident("name of the entity in the case and in tables")
    title: str = f.text("name in reports", default="")
    kind: str = f.choice("the parent, or a ring-fenced company", ("parent", "spv"))
    parent: str | None = f.ref("entity that owns an SPV; the parent if left out", "entity", default=None)
    opening_cash: float = f.number(
        "spv: its part of the group's cash at the start; the rest is the parent's", "billion", ge=0, default=0.0
    )
    minimum_cash: tuple[float, ...] = f.series(
        "minimum expected cash of its own at each period's end", "billion", ge=0, default=0.0
    )
    reserve: tuple[float, ...] = f.series(
        "spv: cash that must be left after a distribution", "billion", ge=0, default=0.0
    )
    lock_up: float | None = f.number(
        "spv: minimum debt service cover of the last year (EBITDA over interest and repayment) at which it distributes; "
        "no test if left out", "ratio", gt=0, le=10, default=None,
    )  # fmt: skip
    distribution_from: int = f.period("spv: first period in which it may distribute", edge="first", default=0)
    contributions: bool = f.flag("spv: whether its owner may put cash into it", default=True)
