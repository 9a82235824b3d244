"""The backend on a CUDA device. Scenarios, losses and tails stay there; numbers, and rows asked for, come back.

Draws, stores, losses, gradients and means have the bits of the Numba backend: the same operations in the same order,
without contraction to fused multiply-add. The mean of a tail is added up in another order than on the host; the two
differ by rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..breaches import Breached, by_date, check_dates
from ..layout import Layouts
from ..means import fixed_rates, observed_rates
from ..settling import Settling, Tally, check_settling
from ..store import LANES, InOrder, Store, blocks_of, consecutive
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from ..tail import Tail
from ..waterfall import Waterfall
from . import passes as cuda_passes
from . import select as cuda_select
from . import settle as cuda_settle
from . import vector as cuda_vector
from .device import Array, Device
from .pack import pack_processes, pack_program, work_width
from .source import THREADS
from .store import NOTHING, DeviceStore, DrawnStore, finite_values, gathered, marks_of
from .vector import Vector

CHUNK = 1 << 19  # scenarios drawn, or rows gathered, at a time: a multiple of every group in which sums are taken


class CudaBackend(InOrder):
    """See `backend.Backend` for the methods. Losses and tails are of `vector.Vector`, stores are `DeviceStore`.

    Args:
        device: computes. chunk: scenarios handled at a time where they are not kept, a multiple of 16,384.

    Raises `device_errors.DeviceFault` where the device fails.
    """

    name = "cuda"

    def __init__(self, device: Device, chunk: int = CHUNK) -> None:
        checks.need(chunk > 0 and chunk % 16_384 == 0, f"chunk must be a multiple of 16,384; got {chunk}")
        self.device = device
        self._chunk = chunk
        self._layouts = Layouts()

    @property
    def on_device(self) -> CudaBackend:
        return self

    @property
    def mover(self) -> CudaBackend:
        return self

    @property
    def device_name(self) -> str:
        return self.device.name

    def free(self) -> int:
        return self.device.memory()[0]

    def told(self, count: int, each: int) -> str:
        del count, each
        return ""

    def narrowed(self, threads: int) -> None:
        """A device does one thing at a time."""
        del threads

    @property
    def threads(self) -> int:
        return self.device.processors  # multiprocessors

    # stores

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> Store:
        checks.check_draws(count, seed, sample, first)
        checks.check_processes(table)
        return self._drawn(table, count, first, None, seed, sample)

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64] | Vector, seed: int, sample: int = 0) -> Store:
        if not isinstance(numbers, Vector):
            numbers = Vector.of(self.device, checks.scenario_numbers(numbers, seed, sample), np.uint64)
        checks.check_draws(numbers.size, seed, sample, 0)
        checks.check_processes(table)
        return self._drawn(table, numbers.size, 0, numbers.array, seed, sample)

    def every(self, store: Store) -> Vector:
        """All rows of a store, on the device."""
        numbers = marks_of(self.device, None, None, store.count)
        return Vector(self.device, Array(numbers.owner, numbers.address, store.count, np.int64))

    def regenerating(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> DrawnStore:
        """The scenarios that `simulate` would give, none of them kept: `losses` draws them in the same kernel."""
        checks.check_draws(count, seed, sample, first)
        checks.check_processes(table)
        return DrawnStore(self, table, count, seed, sample, first)

    def subset(self, store: Store, rows: ArrayLike | Vector) -> Store:
        if not isinstance(rows, Vector):
            rows = store.checked(rows)
            if rows.size and consecutive(rows):
                return self.part(store, int(rows[0]), int(rows[-1]) + 1)
        r = self._rows(store, rows)
        checks.need(r.size >= 1, "a subset needs at least one row")
        if isinstance(store, DrawnStore):
            marks = marks_of(self.device, store, r.array, r.size)
            return self._drawn(store.table, r.size, 0, marks, store.seed, store.sample)
        own = self.from_host(store)
        marks = marks_of(self.device, own, r.array, r.size)
        values = gathered(self.device, own, r.array)
        return DeviceStore(self.device, values, own.shape, r.size, marks=marks)

    def part(self, store: Store, low: int, high: int) -> Store:
        """The rows low .. high - 1 of a store, sharing its memory. low: a multiple of 256."""
        checks.need(0 <= low < high <= store.count and low % LANES == 0, f"no part {low}..{high} of {store.count} rows")
        if isinstance(store, DrawnStore):
            return DrawnStore(self, store.table, high - low, store.seed, store.sample, store.first + low)
        own = self.from_host(store)
        each = own.drivers * own.periods * LANES
        values = own.values.part(low // LANES * each, blocks_of(high - low) * each)
        marks = None if own.marks is None else own.marks.part(low, high - low)
        return DeviceStore(self.device, values, own.shape, high - low, own.first + low if marks is None else 0, marks)

    def to_host(self, store: Store) -> Store:
        """Copy of a store in the host's memory."""
        if not isinstance(store, DeviceStore | DrawnStore):
            return store
        return Store(store.blocks, store.count, store.first, store.numbers)

    def from_host(self, store: Store) -> DeviceStore:
        """A host's store on the device; one that is there as it is."""
        if isinstance(store, DeviceStore):
            return store
        shape = store.drivers, store.periods
        values = self.device.upload(store.blocks.reshape(-1))
        marks = None if store.numbers is None else self.device.upload(np.ascontiguousarray(store.numbers))
        return DeviceStore(self.device, values, shape, store.count, store.first, marks)

    # passes

    def means(self, store: Store, factors: IntArray) -> FloatArray:
        positions = store.drivers * store.periods
        checks.check_factors(factors, positions)
        if factors.shape[0] == 0:
            return np.zeros(0)
        table = self.device.upload(np.ascontiguousarray(factors, dtype=np.int32).reshape(-1))
        out = self.device.full(factors.shape[0], np.float64, 0)
        for blocks, _, count in self._spans(store):
            cuda_passes.add_products(self.device, blocks, count, positions, table, factors.shape[0], out)
        return np.asarray(self.device.download(out) / store.count)

    def rates(self, store: Store, table: LossTable) -> FloatArray:
        checks.check_loss(table, store.drivers, store.periods)
        seen = observed_rates(table)
        if seen is None:
            return fixed_rates(table)
        out = self.device.full(int(seen[-1]) + 1, np.float64, 0)
        positions, low = store.drivers * store.periods, table.rate_driver * store.periods
        for blocks, _, count in self._spans(store):
            cuda_passes.add_rates(self.device, blocks, count, positions, low, table.dt, table.surplus_margin, out)
        return np.asarray((self.device.download(out) / store.count)[seen])

    def losses(self, store: Store, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]) -> list[Vector]:
        checks.need(len(tables) == len(exposures), "as many exposures as tables are needed")
        if not tables:
            return []
        packed, device, rows = self._program(store, tables, exposures, sparse=True), self.device, store.count
        out, bad = device.empty(len(tables) * rows, np.float64), device.full(len(tables) + 1, np.uint64, 255)
        if isinstance(store, DrawnStore):
            drawing = self._drawing(store.table, store.seed, store.sample)
            value = bad.part(len(tables), 1)
            drawing.losses(store.first, rows, packed, out, rows, 0, bad, value)
        else:
            for blocks, low, count in self._spans(store):
                factors = store.drivers * store.periods
                cuda_passes.losses(device, blocks, count, factors, packed, out, rows, low, bad)
        faults = device.download(bad)
        finite_values(store, int(faults[-1]))
        for m, row in enumerate(faults[:-1]):
            if row != NOTHING:
                loss = float(device.download(out.part(m * rows + int(row), 1))[0])
                raise FloatingPointError(
                    f"loss {m} of scenario {store.scenario(int(row))} is {loss}; its flows overflow"
                )
        return [Vector(device, out.part(m * rows, rows)) for m in range(len(tables))]

    def pull_back(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike | Vector, weights: ArrayLike | Vector
    ) -> tuple[float, FloatArray]:
        r = self._rows(store, rows)
        if not isinstance(weights, Vector):
            weights = np.ascontiguousarray(weights, dtype=np.float64)
            checks.need(bool(np.isfinite(weights).all()), "weights must be finite")
        checks.need(weights.shape == r.shape, f"weights must have the shape {r.shape}; got {weights.shape}")
        w = Vector.of(self.device, weights, np.float64)
        layout = self._layouts.of(table, store.drivers, store.periods)
        packed = self._program(store, [table], [exposure], sparse=False)
        factors, periods, entries = store.drivers * store.periods, table.terms.periods, layout.order.size
        slopes = 2 * periods if table.revolver else periods
        out = self.device.full(entries + slopes + 1, np.float64, 0)
        for low in range(0, r.size, self._chunk):
            size = min(self._chunk, r.size - low)
            blocks = self._gathered(store, r.array.part(low, size))
            part = w.array.part(low, size)
            cuda_passes.add_gradient(self.device, blocks, part, factors, slopes, entries, packed, out)
        found = self.device.download(out)
        gradient = np.empty(table.entries)
        gradient[layout.order] = found[:entries]
        gradient[layout.fixed] = found[entries : entries + periods][layout.fixed_period]
        gradient[table.terms.entries :] = found[entries + periods : -1]
        value = float(found[-1])
        checks.finite_gradient(value, gradient)
        return value, gradient

    def balances(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike | Vector | None = None
    ) -> FloatArray:
        r = None if rows is None else self._rows(store, rows)
        count = store.count if r is None else r.size
        if count == 0:
            self._program(store, [table], [exposure], sparse=True)
            return np.empty((0, table.terms.periods))
        found = self.device.download(self._balances(store, table, exposure, r))
        return np.ascontiguousarray(found.reshape(table.terms.periods, count).T)

    def values(self, store: Store, rows: ArrayLike) -> FloatArray:
        return store.x(rows)

    def fan(
        self, store: Store, table: LossTable, exposure: ArrayLike, levels: Sequence[float], count: int | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        checks.need(all(0.0 <= q <= 1.0 for q in levels) and len(levels) > 0, f"levels lie in 0..1; got {list(levels)}")
        number = store.count if count is None else min(count, store.count)
        first = store if number == store.count else self.part(store, 0, number)
        values, periods = self._balances(first, table, exposure, None), table.terms.periods
        least = np.asarray(table.least(checks.exposures(table, exposure)), dtype=np.float64)
        below = cuda_select.beyond(self.device, values, number, least, below=True)
        means = [Vector(self.device, values.part(t * number, number)).mean() for t in range(periods)]
        return cuda_select.quantiles(self.device, values, number, periods, levels), np.array(means), below / number

    def breaches(
        self, store: Store, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[Vector, Breached]:
        number, device = check_dates(table, dates), self.device
        packed = self._program(store, [table], [exposure], sparse=True)
        order, starts = (device.upload(v) for v in by_date(dates))
        worst, bad = device.empty(store.count, np.float64), device.full(1, np.uint64, 255)
        counts = device.full(2 * number, np.uint64, 0)
        factors = store.drivers * store.periods
        for blocks, low, size in self._spans(store):
            arguments = (
                blocks, np.int64(size), np.int64(factors), packed, order, starts, np.int64(number),
                np.float64(rounding), np.int64(low), worst, counts, bad,
            )  # fmt: skip
            device.launch("breach_counts", cuda_vector.grid_of(size), THREADS, arguments, 8 * number)
        self._finite_balances(store, None, int(device.download(bad)[0]))
        found = device.download(counts).astype(np.int64)
        return Vector(device, worst), Breached(found[:number], found[number:])

    def quantile(self, losses: Vector, level: float) -> float:
        return float(cuda_select.quantiles(self.device, losses.array, losses.size, 1, [level])[0, 0])

    def distribute(self, table: Waterfall, due: FloatArray, pools: FloatArray) -> tuple[FloatArray, FloatArray]:
        return cuda_settle.distribute(self.device, table, due, pools)

    def settle(
        self, store: Store, table: Settling, rows: ArrayLike | Vector | None = None,
        weights: ArrayLike | Vector | None = None,
    ) -> tuple[Vector, Tally]:  # fmt: skip
        check_settling(table, store.drivers, store.periods)
        r = None if rows is None else self._rows(store, rows)
        count, w = store.count if r is None else r.size, None
        if weights is not None:
            w = Vector.of(self.device, weights, np.float64).array
            checks.need(w.size == count, f"weights must have the shape ({count},); got ({w.size},)")
        balance = self._program(store, [table.balance], [table.balance_exposure], sparse=True)
        flows = None if table.flows is None else self._program(store, [table.flows], [table.flow_exposure], sparse=True)
        settlements = cuda_settle.Settlements(self.device, table, balance, flows, count)
        for blocks, low, size in self._spans(store) if r is None else self._pieces(store, r):
            part = None if w is None else w.part(low, size)
            settlements.add(blocks, size, store.drivers * store.periods, part, low)
        self._finite_balances(store, r, int(self.device.download(settlements.bad)[0]))
        return Vector(self.device, settlements.total), settlements.tally()

    # losses

    def tail(
        self, losses: Vector, level: float, mass: float | None = None, weights: FloatArray | None = None
    ) -> Tail[Vector, Vector]:
        return cuda_select.tail(losses, level, mass, weights)

    def worst(self, losses: Vector, count: int, also: Vector | None = None) -> Vector:
        return cuda_select.worst(losses, count, also)

    def dot(self, losses: Vector, rows: ArrayLike | Vector, weights: ArrayLike | Vector) -> float:
        return losses[rows] @ Vector.of(self.device, weights, np.float64)

    def at(self, losses: Vector, rows: ArrayLike | Vector) -> Vector:
        return losses[rows]

    def size(self, losses: Vector, rows: Vector) -> float:
        return abs(losses[rows]).mean()

    def concatenate(self, parts: Sequence[Vector]) -> Vector:
        return parts[0] if len(parts) == 1 else cuda_vector.concatenated(parts)

    def above(self, losses: Vector, limit: float) -> float:
        found = cuda_select.beyond(
            self.device, losses.array, losses.size, np.array([limit], dtype=np.float64), below=False
        )
        return float(found[0]) / losses.size

    def host(self, losses: Vector) -> FloatArray:
        return losses.host()

    def recover(self, error: Exception) -> bool:
        del error
        return False

    # parts

    def _drawing(self, table: ProcessTable, seed: int, sample: int) -> cuda_passes.Drawing:
        packed = self.device.upload(pack_processes(table))
        return cuda_passes.Drawing(self.device, packed, work_width(table), table.drivers * table.periods, seed, sample)

    def _drawn(
        self, table: ProcessTable, count: int, first: int, marks: Array | None, seed: int, sample: int
    ) -> DeviceStore:
        shape = table.drivers, table.periods
        values = self.device.empty(blocks_of(count) * shape[0] * shape[1] * LANES, np.float32)
        bad = self.device.full(1, np.uint64, 255)
        self._drawing(table, seed, sample).draw(first, marks, count, values, bad)
        store = DeviceStore(self.device, values, shape, count, first, marks)
        finite_values(store, int(self.device.download(bad)[0]))
        return store

    def _spans(self, store: Store) -> Iterator[tuple[Array, int, int]]:
        """(blocks, first row, rows) that cover a store, one after the other; the memory of drawn ones is used again."""
        if not isinstance(store, DrawnStore):
            yield self.from_host(store).values, 0, store.count
            return
        drawing, step = self._drawing(store.table, store.seed, store.sample), min(self._chunk, store.count)
        each = store.drivers * store.periods * LANES
        room = self.device.empty(blocks_of(step) * each, np.float32)
        bad = self.device.full(1, np.uint64, 255)
        for low in range(0, store.count, step):
            count = min(step, store.count - low)
            drawing.draw(store.first + low, None, count, room, bad)
            yield room, low, count
        finite_values(store, int(self.device.download(bad)[0]))

    def _gathered(self, store: Store, rows: Array) -> Array:
        """Rows in blocks of their own."""
        if not isinstance(store, DrawnStore):
            return gathered(self.device, self.from_host(store), rows)
        marks = marks_of(self.device, store, rows, rows.size)
        return self._drawn(store.table, rows.size, 0, marks, store.seed, store.sample).values

    def _balances(self, store: Store, table: LossTable, exposure: ArrayLike, rows: Vector | None) -> Array:
        """(T * n,) balances of rows, or of all, period by period on the device."""
        packed, device = self._program(store, [table], [exposure], sparse=True), self.device
        count, factors = store.count if rows is None else rows.size, store.drivers * store.periods
        out, bad = device.empty(table.terms.periods * count, np.float64), device.full(1, np.uint64, 255)
        if rows is None:
            for blocks, low, size in self._spans(store):
                cuda_passes.balances(device, blocks, size, factors, packed, out, count, low, bad)
        else:
            for blocks, low, size in self._pieces(store, rows):
                cuda_passes.balances(device, blocks, size, factors, packed, out, count, low, bad)
        self._finite_balances(store, rows, int(device.download(bad)[0]))
        return out

    def _pieces(self, store: Store, rows: Vector) -> Iterator[tuple[Array, int, int]]:
        """(blocks, place, number) of the given rows, in blocks of their own."""
        for low in range(0, rows.size, self._chunk):
            size = min(self._chunk, rows.size - low)
            yield self._gathered(store, rows.array.part(low, size)), low, size

    def _finite_balances(self, store: Store, rows: Vector | None, place: int) -> None:
        """FloatingPointError if `place` is one of the given rows, or of all."""
        if place != int(NOTHING):
            at = place if rows is None else int(self.device.download(rows.array.part(place, 1))[0])
            raise FloatingPointError(f"a balance of scenario {store.scenario(at)} is not finite; its flows overflow")

    def _rows(self, store: Store, rows: ArrayLike | Vector) -> Vector:
        """Rows on the device; those from the host are checked."""
        return Vector.of(self.device, rows if isinstance(rows, Vector) else store.checked(rows), np.int64)

    def _program(
        self, store: Store, tables: Sequence[LossTable], exposures: Sequence[ArrayLike], sparse: bool
    ) -> Array:
        return self.device.upload(pack_program(self._layouts.program(store, tables, exposures, sparse)))
