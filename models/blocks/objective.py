"""Objectives: compute delivered, capacity at a date, least cost of a target, NPV; and expected value for ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ..arrays import FloatArray
from ..ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account, Ledger
from ..schema.case import Case
from . import rules
from .assembly import Assembly
from .cash import column
from .idle import idle, wealth_weights
from .quantities import compute_discount, money_discount

UNITS = {"compute": "PFLOP/s-years", "capacity": "PFLOP/s", "cost": "billion", "npv": "billion"}
"""Unit of each kind of objective."""
OF_MONEY = ("cost", "npv")
"""Kinds that weigh a plan by the wealth that it leaves, against doing nothing."""


@dataclass(frozen=True)
class Goal:
    """c'x + offset over the columns of the assembly, and its sense."""

    cost: FloatArray
    offset: float
    maximise: bool
    unit: str


def wealth(case: Case, ledger: Ledger, means: FloatArray, deposit_rates: FloatArray) -> FloatArray:
    """(N,) expected wealth at the end, discounted to time 0, per unit of each decision: billion."""
    flow = wealth_weights(case, deposit_rates) @ ledger.expected(CASH_ACCOUNTS, means)
    ends = np.asarray(ledger.expected(TERMINAL_ACCOUNTS, means).sum(axis=0)).ravel()
    return np.asarray(flow + money_discount(case)[-1] * ends)


def value(a: Assembly) -> Goal:
    """Discounted expected wealth at the end (cash, assets, less debt) plus the dividends paid on the way."""
    last = money_discount(a.case)[-1]
    cost = np.zeros(len(a.columns))
    ends = np.asarray(a.expected(TERMINAL_ACCOUNTS).sum(axis=0)).ravel()
    cost[: ends.size] = last * ends
    cost[column(a) + a.periods - 1] = last
    return Goal(cost, float(money_discount(a.case) @ np.asarray(a.case.cash.dividends)), True, "billion")


def compute_weights(case: Case) -> FloatArray:
    """(T,) what a PFLOP/s in service in each period adds to an objective of compute or capacity."""
    if case.objective.kind == "compute":
        return compute_discount(case) * case.horizon.dt
    weights = np.zeros(case.horizon.periods)
    weights[case.horizon.periods - 1 if case.objective.at is None else case.objective.at] = 1.0
    return weights


def primary(a: Assembly) -> Goal:
    """The case's objective; for `cost`, and `npv` with a target, also the row of the compute target."""
    kind, at = a.case.objective.kind, a.case.objective.at
    date = a.periods - 1 if at is None else at
    compute = a.expected([Account.COMPUTE])
    if kind in OF_MONEY:
        target = a.case.objective.target
        if target is not None:
            a.rows(rules.TARGET, [a.labels[date]], csr_array(compute[[date]]), lower=target)
        elif kind == "cost":
            raise ValueError("objective.target is missing: cost is minimised for a compute target")
        return _gain(a, maximise=kind == "npv")
    cost = np.zeros(len(a.columns))
    cost[: compute.shape[1]] = compute_weights(a.case) @ compute
    return Goal(cost, 0.0, True, UNITS[kind])


def _gain(a: Assembly, maximise: bool) -> Goal:
    """Discounted wealth at the end above that of doing nothing, the NPV of the owners; or, as a cost, minus it.

    Dividends are paid in both and cancel, so what the plan changes for the owners is what they own at the end.
    """
    without = idle(a.case, a.ledger, a.means, a.rates).wealth
    sign = 1.0 if maximise else -1.0
    return Goal(sign * value(a).cost, -sign * without, maximise, UNITS["npv" if maximise else "cost"])
