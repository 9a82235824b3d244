"""Weights of a tail made exactly admissible: within 0 and their largest share, of the tail's mass.

Whatever admissible weights an interior point ends with give a valid cut; what is corrected here decides only how good
it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray
from .newton_matrix import REGULAR, Gram

CORRECTIONS = 2
REPEATED = 300  # columns for which a singular system costs little


@dataclass(frozen=True, eq=False)
class Priced:
    """A tail whose CVaR has a price. values: (r, f) of its rows and columns without bounds. share: (r,) most that each
    row may weigh. mass: what the weights sum to. fixed: (f,) gradient of the rows that are surely in the tail.
    """

    price: float
    values: FloatArray
    share: FloatArray
    mass: float
    fixed: FloatArray


def admissible(weights: FloatArray, share: FloatArray, mass: float) -> FloatArray:
    """(r,) the weights within 0 and `share`, summing to `mass`."""
    total = float(weights.sum())
    w = np.clip(weights * (mass / total) if total > 0.0 else share * (mass / share.sum()), 0.0, share)
    missing = mass - float(w.sum())
    if missing > 0.0:
        room = share - w
        return np.asarray(np.minimum(w + room * (missing / max(float(room.sum()), missing)), share))
    return np.asarray(w * (mass / (mass - missing)))


def balanced(
    tails: Sequence[Priced], weights: Sequence[FloatArray], reduced: FloatArray, gram: Gram
) -> list[FloatArray]:
    """Admissible weights near the given ones with `reduced` + sum of price * (fixed + values' weights) = 0.

    reduced: (f,) the other part of the reduced costs of the columns without bounds. A cut whose weights leave such a
    column a reduced cost bounds nothing. The correction is the least in the norm of what room the weights have.
    """
    found = list(weights)
    for _ in range(CORRECTIONS):
        left = reduced + sum(t.price * (t.fixed + t.values.T @ w) for t, w in zip(tails, found, strict=True))
        short = [t.mass - float(w.sum()) for t, w in zip(tails, found, strict=True)]
        room = [np.maximum(0.0, np.minimum(w, t.share - w)) for t, w in zip(tails, found, strict=True)]
        normal = np.zeros((reduced.size, reduced.size))
        for t, d in zip(tails, room, strict=True):
            normal += t.price**2 * gram(t.values, d)
        sums = np.array([t.price * (t.values.T @ d) for t, d in zip(tails, room, strict=True)]).T
        matrix = np.block([[normal, sums], [sums.T, np.diag([float(d.sum()) for d in room])]])
        matrix[np.diag_indices_from(matrix)] += REGULAR * max(float(matrix.diagonal().max()), 1e-300)
        try:
            right = np.concatenate((-left, short))
            if reduced.size <= REPEATED:  # columns that repeat each other leave the matrix singular
                z = np.linalg.lstsq(matrix, right, rcond=1e-15)[0]
            else:
                z = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError:
            break
        if not np.isfinite(z).all():
            break
        for m, (t, d) in enumerate(zip(tails, room, strict=True)):
            moved = found[m] + d * (t.price * (t.values @ z[: reduced.size]) + z[reduced.size + m])
            found[m] = np.clip(moved, 0.0, t.share)
    return [admissible(w, t.share, t.mass) for t, w in zip(tails, found, strict=True)]
