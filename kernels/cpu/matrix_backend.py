"""The CPU backend for scenarios given as matrices (`matrix.ScenarioMatrix`): one product per pass, all cores.

It is an `Evaluator`: there is nothing to simulate, and one period.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, environment
from ..matrix import Part, ScenarioMatrix
from ..store import RowArray
from ..tables import FloatArray, LossTable
from .host import HostLosses
from .matrix import product_pass, weighted_pass
from .workers import Workers

_ROWS = 256  # rows that a thread takes at once
_GROUP = 512  # rows per partial sum
_GRAM = 512  # rows per partial product


class MatrixBackend(HostLosses):
    """See `backend.Evaluator` for the methods. Threads: as given, else `environment.threads`.

    The same bits for any number of threads.
    """

    name = "numba"

    def __init__(self, threads: int | None = None) -> None:
        self._workers = Workers(environment.threads() if threads is None else threads)

    @property
    def threads(self) -> int:
        return self._workers.threads

    def product(self, part: Part, x: FloatArray) -> FloatArray:
        """(S,) values @ (scale * x)."""
        x = x if part.scale is None else part.scale * x
        count, out = part.values.shape[0], np.empty(part.values.shape[0])
        self._workers.run(
            lambda low, high: product_pass(part.values, x, out, low * _ROWS, min(count, high * _ROWS)),
            -(-count // _ROWS),
        )
        return out

    def weighted(self, part: Part, rows: RowArray, weights: FloatArray) -> FloatArray:
        """(n,) sum of weights[i] * values[rows[i]], times scale."""
        groups = -(-rows.size // _GROUP)
        sums = np.empty((groups, part.width))
        self._workers.run(lambda low, high: weighted_pass(part.values, rows, weights, sums, _GROUP, low, high), groups)
        total = np.zeros(part.width)
        for group in sums:
            total += group
        return total if part.scale is None else total * part.scale

    def gram(self, values: FloatArray, weights: FloatArray) -> FloatArray:
        """(n, n) values' diag(weights) values, for weights that are not negative.

        A thread takes `_GRAM` rows at a time; let BLAS itself have one (`optimizer.blas`).
        """
        blocks = -(-values.shape[0] // _GRAM)
        sums: list[FloatArray] = [np.zeros(0)] * blocks

        def task(low: int, high: int) -> None:
            for b in range(low, high):
                rows = slice(b * _GRAM, (b + 1) * _GRAM)
                root = values[rows] * np.sqrt(weights[rows])[:, None]
                sums[b] = root.T @ root

        self._workers.run(task, blocks)
        if not sums:
            return np.zeros((values.shape[1], values.shape[1]))
        total = sums[0]
        for block in sums[1:]:
            total += block
        return total

    def losses(
        self, store: ScenarioMatrix, tables: Sequence[LossTable], exposures: Sequence[ArrayLike]
    ) -> list[FloatArray]:
        out = []
        for table, exposure in zip(tables, exposures, strict=True):
            part, e = store.part(store.read_by(table)), checks.exposures(table, exposure)
            loss = self.product(part, -e[:-2])
            if part.offset is not None and e[-2] != 0.0:
                loss -= e[-2] * part.offset
            if e[-1] != 0.0:
                loss -= e[-1]
            _check(store, loss)
            out.append(loss)
        return out

    def pull_back(
        self, store: ScenarioMatrix, table: LossTable, exposure: ArrayLike, rows: ArrayLike, weights: ArrayLike
    ) -> tuple[float, FloatArray]:
        part, e = store.part(store.read_by(table)), checks.exposures(table, exposure)
        r, w = store.checked(rows), np.ascontiguousarray(weights, dtype=np.float64)
        checks.need(w.shape == r.shape and bool(np.isfinite(w).all()), f"weights must be finite, of shape {r.shape}")
        offset = 0.0 if part.offset is None else float(np.sum(w * part.offset[r]))
        gradient = -np.concatenate((self.weighted(part, r, w), [offset, float(np.sum(w))]))
        value = float(np.sum(gradient * e))
        checks.finite_gradient(value, gradient)
        return value, gradient

    def subset(self, store: ScenarioMatrix, rows: ArrayLike) -> ScenarioMatrix:
        return store.subset(rows)


def _check(store: ScenarioMatrix, losses: FloatArray) -> None:
    good = np.isfinite(losses)
    if not good.all():
        row = store.scenario(int(np.flatnonzero(~good)[0]))
        raise FloatingPointError(f"the loss of scenario {row} is not finite: a number of its row is not, or overflows")
