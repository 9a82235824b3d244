"""Means of products of driver values over all scenarios, in one fixed order of additions.

Within a block lanes are folded by halves; blocks are added in sequence within groups of 64, then the groups in
sequence. Every backend adds in this order, so means have the same bits whatever the number of threads.
"""

from __future__ import annotations

import numpy as np

from .store import LANES, Store
from .tables import FloatArray, IntArray

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
