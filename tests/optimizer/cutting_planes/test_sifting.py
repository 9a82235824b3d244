"""A program on the columns and rows that matter is the whole program: its optimum, status, and duals that prove it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.optimizer.cutting_planes.highs import LpResult, LpStatus, Model, SolverError
from capmix.optimizer.cutting_planes.sifting import Sifted
from hypothesis import given, settings
from hypothesis import strategies as st

COLUMNS, ROWS = 60, 30


def parts(seed: int) -> dict[str, object]:
    """Maximise what few of many boxed columns are worth under packing rows, and a last column that is not boxed."""
    rng = np.random.default_rng(seed)
    matrix = sp.csr_array(np.where(rng.random((ROWS, COLUMNS)) < 0.5, rng.uniform(0.1, 1.0, (ROWS, COLUMNS)), 0.0))
    upper = rng.uniform(0.5, 2.0, COLUMNS)
    lower = np.zeros(COLUMNS)
    lower[-1], upper[-1] = -0.5, math.inf
    return {
        "cost": -rng.uniform(0.0, 1.0, COLUMNS),
        "matrix": matrix,
        "row_lower": np.full(ROWS, -np.inf),
        "row_upper": rng.uniform(1.0, 12.0, ROWS),
        "col_lower": lower,
        "col_upper": upper,
    }


def proves(result: LpResult, model: Sifted, given: dict[str, object], added: list[tuple[float, np.ndarray]]) -> None:
    """Weak duality over every column: the duals alone give the objective as a bound."""
    cost, lower, upper = (np.asarray(given[k], dtype=float) for k in ("cost", "col_lower", "col_upper"))
    matrix = given["matrix"].toarray()  # type: ignore[attr-defined]
    whole = np.vstack([matrix, *(g for _, g in added)]) if added else matrix
    bounds = np.append(np.asarray(given["row_upper"], dtype=float), [b for b, _ in added])
    reduced = cost - whole.T @ result.row_dual
    assert result.column_dual == pytest.approx(reduced, abs=1e-8)
    best = np.where(reduced > 0.0, lower, np.where(np.isfinite(upper), upper, np.where(reduced > -1e-8, 0.0, np.inf)))
    assert (result.row_dual <= 1e-9).all()
    assert result.row_dual @ bounds + reduced @ best == pytest.approx(result.objective, abs=1e-6)
    assert result.x.shape == (model.columns,)
    assert (whole @ result.x <= bounds + 1e-7).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_cuts_costs_and_columns_come_and_go(seed: int) -> None:
    rng = np.random.default_rng(seed + 1)
    data = parts(seed)
    sifted, whole = Sifted(**data), Model(**data)  # type: ignore[arg-type]
    added: list[tuple[float, np.ndarray]] = []
    narrowest, lowest = COLUMNS, 1.0
    for step in range(12):
        mine, other = sifted.solve(), whole.solve()
        assert mine.status is other.status is LpStatus.OPTIMAL
        assert mine.objective == pytest.approx(other.objective, rel=1e-8, abs=1e-8)
        proves(mine, sifted, data, added)
        sifted.narrow()
        columns, rows = sifted.present
        narrowest, lowest = min(narrowest, columns), min(lowest, rows / sifted.rows)
        g = rng.uniform(0.0, 1.0, COLUMNS)
        bound = 0.9 * float(g @ mine.x) + 0.05
        row = (-math.inf, bound, np.arange(COLUMNS, dtype=np.int32), g)
        sifted.add_row(*row)
        whole.add_rows([row])
        added.append((bound, g))
        if step == 5:  # other columns matter now
            data["cost"] = -rng.uniform(0.0, 1.0, COLUMNS)
            sifted.change_cost(data["cost"])  # type: ignore[arg-type]
            whole.change_cost(data["cost"])  # type: ignore[arg-type]
        if step == 8:
            mine = sifted.solve()
            loose = [i for i, basic in enumerate(sifted.basic_rows()) if i >= ROWS and basic]
            sifted.delete_rows(loose)
            whole.delete_rows(loose)
            added = [one for i, one in enumerate(added) if ROWS + i not in loose]
    assert narrowest < COLUMNS
    assert lowest < 1.0


def narrowed() -> Sifted:
    """Minimise x + 2 y + 3 z, x + y + z >= 1: y and z are left out."""
    model = Sifted(
        cost=np.array([1.0, 2.0, 3.0]),
        matrix=sp.csr_array(np.ones((1, 3))),
        row_lower=np.ones(1),
        row_upper=np.full(1, np.inf),
        col_lower=np.zeros(3),
        col_upper=np.full(3, np.inf),
    )
    assert model.solve().x.tolist() == [1.0, 0.0, 0.0]
    model.narrow()
    assert model.present == (1, 1)
    return model


def test_what_is_left_out_comes_back_where_nothing_else_is_feasible() -> None:
    model = narrowed()
    model.change_column_bounds(0, 0.0, 0.4)
    result = model.solve()
    assert result.x == pytest.approx([0.4, 0.6, 0.0])
    assert result.column_dual == pytest.approx([-1.0, 0.0, 1.0])


def test_what_is_left_out_comes_back_with_other_bounds_or_costs() -> None:
    model = narrowed()
    model.change_column_bounds(2, 0.5, 1.0)
    assert model.solve().x == pytest.approx([0.5, 0.0, 0.5])
    model = narrowed()
    model.change_cost(np.array([3.0, 2.0, 1.0]))
    assert model.solve().x == pytest.approx([0.0, 0.0, 1.0])


def test_without_bounds_there_is_a_ray_over_all_columns() -> None:
    model = narrowed()
    model.change_cost(np.array([-1.0, 2.0, 3.0]))
    assert model.solve().status is LpStatus.UNBOUNDED
    assert model.ray() == pytest.approx([1.0, 0.0, 0.0])


def test_infeasible_is_infeasible_with_every_column() -> None:
    model = narrowed()
    model.add_row(-math.inf, -1.0, np.arange(3, dtype=np.int32), np.ones(3))
    assert model.solve().status is LpStatus.INFEASIBLE
    assert model.present == (3, 2)


def without_rows() -> Sifted:
    """Maximise x + y, x + y <= 1, x <= 2 (a row), y <= 3 (a row): both of the latter are left out."""
    model = Sifted(
        cost=-np.ones(2),
        matrix=sp.csr_array(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])),
        row_lower=np.full(3, -np.inf),
        row_upper=np.array([1.0, 2.0, 3.0]),
        col_lower=np.zeros(2),
        col_upper=np.full(2, np.inf),
    )
    assert model.solve().objective == pytest.approx(-1.0)
    model.narrow()
    assert model.present == (2, 1)
    return model


def test_rows_that_are_left_out_come_back_where_they_are_broken() -> None:
    model = without_rows()
    model.change_row_bounds(0, -math.inf, 9.0)
    result = model.solve()
    assert model.present == (2, 3)
    assert result.x == pytest.approx([2.0, 3.0])
    assert result.row_dual == pytest.approx([0.0, -1.0, -1.0])
    assert result.row_value == pytest.approx([5.0, 2.0, 3.0])


def test_rows_that_are_left_out_come_back_with_other_bounds() -> None:
    model = without_rows()
    model.change_row_bounds(1, -math.inf, 0.25)
    model.change_row_bounds(2, -math.inf, 0.25)
    result = model.solve()
    assert result.x == pytest.approx([0.25, 0.25])
    assert result.row_value == pytest.approx([0.5, 0.25, 0.25])


def test_rows_that_are_left_out_come_back_where_nothing_else_holds_the_objective() -> None:
    model = without_rows()
    model.change_row_bounds(0, -math.inf, math.inf)
    assert model.solve().objective == pytest.approx(-5.0)
    model.change_row_bounds(1, -math.inf, math.inf)
    assert model.solve().status is LpStatus.UNBOUNDED
    assert model.present == (2, 3)


def test_rows_that_are_left_out_count_as_basic_and_hold_no_price() -> None:
    model = without_rows()
    model.add_row(-math.inf, 0.75, np.array([0], dtype=np.int32), np.ones(1))
    model.add_row(-math.inf, 50.0, np.array([1], dtype=np.int32), np.ones(1))
    result = model.solve()
    assert model.basic_rows().tolist() == [False, True, True, bool(result.x[0] < 0.75 - 1e-9), True]
    model.narrow()
    assert model.present[1] < 5
    model.delete_rows([4])
    assert model.rows == 4
    basis = model.basis()
    assert basis is not None
    again = without_rows()
    again.add_row(-math.inf, 0.75, np.array([0], dtype=np.int32), np.ones(1))
    again.begin(*basis)
    assert again.present == (2, 4)
    assert again.solve().iterations == 0


def test_one_long_row_is_worth_leaving_out() -> None:
    """Maximise the sum of x where each x <= 1 is a row, and sum x <= 100 one of 16 rows with half of all numbers."""
    model = Sifted(
        cost=-np.ones(15),
        matrix=sp.csr_array(np.vstack([np.eye(15), np.ones(15)])),
        row_lower=np.full(16, -np.inf),
        row_upper=np.append(np.ones(15), 100.0),
        col_lower=np.zeros(15),
        col_upper=np.full(15, np.inf),
    )
    model.solve()
    model.narrow()
    assert model.present == (15, 15)
    model.change_row_bounds(15, -math.inf, 6.0)
    assert model.solve().objective == pytest.approx(-6.0)


def test_columns_and_rows_that_are_left_out_come_back_together() -> None:
    """Minimise x + 2 y, x + y >= 1, x - y <= 5, x + 3 y <= 8; then x <= 0.5 and x + y >= 3."""
    model = Sifted(
        cost=np.array([1.0, 2.0]),
        matrix=sp.csr_array(np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 3.0]])),
        row_lower=np.array([1.0, -np.inf, -np.inf]),
        row_upper=np.array([np.inf, 5.0, 8.0]),
        col_lower=np.zeros(2),
        col_upper=np.full(2, np.inf),
    )
    model.solve()
    model.narrow()
    assert model.present == (1, 1)
    model.change_row_bounds(0, 3.0, math.inf)
    model.change_column_bounds(0, 0.0, 0.5)
    model.change_row_bounds(2, -math.inf, 8.5)
    result = model.solve()
    assert model.present == (2, 1)
    assert result.x == pytest.approx([0.5, 2.5])
    assert result.row_value == pytest.approx([3.0, -2.0, 8.0])
    model.change_row_bounds(0, 3.5, math.inf)
    assert model.solve().status is LpStatus.INFEASIBLE


def test_another_search_begins_at_the_vertex_where_one_has_ended() -> None:
    data = parts(3)
    first, second = Sifted(**data), Sifted(**data)  # type: ignore[arg-type]
    done = first.solve()
    first.narrow()
    assert second.basis() is None  # not solved yet
    basis = first.basis()
    assert basis is not None
    second.begin(*basis)
    assert second.solve().iterations == 0
    assert second.solve().objective == pytest.approx(done.objective)


def test_a_basis_of_another_size_is_refused() -> None:
    with pytest.raises(SolverError, match="setBasis"):
        narrowed().begin(np.zeros(3, dtype=np.int8), np.zeros(2, dtype=np.int8))
