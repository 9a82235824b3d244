"""The one place that knows HiGHS: one persistent model, solved again and again from its last basis.

HiGHS accepts some wrong input silently (a NaN coefficient ends as "Optimal", crossed bounds are a warning), so every
number is checked before it goes in, and every status before a result comes out. Huangfu & Hall 2018,
https://doi.org/10.1007/s12532-017-0130-5; software: https://highs.dev.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int32]
StatusArray = NDArray[np.int8]

_KINDS = highspy.HighsBasisStatus
AT_LOWER, AT_UPPER, BASIC = (int(kind) for kind in (_KINDS.kLower, _KINDS.kUpper, _KINDS.kBasic))

TOLERANCE = 1e-9
LOOSE_TOLERANCE = 1e-7
DUAL, PRIMAL = 1, 4
# presolve, method and tolerance of each attempt after a solve that ended without an answer
ATTEMPTS = (
    ("off", DUAL, TOLERANCE),
    ("on", DUAL, TOLERANCE),
    ("off", PRIMAL, TOLERANCE),
    ("off", DUAL, LOOSE_TOLERANCE),
)
DEVEX = 1  # approximate edge weights: Harris 1973, https://doi.org/10.1007/BF01580108
SMALLEST_COEFFICIENT = 1e-12  # HiGHS drops what is smaller; the least value it lets us set


class SolverError(RuntimeError):
    """The linear program could not be solved, or was refused because its numbers make no sense."""


class Unbounded(SolverError):
    """The objective has no limit."""


class LpStatus(Enum):
    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True)
class LpResult:
    """Result of one solve. All arrays are empty unless `status` is optimal.

    x: (columns,). objective: minimised. row_dual, column_dual: change of the objective per unit more of the active
    row or column bound. row_value: (rows,) activity. iterations: simplex iterations.
    """

    status: LpStatus
    x: FloatArray
    objective: float
    row_dual: FloatArray
    column_dual: FloatArray
    row_value: FloatArray
    iterations: int


class Model:
    """minimise c'x, row_lower <= A x <= row_upper, col_lower <= x <= col_upper; rows and bounds may change between
    solves.

    Serial simplex with a fixed seed: the same calls give the same bits. Raises `SolverError` where a number is NaN, a
    cost or coefficient infinite, a lower bound above its upper bound, or HiGHS refuses a call.
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
        _finite("cost", cost)
        _finite("coefficient", matrix.data)
        _bounds("row", row_lower, row_upper)
        _bounds("column", col_lower, col_upper)
        rows, columns = matrix.shape
        if cost.shape != (columns,) or row_lower.shape != (rows,) or col_lower.shape != (columns,):
            raise SolverError(f"the shapes of a linear program of {rows} rows and {columns} columns do not agree")
        self.rows = rows
        self.columns = columns
        self._solved = False
        highs = highspy.Highs()
        self._highs = highs
        self._option("output_flag", False)
        self._option("solver", "simplex")
        self._option("parallel", "off")
        self._option("threads", 1)
        self._option("random_seed", seed)
        self._option("small_matrix_value", SMALLEST_COEFFICIENT)
        # exact steepest-edge weights are lost with every row added, and cost a solve per row to find again
        self._option("simplex_dual_edge_weight_strategy", DEVEX)
        self._tolerance(TOLERANCE)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = columns, rows
        lp.sense_ = highspy.ObjSense.kMinimize
        lp.col_cost_ = cost
        lp.col_lower_, lp.col_upper_ = col_lower, col_upper
        lp.row_lower_, lp.row_upper_ = row_lower, row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = columns, rows
        lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = matrix.data
        self._call(highs.passModel(lp), "passModel")

    def basis(self) -> tuple[StatusArray, StatusArray] | None:
        """(columns,) and (rows,) who is in the basis of the last solve, and where the others rest; for `begin`. None
        where there is none.
        """
        basis = self._highs.getBasis()
        if not basis.valid:
            return None
        columns, rows = (
            np.array([int(s) for s in part], dtype=np.int8) for part in (basis.col_status, basis.row_status)
        )
        return columns, rows

    def begin(self, columns: StatusArray, rows: StatusArray) -> None:
        """Start the next solve from this basis. SolverError if it is none of this program."""
        basis = highspy.HighsBasis()
        basis.col_status = [highspy.HighsBasisStatus(int(s)) for s in columns]
        basis.row_status = [highspy.HighsBasisStatus(int(s)) for s in rows]
        basis.valid = True
        self._call(self._highs.setBasis(basis), "setBasis")
        self._solved = True

    def add_rows(self, rows: Sequence[tuple[float, float, IndexArray, FloatArray]]) -> None:
        """Add rows, each by its bounds, columns and coefficients. Each call copies the whole matrix."""
        lower, upper = (np.array([row[k] for row in rows], dtype=np.float64) for k in (0, 1))
        value = np.concatenate([row[3] for row in rows])
        _finite("coefficient of a cut", value)
        _bounds("cut", lower, upper)
        index = np.concatenate([row[2] for row in rows]).astype(np.int32)
        start = np.cumsum([0] + [row[2].size for row in rows[:-1]]).astype(np.int32)
        self._call(self._highs.addRows(len(rows), lower, upper, index.size, start, index, value), "addRows")
        self.rows += len(rows)

    def add_columns(self, cost: FloatArray, lower: FloatArray, upper: FloatArray, matrix: csc_array) -> None:
        """Add columns at rest at their lower bounds: the next solve starts from the last basis."""
        _finite("cost", cost)
        _finite("coefficient", matrix.data)
        _bounds("column", lower, upper)
        if matrix.shape != (self.rows, cost.size):
            raise SolverError(f"{cost.size} columns of {self.rows} rows are no matrix of shape {matrix.shape}")
        start, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        self._call(self._highs.addCols(cost.size, cost, lower, upper, index.size, start, index, matrix.data), "addCols")
        self.columns += cost.size

    def delete_columns(self, columns: Sequence[int]) -> None:
        """Delete columns; if none of them is in the basis, it stays and the next solve starts from it."""
        basis = self._highs.getBasis()
        status, gone = list(basis.col_status), set(columns)
        basic = highspy.HighsBasisStatus.kBasic
        keep_basis = basis.valid and len(status) == self.columns and all(status[j] != basic for j in gone)
        self._call(self._highs.deleteCols(len(gone), np.array(sorted(gone), dtype=np.int32)), "deleteCols")
        self.columns -= len(gone)
        if keep_basis:
            basis.col_status = [s for j, s in enumerate(status) if j not in gone]
            self._call(self._highs.setBasis(basis), "setBasis")

    def basic_rows(self) -> NDArray[np.bool_]:
        """(rows,) True where the row's slack is in the basis of the last solve."""
        basic = highspy.HighsBasisStatus.kBasic
        return np.array([s == basic for s in self._highs.getBasis().row_status], dtype=np.bool_)

    def delete_rows(self, rows: Sequence[int]) -> None:
        """Delete rows; if the slack of each is in the basis, the basis stays and the next solve starts from it."""
        if not rows:
            return
        basis = self._highs.getBasis()
        status = list(basis.row_status)
        basic = highspy.HighsBasisStatus.kBasic
        keep_basis = basis.valid and len(status) == self.rows and all(status[i] == basic for i in rows)
        self._call(self._highs.deleteRows(len(rows), np.array(sorted(rows), dtype=np.int32)), "deleteRows")
        self.rows -= len(rows)
        if keep_basis:
            gone = set(rows)
            basis.row_status = [s for i, s in enumerate(status) if i not in gone]
            self._call(self._highs.setBasis(basis), "setBasis")

    def change_cost(self, cost: FloatArray) -> None:
        _finite("cost", cost)
        self._call(
            self._highs.changeColsCost(self.columns, np.arange(self.columns, dtype=np.int32), cost), "changeColsCost"
        )

    def change_column_bounds(self, column: int, lower: float, upper: float) -> None:
        _bounds("column", np.array([lower]), np.array([upper]))
        self._call(self._highs.changeColBounds(column, lower, upper), "changeColBounds")

    def change_row_bounds(self, row: int, lower: float, upper: float) -> None:
        _bounds("row", np.array([lower]), np.array([upper]))
        self._call(self._highs.changeRowBounds(row, lower, upper), "changeRowBounds")

    def solve(self, time_left: float = math.inf) -> LpResult:
        """Solve from the last basis. Where that fails: from scratch, presolved, by the primal simplex method, and at
        last with loose tolerances.
        """
        presolve_first = not self._solved
        self._option("presolve", "on" if presolve_first else "off")
        status = self._run(time_left)
        if status is None:
            for presolve, method, tolerance in ATTEMPTS:
                self._call(self._highs.clearSolver(), "clearSolver")
                self._option("presolve", presolve)
                self._option("simplex_strategy", method)
                self._tolerance(tolerance)
                status = self._run(time_left)
                if status is not None:
                    break
            self._option("simplex_strategy", DUAL)
            self._tolerance(TOLERANCE)
        if status is None:
            name = self._highs.modelStatusToString(self._highs.getModelStatus())
            raise SolverError(
                f"HiGHS ended with status '{name}' on a linear program of {self.rows} rows and {self.columns} columns; "
                "look for coefficients of very different size in the case (see the scaling report)"
            )
        if status is not LpStatus.OPTIMAL:
            empty = np.zeros(0)
            return LpResult(status, empty, math.nan, empty, empty, empty, 0)
        self._solved = True
        return self._result()

    def forget(self) -> None:
        """Drop the basis and all else that HiGHS remembers: the next solve starts from scratch."""
        self._call(self._highs.clearSolver(), "clearSolver")
        self._solved = False

    def ray(self) -> FloatArray:
        """A direction in which an unbounded program improves for ever; empty if HiGHS has none."""
        self._option("presolve", "off")
        self._run(math.inf)
        status, found, ray = self._highs.getPrimalRay()
        self._call(status, "getPrimalRay")
        return np.array(ray, dtype=np.float64) if found else np.zeros(0)

    def _run(self, time_left: float) -> LpStatus | None:
        """The outcome of one run, or None if it is none that we can use."""
        # HiGHS counts its time limit from the first run of a model
        limit = self._highs.getRunTime() + max(time_left, 0.0) if math.isfinite(time_left) else math.inf
        self._option("time_limit", limit)
        outcome = self._highs.run()
        model = self._highs.getModelStatus()
        if outcome == highspy.HighsStatus.kError and model == highspy.HighsModelStatus.kNotset:
            # another user of HiGHS in this process has started its scheduler with another number of threads
            highspy.Highs.resetGlobalScheduler(True)
            outcome = self._highs.run()
            model = self._highs.getModelStatus()
        kinds = highspy.HighsModelStatus
        if model == kinds.kUnboundedOrInfeasible:
            self._option("presolve", "off")
            outcome = self._highs.run()
            model = self._highs.getModelStatus()
        if model == kinds.kTimeLimit:
            return LpStatus.OUT_OF_TIME
        if outcome != highspy.HighsStatus.kOk:
            return None
        known = {
            kinds.kOptimal: LpStatus.OPTIMAL,
            kinds.kInfeasible: LpStatus.INFEASIBLE,
            kinds.kUnbounded: LpStatus.UNBOUNDED,
        }
        return known.get(model)

    def _result(self) -> LpResult:
        solution = self._highs.getSolution()
        info = self._highs.getInfo()
        result = LpResult(
            status=LpStatus.OPTIMAL,
            x=np.array(solution.col_value, dtype=np.float64),
            objective=float(info.objective_function_value),
            row_dual=np.array(solution.row_dual, dtype=np.float64),
            column_dual=np.array(solution.col_dual, dtype=np.float64),
            row_value=np.array(solution.row_value, dtype=np.float64),
            iterations=int(info.simplex_iteration_count),
        )
        for name in ("x", "row_dual", "column_dual", "row_value"):
            if not np.isfinite(getattr(result, name)).all():
                raise SolverError(f"HiGHS returned a number that is not finite in {name}")
        if result.x.shape != (self.columns,) or result.row_dual.shape != (self.rows,):
            raise SolverError("HiGHS returned a solution of the wrong size")
        return result

    def _tolerance(self, tolerance: float) -> None:
        self._option("primal_feasibility_tolerance", tolerance)
        self._option("dual_feasibility_tolerance", tolerance)

    def _option(self, name: str, value: bool | int | float | str) -> None:
        self._call(self._highs.setOptionValue(name, value), f"option {name} = {value}")

    @staticmethod
    def _call(status: object, what: str) -> None:
        if status != highspy.HighsStatus.kOk:
            raise SolverError(f"HiGHS refused {what}: {status}")


def _finite(what: str, values: FloatArray) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise SolverError(f"{what} {int(bad[0])} is {values[bad[0]]}; it must be finite")


def _bounds(what: str, lower: FloatArray, upper: FloatArray) -> None:
    wrong = np.isnan(lower) | np.isnan(upper) | (lower > upper) | (lower == np.inf) | (upper == -np.inf)
    bad = np.flatnonzero(wrong)
    if bad.size:
        i = int(bad[0])
        raise SolverError(f"{what} {i} has the bounds [{lower[i]}, {upper[i]}]; the lower must not exceed the upper")
