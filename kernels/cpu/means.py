"""Means of products, for Numba: the twin of `means`, with the same order of additions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..means import MEAN_GROUP
from ..store import LANES
from ..tables import FloatArray, IntArray
from .jit import entry
from .lanes import fill, fold

_LANES, _GROUP = LANES, MEAN_GROUP


@entry
def sum_groups(
    blocks: NDArray[np.float32], count: int, factors: IntArray, out: FloatArray, low: int, high: int
) -> None:
    """out (groups, A), zero on entry: sums over the groups low..high of 64 blocks. blocks: (blocks, F, 256)."""
    product = np.empty(_LANES)
    for k in range(low, high):
        for b in range(k * _GROUP, min((k + 1) * _GROUP, blocks.shape[0])):
            lanes = min(count - b * _LANES, _LANES)
            for a in range(factors.shape[0]):
                fill(product, 1.0)
                for r in range(factors.shape[1]):
                    f = factors[a, r]
                    if f >= 0:
                        for i in range(_LANES):
                            product[i] *= blocks[b, f, i]
                for i in range(lanes, _LANES):
                    product[i] = 0.0
                out[k, a] += fold(product)


@entry
def sum_rates(
    values: NDArray[np.float32], count: int, dt: float, margin: float, out: FloatArray, low: int, high: int
) -> None:
    """out (groups, T), zero on entry: sums of max(0, dt * (value + margin)) over the groups low..high.

    values: (blocks, T or more, 256) of one driver.
    """
    rate = np.empty(_LANES)
    for k in range(low, high):
        for b in range(k * _GROUP, min((k + 1) * _GROUP, values.shape[0])):
            lanes = min(count - b * _LANES, _LANES)
            for t in range(out.shape[1]):
                for i in range(_LANES):
                    rate[i] = max(dt * (values[b, t, i] + margin), 0.0)
                for i in range(lanes, _LANES):
                    rate[i] = 0.0
                out[k, t] += fold(rate)
