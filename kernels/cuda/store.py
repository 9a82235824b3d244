"""Stores of the CUDA backend: scenarios kept on the device, and scenarios made anew whenever they are needed."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import overflow
from ..store import LANES, RowArray, Store, blocks_of
from ..tables import FloatArray, ProcessTable
from .device import Array, Device
from .source import THREADS
from .vector import Vector, grid_of

NOTHING = np.uint64(2**64 - 1)  # no row is at fault
WIDEST = 1 << 16  # thread blocks of a launch that walks over its items


def walk(size: int) -> tuple[int, int]:
    """A grid for kernels whose threads take every n-th item."""
    return min(grid_of(size)[0], WIDEST), 1


class DeviceStore(Store):
    """Values of all drivers in a device's memory.

    Attributes:
        values: (blocks * D * T * 256) float32, laid out as `Store.blocks`.
        marks: (S,) uint64 scenario numbers on the device where they are not consecutive.
    """

    values: Array
    marks: Array | None
    device: Device

    def __init__(
        self,
        device: Device,
        values: Array,
        shape: tuple[int, int],
        count: int,
        first: int = 0,
        marks: Array | None = None,
    ) -> None:
        for name, value in (
            ("device", device), ("values", values), ("shape", shape), ("count", count), ("first", first),
            ("marks", marks),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    shape: tuple[int, int]

    @property
    def blocks(self) -> NDArray[np.float32]:
        """(blocks, D, T, 256) copy on the host."""
        return self.device.download(self.values).reshape(-1, *self.shape, LANES)

    @property
    def numbers(self) -> NDArray[np.uint64] | None:
        return None if self.marks is None else self.device.download(self.marks)

    @property
    def drivers(self) -> int:
        return self.shape[0]

    @property
    def periods(self) -> int:
        return self.shape[1]

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def x(self, rows: ArrayLike) -> FloatArray:
        r = self.checked(rows)
        part = gathered(self.device, self, Vector.of(self.device, r, np.int64).array)
        blocks = self.device.download(part).reshape(-1, *self.shape, LANES)
        index = np.arange(r.size)
        return np.asarray(blocks[index // LANES, :, :, index % LANES], dtype=np.float64)

    def scenario(self, row: int) -> int:
        return self.first + row if self.marks is None else int(self.device.download(self.marks.part(row, 1))[0])


def gathered(device: Device, store: DeviceStore, rows: Array, to: Array | None = None) -> Array:
    """Rows of a store in blocks of their own, in new memory or in the first part of `to`."""
    factors = store.drivers * store.periods
    size = blocks_of(rows.size) * factors * LANES
    out = device.empty(size, np.float32) if to is None else to.part(0, size)
    arguments = (store.values, np.int64(factors), rows, np.int64(rows.size), np.int64(size), out)
    device.launch("gather_rows", walk(size), THREADS, arguments)
    return out


def marks_of(device: Device, store: Store | None, rows: Array | None, count: int) -> Array:
    """(count,) uint64 scenario numbers of rows, or of the first rows, on the device; without a store 0, 1, ..."""
    numbers = store.marks if isinstance(store, DeviceStore) else None
    out = device.empty(count, np.uint64)
    arguments = (rows, np.int64(count), np.uint64(0 if store is None else store.first), numbers, out)
    device.launch("scenario_numbers", grid_of(count), THREADS, arguments)
    return out


def finite_values(store: Store, place: int) -> None:
    """FloatingPointError if `place` is one in the store's blocks."""
    if place != int(NOTHING):
        lane, flat = place % LANES, place // LANES
        block, position = divmod(flat, store.drivers * store.periods)
        driver, period = divmod(position, store.periods)
        raise overflow(driver, period, store.scenario(min(block * LANES + lane, store.count - 1)))


class Redraws(Protocol):
    """What can make scenarios anew."""

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> Store: ...


class DrawnStore(Store):
    """Scenarios first .. first + count - 1 of a sample, none of them kept: every pass draws them again, bit for bit."""

    table: ProcessTable
    seed: int
    sample: int
    backend: Redraws

    def __init__(self, backend: Redraws, table: ProcessTable, count: int, seed: int, sample: int, first: int) -> None:
        for name, value in (
            ("backend", backend), ("table", table), ("count", count), ("seed", seed), ("sample", sample),
            ("first", first), ("numbers", None),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def blocks(self) -> NDArray[np.float32]:
        """(blocks, D, T, 256), drawn for this call."""
        return self.backend.redraw(self.table, self.scenarios(np.arange(self.count)), self.seed, self.sample).blocks

    @property
    def drivers(self) -> int:
        return self.table.drivers

    @property
    def periods(self) -> int:
        return self.table.periods

    @property
    def nbytes(self) -> int:
        return 0

    def x(self, rows: ArrayLike) -> FloatArray:
        r: RowArray = self.checked(rows)
        if r.size == 0:
            return np.zeros((0, self.drivers, self.periods))
        drawn: Any = self.backend.redraw(self.table, self.scenarios(r), self.seed, self.sample)
        return np.asarray(drawn.x(np.arange(r.size)), dtype=np.float64)
