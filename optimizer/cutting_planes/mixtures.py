"""Mixtures of plans whose CVaRs are known: what convexity proves about them without another look at the scenarios.

CVaR is convex in the plan, so that of a mixture is at most the mixture of the CVaRs, for every limit at once. The best
mixture within the limits is a small linear program: an inner approximation, as cuts are an outer one. Between two
points of a frontier it is the chord (sandwich algorithms: Burkard, Hamacher & Rote 1991,
https://doi.org/10.1002/1520-6750(199112)38:6%3C911::AID-NAV3220380609%3E3.0.CO;2-R).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from ..arrays import FloatArray
from .highs import SMALLEST_COEFFICIENT, LpStatus, Model
from .solution import Evaluation

HELD = 1e-8  # relative to a limit's scale: so far inside that rounding cannot carry the mixture out


def best_mixture(
    known: Sequence[Evaluation], objective: FloatArray, over: FloatArray, depth: float
) -> Evaluation | None:
    """The mixture of `known` that has the largest objective among those at least `depth` inside every limit.

    Args:
        objective: (K,) of each plan; the mixture's is linear in it.
        over: (K, M) how far each CVaR of each plan is above its limit, relative to the limit's scale.
        depth: relative to the limits' scales; a little is always kept for rounding.

    Returns:
        the mixture with bounds from above on its CVaRs and its quantiles' mixture, or None where there is none.
    """
    if not known:
        return None
    spread = float(np.ptp(objective))
    cost = (objective.max() - objective) / (spread if spread > 0.0 else 1.0)
    count, limits = over.shape
    shares = _shares(cost, over, np.full(limits, -max(depth, HELD)), count)
    return None if shares is None else _mixed(known, shares)


def greatest_depth(over: FloatArray) -> float:
    """How far inside all limits the deepest mixture lies, relative to the limits' scales; negative where outside."""
    count, limits = over.shape
    if limits == 0:
        return math.inf
    # one more column: the depth, which every limit's row carries
    model = _model(
        np.append(np.zeros(count), -1.0),
        np.vstack([np.hstack([over.T, np.ones((limits, 1))]), np.append(np.ones(count), 0.0)]),
        np.append(np.full(limits, -np.inf), 1.0),
        np.append(np.zeros(limits), 1.0),
        np.append(np.zeros(count), -np.inf),
    )
    result = model.solve()
    return float(result.x[-1]) if result.status is LpStatus.OPTIMAL else -math.inf


def _shares(cost: FloatArray, over: FloatArray, most: FloatArray, count: int) -> FloatArray | None:
    rows = np.vstack([over.T, np.ones(count)])
    model = _model(cost, rows, np.append(np.full(most.size, -np.inf), 1.0), np.append(most, 1.0), np.zeros(count))
    result = model.solve()
    if result.status is not LpStatus.OPTIMAL:
        return None
    shares = np.maximum(result.x, 0.0)
    return np.asarray(shares / shares.sum())


def _model(cost: FloatArray, rows: FloatArray, low: FloatArray, high: FloatArray, least: FloatArray) -> Model:
    kept = np.where(np.abs(rows) < 10.0 * SMALLEST_COEFFICIENT, 0.0, rows)
    return Model(cost, csr_array(kept), low, high, least, np.full(cost.size, np.inf))


def _mixed(known: Sequence[Evaluation], shares: FloatArray) -> Evaluation:
    part = [(share, plan) for share, plan in zip(shares.tolist(), known, strict=True) if share > 0.0]
    parts = np.array([plan.x for _, plan in part])
    mixed = sum((share * plan.x for share, plan in part), np.zeros_like(known[0].x))
    return Evaluation(
        x=np.clip(mixed, parts.min(axis=0), parts.max(axis=0)),  # rounding must not break a bound that all of them hold
        values=sum((share * plan.values for share, plan in part), np.zeros_like(known[0].values)),
        quantiles=np.full_like(known[0].values, np.nan),
        shares=np.full_like(known[0].values, np.nan),
    )
