"""Mixed-integer programs through HiGHS: against SciPy's, with limits that no clock decides, and in silence."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.highs import LpStatus, Model, solve_whole
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

Knapsack = tuple[np.ndarray, sp.csr_array, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], np.ndarray]


def knapsack(seed: int, columns: int = 12, rows: int = 4) -> Knapsack:
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 30, (rows, columns)).astype(float)
    cost = -weights.sum(axis=0) - rng.integers(0, 5, columns)
    high = np.floor(0.5 * weights.sum(axis=1))
    whole = np.arange(columns) % 3 > 0
    return cost, sp.csr_array(weights), (np.full(rows, -np.inf), high), (np.zeros(columns), np.ones(columns)), whole


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_best_is_that_of_scipy(seed: int) -> None:
    cost, matrix, rows, columns, whole = knapsack(seed)
    found = solve_whole(cost, matrix, rows, columns, whole, 1e-9, 100_000)
    true = milp(
        cost, integrality=whole.astype(int), bounds=Bounds(*columns), constraints=LinearConstraint(matrix, *rows),
        options={"mip_rel_gap": 1e-9},
    )  # fmt: skip
    assert found.status is LpStatus.OPTIMAL
    assert found.objective == pytest.approx(true.fun, rel=1e-7)
    assert np.abs(found.x[whole] - np.round(found.x[whole])).max() < 1e-6


def test_nodes_not_seconds_end_the_search_and_the_same_call_gives_the_same_point() -> None:
    hard = knapsack(5, 60, 10)
    one, other = (solve_whole(*hard, 1e-9, 50) for _ in range(2))
    assert one.status is LpStatus.OPTIMAL
    assert one.x.size == 60
    np.testing.assert_array_equal(one.x, other.x)


def test_no_point_no_time_and_a_request() -> None:
    cost, matrix, (low, high), columns, whole = knapsack(1)
    nothing = solve_whole(cost, matrix, (high + 1e3, high + 2e3), columns, whole, 1e-9, 100)
    assert nothing.status is LpStatus.INFEASIBLE
    assert solve_whole(cost, matrix, (low, high), columns, whole, 1e-9, 100, 0.0).status is LpStatus.OUT_OF_TIME
    stops.request("enough")
    try:
        with pytest.raises(stops.Interrupted, match="enough"):
            solve_whole(cost, matrix, (low, high), columns, whole, 1e-9, 100)
    finally:
        stops.clear()


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Not even HiGHS's banner, which goes to C's standard output."""
    cost, matrix, rows, columns, whole = knapsack(2)
    solve_whole(cost, matrix, rows, columns, whole, 1e-9, 100)
    Model(cost, matrix, *rows, *columns).solve()
    assert capfd.readouterr() == ("", "")
