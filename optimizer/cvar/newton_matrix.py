"""The Newton matrix of the interior point: H over the decisions, bordered by the few other unknowns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lu_solve
from scipy.linalg.lapack import dgetrf
from scipy.sparse import csr_array

from ..arrays import FloatArray

Gram = Callable[[FloatArray, FloatArray], FloatArray]  # (values (r, n), weights (r,)) -> values' diag(weights) values
Weighted = Sequence[tuple[FloatArray, FloatArray]]

REGULAR = 1e-13  # of the largest diagonal element, added to it
REFINE = 2  # steps of iterative refinement at most
REFINED = 1e-12  # of the right-hand side: a residual that needs none
FEW_ROWS = 0.7  # of the columns: below it H is factored through its rows


class Bounds:
    """Inequalities C x - s = d, s >= 0, with multipliers y: lower and upper bounds of columns, then of rows."""

    def __init__(
        self, lower: FloatArray, upper: FloatArray, matrix: csr_array, row_lower: FloatArray, row_upper: FloatArray
    ) -> None:
        self.low, self.high = np.flatnonzero(np.isfinite(lower)), np.flatnonzero(np.isfinite(upper))
        self.under, self.over = np.flatnonzero(np.isfinite(row_lower)), np.flatnonzero(np.isfinite(row_upper))
        self.matrix = matrix
        self.everywhere = bool((np.isfinite(lower) | np.isfinite(upper)).all())
        self.d = np.concatenate((lower[self.low], -upper[self.high], row_lower[self.under], -row_upper[self.over]))

    def apply(self, x: FloatArray) -> FloatArray:
        """C x."""
        rows = self.matrix @ x
        return np.concatenate((x[self.low], -x[self.high], rows[self.under], -rows[self.over]))

    def back(self, y: FloatArray) -> FloatArray:
        """C' y."""
        low, high, _, _ = self._parts(y)
        out = np.asarray(self.matrix.T @ self.rows(y), dtype=np.float64)
        out[self.low] += low
        out[self.high] -= high
        return out

    def rows(self, y: FloatArray) -> FloatArray:
        """(rows,) multipliers of the lower bounds of rows less those of the upper ones."""
        _, _, under, over = self._parts(y)
        out = np.zeros(self.matrix.shape[0])
        out[self.under] += under
        out[self.over] -= over
        return out

    def square(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """C' diag(y) C as a diagonal (n,) and rows R (m, n), of which it is the sum of R'R."""
        low, high, under, over = self._parts(y)
        diagonal, rows = np.zeros(self.matrix.shape[1]), np.zeros(self.matrix.shape[0])
        diagonal[self.low] += low
        diagonal[self.high] += high
        rows[self.under] += under
        rows[self.over] += over
        return diagonal, np.asarray((self.matrix * np.sqrt(rows)[:, None]).toarray())

    def _parts(self, y: FloatArray) -> list[FloatArray]:
        return np.split(y, np.cumsum([self.low.size, self.high.size, self.under.size]))


class Square:
    """H = quadratic + C' diag(y) C + sum of V' D V, as an (n, n) matrix, by Cholesky."""

    def __init__(
        self, bounds: Bounds, y: FloatArray, terms: Weighted, quadratic: FloatArray | None, gram: Gram
    ) -> None:
        diagonal, rows = bounds.square(y)
        # each array of this size is dear to allocate: one for H, one for its factor
        parts = [gram(values, weights) for values, weights in terms if weights.size]
        h = parts[0] if parts else np.zeros((diagonal.size, diagonal.size))
        for part in parts[1:]:
            h += part
        if quadratic is not None:
            h += quadratic
        if rows.shape[0]:
            h += rows.T @ rows
        h[np.diag_indices_from(h)] += diagonal
        self._h = h
        regular = h.copy()
        regular[np.diag_indices_from(regular)] += REGULAR * max(float(h.diagonal().max(initial=0.0)), 1e-300)
        # H is symmetric: its transpose has the order that LAPACK wants, and is factored in place
        self._factor = cho_factor(regular.T, lower=True, overwrite_a=True, check_finite=False)

    def times(self, x: FloatArray) -> FloatArray:
        return np.asarray(self._h @ x)

    def solve(self, right: FloatArray) -> FloatArray:
        return np.asarray(cho_solve(self._factor, right, check_finite=False))


class Wide:
    """The same H where rows are few, every column has a bound and there is no quadratic: a diagonal and U'U, by the
    Cholesky factor of a (rows, rows) matrix. Sherman, Morrison & Woodbury: Hager 1989, https://doi.org/10.1137/1031049.
    """

    def __init__(self, bounds: Bounds, y: FloatArray, terms: Weighted) -> None:
        self._diagonal, rows = bounds.square(y)
        self._u = np.vstack([rows, *(values * np.sqrt(weights)[:, None] for values, weights in terms)])
        scaled = self._u / np.sqrt(self._diagonal)
        inner = scaled @ scaled.T
        inner[np.diag_indices_from(inner)] += 1.0
        self._factor = cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)

    def times(self, x: FloatArray) -> FloatArray:
        return np.asarray(self._diagonal * x + self._u.T @ (self._u @ x))

    def solve(self, right: FloatArray) -> FloatArray:
        diagonal = self._diagonal if right.ndim == 1 else self._diagonal[:, None]
        first = right / diagonal
        second = cho_solve(self._factor, self._u @ first, check_finite=False)
        return np.asarray(first - (self._u.T @ second) / diagonal)


