"""Losses and their adjoint: the definition, in NumPy. x is (n, D, T) driver values throughout."""

from __future__ import annotations

import numpy as np

from .tables import FloatArray, LossKind, LossTable
from .terms import flows, pull_back


def growth(x: FloatArray, table: LossTable) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(n, periods) factors 1 + surplus, revolver and deficit rate that carry the balance into each period.

    Without a revolver the second of them is that of the surplus and unused.
    """
    if table.rate_driver < 0:
        return growth_at(np.zeros((x.shape[0], table.terms.periods)), table)
    return growth_at(x[:, table.rate_driver, np.maximum(table.within - 1, 0)], table)


def growth_at(observed: FloatArray, table: LossTable) -> tuple[FloatArray, FloatArray, FloatArray]:
    """As `growth`, from the rates (n, periods) that are seen on the way into each period."""
    surplus = np.maximum(table.dt * (observed + table.surplus_margin), 0.0)
    drawn = surplus
    if table.revolver:
        drawn = np.maximum(table.dt * (observed + table.revolver_margin), surplus)
    deficit = np.maximum(table.dt * (observed + table.deficit_margin), drawn)
    return 1.0 + surplus, 1.0 + drawn, 1.0 + deficit


def line(table: LossTable, exposure: FloatArray) -> FloatArray:
    """(periods,) committed line behind the balance at each period's end; zero without a revolver."""
    return exposure[table.terms.entries :] if table.revolver else np.zeros(table.terms.periods)


def balances(x: FloatArray, table: LossTable, exposure: FloatArray) -> FloatArray:
    """(n, periods) running balance (PEAK) or flow (WORST)."""
    flow = flows(x, table.terms, exposure)
    if table.kind == LossKind.WORST:
        return flow
    surplus, drawn, deficit = growth(x, table)
    behind = np.concatenate(([0.0], line(table, exposure)[:-1]))
    behind[:: table.span] = 0.0
    openings, balance = (table.opening, *table.others), np.zeros(x.shape[0])
    for t in range(table.terms.periods):
        if t % table.span == 0:
            balance = np.full(x.shape[0], openings[t // table.span])
        beyond = balance < -behind[t]
        within = np.where(balance >= 0.0, surplus[:, t], drawn[:, t])
        dearer = np.where(beyond, behind[t] * (deficit[:, t] - drawn[:, t]), 0.0)
        balance = balance * np.where(beyond, deficit[:, t], within) + dearer + flow[:, t]
        flow[:, t] = balance
    return flow


def shortfall(table: LossTable, exposure: FloatArray, balance: FloatArray) -> FloatArray:
    """(n, periods) what each period's balance, and the line behind it, leave of the floor."""
    return (table.floor - line(table, exposure)) - balance


def losses(x: FloatArray, table: LossTable, exposure: FloatArray) -> FloatArray:
    """(n,) loss of each scenario: the largest shortfall; nan where a balance is not finite, be it a gain."""
    return _largest(shortfall(table, exposure, balances(x, table, exposure)))


def _largest(short: FloatArray) -> FloatArray:
    return np.asarray(np.where(np.isfinite(short).all(axis=1), short.max(axis=1), np.nan))


def adjoint(
    x: FloatArray, table: LossTable, exposure: FloatArray, balance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n, periods) derivatives of each loss by each period's flow and by its line, at the first worst period.

    A subgradient where the loss has a kink: at a balance of exactly 0 the surplus side is taken, at exactly minus the
    line the revolver's.
    """
    n, periods = balance.shape
    worst = shortfall(table, exposure, balance).argmax(axis=1)
    out = np.zeros((n, periods))
    out[np.arange(n), worst] = -1.0
    by_line = out.copy()
    if table.kind == LossKind.PEAK:
        surplus, drawn, deficit = growth(x, table)
        behind = line(table, exposure)
        for t in range(periods - 1, 0, -1):
            if t % table.span == 0:
                continue
            before = balance[:, t - 1]
            beyond = before < -behind[t - 1]
            within = np.where(before >= 0.0, surplus[:, t], drawn[:, t])
            by_line[:, t - 1] += np.where(beyond, out[:, t] * (deficit[:, t] - drawn[:, t]), 0.0)
            out[:, t - 1] += out[:, t] * np.where(beyond, deficit[:, t], within)
    return out, by_line


def weighted_gradient(
    x: FloatArray, table: LossTable, exposure: FloatArray, weights: FloatArray
) -> tuple[float, FloatArray]:
    """sum_s weights[s] loss[s] and its gradient by the exposures, lines included."""
    balance = balances(x, table, exposure)
    loss = _largest(shortfall(table, exposure, balance))
    by_flow, by_line = adjoint(x, table, exposure, balance)
    gradient = pull_back(x, table.terms, weights[:, None] * by_flow)
    if table.revolver:
        gradient = np.concatenate((gradient, weights @ by_line))
    return float(weights @ loss), gradient
