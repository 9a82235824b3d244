"""The fast CPU backend: passes compiled by Numba on first use, kept on disk, and shared out to threads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks, environment, means
from ..breaches import Breached, check_dates
from ..drivers import initial_level, initial_state
from ..layout import GRADIENT_GROUP, IndexArray, Layouts, Program, compact
from ..means import MEAN_GROUP
from ..paths import used_shocks
from ..settling import Settling, Tally, check_settling
from ..store import LANES, RowArray, Store, blocks_of, consecutive, new_blocks
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from .breaches import count_breaches
from .host import HostVectors, filled
from .losses import add_groups, balance_pass, gather_pass, gradient_pass, loss_pass, whole_balance_pass
from .means import sum_groups, sum_rates
from .paths import simulate_blocks
from .settling import settle_all
from .waterfall import Compiled
from .workers import Workers

_AT_ONCE = 64 * GRADIENT_GROUP  # blocks whose gradients are held at a time


class NumbaBackend(HostVectors):
    """See `backend.Backend` for the methods. Threads: as given, else `environment.threads`."""

    name = "numba"

    def __init__(self, threads: int | None = None) -> None:
        self._workers = Workers(environment.threads() if threads is None else threads)
        self.distribute = Compiled(self._workers)
        self._layouts = Layouts()

    @property
    def threads(self) -> int:
        return self._workers.threads

    def narrowed(self, threads: int) -> NumbaBackend:
        """One more of this kind, on fewer threads."""
        return NumbaBackend(threads)

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> Store:
        checks.check_draws(count, seed, sample, first)
        return self._draw(table, count, first, None, seed, sample)

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> Store:
        return self._draw(table, numbers.size, 0, checks.scenario_numbers(numbers, seed, sample), seed, sample)

    def _draw(
        self, table: ProcessTable, count: int, first: int, numbers: NDArray[np.uint64] | None, seed: int, sample: int
    ) -> Store:
        checks.check_processes(table)
        chosen = np.empty(0, np.uint64) if numbers is None else filled(numbers)
        blocks = new_blocks(count, table.drivers, table.periods)
        finite = np.empty(blocks.shape[0], dtype=np.bool_)
        kinds = [int(k) for k in table.kind]
        params = np.ascontiguousarray(table.params, dtype=np.float64)
        start = np.ascontiguousarray(table.start, dtype=np.float64)
        state = np.array([initial_state(k, params[d, 0], start[d]) for d, k in enumerate(kinds)])
        level = np.array([initial_level(k, params[d, 0], start[d]) for d, k in enumerate(kinds)])
        fixed = (
            np.uint64(first), chosen, np.uint64(seed), np.uint64(sample), table.kind.astype(np.int32), params, state,
            level, start, table.depends_on.astype(np.int32), np.ascontiguousarray(table.cholesky, dtype=np.float64),
            used_shocks(table), table.word.astype(np.uint64), finite,
        )  # fmt: skip
        self._workers.run(lambda low, high: simulate_blocks(blocks, *fixed, low, high), blocks.shape[0])
        store = Store(blocks, count, first, numbers)
        if not finite.all():
            checks.finite_store(store)
        return store

    def means(self, store: Store, factors: IntArray) -> FloatArray:
        checks.check_factors(factors, store.drivers * store.periods)
        out = np.zeros((-(-store.blocks.shape[0] // MEAN_GROUP), factors.shape[0]))
        flat, f = _flat(store), np.ascontiguousarray(factors, dtype=np.int32)
        self._workers.run(lambda low, high: sum_groups(flat, store.count, f, out, low, high), out.shape[0])
        return _in_sequence(out) / store.count

    def rates(self, store: Store, table: LossTable) -> FloatArray:
        checks.check_loss(table, store.drivers, store.periods)
        observed = means.observed_rates(table)
        if observed is None:
            return means.fixed_rates(table)
        out = np.zeros((-(-store.blocks.shape[0] // MEAN_GROUP), int(observed[-1]) + 1))
        seen, dt, margin = store.blocks[:, table.rate_driver], float(table.dt), float(table.surplus_margin)
        self._workers.run(lambda low, high: sum_rates(seen, store.count, dt, margin, out, low, high), out.shape[0])
        return np.asarray((_in_sequence(out) / store.count)[observed])

    def losses(self, store: Store, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]) -> list[FloatArray]:
        checks.need(len(tables) == len(exposures), "as many exposures as tables are needed")
        if not tables:
            return []
        p, read = self._program(store, tables, exposures, sparse=True)
        out = np.empty((len(tables), store.blocks.shape[0], LANES))
        flat = _flat(store)
        self._workers.run(lambda low, high: loss_pass(flat, p, read, out, low, high), flat.shape[0])
        losses = [row.ravel()[: store.count] for row in out]
        for i, loss in enumerate(losses):
            checks.finite_losses(store, loss, i)
        return losses

    def pull_back(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike, weights: ArrayLike
    ) -> tuple[float, FloatArray]:
        r, w = checks.row_weights(store, rows, weights)
        p, read = self._program(store, [table], [exposure], sparse=False)
        layout = self._layouts.of(table, store.drivers, store.periods)
        flat, widths = _flat(store), (p.factor.size, table.terms.periods, table.terms.periods, 1)
        entries, fixed, lines, total = found = [np.zeros(width) for width in widths]
        for first in range(0, r.size, LANES * _AT_ONCE):
            part, own = r[first : first + LANES * _AT_ONCE], w[first : first + LANES * _AT_ONCE]
            a, b, c, d = (np.zeros((blocks_of(part.size), width)) for width in widths)
            self._workers.run(partial(gradient_pass, flat, p, read, part, own, a, b, c, d), blocks_of(part.size))
            for whole, blocks in zip(found, (a, b, c, d), strict=True):
                add_groups(whole, blocks, GRADIENT_GROUP)
        gradient = np.empty(table.entries)
        if table.revolver:
            gradient[table.terms.entries :] = lines
        gradient[layout.order] = entries
        gradient[layout.fixed] = fixed[layout.fixed_period]
        value = float(total[0])
        checks.finite_gradient(value, gradient)
        return value, gradient

    def subset(self, store: Store, rows: ArrayLike) -> Store:
        r = store.checked(rows)
        checks.need(r.size >= 1, "a subset needs at least one row")
        if consecutive(r):
            return self.part(store, int(r[0]), int(r[-1]) + 1)
        blocks = new_blocks(r.size, store.drivers, store.periods)
        flat, to = _flat(store), blocks.reshape(blocks.shape[0], -1, LANES)
        self._workers.run(lambda low, high: gather_pass(flat, r, to, low, high), blocks.shape[0])
        return Store(blocks, r.size, numbers=store.scenarios(r))

    def balances(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray:
        r: RowArray = np.arange(store.count) if rows is None else store.checked(rows)
        p, read = self._program(store, [table], [exposure], sparse=True)
        out = np.empty((r.size, table.terms.periods))
        if r.size and consecutive(r):
            flat = _flat(self.part(store, int(r[0]), int(r[-1]) + 1))
            self._workers.run(lambda low, high: whole_balance_pass(flat, p, read, out, low, high), flat.shape[0])
        else:
            flat = _flat(store)
            self._workers.run(lambda low, high: balance_pass(flat, p, read, r, out, low, high), blocks_of(r.size))
        checks.finite_balances(store, r, out)
        return out

    def breaches(
        self, store: Store, table: LossTable, exposure: ArrayLike, dates: IntArray, rounding: float
    ) -> tuple[FloatArray, Breached]:
        check_dates(table, dates)
        p, read = self._program(store, [table], [exposure], sparse=True)
        worst, counts = count_breaches(self._workers, _flat(store), store.count, p, read, dates, rounding)
        checks.finite_balances(store, np.arange(store.count), worst[:, None])
        return worst, counts

    def settle(
        self, store: Store, table: Settling, rows: ArrayLike | None = None, weights: ArrayLike | None = None
    ) -> tuple[FloatArray, Tally]:
        check_settling(table, store.drivers, store.periods)
        r, w = None if rows is None else store.checked(rows), None
        if weights is not None:
            r, w = checks.row_weights(store, np.arange(store.count) if r is None else r, weights)
        tables: list[LossTable] = [table.balance]
        exposures: list[ArrayLike] = [table.balance_exposure]
        if table.flows is not None:
            tables.append(table.flows)
            exposures.append(table.flow_exposure)
        p, read = self._program(store, tables, exposures, sparse=True)
        total, tally = settle_all(self._workers, _flat(store), store.count, p, read, table, r, w)
        if np.isfinite(total).all() and total.size:
            return total, tally
        return super().settle(store, table, rows, weights)  # which names the scenario

    def _program(
        self, store: Store, tables: Sequence[LossTable], exposures: Sequence[ArrayLike], sparse: bool
    ) -> tuple[Program, IndexArray]:
        return compact(self._layouts.program(store, tables, exposures, sparse), store.drivers, store.periods)


def _flat(store: Store) -> NDArray[np.float32]:
    """(blocks, D * T, 256) view of a store's blocks."""
    return store.blocks.reshape(store.blocks.shape[0], -1, LANES)


def _in_sequence(groups: FloatArray) -> FloatArray:
    """Sum over the first axis, one after the other."""
    out = np.zeros(groups.shape[1])
    for group in groups:
        out += group
    return out
