"""Products of a scenario matrix with a vector from either side, for Numba. Sums are in double, in a fixed order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..matrix import Values
from ..store import RowArray
from ..tables import FloatArray
from .jit import entry

SUMS = 16  # sums of a row that run side by side
_SUMS = SUMS


@entry
def product_pass(values: Values, x: FloatArray, out: FloatArray, low: Any, high: Any) -> None:
    """out[i] = values[i] @ x for the rows low..high: `SUMS` partial sums, folded by halves."""
    width = x.size
    whole = width - width % _SUMS
    sums = np.empty(_SUMS)
    for i in range(low, high):
        row = values[i]
        for k in range(_SUMS):
            sums[k] = 0.0
        for j in range(0, whole, _SUMS):
            for k in range(_SUMS):
                sums[k] += row[j + k] * x[j + k]
        for k in range(width - whole):
            sums[k] += row[whole + k] * x[whole + k]
        half = _SUMS // 2
        while half > 0:
            for k in range(half):
                sums[k] += sums[k + half]
            half //= 2
        out[i] = sums[0]


@entry
def weighted_pass(
    values: Values, rows: RowArray, weights: FloatArray, out: FloatArray, group: Any, low: Any, high: Any
) -> None:
    """out[g] = sum of weights[i] * values[rows[i]] over the i of group g, for the groups low..high."""
    count, width = rows.size, values.shape[1]
    for g in range(low, high):
        total = out[g]
        for j in range(width):
            total[j] = 0.0
        i, end = g * group, min((g + 1) * group, count)
        while i + 4 <= end:
            a, b, c, d = values[rows[i]], values[rows[i + 1]], values[rows[i + 2]], values[rows[i + 3]]
            u, v, w, z = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
            for j in range(width):
                total[j] += (u * a[j] + v * b[j]) + (w * c[j] + z * d[j])
            i += 4
        while i < end:
            a, u = values[rows[i]], weights[i]
            for j in range(width):
                total[j] += u * a[j]
            i += 1
