"""A linear program kept to the columns and rows that matter: those left out are looked at after every solve.

A column at its bound of zero whose reduced cost is clearly positive changes nothing, nor does an inequality that is
clearly slack. Left out they cost nothing either, while every column of dense cuts is copied, factorised and priced in
each of many short solves, and every row too. After a solve the rows left out are checked at its point, and the columns
left out are priced by its row duals; what is broken or would improve the objective comes back, and the program is
solved again. So an optimum is that of the whole program. Bixby, Gregory, Lustig, Marsten & Shanno 1992, Very
large-scale linear programming, https://doi.org/10.1287/opre.40.5.885; rows as Dantzig, Fulkerson & Johnson 1954,
Solution of a large-scale traveling-salesman problem, https://doi.org/10.1287/opre.2.4.393.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..arrays import FloatArray
from .highs import AT_LOWER, BASIC, TOLERANCE, LpResult, LpStatus, Model, StatusArray
from .row_store import IndexArray, RowStore

BoolArray = NDArray[np.bool_]

EVERY = 3  # solves after which columns and rows far from use go
SPARE_COLUMNS, SPARE_ROWS = 0.2, 0.05  # so many more than matter at present stay: those that come next
CLEAR = 1e-6  # of the norm of a row: no row at its bound is so far from it
WORTHWHILE = 0.1  # share of the columns present, or of the rows' coefficients, that has to go: less is not worth it


class Sifted:
    """The `Model` of the same arguments, seen from outside; rows are added to it when it is solved, in one go."""

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
        self._store = RowStore(matrix, row_lower, row_upper)
        self._kept: IndexArray = np.arange(self.columns)  # the model's columns, in its order
        self._held: IndexArray = np.arange(self._store.count)  # the model's rows, in its order
        self._pending: list[int] = []  # rows that the model will hold
        self._reduced: FloatArray | None = None  # reduced costs at the last optimum
        self._x: FloatArray | None = None
        self._value: FloatArray = np.zeros(0)  # of the rows there
        self._since = 0  # solves since those far from use went

    @property
    def rows(self) -> int:
        return self._store.count

    @property
    def present(self) -> tuple[int, int]:
        """Numbers of columns and rows that are not left out."""
        return int(self._kept.size), int(self._held.size) + len(self._pending)

    def add_row(self, lower: float, upper: float, index: NDArray[np.int32], value: FloatArray) -> None:
        self._pending.append(self._store.count)
        self._store.add(lower, upper, index, value)

    def delete_rows(self, rows: Sequence[int]) -> None:
        """Delete some of the rows added; if the slack of each is in the basis, the next solve starts from it."""
        self._flush()
        gone = np.isin(self._held, np.asarray(rows, dtype=np.int64))
        self._model.delete_rows(np.flatnonzero(gone).tolist())
        number = np.cumsum(np.isin(np.arange(self._store.count), rows, invert=True)) - 1
        self._held = number[self._held[~gone]]
        stay = np.isin(np.arange(self._value.size), rows, invert=True)
        self._value = self._value[stay]
        self._store.delete(rows)

    def basic_rows(self) -> BoolArray:
        """(rows,) True where the row's slack is in the basis of the last solve, or the row is left out."""
        self._flush()
        basic = np.ones(self._store.count, dtype=np.bool_)
        basic[self._held] = self._model.basic_rows()
        return basic

    def basis(self) -> tuple[StatusArray, StatusArray] | None:
        """As `Model.basis`, for all columns and rows; rows added since the last solve have their slacks in it."""
        self._flush()
        found = self._model.basis()
        if found is None:
            return None
        columns = np.full(self.columns, AT_LOWER, dtype=np.int8)
        rows = np.full(self._store.count, BASIC, dtype=np.int8)
        columns[self._kept], rows[self._held] = found
        return columns, rows

    def begin(self, columns: StatusArray, rows: StatusArray) -> None:
        """As `Model.begin`, for all columns and rows."""
        self._flush()
        self._bring_in(_left_out(self._held, self._store.count))
        self._bring_back(_left_out(self._kept, self.columns))
        self._flush()
        order = self._held if rows.size == self._store.count else slice(None)  # Model says what is wrong with others
        self._model.begin(columns[self._kept], rows[order])

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
        """A row that is left out stays so until it is broken."""
        self._flush()
        self._store.lower[row], self._store.upper[row] = lower, upper
        for place in np.flatnonzero(self._held == row):
            self._model.change_row_bounds(int(place), lower, upper)

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

    def solve(self, time_left: float = math.inf, heard: int = 0) -> LpResult:
        """As `Model.solve`, for all columns and rows."""
        end = time.perf_counter() + time_left
        if self._since >= EVERY:
            self.narrow()
            self._since = 0
        self._since += 1
        while True:
            self._flush()
            result = self._model.solve(end - time.perf_counter(), heard)
            without_columns = _left_out(self._kept, self.columns)
            without_rows = _left_out(self._held, self._store.count)
            if result.status is LpStatus.INFEASIBLE and without_columns.size:
                self._bring_back(without_columns)
                continue
            if result.status is LpStatus.UNBOUNDED and without_rows.size:
                self._bring_in(without_rows)
                continue
            if result.status is not LpStatus.OPTIMAL:
                return result
            whole = self._whole(result, without_rows)
            value = whole.row_value[without_rows]
            low, high = self._store.lower[without_rows], self._store.upper[without_rows]
            broken = without_rows[~((value >= low - TOLERANCE) & (value <= high + TOLERANCE))]
            if broken.size:
                self._bring_in(broken)
                continue
            wrong = without_columns[~(whole.column_dual[without_columns] >= -TOLERANCE)]
            if not wrong.size:
                return whole
            self._bring_back(wrong)

    def proven(self, result: LpResult, at_zero: int) -> float:
        """What no point can be below, by weak duality: the Lagrangian at the row duals of `result`, minimised over the
        bounds of the columns, those from `at_zero` on taken as fixed at zero.

        Any multipliers give a valid bound, so it does not lean on the solver's tolerances; it only takes columns
        without a bound to stay about where they are, where rounding has left them a reduced cost of the wrong sign.
        Neumaier & Shcherbina 2004, Safe bounds in linear and mixed-integer programming,
        https://doi.org/10.1007/s10107-003-0433-3.
        """
        low, high = self._store.lower, self._store.upper
        dual = np.where(np.isfinite(np.where(result.row_dual > 0.0, low, high)), result.row_dual, 0.0)
        active = np.flatnonzero(dual)
        d, active_dual = (self._cost - self._store.combined(dual))[:at_zero], dual[active]
        rows = active_dual @ np.where(active_dual > 0.0, low[active], high[active])
        nearest = np.where(d > 0.0, self._lower[:at_zero], self._upper[:at_zero])
        somewhere = -np.sign(d) * np.maximum(1.0, np.abs(result.x[:at_zero]))
        return float(rows + d @ np.where(np.isfinite(nearest), nearest, somewhere))

    def narrow(self) -> None:
        """Leave out the columns that were at a bound of zero in the last solve and dear to raise, and the inequalities
        that were far from their bounds, where they are many.
        """
        if self._x is None:
            return
        if self._reduced is not None:
            self._leave_columns(self._x, self._reduced)
        self._leave_rows(self._value)

    def _leave_columns(self, x: FloatArray, reduced: FloatArray) -> None:
        rest = (x == 0.0) & (self._lower == 0.0) & (self._upper > 0.0) & (reduced > TOLERANCE)
        gone = _farthest(self._kept, rest[self._kept], reduced, SPARE_COLUMNS, np.ones_like(self._kept))
        if gone.any():
            self._model.delete_columns(np.flatnonzero(gone).tolist())
            self._kept = self._kept[~gone]

    def _leave_rows(self, value: FloatArray) -> None:
        store, room = self._store, np.zeros(self._store.count)  # rows that came after the last solve stay
        n = value.size
        room[:n] = np.minimum(value - store.lower[:n], store.upper[:n] - value) / store.size[:n]
        loose = room[self._held] > CLEAR  # hence basic
        gone = _farthest(self._held, loose, room, SPARE_ROWS, store.length[self._held])
        if gone.any():
            self._model.delete_rows(np.flatnonzero(gone).tolist())
            self._held = self._held[~gone]

    def _whole(self, result: LpResult, without_rows: IndexArray) -> LpResult:
        """The result for all columns and rows, with the reduced costs and the values of those left out."""
        x = np.zeros(self.columns)
        x[self._kept] = result.x
        dual, value = np.zeros(self._store.count), np.empty(self._store.count)
        dual[self._held], value[self._held] = result.row_dual, result.row_value
        if without_rows.size:
            value[without_rows] = self._store.activity(without_rows, x)
        if self._kept.size == self.columns:
            reduced = np.empty(self.columns)
        else:
            reduced = self._cost - self._store.combined(dual)
        reduced[self._kept] = result.column_dual
        self._x, self._reduced, self._value = x, reduced, value
        return replace(result, x=x, row_dual=dual, column_dual=reduced, row_value=value)

    def _bring_back(self, columns: IndexArray) -> None:
        """Columns that were left out."""
        if columns.size:
            self._flush()
            part = self._store.part(self._held, columns)
            self._model.add_columns(self._cost[columns], self._lower[columns], self._upper[columns], part)
            self._kept = np.append(self._kept, columns)

    def _bring_in(self, rows: IndexArray) -> None:
        """Rows that were left out, at the next `_flush`."""
        self._pending.extend(rows.tolist())

    def _flush(self) -> None:
        """Rows that are pending, into the model."""
        if not self._pending:
            return
        rows, store = self._pending, self._store
        self._model.add_rows([(store.lower[i], store.upper[i], *store.row(i, self._kept)) for i in rows])
        self._held = np.append(self._held, np.array(rows, dtype=np.int64))
        self._pending = []


def _left_out(present: IndexArray, count: int) -> IndexArray:
    out = np.ones(count, dtype=np.bool_)
    out[present] = False
    return np.flatnonzero(out)


def _farthest(present: IndexArray, idle: BoolArray, distance: FloatArray, spare: float, cost: IndexArray) -> BoolArray:
    """Which of those present to leave out: the idle ones but for the few of the smallest distances; none if they would
    not be many. cost: (present,) how much each counts there.
    """
    gone = np.zeros(present.size, dtype=np.bool_)
    places = np.flatnonzero(idle)
    stay = int(spare * (present.size - places.size))
    leave = places[np.argsort(distance[present[places]], kind="stable")][stay:]
    if cost[leave].sum() >= WORTHWHILE * cost.sum():
        gone[leave] = True
    return gone
