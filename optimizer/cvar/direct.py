"""The extensive form of a small CVaR program, handed to HiGHS, and the evidence that its multipliers give.

    min cost'x + sum_m price_m C_m,  C_m = t_m + sum_s share_s z_s <= limit_m,  z_s >= loss_s(x) - t_m, z_s >= 0

(Rockafellar & Uryasev 2000, https://doi.org/10.21314/JOR.2000.038). With one variable and row per scenario it is fast
only where these are few, but it needs no point to begin from and tells what is infeasible or unbounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from ...kernels.cpu.matrix_backend import MatrixBackend
from ..arrays import FloatArray
from ..cutting_planes.highs import LpStatus, Model
from .bound import TINY
from .program import Checked
from .proof import Evidence
from .tail_weights import admissible

DIRECT_LIMIT = 60_000  # numbers in an extensive form that HiGHS solves within a second


@dataclass(frozen=True, eq=False)
class Direct:
    """What HiGHS says. x: (n,). excess: of the elastic form, by what rows and limits must be relaxed."""

    status: LpStatus
    x: FloatArray
    evidence: Evidence | None
    excess: float = 0.0


def cells(program: Checked) -> int:
    """Numbers in the extensive form."""
    return program.count * len(program.parts) * (program.width + 3)


def solve_direct(
    program: Checked, backend: MatrixBackend, time_left: float = math.inf, elastic: bool = False, tighter: float = 0.0
) -> Direct:
    """A program without quadratic. elastic: the least amount by which all rows and limits must be relaxed instead.
    tighter: by what each limit is held below its amount.
    """
    p = program
    many = len(p.parts)
    n, count = p.width, p.count if many else 0
    each = (
        np.zeros(0)
        if not many
        else np.full(count, 1.0 / count)
        if p.weights is None
        else p.weights / float(p.weights.sum())
    )
    width = n + many * (1 + count) + 1  # the last column relaxes
    cost, low, high = np.zeros(width), np.zeros(width), np.full(width, np.inf)
    low[:n], high[:n] = p.lower, p.upper
    if elastic:
        cost[-1] = 1.0
    else:
        cost[:n], high[-1] = p.cost, 0.0
    rows = _Rows(width)
    matrix = csr_array(p.matrix)
    under, over = np.isfinite(p.row_lower), np.isfinite(p.row_upper)
    give = 1.0 if elastic else 0.0
    if elastic:
        rows.sparse(matrix[under], np.full(int(under.sum()), give), p.row_lower[under], np.inf)
        rows.sparse(matrix[over], np.full(int(over.sum()), -give), -np.inf, p.row_upper[over])
    else:
        rows.sparse(matrix, np.zeros(matrix.shape[0]), p.row_lower, p.row_upper)
    own = rows.count
    shares, limits, at = [], [], n
    for m, part in enumerate(p.parts):
        share = each / (1.0 - p.levels[m])
        shares.append(share)
        low[at] = -np.inf
        if not elastic:
            cost[at], cost[at + 1 : at + 1 + count] = p.prices[m], p.prices[m] * share
        rows.scenarios(part.block(np.arange(count)), at, np.zeros(count) if part.offset is None else part.offset)
        limits.append(-1)
        if math.isfinite(p.limits[m]):
            limits[m] = rows.count
            rows.limit(at, share, give, p.limits[m] - tighter)
        at += 1 + count
    model = Model(cost, rows.matrix(), *rows.bounds(), low, high)
    result = model.solve(time_left)
    if result.status is LpStatus.UNBOUNDED:
        ray = model.ray()
        return Direct(result.status, ray[:n] if ray.size else np.zeros(n), None)
    if result.status is not LpStatus.OPTIMAL:
        return Direct(result.status, np.zeros(n), None)
    dual = result.row_dual
    y = np.zeros(matrix.shape[0])
    if elastic:
        y[under] += dual[: int(under.sum())]
        y[over] += dual[int(under.sum()) : own]
    else:
        y = np.array(dual[:own])
    prices, gradient, constant = np.zeros(many), np.zeros((many, n)), np.zeros(many)
    first = own
    for m, part in enumerate(p.parts):
        extra = max(0.0, -float(dual[limits[m]])) if limits[m] >= 0 else 0.0
        prices[m] = extra + (0.0 if elastic else p.prices[m])
        if prices[m] > 0.0:
            weights = prices[m] * admissible(np.maximum(dual[first : first + count], 0.0) / prices[m], shares[m], 1.0)
            held = np.flatnonzero(weights)
            gradient[m] = backend.weighted(part, held, weights[held])
            constant[m] = 0.0 if part.offset is None else float(np.sum(weights[held] * part.offset[held]))
        first += count + (limits[m] >= 0)
    return Direct(result.status, result.x[:n], Evidence(prices, gradient, constant, y, np.zeros(n)), result.x[-1])


class _Rows:
    """Rows of the linear program as they are made."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self._width = width
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]] = []
        self._low: list[FloatArray] = []
        self._high: list[FloatArray] = []

    def _add(self, count: int, low: FloatArray | float, high: FloatArray | float) -> None:
        self._low.append(np.broadcast_to(np.asarray(low, dtype=np.float64), count))
        self._high.append(np.broadcast_to(np.asarray(high, dtype=np.float64), count))
        self.count += count

    def _cells(self, row: NDArray[np.int64], column: NDArray[np.int64], value: FloatArray) -> None:
        kept = np.abs(value) > TINY
        self._parts.append((row[kept], column[kept], value[kept]))

    def sparse(self, matrix: csr_array, last: FloatArray, low: FloatArray | float, high: FloatArray | float) -> None:
        """Rows of the decisions, and the last column's coefficients."""
        count = matrix.shape[0]
        found = coo_array(matrix)
        row, column = (c.astype(np.int64) for c in found.coords)
        self._cells(row + self.count, column, found.data)
        self._cells(self.count + np.arange(count), np.full(count, self._width - 1), last)
        self._add(count, low, high)

    def scenarios(self, values: FloatArray, at: int, offset: FloatArray) -> None:
        """t + z - losses >= offset, t at column `at`, the z behind it."""
        count, n = values.shape
        row = self.count + np.arange(count)
        self._cells(np.repeat(row, n), np.tile(np.arange(n), count), -values.ravel())
        self._cells(row, np.full(count, at), np.ones(count))
        self._cells(row, at + 1 + np.arange(count), np.ones(count))
        self._add(count, offset, np.inf)

    def limit(self, at: int, share: FloatArray, give: float, limit: float) -> None:
        """t + share'z - give * (the last column) <= limit."""
        column = np.concatenate(([at], at + 1 + np.arange(share.size), [self._width - 1]))
        self._cells(np.full(column.size, self.count), column, np.concatenate(([1.0], share, [-give])))
        self._add(1, -np.inf, limit)

    def matrix(self) -> csr_array:
        row, column, value = (np.concatenate([part[k] for part in self._parts]) for k in range(3))
        return csr_array(coo_array((value, (row, column)), shape=(self.count, self._width)))

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        return np.concatenate(self._low), np.concatenate(self._high)
