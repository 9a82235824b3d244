"""What the backends of the host share: losses as plain arrays, and views of stores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..breaches import Breached, breaches, check_dates
from ..checks import need, row_weights
from ..settling import Settled, Settling, Tally, Tallying, check_settling, settle
from ..store import LANES, InOrder, RowArray, Store, blocks_of
from ..tables import FloatArray, IntArray, LossTable
from ..tail import HostTail, tail
from ..waterfall import Distribute

_CELLS = 1 << 23  # doubles of balances and flows held at one time


def filled(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """(blocks * 256,) the scenario numbers; the lanes after the last repeat it."""
    lanes = np.full(blocks_of(numbers.size) * LANES, numbers[-1], dtype=np.uint64)
    lanes[: numbers.size] = numbers
    return lanes


class HostLosses(InOrder):
    """Losses as arrays in the host's memory. See `backend.Evaluator` for the methods."""

    def tail(
        self, losses: FloatArray, level: float, mass: float | None = None, weights: FloatArray | None = None
    ) -> HostTail:
        return tail(losses, level, weights, mass)

    def worst(self, losses: FloatArray, count: int, also: RowArray | None = None) -> RowArray:
        need(1 <= count <= losses.size, f"count must lie in 1..{losses.size}; got {count}")
        found = np.argpartition(losses, losses.size - count)[losses.size - count :]
        return np.sort(found) if also is None else np.union1d(found, also)

    def dot(self, losses: FloatArray, rows: ArrayLike, weights: ArrayLike) -> float:
        return float(np.sum(losses[np.asarray(rows)] * np.asarray(weights)))  # BLAS would wake threads for it

    def at(self, losses: FloatArray, rows: ArrayLike) -> FloatArray:
        return np.asarray(losses[np.asarray(rows)])

    def size(self, losses: FloatArray, rows: RowArray) -> float:
        return float(np.abs(losses[rows]).mean())

    def concatenate(self, parts: Sequence[FloatArray]) -> FloatArray:
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def above(self, losses: FloatArray, limit: float) -> float:
        return float(np.count_nonzero(losses > limit)) / losses.size

    def recover(self, error: Exception) -> bool:
        del error
        return False

    def host(self, losses: FloatArray) -> FloatArray:
        return losses


class HostVectors(HostLosses, ABC):
    """See `backend.Backend` for the methods. distribute: the waterfall, as `waterfall.distribute` defines it."""

    distribute: Distribute
    device_name = ""
    on_device = None

    @abstractmethod
    def subset(self, store: Store, rows: ArrayLike) -> Store: ...

    @abstractmethod
    def balances(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray: ...

    def values(self, store: Store, rows: ArrayLike) -> FloatArray:
        return store.x(rows)

    def fan(
        self, store: Store, table: LossTable, exposure: ArrayLike, levels: Sequence[float], count: int | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        rows = None if count is None else np.arange(min(count, store.count))
        found = self.balances(store, table, exposure, rows)
        return (
            np.quantile(found, levels, axis=0),
            found.mean(axis=0),
            (found < table.least(np.asarray(exposure))).mean(axis=0),
        )

    def breaches(
        self, store: Store, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[FloatArray, Breached]:
        none = np.zeros(check_dates(table, dates), dtype=np.int64)
        worst, counts = np.empty(store.count), Breached(none, none)
        step = max(LANES, _CELLS // table.terms.periods // LANES * LANES)
        for low in range(0, store.count, step):
            rows = np.arange(low, min(low + step, store.count))
            flows = self.balances(store, table, exposure, rows)
            worst[rows], more = breaches(table, dates, flows, rounding)
            counts += more
        return worst, counts

    def quantile(self, losses: FloatArray, level: float) -> float:
        return float(np.quantile(losses, level))

    def settle(
        self, store: Store, table: Settling, rows: ArrayLike | None = None, weights: ArrayLike | None = None
    ) -> tuple[FloatArray, Tally]:
        check_settling(table, store.drivers, store.periods)
        r, w = np.arange(store.count) if rows is None else store.checked(rows), None
        if weights is not None:
            r, w = row_weights(store, r, weights)
        total, tallying = np.empty(r.size), Tallying(table)
        for low, one in self.settled(store, table, r):
            n = one.date.size
            total[low : low + n] = one.total
            tallying.add(one, None if w is None else w[low : low + n])
        return total, tallying.tally()

    def settled(self, store: Store, table: Settling, rows: RowArray) -> Iterator[tuple[int, Settled]]:
        """(place, settlement) of the given rows, piece by piece."""
        step = max(LANES, _CELLS // ((table.moving.size + 1) * table.periods) // LANES * LANES)
        for low in range(0, rows.size, step):
            part = self.subset(store, rows[low : low + step])
            balance = self.balances(part, table.balance, table.balance_exposure)
            flows = None if table.flows is None else self.balances(part, table.flows, table.flow_exposure)
            yield low, settle(table, balance, flows, self.distribute)

    def part(self, store: Store, low: int, high: int) -> Store:
        need(0 <= low < high <= store.count and low % LANES == 0, f"no part {low}..{high} of {store.count} rows")
        numbers = None if store.numbers is None else store.numbers[low:high]
        return Store(store.blocks[low // LANES : blocks_of(high)], high - low, store.first + low, numbers)
