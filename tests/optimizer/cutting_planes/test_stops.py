"""Stops, conflicts and nonsense: what the loop says when there is no certified plan."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes.search import ProgressEvent, Settings, SolverError, maximise
from capmix.optimizer.cutting_planes.solution import Status

from ..extensive import extensive, least_cvar, solve_highs
from .test_plans import holds, optimum
from .toy import toy

BACKEND = get_backend("numpy")


def test_impossible_limits_name_the_least_possible() -> None:
    plan = toy(count=400, peak=-6.0, loss=-20.0, seed=1)
    found = maximise(plan.program, plan.risks, BACKEND, plan.store)
    assert found.status is Status.INFEASIBLE
    assert found.columns is None
    assert math.isnan(found.objective)
    assert found.conflict is not None
    assert not found.conflict.relaxations
    for risk, least in zip(plan.risks, found.conflict.least, strict=True):
        true = least_cvar(plan.program, risk, plan.values)
        assert (least.name, least.limit) == (risk.name, risk.limit)
        assert true - 1e-7 <= least.least <= true + 1.1e-4 * max(1.0, abs(true))
        assert least.bound <= true + 1e-7
        assert least.least > risk.limit


def test_limits_possible_alone_but_not_together() -> None:
    plan = toy(count=300, seed=1, short=0.2)
    alone = [least_cvar(plan.program, risk, plan.values) for risk in plan.risks]
    risks = [dataclasses.replace(r, limit=v + 0.02) for r, v in zip(plan.risks, alone, strict=True)]
    found = maximise(plan.program, risks, BACKEND, plan.store)
    assert found.status is Status.INFEASIBLE
    assert found.conflict is not None
    assert all(entry.least <= entry.limit for entry in found.conflict.least)
    met = [dataclasses.replace(r, limit=v + 1e-6) for r, v in zip(risks, found.conflict.joint, strict=True)]
    solve_highs(extensive(plan.program, met, plan.values))  # a plan exists
    short = [
        dataclasses.replace(r, limit=r.limit + 0.99 * (v - r.limit))
        for r, v in zip(risks, found.conflict.joint, strict=True)
    ]
    with pytest.raises(AssertionError, match="Infeasible"):
        solve_highs(extensive(plan.program, short, plan.values))


def test_limits_at_the_least_possible_are_possible() -> None:
    plan = toy(count=300, seed=1)
    least = least_cvar(plan.program, plan.risks[0], plan.values)
    for more, status in ((1e-4, Status.CERTIFIED), (-1e-3, Status.INFEASIBLE)):
        risks = [dataclasses.replace(plan.risks[0], limit=least + more)]
        assert maximise(plan.program, risks, BACKEND, plan.store, Settings(gap=1e-4)).status is status


def test_a_program_without_plan_names_the_rules_in_conflict() -> None:
    plan = toy(count=50, maximise=False)
    rows = np.array(plan.program.row_names)
    lower = plan.program.row_lower.copy()
    lower[rows == "target[all]"] = 1e4
    found = maximise(dataclasses.replace(plan.program, row_lower=lower), plan.risks, BACKEND, plan.store)
    assert found.status is Status.INFEASIBLE
    assert found.conflict is not None
    entry = found.conflict.relaxations[0]
    assert (entry.name, entry.side, entry.column) == ("target[all]", "lower", -1)
    eased = lower.copy()
    eased[entry.row] -= entry.amount * (1.0 + 1e-6) + 1e-6
    relaxed = dataclasses.replace(plan.program, row_lower=eased)
    if len(found.conflict.relaxations) == 1:
        assert maximise(relaxed, (), BACKEND, plan.store).status is Status.CERTIFIED


def test_time_limit_zero() -> None:
    plan = toy(count=100)
    found = maximise(plan.program, plan.risks, BACKEND, plan.store, Settings(time_limit=0.0))
    assert found.status is Status.STOPPED
    assert found.columns is None
    assert found.gap == math.inf
    assert any("time limit" in m for m in found.messages)


@pytest.mark.parametrize("stop_at", [1, 2, 3, 5, 8, 12, 16, 20, 25, 30])
def test_interrupt_at_any_moment_returns_the_best_plan(stop_at: int) -> None:
    plan = toy(count=400, periods=8, kinds=1, peak=4.0, loss=50.0, budget=300.0)
    seen: list[ProgressEvent] = []

    def stop(event: ProgressEvent) -> None:
        seen.append(event)
        if len(seen) == stop_at:
            raise KeyboardInterrupt

    found = maximise(plan.program, plan.risks, BACKEND, plan.store, Settings(), stop)
    assert found.status in (Status.STOPPED, Status.CERTIFIED)
    true = optimum(plan)
    assert found.upper >= true - 1e-7
    if found.columns is not None:
        holds(plan, found)
        assert found.lower <= true + 1e-7
        assert found.gap == pytest.approx((found.upper - found.lower) / abs(found.lower), abs=1e-12)
    assert found.status is Status.CERTIFIED or "interrupted" in found.messages


def test_events_tell_bounds_that_hold_and_narrow() -> None:
    plan = toy(count=400, maximise=False, loss=-2.45, peak=-0.19, seed=6)
    seen: list[ProgressEvent] = []
    maximise(plan.program, plan.risks, BACKEND, plan.store, Settings(), seen.append)
    true = optimum(plan)
    assert seen[-1].phase == "done"
    assert seen[-1].gap <= 1e-5
    assert all(e.lower <= true + 1e-7 and true - 1e-7 <= e.upper for e in seen)
    assert all(a.lower <= b.lower + 1e-12 and a.solves <= b.solves for a, b in itertools.pairwise(seen))
    assert all(e.eta is None or e.eta >= 0.0 for e in seen)


def test_too_few_rounds_is_not_called_certified() -> None:
    plan = toy(count=2000, peak=0.5, loss=0.5, seed=2)
    found = maximise(plan.program, plan.risks, BACKEND, plan.store, Settings(gap=1e-9, rounds=1, solves=3))
    assert found.status is Status.STOPPED
    assert found.gap > 1e-9


def test_objective_without_limit() -> None:
    plan = toy(count=50)
    free = dataclasses.replace(
        plan.program,
        matrix=sp.csr_array(sp.hstack([plan.program.matrix, sp.csr_array((plan.program.matrix.shape[0], 1))])),
        cost=np.append(plan.program.cost, 1.0),
        value=np.append(plan.program.value, 0.0),
        col_lower=np.append(plan.program.col_lower, 0.0),
        col_upper=np.append(plan.program.col_upper, np.inf),
        column_names=(*plan.program.column_names, "free lunch"),
        bound_rules=(*plan.program.bound_rules, ""),
    )
    with pytest.raises(SolverError, match="free lunch"):
        maximise(free, plan.risks, BACKEND, plan.store)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    plan = toy(count=50)
    cost = plan.program.cost.copy()
    cost[3] = bad
    with pytest.raises(SolverError, match="objective's coefficient of 'order"):
        maximise(dataclasses.replace(plan.program, cost=cost), (), BACKEND, plan.store)
    matrix = sp.csr_array(plan.program.matrix, copy=True)
    matrix.data[5] = bad
    with pytest.raises(SolverError, match=r"row 'cash\[0\]'"):
        maximise(dataclasses.replace(plan.program, matrix=matrix), (), BACKEND, plan.store)
    risk = dataclasses.replace(plan.risks[0], limit=bad)
    with pytest.raises(ValueError, match="liquidity"):
        maximise(plan.program, [risk], BACKEND, plan.store)


def test_crossed_bounds_are_refused() -> None:
    plan = toy(count=50)
    lower = plan.program.col_lower.copy()
    lower[2] = 1e6
    with pytest.raises(SolverError, match=plan.program.column_names[2].replace("[", r"\[")):
        maximise(dataclasses.replace(plan.program, col_lower=lower), (), BACKEND, plan.store)


@pytest.mark.parametrize(("level", "text"), [(0.0, "between 0 and 1"), (1.0, "between 0 and 1"), (0.999, "1000")])
def test_levels_that_make_no_sense_are_refused(level: float, text: str) -> None:
    plan = toy(count=50)
    with pytest.raises(ValueError, match=text):
        maximise(plan.program, [dataclasses.replace(plan.risks[0], level=level)], BACKEND, plan.store)


@pytest.mark.parametrize(
    "arguments", [{"gap": 0.0}, {"gap": math.nan}, {"time_limit": -1.0}, {"rounds": 0}, {"pilot": -1}, {"depth": 1.0}]
)
def test_settings_that_make_no_sense_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"settings.{next(iter(arguments))}"):
        Settings(**arguments)  # type: ignore[arg-type]
