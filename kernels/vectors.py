"""Losses, rows and weights as a backend keeps them: arrays on the host, vectors on a device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .store import RowArray


class LossVector(Protocol):
    """(n,) float64 numbers, where the backend that made them works. All else that is done with them it does itself.

    `float64` arrays are such vectors, and so are those of devices.
    """

    @property
    def size(self) -> int: ...

    def __add__(self, other: Self, /) -> Self: ...

    def __sub__(self, other: Self, /) -> Self: ...

    def __mul__(self, other: float, /) -> Self: ...

    def __getitem__(self, rows: slice, /) -> Self:
        """Numbers start .. stop - 1."""
        ...

    def sum(self) -> float: ...


class DeviceVector(ABC):
    """Numbers on a device: float64 losses and weights, int64 rows or uint64 scenario numbers. A `LossVector`."""

    __array_ufunc__ = None  # NumPy's numbers on the left leave the operator to the vector

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    def shape(self) -> tuple[int]:
        return (self.size,)

    def __len__(self) -> int:
        return self.size

    @abstractmethod
    def host(self) -> NDArray[Any]:
        """(n,) copy on the host."""

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a device's vector cannot be read without a copy")
        return np.asarray(self.host(), dtype=dtype)

    @abstractmethod
    def part(self, low: int, high: int) -> Self:
        """Numbers low .. high - 1, in the same memory."""

    def __getitem__(self, rows: slice, /) -> Self:
        return self.part(*rows.indices(self.size)[:2])

    @abstractmethod
    def __add__(self, other: Self, /) -> Self: ...

    @abstractmethod
    def __sub__(self, other: Self, /) -> Self: ...

    @abstractmethod
    def __mul__(self, other: float, /) -> Self: ...

    @abstractmethod
    def sum(self) -> float: ...

    @abstractmethod
    def numbers(self, first: int, known: Self | NDArray[np.uint64] | None = None) -> Self:
        """Scenario numbers of these rows of a store: first + row, or known[row]."""


RowVector: TypeAlias = RowArray | DeviceVector
"""(n,) rows of a store, on the host or where they were chosen."""
