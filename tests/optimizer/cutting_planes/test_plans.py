"""The loop's plans against the extensive form, solved by HiGHS and by Clarabel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes.search import Settings, Solution, maximise
from capmix.optimizer.cutting_planes.solution import Status
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ..extensive import cvar, extensive, solve_clarabel, solve_highs
from .toy import Toy, toy

TIGHT = Settings(gap=1e-7, polish_slack=1e-8)


def solve(plan: Toy, settings: Settings = TIGHT, backend: str = "numpy") -> Solution:
    return maximise(plan.program, plan.risks, get_backend(backend), plan.store, settings)


def optimum(plan: Toy) -> float:
    """The objective in the program's own sense."""
    value, _ = solve_highs(extensive(plan.program, plan.risks, plan.values))
    return value if plan.program.maximise else -value


def holds(plan: Toy, found: Solution) -> None:
    """The plan keeps every row, bound and risk limit, judged without the package's own arithmetic."""
    x, program = found.columns, plan.program
    assert x is not None
    assert found.decisions is not None
    activity = program.matrix @ x
    assert (activity >= program.row_lower - 1e-7).all()
    assert (activity <= program.row_upper + 1e-7).all()
    assert (x >= program.col_lower).all()
    assert (x <= program.col_upper).all()
    for risk, figure in zip(plan.risks, found.risks, strict=True):
        own = cvar(risk, found.decisions, plan.values)
        assert own == pytest.approx(figure.value, rel=1e-9, abs=1e-9)
        assert own <= risk.limit + 2e-9 * max(1.0, abs(risk.limit))


