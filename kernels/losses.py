"""Losses and their adjoint: the definition, in NumPy. x is (n, D, T) driver values throughout."""

from __future__ import annotations

import numpy as np

from .tables import FloatArray, LossKind, LossTable
from .terms import flows, pull_back


def growth(x: FloatArray, table: LossTable) -> tuple[FloatArray, FloatArray]:
    """(n, periods) factors 1 + surplus rate and 1 + deficit rate that carry the balance into each period."""
    periods = table.terms.periods
    if table.rate_driver < 0:
        observed = np.zeros((x.shape[0], periods))
    else:
        observed = x[:, table.rate_driver, np.maximum(np.arange(periods) - 1, 0)]
    surplus = np.maximum(table.dt * (observed + table.surplus_margin), 0.0)
    deficit = np.maximum(table.dt * (observed + table.deficit_margin), surplus)
    return 1.0 + surplus, 1.0 + deficit


def balances(x: FloatArray, table: LossTable, exposure: FloatArray) -> FloatArray:
    """(n, periods) running balance (PEAK) or flow (WORST)."""
    flow = flows(x, table.terms, exposure)
    if table.kind == LossKind.WORST:
        return flow
    surplus, deficit = growth(x, table)
    balance = np.full(x.shape[0], table.opening)
    for t in range(table.terms.periods):
        balance = balance * np.where(balance >= 0.0, surplus[:, t], deficit[:, t]) + flow[:, t]
        flow[:, t] = balance
    return flow


def losses(x: FloatArray, table: LossTable, exposure: FloatArray) -> FloatArray:
    """(n,) loss of each scenario: max_t (floor[t] - balance[t]); nan where a balance is not finite, be it a gain."""
    return _largest(table.floor - balances(x, table, exposure))


def _largest(short: FloatArray) -> FloatArray:
    return np.asarray(np.where(np.isfinite(short).all(axis=1), short.max(axis=1), np.nan))


def adjoint(x: FloatArray, table: LossTable, balance: FloatArray) -> FloatArray:
    """(n, periods) derivative of each loss by each period's flow, at the first period that attains the maximum.

    A subgradient where the loss has a kink: at a balance of exactly 0 the surplus side is taken.
    """
    n, periods = balance.shape
    worst = (table.floor - balance).argmax(axis=1)
    out = np.zeros((n, periods))
    out[np.arange(n), worst] = -1.0
    if table.kind == LossKind.PEAK:
        surplus, deficit = growth(x, table)
        for t in range(periods - 1, 0, -1):
            carried = np.where(balance[:, t - 1] >= 0.0, surplus[:, t], deficit[:, t])
            out[:, t - 1] += out[:, t] * carried
    return out


def weighted_gradient(
    x: FloatArray, table: LossTable, exposure: FloatArray, weights: FloatArray
) -> tuple[float, FloatArray]:
    """sum_s weights[s] loss[s] and its (E,) gradient by the exposures."""
    balance = balances(x, table, exposure)
    loss = _largest(table.floor - balance)
    sensitivity = weights[:, None] * adjoint(x, table, balance)
    return float(weights @ loss), pull_back(x, table.terms, sensitivity)
