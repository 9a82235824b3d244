"""HiGHS on a CVaR program: the extensive form of Rockafellar and Uryasev, or its dual, in every algorithm it has.

The dual (Ogryczak and Śliwiński 2011, https://doi.org/10.1007/s10287-010-0132-x) has a row per decision and a bounded
column per scenario instead of a row per scenario.
"""

from __future__ import annotations

import importlib
import math
import time
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..instances import Array, Instance
from .adapter import Answer, CannotState, NotAvailable, Options

# statuses beside which HiGHS leaves an answer worth judging
USABLE = ("Optimal", "Time limit reached", "Iteration limit reached", "Unknown")


def solve(instance: Instance, options: Options, form: str, method: str) -> Answer:
    """form: primal or dual. method: simplex, ipx, hipo or pdlp."""
    if method == "hipo" and importlib.util.find_spec("highspy_extras") is None:
        raise NotAvailable("highspy[extras] is not installed; without it HiGHS would run another method")
    if instance.quadratic is not None and method in ("ipx", "pdlp"):
        raise CannotState("HiGHS takes quadratic objectives by its active set or HiPO only")
    begin = time.perf_counter()
    if form == "primal":
        program = extensive(instance)
    else:
        program = dual(instance)
    built = time.perf_counter()
    highs = load(program, instance.quadratic if form == "primal" else None)
    configure(highs, method, options, instance.quadratic is not None)
    loaded = time.perf_counter()
    highs.run()
    done = time.perf_counter()
    phases = {"build": built - begin, "load": loaded - built, "solve": done - loaded}
    info = highs.getInfo()
    counts = {
        "simplex": float(max(0, info.simplex_iteration_count)),
        "ipm": float(max(0, info.ipm_iteration_count)),
        "pdlp": float(max(0, info.pdlp_iteration_count)),
    }
    status = str(highs.modelStatusToString(highs.getModelStatus()))
    found = highs.getSolution()
    values = np.array(found.col_value if form == "primal" else found.row_dual, dtype=np.float64)
    usable = bool(found.value_valid if form == "primal" else found.dual_valid)
    if not usable or values.size < instance.columns or status not in USABLE:
        return Answer(None, status, phases=phases, counts=counts)
    objective = float(info.objective_function_value)
    x = values[: instance.columns] if form == "primal" else -values[: instance.columns]
    return Answer(x, status, objective if form == "primal" else -objective, phases=phases, counts=counts)


def extensive(instance: Instance) -> dict[str, Any]:
    """Columns: x, then per tail the quantile t and an excess per scenario. Rows: own, one per scenario and limit."""
    n, count = instance.columns, instance.scenarios
    wide = n + len(instance.tails) * (1 + count)
    cost, lower, upper = np.zeros(wide), np.zeros(wide), np.full(wide, np.inf)
    cost[:n], lower[:n], upper[:n] = instance.cost, instance.lower, instance.upper
    rows: list[sp.csr_array] = [
        sp.csr_array(sp.hstack([instance.matrix, sp.csr_array((instance.matrix.shape[0], wide - n))]))
    ]
    low, high = [instance.row_lower], [instance.row_upper]
    at = n
    for tail in instance.tails:
        share = instance.probabilities / (1.0 - tail.level)
        before, after = at - n, wide - at - 1 - count
        parts = [
            dense(-tail.losses),
            sp.csr_array((count, before)),
            sp.csr_array(np.ones((count, 1))),
            sp.eye_array(count, format="csr"),
            sp.csr_array((count, after)),
        ]
        rows.append(sp.csr_array(sp.hstack(parts, format="csr")))
        low.append(tail.offset)
        high.append(np.full(count, np.inf))
        lower[at] = -np.inf
        cost[at] = tail.price
        cost[at + 1 : at + 1 + count] = tail.price * share
        if math.isfinite(tail.limit):
            row = np.zeros((1, wide))
            row[0, at] = 1.0
            row[0, at + 1 : at + 1 + count] = share
            rows.append(sp.csr_array(row))
            low.append(np.array([-np.inf]))
            high.append(np.array([tail.limit]))
        at += 1 + count
    matrix = sp.csr_array(sp.vstack(rows, format="csr"))
    return {
        "cost": cost,
        "matrix": matrix,
        "low": np.concatenate(low),
        "high": np.concatenate(high),
        "lower": lower,
        "upper": upper,
    }


