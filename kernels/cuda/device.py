"""What the CUDA backend needs of a device: memory, copies and launches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Scalar: TypeAlias = "np.int64 | np.uint64 | np.float64"


class Array:
    """Numbers in a device's memory: `size` of one type from `address` on. Memory is given back with
    the last part of it.

    Attributes:
        owner: what keeps the memory, as the device knows it.
    """

    __slots__ = ("address", "dtype", "owner", "size")

    def __init__(self, owner: Any, address: int, size: int, dtype: DTypeLike) -> None:
        self.owner = owner
        self.address = address
        self.size = size
        self.dtype = np.dtype(dtype)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def part(self, low: int, size: int) -> Array:
        """`size` numbers from number `low` on, in the same memory."""
        if low < 0 or size < 0 or low + size > self.size:
            raise IndexError(f"part {low}..{low + size} of an array of {self.size}")
        return Array(self.owner, self.address + low * self.dtype.itemsize, size, self.dtype)


Argument: TypeAlias = "Array | Scalar | None"


class Device(Protocol):
    """A device. Work is done in the order in which it is asked for; `download` waits for it.

    Every method raises `device_errors.DeviceFault`: `OutOfDeviceMemory` where memory is used up, else what tells why.
    """

    @property
    def name(self) -> str: ...

    @property
    def arch(self) -> str:
        """Architecture as compilers call it, e.g. sm_90."""
        ...

    @property
    def processors(self) -> int:
        """Number of multiprocessors."""
        ...

    def empty(self, size: int, dtype: DTypeLike) -> Array:
        """Memory with any content."""
        ...

    def full(self, size: int, dtype: DTypeLike, value: int) -> Array:
        """Memory in which every byte is `value`."""
        ...

    def upload(self, values: NDArray[Any], to: Array | None = None) -> Array:
        """Copy of a contiguous host array, in new memory or in the first part of `to`."""
        ...

    def download(self, array: Array) -> NDArray[Any]:
        """(size,) copy on the host."""
        ...

    def launch(
        self, kernel: str, grid: tuple[int, int], block: int, arguments: Sequence[Argument], shared: int = 0
    ) -> None:
        """Run a kernel of the .cu files. Every parameter has 8 bytes; None is a null pointer. shared: bytes, at most
        48 KiB."""
        ...

    def memory(self) -> tuple[int, int]:
        """Free and total bytes."""
        ...
