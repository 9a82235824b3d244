"""Parties: whoever is paid by the plan, pays it, or funds it, and who of them owns whom."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from .fields import Sourced
from .ratings import RATINGS


@dataclass(frozen=True, kw_only=True)
class Stake(Sourced):
    """A holding of one party in another: a way for money that the plan pays to come back as funding or revenue."""

    party: str = f.ref("party that is owned", "party")
    share: float = f.share("part of it that is owned: of what it takes in, at most this comes back up", default=1.0)
    amount: float | None = f.number(
        "maximum that the owner puts into it over the horizon; no limit if left out", "billion", gt=0, default=None
    )


@dataclass(frozen=True, kw_only=True)
class Party(Sourced):
    """Somebody outside the company who is paid by the plan, pays it, or funds it."""

    id: str = f.ident("name of the party")
    title: str = f.text("name in reports", default="")
    role: str = f.choice(
        "what the party is to the plan; who sells systems or signs contracts is no `other`",
        ("supplier", "customer", "other"),
    )
    rating: str = f.choice("its credit rating, for margin grids", (*RATINGS, ""), default="")
    survival: str | None = f.ref("driver that says what its guarantees are worth", "driver", default=None)
    owns: tuple[Stake, ...] = f.tables("parties in which it holds a stake", Stake, default=())
