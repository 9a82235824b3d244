"""Sparse losses as the full matrix that the passes read.

A pass over a full row costs one multiplication per column and reads in order; the rows near the tail, on which the
engines work, are full anyway where columns are dense. So a sparse matrix is spread out once, block by block of rows,
and refused where it would not fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from ...kernels.memory.host_memory import memory_available

BLOCK = 4_096  # rows that are spread out at a time
MOST = 0.7  # of the memory that is free


def full(faults: list[str], where: str, losses: Any) -> Any:
    """(S, n) losses as a full matrix, of the same precision; what is not sparse as it is."""
    if not issparse(losses):
        return losses
    if losses.ndim != 2 or losses.dtype.kind not in "fiub":
        faults.append(
            f"{where}.losses: a sparse {losses.dtype} of shape {losses.shape}; it must be a matrix of numbers"
        )
        return np.zeros(losses.shape)
    kind = np.float32 if losses.dtype == np.float32 else np.float64
    count, width = losses.shape
    needed, free = count * width * np.dtype(kind).itemsize, memory_available()
    if free is not None and needed > MOST * free:
        faults.append(
            f"{where}.losses: spread out it takes {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB of memory are free; "
            "take fewer scenarios, leave out columns, or give it as float32"
        )
        return np.zeros((1, width), dtype=kind)
    rows = csr_array(losses)
    out = np.empty((count, width), dtype=kind)
    for low in range(0, count, BLOCK):
        high = min(low + BLOCK, count)
        out[low:high] = rows[low:high].toarray()
    return out
