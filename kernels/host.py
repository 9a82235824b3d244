"""What the backends of the host share: losses as plain arrays, and views of stores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .checks import need
from .store import LANES, RowArray, Store, blocks_of
from .tables import FloatArray
from .tail import Tail, tail


def filled(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """(blocks * 256,) the scenario numbers; the lanes after the last repeat it."""
    lanes = np.full(blocks_of(numbers.size) * LANES, numbers[-1], dtype=np.uint64)
    lanes[: numbers.size] = numbers
    return lanes


class HostVectors:
    """See `backend.Backend` for the methods."""

    def tail(self, losses: FloatArray, level: float, mass: float | None = None) -> Tail:
        return tail(losses, level, mass=mass)

    def worst(self, losses: FloatArray, count: int) -> RowArray:
        need(1 <= count <= losses.size, f"count must lie in 1..{losses.size}; got {count}")
        return np.sort(np.argpartition(losses, losses.size - count)[losses.size - count :])

    def dot(self, losses: FloatArray, rows: RowArray, weights: FloatArray) -> float:
        return float(losses[rows] @ weights)

    def concatenate(self, parts: Sequence[FloatArray]) -> FloatArray:
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def above(self, losses: FloatArray, limit: float) -> float:
        return float(np.count_nonzero(losses > limit)) / losses.size

    def recover(self, error: Exception) -> bool:
        del error
        return False

    def host(self, losses: FloatArray) -> FloatArray:
        return losses

    def part(self, store: Store, low: int, high: int) -> Store:
        need(0 <= low < high <= store.count and low % LANES == 0, f"no part {low}..{high} of {store.count} rows")
        numbers = None if store.numbers is None else store.numbers[low:high]
        return Store(store.blocks[low // LANES : blocks_of(high)], high - low, store.first + low, numbers)
