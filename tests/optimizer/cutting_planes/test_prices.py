"""Shadow prices against finite differences: the problem solved again with a limit moved."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes.search import Settings, maximise

from ..extensive import extensive, solve_highs
from .toy import Toy, toy

BACKEND = get_backend("numpy")
EXACT = Settings(gap=1e-9, polish=False, solves=3000)
PLANS = {
    "maximise": toy(count=300, peak=1.0, loss=2.0, seed=2),
    "minimise": toy(count=300, maximise=False, loss=-2.45, peak=-0.19, seed=6),
}


def gained(plan: Toy, other: Toy) -> float:
    """Objective gained (in the maximised sense) by going from plan to other."""
    return (
        solve_highs(extensive(other.program, other.risks, other.values))[0]
        - solve_highs(extensive(plan.program, plan.risks, plan.values))[0]
    )


def within_sides(price: float, up: float, down: float, step: float) -> None:
    """A price lies between the one-sided slopes of the (concave) optimal value."""
    slack = 1e-5 * max(1.0, abs(price))
    assert up / step - slack <= price <= -down / step + slack


@pytest.mark.parametrize("name", PLANS)
def test_price_of_each_risk_limit(name: str) -> None:
    plan = PLANS[name]
    found = maximise(plan.program, plan.risks, BACKEND, plan.store, EXACT)
    step = 1e-4
    for m, figure in enumerate(found.risks):

        def moved(by: float, m: int = m) -> Toy:
            risks = list(plan.risks)
            risks[m] = dataclasses.replace(risks[m], limit=risks[m].limit + by)
            return dataclasses.replace(plan, risks=tuple(risks))

        assert figure.price >= 0.0
        within_sides(figure.price, gained(plan, moved(step)), gained(plan, moved(-step)), step)
    assert max(figure.price for figure in found.risks) > 0.1


@pytest.mark.parametrize("name", PLANS)
def test_price_of_each_row(name: str) -> None:
    plan = PLANS[name]
    program = plan.program
    found = maximise(program, plan.risks, BACKEND, plan.store, EXACT)
    step = 1e-4
    some = 0
    for i, price in enumerate(found.row_prices):
        equality = program.row_lower[i] == program.row_upper[i]

        def moved(by: float, i: int = i, equality: bool = bool(equality)) -> Toy:
            lower, upper = program.row_lower.copy(), program.row_upper.copy()
            upper[i] += by
            lower[i] += by if equality else -by  # an inequality is relaxed on both sides
            return dataclasses.replace(plan, program=dataclasses.replace(program, row_lower=lower, row_upper=upper))

        assert equality or price >= 0.0
        within_sides(price, gained(plan, moved(step)), gained(plan, moved(-step)), step)
        some += abs(price) > 1e-3
    assert some >= 1


def test_price_of_upper_bounds() -> None:
    plan = PLANS["maximise"]
    program = plan.program
    found = maximise(program, plan.risks, BACKEND, plan.store, EXACT)
    assert (found.bound_prices >= 0.0).all()
    step = 1e-4
    for j in [int(j) for j in np.argsort(-found.bound_prices)[:4]] + [int(np.argmin(found.bound_prices))]:

        def moved(by: float, j: int = j) -> Toy:
            upper = program.col_upper.copy()
            upper[j] += by
            return dataclasses.replace(plan, program=dataclasses.replace(program, col_upper=upper))

        if program.col_lower[j] < program.col_upper[j]:
            within_sides(found.bound_prices[j], gained(plan, moved(step)), gained(plan, moved(-step)), step)
    assert found.bound_prices.max() > 1e-3


def test_prices_are_zero_where_nothing_binds() -> None:
    plan = toy(count=200, peak=1e3, loss=1e3)
    found = maximise(plan.program, plan.risks, BACKEND, plan.store, EXACT)
    assert all(figure.price == 0.0 for figure in found.risks)
