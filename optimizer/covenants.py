"""Covenants on the expected path: value, limit and headroom in each period tested."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..models.ledger import Account
from ..models.program import LinearProgram
from ..models.schema.rules import Covenant
from .amounts import Amounts
from .plan import Cell, Column, Table
from .tabulate import long

FloatArray = NDArray[np.float64]

AT_LEAST = ("interest_cover", "dscr", "terminal_equity")
EBITDA = tuple(a for a in Account if a.ebitda)


def covenants(amounts: Amounts, program: LinearProgram, columns: FloatArray) -> Table:
    """The table covenants. A ratio whose denominator is not positive is undefined: its cell is empty."""
    activity = program.matrix @ columns
    at = {name: i for i, name in enumerate(program.row_names)}
    rows: list[tuple[Cell, ...]] = []
    for covenant in amounts.case.covenant:
        values = _values(amounts, covenant, at, activity)
        for t in _tested(covenant, amounts.periods):
            value = _finite(values[t])
            sign = -1.0 if covenant.kind in AT_LEAST else 1.0
            headroom = None if value is None else sign * (covenant.limit - value)
            row = at.get(f"covenant_{covenant.id}[{amounts.labels[t]}]")
            money = None if row is None else float(program.row_upper[row] - activity[row])
            rows.append((covenant.id, covenant.kind, amounts.labels[t], value, covenant.limit, headroom, money))
    columns_ = (
        Column("covenant"),
        Column("kind"),
        Column("period"),
        Column("value", "", "number"),
        Column("limit", "", "number"),
        Column("headroom", "", "number"),
        Column("headroom in billions", "billion", "money"),
    )
    return long("covenants", "Covenants on the expected path", columns_, rows)


def _tested(covenant: Covenant, periods: int) -> range:
    if covenant.kind == "terminal_equity":
        return range(periods - 1, periods)
    last = periods - 1 if covenant.to_period is None else min(covenant.to_period, periods - 1)
    return range(max(0, covenant.from_period), last + 1)


def _values(amounts: Amounts, covenant: Covenant, at: Mapping[str, int], activity: FloatArray) -> FloatArray:
    """(T,) values; NaN where undefined. What counts as EBITDA, service and debt: as in models/blocks/covenants.py."""
    debt = amounts.of(Account.DEBT)
    if covenant.kind == "net_debt_to_ebitda":
        return _ratio(debt - amounts.cash, _last_year(amounts, *EBITDA))
    if covenant.kind == "interest_cover":
        return _ratio(_last_year(amounts, *EBITDA), -_last_year(amounts, Account.INTEREST))
    if covenant.kind == "dscr":
        service = -_last_year(amounts, Account.INTEREST, Account.PRINCIPAL)
        return _ratio(_last_year(amounts, *EBITDA, Account.TAX), service)
    if covenant.kind == "ltv":
        return _ratio(debt, amounts.of(Account.HARDWARE_VALUE, Account.SITE_VALUE))
    if covenant.kind == "floating_share":
        floats = {i.id for i in amounts.case.instrument if i.rate == "floating"}
        floating = amounts.part(
            Account.DEBT,
            lambda d: (
                d.tags.get("instrument") in floats
                or (d.tags.get("kind") == "debt" and d.tags.get("rate") == "floating")
            ),
        )
        return _ratio(floating, debt)
    # maturity_wall and terminal_equity are the rows themselves: an amount of billions against the limit
    sign = -1.0 if covenant.kind == "terminal_equity" else 1.0
    rows = [at.get(f"covenant_{covenant.id}[{label}]", -1) for label in amounts.labels]
    return np.array(
        [sign * activity[i] if i >= 0 else (0.0 if covenant.kind == "maturity_wall" else np.nan) for i in rows]
    )


def _last_year(amounts: Amounts, *accounts: Account) -> FloatArray:
    """(T,) sum over the last year; scaled up while the year is not full."""
    span = amounts.case.horizon.per_year
    flow = amounts.of(*accounts)
    sums = np.convolve(flow, np.ones(span))[: flow.size]
    return sums * span / np.minimum(np.arange(1, flow.size + 1), span)


def _ratio(over: FloatArray, under: FloatArray) -> FloatArray:
    defined = under > 1e-9
    return np.where(defined, over / np.where(defined, under, 1.0), np.nan)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
