"""The master problem: the linear program, the cuts found so far, and one column by which all risk limits may give way.

Row of a cut of limit m: gradient @ decisions - s_m * (excess - depth_m) <= limit_m - constant, with s_m the limit's
scale. `excess` is minimised when an interior point is sought and fixed at 0 otherwise; depth_m is given. One more row
holds the objective while polishing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from ...errors import CapmixError
from ...models.program import LinearProgram
from ..arrays import FloatArray
from .highs import (
    AT_UPPER,
    BASIC,
    LARGEST_COEFFICIENT,
    SMALLEST_COEFFICIENT,
    LpResult,
    LpStatus,
    SolverError,
    Unbounded,
)
from .magnitudes import check, far_apart
from .progress import Monitor, OutOfTime
from .scaling import apply, power_of_two, scale
from .sifting import Sifted
from .solution import Cut, Vertex

TINY = 10.0 * SMALLEST_COEFFICIENT
FEW_CUTS = 90  # below this many, slack cuts cost nothing
BROKEN = 1e-6  # in scaled units: a row that a solution may not break by more
ROUNDING = 1e-13  # of a sum's terms
UNPROVEN = 1e-7  # of an objective: more than rounding
SLACK = 1e-3  # of the limit's scale: cuts with more are purged


class Infeasible(CapmixError):
    """The linear program with its cuts has no point. Never leaves the loop."""


@dataclass(frozen=True)
class Point:
    """A vertex of the master problem.

    x: (columns,). bound: no point within the limits has a larger objective. excess: the excess column. gains: (M,)
    objective gained where a limit rises by its scale.
    """

    x: FloatArray
    bound: float
    excess: float
    gains: FloatArray


@dataclass(frozen=True)
class Prices:
    """Objective gained per unit: rows (rows,), upper bounds of columns (columns,), risk limits (M,).

    row_duals, column_duals: the change of the minimised objective per unit more of the bound that is active, any sign.
    """

    rows: FloatArray
    bounds: FloatArray
    limits: FloatArray
    row_duals: FloatArray
    column_duals: FloatArray


@dataclass(frozen=True)
class _Row:
    """A cut as it stands in the model: its limit, the scaled row (limit - constant) * scale, and what made it."""

    limit: int
    scale: float
    constant: float
    cut: Cut


class Master:
    """One persistent HiGHS model. Everything that goes in or comes out is in the program's own units, and maximised.

    Args:
        limits: (M,) risk limits. `scales`, the size of each loss, is 1 until it is set, before the first cut.
        yielding: the only limit that gives way by the excess; all of them where left out.
    """

    def __init__(
        self,
        program: LinearProgram,
        limits: Sequence[float],
        monitor: Monitor,
        seed: int = 0,
        yielding: int | None = None,
    ) -> None:
        check(program)
        self.program = program
        self.limits = tuple(limits)
        self.scales: tuple[float, ...] = (1.0,) * len(self.limits)
        self._monitor = monitor
        self._yielding = yielding
        self._scaling = scale(program)
        self._sizes = csr_array(abs(program.matrix))
        self.report = self._scaling.report
        sense = 1.0 if program.maximise else -1.0
        self.cost: FloatArray = sense * program.cost
        self.offset = sense * program.offset
        self._count, self._width = program.matrix.shape
        columns = self._scaling.columns
        self._lower, self._upper = program.col_lower / columns, program.col_upper / columns
        objective = csr_array((self.cost * columns * self._scaling.cost)[None, :])
        rows = vstack([apply(self._scaling, csr_array(program.matrix)), objective])
        self._model = Sifted(
            cost=np.zeros(self._width + 1 + len(self.limits)),
            matrix=csr_array(hstack([rows, csr_array((self._count + 1, 1 + len(self.limits)))])),
            row_lower=np.append(program.row_lower * self._scaling.rows, -math.inf),
            row_upper=np.append(program.row_upper * self._scaling.rows, math.inf),
            col_lower=np.append(self._lower, np.zeros(1 + len(self.limits))),
            col_upper=np.append(self._upper, np.zeros(1 + len(self.limits))),
            seed=seed,
        )
        self._tight: FloatArray = np.zeros(len(self.limits))
        self._unproven = 0.0  # share of the last bound that the duals do not prove
        self._rows: list[_Row] = []
        self._last: LpResult | None = None
        self._proof: tuple[LpResult, tuple[_Row, ...]] | None = None
        self.aim_primary()

    @property
    def cuts(self) -> int:
        return len(self._rows)

    @property
    def sizes(self) -> FloatArray:
        """(columns,) the usual size of each column, by which it is scaled."""
        return self._scaling.columns

    @property
    def pool(self) -> tuple[Cut, ...]:
        """The cuts, as they were added."""
        return tuple(row.cut for row in self._rows)

    @property
    def binding(self) -> tuple[Cut, ...]:
        """The cuts that hold the last solve's vertex; none after a change of the cuts."""
        if self._last is None:
            return ()
        basic = self._model.basic_rows()[self._count + 1 :]
        return tuple(row.cut for row, loose in zip(self._rows, basic, strict=True) if not loose)

    def vertex(self) -> Vertex | None:
        """Where the last solve ended, for the search for another plan of the same program to begin from; None if that
        is not known.
        """
        basis = self._model.basis()
        if basis is None:
            return None
        columns, rows = basis
        own = self._count + 1
        tight = (row.cut for row, status in zip(self._rows, rows[own:], strict=True) if status != BASIC)
        return Vertex(columns, rows[:own], tuple(tight))

    def begin(self, vertex: Vertex) -> None:
        """Start the next solve from the vertex of another search, if the cuts that hold it are all here."""
        held = {id(cut) for cut in vertex.tight}
        if held <= {id(row.cut) for row in self._rows}:
            cuts = [AT_UPPER if id(row.cut) in held else BASIC for row in self._rows]
            self._model.begin(vertex.columns, np.append(vertex.rows, np.array(cuts, dtype=np.int8)))

    def objective(self, x: FloatArray) -> float:
        """The present aim at x: the primary objective, or the value while polishing."""
        return float(self._aim @ x) + self._aim_offset

    def primary(self, x: FloatArray) -> float:
        return float(self.cost @ x) + self.offset

    def decisions(self, x: FloatArray) -> FloatArray:
        """(N,) the ledger decisions among the columns x."""
        return x[self.program.decisions]

    def worst_row(self, x: FloatArray) -> tuple[float, str]:
        """The largest violation of a row at x, in scaled units relative to max(1, |limit|), and the row's name. What
        the row's terms lose in rounding counts as none.
        """
        if self._count == 0:
            return 0.0, ""
        scale = self._scaling.rows
        activity = (self.program.matrix @ x) * scale
        rounding = ROUNDING * (self._sizes @ np.abs(x)) * scale
        low, high = self.program.row_lower * scale, self.program.row_upper * scale
        under = (low - activity - rounding) / np.maximum(1.0, np.abs(np.where(np.isfinite(low), low, 0.0)))
        above = (activity - high - rounding) / np.maximum(1.0, np.abs(np.where(np.isfinite(high), high, 0.0)))
        broken = np.maximum(under, above)
        i = int(np.argmax(broken))
        return float(broken[i]), self.program.row_names[i]

    def aim_primary(self, depth: float = 0.0) -> None:
        """Maximise the program's objective with every limit held, or tightened by `depth` times its scale: then the
        optimum proves nothing about the limits themselves.
        """
        self._aim_at(self.cost, self.offset, self._scaling.cost)
        if depth > 0.0:
            self._model.change_column_bounds(self._width, -depth, -depth)
        self._model.change_row_bounds(self._count, -math.inf, math.inf)
        self._proving = depth == 0.0

    def tighten(self, depths: FloatArray) -> None:
        """Hold each limit by a depth (M,) of its scale below its amount; the bound of a solve is that of the limits
        themselves.
        """
        for m in np.flatnonzero(depths != self._tight):
            self._model.change_column_bounds(self._width + 1 + int(m), -depths[m], -depths[m])
        self._tight = np.array(depths)

    def aim_value(self, floor: float) -> None:
        """Maximise the secondary objective among plans whose primary objective is at least `floor`."""
        size = np.abs(self.program.value * self._scaling.columns)
        factor = 1.0 / power_of_two(float(size.max())) if size.any() else 1.0
        self._aim_at(self.program.value, self.program.value_offset, factor)
        self._model.change_row_bounds(self._count, (floor - self.offset) * self._scaling.cost, math.inf)
        self._proving = False

    def aim_interior(self, least: float) -> None:
        """Minimise the excess, no further than `least` (which may be -inf)."""
        self._aim_at(np.zeros(self._width), 0.0, 1.0)
        cost = np.zeros(self._width + 1 + len(self.limits))
        cost[self._width] = 1.0
        self._model.change_cost(cost)
        self._model.change_column_bounds(self._width, least, math.inf)
        self._model.change_row_bounds(self._count, -math.inf, math.inf)
        self._proving = False

    def only(self, limit: int) -> None:
        """From now on only the cuts of `limit` count. Not to be undone: for runs that seek the least possible risk."""
        for i, row in enumerate(self._rows):
            if row.limit != limit:
                self._model.change_row_bounds(self._count + 1 + i, -math.inf, math.inf)

    def add(self, cut: Cut) -> None:
        """Add a cut. Coefficients too small for HiGHS, which it would drop, are replaced such that the cut stays
        valid.
        """
        value = np.bincount(self.program.decisions, cut.gradient, self._width) * self._scaling.columns
        largest = float(np.abs(value).max()) if value.size else 0.0
        row_scale = 1.0 / power_of_two(largest) if largest > 0.0 else 1.0
        value *= row_scale
        constant = cut.constant
        small = np.flatnonzero((np.abs(value) < TINY) & (value != 0.0))
        if small.size:
            value[small], shift = _without(value[small], self._lower[small], self._upper[small])
            constant += shift / row_scale
        index = np.flatnonzero(value)
        coefficient = value[index]
        if self._yielding in (None, cut.limit):
            index = np.append(index, self._width)
            coefficient = np.append(coefficient, -self.scales[cut.limit] * row_scale)
        index = np.append(index, self._width + 1 + cut.limit)
        coefficient = np.append(coefficient, -self.scales[cut.limit] * row_scale)
        size = float(np.abs(coefficient).max())
        if not size <= LARGEST_COEFFICIENT:
            raise SolverError(
                f"losses in the tail of a risk limit reach {self.scales[cut.limit]:.1e}, which dwarfs the amounts of "
                f"'{self.program.name}' ({size:.0e} to 1 in one row): check the volatilities, drifts and jumps of its "
                "drivers"
            )
        upper = (self.limits[cut.limit] - constant) * row_scale
        self._model.add_row(-math.inf, upper, index.astype(np.int32), coefficient)
        self._rows.append(_Row(cut.limit, row_scale, constant, cut))
        self._last = None

    def solve(self) -> Point:
        """The vertex that is best for the present aim.

        A basis that has gone bad over many hot starts may be called optimal and still break rows, or prove less than
        it says; it is then given up and the program solved from scratch.

        Raises `Infeasible`; `SolverError` where the program is unbounded or HiGHS fails; `OutOfTime`; `Interrupted`.
        """
        point = self._solved()
        if self.worst_row(point.x)[0] > BROKEN or self._unproven > UNPROVEN:
            self._model.forget()
            point = self._solved()
        if self._proving and self._last is not None:
            self._proof = (self._last, tuple(self._rows))
        return point

    def afresh(self) -> Point:
        """As `solve`, remembering nothing of the solves before."""
        self._model.forget()
        return self.solve()

    def _solved(self) -> Point:
        self._monitor.check()
        with self._monitor.solving():
            try:
                result = self._model.solve(self._monitor.left, self._monitor.heard)
            except SolverError as fault:
                raise type(fault)(f"{fault}; {far_apart(self.program)}") from fault
        if result.status is LpStatus.OUT_OF_TIME:
            raise OutOfTime
        if result.status is LpStatus.INFEASIBLE:
            raise Infeasible
        if result.status is LpStatus.UNBOUNDED:
            raise Unbounded(self._unbounded())
        self._last = result
        w = self._width
        x = np.clip(result.x[:w] * self._scaling.columns, self.program.col_lower, self.program.col_upper)
        # the optimum is concave in the limits: what they were tightened by is worth at most their prices there
        gain = -result.column_dual[w + 1 :]
        claimed = -result.objective + float(gain @ self._tight)
        value = max(claimed, -self._model.proven(result, w + 1))
        self._unproven = (value - claimed) / max(1.0, abs(claimed))
        return Point(
            x, value / self._factor + self._aim_offset, float(result.x[w]), np.maximum(gain, 0.0) / self._factor
        )

    def purge(self) -> None:
        """Drop cuts that were far from binding in the last solve, if there are many."""
        if self._last is None or self.cuts <= FEW_CUTS:
            return
        first, excess = self._count + 1, float(self._last.x[self._width])
        slack, basic = [], self._model.basic_rows()
        for i, row in enumerate(self._rows):
            room = (self.limits[row.limit] - row.constant) - float(self._last.row_value[first + i]) / row.scale
            room /= self.scales[row.limit]
            if basic[first + i] and room > SLACK * max(1.0, abs(excess)):
                slack.append((-room, i))
        self._drop([i for _, i in sorted(slack)[: self.cuts - FEW_CUTS // 2]])

    def drop_all(self) -> None:
        """Drop every cut."""
        self._drop(range(self.cuts))
        self._proof = None

    def prices(self) -> Prices:
        """Duals of the last solve for the primary objective; zeros if there was none."""
        rows, bounds, limits = np.zeros(self._count), np.zeros(self._width), np.zeros(len(self.limits))
        if self._proof is None:
            return Prices(rows, bounds, limits, rows, bounds)
        result, cuts = self._proof
        factor = self._scaling.cost
        duals = result.row_dual[: self._count] * self._scaling.rows / factor
        column_duals = result.column_dual[: self._width] / (self._scaling.columns * factor)
        rows = -duals
        inequality = self.program.row_lower != self.program.row_upper
        rows = np.where(inequality, np.abs(rows), rows)
        bounds = np.maximum(0.0, -column_duals)
        for i, row in enumerate(cuts):
            limits[row.limit] += max(0.0, -float(result.row_dual[self._count + 1 + i])) * row.scale / factor
        return Prices(rows + 0.0, bounds, limits, duals + 0.0, column_duals + 0.0)

    def _aim_at(self, cost: FloatArray, offset: float, factor: float) -> None:
        self._aim, self._aim_offset, self._factor = cost, offset, factor
        self._model.change_cost(np.append(-factor * cost * self._scaling.columns, np.zeros(1 + len(self.limits))))
        self._model.change_column_bounds(self._width, 0.0, 0.0)
        self.tighten(np.zeros(len(self.limits)))
        self._last = None

    def _drop(self, cuts: Sequence[int]) -> None:
        gone = set(cuts)
        if gone:
            self._model.delete_rows([self._count + 1 + i for i in sorted(gone)])
            self._rows = [row for i, row in enumerate(self._rows) if i not in gone]
            self._last = None

    def _unbounded(self) -> str:
        ray = self._model.ray()
        names = ""
        if ray.size:
            worst = np.argsort(-np.abs(ray[: self._width]))[:3]
            names = "; these amounts could grow without end: " + ", ".join(self.program.column_names[j] for j in worst)
        return (
            f"the objective of '{self.program.name}' has no limit{names}. Limit them by a budget, a depth or a supply"
        )


def _without(value: FloatArray, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, float]:
    """Coefficients a (0 or not tiny) and a shift with a @ x + shift <= value @ x for all lower <= x <= upper."""
    new, shift = np.zeros_like(value), 0.0
    for i, v in enumerate(value):
        near, far = (lower[i], upper[i]) if v > 0.0 else (upper[i], lower[i])
        if math.isfinite(near):
            shift += float(v * near)
        elif math.isfinite(far):
            new[i] = math.copysign(2.0 * TINY, v)
            shift += float((v - new[i]) * far)
        else:
            new[i] = v
    return new, shift
