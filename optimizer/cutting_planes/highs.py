"""The one place that knows HiGHS: one persistent model, solved again and again from its last basis.

HiGHS accepts some wrong input silently (a NaN coefficient ends as "Optimal", crossed bounds are a warning), so every
number is checked before it goes in, and every status before a result comes out. Its callbacks are asked in every
iteration whether to stop, since its own time limit is looked at too seldom and a signal not at all. Huangfu & Hall
2018, https://doi.org/10.1007/s12532-017-0130-5; software: https://highs.dev.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from .. import stops
from ..arrays import FloatArray
from .answers import LpResult, LpStatus, SolverError, Unbounded, Unsolved, finite, ordered

__all__ = ["LpResult", "LpStatus", "SolverError", "Unbounded", "Unsolved"]

IndexArray = NDArray[np.int32]
StatusArray = NDArray[np.int8]

_KINDS = highspy.HighsBasisStatus
AT_LOWER, AT_UPPER, BASIC = (int(kind) for kind in (_KINDS.kLower, _KINDS.kUpper, _KINDS.kBasic))

TOLERANCE = 1e-9
LOOSE_TOLERANCE = 1e-7
DUAL, PRIMAL = 1, 4
EQUILIBRATED, BY_LARGEST = 2, 4  # how HiGHS scales once more
# solver, presolve, simplex method, scaling and tolerance of each attempt after a solve that ended without an answer
ATTEMPTS = (
    ("simplex", "off", DUAL, EQUILIBRATED, TOLERANCE),
    ("simplex", "on", DUAL, EQUILIBRATED, TOLERANCE),
    ("simplex", "off", PRIMAL, EQUILIBRATED, TOLERANCE),
    ("simplex", "on", DUAL, BY_LARGEST, TOLERANCE),
    ("ipm", "on", DUAL, EQUILIBRATED, TOLERANCE),
    ("simplex", "off", DUAL, EQUILIBRATED, LOOSE_TOLERANCE),
)
# iterations of one attempt: solves that end take about one per row and column, others go round in circles
PATIENCE = (10_000, 10)
DEVEX = 1  # approximate edge weights: Harris 1973, https://doi.org/10.1007/BF01580108
LARGEST_COEFFICIENT = 1e14  # HiGHS refuses 1e15
SMALLEST_COEFFICIENT = 1e-12  # HiGHS drops what is smaller; the least value it lets us set


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
        finite("cost", cost)
        finite("coefficient", matrix.data)
        ordered("row", row_lower, row_upper)
        ordered("column", col_lower, col_upper)
        rows, columns = matrix.shape
        if cost.shape != (columns,) or row_lower.shape != (rows,) or col_lower.shape != (columns,):
            raise SolverError(f"the shapes of a linear program of {rows} rows and {columns} columns do not agree")
        self.rows = rows
        self.columns = columns
        self._solved = False
        self._watch = stops.Watch()
        highs = self._highs = _quiet(self._watch)
        self._option("random_seed", seed)
        self._option("solver", "simplex")
        self._option("small_matrix_value", SMALLEST_COEFFICIENT)
        # exact steepest-edge weights are lost with every row added, and cost a solve per row to find again
        self._option("simplex_dual_edge_weight_strategy", DEVEX)
        self._tolerance(TOLERANCE)
        self._call(highs.passModel(_lp(cost, matrix, row_lower, row_upper, col_lower, col_upper)), "passModel")

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
        finite("coefficient of a cut", value)
        ordered("cut", lower, upper)
        index = np.concatenate([row[2] for row in rows]).astype(np.int32)
        start = np.cumsum([0] + [row[2].size for row in rows[:-1]]).astype(np.int32)
        self._call(self._highs.addRows(len(rows), lower, upper, index.size, start, index, value), "addRows")
        self.rows += len(rows)

    def add_columns(self, cost: FloatArray, lower: FloatArray, upper: FloatArray, matrix: csc_array) -> None:
        """Add columns at rest at their lower bounds: the next solve starts from the last basis."""
        finite("cost", cost)
        finite("coefficient", matrix.data)
        ordered("column", lower, upper)
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
        finite("cost", cost)
        self._call(
            self._highs.changeColsCost(self.columns, np.arange(self.columns, dtype=np.int32), cost), "changeColsCost"
        )

    def change_column_bounds(self, column: int, lower: float, upper: float) -> None:
        ordered("column", np.array([lower]), np.array([upper]))
        self._call(self._highs.changeColBounds(column, lower, upper), "changeColBounds")

    def change_row_bounds(self, row: int, lower: float, upper: float) -> None:
        ordered("row", np.array([lower]), np.array([upper]))
        self._call(self._highs.changeRowBounds(row, lower, upper), "changeRowBounds")

    def solve(self, time_left: float = math.inf, heard: int = 0) -> LpResult:
        """Solve from the last basis. Where that fails: from scratch, presolved, by the primal simplex method, scaled in
        another way, by an interior point, and at last with loose tolerances.

        Raises `Unsolved` where all of them fail; `Interrupted` within a fraction of a second of a request to stop that
        is not among the first `heard`; KeyboardInterrupt likewise.
        """
        self._option("presolve", "off" if self._solved else "on")
        self._option("simplex_iteration_limit", PATIENCE[0] + PATIENCE[1] * (self.rows + self.columns))
        end = time.perf_counter() + time_left
        status = self._run(end, heard)
        if status is None:
            try:
                for solver, presolve, method, scaling, tolerance in ATTEMPTS:
                    self._call(self._highs.clearSolver(), "clearSolver")
                    self._option("solver", solver)
                    self._option("presolve", presolve)
                    self._option("simplex_strategy", method)
                    self._option("simplex_scale_strategy", scaling)
                    self._tolerance(tolerance)
                    status = self._run(end, heard)
                    if status is not None:
                        break
            finally:
                self._option("solver", "simplex")
                self._option("simplex_strategy", DUAL)
                self._option("simplex_scale_strategy", EQUILIBRATED)
                self._tolerance(TOLERANCE)
        if status is None:
            name = self._highs.modelStatusToString(self._highs.getModelStatus())
            raise Unsolved(
                f"HiGHS ended with status '{name}' on a linear program of {self.rows} rows and {self.columns} columns"
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
        self._run(math.inf, stops.number())
        status, found, ray = self._highs.getPrimalRay()
        self._call(status, "getPrimalRay")
        return np.array(ray, dtype=np.float64) if found else np.zeros(0)

    def _run(self, end: float, heard: int) -> LpStatus | None:
        """The outcome of one run, or None if it is none that we can use."""
        outcome, model = _ran(self._highs, self._watch, end, heard)
        kinds = highspy.HighsModelStatus
        if model == kinds.kUnboundedOrInfeasible:
            self._option("presolve", "off")
            outcome, model = _ran(self._highs, self._watch, end, heard)
        if model == kinds.kTimeLimit:
            return LpStatus.OUT_OF_TIME
        if outcome != highspy.HighsStatus.kOk:
            return None
        known: dict[Any, LpStatus] = {
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
        _set(self._highs, name, value)

    @staticmethod
    def _call(status: object, what: str) -> None:
        _check(status, what)


def solve_whole(
    cost: FloatArray,
    matrix: csr_array,
    rows: tuple[FloatArray, FloatArray],
    columns: tuple[FloatArray, FloatArray],
    whole: NDArray[np.bool_],
    gap: float,
    nodes: int,
    time_left: float = math.inf,
    heard: int = 0,
) -> LpResult:
    """The best point found of a linear program some of whose columns, `whole`, take whole numbers only; no duals.

    On one thread, and limited by `nodes` of the search tree rather than by seconds: the same call gives the same point.
    rows, columns: lower and upper bounds of each. `x` is empty where the nodes were not enough for any point.

    Raises `Unsolved`, `Interrupted` and KeyboardInterrupt as `Model.solve`.
    """
    finite("cost", cost)
    finite("coefficient", matrix.data)
    ordered("row", *rows)
    ordered("column", *columns)
    watch = stops.Watch()
    highs = _quiet(watch)
    options = {"random_seed": 0, "mip_rel_gap": gap, "mip_max_nodes": nodes, "small_matrix_value": SMALLEST_COEFFICIENT}
    for name, value in options.items():
        _set(highs, name, value)
    lp = _lp(cost, matrix, *rows, *columns)
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if each else kinds.kContinuous for each in whole]
    _check(highs.passModel(lp), "passModel")
    _, model = _ran(highs, watch, time.perf_counter() + time_left, heard)
    status, empty = highspy.HighsModelStatus, np.zeros(0)
    if model in (status.kInfeasible, status.kUnboundedOrInfeasible):
        return LpResult(LpStatus.INFEASIBLE, empty, math.nan, empty, empty, empty, 0)
    if model == status.kTimeLimit:
        return LpResult(LpStatus.OUT_OF_TIME, empty, math.nan, empty, empty, empty, 0)
    if model not in (status.kOptimal, status.kSolutionLimit):
        raise Unsolved(
            f"HiGHS ended with status '{highs.modelStatusToString(model)}' on a mixed-integer program of "
            f"{matrix.shape[0]} rows and {matrix.shape[1]} columns"
        )
    info = highs.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x = np.array(highs.getSolution().col_value, dtype=np.float64) if found else empty
    finite("column of the solution", x)
    objective = float(info.objective_function_value) if found else math.nan
    return LpResult(LpStatus.OPTIMAL, x, objective, empty, empty, empty, 0)


def _quiet(watch: stops.Watch) -> Any:
    """A solver on one thread that says nothing and asks `watch`.

    Not a `highspy.Highs`: that prints a banner as soon as it is made, from version 1.16 on.
    """
    highs = highspy._core._Highs()
    for name, value in (("output_flag", False), ("parallel", "off"), ("threads", 1)):
        _set(highs, name, value)
    _check(highs.setCallback(watch, None), "setCallback")
    kinds = highspy.cb.HighsCallbackType
    for kind in (kinds.kCallbackSimplexInterrupt, kinds.kCallbackIpmInterrupt, kinds.kCallbackMipInterrupt):
        _check(highs.startCallback(kind), "startCallback")
    return highs


def _ran(highs: Any, watch: stops.Watch, end: float, heard: int) -> tuple[Any, Any]:
    """Run, and the outcomes of the call and of the model; kTimeLimit where the end came. See `Model.solve`."""
    kinds = highspy.HighsModelStatus
    with stops.deferring() as ctrl_c:
        stops.check(heard)
        watch.begin(end, heard, ctrl_c)
        # HiGHS counts its time limit from the first run of a model
        left = max(end - time.perf_counter(), 0.0)
        _set(highs, "time_limit", highs.getRunTime() + left if math.isfinite(left) else math.inf)
        outcome, model = highs.run(), highs.getModelStatus()
        if outcome == highspy.HighsStatus.kError and model == kinds.kNotset:
            # another user of HiGHS in this process has started its scheduler with another number of threads
            highs.resetGlobalScheduler(True)
            outcome, model = highs.run(), highs.getModelStatus()
    if ctrl_c.caught:
        raise KeyboardInterrupt
    if model == kinds.kInterrupt:
        if watch.late:
            return outcome, kinds.kTimeLimit
        stops.check(heard)
    return outcome, model


def _lp(
    cost: FloatArray,
    matrix: csr_array,
    row_lower: FloatArray,
    row_upper: FloatArray,
    col_lower: FloatArray,
    col_upper: FloatArray,
) -> Any:
    """minimise c'x as HiGHS takes it."""
    rows, columns = matrix.shape
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
    return lp


def _set(highs: Any, name: str, value: bool | int | float | str) -> None:
    _check(highs.setOptionValue(name, value), f"option {name} = {value}")


def _check(status: object, what: str) -> None:
    if status != highspy.HighsStatus.kOk:
        raise SolverError(f"HiGHS refused {what}: {status}")
