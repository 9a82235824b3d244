"""Portfolios by an independent model: cvxpy's own absolute values and positive parts, solved by Clarabel."""

from __future__ import annotations

from typing import Any

import cvxpy
import numpy as np

from .programs import cvar


def number(value: Any, default: float = 0.0) -> Any:
    return default if value is None else value


def best(returns: np.ndarray, **asked: Any) -> tuple[str, float, np.ndarray | None]:
    """(status, objective in its own sense, weights) of the statement that `capmix.Portfolio` takes. Arrays only."""
    count, n = returns.shape
    get = asked.get
    p = np.full(count, 1.0 / count)
    if get("scenario_weights") is not None:
        p = np.asarray(get("scenario_weights")) / np.sum(get("scenario_weights"))
    w, t, excess = cvxpy.Variable(n), cvxpy.Variable(), cvxpy.Variable(count, nonneg=True)
    previous = np.broadcast_to(number(get("previous")), n)
    cost = np.broadcast_to(number(get("buy_costs")), n) @ cvxpy.pos(w - previous)
    cost = cost + np.broadcast_to(number(get("sell_costs")), n) @ cvxpy.pos(previous - w)
    mean = p @ returns if get("expected_returns") is None else np.asarray(get("expected_returns"))
    gain, tail = mean @ w - cost, t + p @ excess / (1.0 - get("level", 0.95))
    rules = [excess >= cost - returns @ w - t]
    lower = get("lower", 0.0 if get("long_only", True) else None)
    rules += [] if lower is None else [w >= np.broadcast_to(lower, n)]
    rules += [] if get("upper") is None else [w <= np.broadcast_to(get("upper"), n)]
    budget = get("budget", 1.0)
    low, high = budget if isinstance(budget, tuple) else (budget, budget)
    rules += [] if low is None else [cvxpy.sum(w) >= low]
    rules += [] if high is None else [cvxpy.sum(w) <= high]
    rules += [] if get("max_leverage") is None else [cvxpy.norm1(w) <= get("max_leverage")]
    rules += [] if get("max_turnover") is None else [cvxpy.norm1(w - previous) <= get("max_turnover")]
    rules += [] if get("min_return") is None else [gain >= get("min_return")]
    rules += [] if get("max_cvar") is None else [tail <= get("max_cvar")]
    for members, least, most in get("groups", {}).values():
        rules += [] if least is None else [cvxpy.sum(w[list(members)]) >= least]
        rules += [] if most is None else [cvxpy.sum(w[list(members)]) <= most]
    spread = 0.0
    if get("variance_aversion", 0.0) > 0.0:
        spread = 0.5 * get("variance_aversion") * cvxpy.quad_form(w, cvxpy.psd_wrap(get("covariance")))
    kind = get("objective", "min_cvar")
    aims = {"min_cvar": tail + spread, "max_return": spread - gain}
    value = aims.get(kind, get("risk_aversion", 1.0) * tail + spread - gain)
    problem = cvxpy.Problem(cvxpy.Minimize(value), rules)
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    if w.value is None:
        return problem.status, float("nan"), None
    return problem.status, float(problem.value) * (1.0 if kind == "min_cvar" else -1.0), np.asarray(w.value)


def measured(returns: np.ndarray, w: np.ndarray, **asked: Any) -> dict[str, float]:
    """Figures of weights, from their definitions."""
    get = asked.get
    count, n = returns.shape
    weights = np.ones(count) if get("scenario_weights") is None else np.asarray(get("scenario_weights"), dtype=float)
    previous = np.broadcast_to(number(get("previous")), n)
    bought, sold = np.maximum(w - previous, 0.0), np.maximum(previous - w, 0.0)
    buy, sell = (np.broadcast_to(number(get(k)), n) for k in ("buy_costs", "sell_costs"))
    cost = float(buy @ bought + sell @ sold)
    mean = weights @ returns / weights.sum() if get("expected_returns") is None else np.asarray(get("expected_returns"))
    return {
        "cost": cost,
        "turnover": float(np.abs(w - previous).sum()),
        "leverage": float(np.abs(w).sum()),
        "expected_return": float(mean @ w) - cost,
        "cvar": cvar(cost - returns @ w, get("level", 0.95), weights),
    }
