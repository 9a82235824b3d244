"""Variants: named changes of a case, so that ways of financing can be put side by side."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from .fields import Sourced
from .reviews import Review

TARGETS = ("instrument", "investor", "contract")
"""Tables whose entries a variant may remove or keep."""


@dataclass(frozen=True, kw_only=True)
class Variant(Sourced):
    """A change of the case: what it may not use, and figures that differ. It must change or name something.

    `remove` and `keep` name instruments, investor classes and contracts by their ids; where an id is used in two of
    these tables, the table stands before it (`"investor.banks"`), and `"instrument.*"` means all of a table. An
    investor class that is removed takes part in no instrument any more; it stays as the holder of opening debt.

    `set` maps paths to values, written as in the tables themselves: `"circularity.cap" = 0.1`,
    `"instrument.gpu_loan.margin" = 0.03`, `"site.texas.layer.power.lead" = 6`, `"risk.*.level" = 0.99`. Entries are
    named by their id, an entry of a depth curve by its investor, a layer by its kind, a step by its number. The case's
    name, its horizon and ids cannot be set.

    `[[variant.NAME.review]]` tables are the reviews of the variant, in the place of the case's own.
    """

    id: str  # the name in [variant.NAME]
    title: str = f.text("name in reports", default="")
    remove: tuple[str, ...] = f.targets("entries taken away", default=())
    keep: tuple[str, ...] = f.targets("of each table named here, the only entries that stay", default=())
    set: tuple[tuple[str, object], ...] = f.overrides("values that replace those of the case, by path", default=())
    review: tuple[Review, ...] = f.tables("reviews in the place of the case's own", Review, default=())
