"""A linear program kept to the columns that matter: those left out are priced after every solve.

A column at its bound of zero whose reduced cost is clearly positive changes nothing. Left out, it costs nothing
either, while every column of dense cuts is copied, factorised and priced in each of many short solves. After a solve
the reduced costs of all columns left out are computed from the row duals; one that is negative brings its column
back, and the program is solved again. So an optimum is that of the whole program. Bixby, Gregory, Lustig, Marsten &
Shanno 1992, Very large-scale linear programming, https://doi.org/10.1287/opre.40.5.885.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from .highs import AT_LOWER, TOLERANCE, IndexArray, LpResult, LpStatus, Model, StatusArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SPARE = 0.2  # so many columns more than matter at present stay, those of least reduced cost
WORTHWHILE = 0.1  # share of the columns present that has to go for it to be worth the trouble


class Sifted:
    """The `Model` of the same arguments, seen from outside; `narrow` leaves columns out.

    Rows are added to it when it is solved, in one go.
    """

    def __init__(
        self,
        cost: FloatArray,
        matrix: csr_array,
        row_lower: FloatArray,
        row_upper: FloatArray,
        col_lower: FloatArray,
        col_upper: FloatArray,
        seed: int = 0,
    ) -> None:
        self._model = Model(cost, matrix, row_lower, row_upper, col_lower, col_upper, seed)
        self.columns = cost.size
        self._cost, self._lower, self._upper = (np.array(a, dtype=np.float64) for a in (cost, col_lower, col_upper))
        self._matrix = csc_array(matrix)
        self._base = matrix.shape[0]
        self._added: list[FloatArray] = []  # the rows behind those of the matrix, spelled out
        self._pending: list[tuple[float, float, IndexArray, FloatArray]] = []
        self._kept: NDArray[np.int64] = np.arange(self.columns)  # the model's columns, in its order
        self._reduced: FloatArray | None = None  # reduced costs at the last optimum
        self._x: FloatArray = np.zeros(self.columns)

    @property
    def rows(self) -> int:
        return int(self._base + len(self._added))

    @property
    def present(self) -> int:
        """Number of columns that are not left out."""
        return int(self._kept.size)

    def add_row(self, lower: float, upper: float, index: IndexArray, value: FloatArray) -> None:
        row = np.zeros(self.columns)
        row[index] = value
        self._added.append(row)
        self._pending.append((lower, upper, index, value))

    def delete_rows(self, rows: Sequence[int]) -> None:
        """Delete some of the rows added; if the slack of each is in the basis, the next solve starts from it."""
        self._flush()
        self._model.delete_rows(rows)
        gone = {i - self._base for i in rows}
        self._added = [row for i, row in enumerate(self._added) if i not in gone]

    def basic_rows(self) -> BoolArray:
        return self._model.basic_rows()

    def basis(self) -> tuple[StatusArray, StatusArray] | None:
        """As `Model.basis`, for all columns and rows; rows added since the last solve have their slacks in it."""
        self._flush()
        found = self._model.basis()
        if found is None:
            return None
        kept, rows = found
        columns = np.full(self.columns, AT_LOWER, dtype=np.int8)
        columns[self._kept] = kept
        return columns, rows

    def begin(self, columns: StatusArray, rows: StatusArray) -> None:
        """As `Model.begin`, for all columns and rows."""
        self._flush()
        self._model.begin(columns[self._kept], rows)

    def change_cost(self, cost: FloatArray) -> None:
        self._cost = np.array(cost, dtype=np.float64)
        self._reduced = None
        self._model.change_cost(cost[self._kept])

    def change_column_bounds(self, column: int, lower: float, upper: float) -> None:
        """A column that was left out comes back."""
        self._lower[column], self._upper[column] = lower, upper
        place = np.flatnonzero(self._kept == column)
        if not place.size:
            self._bring_back(np.array([column]))
            place = np.array([self._kept.size - 1])
        self._model.change_column_bounds(int(place[0]), lower, upper)

    def change_row_bounds(self, row: int, lower: float, upper: float) -> None:
        self._flush()
        self._model.change_row_bounds(row, lower, upper)

    def forget(self) -> None:
        self._flush()
        self._model.forget()

    def ray(self) -> FloatArray:
        found = self._model.ray()
        if not found.size:
            return found
        whole = np.zeros(self.columns)
        whole[self._kept] = found[: self._kept.size]
        return whole

    def solve(self, time_left: float = math.inf) -> LpResult:
        """As `Model.solve`, for all columns."""
        self._flush()
        end = time.perf_counter() + time_left
        while True:
            result = self._model.solve(end - time.perf_counter())
            if result.status is LpStatus.INFEASIBLE and self._kept.size < self.columns:
                self._bring_back(self._out())
                continue
            if result.status is not LpStatus.OPTIMAL:
                return result
            whole = self._whole(result)
            out = self._out()
            wrong = out[~(whole.column_dual[out] >= -TOLERANCE)]
            if not wrong.size:
                return whole
            self._bring_back(wrong)

    def narrow(self) -> None:
        """Leave out the columns that were at a bound of zero in the last solve and dear to raise, if they are many."""
        if self._reduced is None:
            return
        rest = (self._x == 0.0) & (self._lower == 0.0) & (self._upper > 0.0) & (self._reduced > TOLERANCE)
        candidates = self._kept[rest[self._kept]]
        stay = int(SPARE * (self._kept.size - candidates.size))
        gone = candidates[np.argsort(self._reduced[candidates], kind="stable")][stay:]
        if gone.size < WORTHWHILE * self._kept.size:
            return
        self._flush()
        leave = np.isin(self._kept, gone)
        self._model.delete_columns(np.flatnonzero(leave).tolist())
        self._kept = self._kept[~leave]

    def _whole(self, result: LpResult) -> LpResult:
        """The result for all columns, with the reduced costs of those left out."""
        self._x = np.zeros(self.columns)
        self._x[self._kept] = result.x
        if self._kept.size == self.columns:
            self._reduced = np.empty(self.columns)
        else:
            dual = result.row_dual
            self._reduced = self._cost - self._matrix.T @ dual[: self._base]
            for i in np.flatnonzero(dual[self._base :]):
                self._reduced -= dual[self._base + i] * self._added[i]
        self._reduced[self._kept] = result.column_dual
        return replace(result, x=self._x, column_dual=self._reduced)

    def _out(self) -> NDArray[np.int64]:
        """The columns left out."""
        out = np.ones(self.columns, dtype=np.bool_)
        out[self._kept] = False
        return np.flatnonzero(out)

    def _bring_back(self, columns: NDArray[np.int64]) -> None:
        self._flush()
        added = np.array([row[columns] for row in self._added]).reshape(len(self._added), columns.size)
        part = csc_array(vstack([self._matrix[:, columns], csc_array(added)]))
        self._model.add_columns(self._cost[columns], self._lower[columns], self._upper[columns], part)
        self._kept = np.append(self._kept, columns)

    def _flush(self) -> None:
        """Rows added lately, into the model."""
        if not self._pending:
            return
        place = np.full(self.columns, -1, dtype=np.int32)
        place[self._kept] = np.arange(self._kept.size, dtype=np.int32)
        rows = []
        for lower, upper, index, value in self._pending:
            where = place[index]
            rows.append((lower, upper, where[where >= 0], value[where >= 0]))
        self._model.add_rows(rows)
        self._pending = []
