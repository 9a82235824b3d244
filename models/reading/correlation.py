"""Correlation matrices: what is wrong with one, and the nearest valid matrix to offer instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import FloatArray

SYMMETRY = 1e-9
NEGATIVE = 1e-10  # eigenvalues down to -NEGATIVE count as 0
MARGIN = 1e-6  # least eigenvalue of the matrix offered
_DECIMALS = 4

Wrong = tuple[tuple[int, ...], Any, str, str]


def correlation_fault(matrix: Sequence[Sequence[float]], names: Sequence[str]) -> Wrong | None:
    """What is first wrong with a correlation matrix: (place, value, allowed, cure); None if it is valid."""
    size = len(names)
    if len(matrix) != size or any(len(row) != size for row in matrix):
        shape = f"{len(matrix)} rows of {sorted({len(row) for row in matrix})} numbers"
        return (), shape, f"{size} rows of {size} numbers, one per driver", "a row and a column per driver"
    for i in range(size):
        if matrix[i][i] != 1.0:
            return (i, i), matrix[i][i], "1 on the diagonal", f"{names[i]} correlates with itself by 1"
        for j in range(i):
            if abs(matrix[i][j] - matrix[j][i]) > SYMMETRY:
                allowed = "a symmetric matrix"
                cure = f"row {names[i]}, column {names[j]} says {matrix[i][j]:g}; the other way round {matrix[j][i]:g}"
                return (i, j), matrix[i][j], allowed, cure
    array = np.array(matrix, dtype=np.float64)
    least = float(np.linalg.eigvalsh(array)[0])
    if least >= -NEGATIVE:
        return None
    allowed = "a positive semidefinite matrix"
    rows = ", ".join("[" + ", ".join(f"{value:g}" for value in row) + "]" for row in presentable(array))
    cure = f"no random variables correlate like this; the nearest valid matrix is matrix = [{rows}]"
    return (), f"least eigenvalue {least:.4g}", allowed, cure


def presentable(matrix: FloatArray) -> FloatArray:
    """The nearest correlation matrix, rounded for print and moved inside until its rounding is valid too."""
    near = nearest_correlation(matrix)
    identity = np.eye(len(near))
    for shrink in (0.0, 1e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2):
        rounded: FloatArray = np.round((1 - shrink) * near + shrink * identity, _DECIMALS) + 0.0
        if np.linalg.eigvalsh(rounded)[0] >= MARGIN:
            return rounded
    return identity


def nearest_correlation(matrix: FloatArray, tolerance: float = 1e-10, most: int = 5000) -> FloatArray:
    """Nearest correlation matrix in the Frobenius norm: alternating projections with Dykstra's correction.

    Source: N. J. Higham, Computing the nearest correlation matrix, IMA J. Numer. Anal. 22 (2002) 329-343,
    algorithm 3.3, https://doi.org/10.1093/imanum/22.3.329.

    Args:
        matrix: (n, n) symmetric, any diagonal.
        tolerance: stop when an iteration changes no entry by more.
        most: iterations at most; what is reached by then is returned.
    """
    y = (matrix + matrix.T) / 2
    correction = np.zeros_like(y)
    for _ in range(most):
        r = y - correction
        values, vectors = np.linalg.eigh(r)
        x = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = x - r
        before, y = y, x.copy()
        np.fill_diagonal(y, 1.0)
        if float(np.abs(y - before).max()) <= tolerance:
            break
    return y
