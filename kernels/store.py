"""The store of scenarios: driver values in blocks of 256 scenarios, the scenario index fastest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .tables import FloatArray

LANES = 256
LINE = 64  # bytes of a cache line
RowArray = NDArray[np.int64]


def blocks_of(count: int) -> int:
    """Number of blocks that hold `count` scenarios."""
    return -(-count // LANES)


def new_blocks(count: int, drivers: int, periods: int) -> NDArray[np.float32]:
    """(blocks, D, T, 256) for `count` scenarios, not filled, from the start of a cache line on: so no vector of lanes
    lies across two lines.
    """
    shape = (blocks_of(count), drivers, periods, LANES)
    whole = np.empty(bytes_needed(count, drivers, periods) + LINE, dtype=np.uint8)
    first = -whole.ctypes.data % LINE
    return whole[first : first + whole.size - LINE].view(np.float32).reshape(shape)


def bytes_needed(count: int, drivers: int, periods: int) -> int:
    """Memory of a store, in bytes."""
    return blocks_of(count) * LANES * drivers * periods * 4


def checked_rows(rows: ArrayLike, count: int) -> RowArray:
    """Rows as int64. IndexError if one is not in 0..count - 1, TypeError if they are not whole numbers."""
    r = np.atleast_1d(np.asarray(rows))
    if r.ndim != 1 or (r.size and not np.issubdtype(r.dtype, np.integer)):
        raise TypeError(f"rows must be a list of whole numbers; got {r.dtype} of shape {r.shape}")
    r = r.astype(np.int64)
    if r.size and (r.min() < 0 or r.max() >= count):
        raise IndexError(f"rows must lie in 0..{count - 1}; got {r.min()}..{r.max()}")
    return r


def consecutive(rows: RowArray) -> bool:
    """Whether rows follow each other from the start of a block on, so that they need no copy."""
    return bool(rows[0] % LANES == 0 and rows[-1] - rows[0] == rows.size - 1 and (np.diff(rows) == 1).all())


class InOrder:
    """Rows in the order in which their scenarios are drawn."""

    def foremost(self, store: object, count: int) -> RowArray:
        del store
        return np.arange(count)


@dataclass(frozen=True, eq=False)
class Store:
    """Values of all drivers in `count` scenarios.

    Attributes:
        blocks: (blocks, D, T, 256) float32; the lanes after the last scenario hold finite numbers without meaning.
        count: number of scenarios S.
        first: number of the scenario in row 0, where rows are consecutive.
        numbers: (S,) scenario number of each row where they are not.
    """

    blocks: NDArray[np.float32]
    count: int
    first: int = 0
    numbers: NDArray[np.uint64] | None = None

    def __post_init__(self) -> None:
        shape = self.blocks.shape
        stored = self.blocks.dtype == np.float32 and self.blocks.flags.c_contiguous
        if len(shape) != 4 or shape[3] != LANES or not stored:
            raise ValueError(f"blocks must be contiguous float32 of shape (blocks, D, T, {LANES}); got {shape}")
        if self.count < 1 or blocks_of(self.count) != shape[0]:
            raise ValueError(f"{shape[0]} blocks of {LANES} do not hold {self.count} scenarios")

    @classmethod
    def from_values(cls, values: ArrayLike, first: int = 0) -> Store:
        """Store of given values (S, D, T), rounded to float32. ValueError if one is not finite."""
        x = np.asarray(values)
        if x.ndim != 3 or x.size == 0:
            raise ValueError(f"values must have the shape (scenarios, drivers, periods); got {x.shape}")
        count, drivers, periods = x.shape
        blocks = np.zeros((blocks_of(count), LANES, drivers, periods), dtype=np.float32)
        with np.errstate(over="ignore"):
            blocks.reshape(-1, drivers, periods)[:count] = x
        if not np.isfinite(blocks).all():
            raise ValueError("values must be finite and within the range of float32")
        return cls(np.ascontiguousarray(blocks.transpose(0, 2, 3, 1)), count, first)

    @property
    def drivers(self) -> int:
        return int(self.blocks.shape[1])

    @property
    def periods(self) -> int:
        return int(self.blocks.shape[2])

    @property
    def nbytes(self) -> int:
        return int(self.blocks.nbytes)

    def x(self, rows: ArrayLike) -> FloatArray:
        """(n, D, T) values of the given rows. IndexError if a row does not exist."""
        r = self.checked(rows)
        return self.blocks[r // LANES, :, :, r % LANES].astype(np.float64)

    def scenario(self, row: int) -> int:
        """Scenario number of a row: the first word of the counter it was drawn with."""
        return self.first + row if self.numbers is None else int(self.numbers[row])

    def scenarios(self, rows: RowArray) -> NDArray[np.uint64]:
        """(n,) scenario numbers of rows."""
        if self.numbers is not None:
            return self.numbers[rows]
        return rows.astype(np.uint64) + np.uint64(self.first)

    def checked(self, rows: ArrayLike) -> RowArray:
        """Rows as int64. IndexError if one does not exist, TypeError if they are not whole numbers."""
        return checked_rows(rows, self.count)
