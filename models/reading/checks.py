"""Checks across fields and entries, run on every table that was read; each stands alone."""

from __future__ import annotations

from . import (
    check_cost,
    check_drivers,
    check_entities,
    check_financing,
    check_hardware,
    check_market,
    check_money,
    check_names,
    check_parties,
    check_rates,
    check_reviews,
    check_rules,
    check_sense,
    check_usual,
    check_variants,
)
from .context import Context, SkipError

_MODULES = (
    check_names,
    check_drivers,
    check_hardware,
    check_market,
    check_cost,
    check_financing,
    check_parties,
    check_entities,
    check_rules,
    check_reviews,
    check_rates,
    check_money,
    check_sense,
    check_variants,
)


def check(ctx: Context) -> None:
    """Run all checks. One that needs a value at fault is skipped, so that a mistake is reported once."""
    for node in ctx.case.walk():
        for module in _MODULES:
            for one in module.CHECKS.get(node.cls, ()):
                try:
                    one(ctx, node)
                except SkipError:
                    continue
    check_usual.usual_ranges(ctx, ctx.case)