def normal_matrix(
    bounds: Bounds,
    y: FloatArray,
    terms: Weighted,
    quadratic: FloatArray | None,
    gram: Gram,
    exact: bool = False,
) -> Square | Wide:
    """H in the form that costs less, or where it must be exact in its own. LinAlgError where it is not positive
    definite.
    """
    rows = bounds.matrix.shape[0] + sum(weights.size for _, weights in terms)
    if quadratic is None and not exact and bounds.everywhere and rows < FEW_ROWS * bounds.matrix.shape[1]:
        return Wide(bounds, y, terms)
    return Square(bounds, y, terms, quadratic, gram)


class Bordered:
    """[[H, B], [B', S]], by the Schur complement of H. The last `equal` unknowns of the border are multipliers of
    equalities, which may repeat each other.
    """

    def __init__(self, h: Square | Wide, border: FloatArray, corner: FloatArray, equal: int) -> None:
        self._h, self._border, self._corner = h, border, corner
        self._inner = h.solve(border) if corner.size else border
        self._schur = None
        if corner.size:
            schur = corner - border.T @ self._inner
            if not np.isfinite(schur).all():
                raise FloatingPointError("the Newton matrix is not finite")
            last = np.arange(corner.shape[0] - equal, corner.shape[0])
            schur[last, last] -= REGULAR * (float(np.abs(schur[last, last]).max(initial=0.0)) + 1e-300)
            factor, pivots, info = dgetrf(schur)  # `lu_factor` warns of what is told here by an exception
            if info != 0:
                raise LinAlgError("the Newton matrix is singular")
            self._schur = (factor, pivots)

    def solve(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """FloatingPointError where the solution is not finite."""
        out_x, out_z = self._once(x, z)
        for _ in range(REFINE):
            left_x = x - self._h.times(out_x) - self._border @ out_z
            left_z = z - self._border.T @ out_x - self._corner @ out_z
            if _largest(left_x) <= REFINED * _largest(x) and _largest(left_z) <= REFINED * _largest(z):
                break
            more_x, more_z = self._once(left_x, left_z)
            out_x, out_z = out_x + more_x, out_z + more_z
        if not (np.isfinite(out_x).all() and np.isfinite(out_z).all()):
            raise FloatingPointError("the Newton step is not finite")
        return out_x, out_z

    def _once(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        y = self._h.solve(x)
        if self._schur is None:
            return y, z
        out_z = lu_solve(self._schur, z - self._border.T @ y, check_finite=False)
        return y - self._inner @ out_z, out_z


def _largest(x: FloatArray) -> float:
    return float(np.abs(x).max(initial=0.0))
