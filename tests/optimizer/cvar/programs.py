"""CVaR programs for the tests, and independent solvers of them."""

from __future__ import annotations

import capmix
import cvxpy
import numpy as np
import scipy.sparse as sp


def heavy_tailed(count: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Losses of assets with Student factors (S, n), and their mean returns."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(0.0, 0.01, (5, width))
    mean = rng.uniform(0.0005, 0.003, width)
    own = rng.standard_t(4, (count, width)) * rng.uniform(0.005, 0.02, width)
    return -(mean + rng.standard_t(4, (count, 5)) @ loadings + own), mean


def dense(count: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Losses in calm and stressed times, with a smooth optimum that holds many assets, and mean returns."""
    rng = np.random.default_rng(seed)
    calm = rng.random(count) < 0.8
    mixing = rng.standard_normal((2, width, width)) / np.sqrt(width)
    noise = rng.standard_normal((count, width))
    mean = rng.uniform(0.01, 0.05, width)
    returns = np.where(calm[:, None], mean + 0.05 * noise @ mixing[0], -0.02 + 0.15 * noise @ mixing[1])
    return -returns, returns.mean(axis=0)


def cvar(losses: np.ndarray, level: float, weights: np.ndarray | None = None) -> float:
    """Mean of the worst (1 - level) of the probability, straight from the definition."""
    p = np.full(losses.size, 1.0 / losses.size) if weights is None else weights / weights.sum()
    order = np.argsort(-losses)
    left = 1.0 - level
    total = 0.0
    for i in order:
        taken = min(p[i], left)
        total += taken * losses[i]
        left -= taken
        if left <= 0.0:
            break
    return total / (1.0 - level)


def objective(program: capmix.CvarProgram, x: np.ndarray) -> float:
    """The program's objective at x."""
    value = float(np.asarray(program.cost) @ x)
    if program.quadratic is not None:
        q = program.quadratic.toarray() if sp.issparse(program.quadratic) else np.asarray(program.quadratic)
        value += 0.5 * float(x @ q @ x)
    for term in program.tails:
        loss = np.asarray(term.losses, dtype=float) @ x + (0.0 if term.offset is None else np.asarray(term.offset))
        value += term.price * cvar(loss, term.level, program.weights)
    return value


def clarabel(program: capmix.CvarProgram) -> tuple[float, np.ndarray, list[cvxpy.Constraint]]:
    """Optimum, point and row constraints by Clarabel on the extensive form (Rockafellar & Uryasev 2000)."""
    n = np.asarray(program.cost).size
    x = cvxpy.Variable(n)
    value = np.asarray(program.cost) @ x
    if program.quadratic is not None:
        q = program.quadratic.toarray() if sp.issparse(program.quadratic) else np.asarray(program.quadratic)
        value = value + 0.5 * cvxpy.quad_form(x, cvxpy.psd_wrap(q))
    rules: list[cvxpy.Constraint] = []
    if program.matrix is not None:
        rows = program.matrix.shape[0]
        low = np.broadcast_to(-np.inf if program.row_lower is None else program.row_lower, rows)
        high = np.broadcast_to(np.inf if program.row_upper is None else program.row_upper, rows)
        for i in range(rows):
            row = program.matrix[[i]] @ x
            if low[i] == high[i]:
                rules.append(row == low[i])
            else:
                rules += [row >= low[i]] if np.isfinite(low[i]) else []
                rules += [row <= high[i]] if np.isfinite(high[i]) else []
    own = list(rules)
    for bound, above in ((program.lower, True), (program.upper, False)):
        if bound is not None:
            b = np.broadcast_to(np.asarray(bound, dtype=float), n)
            at = np.flatnonzero(np.isfinite(b))
            if at.size:
                rules.append(x[at] >= b[at] if above else x[at] <= b[at])
    for term in program.tails:
        losses = np.asarray(term.losses, dtype=float)
        count = losses.shape[0]
        p = np.full(count, 1.0 / count) if program.weights is None else program.weights / program.weights.sum()
        t, u = cvxpy.Variable(), cvxpy.Variable(count, nonneg=True)
        loss = losses @ x + (np.zeros(count) if term.offset is None else np.asarray(term.offset))
        rules.append(u >= loss - t)
        tail = t + p @ u / (1.0 - term.level)
        value = value + term.price * tail
        if term.limit is not None:
            rules.append(tail <= term.limit)
    problem = cvxpy.Problem(cvxpy.Minimize(value), rules)
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return float(problem.value), np.asarray(x.value), own
