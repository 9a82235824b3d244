"""A backend over another one where scenarios are parted into leaves, each with an exposure of its own.

A plan that adapts at review dates decides otherwise in each leaf of its tree, and a scenario belongs to one leaf. So
scenarios are put in the order of their leaves, and an exposure is those of all leaves behind one another. A pass visits
each scenario once, with its leaf's exposure, and costs what it costs without leaves: the kernels know nothing of them.
Every method gives the bits that the backend below gives for the leaves alone, put together in the order of the leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..backend import Backend, ScenarioStore
from ..breaches import Breached
from ..checks import need
from ..settling import Settling, Tally, added
from ..store import RowArray, checked_rows
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from ..vectors import DeviceVector, LossVector, RowVector
from .chunked import Chunked
from .guarded import Guarded

LeafArray = NDArray[np.uint8]
LeafOf = Callable[[Backend, ScenarioStore], LeafArray]
"""(S,) leaf of each scenario of a store of the backend below."""

MOST_LEAVES = 256


@dataclass(frozen=True)
class LeafLoss(LossTable):
    """A loss whose table differs from leaf to leaf, in its constants only; the fields are those of the first leaf."""

    leaves: tuple[LossTable, ...] = ()


@dataclass(frozen=True)
class LeafSettling:
    """How the scenarios of each leaf are settled; all have the same claims and bearers."""

    leaves: tuple[Settling, ...]


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive rows of one leaf, as the backend below holds them."""

    leaf: int
    store: ScenarioStore


@dataclass(frozen=True, eq=False)
class LeafStore:
    """Scenarios in segments of one leaf each.

    Attributes:
        segments: in the order of the rows.
        leaves: number of leaves of the tree; some may have no scenario here.
        numbers: (S,) place of each row's scenario among those that were parted; "first" means the least of them.
    """

    segments: tuple[Segment, ...]
    leaves: int
    numbers: NDArray[np.int64]

    @cached_property
    def starts(self) -> RowArray:
        """(segments + 1,) first row of each segment, and the number of rows."""
        return np.concatenate([[0], np.cumsum([s.store.count for s in self.segments])]).astype(np.int64)

    @property
    def count(self) -> int:
        return int(self.starts[-1])

    @property
    def drivers(self) -> int:
        return int(self.segments[0].store.drivers)

    @property
    def periods(self) -> int:
        return int(self.segments[0].store.periods)

    @property
    def nbytes(self) -> int:
        return sum(int(s.store.nbytes) for s in self.segments)

    def counts(self) -> NDArray[np.int64]:
        """(leaves,) number of scenarios of each."""
        found = np.zeros(self.leaves, dtype=np.int64)
        for segment in self.segments:
            found[segment.leaf] += segment.store.count
        return found

    def leaf_of(self, rows: RowArray) -> RowArray:
        """The leaf of each of these rows."""
        leaf = np.array([segment.leaf for segment in self.segments], dtype=np.int64)
        return np.asarray(leaf[np.searchsorted(self.starts, rows, side="right") - 1])

    def checked(self, rows: RowVector | ArrayLike) -> RowArray:
        """Rows on the host. IndexError if one does not exist, TypeError if they are not whole numbers."""
        return checked_rows(np.asarray(rows) if isinstance(rows, DeviceVector) else rows, self.count)

    def parted(self, rows: RowArray) -> Iterator[tuple[int, RowArray]]:
        """(segment, places among `rows`) of the segments that these rows lie in."""
        of = np.searchsorted(self.starts, rows, side="right") - 1
        for s in np.unique(of).tolist():
            yield s, np.flatnonzero(of == s)

    def runs(self, rows: RowArray) -> Iterator[tuple[int, RowArray]]:
        """(segment, rows of it) such that all of them behind one another are `rows`."""
        of = np.searchsorted(self.starts, rows, side="right") - 1
        ends = np.concatenate([[0], np.flatnonzero(np.diff(of)) + 1, [rows.size]])
        for low, high in pairwise(ends):
            s = int(of[low])
            yield s, rows[low:high] - self.starts[s]