CASES = {
    "peak and net loss": toy(count=600),
    "tight limits": toy(count=600, peak=0.5, loss=0.5, seed=2),
    "three limits": toy(count=500, short=0.2, peak=1.0, seed=3),
    "fractional tail": toy(count=333, level=0.93, peak=1.2, loss=2.0, seed=4),
    "half the scenarios": toy(count=300, level=0.5, peak=0.0, loss=-0.5, seed=5),
    "flat optimum": toy(count=400, periods=8, kinds=1, peak=4.0, loss=50.0, budget=300.0),
    "minimise cost": toy(count=400, maximise=False, loss=-2.45, peak=-0.19, seed=6),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_extensive_form_by_highs(name: str) -> None:
    plan = CASES[name]
    found = solve(plan)
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(optimum(plan), rel=2e-7)
    assert found.lower <= optimum(plan) + 1e-7
    assert found.upper >= optimum(plan) - 1e-7
    assert found.gap <= 1e-7
    holds(plan, found)


def test_the_risk_limits_bind_in_these_cases() -> None:
    """Otherwise the comparison above would show nothing."""
    for name in ("peak and net loss", "tight limits", "three limits", "minimise cost"):
        plan = CASES[name]
        free = dataclasses.replace(plan, risks=())
        assert abs(optimum(free) - optimum(plan)) > 1e-3 * abs(optimum(plan)), name


@pytest.mark.parametrize("name", ["peak and net loss", "three limits", "minimise cost"])
def test_equals_extensive_form_by_clarabel(name: str) -> None:
    plan = CASES[name]
    sense = 1.0 if plan.program.maximise else -1.0
    by_clarabel = sense * solve_clarabel(extensive(plan.program, plan.risks, plan.values))
    assert solve(plan).objective == pytest.approx(by_clarabel, rel=1e-6)


def test_two_thousand_scenarios_with_every_kind_of_loss() -> None:
    plan = toy(count=2000, periods=6, short=0.2, peak=1.0, loss=2.5, seed=11)
    found = solve(plan)
    assert found.objective == pytest.approx(optimum(plan), rel=1e-6)
    by_clarabel = solve_clarabel(extensive(plan.program, plan.risks, plan.values))
    assert found.objective == pytest.approx(by_clarabel, rel=1e-6)
    holds(plan, found)


def test_the_pilot_and_working_sets_change_nothing() -> None:
    plan = toy(count=3000, periods=5, level=0.9, peak=0.6, loss=1.0, seed=8)
    expected = optimum(plan)
    for settings in (
        Settings(gap=1e-7, polish=False, pilot=600),
        Settings(gap=1e-7, polish=False, pilot=0, tail_multiple=1.0),
        Settings(gap=1e-7, polish=False, pilot=0, depth=0.3),
    ):
        found = solve(plan, settings)
        assert found.status is Status.CERTIFIED
        assert found.objective == pytest.approx(expected, rel=2e-7)


def test_level_near_zero_is_risk_neutral() -> None:
    """CVaR over all scenarios is the mean: one row of the program."""
    plan = toy(count=500, level=1e-12, loss=-1.0, seed=9)
    net = plan.risks[1]
    found = maximise(plan.program, [net], get_backend("numpy"), plan.store, TIGHT)
    flat = plan.values.reshape(500, -1)
    terms = net.table.terms
    mean = [np.mean(np.prod(flat[:, f[f >= 0]], axis=1)) for f in terms.factors[terms.atom]]
    row = sp.csr_array((np.array(mean) @ net.matrix)[None, :])
    wide = sp.hstack([row, sp.csr_array((1, plan.program.matrix.shape[1] - row.shape[1]))])
    neutral = dataclasses.replace(
        plan.program,
        matrix=sp.csr_array(sp.vstack([plan.program.matrix, wide])),
        row_lower=np.append(plan.program.row_lower, 1.0),
        row_upper=np.append(plan.program.row_upper, np.inf),
    )
    assert found.objective == pytest.approx(optimum(Toy(neutral, (), plan.values, plan.store)), rel=1e-7)
    assert found.objective < 0.999 * optimum(dataclasses.replace(plan, risks=()))


def test_one_tail_scenario_is_the_worst_case() -> None:
    """CVaR of one scenario: every scenario's loss is within the limit, one row each."""
    count = 200
    plan = toy(count=count, level=1.0 - 1.0 / count, loss=3.0, seed=10)
    net = plan.risks[1]
    found = maximise(plan.program, [net], get_backend("numpy"), plan.store, TIGHT)
    terms = net.table.terms
    flat = plan.values.reshape(count, -1)
    unit = np.stack([np.prod(flat[:, f[f >= 0]], axis=1) for f in terms.factors[terms.atom]], axis=1)
    rows = sp.csr_array(unit) @ net.matrix
    wide = sp.hstack([rows, sp.csr_array((count, plan.program.matrix.shape[1] - rows.shape[1]))])
    robust = dataclasses.replace(
        plan.program,
        matrix=sp.csr_array(sp.vstack([plan.program.matrix, wide])),
        row_lower=np.append(plan.program.row_lower, np.full(count, -3.0)),
        row_upper=np.append(plan.program.row_upper, np.full(count, np.inf)),
    )
    assert found.objective == pytest.approx(optimum(Toy(robust, (), plan.values, plan.store)), rel=1e-7)


def test_no_risk_limits_is_the_linear_program() -> None:
    plan = dataclasses.replace(toy(count=50), risks=())
    found = solve(plan, Settings(polish=False))
    assert found.status is Status.CERTIFIED
    assert found.gap <= 1e-12
    assert found.objective == pytest.approx(optimum(plan), rel=1e-9)


def test_limits_that_do_not_bind_cost_one_pass() -> None:
    plan = toy(count=300, peak=1e3, loss=1e3)
    found = solve(plan, Settings(polish=False))
    assert found.status is Status.CERTIFIED
    assert found.passes.full == 1
    assert all(figure.price == 0.0 for figure in found.risks)


@hypothesis_settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(20, 200),
    periods=st.integers(3, 6),
    kinds=st.integers(1, 3),
    bonds=st.integers(1, 4),
    level=st.sampled_from([0.5, 0.8, 0.9, 0.947]),
    limit=st.floats(-0.5, 4.0),
    which=st.integers(0, 2),
)
def test_random_plans_with_one_limit(
    seed: int, count: int, periods: int, kinds: int, bonds: int, level: float, limit: float, which: int
) -> None:
    plan = toy(count, periods, kinds, bonds, 1, seed, level, limit, limit, limit)
    plan = dataclasses.replace(plan, risks=(plan.risks[which],))
    found = solve(plan)
    form = extensive(plan.program, plan.risks, plan.values)
    if found.status is Status.INFEASIBLE:
        with pytest.raises(AssertionError, match="Infeasible"):
            solve_highs(form)
    else:
        assert found.status is Status.CERTIFIED
        assert found.objective == pytest.approx(solve_highs(form)[0], rel=1e-6)
        holds(plan, found)


def test_same_input_same_bits() -> None:
    plan = toy(count=800, short=0.2, peak=1.0, seed=3)
    first, second = solve(plan, Settings()), solve(plan, Settings())
    assert first.columns is not None
    assert second.columns is not None
    assert first.columns.tobytes() == second.columns.tobytes()
    assert first.row_prices.tobytes() == second.row_prices.tobytes()
    assert (first.upper, first.lower, first.risks, first.passes) == (
        second.upper,
        second.lower,
        second.risks,
        second.passes,
    )


def test_backends_agree() -> None:
    plan = toy(count=800, peak=1.0, loss=2.0, seed=12)
    assert solve(plan, backend="numba").objective == pytest.approx(solve(plan).objective, rel=1e-6)


def test_few_passes() -> None:
    """Most work runs on the scenarios that matter."""
    plan = toy(count=20_000, periods=12, kinds=3, bonds=4, short=0.5, peak=2.0, loss=5.0)
    found = solve(plan, Settings(pilot=4000), backend="numba")
    assert found.status is Status.CERTIFIED
    assert found.gap <= 1e-5
    assert found.passes.full <= 8
    assert found.passes.equivalent <= 40.0
    assert found.passes.cuts > 0
    assert found.passes.solves > 0
