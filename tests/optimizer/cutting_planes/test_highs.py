"""The wall around HiGHS: what it would accept silently, and what hot starts must not change."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.optimizer.cutting_planes.highs import LpStatus, Model, SolverError


def model(**changes: object) -> Model:
    """minimise -x - 2y, x + y <= 4, x + 3y <= 6, 0 <= x <= 3, 0 <= y: optimum at (3, 1), -5."""
    parts: dict[str, object] = {
        "cost": np.array([-1.0, -2.0]),
        "matrix": sp.csr_array(np.array([[1.0, 1.0], [1.0, 3.0]])),
        "row_lower": np.full(2, -np.inf),
        "row_upper": np.array([4.0, 6.0]),
        "col_lower": np.zeros(2),
        "col_upper": np.array([3.0, np.inf]),
    }
    return Model(**(parts | changes))  # type: ignore[arg-type]


def test_optimum_and_duals() -> None:
    result = model().solve()
    assert result.status is LpStatus.OPTIMAL
    assert result.x == pytest.approx([3.0, 1.0])
    assert result.objective == pytest.approx(-5.0)
    assert result.row_value == pytest.approx([4.0, 6.0])
    # degenerate: three limits meet in one point; the duals price it fully
    total = result.row_dual @ [4.0, 6.0] + min(result.column_dual[0], 0.0) * 3.0
    assert total == pytest.approx(-5.0)
    assert (result.row_dual <= 1e-12).all()


def test_hot_starts_agree_with_fresh_solves() -> None:
    rng = np.random.default_rng(0)
    base = sp.random_array((30, 40), density=0.2, rng=rng, format="csr")
    cost, upper = -rng.uniform(0.5, 1.0, 40), rng.uniform(1.0, 2.0, 30)
    rows: list[tuple[np.ndarray, float]] = []

    def fresh() -> float:
        extra = [r for r, _ in rows]
        matrix = sp.csr_array(sp.vstack([base, *[sp.csr_array(r[None, :]) for r in extra]]))
        high = np.append(upper, [b for _, b in rows])
        return Model(cost, matrix, np.full(high.size, -np.inf), high, np.zeros(40), np.full(40, 5.0)).solve().objective

    hot = Model(cost, sp.csr_array(base), np.full(30, -np.inf), upper, np.zeros(40), np.full(40, 5.0))
    for step in range(25):
        result = hot.solve()
        assert result.objective == pytest.approx(fresh(), rel=1e-9)
        g = rng.uniform(0.0, 1.0, 40)
        bound = 0.9 * float(g @ result.x)
        hot.add_rows([(-math.inf, bound, np.arange(40, dtype=np.int32), g)])
        rows.append((g, bound))
        if step % 5 == 4:  # first rows that are slack, then any row
            hot.solve()
            slack = [i for i in range(len(rows)) if hot.basic_rows()[30 + i]][:2]
            for gone in (slack, [0]):
                hot.delete_rows([30 + i for i in gone])
                rows[:] = [r for i, r in enumerate(rows) if i not in gone]
                assert hot.solve().objective == pytest.approx(fresh(), rel=1e-9)
        if step == 12:
            cost = -rng.uniform(0.5, 1.0, 40)
            hot.change_cost(cost)


def test_infeasible_and_unbounded_are_told_apart() -> None:
    assert model(row_lower=np.array([10.0, -np.inf]), row_upper=np.array([12.0, 6.0])).solve().status is (
        LpStatus.INFEASIBLE
    )
    endless = model(row_upper=np.full(2, np.inf))
    assert endless.solve().status is LpStatus.UNBOUNDED
    ray = endless.ray()
    assert ray[1] > 0.0
    assert ray[0] == 0.0
    infeasible = model(row_lower=np.array([10.0, -np.inf]), row_upper=np.array([12.0, 6.0])).solve()
    assert infeasible.x.size == 0
    assert math.isnan(infeasible.objective)


def test_time_limit_counts_from_each_solve() -> None:
    """HiGHS itself counts from the first solve of a model."""
    m = model()
    for _ in range(200):
        assert m.solve(0.05).status is LpStatus.OPTIMAL
        m.change_cost(np.array([-1.0, -2.0]))


@pytest.mark.parametrize(
    "changes",
    [
        {"cost": np.array([np.nan, 0.0])},
        {"cost": np.array([np.inf, 0.0])},
        {"matrix": sp.csr_array(np.array([[np.nan, 1.0], [1.0, 3.0]]))},
        {"row_upper": np.array([np.nan, 1.0])},
        {"row_lower": np.array([5.0, 0.0])},
        {"col_lower": np.array([4.0, 0.0])},
        {"col_lower": np.array([np.inf, 0.0]), "col_upper": np.full(2, np.inf)},
        {"cost": np.zeros(3)},
    ],
)
def test_nonsense_is_refused_before_it_reaches_the_solver(changes: dict[str, object]) -> None:
    with pytest.raises(SolverError):
        model(**changes)


def test_nonsense_is_refused_later_too() -> None:
    m = model()
    with pytest.raises(SolverError):
        m.add_rows([(-math.inf, math.nan, np.array([0], dtype=np.int32), np.array([1.0]))])
    with pytest.raises(SolverError):
        m.add_rows([(-math.inf, 1.0, np.array([0], dtype=np.int32), np.array([math.inf]))])
    with pytest.raises(SolverError):
        m.change_cost(np.array([math.nan, 1.0]))
    with pytest.raises(SolverError):
        m.change_column_bounds(0, 2.0, 1.0)
    assert m.solve().objective == pytest.approx(-5.0)


def test_another_user_of_highs_in_the_process_does_no_harm() -> None:
    """A scheduler started with another number of threads makes HiGHS fail without a status."""
    script = (
        "import highspy, numpy as np, scipy.sparse as sp\n"
        "h = highspy.Highs(); h.silent(); h.setOptionValue('threads', 2); h.setOptionValue('parallel', 'on')\n"
        "x = h.addVariable(0, 1); h.maximize(x)\n"
        "from capmix.optimizer.cutting_planes.highs import Model\n"
        "m = Model(np.array([-1.0]), sp.csr_array([[1.0]]), np.zeros(1), np.ones(1), np.zeros(1), np.full(1, 5.0))\n"
        "print(m.solve().objective)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert float(done.stdout.split()[-1]) == -1.0


@pytest.mark.parametrize("failures", range(1, 7))
def test_a_solve_without_an_answer_is_tried_in_other_ways(monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    """Whichever attempt succeeds gives the optimum, and the next solve is again an ordinary one."""
    m, run, tried = model(), Model._run, []

    def failing(self: Model, end: float, heard: int) -> LpStatus | None:
        names = ("solver", "presolve", "simplex_strategy", "simplex_scale_strategy", "primal_feasibility_tolerance")
        tried.append(tuple(self._highs.getOptionValue(name)[1] for name in names))
        return None if len(tried) <= failures else run(self, end, heard)

    monkeypatch.setattr(Model, "_run", failing)
    assert m.solve().objective == pytest.approx(-5.0)
    assert len(tried) == failures + 1
    assert len(set(tried[1:])) == failures  # no way is tried twice
    m.change_cost(np.array([-1.0, -1.0]))
    assert m.solve().objective == pytest.approx(-4.0)
    assert tried[-1] == ("simplex", "off", 1, 2, 1e-9)


def test_a_solve_that_never_answers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "_run", lambda self, end, heard: None)
    with pytest.raises(SolverError, match="2 rows and 2 columns"):
        model().solve()
