"""A CVaR program over explicit scenario matrices, as the user states it, and its form for the loop.

    minimise  cost'x + x' quadratic x / 2 + sum_m price_m CVaR_m(losses_m x + offset_m)
    such that CVaR_m <= limit_m where given, row_lower <= matrix x <= row_upper, lower <= x <= upper

It is a plan with one period in which every decision has a price column of its own. A priced CVaR becomes a column z_m
that is not below it, and not below the mean loss either, which CVaR never is; the quadratic becomes a column as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, hstack, issparse, vstack

from ..kernels.matrix import Part, ScenarioMatrix, matrix_losses
from ..kernels.matrix_backend import MatrixBackend
from ..models.program import LinearProgram
from .blas import one_thread
from .solution import RiskLimit

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CvarTerm:
    """The CVaR of losses @ x + offset.

    Attributes:
        losses: (S, n) loss of each scenario per unit of each decision: NumPy, CuPy or nested lists. Contiguous single
            and double precision are used where they lie; all sums are in double.
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

    names, levels, limits (inf: none), prices: per term. weights: (S,) with a mean of 1, or None.
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


def checked(program: CvarProgram) -> Checked:
    """Raise ValueError that names every fault of the program at once."""
    faults: list[str] = []
    cost = _vector(faults, "cost", program.cost, None)
    n = cost.size
    if n == 0:
        faults.append("cost: it has no entries; give one number per decision")
    lower = _vector(faults, "lower", -np.inf if program.lower is None else program.lower, n, infinite=True)
    upper = _vector(faults, "upper", np.inf if program.upper is None else program.upper, n, infinite=True)
    matrix = _matrix(faults, program.matrix, n)
    rows = matrix.shape[0]
    row_lower = _vector(faults, "row_lower", _or(program.row_lower, -np.inf), rows, infinite=True)
    row_upper = _vector(faults, "row_upper", _or(program.row_upper, np.inf), rows, infinite=True)
    _crossed(faults, "lower", lower, "upper", upper)
    _crossed(faults, "row_lower", row_lower, "row_upper", row_upper)
    if program.matrix is None and (program.row_lower is not None or program.row_upper is not None):
        faults.append("row_lower, row_upper: there is no matrix that they bound")
    quadratic = _quadratic(faults, program.quadratic, n)
    if not program.tails:
        faults.append("tails: there is none; without a CVaR the program needs no capmix")
    parts, count = [], -1
    for i, term in enumerate(program.tails):
        where = f"tails[{i}]" + (f" '{term.name}'" if term.name else "")
        part = _part(faults, where, term, n)
        if part is not None and count not in (-1, part.values.shape[0]):
            faults.append(f"{where}: {part.values.shape[0]} scenarios, but the terms before have {count}")
        if part is not None:
            count = part.values.shape[0]
            parts.append(part)
        if not (isinstance(term.level, int | float | np.floating) and 0.0 < term.level < 1.0):
            faults.append(f"{where}.level is {term.level}; it must lie strictly between 0 and 1")
        if term.limit is not None and not math.isfinite(term.limit):
            faults.append(f"{where}.limit is {term.limit}; it must be finite, or None for no limit")
        if not (math.isfinite(term.price) and term.price >= 0.0):
            faults.append(f"{where}.price is {term.price}; it must be finite and not negative")
        if term.limit is None and term.price == 0.0:
            faults.append(f"{where}: it has neither a limit nor a price, so it would change nothing")
    weights = None
    if program.weights is not None:
        weights = _vector(faults, "weights", to_host(program.weights), count if count > 0 else None)
        if (weights < 0.0).any() or not weights.any():
            faults.append("weights: they must not be negative, and not all 0")
    if faults:
        raise ValueError("the CVaR program has faults:\n  " + "\n  ".join(faults))
    if weights is not None:
        weights = weights * (weights.size / float(weights.sum()))
    tails = program.tails
    return Checked(
        cost=cost,
        quadratic=quadratic,
        parts=tuple(parts),
        names=tuple(t.name or f"tails[{i}]" for i, t in enumerate(tails)),
        levels=tuple(float(t.level) for t in tails),
        limits=tuple(math.inf if t.limit is None else float(t.limit) for t in tails),
        prices=tuple(float(t.price) for t in tails),
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        lower=lower,
        upper=upper,
        weights=weights,
    )