class LeafBackend(Guarded):
    """See `backend.Backend` for the methods; `LeafStore` takes the place of its stores, and an exposure is (L * E,),
    that of leaf 0 first.

    Args:
        inner: computes.
        leaf_of: the leaf of each scenario, from its drivers; so out-of-sample scenarios find theirs.
        leaves: their number L.
    """

    def __init__(self, inner: Backend, leaf_of: LeafOf, leaves: int) -> None:
        need(1 <= leaves <= MOST_LEAVES, f"there may be 1 to {MOST_LEAVES} leaves; got {leaves}")
        super().__init__(inner)
        self.leaves = leaves
        self._leaf_of = leaf_of

    @property
    def device_name(self) -> str:
        return self.inner.device_name

    def narrowed(self, threads: int) -> Backend | None:
        inner = self.inner.narrowed(threads)
        return None if inner is None else self.over(inner)

    def values(self, store: ScenarioStore, rows: ArrayLike) -> FloatArray:
        """(n, D, T) driver values of the given rows."""
        store = parted_store(store)
        r = store.checked(rows)
        out = np.empty((r.size, store.drivers, store.periods))
        for segment, places, local in self.each(store, r):
            assert local is not None
            out[places] = self.inner.values(segment.store, local)
        return out

    def over(self, inner: Backend) -> LeafBackend:
        """The same leaves on another backend for the same scenarios."""
        return LeafBackend(inner, self._leaf_of, self.leaves)

    # scenarios

    def parted(self, store: ScenarioStore) -> LeafStore:
        """The scenarios of a store of the backend below, in the order of their leaves."""
        leaf = self._leaf_of(self.inner, store)
        need(leaf.shape == (store.count,) and int(leaf.max(initial=0)) < self.leaves, "a scenario has no leaf")
        order = np.argsort(leaf, kind="stable").astype(np.int64)
        ends = np.searchsorted(leaf[order], np.arange(self.leaves + 1))
        last = {"lasting": True} if isinstance(self.inner, Chunked) else {}
        segments = [
            Segment(number, self.inner.subset(store, order[low:high], **last))
            for number, (low, high) in enumerate(pairwise(ends))
            if high > low
        ]
        return LeafStore(tuple(segments), self.leaves, order)

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> LeafStore:
        return self.parted(self.inner.simulate(table, count, seed, sample, first))

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> LeafStore:
        return self.parted(self.inner.redraw(table, numbers, seed, sample))

    def subset(self, store: ScenarioStore, rows: RowVector | ArrayLike) -> LeafStore:
        store = parted_store(store)
        r = store.checked(rows)
        need(r.size >= 1, "a subset needs at least one row")
        segments = [
            Segment(store.segments[s].leaf, self.inner.subset(store.segments[s].store, local))
            for s, local in store.runs(r)
        ]
        return LeafStore(tuple(segments), store.leaves, store.numbers[r])

    def part(self, store: ScenarioStore, low: int, high: int) -> LeafStore:
        need(0 <= low < high <= store.count, f"no part {low}..{high} of {store.count} rows")
        return self.subset(store, np.arange(low, high))

    def foremost(self, store: ScenarioStore, count: int) -> RowArray:
        store = parted_store(store)
        last = np.partition(store.numbers, count - 1)[count - 1]
        return np.flatnonzero(store.numbers <= last)[:count]

    # passes

    def means(self, store: ScenarioStore, factors: IntArray) -> FloatArray:
        store = parted_store(store)
        return _mean(store, [self.inner.means(s.store, factors) for s in store.segments])

    def leaf_means(self, store: ScenarioStore, factors: IntArray) -> FloatArray:
        """(L, A) means over the scenarios of each leaf; NaN for one without any."""
        store = parted_store(store)
        return _by_leaf(store, [self.inner.means(s.store, factors) for s in store.segments])

    def rates(self, store: ScenarioStore, table: LossTable) -> FloatArray:
        store = parted_store(store)
        return _mean(store, [self.inner.rates(s.store, of_leaf(table, s.leaf)) for s in store.segments])

    def leaf_rates(self, store: ScenarioStore, table: LossTable) -> FloatArray:
        """(L, periods) mean surplus rates over the scenarios of each leaf; NaN for one without any."""
        store = parted_store(store)
        return _by_leaf(store, [self.inner.rates(s.store, of_leaf(table, s.leaf)) for s in store.segments])

    def losses(
        self, store: ScenarioStore, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]
    ) -> list[LossVector]:
        store = parted_store(store)
        need(len(tables) == len(exposures), "as many exposures as tables are needed")
        if not tables:
            return []
        parts = [self._split(t, e) for t, e in zip(tables, exposures, strict=True)]
        found = [
            self.inner.losses(s.store, [of_leaf(t, s.leaf) for t in tables], [e[s.leaf] for e in parts])
            for s in store.segments
        ]
        return [self.inner.concatenate([one[m] for one in found]) for m in range(len(tables))]

    def pull_back(
        self,
        store: ScenarioStore,
        table: LossTable,
        exposure: ArrayLike,
        rows: RowVector | ArrayLike,
        weights: LossVector | ArrayLike,
    ) -> tuple[float, FloatArray]:
        store = parted_store(store)
        r, w = store.checked(rows), np.asarray(weights, dtype=np.float64)
        need(w.shape == r.shape and r.size > 0, f"rows {r.shape} and weights {w.shape} must have one shape")
        parts = self._split(table, exposure)
        value, gradient = 0.0, np.zeros(parts.shape)
        for s, places in store.parted(r):
            segment = store.segments[s]
            one, slope = self.inner.pull_back(
                segment.store, of_leaf(table, segment.leaf), parts[segment.leaf], r[places] - store.starts[s], w[places]
            )
            value += one
            gradient[segment.leaf] += slope
        return value, gradient.reshape(-1)

    def balances(
        self, store: ScenarioStore, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray:
        store = parted_store(store)
        parts = self._split(table, exposure)
        r = None if rows is None else store.checked(rows)
        out = np.empty((store.count if r is None else r.size, table.terms.periods))
        for segment, places, local in self.each(store, r):
            own = of_leaf(table, segment.leaf)
            out[places] = self.inner.balances(segment.store, own, parts[segment.leaf], local)
        return out

    def fan(
        self,
        store: ScenarioStore,
        table: LossTable,
        exposure: ArrayLike,
        levels: Sequence[float],
        count: int | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        store = parted_store(store)
        number = store.count if count is None else min(count, store.count)
        rows = None if number == store.count else self.foremost(store, number)
        found = self.balances(store, table, exposure, rows)
        parts = self._split(table, exposure)
        below = np.zeros(table.terms.periods)
        for segment, places, _ in self.each(store, rows):
            least = of_leaf(table, segment.leaf).least(parts[segment.leaf])
            below += (found[places] < least).sum(axis=0)
        return np.quantile(found, levels, axis=0), found.mean(axis=0), below / number

    def breaches(
        self, store: ScenarioStore, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[LossVector, Breached]:
        store = parted_store(store)
        parts = self._split(table, exposure)
        found = [
            self.inner.breaches(s.store, of_leaf(table, s.leaf), parts[s.leaf], dates, rounding) for s in store.segments
        ]
        worst, counts = zip(*found, strict=True)
        return self.inner.concatenate(worst), sum(counts[1:], counts[0])

    def settle(
        self,
        store: ScenarioStore,
        table: Settling | LeafSettling,
        rows: RowVector | ArrayLike | None = None,
        weights: LossVector | ArrayLike | None = None,
    ) -> tuple[LossVector, Tally]:
        store = parted_store(store)
        r = None if rows is None else store.checked(rows)
        w = None if weights is None else np.asarray(weights, dtype=np.float64)
        if r is None and w is not None:
            r = np.arange(store.count)
        found, places_of = [], []
        for segment, places, local in self.each(store, r):
            own = table.leaves[segment.leaf] if isinstance(table, LeafSettling) else table
            found.append(self.inner.settle(segment.store, own, local, None if w is None else w[places]))
            places_of.append(places)
        need(bool(found), "no rows to settle")
        totals, tallies = zip(*found, strict=True)
        joined = self.inner.concatenate(totals)
        if r is not None:  # the segments' rows behind one another, back in the order asked for
            back = np.empty(r.size, dtype=np.int64)
            back[np.concatenate([places for places in places_of if isinstance(places, np.ndarray)])] = np.arange(r.size)
            joined = self.inner.at(joined, back)
        return joined, added(list(tallies))

    def each(
        self, store: LeafStore, rows: RowArray | None
    ) -> Iterator[tuple[Segment, RowArray | slice, RowArray | None]]:
        """(segment, places of its rows in the answer, rows of it; None: all) for given rows, or for all."""
        if rows is None:
            for s, segment in enumerate(store.segments):
                yield segment, slice(int(store.starts[s]), int(store.starts[s + 1])), None
            return
        for s, places in store.parted(rows):
            yield store.segments[s], places, rows[places] - store.starts[s]

    def _split(self, table: LossTable, exposure: ArrayLike) -> FloatArray:
        """(L, E) exposure of each leaf."""
        e = np.asarray(exposure, dtype=np.float64)
        need(e.shape == (self.leaves * table.entries,), f"{self.leaves} exposures of {table.entries}; got {e.shape}")
        return e.reshape(self.leaves, table.entries)

    def recover(self, error: Exception) -> bool:
        return self.inner.recover(error)


def parted_store(store: ScenarioStore) -> LeafStore:
    """A store of `LeafBackend` as that. TypeError if it is another's."""
    if not isinstance(store, LeafStore):
        raise TypeError(f"this backend did not make the scenarios: a {type(store).__name__}")
    return store


def leaves_of(backend: Backend) -> int:
    """How many exposures behind one another a backend takes: one, or that of each leaf."""
    return backend.leaves if isinstance(backend, LeafBackend) else 1


def of_leaf(table: LossTable, leaf: int) -> LossTable:
    """The table of a loss in a leaf."""
    return table.leaves[leaf] if isinstance(table, LeafLoss) else table


def _mean(store: LeafStore, each: Sequence[FloatArray]) -> FloatArray:
    """Mean over all scenarios from those of the segments, added in their order."""
    if len(each) == 1:
        return each[0]
    total = np.zeros(each[0].shape)
    for segment, mean in zip(store.segments, each, strict=True):
        total += mean * float(segment.store.count)
    return np.asarray(total / store.count)


def _by_leaf(store: LeafStore, each: Sequence[FloatArray]) -> FloatArray:
    """(L, n) mean of each leaf from those of its segments."""
    out = np.full((store.leaves, each[0].size), np.nan)
    for leaf in range(store.leaves):
        mine = [i for i, segment in enumerate(store.segments) if segment.leaf == leaf]
        if mine:
            part = LeafStore(tuple(store.segments[i] for i in mine), store.leaves, store.numbers)
            out[leaf] = _mean(part, [each[i] for i in mine])
    return out
