"""Scenarios whose pieces lie on several devices, and devices that are watched for their loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..cuda.backend import CudaBackend
from ..cuda.device import Argument, Array, Device
from ..cuda.store import DeviceStore
from ..cuda.vector import Vector
from ..device_errors import DeviceFault, OutOfDeviceMemory
from ..store import RowArray, Store, checked_rows
from ..tables import FloatArray, ProcessTable
from .vector import ShardVector

R = TypeVar("R")


class Watched:
    """A device that remembers the fault for which it can no longer be used; memory that is used up is none."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.fault: DeviceFault | None = None

    @property
    def name(self) -> str:
        return self._device.name

    @property
    def arch(self) -> str:
        return self._device.arch

    @property
    def processors(self) -> int:
        return self._device.processors

    def empty(self, size: int, dtype: DTypeLike) -> Array:
        return self._seen(lambda: self._device.empty(size, dtype))

    def full(self, size: int, dtype: DTypeLike, value: int) -> Array:
        return self._seen(lambda: self._device.full(size, dtype, value))

    def upload(self, values: NDArray[Any], to: Array | None = None) -> Array:
        return self._seen(lambda: self._device.upload(values, to))

    def download(self, array: Array) -> NDArray[Any]:
        return self._seen(lambda: self._device.download(array))

    def launch(
        self, kernel: str, grid: tuple[int, int], block: int, arguments: Sequence[Argument], shared: int = 0
    ) -> None:
        self._seen(lambda: self._device.launch(kernel, grid, block, arguments, shared))

    def memory(self) -> tuple[int, int]:
        return self._seen(self._device.memory)

    def _seen(self, call: Callable[[], R]) -> R:
        try:
            return call()
        except DeviceFault as fault:
            if not isinstance(fault, OutOfDeviceMemory):
                self.fault = fault
            raise


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows low, low + 1, ... of a store, held or drawn anew by one backend."""

    backend: CudaBackend
    store: Store
    low: int

    @property
    def high(self) -> int:
        return self.low + self.store.count

    def numbers(self, rows: Vector) -> Vector:
        """Scenario numbers of rows of the piece."""
        marks = self.store.marks if isinstance(self.store, DeviceStore) else None
        return rows.numbers(self.store.first, None if marks is None else Vector(rows.device, marks))


class ShardStore:
    """Scenarios in pieces. They are functions of their numbers, so any of them can be drawn again on any device.

    Attributes:
        table, seed, sample: what they are drawn from.
    """

    def __init__(self, pieces: Sequence[Piece], table: ProcessTable, seed: int, sample: int) -> None:
        self.pieces = tuple(pieces)
        self.table, self.seed, self.sample = table, seed, sample

    @property
    def count(self) -> int:
        return self.pieces[-1].high

    @property
    def drivers(self) -> int:
        return self.table.drivers

    @property
    def periods(self) -> int:
        return self.table.periods

    @property
    def nbytes(self) -> int:
        return sum(p.store.nbytes for p in self.pieces)

    def checked(self, rows: ArrayLike) -> RowArray:
        return checked_rows(rows, self.count)

    def scenario(self, row: int) -> int:
        piece = next(p for p in self.pieces if row < p.high)
        return piece.store.scenario(row - piece.low)

    def scenarios(self, rows: RowArray) -> NDArray[np.uint64]:
        """(n,) numbers of rows."""
        out = np.empty(rows.size, dtype=np.uint64)
        for piece in self.pieces:
            here = np.flatnonzero((rows >= piece.low) & (rows < piece.high))
            out[here] = piece.store.scenarios(rows[here] - piece.low)
        return out

    def x(self, rows: ArrayLike) -> FloatArray:
        """(n, D, T) values of rows."""
        r = self.checked(rows)
        out = np.empty((r.size, self.drivers, self.periods))
        for piece in self.pieces:
            here = np.flatnonzero((r >= piece.low) & (r < piece.high))
            if here.size:
                out[here] = piece.store.x(r[here] - piece.low)
        return out

    def numbers_of(self, rows: ShardVector) -> ShardVector:
        """Scenario numbers of rows, where the rows are."""
        pairs = zip(rows.places, rows.pieces, strict=True)
        return ShardVector([self.pieces[place].numbers(r) for place, r in pairs if r.size])