def means(program: Checked, backend: MatrixBackend) -> list[tuple[FloatArray, float]]:
    """Per term the mean loss as (gradient, constant). ValueError that names a number which is not finite."""
    count = program.count
    each = np.full(count, 1.0 / count) if program.weights is None else program.weights / count
    found = []
    for part, name in zip(program.parts, program.names, strict=True):
        gradient = backend.weighted(part, np.arange(count), each)
        constant = 0.0 if part.offset is None else float(np.sum(each * part.offset))
        if not (np.isfinite(gradient).all() and math.isfinite(constant)):
            raise ValueError(_not_finite(part, name))
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
        offset=0.0,
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


def to_host(values: Any) -> Any:
    """CuPy arrays as NumPy arrays; anything else as it is."""
    return values.get() if hasattr(values, "__cuda_array_interface__") and hasattr(values, "get") else values


def _or(value: ArrayLike | None, default: float) -> ArrayLike:
    return default if value is None else value


def _vector(faults: list[str], name: str, value: Any, size: int | None, infinite: bool = False) -> FloatArray:
    try:
        array = np.asarray(to_host(value), dtype=np.float64)
    except (TypeError, ValueError):
        faults.append(f"{name}: it is not a list of numbers")
        return np.zeros(size or 0)
    if array.ndim == 0 and size is not None:
        array = np.full(size, float(array))
    if array.ndim != 1 or (size is not None and array.size != size):
        faults.append(f"{name} has the shape {array.shape}; it must be ({size if size is not None else 'n'},)")
        return np.zeros(size or 0)
    bad = np.isnan(array) if infinite else ~np.isfinite(array)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        faults.append(f"{name}[{i}] is {array[i]}; it must be {'a number' if infinite else 'finite'}")
        return np.where(bad, 0.0, array)
    return np.ascontiguousarray(array)


def _crossed(faults: list[str], low_name: str, low: FloatArray, high_name: str, high: FloatArray) -> None:
    wrong = (low > high) | (low == np.inf) | (high == -np.inf)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        faults.append(f"{low_name}[{i}] is {low[i]} and {high_name}[{i}] is {high[i]}; no number lies between them")


def _matrix(faults: list[str], matrix: Any, n: int) -> csr_array:
    if matrix is None:
        return csr_array((0, n))
    try:
        found = csr_array(to_host(matrix), dtype=np.float64)
    except (TypeError, ValueError):
        faults.append("matrix: it is not a matrix of numbers")
        return csr_array((0, n))
    if found.ndim != 2 or found.shape[1] != n:
        faults.append(f"matrix has the shape {found.shape}; it must be (rows, {n})")
        return csr_array((0, n))
    if not np.isfinite(found.data).all():
        faults.append("matrix: it holds a number that is not finite")
    return found


def _quadratic(faults: list[str], quadratic: Any, n: int) -> FloatArray | None:
    if quadratic is None:
        return None
    given = to_host(quadratic)
    q = np.asarray(given.toarray() if issparse(given) else given, dtype=np.float64)
    if q.shape != (n, n):
        faults.append(f"quadratic has the shape {q.shape}; it must be ({n}, {n})")
        return None
    if not np.isfinite(q).all():
        faults.append("quadratic: it holds a number that is not finite")
        return None
    size = float(np.abs(q).max(initial=0.0))
    if float(np.abs(q - q.T).max(initial=0.0)) > 1e-12 * size:
        faults.append("quadratic is not symmetric; give (Q + Q') / 2, which has the same value")
        return None
    if size == 0.0:
        return None
    try:
        with one_thread():
            np.linalg.cholesky(q + 1e-9 * size * n * np.eye(n))
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(q)[0])
        faults.append(
            f"quadratic has the eigenvalue {least:.3g}; it must be positive semidefinite, or nothing is convex"
        )
        return None
    return q


def _part(faults: list[str], where: str, term: CvarTerm, n: int) -> Part | None:
    try:
        values = np.asarray(to_host(term.losses))
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
    except (TypeError, ValueError):
        faults.append(f"{where}.losses: it is not a matrix of numbers")
        return None
    if values.ndim != 2 or values.shape[0] == 0 or values.shape[1] != n:
        faults.append(f"{where}.losses has the shape {values.shape}; it must be (scenarios, {n})")
        return None
    offset = None
    if term.offset is not None:
        offset = _vector(faults, f"{where}.offset", term.offset, values.shape[0])
    return Part(np.ascontiguousarray(values), offset)


def _not_finite(part: Part, name: str) -> str:
    for low in range(0, part.values.shape[0], 4096):
        bad = np.argwhere(~np.isfinite(part.values[low : low + 4096]))
        if bad.size:
            i, j = int(bad[0][0]) + low, int(bad[0][1])
            return f"term '{name}': losses[{i}, {j}] is {part.values[i, j]}; it must be finite"
    return f"term '{name}': the mean loss overflows; scale the losses"