def dual(instance: Instance) -> dict[str, Any]:
    """Rows: one per decision (its gradient), per tail one sum, and per scenario of a limited tail its cap.

    minimise -(bounds' value) over the scenarios' weights p, the rows' multipliers y = y⁺ - y⁻, the reduced costs z⁺, z⁻
    and the tails' multipliers. The decisions are the duals of the first rows.
    """
    if instance.quadratic is not None:
        raise CannotState("the dual form is that of a linear program; this objective is quadratic")
    n, count, m = instance.columns, instance.scenarios, instance.matrix.shape[0]
    blocks: list[list[Any]] = []
    cost: list[Array] = []
    lower: list[Array] = []
    upper: list[Array] = []

    def columns(gradient: Any, value: Array, high: Array) -> None:
        blocks.append([gradient])
        cost.append(-value)
        lower.append(np.zeros(value.size))
        upper.append(high)

    for sign, side in ((1.0, instance.row_lower), (-1.0, -instance.row_upper)):
        kept = np.isfinite(side)
        columns(sp.csr_array(sign * instance.matrix[kept].T), side[kept], np.full(int(kept.sum()), np.inf))
    for sign, side in ((1.0, instance.lower), (-1.0, -instance.upper)):
        kept = np.flatnonzero(np.isfinite(side))
        unit = sp.csr_array((np.full(kept.size, sign), (kept, np.arange(kept.size))), shape=(n, kept.size))
        columns(unit, side[kept], np.full(kept.size, np.inf))
    own = [block[0] for block in blocks]
    width = sum(b.shape[1] for b in own)
    assert width <= 2 * (m + n)
    sums: list[sp.csr_array] = []
    caps: list[sp.csr_array] = []
    right = [instance.cost]
    extra: list[Any] = []
    start = width
    total = width + sum(count + math.isfinite(t.limit) for t in instance.tails)
    for tail in instance.tails:
        cap = instance.probabilities / (1.0 - tail.level)
        limited = math.isfinite(tail.limit)
        extra.append(dense(-tail.losses).T)
        cost.append(-tail.offset)
        lower.append(np.zeros(count))
        upper.append(np.full(count, np.inf) if limited else tail.price * cap)
        row = np.zeros((1, total))
        row[0, start : start + count] = 1.0
        if limited:
            extra.append(sp.csr_array((n, 1)))
            cost.append(np.array([tail.limit]))
            lower.append(np.zeros(1))
            upper.append(np.full(1, np.inf))
            row[0, start + count] = -1.0
            entry = np.arange(count)
            data = np.concatenate([np.ones(count), -cap])
            index = (np.tile(entry, 2), np.concatenate([start + entry, np.full(count, start + count)]))
            caps.append(sp.csr_array((data, index), shape=(count, total)))
        sums.append(sp.csr_array(row))
        right.append(np.array([tail.price]))
        start += count + limited
    gradient = sp.csr_array(sp.hstack([*own, *extra], format="csr"))
    matrix = sp.csr_array(sp.vstack([gradient, *sums, *caps], format="csr"))
    equal = np.concatenate(right)
    limits = [t for t in instance.tails if math.isfinite(t.limit)]
    capped = [t.price / (1.0 - t.level) * instance.probabilities for t in limits]
    high = np.concatenate([equal, *capped])
    low = np.concatenate([equal, *[np.full(c.size, -np.inf) for c in capped]])
    return {
        "cost": np.concatenate(cost),
        "matrix": matrix,
        "low": low,
        "high": high,
        "lower": np.concatenate(lower),
        "upper": np.concatenate(upper),
    }


def dense(array: Array) -> sp.csr_array:
    """A full matrix as a sparse one, without looking for zeros."""
    rows, columns = array.shape
    index = np.tile(np.arange(columns, dtype=np.int32), rows)
    start = np.arange(rows + 1, dtype=np.int64) * columns
    return sp.csr_array((np.ascontiguousarray(array).ravel(), index, start), shape=array.shape)


def load(program: dict[str, Any], quadratic: Array | None) -> Any:
    import highspy

    matrix = program["matrix"]
    rows, columns = matrix.shape
    if matrix.nnz >= 2**31:
        raise CannotState(f"{matrix.nnz:,} nonzeros are more than HiGHS can index")
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program["cost"], program["lower"], program["upper"]
    lp.row_lower_, lp.row_upper_ = program["low"], program["high"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = columns, rows
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    if highs.passModel(lp) == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS refused the program")
    if quadratic is not None:
        lowest = sp.csc_array(np.tril(quadratic))
        hessian = highspy.HighsHessian()
        hessian.dim_ = columns
        hessian.format_ = highspy.HessianFormat.kTriangular
        pad = np.full(columns - quadratic.shape[0], lowest.indptr[-1], dtype=np.int32)
        hessian.start_ = np.concatenate([lowest.indptr.astype(np.int32), pad])
        hessian.index_ = lowest.indices.astype(np.int32)
        hessian.value_ = lowest.data
        if highs.passHessian(hessian) == highspy.HighsStatus.kError:
            raise RuntimeError("HiGHS refused the quadratic objective")
    return highs


def configure(highs: Any, method: str, options: Options, quadratic: bool) -> None:
    """The method at its best: all threads for those that use them, no crossover, its own tolerance near ours.

    Simplex keeps its tighter default, which costs it nothing; the others stop at a tenth of ours, since their own
    measures of an error are not the judge's, and at ours they were found just outside.
    """
    chosen: dict[str, Any] = {"time_limit": options.time_limit, "threads": options.threads}
    if method == "simplex":
        chosen |= {"solver": "choose" if quadratic else "simplex", "parallel": "off"}
    elif method == "pdlp":
        own = 0.1 * options.tolerance
        chosen |= {"solver": "pdlp", "pdlp_optimality_tolerance": own}
        chosen |= {"primal_feasibility_tolerance": own, "dual_feasibility_tolerance": own}
    else:
        chosen |= {"solver": method, "run_crossover": "off", "ipm_optimality_tolerance": 0.1 * options.tolerance}
    for name, value in chosen.items():
        if str(highs.setOptionValue(name, value)).endswith("kError"):
            raise RuntimeError(f"HiGHS refused the option {name} = {value}")
