"""Optima of small CVaR programs by HiGHS and Clarabel on the extensive form, and CVaR straight from its definition."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import capmix
import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Answer:
    """x: (n,) or None. status: in the solver's words. objective: its own figure."""

    x: np.ndarray | None
    status: str
    objective: float
    seconds: float


def cvar_of(loss: np.ndarray, level: float, weights: Any = None) -> float:
    """The mean of the worst 1 - level of the probability."""
    p = np.full(loss.size, 1.0 / loss.size) if weights is None else np.asarray(weights, float) / np.sum(weights)
    order = np.argsort(-loss, kind="stable")
    before = np.cumsum(p[order]) - p[order]
    taken = np.clip((1.0 - level) - before, 0.0, p[order])
    return math.fsum(taken * loss[order]) / math.fsum(taken)


def extensive(p: capmix.CvarProgram) -> tuple[Any, ...]:
    """(quadratic, cost, matrix, row_lower, row_upper, lower, upper) of Rockafellar & Uryasev's program."""
    n, many = np.size(p.cost), len(p.tails)
    count = np.asarray(p.tails[0].losses).shape[0]
    each = np.full(count, 1.0 / count) if p.weights is None else np.asarray(p.weights, float) / np.sum(p.weights)
    width = n + many * (1 + count)
    cost, low, high = np.zeros(width), np.zeros(width), np.full(width, np.inf)
    cost[:n], low[:n], high[:n] = p.cost, p.lower, p.upper
    rows, lower, upper = [], [], []
    if p.matrix is not None:
        rows.append(sp.hstack([sp.csr_array(np.asarray(p.matrix)), sp.csr_array((p.matrix.shape[0], width - n))]))
        lower.append(np.broadcast_to(p.row_lower, p.matrix.shape[0]))
        upper.append(np.broadcast_to(p.row_upper, p.matrix.shape[0]))
    at = n
    for term in p.tails:
        share = each / (1.0 - term.level)
        blocks = [-sp.csr_array(np.asarray(term.losses)), sp.csr_array((count, at - n))]
        blocks += [
            sp.csr_array(np.ones((count, 1))),
            sp.eye_array(count),
            sp.csr_array((count, width - at - 1 - count)),
        ]
        rows.append(sp.hstack(blocks))
        lower.append(np.zeros(count) if term.offset is None else np.asarray(term.offset))
        upper.append(np.full(count, np.inf))
        low[at], cost[at], cost[at + 1 : at + 1 + count] = -np.inf, term.price, term.price * share
        if term.limit is not None:
            row = np.zeros((1, width))
            row[0, at], row[0, at + 1 : at + 1 + count] = 1.0, share
            rows.append(sp.csr_array(row))
            lower.append(np.array([-np.inf]))
            upper.append(np.array([term.limit]))
        at += 1 + count
    matrix = sp.csr_array(sp.vstack(rows))
    return p.quadratic, cost, matrix, np.concatenate(lower), np.concatenate(upper), low, high


def highs(p: capmix.CvarProgram, tolerance: float = 1e-9) -> Answer:
    """By HiGHS's simplex method."""
    import highspy

    _, cost, matrix, row_lower, row_upper, low, high = extensive(p)
    begin = time.perf_counter()
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        solver.setOptionValue(name, tolerance)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = matrix.shape[1], matrix.shape[0]
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, low, high
    lp.row_lower_, lp.row_upper_ = row_lower, row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    solver.passModel(lp)
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus())
    x = np.array(solver.getSolution().col_value)[: np.size(p.cost)] if status == "Optimal" else None
    return Answer(x, status, float(solver.getInfo().objective_function_value), time.perf_counter() - begin)


def clarabel(p: capmix.CvarProgram, tolerance: float = 1e-9) -> Answer:
    """By Clarabel."""
    import clarabel as solver

    quadratic, cost, matrix, row_lower, row_upper, low, high = extensive(p)
    begin = time.perf_counter()
    n, width = np.size(p.cost), cost.size
    square = sp.csc_matrix((width, width))
    if quadratic is not None:
        square = sp.csc_matrix(sp.block_diag([sp.triu(np.asarray(quadratic)), sp.csc_matrix((width - n, width - n))]))
    everything = sp.vstack([matrix, sp.eye_array(width)]).tocsr()
    lower, upper = np.concatenate([row_lower, low]), np.concatenate([row_upper, high])
    equal = lower == upper
    under, over = np.isfinite(lower) & ~equal, np.isfinite(upper) & ~equal
    stacked = sp.csc_matrix(sp.vstack([everything[equal], everything[over], -everything[under]]))
    right = np.concatenate([lower[equal], upper[over], -lower[under]])
    cones = [solver.ZeroConeT(int(equal.sum())), solver.NonnegativeConeT(int(over.sum() + under.sum()))]
    settings = solver.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    found = solver.DefaultSolver(square, cost, stacked, right, cones, settings).solve()
    good = str(found.status) in ("Solved", "AlmostSolved")
    x = np.clip(np.array(found.x)[:n], low[:n], high[:n]) if good else None
    return Answer(x, str(found.status), float(found.obj_val), time.perf_counter() - begin)
