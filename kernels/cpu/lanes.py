"""The 256 lanes of a block: filling them, and their sum, for Numba."""

from __future__ import annotations

from typing import Any

from ..store import LANES
from ..tables import FloatArray
from .jit import inlined

_LANES = LANES


@inlined
def fill(values: FloatArray, number: Any) -> None:
    """values[:] = number. Written as a loop: Numba's slice assignment takes seconds to compile."""
    for i in range(values.size):
        values[i] = number


@inlined
def fold(values: FloatArray) -> Any:
    """Sum of 256 values by halves; overwrites them."""
    half = _LANES // 2
    while half > 0:
        for i in range(half):
            values[i] += values[i + half]
        half //= 2
    return values[0]
