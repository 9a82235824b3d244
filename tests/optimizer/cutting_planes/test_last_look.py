"""Bounds by weak duality, and the last look at a plan: what breaks a row, or is better than its bound, is no plan."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes.final_check import crossed, faults
from capmix.optimizer.cutting_planes.master import Master, Point
from capmix.optimizer.cutting_planes.progress import Monitor
from capmix.optimizer.cutting_planes.search import Settings, SolverError, maximise
from capmix.optimizer.cutting_planes.sifting import Sifted
from capmix.optimizer.cutting_planes.solution import Status
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from .test_plans import optimum
from .toy import Toy, toy

BACKEND = get_backend("numpy")


@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([0.0, 1e-9, 1e-3, 1.0]))
def test_any_multipliers_prove_a_bound(seed: int, noise: float) -> None:
    """Against the optimum of SciPy's own HiGHS; the duals that the solver found prove it exactly."""
    rng = np.random.default_rng(seed)
    rows, columns = 6, 9
    matrix = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < 0.6)
    inside = rng.uniform(0.0, 2.0, columns)
    lower, upper = matrix @ inside - rng.uniform(0.0, 1.0, rows), matrix @ inside + rng.uniform(0.0, 1.0, rows)
    lower[:2], upper[2:4] = -np.inf, np.inf
    cost = rng.normal(size=columns)
    high = inside + rng.uniform(0.0, 3.0, columns)
    solver = Sifted(cost, sp.csr_array(matrix), lower, upper, np.zeros(columns), high)
    result = solver.solve()
    ends = [(0.0, float(h)) for h in high]
    a = np.vstack([matrix[np.isfinite(upper)], -matrix[np.isfinite(lower)]])
    b = np.concatenate([upper[np.isfinite(upper)], -lower[np.isfinite(lower)]])
    true = linprog(cost, a, b, bounds=ends, method="highs").fun
    assert solver.proven(result, columns) == pytest.approx(true, abs=1e-7)
    moved = dataclasses.replace(result, row_dual=result.row_dual + noise * rng.normal(size=rows))
    assert solver.proven(moved, columns) <= true + 1e-9


def lying(monkeypatch: pytest.MonkeyPatch, times: int, share: float) -> list[float]:
    """The master claims bounds that are too low by a share of themselves, `times` times."""
    honest, told = Master.solve, []

    def solve(self: Master) -> Point:
        point = honest(self)
        if self._proving and len(told) < times:
            told.append(point.bound)
            return dataclasses.replace(point, bound=point.bound - share * abs(point.bound))
        return point

    monkeypatch.setattr(Master, "solve", solve)
    return told


def test_crossed_bounds_are_never_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = toy(count=500)
    told = lying(monkeypatch, 1_000, 0.05)
    with pytest.raises(SolverError, match=r"more than the bound of .* that the solver proves"):
        maximise(plan.program, plan.risks, BACKEND, plan.store)
    assert told


def test_bounds_that_crossed_once_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = toy(count=500)
    right = optimum(plan)
    lying(monkeypatch, 1, 0.05)
    found = maximise(plan.program, plan.risks, BACKEND, plan.store, Settings(polish=False))
    assert found.upper >= right - 1e-9 * abs(right)
    assert found.status is Status.STOPPED or found.objective == pytest.approx(right, rel=1e-5)


@pytest.mark.parametrize(("objective", "upper", "wrong"), [(1.0, 1.0, False), (1.0, 1.0 - 1e-9, False),
    (1.0, 1.0 - 1e-6, True), (-5.0, -6.0, True), (0.0, -1.0, True), (0.0, 1.0, False)])  # fmt: skip
def test_what_counts_as_crossed(objective: float, upper: float, wrong: bool) -> None:
    assert crossed(objective, upper) is wrong


def judged(plan: Toy, x: np.ndarray, values: np.ndarray) -> list[str]:
    ones = np.ones(len(plan.risks))
    return faults(plan.program, plan.risks, ones, np.ones(x.size), x, values)


def test_the_last_look_names_what_is_broken() -> None:
    plan = toy(count=500)
    found = maximise(plan.program, plan.risks, BACKEND, plan.store)
    x, values = found.columns, np.array([r.value for r in found.risks])
    assert x is not None
    assert judged(plan, x, values) == []
    rounded = np.clip(x, plan.program.col_lower + 1e-15, plan.program.col_upper - 1e-15)  # as mixtures of plans are
    assert judged(plan, rounded, values) == []
    beyond = x.copy()
    beyond[0] = plan.program.col_lower[0] - 1.0
    assert "outside" in judged(plan, beyond, values)[0]
    assert any(plan.risks[0].name in line for line in judged(plan, x, values + 1e-3))
    row = int(np.argmax(np.diff(plan.program.matrix.indptr)))
    tighter = plan.program.row_upper.copy()
    value = float((plan.program.matrix @ x)[row])
    tighter[row] = value - 1e-3 * max(1.0, abs(value))
    low = np.minimum(plan.program.row_lower, tighter)
    narrowed = dataclasses.replace(plan, program=dataclasses.replace(plan.program, row_upper=tighter, row_lower=low))
    assert plan.program.row_names[row] in judged(narrowed, x, values)[0]
    nowhere = x.copy()
    nowhere[1] = np.nan
    assert "no number" in judged(plan, nowhere, values)[0]


def test_rounding_of_huge_terms_breaks_no_row() -> None:
    """1e12 + 1 - 1e12 in floating point is off by 1e-4 of one: rounding, not a fault of the plan."""
    plan = toy(count=500)
    program = dataclasses.replace(
        plan.program, matrix=sp.csr_array([[1.0, 1.0, -1.0]]), cost=np.zeros(3), value=np.zeros(3),
        row_lower=np.zeros(1), row_upper=np.zeros(1), col_lower=np.zeros(3), col_upper=np.full(3, np.inf),
        decisions=np.arange(3, dtype=np.int32), row_names=("pool[0]",), column_names=("a", "b", "c"),
        bound_rules=("", "", ""),
    )  # fmt: skip
    master = Master(program, (), Monitor(None, None, 1e-5, 1.0))
    assert master.worst_row(np.array([1e12, 1.0, 1e12 + 1.0 + 1e-3]))[0] < 1e-6
    assert master.worst_row(np.array([1.0, 1.0, 2.001]))[0] > 1e-6
