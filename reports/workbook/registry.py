"""The sheets of a workbook: in the order in which they stand, and in that in which they are made."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    balance,
    cash,
    checks,
    covenants,
    cover,
    debt,
    holders,
    income,
    inputs,
    overview,
    plan_values,
    returns,
    risk,
    sources_uses,
    tax,
    why,
)
from .book import Book

Build = Callable[[Book], None]

MADE: tuple[tuple[str, Build], ...] = (
    (inputs.NAME, inputs.build),
    (plan_values.NAME, plan_values.build),
    (tax.NAME, tax.build),
    (income.NAME, income.build),
    (cash.NAME, cash.build),
    (debt.NAME, debt.build),
    (balance.NAME, balance.build),
    (sources_uses.NAME, sources_uses.build),
    (covenants.NAME, covenants.build),
    (risk.NAME, risk.build),
    (holders.NAME, holders.build),
    (returns.NAME, returns.build),
    (overview.NAME, overview.build),
    (checks.NAME, checks.build),
)
"""Each after those that it refers to; the cover comes last."""

MADE_WITHOUT_PLAN: tuple[tuple[str, Build], ...] = ((inputs.NAME, inputs.build), (why.NAME, why.build))

STANDING = (
    cover.NAME, why.NAME, overview.NAME, inputs.NAME, plan_values.NAME, sources_uses.NAME, debt.NAME, income.NAME,
    tax.NAME, cash.NAME, balance.NAME, covenants.NAME, risk.NAME, holders.NAME, returns.NAME, checks.NAME,
)  # fmt: skip
