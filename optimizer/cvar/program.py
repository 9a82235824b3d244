"""A CVaR program over explicit scenario matrices, as the user states it, and its form for the loop.

    minimise  cost'x + x' quadratic x / 2 + sum_m price_m CVaR_m(losses_m x + offset_m)
    such that CVaR_m <= limit_m where given, row_lower <= matrix x <= row_upper, lower <= x <= upper

It is a plan with one period in which every decision has a price column of its own. A priced CVaR becomes a column z_m
that is not below it, and not below the mean loss either, which CVaR never is; the quadratic becomes a column as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, hstack, vstack

from ...kernels.cpu.matrix_backend import MatrixBackend
from ...kernels.matrix import Part, ScenarioMatrix, matrix_losses
from ...models.program import LinearProgram
from ..arrays import FloatArray
from ..cutting_planes.solution import RiskLimit


@dataclass(frozen=True, eq=False)
class CvarTerm:
    """The CVaR of losses @ x + offset.

    Attributes:
        losses: (S, n) loss of each scenario per unit of each decision: NumPy, CuPy, pandas, SciPy sparse or nested
            lists. Contiguous single and double precision are used where they lie; all sums are in double.
        level: share of the scenarios outside the tail, 0 < level < 1.
        limit: most that the CVaR may be, or None.
        price: weight of the CVaR in the objective, not negative.
        offset: (S,) loss of each scenario whatever the decisions, or None for 0.
        name: how messages call the term.
    """

    losses: Any
    level: float
    limit: float | None = None
    price: float = 0.0
    offset: Any = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class CvarProgram:
    """See the module's text.

    Attributes:
        cost: (n,).
        quadratic: (n, n) symmetric and positive semidefinite, dense or SciPy sparse, or None.
        tails: the CVaR terms, over the same scenarios.
        matrix: (rows, n) dense or SciPy sparse, or None; row_lower, row_upper: (rows,) or one number, may be infinite.
        lower, upper: (n,) or one number, may be infinite; left out: no bounds.
        weights: (S,) relative weights of the scenarios, not negative, or None for equal ones.
    """

    cost: ArrayLike
    quadratic: Any = None
    tails: Sequence[CvarTerm] = ()
    matrix: Any = None
    row_lower: ArrayLike | None = None
    row_upper: ArrayLike | None = None
    lower: ArrayLike | None = None
    upper: ArrayLike | None = None
    weights: Any = None


@dataclass(frozen=True, eq=False)
class Checked:
    """A program whose numbers have been looked at, as arrays.

    names, levels, limits (inf: none), prices: per term. weights: (S,) with a mean of 1, or None. constant: of the
    objective. sizes: (M, n) a typical loss per unit of each column. span: (n,) a typical amount of each column.
    """

    cost: FloatArray
    quadratic: FloatArray | None
    parts: tuple[Part, ...]
    names: tuple[str, ...]
    levels: tuple[float, ...]
    limits: tuple[float, ...]
    prices: tuple[float, ...]
    matrix: csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    weights: FloatArray | None
    constant: float = 0.0
    sizes: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    span: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def width(self) -> int:
        return int(self.cost.size)

    @property
    def count(self) -> int:
        return int(self.parts[0].values.shape[0])


@dataclass(frozen=True, eq=False)
class Lowered:
    """The program as the loop takes it.

    Columns: x, the constant 1, a column per priced term, one for the quadratic part. `tails` says, per term, the column
    that bounds its CVaR, or -1 where the limit is a number; `square` is the quadratic's column, or -1.
    """

    program: LinearProgram
    risks: tuple[RiskLimit, ...]
    store: ScenarioMatrix
    tails: tuple[int, ...]
    square: int


def means(program: Checked, backend: MatrixBackend) -> list[tuple[FloatArray, float]]:
    """Per term the mean loss as (gradient, constant). ValueError for a number that is not finite."""
    count = program.count
    each = np.full(count, 1.0 / count) if program.weights is None else program.weights / count
    found = []
    for part, name in zip(program.parts, program.names, strict=True):
        gradient = backend.weighted(part, np.arange(count), each)
        constant = 0.0 if part.offset is None else float(np.sum(each * part.offset))
        if not (np.isfinite(gradient).all() and math.isfinite(constant)):
            raise ValueError(not_finite(part, name))
        found.append((gradient, constant))
    return found


def lower_program(program: Checked, mean: Sequence[tuple[FloatArray, float]]) -> Lowered:
    """The linear program with its columns and rows for the CVaR terms, and the risk limits over all its columns."""
    n, rows = program.width, program.matrix.shape[0]
    priced = [m for m, price in enumerate(program.prices) if price > 0.0]
    square = n + 1 + len(priced) if program.quadratic is not None else -1
    width = n + 1 + len(priced) + (square >= 0)
    column = dict(zip(priced, range(n + 1, n + 1 + len(priced)), strict=True))
    cost = np.zeros(width)
    cost[:n] = program.cost
    lower, upper = np.full(width, -np.inf), np.full(width, np.inf)
    lower[:n], upper[:n] = program.lower, program.upper
    lower[n] = upper[n] = 1.0
    above = np.zeros((len(priced), width))  # the mean of the losses is not above their CVaR
    for i, m in enumerate(priced):
        cost[column[m]] = program.prices[m]
        upper[column[m]] = program.limits[m]
        above[i, :n], above[i, n] = mean[m]
        above[i, column[m]] = -1.0
    if square >= 0:
        cost[square], lower[square] = 1.0, 0.0
    own = csr_array(hstack([program.matrix, csr_array((rows, width - n))]))
    matrix = csr_array(vstack([own, csr_array(above)])) if priced else own
    names = [f"x[{j}]" for j in range(n)] + ["one"] + [f"cvar[{program.names[m]}]" for m in priced]
    names += ["quadratic"] if square >= 0 else []
    decisions = np.arange(width, dtype=np.int32)
    linear = LinearProgram(
        matrix=matrix,
        cost=cost,
        offset=program.constant,
        maximise=False,
        value=np.zeros(width),
        value_offset=0.0,
        row_lower=np.append(program.row_lower, np.full(len(priced), -np.inf)),
        row_upper=np.append(program.row_upper, np.zeros(len(priced))),
        col_lower=lower,
        col_upper=upper,
        decisions=decisions,
        row_names=tuple([f"row[{i}]" for i in range(rows)] + [f"mean[{program.names[m]}]" for m in priced]),
        column_names=tuple(names),
        bound_rules=("",) * width,
        rules={},
        name="CVaR program",
        unit="",
    )
    tables = matrix_losses([part.width for part in program.parts])
    risks = []
    for m, (table, part) in enumerate(zip(tables, program.parts, strict=True)):
        at = list(range(n)) + ([n] if part.offset is not None else []) + ([column[m]] if m in column else [])
        entry = list(range(n)) + ([n] if part.offset is not None else []) + ([n + 1] if m in column else [])
        sign = [-1.0] * (len(at) - (m in column)) + [1.0] * (m in column)
        exposure = csr_array((sign, (entry, at)), shape=(part.entries, width))
        limit = 0.0 if m in column else program.limits[m]
        risks.append(RiskLimit(program.names[m], table, exposure, program.levels[m], limit))
    tails = tuple(column.get(m, -1) for m in range(len(program.parts)))
    return Lowered(linear, tuple(risks), ScenarioMatrix(program.parts), tails, square)


def not_finite(part: Part, name: str) -> str:
    """Which loss is not finite, in words."""
    for low in range(0, part.values.shape[0], 4096):
        bad = np.argwhere(~np.isfinite(part.values[low : low + 4096]))
        if bad.size:
            i, j = int(bad[0][0]) + low, int(bad[0][1])
            return f"term '{name}': losses[{i}, {j}] is {part.values[i, j]}; it must be finite"
    return f"term '{name}': the mean loss overflows; scale the losses"
