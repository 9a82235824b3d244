"""A backend over another one that fits any number of scenarios into the memory there is, and outlives its device.

Losses are functions of one scenario, so chunks of them put together do not depend on the chunks. Sums over scenarios
are taken slice by slice (65,536 scenarios, or tail rows) and the slices added in their order: chunks are multiples of a
slice, so that sums do not depend on them either. Where memory runs out, scenarios that were held are drawn anew, then
chunks are halved; where the device is lost, another backend takes over, and draws the same scenarios.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..backend import Backend, BackendOf, Mover, ScenarioStore, sealed
from ..backend import R as RowsOf
from ..backend import S as StoreOf
from ..backend import V as LossesOf
from ..breaches import Breached
from ..checks import check_draws, check_processes, need
from ..device_errors import OutOfDeviceMemory, translate
from ..pause import between
from ..settling import Settling, Tally, added
from ..store import InOrder
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from ..vectors import DeviceVector, LossVector, RowVector
from .guarded import Guarded
from .host_memory import memory_available
from .placement import SLICE, Costs, Mode, Placement, Shape, TooLarge, place
from .scenarios import Scenarios, Source, Summed, scenarios, slices, weighted

R = TypeVar("R")
Chosen: TypeAlias = Callable[[ScenarioStore, RowVector, LossVector], list[R]]
"""Of (part of a store, rows of it, their weights)."""


class Chunked(InOrder, Guarded):
    """See `backend.Backend` for the methods; `Scenarios` take the place of its stores.

    Args:
        inner: computes.
        losses, tails: number of risk limits, and the sum of 1 - level over them.
        free: free bytes of the memory that `inner` works in, or None if unknown.
        host_free: free bytes of the host where `inner` has a memory of its own.
        spare: the backend that takes over where the device is lost, made when it is needed, and its free bytes.
    """

    def __init__(
        self,
        inner: BackendOf[StoreOf, LossesOf, RowsOf],
        losses: int = 1,
        tails: float = 0.05,
        free: Callable[[], int | None] = lambda: None,
        host_free: Callable[[], int | None] | None = None,
        spare: Callable[[], Backend] | None = None,
    ) -> None:
        super().__init__(sealed(inner))
        self.messages: list[str] = []
        self.device_name = ""
        self._losses, self._tails = losses, tails
        self._free, self._host_free = free, host_free
        self._spare = spare
        self.owner = 0
        self._costs: Costs | None = None
        self._live: weakref.WeakSet[Scenarios] = weakref.WeakSet()

    # scenarios

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> Scenarios:
        check_draws(count, seed, sample, first)
        check_processes(table)
        return self._scenarios(Source(table, count, seed, sample, first), told=sample == 0)

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> Scenarios:
        return self._scenarios(Source(table, numbers.size, seed, sample, 0, numbers))

    def subset(self, store: ScenarioStore, rows: RowVector | ArrayLike, lasting: bool = False) -> Scenarios:
        """lasting: it takes the place of its store in the passes, and needs the memory for them as that does."""
        store = scenarios(store)
        r = rows if isinstance(rows, DeviceVector) else store.checked(rows)
        need(r.size >= 1, "a subset needs at least one row")
        source = store.source.of_rows(r)
        shape = self._shape(source, *((self._losses, self._tails) if lasting else (1, 0.0)))
        fits = self._place(shape, source).mode is Mode.RESIDENT
        if fits and store.mode is Mode.RESIDENT:
            try:
                held = self._guarded(lambda: self.inner.subset(self._whole(store), r))
                return self.keep(Scenarios(source, shape, Placement(Mode.RESIDENT, r.size), self.owner, held))
            except OutOfDeviceMemory:
                pass
        return self._scenarios(source, shape)

    def part(self, store: ScenarioStore, low: int, high: int) -> Scenarios:
        return self.subset(store, np.arange(low, high))

    # passes

    def means(self, store: ScenarioStore, factors: IntArray) -> FloatArray:
        return self._mean(store, lambda part: self.inner.means(part, factors))

    def rates(self, store: ScenarioStore, table: LossTable) -> FloatArray:
        return self._mean(store, lambda part: self.inner.rates(part, table))

    def losses(
        self, store: ScenarioStore, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]
    ) -> list[LossVector]:
        found: list[list[LossVector]] = [[] for _ in tables]
        for _, losses in self._over(store, lambda _, part: self.inner.losses(part, tables, exposures)):
            for parts, loss in zip(found, losses, strict=True):
                parts.append(loss)
        joined = []
        for parts in found:
            joined.append(self.concatenate(parts))
            parts.clear()
        return joined

    def pull_back(
        self, store: ScenarioStore, table: LossTable, exposure: ArrayLike, rows: RowVector | ArrayLike,
        weights: LossVector | ArrayLike,
    ) -> tuple[float, FloatArray]:  # fmt: skip
        def of(part: ScenarioStore, at: RowVector, share: LossVector) -> list[tuple[float, FloatArray]]:
            ends = slices(at.size, SLICE)
            return [self.inner.pull_back(part, table, exposure, at[a:b], share[a:b]) for a, b in ends]

        total = Summed()
        return total.of(self._chosen(store, rows, weights, of))

    def _chosen(
        self, store: ScenarioStore, rows: RowVector | ArrayLike, weights: LossVector | ArrayLike, work: Chosen[R]
    ) -> list[R]:
        """What `work` finds for the given rows of a store, in their order."""
        store = scenarios(store)
        at, share = weighted(store, rows, weights)
        if store.mode is Mode.RESIDENT:
            try:
                return self._guarded(lambda: work(self._whole(store), at, share))
            except OutOfDeviceMemory as fault:
                self._shrink(store, fault)
        found: list[R] = []
        for _, one in self._over(
            self.subset(store, at),
            lambda low, part: work(part, self._every(part), share[low : low + part.count]),
        ):
            found += one
        return found

    def _every(self, part: ScenarioStore) -> RowVector:
        device = self.inner.on_device
        return np.arange(part.count) if device is None else device.every(part)

    def balances(
        self, store: ScenarioStore, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray:
        store = store if rows is None else self.subset(store, rows)
        parts = [b for _, b in self._over(store, lambda _, part: self.inner.balances(part, table, exposure))]
        return np.concatenate(parts)

    def values(self, store: ScenarioStore, rows: ArrayLike) -> FloatArray:
        store = scenarios(store)
        source = store.source.of_rows(store.checked(rows))
        part = self._guarded(lambda: self._draw(source, 0, source.count))
        return self.inner.values(part, np.arange(part.count))

    def fan(
        self, store: ScenarioStore, table: LossTable, exposure: ArrayLike, levels: Sequence[float],
        count: int | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:  # fmt: skip
        store = scenarios(store)
        number = store.count if count is None else min(count, store.count)
        if store.mode is not Mode.RESIDENT:
            store = self.subset(store, np.arange(number))
        whole = self._whole(store)  # quantiles are not put together from chunks
        return self._guarded(lambda: self.inner.fan(whole, table, exposure, levels, number))

    def settle(
        self, store: ScenarioStore, table: Settling, rows: RowVector | ArrayLike | None = None,
        weights: LossVector | ArrayLike | None = None,
    ) -> tuple[LossVector, Tally]:  # fmt: skip
        def all_of(part: ScenarioStore) -> list[tuple[LossVector, Tally]]:
            return [self.inner.settle(self.inner.part(part, a, b), table) for a, b in slices(part.count, SLICE)]

        def of(part: ScenarioStore, at: RowVector, share: LossVector) -> list[tuple[LossVector, Tally]]:
            return [self.inner.settle(part, table, at[a:b], share[a:b]) for a, b in slices(at.size, SLICE)]

        found: list[tuple[LossVector, Tally]] = []
        if rows is None:
            for _, one in self._over(store, lambda _, part: all_of(part)):
                found += one
        else:
            found = self._chosen(store, rows, np.ones(np.shape(rows)) if weights is None else weights, of)
        losses, tallies = zip(*found, strict=True)
        return self.concatenate(losses), added(list(tallies))

    def breaches(
        self, store: ScenarioStore, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[LossVector, Breached]:
        found = self._over(store, lambda _, part: self.inner.breaches(part, table, exposure, dates, rounding))
        worst, counts = zip(*(one for _, one in found), strict=True)
        return self.concatenate(worst), sum(counts[1:], counts[0])

    # what goes wrong

    def recover(self, error: Exception) -> bool:
        fault = translate(error)
        if fault is None:
            return False
        if isinstance(fault, OutOfDeviceMemory):
            large = [s for s in self._live if s.mode is not Mode.REGENERATING or s.placement.chunk > SLICE]
            if large:
                self._shrink(max(large, key=_held), fault)
                return True
        if self.inner.recover(fault):
            device = self.inner.on_device
            self.device_name = self.device_name if device is None else device.device_name
        elif self._spare is None:
            return False
        else:
            self.inner, self._spare = self._spare(), None
            self._free, self._host_free = self._host_free or self._free, None
            self.device_name = ""
        where = self.device_name or "the CPU"
        self.messages.append(f"{fault}. The plan went on on {where}, from what was known by then")
        self.owner += 1
        return True

    def _shrink(self, store: Scenarios, fault: OutOfDeviceMemory) -> None:
        """Need less memory for a store's passes. Raises the fault if that is not possible."""
        chunk = store.placement.chunk
        if store.mode is Mode.REGENERATING and chunk <= SLICE:
            raise fault
        half = max(SLICE, chunk // 2 // SLICE * SLICE)
        store.release()
        store.placement = Placement(Mode.REGENERATING, half)
        self.messages.append(
            f"memory ran out: {store.count:,} scenarios are drawn anew in every pass, {half:,} at a time; the plan is "
            "the same"
        )

    def narrowed(self, threads: int) -> Chunked | None:
        """One more on the same scenarios, with fewer of the host's threads; None on a device."""
        inner = self.inner.narrowed(threads)
        if inner is None:
            return None
        part = Chunked(inner, self._losses, self._tails, memory_available)
        part.owner, part.messages = self.owner, self.messages
        return part

    # where scenarios lie

    def _scenarios(self, source: Source, shape: Shape | None = None, told: bool = False) -> Scenarios:
        shape = shape or self._shape(source, self._losses, self._tails)
        placement = self._place(shape, source)
        if told:
            device = self.inner.on_device
            each = shape.drivers * shape.periods * 4 * (placement.mode is Mode.RESIDENT)
            words = "" if placement.mode is Mode.RESIDENT else placement.words(shape)
            share = "" if device is None else device.told(min(shape.count, placement.chunk), each)
            self.messages += [w for w in (share, words) if w]
        store = self.keep(Scenarios(source, shape, placement, self.owner))
        if placement.mode is Mode.RESIDENT:
            try:
                self._whole(store)
            except OutOfDeviceMemory as fault:
                self._shrink(store, fault)
        return store

    def _shape(self, source: Source, losses: int, tails: float) -> Shape:
        table = source.table
        return Shape(source.count, table.drivers, table.periods, losses, tails, host=self._host_free is None)

    def keep(self, store: Scenarios) -> Scenarios:
        """Count a store among those that give way where memory runs out."""
        self._live.add(store)
        return store

    def _place(self, shape: Shape, source: Source) -> Placement:
        host_free = None if self._host_free is None else self._host_free()
        try:
            placement = place(shape, self._free(), host_free)
            mover = self._mover()
            if placement.mode is Mode.REGENERATING and host_free is not None and mover is not None:
                placement = place(shape, self._free(), host_free, self._measured(source, mover))
        except TooLarge as large:
            raise OutOfDeviceMemory(str(large)) from large
        return placement

    def _mover(self) -> Mover[ScenarioStore] | None:
        device = self.inner.on_device
        return None if device is None else device.mover

    def _measured(self, source: Source, mover: Mover[ScenarioStore]) -> Costs:
        """Seconds per scenario, from one slice drawn and copied; taken once."""
        if self._costs is None:
            one = self.inner.simulate(source.table, SLICE, source.seed, source.sample)
            begin = time.perf_counter()
            one = self.inner.simulate(source.table, SLICE, source.seed, source.sample)
            host = mover.to_host(one)
            drawn = time.perf_counter()
            mover.to_host(mover.from_host(host))
            copied = time.perf_counter() - drawn
            back = copied / 2.0  # both spans hold one copy to the host, which waits for what came before it
            self._costs = Costs(max(drawn - begin - back, 0.0) / SLICE, back / SLICE)
        return self._costs

    def _whole(self, store: Scenarios) -> ScenarioStore:
        """All scenarios of a resident store, drawn where they are not held."""
        held = store.whole  # another search on the same scenarios may let go of them
        if held is None or store.owner != self.owner:
            self._adopt(store)
            held = store.whole = self._guarded(lambda: self._draw(store.source, 0, store.count))
        return held

    def _adopt(self, store: Scenarios) -> None:
        """Make a store of a lost device one of the present backend."""
        if store.owner != self.owner:
            store.release()
            store.owner = self.owner
            store.placement = self._place(store.shape, store.source)

    def _draw(self, source: Source, low: int, high: int) -> ScenarioStore:
        if source.numbers is not None:
            numbers, device = source.numbers[low:high], self.inner.on_device
            if device is not None:
                return device.redraw(source.table, numbers, source.seed, source.sample)
            # of a lost device's vector the host's backend has a copy
            return self.inner.redraw(source.table, np.asarray(numbers), source.seed, source.sample)
        return self.inner.simulate(source.table, high - low, source.seed, source.sample, source.first + low)

    def _part(self, store: Scenarios, low: int) -> ScenarioStore:
        """Rows from `low` on, as many as the mode gives at a time."""
        self._adopt(store)
        if store.mode is Mode.RESIDENT:
            return self._whole(store)
        high = min(low + store.placement.chunk, store.count)
        if store.mode is Mode.REGENERATING:
            device, source = self.inner.on_device, store.source
            if device is None or source.numbers is not None:
                return self._draw(source, low, high)
            return device.regenerating(source.table, high - low, source.seed, source.sample, source.first + low)
        mover, number = self._mover(), low // store.placement.chunk
        assert mover is not None, "a backend that moves no scenarios is never asked to"
        if number < len(store.pieces):
            return mover.from_host(store.pieces[number])
        drawn = self._draw(store.source, low, high)
        store.pieces.append(mover.to_host(drawn))
        return drawn

    def _over(self, store: ScenarioStore, work: Callable[[int, ScenarioStore], R]) -> Iterator[tuple[int, R]]:
        """(row, work(row, part)) for the parts of a store in their order; smaller parts where memory runs out."""
        store, low = scenarios(store), 0
        while low < store.count:
            between()
            try:
                done, size = self._worked(store, low, work)
            except Exception as error:
                self._weather(store, error)
                continue
            yield low, done
            low += size

    def _weather(self, store: Scenarios, error: Exception) -> None:
        """Go on with less memory, or raise. A function of its own: an error that is kept keeps its pass's memory."""
        fault = translate(error)
        if isinstance(fault, OutOfDeviceMemory):
            self._shrink(store, fault)
        elif fault is None or fault is error:
            raise error
        else:
            raise fault from error

    def _worked(self, store: Scenarios, low: int, work: Callable[[int, ScenarioStore], R]) -> tuple[R, int]:
        """Work on the part from `low` on, and its size. A function of its own, so that nothing outlives it."""
        part = self._part(store, low)
        return work(low, part), part.count

    def _mean(self, store: ScenarioStore, mean: Callable[[ScenarioStore], FloatArray]) -> FloatArray:
        """Mean over all scenarios from those of the slices."""
        total = Summed()

        def add(_: int, part: ScenarioStore) -> list[tuple[int, FloatArray]]:
            return [(b - a, mean(self.inner.part(part, a, b))) for a, b in slices(part.count, SLICE)]

        for _, found in self._over(store, add):
            for count, value in found:
                if count == store.count:
                    return value
                total.of([(0.0, value * float(count))])
        return total.vector / store.count


def _held(store: Scenarios) -> int:
    return store.nbytes if store.mode is Mode.RESIDENT else store.shape.chunk_bytes(store.placement.chunk)
