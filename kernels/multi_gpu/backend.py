"""A backend over several devices of one machine, in one process: each holds a range of the scenarios.

Experimental: it has run on emulated devices only.

The results have the bits that one device gives, for any number of devices. Losses are functions of one scenario;
ranges are multiples of a slice of 65,536 scenarios, in which sums are taken; the rows of a tail are found from counts
added up over the devices; and where 65,536 rows of a tail lie on two devices, one of them draws those of the other
again, since a scenario is a function of its number. Between devices and host go counts and such slices, nothing that
grows with the scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..breaches import Breached
from ..cuda.backend import CHUNK, CudaBackend
from ..cuda.device import Device
from ..cuda.vector import Vector
from ..memory import placement as modes
from ..settling import Settling, Tally
from ..store import LANES, InOrder, Store
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from ..tail import Tail
from . import select as shard_select
from .store import Piece, ShardStore, Watched
from .vector import ShardVector, ordered_sum

R = TypeVar("R")

LEAST = 1 << 20  # scenarios that a device is given at least, where there are enough for another one


class Sharded(InOrder):
    """See `backend.Backend` for the methods. Losses and tails are of `ShardVector`, stores are `ShardStore`.

    Args:
        devices: compute; of unequal ones, each gets as many scenarios. chunk: as for `CudaBackend`.
        least: scenarios per device at least.

    Raises `device_errors.DeviceFault` where a device fails. `recover` then goes on without it.
    """

    name = "cuda"

    def __init__(self, devices: Sequence[Device], chunk: int = CHUNK, least: int = LEAST) -> None:
        self._watched = [Watched(d) for d in devices]
        self.backends = [CudaBackend(w, chunk) for w in self._watched]
        self._least = least
        self._pool = ThreadPoolExecutor(max(1, len(devices)), thread_name_prefix="capmix-gpu")

    @property
    def on_device(self) -> Sharded:
        return self

    @property
    def mover(self) -> None:
        """Scenarios are drawn again, on each device its own."""

    def narrowed(self, threads: int) -> None:
        """A device does one thing at a time."""
        del threads

    @property
    def threads(self) -> int:
        """Number of multiprocessors of all devices."""
        return sum(b.threads for b in self.backends)

    @property
    def device_name(self) -> str:
        """Names of the devices, equal ones counted."""
        names = [w.name for w in self._watched]
        return ", ".join(f"{names.count(n)} × {n}" if names.count(n) > 1 else n for n in dict.fromkeys(names))

    def free(self) -> int:
        """Free bytes that equal shares of the scenarios can take."""
        return modes.pooled([w.memory()[0] for w in self._watched])

    def shares(self, count: int, each: int) -> list[int]:
        """Scenarios that each device is given of so many, each of `each` bytes that are kept: ranges of whole slices.

        Where there are few, one device has them all, unless they would take more than half of what it has free.
        """
        number = max(1, min(len(self.backends), count // self._least))
        if number < len(self.backends) and 2 * each * count > min(w.memory()[0] for w in self._watched) * number:
            number = len(self.backends)
        slices = -(-count // modes.SLICE)
        ends = [min(slices * (i + 1) // number * modes.SLICE, count) for i in range(number)]
        return [b - a for a, b in zip([0, *ends[:-1]], ends, strict=True) if a < b]

    def told(self, count: int, each: int) -> str:
        """For the user: which device has how many of the scenarios; "" where one has them all."""
        found = self.shares(count, each)
        if len(found) == 1:
            return ""
        return f"{count:,} scenarios are shared out to {self.device_name}: {' + '.join(f'{n:,}' for n in found)}"

    # stores

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> ShardStore:
        checks.check_draws(count, seed, sample, first)
        return self._made(table, count, seed, sample, lambda b, low, n: b.simulate(table, n, seed, sample, first + low))

    def regenerating(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> ShardStore:
        """The scenarios that `simulate` would give, none of them kept."""
        return self._made(
            table,
            count,
            seed,
            sample,
            lambda b, low, n: b.regenerating(table, n, seed, sample, first + low),
            kept=False,
        )

    def redraw(
        self, table: ProcessTable, numbers: NDArray[np.uint64] | ShardVector, seed: int, sample: int = 0
    ) -> ShardStore:
        if isinstance(numbers, ShardVector):
            jobs = [(self._of(n), n) for n in numbers.pieces if n.size]
            drawn = self._each([b for b, _ in jobs], lambda i: jobs[i][0].redraw(table, jobs[i][1], seed, sample))
            return self._store([(b, s) for (b, _), s in zip(jobs, drawn, strict=True)], table, seed, sample)
        return self._made(
            table, numbers.size, seed, sample, lambda b, low, n: b.redraw(table, numbers[low : low + n], seed, sample)
        )

    def subset(self, store: ShardStore, rows: ArrayLike | ShardVector) -> ShardStore:
        if isinstance(rows, ShardVector):
            jobs = [(store.pieces[place], r) for place, r in zip(rows.places, rows.pieces, strict=True) if r.size]
            checks.need(len(jobs) > 0, "a subset needs at least one row")
            found = self._each(
                [p.backend for p, _ in jobs], lambda i: jobs[i][0].backend.subset(jobs[i][0].store, jobs[i][1])
            )
            parts = [(p.backend, s) for (p, _), s in zip(jobs, found, strict=True)]
            return self._store(parts, store.table, store.seed, store.sample)
        r = store.checked(rows)
        checks.need(r.size >= 1, "a subset needs at least one row")
        piece = next((p for p in store.pieces if p.low <= r.min() and r.max() < p.high), None)
        if piece is not None:
            part = piece.backend.subset(piece.store, r - piece.low)
        else:
            part = self.backends[0].redraw(store.table, store.scenarios(r), store.seed, store.sample)
        return self._store(
            [(self.backends[0] if piece is None else piece.backend, part)], store.table, store.seed, store.sample
        )

    def part(self, store: ShardStore, low: int, high: int) -> ShardStore:
        """The rows low .. high - 1; they share the store's memory where they begin with a block of their piece."""
        checks.need(0 <= low < high <= store.count, f"no part {low}..{high} of {store.count} rows")
        found: list[tuple[CudaBackend, Store]] = []
        for p in store.pieces:
            a, b = max(low - p.low, 0), min(high, p.high) - p.low
            if a < b and a % LANES == 0:
                found.append((p.backend, p.backend.part(p.store, a, b)))
            elif a < b:
                found.append((p.backend, p.backend.subset(p.store, np.arange(a, b))))
        return self._store(found, store.table, store.seed, store.sample)

    def every(self, store: ShardStore) -> ShardVector:
        """All rows of a store."""
        return ShardVector([p.backend.every(p.store) for p in store.pieces], None, [p.low for p in store.pieces])

    # passes

    def means(self, store: ShardStore, factors: IntArray) -> FloatArray:
        b, one = self._together(store)
        return b.means(one, factors)

    def rates(self, store: ShardStore, table: LossTable) -> FloatArray:
        b, one = self._together(store)
        return b.rates(one, table)

    def losses(
        self, store: ShardStore, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]
    ) -> list[ShardVector]:
        pieces = store.pieces
        found = self._each(
            [p.backend for p in pieces], lambda i: pieces[i].backend.losses(pieces[i].store, tables, exposures)
        )
        return [ShardVector([f[m] for f in found]) for m in range(len(tables))]

    def pull_back(
        self,
        store: ShardStore,
        table: LossTable,
        exposure: ArrayLike,
        rows: ArrayLike | ShardVector,
        weights: ArrayLike | ShardVector,
    ) -> tuple[float, FloatArray]:
        b, one, r, w = self._gathered(store, rows, weights)
        return b.pull_back(one, table, exposure, r, w)

    def settle(
        self,
        store: ShardStore,
        table: Settling,
        rows: ArrayLike | ShardVector | None = None,
        weights: ArrayLike | ShardVector | None = None,
    ) -> tuple[ShardVector, Tally]:
        if rows is None:
            b, one = self._together(store)
            total, tally = b.settle(one, table, None, None if weights is None else np.asarray(weights))
        else:
            b, one, r, w = self._gathered(store, rows, np.ones(np.shape(rows)) if weights is None else weights)
            total, tally = b.settle(one, table, r, w)
        return ShardVector([total]), tally

    def breaches(
        self, store: ShardStore, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[ShardVector, Breached]:
        pieces = store.pieces
        found = self._each(
            [p.backend for p in pieces],
            lambda i: pieces[i].backend.breaches(pieces[i].store, table, exposure, dates, rounding),
        )
        counts = [c for _, c in found]
        return ShardVector([w for w, _ in found]), sum(counts[1:], counts[0])

    def quantile(self, losses: ShardVector, level: float) -> float:
        return shard_select.quantile(losses, level)

    def balances(
        self, store: ShardStore, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray:
        r = np.arange(store.count) if rows is None else store.checked(rows)
        out = np.empty((r.size, table.terms.periods))
        for piece in store.pieces:
            here = np.flatnonzero((r >= piece.low) & (r < piece.high))
            if here.size:
                out[here] = piece.backend.balances(piece.store, table, exposure, r[here] - piece.low)
        return out

    def values(self, store: ShardStore, rows: ArrayLike) -> FloatArray:
        return store.x(rows)

    def fan(
        self,
        store: ShardStore,
        table: LossTable,
        exposure: ArrayLike,
        levels: Sequence[float],
        count: int | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        b, one = self._together(self.part(store, 0, store.count if count is None else min(count, store.count)))
        return b.fan(one, table, exposure, levels)

    # losses

    def tail(
        self, losses: ShardVector, level: float, mass: float | None = None, weights: FloatArray | None = None
    ) -> Tail[ShardVector, ShardVector]:
        return shard_select.tail(losses, level, mass, weights)

    def worst(self, losses: ShardVector, count: int, also: ShardVector | None = None) -> ShardVector:
        return shard_select.worst(losses, count, also)

    def dot(self, losses: ShardVector, rows: ArrayLike | ShardVector, weights: ArrayLike | ShardVector) -> float:
        found = losses[rows]
        if not isinstance(weights, ShardVector):
            weights = ShardVector([Vector.of(found.pieces[0].device, weights, np.float64)])
        return ordered_sum(found, weights)

    def at(self, losses: ShardVector, rows: ArrayLike | ShardVector) -> ShardVector:
        return losses[rows]

    def size(self, losses: ShardVector, rows: ShardVector) -> float:
        return abs(losses[rows]).mean()

    def concatenate(self, parts: Sequence[ShardVector]) -> ShardVector:
        """One after the other, where they are; neighbours on one device become one piece."""
        if len(parts) == 1:
            return parts[0]
        runs: list[list[Vector]] = []
        for piece in (p for part in parts for p in part.pieces):
            if runs and runs[-1][0].device is piece.device:
                runs[-1].append(piece)
            else:
                runs.append([piece])
        return ShardVector([self._of(run[0]).concatenate(run) for run in runs])

    def above(self, losses: ShardVector, limit: float) -> float:
        counts = [round(self._of(p).above(p, limit) * p.size) for p in losses.pieces]
        return float(sum(counts)) / losses.size

    def host(self, losses: ShardVector) -> FloatArray:
        return losses.host()

    def recover(self, error: Exception) -> bool:
        """Whether a device was lost and others are left: what lay on any of them is to be drawn again."""
        del error
        kept = [w for w in self._watched if w.fault is None]
        if not kept or len(kept) == len(self._watched):
            return False
        self.backends = [b for b, w in zip(self.backends, self._watched, strict=True) if w.fault is None]
        self._watched = kept
        return True

    # parts

    def _of(self, vector: Vector) -> CudaBackend:
        """The backend of the device that a vector lies on."""
        return next(b for b in self.backends if b.device is vector.device)

    def _made(
        self, table: ProcessTable, count: int, seed: int, sample: int, make: Callable[[CudaBackend, int, int], Store],
        kept: bool = True,
    ) -> ShardStore:  # fmt: skip
        """A store of so many scenarios."""
        sizes = self.shares(count, 4 * table.drivers * table.periods * kept)
        lows = [sum(sizes[:i]) for i in range(len(sizes))]
        used = self.backends[: len(sizes)]
        found = self._each(used, lambda i: make(used[i], lows[i], sizes[i]))
        return self._store(list(zip(used, found, strict=True)), table, seed, sample)

    @staticmethod
    def _store(parts: Sequence[tuple[CudaBackend, Store]], table: ProcessTable, seed: int, sample: int) -> ShardStore:
        pieces, low = [], 0
        for backend, store in parts:
            pieces.append(Piece(backend, store, low))
            low += store.count
        return ShardStore(pieces, table, seed, sample)

    def _each(self, backends: Sequence[CudaBackend], job: Callable[[int], R]) -> list[R]:
        """job(0), job(1), ..., those of one backend one after the other and of several at the same time.

        The first one's exception is raised, once all have ended.
        """
        if len(set(map(id, backends))) <= 1:
            return [job(i) for i in range(len(backends))]
        mine: dict[int, list[int]] = {}
        for i, backend in enumerate(backends):
            mine.setdefault(id(backend), []).append(i)
        done: dict[int, R] = {}
        failed: dict[int, Exception] = {}

        def run(numbers: list[int]) -> None:
            for i in numbers:
                try:
                    done[i] = job(i)
                except Exception as error:
                    failed[i] = error
                    return

        for future in [self._pool.submit(run, numbers) for numbers in mine.values()]:
            future.result()
        if failed:
            raise failed[min(failed)]
        return [done[i] for i in range(len(backends))]

    def _together(self, store: ShardStore) -> tuple[CudaBackend, Store]:
        """A store that lies on one device: it, or the same scenarios drawn again on the device of the largest piece."""
        if len(store.pieces) == 1:
            return store.pieces[0].backend, store.pieces[0].store
        backend = max(store.pieces, key=lambda p: p.store.count).backend
        numbers = store.scenarios(np.arange(store.count))
        return backend, backend.redraw(store.table, numbers, store.seed, store.sample)

    def _gathered(
        self, store: ShardStore, rows: ArrayLike | ShardVector, weights: ArrayLike | ShardVector
    ) -> tuple[CudaBackend, Store, Vector, ArrayLike | Vector]:
        """Rows on one device, and their weights: where they are, or drawn again beside the most of them."""
        if not isinstance(rows, ShardVector):
            part = self.subset(store, rows).pieces[0]
            return part.backend, part.store, part.backend.every(part.store), np.asarray(weights, dtype=np.float64)
        if len(rows.pieces) == 1:
            piece = store.pieces[rows.places[0]]
            each = weights.pieces[0] if isinstance(weights, ShardVector) else weights
            return piece.backend, piece.store, rows.pieces[0], each
        most = max(range(len(rows.pieces)), key=lambda i: rows.pieces[i].size)
        backend = store.pieces[rows.places[most]].backend
        drawn = backend.redraw(store.table, store.numbers_of(rows).host(), store.seed, store.sample)
        return backend, drawn, backend.every(drawn), np.asarray(weights, dtype=np.float64)
