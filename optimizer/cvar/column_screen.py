"""Which columns of a CVaR program move: the others rest at a bound until their reduced costs call them in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray

IndexArray = NDArray[np.int64]

OFF_BOUND = 1e-4  # of the largest distance from a bound: a column that stays


def off_bounds(x: FloatArray, lower: FloatArray, upper: FloatArray) -> IndexArray:
    """The columns of x (n,) clearly off their bounds; all of them where there is none."""
    distance = np.minimum(x - lower, upper - x)
    finite = distance[np.isfinite(distance)]
    far = float(finite.max(initial=0.0))
    off = np.flatnonzero(~(distance <= OFF_BOUND * far))
    return off if off.size else np.arange(x.size)


def at_rest(x: FloatArray, columns: IndexArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """x with the `columns` at 0 and all others at the nearer bound."""
    rest = np.where(np.abs(x - lower) <= np.abs(upper - x), lower, upper)
    rest[columns] = 0.0
    return np.asarray(rest, dtype=np.float64)


def missing_columns(
    columns: IndexArray, x: FloatArray, lower: FloatArray, upper: FloatArray, reduced: FloatArray
) -> IndexArray:
    """The columns other than `columns` that ought to move by their `reduced` costs (n,), the most wanted ones."""
    outside = np.ones(x.size, dtype=np.bool_)
    outside[columns] = False
    at_low = np.abs(x - lower) <= np.abs(upper - x)
    gain = np.where(outside, np.where(at_low, -reduced, reduced), 0.0)
    wanted = np.flatnonzero(gain > 1e-9 * float(np.abs(reduced).max(initial=0.0)))
    most = 2 * columns.size + 50
    return wanted[np.argsort(-gain[wanted])[:most]] if wanted.size > most else wanted
