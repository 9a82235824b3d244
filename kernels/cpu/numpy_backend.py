"""The slow backend: the definitions, in chunks that bound the memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks, losses, means, paths
from ..pause import between
from ..store import LANES, RowArray, Store, blocks_of
from ..tables import FloatArray, IntArray, LossTable, ProcessTable
from ..waterfall import distribute
from .host import HostVectors, filled

_CHUNK = 16 * LANES


def _chunks(rows: RowArray) -> Iterator[RowArray]:
    for low in range(0, rows.size, _CHUNK):
        yield rows[low : low + _CHUNK]


class NumpyBackend(HostVectors):
    """Definition of every result; see `backend.Backend` for the methods."""

    name = "numpy"
    threads = 1
    distribute = staticmethod(distribute)

    def narrowed(self, threads: int) -> None:
        """There is one thread."""
        del threads

    def simulate(self, table: ProcessTable, count: int, seed: int, sample: int = 0, first: int = 0) -> Store:
        checks.check_draws(count, seed, sample, first)
        return self._draw(table, count, first, None, seed, sample)

    def redraw(self, table: ProcessTable, numbers: NDArray[np.uint64], seed: int, sample: int = 0) -> Store:
        return self._draw(table, numbers.size, 0, checks.scenario_numbers(numbers, seed, sample), seed, sample)

    def _draw(
        self, table: ProcessTable, count: int, first: int, numbers: NDArray[np.uint64] | None, seed: int, sample: int
    ) -> Store:
        checks.check_processes(table)
        chosen = None if numbers is None else filled(numbers)
        blocks = np.empty((blocks_of(count), table.drivers, table.periods, LANES), dtype=np.float32)
        step = _CHUNK // LANES
        for low in range(0, blocks.shape[0], step):
            between()
            part = blocks[low : low + step]
            number = np.arange(part.shape[0] * LANES, dtype=np.uint64) + np.uint64((first + low * LANES) % checks.WORD)
            if chosen is not None:
                number = chosen[low * LANES : low * LANES + number.size]
            with np.errstate(over="ignore", invalid="ignore"):
                values = paths.simulate(table, number, seed, sample).astype(np.float32)
            part[:] = values.reshape(part.shape[0], LANES, table.drivers, table.periods).transpose(0, 2, 3, 1)
        store = Store(blocks, count, first, numbers)
        checks.finite_store(store)
        return store

    def means(self, store: Store, factors: IntArray) -> FloatArray:
        checks.check_factors(factors, store.drivers * store.periods)
        return means.means(store, factors)

    def rates(self, store: Store, table: LossTable) -> FloatArray:
        checks.check_loss(table, store.drivers, store.periods)
        return means.rates(store, table)

    def losses(self, store: Store, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]) -> list[FloatArray]:
        checks.need(len(tables) == len(exposures), "as many exposures as tables are needed")
        out = [np.empty(store.count) for _ in tables]
        weights = [self._checked(store, t, e) for t, e in zip(tables, exposures, strict=True)]
        for rows in _chunks(np.arange(store.count)):
            x = store.x(rows)
            for table, exposure, loss in zip(tables, weights, out, strict=True):
                with np.errstate(over="ignore", invalid="ignore"):
                    loss[rows] = losses.losses(x, table, exposure)
        for i, loss in enumerate(out):
            checks.finite_losses(store, loss, i)
        return out

    def pull_back(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike, weights: ArrayLike
    ) -> tuple[float, FloatArray]:
        e = self._checked(store, table, exposure)
        r, w = checks.row_weights(store, rows, weights)
        total, gradient = 0.0, np.zeros(table.entries)
        for part, share in zip(_chunks(r), _chunks_of(w), strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                value, slope = losses.weighted_gradient(store.x(part), table, e, share)
            total += value
            gradient += slope
        checks.finite_gradient(total, gradient)
        return total, gradient

    def subset(self, store: Store, rows: ArrayLike) -> Store:
        r = store.checked(rows)
        checks.need(r.size >= 1, "a subset needs at least one row")
        chosen = Store.from_values(store.x(r))
        return Store(chosen.blocks, chosen.count, numbers=store.scenarios(r))

    def balances(
        self, store: Store, table: LossTable, exposure: ArrayLike, rows: ArrayLike | None = None
    ) -> FloatArray:
        e = self._checked(store, table, exposure)
        r = np.arange(store.count) if rows is None else store.checked(rows)
        out = np.empty((r.size, table.terms.periods))
        for low in range(0, r.size, _CHUNK):
            with np.errstate(over="ignore", invalid="ignore"):
                out[low : low + _CHUNK] = losses.balances(store.x(r[low : low + _CHUNK]), table, e)
        checks.finite_balances(store, r, out)
        return out

    @staticmethod
    def _checked(store: Store, table: LossTable, exposure: ArrayLike) -> FloatArray:
        checks.check_loss(table, store.drivers, store.periods)
        return checks.exposures(table, exposure)


def _chunks_of(weights: FloatArray) -> Iterator[FloatArray]:
    for low in range(0, weights.size, _CHUNK):
        yield weights[low : low + _CHUNK]
