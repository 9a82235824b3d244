"""Correlation matrices: refused where none, with the nearest valid one offered."""

from __future__ import annotations

import re
import tomllib

import numpy as np
import pytest
from capmix.models.reading.correlation import nearest_correlation, presentable

START = "matrix = [\n  [1.00, -0.20, 0.00, 0.00],"


def test_higham_2002_example():
    """Section 4 of the paper: the tridiagonal matrix of ones, its nearest correlation matrix to four digits."""
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    expected = [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    np.testing.assert_allclose(nearest_correlation(matrix), expected, atol=5e-5)


@pytest.mark.parametrize("seed", range(5))
def test_nearest_matrix_is_optimal(seed):
    """Optimality of the projection: X - A = diagonal + Z with Z positive semidefinite and Z X = 0."""
    rng = np.random.default_rng(seed)
    half = np.triu(rng.uniform(-1, 1, (6, 6)), 1)
    matrix = half + half.T + np.eye(6)
    near = nearest_correlation(matrix, tolerance=1e-13, most=100_000)
    np.testing.assert_allclose(np.diag(near), 1.0)
    assert np.linalg.eigvalsh(near)[0] > -1e-7
    values, vectors = np.linalg.eigh(near)
    null = vectors[:, values < 1e-6]
    assert null.shape[1] > 0
    # (X - A + D) X = 0 fixes the diagonal D: one linear equation per entry
    gap = near - matrix
    diagonal = np.linalg.lstsq(
        np.vstack([np.diag(near[:, j]) for j in range(6)]), -np.concatenate(list((gap @ near).T)), rcond=None
    )[0]
    dual = gap + np.diag(diagonal)
    assert np.linalg.eigvalsh(dual)[0] > -1e-5
    assert np.abs(dual @ near).max() < 1e-5


def test_a_valid_matrix_stays():
    matrix = np.array([[1.0, 0.3], [0.3, 1.0]])
    np.testing.assert_allclose(nearest_correlation(matrix), matrix, atol=1e-12)


@pytest.mark.parametrize("size", [3, 10, 25])
def test_what_is_offered_is_valid_after_rounding(size):
    rng = np.random.default_rng(size)
    half = np.triu(rng.uniform(-1, 1, (size, size)), 1)
    offered = presentable(half + half.T + np.eye(size))
    assert np.array_equal(offered, np.round(offered, 4))
    assert np.array_equal(offered, offered.T)
    assert np.linalg.eigvalsh(offered)[0] > 0


def test_not_semidefinite_offers_a_matrix_that_loads(case):
    case.replace(START, "matrix = [\n  [1.00, -0.20, 0.9, 0.9],")
    case.replace("[-0.20, 1.00, -0.30, -0.20],", "[-0.20, 1.00, 0.9, -0.20],").replace(
        "[0.00, -0.30, 1.00, 0.30]", "[0.9, 0.9, 1.00, -0.9]"
    )
    case.replace("[0.00, -0.20, 0.30, 1.00]", "[0.9, -0.20, -0.9, 1.00]")
    fault = case.fault()
    assert fault.key == "correlation.matrix"
    assert fault.line == case.line("matrix = [")
    assert "positive semidefinite" in fault.allowed
    offered = re.search(r"matrix = \[\[.*\]\]", fault.cure)
    assert offered is not None
    rows = tomllib.loads(offered[0])["matrix"]
    case.text = re.sub(r"matrix = \[\n.*?\n\]", offered[0], case.text, flags=re.DOTALL)
    assert case.load().correlation.matrix == tuple(tuple(float(x) for x in row) for row in rows)


@pytest.mark.parametrize(
    "row, key, words",
    [
        ("[1.00, -0.30, 0.00, 0.00]", "matrix[2][1]", "the other way round -0.3"),
        ("[0.99, -0.20, 0.00, 0.00]", "matrix[1][1]", "by 1"),
        ("[1.00, -1.20, 0.00, 0.00]", "matrix[1][2]", "from -1 to 1"),
        ("[1.00, -0.20, 0.00]", "matrix", "4 rows of 4"),
    ],
)
def test_wrong_matrix(case, row, key, words):
    fault = case.replace(START, f"matrix = [\n  {row},").fault()
    assert fault.key == f"correlation.{key}"
    assert words in f"{fault.allowed} {fault.cure}"


def test_repeated_and_deterministic_drivers(case):
    case.append('[[driver]]\nid = "known"\nprocess = "deterministic"\npath = 1.0\n')
    case.replace(
        'drivers = ["sofr", "hy_spread", "rental", "lab_alive"]', 'drivers = ["sofr", "sofr", "known", "lab_alive"]'
    )
    assert [f.key for f in case.faults()] == ["correlation.drivers[2]", "correlation.drivers[3]"]
