"""Automatic scaling of the linear program by powers of two, so that no digit is lost, and a report of what it did.

Geometric scaling: rows and columns are divided in turn by the geometric mean of their smallest and largest coefficient
(Tomlin, On scaling linear programming problems, 1975, https://doi.org/10.1007/BFb0120718).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from ...models.program import LinearProgram
from ..arrays import FloatArray

PASSES = 6
LARGEST_EXPONENT = 40.0


@dataclass(frozen=True)
class Range:
    """Smallest and largest magnitude of the nonzero, finite numbers of one kind; both 0 if there are none."""

    smallest: float
    largest: float

    @property
    def decades(self) -> float:
        return float(np.log10(self.largest / self.smallest)) if self.smallest > 0.0 else 0.0


@dataclass(frozen=True)
class ScalingReport:
    """Coefficient ranges before and after, by kind: matrix, cost, bounds, right-hand sides."""

    before: dict[str, Range]
    after: dict[str, Range]


@dataclass(frozen=True)
class Scaling:
    """x = columns * x_scaled; row i of the scaled matrix is rows[i] times the original; cost is multiplied by
    `cost`.
    """

    rows: FloatArray
    columns: FloatArray
    cost: float
    report: ScalingReport


def scale(program: LinearProgram) -> Scaling:
    """Powers of two that bring the coefficients of `program` close to 1. The cost takes part as one more row."""
    matrix = csr_array(program.matrix)
    count, width = matrix.shape
    full = csr_array(vstack([matrix, csr_array(program.cost[None, :])]))
    full.eliminate_zeros()
    size = csr_array((np.abs(full.data), full.indices, full.indptr), shape=full.shape)
    row_of = np.repeat(np.arange(count + 1), np.diff(size.indptr))
    column_of = size.indices
    rows, columns = np.zeros(count + 1), np.zeros(width)
    log = np.log2(size.data) if size.data.size else np.zeros(0)
    for _ in range(PASSES):
        rows = -_middle(log + columns[column_of], row_of, count + 1)
        columns = -_middle(log + rows[row_of], column_of, width)
    row_scale, column_scale = _power(rows), _power(columns)
    scaled = csr_array(
        (
            matrix.data * row_scale[:count][_rows_of(matrix)] * column_scale[matrix.indices],
            matrix.indices,
            matrix.indptr,
        ),
        shape=matrix.shape,
    )
    cost_scale = float(row_scale[count])
    after = {
        "matrix": _range(scaled.data),
        "cost": _range(program.cost * column_scale * cost_scale),
        "bounds": _range(program.col_lower / column_scale, program.col_upper / column_scale),
        "right-hand sides": _range(program.row_lower * row_scale[:count], program.row_upper * row_scale[:count]),
    }
    before = {
        "matrix": _range(matrix.data),
        "cost": _range(program.cost),
        "bounds": _range(program.col_lower, program.col_upper),
        "right-hand sides": _range(program.row_lower, program.row_upper),
    }
    return Scaling(row_scale[:count], column_scale, cost_scale, ScalingReport(before, after))


def apply(scaling: Scaling, matrix: csr_array) -> csr_array:
    """(rows, columns) the scaled matrix."""
    data = matrix.data * scaling.rows[_rows_of(matrix)] * scaling.columns[matrix.indices]
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def power_of_two(size: float) -> float:
    """The power of two nearest to `size` > 0."""
    return float(np.exp2(np.clip(np.round(np.log2(size)), -LARGEST_EXPONENT, LARGEST_EXPONENT)))


def _rows_of(matrix: csr_array) -> NDArray[np.int64]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _middle(log: FloatArray, group: NDArray[np.int64], count: int) -> FloatArray:
    """Half the sum of the smallest and the largest logarithm in each group; 0 for an empty one."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, group, log)
    np.maximum.at(high, group, log)
    empty = low > high
    return np.where(empty, 0.0, 0.5 * (np.where(empty, 0.0, low) + np.where(empty, 0.0, high)))


def _power(log: FloatArray) -> FloatArray:
    return np.exp2(np.clip(np.round(log), -LARGEST_EXPONENT, LARGEST_EXPONENT))


def _range(*arrays: FloatArray) -> Range:
    size = np.abs(np.concatenate([np.asarray(a, dtype=np.float64).ravel() for a in arrays]))
    size = size[np.isfinite(size) & (size > 0.0)]
    return Range(float(size.min()), float(size.max())) if size.size else Range(0.0, 0.0)
