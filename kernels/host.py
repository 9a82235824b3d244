"""What the backends of the host share: losses as plain arrays, and stores put together."""

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

    def concatenate(self, parts: Sequence[FloatArray]) -> FloatArray:
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def above(self, losses: FloatArray, limit: float) -> float:
        return float(np.count_nonzero(losses > limit)) / losses.size

    def host(self, losses: FloatArray) -> FloatArray:
        return losses

    def join(self, stores: Sequence[Store]) -> Store:
        need(len(stores) >= 1, "there is no store to join")
        shape = stores[0].blocks.shape[1:]
        need(all(s.blocks.shape[1:] == shape for s in stores), "stores to join must have the same drivers and periods")
        count = sum(s.count for s in stores)
        blocks = np.zeros((blocks_of(count), *shape), dtype=np.float32)
        numbers = np.empty(count, dtype=np.uint64)
        at = 0
        for store in stores:
            numbers[at : at + store.count] = store.scenarios(np.arange(store.count))
            done = 0
            while done < store.count:
                lane, place = done % LANES, at % LANES
                step = min(LANES - lane, LANES - place, store.count - done)
                blocks[at // LANES, ..., place : place + step] = store.blocks[done // LANES, ..., lane : lane + step]
                done, at = done + step, at + step
        return Store(blocks, count, numbers=numbers)
