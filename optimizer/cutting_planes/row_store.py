"""All rows of a linear program that grows by dense rows, whether its solver holds them at present or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from ..arrays import FloatArray

IndexArray = NDArray[np.int64]


class RowStore:
    """lower <= A x <= upper: first the rows of a sparse matrix, then those added, in the order in which they came.

    Attributes:
        base: number of the matrix's rows.
        lower, upper: (rows,). size: (rows,) Euclidean norm of each row's coefficients, 1 where it has none.
        length: (rows,) number of each row's coefficients.
    """

    def __init__(self, matrix: csr_array, lower: FloatArray, upper: FloatArray) -> None:
        self.base, self.columns = matrix.shape
        self._matrix = csr_array(matrix)
        self._by_column = csc_array(matrix)
        self._turned = self._by_column.T
        self._added: FloatArray = np.empty((0, self.columns))
        self.lower, self.upper = np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64)
        self.size: FloatArray = _sizes(np.sqrt(self._matrix.power(2).sum(axis=1)))
        self.length: IndexArray = np.diff(self._matrix.indptr).astype(np.int64)

    @property
    def count(self) -> int:
        return int(self.lower.size)

    def add(self, lower: float, upper: float, index: NDArray[np.int32], value: FloatArray) -> None:
        here = self.count - self.base
        if here == self._added.shape[0]:  # doubled, so that adding rows one by one copies each a few times at most
            self._added = np.concatenate((self._added, np.empty((max(16, here), self.columns))))
        self._added[here] = 0.0
        self._added[here, index] = value
        self.lower, self.upper = np.append(self.lower, lower), np.append(self.upper, upper)
        self.size = np.append(self.size, _sizes(np.sqrt(np.square(value).sum(keepdims=True))))
        self.length = np.append(self.length, index.size)

    def delete(self, rows: Sequence[int]) -> None:
        """Delete some of the rows added."""
        stay = np.ones(self.count, dtype=np.bool_)
        stay[np.asarray(rows, dtype=np.int64)] = False
        self._added = self._added[: self.count - self.base][stay[self.base :]]
        self.lower, self.upper, self.size = self.lower[stay], self.upper[stay], self.size[stay]
        self.length = self.length[stay]

    def activity(self, rows: IndexArray, x: FloatArray) -> FloatArray:
        """(rows,) values of some rows at x."""
        out = np.empty(rows.size)
        own = rows < self.base
        if own.any():
            out[own] = (self._matrix @ x)[rows[own]]
        if not own.all():
            # einsum's sums do not depend on the number of threads, as those of a matrix product may
            added = self._added[: self.count - self.base]
            out[~own] = np.einsum("ij,j->i", added, x)[rows[~own] - self.base]
        return out

    def combined(self, weights: FloatArray) -> FloatArray:
        """(columns,) the rows' coefficients, each times its weight of (rows,), added up."""
        out: FloatArray = self._turned @ weights[: self.base]
        for i in np.flatnonzero(weights[self.base :]):
            out += weights[self.base + i] * self._added[i]
        return out

    def row(self, row: int, columns: IndexArray) -> tuple[NDArray[np.int32], FloatArray]:
        """Places among `columns` where a row is not zero, and the coefficients there."""
        if row >= self.base:
            values = self._added[row - self.base, columns]
        else:
            values = np.zeros(self.columns)
            first, last = self._matrix.indptr[row : row + 2]
            values[self._matrix.indices[first:last]] = self._matrix.data[first:last]
            values = values[columns]
        index = np.flatnonzero(values)
        return index.astype(np.int32), values[index]

    def part(self, rows: IndexArray, columns: IndexArray) -> csc_array:
        """(rows, columns) the coefficients of some rows in some columns."""
        base = csr_array(self._by_column[:, columns])
        added = csr_array(self._added[: self.count - self.base][:, columns])
        return csc_array(vstack([base, added], format="csr")[rows])


def _sizes(norms: FloatArray) -> FloatArray:
    return np.where(norms > 0.0, norms, 1.0)
