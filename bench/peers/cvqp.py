"""CVQP, operator splitting for one CVaR limit (Luxenberg and others 2025, https://arxiv.org/abs/2504.10814).

A CVaR in the objective becomes a column above it: minimise t with CVaR(losses @ x - t) <= 0. For quantile regression
that is the authors' own form, with t as the intercept. An offset becomes a column fixed at 1.
"""

from __future__ import annotations

import math
import time

import numpy as np
import scipy.sparse as sp

from ..instances import Instance
from .adapter import Answer, CannotState, Options, equal_weights, only_tail

SETTINGS = {"default": None, "tight": (1e-6, 1e-5), "tightest": (1e-8, 1e-7)}


def solve(instance: Instance, options: Options, precision: str) -> Answer:
    """precision: default (1e-4 absolute, 1e-3 relative), tight (1e-6, 1e-5) or tightest, on its scaled residuals."""
    from cvqp import Settings
    from cvqp import solve as run

    only_tail(instance)
    equal_weights(instance)
    tail, n, count = instance.tails[0], instance.columns, instance.scenarios
    weight = (1.0 - tail.level) * count
    whole = round(weight)
    if abs(weight - whole) > 1e-6:
        raise CannotState(f"the tail has {weight:.4f} scenarios; it takes a whole number")
    if tail.price > 0.0 and math.isfinite(tail.limit):
        raise CannotState("it takes a CVaR limit or a CVaR in the objective, not both")
    level = 1.0 - (whole + 0.5) / count  # it cuts (1 - level) S down to a whole number: this one, with no rounding trap
    begin = time.perf_counter()
    extra = []
    shift = tail.price > 0.0
    fixed = bool(tail.offset.any())
    if shift:
        extra.append(np.full((count, 1), -1.0))
    if fixed:
        extra.append(tail.offset[:, None])
    losses = np.hstack([tail.losses, *extra]) if extra else tail.losses
    wide = losses.shape[1]
    cost = np.zeros(wide)
    cost[:n] = instance.cost
    if shift:
        cost[n] = tail.price
    quadratic = None
    if instance.quadratic is not None:
        quadratic = np.zeros((wide, wide))
        quadratic[:n, :n] = instance.quadratic
    bounded = np.flatnonzero(np.isfinite(instance.lower) | np.isfinite(instance.upper))
    blocks = [np.hstack([instance.matrix, np.zeros((instance.matrix.shape[0], wide - n))]), np.eye(wide)[bounded]]
    low = [instance.row_lower, instance.lower[bounded]]
    high = [instance.row_upper, instance.upper[bounded]]
    if fixed:
        blocks.append(np.eye(wide)[wide - 1 :])
        low.append(np.ones(1))
        high.append(np.ones(1))
    chosen = SETTINGS[precision]
    settings = Settings(time_limit=options.time_limit)
    if chosen is not None:
        settings = Settings(abstol=chosen[0], reltol=chosen[1], time_limit=options.time_limit)
    limit = 0.0 if shift else tail.limit
    rows = sp.csr_matrix(np.vstack(blocks))
    built = time.perf_counter()
    found = run(
        quadratic, cost, losses, rows, np.concatenate(low), np.concatenate(high), level, limit, settings=settings
    )
    phases = {"build": built - begin, "solve": time.perf_counter() - built}
    x = np.asarray(found.x, dtype=np.float64)[:n]
    counts = {"iterations": float(found.iterations)}
    return Answer(x if np.isfinite(x).all() else None, found.status, float(found.value), phases=phases, counts=counts)
