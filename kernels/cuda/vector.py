"""A vector in a device's memory, with the operators that the engine uses on losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..vectors import DeviceVector
from .device import Array, Device
from .source import CHUNK, THREADS

_COPY, _ADD, _SUBTRACT, _MULTIPLY, _SCALE, _SHIFT, _FROM, _ABSOLUTE, _ABOVE, _BELOW = range(10)


def grid_of(size: int, threads: int = THREADS) -> tuple[int, int]:
    """Thread blocks that give each of `size` items a thread."""
    return max(1, -(-size // threads)), 1


def sum_products(device: Device, a: Array, b: Array | None = None) -> Array:
    """(1,) sum of a, or of a * b, in an order that depends on the size only."""
    size, first = a.size, True
    while first or size > 1:
        out = device.empty(max(1, -(-size // CHUNK)), np.float64)
        device.launch("chunk_sums", (out.size, 1), THREADS, (a, b if first else None, np.int64(size), out))
        a, size, first = out, out.size, False
    return a


class Vector(DeviceVector):
    """float64 numbers, int64 rows or uint64 scenario numbers on one device.

    `numpy.asarray` and `host` copy them to the host. Between vectors: + - *; with a number: + - * > <; `abs`. By rows,
    given on the host or the device: a new vector. Results are rounded as NumPy rounds them.
    """

    def __init__(self, device: Device, array: Array) -> None:
        self.device = device
        self.array = array

    @classmethod
    def of(cls, device: Device, values: ArrayLike | Vector, dtype: DTypeLike) -> Vector:
        """A host's array as a vector; a vector as it is."""
        if isinstance(values, Vector):
            if values.dtype != np.dtype(dtype):
                raise TypeError(f"a vector of {np.dtype(dtype)} is needed; got {values.dtype}")
            return values
        return cls(device, device.upload(np.ascontiguousarray(values, dtype=dtype)))

    @property
    def size(self) -> int:
        return self.array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def host(self) -> NDArray[Any]:
        return self.device.download(self.array)

    def part(self, low: int, high: int) -> Vector:
        return Vector(self.device, self.array.part(low, high - low))

    def numbers(self, first: int, known: Vector | NDArray[np.uint64] | None = None) -> Vector:
        numbers = None if known is None else Vector.of(self.device, known, np.uint64).array
        out = self.device.empty(self.size, np.uint64)
        arguments = (self.array, np.int64(self.size), np.uint64(first), numbers, out)
        self.device.launch("scenario_numbers", grid_of(self.size), THREADS, arguments)
        return Vector(self.device, out)

    def __getitem__(self, rows: ArrayLike | Vector | slice, /) -> Vector:
        """(n,) values at rows, which must exist; a slice shares the memory."""
        if isinstance(rows, slice):
            return self.part(*rows.indices(self.size)[:2])
        if not isinstance(rows, Vector):
            r = np.asarray(rows)
            if r.ndim != 1 or (r.size and not np.issubdtype(r.dtype, np.integer)):
                raise TypeError(f"rows must be a list of whole numbers; got {r.dtype} of shape {r.shape}")
            if r.size and (r.min() < 0 or r.max() >= self.size):
                raise IndexError(f"rows must lie in 0..{self.size - 1}; got {r.min()}..{r.max()}")
            rows = r
        at = Vector.of(self.device, rows, np.int64)
        out = self.device.empty(at.size, np.float64)
        self.device.launch("values_at", grid_of(at.size), THREADS, (self.array, at.array, np.int64(at.size), out))
        return Vector(self.device, out)

    def _combine(self, operation: int, other: Vector | float | None) -> Vector:
        if self.dtype != np.float64:
            raise TypeError(f"arithmetic needs float64; got {self.dtype}")
        b = other.array if isinstance(other, Vector) else None
        if b is not None and (b.size != self.size or b.dtype != np.float64):
            raise ValueError(f"vectors of {self.size} and {b.size} numbers do not go together")
        number = np.float64(0.0 if other is None or isinstance(other, Vector) else other)
        out = self.device.empty(self.size, np.float64)
        self.device.launch(
            "combine",
            grid_of(self.size),
            THREADS,
            (np.int64(operation), self.array, b, number, np.int64(self.size), out),
        )
        return Vector(self.device, out)

    def __add__(self, other: Vector | float) -> Vector:
        return self._combine(_ADD if isinstance(other, Vector) else _SHIFT, other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._combine(_SUBTRACT, other) if isinstance(other, Vector) else self._combine(_SHIFT, -other)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._combine(_MULTIPLY if isinstance(other, Vector) else _SCALE, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Vector:
        return self._combine(_FROM, other)

    def __abs__(self) -> Vector:
        return self._combine(_ABSOLUTE, None)

    def __gt__(self, other: float) -> Vector:
        return self._combine(_ABOVE, other)

    def __lt__(self, other: float) -> Vector:
        return self._combine(_BELOW, other)

    def __matmul__(self, other: Vector) -> float:
        if other.size != self.size:
            raise ValueError(f"vectors of {self.size} and {other.size} numbers do not go together")
        return float(self.device.download(sum_products(self.device, self.array, other.array))[0])

    def sum(self) -> float:
        return float(self.device.download(sum_products(self.device, self.array))[0]) if self.size else 0.0

    def mean(self) -> float:
        return self.sum() / self.size

    def copy_to(self, to: Array) -> None:
        """Copy into memory of the same size on the device."""
        arguments = (np.int64(_COPY), self.array, None, np.float64(0.0), np.int64(self.size), to)
        self.device.launch("combine", grid_of(self.size), THREADS, arguments)


def concatenated(parts: Sequence[Vector]) -> Vector:
    """The parts behind one another, in new memory."""
    device = parts[0].device
    out = device.empty(sum(p.size for p in parts), np.float64)
    low = 0
    for part in parts:
        part.copy_to(out.part(low, part.size))
        low += part.size
    return Vector(device, out)
