"""Means of products of driver values over all scenarios, in one fixed order of additions.

Within a block lanes are folded by halves; blocks are added in sequence within groups of 64, then the groups in
sequence. Every backend adds in this order, so means have the same bits whatever the number of threads.
"""

from __future__ import annotations

import numpy as np

from .store import LANES, Store
from .tables import FloatArray, IntArray, LossTable

MEAN_GROUP = 64


def means(store: Store, factors: IntArray) -> FloatArray:
    """(A,) means of the products; the definition, in NumPy. factors: (A, F), -1 for an empty slot."""
    count = factors.shape[0]
    sums = np.zeros(count)
    for first in range(0, store.blocks.shape[0], MEAN_GROUP):
        group = np.zeros(count)
        for i in range(first, min(first + MEAN_GROUP, store.blocks.shape[0])):
            flat = store.blocks[i].reshape(-1, LANES).astype(np.float64)
            product = np.ones((count, LANES))
            for slot in factors.T:
                held = np.flatnonzero(slot >= 0)
                product[held] *= flat[slot[held]]
            product[:, max(store.count - i * LANES, 0) :] = 0.0
            half = LANES // 2
            while half > 0:
                product[:, :half] += product[:, half : 2 * half]
                half //= 2
            group += product[:, 0]
        sums += group
    return sums / store.count


def rates(store: Store, table: LossTable) -> FloatArray:
    """(periods,) mean of the rate that a surplus earns in each period, as `LossTable` defines it.

    Added up in the order of `means`.
    """
    observed = observed_rates(table)
    if observed is None:
        return fixed_rates(table)
    held = int(observed[-1]) + 1
    sums = np.zeros(held)
    for first in range(0, store.blocks.shape[0], MEAN_GROUP):
        seen = store.blocks[first : first + MEAN_GROUP, table.rate_driver, :held].astype(np.float64)
        rate = np.maximum(table.dt * (seen + table.surplus_margin), 0.0)
        beyond = store.count - (first + seen.shape[0] - 1) * LANES
        rate[-1, :, max(beyond, 0) :] = 0.0
        half = LANES // 2
        while half > 0:
            rate[..., :half] += rate[..., half : 2 * half]
            half //= 2
        group = np.zeros(held)
        for block in rate[..., 0]:
            group += block
        sums += group
    return np.asarray((sums / store.count)[observed])


def observed_rates(table: LossTable) -> IntArray | None:
    """(periods,) the period whose rate is earned in each; None where no driver is seen."""
    return None if table.rate_driver < 0 else np.maximum(table.within.astype(np.int32) - 1, 0)


def fixed_rates(table: LossTable) -> FloatArray:
    """(periods,) the rate that a surplus earns where no driver is seen."""
    return np.full(table.terms.periods, max(0.0, table.dt * table.surplus_margin))
