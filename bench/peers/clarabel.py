"""Clarabel, an interior-point method, on the extensive form; called directly, without a modelling layer on its clock.

Its tolerances are a thousandth of the run's, which for 1e-5 is its own default: at a tenth, answers were off by 1e-4.
"""

from __future__ import annotations

import time

import numpy as np
import scipy.sparse as sp

from ..instances import Instance
from .adapter import Answer, Options
from .highs import extensive


def solve(instance: Instance, options: Options) -> Answer:
    import clarabel

    begin = time.perf_counter()
    program = extensive(instance)
    matrix, low, high = program["matrix"], program["low"], program["high"]
    lower, upper = program["lower"], program["upper"]
    wide = lower.size
    unit = sp.eye_array(wide, format="csr")
    equal = low == high
    blocks, right = [matrix[equal]], [low[equal]]
    for part, bound, kept in (
        (matrix, high, ~equal & np.isfinite(high)),
        (-matrix, -low, ~equal & np.isfinite(low)),
        (unit, upper, np.isfinite(upper)),
        (-unit, -lower, np.isfinite(lower)),
    ):
        blocks.append(part[kept])
        right.append(bound[kept])
    stacked = sp.csc_matrix(sp.vstack(blocks, format="csc"))
    n = instance.columns
    square = sp.csc_matrix((wide, wide))
    if instance.quadratic is not None:
        padded = np.pad(np.triu(instance.quadratic), ((0, wide - n), (0, 0)))
        square = sp.csc_matrix(sp.hstack([sp.csc_matrix(padded), sp.csc_matrix((wide, wide - n))]))
    zeros = int(equal.sum())
    cones = [clarabel.ZeroConeT(zeros)] if zeros else []
    cones.append(clarabel.NonnegativeConeT(stacked.shape[0] - zeros))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.time_limit = options.time_limit
    settings.max_threads = options.threads
    settings.tol_gap_rel = settings.tol_gap_abs = settings.tol_feas = 1e-3 * options.tolerance
    built = time.perf_counter()
    solver = clarabel.DefaultSolver(square, program["cost"], stacked, np.concatenate(right), cones, settings)
    found = solver.solve()
    phases = {"build": built - begin, "solve": time.perf_counter() - built}
    status = str(found.status)
    x = np.array(found.x, dtype=np.float64)[:n]
    usable = x.size == n and np.isfinite(x).all() and "Infeasible" not in status
    counts = {"iterations": float(found.iterations)}
    return Answer(x if usable else None, status, float(found.obj_val), phases=phases, counts=counts)
