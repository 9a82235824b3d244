"""Polishing: more value at (almost) the same objective, still certified."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes.polish import inward
from capmix.optimizer.cutting_planes.search import Settings, maximise
from capmix.optimizer.cutting_planes.solution import Status

from ..extensive import extensive, solve_highs
from .test_plans import holds
from .toy import Toy, toy


def best_value(plan: Toy, floor: float) -> float:
    """Highest value among plans whose objective is at least `floor`, by the extensive form."""
    p = plan.program
    second = dataclasses.replace(
        p,
        matrix=sp.csr_array(sp.vstack([p.matrix, sp.csr_array(p.cost[None, :])])),
        row_lower=np.append(p.row_lower, floor - p.offset),
        row_upper=np.append(p.row_upper, np.inf),
        cost=p.value,
        offset=p.value_offset,
    )
    return solve_highs(extensive(second, plan.risks, plan.values))[0]


@pytest.mark.parametrize(
    "arguments",
    [
        {"peak": 50.0, "loss": 50.0, "budget": 30.0},
        {"peak": 3.0, "loss": 50.0, "budget": 30.0, "kinds": 1},
        {"peak": 4.0, "loss": 50.0, "budget": 300.0, "kinds": 1, "periods": 8},
    ],
)
def test_value_is_near_the_best_at_the_same_objective(arguments: dict[str, float]) -> None:
    plan = toy(count=400, **arguments)  # type: ignore[arg-type]
    backend = get_backend("numpy")
    rough = maximise(plan.program, plan.risks, backend, plan.store, Settings(polish=False))
    found = maximise(plan.program, plan.risks, backend, plan.store, Settings())
    assert found.polished
    assert found.status is Status.CERTIFIED
    assert found.gap <= 1e-5
    assert found.value > rough.value
    best = best_value(plan, found.upper - 2e-6 * abs(found.upper))
    assert found.value >= best - 2e-3 * abs(best)
    holds(plan, found)


def test_nothing_to_polish() -> None:
    plan = toy(count=200, peak=1.0)
    flat = dataclasses.replace(plan.program, value=np.zeros_like(plan.program.value))
    found = maximise(flat, plan.risks, get_backend("numpy"), plan.store, Settings())
    assert found.status is Status.CERTIFIED
    assert not found.polished


def test_endless_value_leaves_the_plan_as_it_was() -> None:
    plan = toy(count=200, peak=1.0)
    width = plan.program.matrix.shape[1]
    free = dataclasses.replace(
        plan.program,
        matrix=sp.csr_array(sp.hstack([plan.program.matrix, sp.csr_array((plan.program.matrix.shape[0], 1))])),
        cost=np.append(plan.program.cost, 0.0),
        value=np.append(plan.program.value, 1.0),
        col_lower=np.append(plan.program.col_lower, 0.0),
        col_upper=np.append(plan.program.col_upper, np.inf),
        column_names=(*plan.program.column_names, "gift"),
        bound_rules=(*plan.program.bound_rules, ""),
    )
    found = maximise(free, plan.risks, get_backend("numpy"), plan.store, Settings())
    assert found.status is Status.CERTIFIED
    assert not found.polished
    assert any("not polished" in m and "gift" in m for m in found.messages)
    assert found.columns is not None
    assert found.columns.size == width + 1


def test_the_step_inward_costs_less_than_the_slack() -> None:
    for cost, slack in ((5.0, 1e-4), (1.0, 1e-6), (0.0, 1e-6), (1e-6, 1e-6)):
        share = inward(cost, slack)
        assert 0.0 < share <= 0.5
        assert share * cost < slack


@pytest.mark.parametrize("peak", [3.0, 50.0])
def test_the_bound_on_value_is_proven_and_near(peak: float) -> None:
    plan = toy(count=400, peak=peak, loss=50.0, budget=30.0)
    found = maximise(plan.program, plan.risks, get_backend("numpy"), plan.store, Settings())
    size = abs(found.value)
    best = best_value(plan, found.objective)
    assert found.value <= best + 1e-6 * size
    assert found.value_bound >= best - 1e-6 * size
    assert found.value_bound <= found.value + 2e-3 * size


def test_without_polishing_no_bound_on_value_is_claimed() -> None:
    plan = toy(count=200, peak=1.0)
    assert (
        maximise(plan.program, plan.risks, get_backend("numpy"), plan.store, Settings(polish=False)).value_bound
        == np.inf
    )
