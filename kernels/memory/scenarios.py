"""Scenarios that need not lie in memory: a function of their numbers, with the pieces that are held at present."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..backend import ScenarioStore
from ..checks import need
from ..store import RowArray, Store
from ..tables import FloatArray, ProcessTable
from ..vectors import DeviceVector, LossVector, RowVector
from .placement import Mode, Placement, Shape


@dataclass(frozen=True, eq=False)
class Source:
    """What scenarios are drawn from: consecutive numbers from `first` on, or the given `numbers`.

    These are an array, or a vector on a device where they were chosen there: of all scenarios only the loop's tails and
    working sets are, and it takes new ones where the device is lost.
    """

    table: ProcessTable
    count: int
    seed: int
    sample: int = 0
    first: int = 0
    numbers: NDArray[np.uint64] | DeviceVector | None = None

    def of_rows(self, rows: RowVector) -> Source:
        """The scenarios in the given rows."""
        if isinstance(rows, DeviceVector):
            return Source(self.table, rows.size, self.seed, self.sample, 0, rows.numbers(self.first, self.numbers))
        known = self.numbers
        if known is None:
            numbers = rows.astype(np.uint64) + np.uint64(self.first)
        else:
            numbers = (known.host() if isinstance(known, DeviceVector) else known)[rows]
        return Source(self.table, rows.size, self.seed, self.sample, 0, numbers)

    def scenario(self, row: int) -> int:
        """Scenario number of a row."""
        return self.first + row if self.numbers is None else int(np.asarray(self.numbers[row : row + 1])[0])


@dataclass(eq=False)
class Scenarios:
    """Scenarios as `Chunked` hands them out. They outlive a device: they are a function of `source`.

    Attributes:
        placement: how they are held at present; it changes where memory runs out.
        whole: all of them in the memory that the kernels work in, if the mode is resident and they have been drawn.
        pieces: chunks of them in the host's memory, if the mode is chunked from host and they have been drawn.
        owner: number of the backend that holds them.
    """

    source: Source
    shape: Shape
    placement: Placement
    owner: int
    whole: ScenarioStore | None = None
    pieces: list[Store] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.source.count

    @property
    def drivers(self) -> int:
        return self.source.table.drivers

    @property
    def periods(self) -> int:
        return self.source.table.periods

    @property
    def mode(self) -> Mode:
        return self.placement.mode

    @property
    def nbytes(self) -> int:
        """Bytes of all drivers of all scenarios, whether they are held or not."""
        return self.shape.stored

    def release(self) -> None:
        """Hold nothing."""
        self.whole, self.pieces = None, []

    def checked(self, rows: ArrayLike) -> RowArray:
        """Rows as int64. IndexError if one does not exist, TypeError if they are not whole numbers."""
        r = np.atleast_1d(np.asarray(rows))
        if r.ndim != 1 or (r.size and not np.issubdtype(r.dtype, np.integer)):
            raise TypeError(f"rows must be a list of whole numbers; got {r.dtype} of shape {r.shape}")
        r = r.astype(np.int64)
        if r.size and (r.min() < 0 or r.max() >= self.count):
            raise IndexError(f"rows must lie in 0..{self.count - 1}; got {r.min()}..{r.max()}")
        return r


def slices(count: int, size: int) -> Iterator[tuple[int, int]]:
    """(low, high) that cover 0..count in steps of `size`."""
    for low in range(0, count, size):
        yield low, min(low + size, count)


class Summed:
    """Pairs of a number and a vector, added one after the other in the order in which they come."""

    def __init__(self) -> None:
        self.value = 0.0
        self.vector: FloatArray = np.zeros(0)
        self._begun = False

    def of(self, pairs: Sequence[tuple[float, FloatArray]]) -> tuple[float, FloatArray]:
        """Add pairs; the sums so far."""
        for value, vector in pairs:
            self.value += value
            self.vector = self.vector + vector if self._begun else vector.copy()
            self._begun = True
        return self.value, self.vector


def scenarios(store: ScenarioStore) -> Scenarios:
    """A store of `Chunked` as that. TypeError if it is another's."""
    if not isinstance(store, Scenarios):
        raise TypeError(f"this backend did not make the scenarios: a {type(store).__name__}")
    return store


def weighted(
    store: Scenarios, rows: RowVector | ArrayLike, weights: LossVector | ArrayLike
) -> tuple[RowVector, LossVector]:
    """Rows of a store and their weights; those from the host are checked."""
    if isinstance(rows, DeviceVector):
        return rows, weights if isinstance(weights, DeviceVector) else np.asarray(weights, dtype=np.float64)
    r, w = store.checked(rows), np.asarray(weights, dtype=np.float64)
    need(
        w.shape == r.shape and r.size > 0, f"rows {r.shape} and weights {w.shape} must have one shape, and not be empty"
    )
    return r, w
