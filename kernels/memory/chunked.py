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
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..backend import Backend, Held, Losses
from ..breaches import Breached
from ..checks import check_draws, check_processes, need
from ..device_errors import OutOfDeviceMemory, translate
from ..pause import between
from ..settling import Settling, Tally, added
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from ..tail import Tail
from .placement import SLICE, Costs, Mode, Placement, Shape, TooLarge, place
from .scenarios import InOrder, Scenarios, Source, Summed, cut, on_host, slices, weighted

R = TypeVar("R")


class Chunked(InOrder):
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
        inner: Backend,
        losses: int = 1,
        tails: float = 0.05,
        free: Callable[[], int | None] = lambda: None,
        host_free: Callable[[], int | None] | None = None,
        spare: Callable[[], Backend] | None = None,
    ) -> None:
        self.inner = inner
        self.messages: list[str] = []
        self.device_name = ""
        self._losses, self._tails = losses, tails
        self._free, self._host_free = free, host_free
        self._spare = spare
        self.owner = 0
        self._costs: Costs | None = None
        self._live: weakref.WeakSet[Scenarios] = weakref.WeakSet()

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def threads(self) -> int:
        return self.inner.threads

    # scenarios

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> Scenarios:
        check_draws(count, seed, sample, first)
        check_processes(table)
        return self._scenarios(Source(table, count, seed, sample, first), told=sample == 0)

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> Scenarios:
        return self._scenarios(Source(table, numbers.size, seed, sample, 0, numbers))

    def subset(self, store: Scenarios, rows: Any, lasting: bool = False) -> Scenarios:
        """lasting: it takes the place of its store in the passes, and needs the memory for them as that does."""
        r = store.checked(rows) if on_host(rows) else rows
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

    def part(self, store: Scenarios, low: int, high: int) -> Scenarios:
        return self.subset(store, np.arange(low, high))

    # passes

    def means(self, store: Scenarios, factors: IntArray) -> FloatArray:
        return self._mean(store, lambda part: self.inner.means(part, factors))

    def rates(self, store: Scenarios, table: LossTable) -> FloatArray:
        return self._mean(store, lambda part: self.inner.rates(part, table))

    def losses(self, store: Scenarios, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]) -> list[Losses]:
        found: list[list[Losses]] = [[] for _ in tables]
        for _, losses in self._over(store, lambda _, part: self.inner.losses(part, tables, exposures)):
            for parts, loss in zip(found, losses, strict=True):
                parts.append(loss)
        joined = []
        for parts in found:
            joined.append(self.concatenate(parts))
            parts.clear()
        return joined

    def pull_back(
        self, store: Scenarios, table: LossTable, exposure: ArrayLike, rows: ArrayLike, weights: ArrayLike
    ) -> tuple[float, FloatArray]:
        def of(part: Held, at: Any, share: Any) -> list[tuple[float, FloatArray]]:
            ends = slices(at.size, SLICE)
            return [self.inner.pull_back(part, table, exposure, cut(at, a, b), cut(share, a, b)) for a, b in ends]

        total = Summed()
        return total.of(self._chosen(store, rows, weights, of))

    def _chosen(self, store: Scenarios, rows: Any, weights: Any, work: Callable[[Held, Any, Any], list[R]]) -> list[R]:
        """work(part, rows of it, their weights) for the given rows of a store, in their order."""
        at, share = weighted(store, rows, weights) if on_host(rows) else (rows, weights)
        if store.mode is Mode.RESIDENT:
            try:
                return self._guarded(lambda: work(self._whole(store), at, share))
            except OutOfDeviceMemory as fault:
                self._shrink(store, fault)
        every, found = getattr(self.inner, "every", lambda part: np.arange(part.count)), list[R]()
        for _, one in self._over(
            self.subset(store, at),
            lambda low, part: work(part, every(part), cut(share, low, low + part.count)),
        ):
            found += one
        return found

    def balances(
        self, store: Scenarios, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray:
        store = store if rows is None else self.subset(store, rows)
        parts = [b for _, b in self._over(store, lambda _, part: self.inner.balances(part, table, exposure))]
        return np.concatenate(parts)

    def values(self, store: Scenarios, rows: ArrayLike) -> FloatArray:
        """(n, D, T) values of the given rows."""
        part = self._guarded(lambda: self._draw(store.source.of_rows(store.checked(rows)), 0, np.size(rows)))
        return np.asarray(part.x(np.arange(part.count)), dtype=np.float64)

    def fan(
        self, store: Scenarios, table: LossTable, exposure: ArrayLike, levels: Sequence[float], count: int | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        number = store.count if count is None else min(count, store.count)
        if store.mode is not Mode.RESIDENT:
            store = self.subset(store, np.arange(number))
        whole = self._whole(store)  # quantiles are not put together from chunks
        return self._guarded(lambda: self.inner.fan(whole, table, exposure, levels, number))

    def settle(
        self, store: Scenarios, table: Settling, rows: ArrayLike | None = None, weights: ArrayLike | None = None
    ) -> tuple[Losses, Tally]:
        def of(part: Held, at: Any, share: Any) -> list[tuple[Losses, Tally]]:
            if at is None:
                ends = slices(part.count, SLICE)
                return [self.inner.settle(self.inner.part(part, a, b), table) for a, b in ends]
            ends = slices(at.size, SLICE)
            return [self.inner.settle(part, table, cut(at, a, b), cut(share, a, b)) for a, b in ends]

        found: list[tuple[Losses, Tally]] = []
        if rows is None:
            for _, one in self._over(store, lambda _, part: of(part, None, None)):
                found += one
        else:
            found = self._chosen(store, rows, np.ones(np.shape(rows)) if weights is None else weights, of)
        losses, tallies = zip(*found, strict=True)
        return self.concatenate(losses), added(list(tallies))

    def breaches(
        self, store: Scenarios, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[Losses, Breached]:
        found = self._over(store, lambda _, part: self.inner.breaches(part, table, exposure, dates, rounding))
        worst, counts = zip(*(one for _, one in found), strict=True)
        return self.concatenate(worst), sum(counts[1:], counts[0])

    # losses

    def quantile(self, losses: Losses, level: float) -> float:
        return self._guarded(lambda: self.inner.quantile(losses, level))

    def tail(self, losses: Losses, level: float, mass: float | None = None, weights: FloatArray | None = None) -> Tail:
        return self._guarded(lambda: self.inner.tail(losses, level, mass, weights))

    def worst(self, losses: Losses, count: int, also: Any = None) -> Any:
        return self._guarded(lambda: self.inner.worst(losses, count, also))

    def dot(self, losses: Losses, rows: ArrayLike, weights: ArrayLike) -> float:
        return self._guarded(lambda: self.inner.dot(losses, rows, weights))

    def concatenate(self, parts: Sequence[Losses]) -> Losses:
        return self._guarded(lambda: self.inner.concatenate(parts))

    def above(self, losses: Losses, limit: float) -> float:
        return self._guarded(lambda: self.inner.above(losses, limit))

    def host(self, losses: Losses) -> FloatArray:
        return self._guarded(lambda: self.inner.host(losses))

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
            self.device_name = getattr(self.inner, "device_name", self.device_name)
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

    def _guarded(self, call: Callable[[], R]) -> R:
        """Errors of the device as `DeviceFault`."""
        try:
            return call()
        except Exception as error:
            fault = translate(error)
            if fault is None or fault is error:
                raise
            raise fault from error

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

    # where scenarios lie

    def _scenarios(self, source: Source, shape: Shape | None = None, told: bool = False) -> Scenarios:
        shape = shape or self._shape(source, self._losses, self._tails)
        placement = self._place(shape, source)
        if told:
            share: Callable[[int, int], str] = getattr(self.inner, "told", lambda *_: "")
            each = shape.drivers * shape.periods * 4 * (placement.mode is Mode.RESIDENT)
            words = "" if placement.mode is Mode.RESIDENT else placement.words(shape)
            self.messages += [w for w in (share(min(shape.count, placement.chunk), each), words) if w]
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
            if placement.mode is Mode.REGENERATING and host_free is not None and hasattr(self.inner, "to_host"):
                placement = place(shape, self._free(), host_free, self._measured(source))
        except TooLarge as large:
            raise OutOfDeviceMemory(str(large)) from large
        return placement

    def _measured(self, source: Source) -> Costs:
        """Seconds per scenario, from one slice drawn and copied; taken once."""
        if self._costs is None:
            mover: Any = self.inner
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

    def _whole(self, store: Scenarios) -> Held:
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

    def _draw(self, source: Source, low: int, high: int) -> Held:
        if source.numbers is not None:
            numbers = cut(source.numbers, low, high)
            if not (on_host(numbers) or hasattr(self.inner, "every")):
                numbers = np.asarray(numbers)  # of a device that another backend stands in for
            return self.inner.redraw(source.table, numbers, source.seed, source.sample)
        return self.inner.simulate(source.table, high - low, source.seed, source.sample, source.first + low)

    def _part(self, store: Scenarios, low: int) -> Held:
        """Rows from `low` on, as many as the mode gives at a time."""
        self._adopt(store)
        if store.mode is Mode.RESIDENT:
            return self._whole(store)
        high = min(low + store.placement.chunk, store.count)
        if store.mode is Mode.REGENERATING:
            fused: Any = getattr(self.inner, "regenerating", None)
            source = store.source
            if fused is None or source.numbers is not None:
                return self._draw(source, low, high)
            return fused(source.table, high - low, source.seed, source.sample, source.first + low)
        mover: Any = self.inner
        number = low // store.placement.chunk
        if number < len(store.pieces):
            return mover.from_host(store.pieces[number])
        drawn = self._draw(store.source, low, high)
        store.pieces.append(mover.to_host(drawn))
        return drawn

    def _over(self, store: Scenarios, work: Callable[[int, Held], R]) -> Iterator[tuple[int, R]]:
        """(row, work(row, part)) for the parts of a store in their order; smaller parts where memory runs out."""
        low = 0
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

    def _worked(self, store: Scenarios, low: int, work: Callable[[int, Held], R]) -> tuple[R, int]:
        """Work on the part from `low` on, and its size. A function of its own, so that nothing outlives it."""
        part = self._part(store, low)
        return work(low, part), part.count

    def _mean(self, store: Scenarios, mean: Callable[[Held], FloatArray]) -> FloatArray:
        """Mean over all scenarios from those of the slices."""
        total = Summed()

        def add(_: int, part: Held) -> list[tuple[int, FloatArray]]:
            return [(b - a, mean(self.inner.part(part, a, b))) for a, b in slices(part.count, SLICE)]

        for _, found in self._over(store, add):
            for count, value in found:
                if count == store.count:
                    return value
                total.of([(0.0, value * float(count))])
        return total.vector / store.count


def _held(store: Scenarios) -> int:
    return store.nbytes if store.mode is Mode.RESIDENT else store.shape.chunk_bytes(store.placement.chunk)
