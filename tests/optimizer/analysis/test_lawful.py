"""Tax is the tax of the income shown: against the law written down again, and against a program with binaries."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from capmix.models.schema.rules import Covenant, Tax, WriteOff
from capmix.optimizer.analysis import lawful as tree
from capmix.optimizer.analysis.reevaluate import searched_again
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, lil_array

from ..cases import starter

COUNT, SEED, LARGE = 300, 3, 30.0
CLOSE, TRACES = 2e-6, 2e-5  # of the largest tax; billion, what tables leave out of amounts too small to be decisions


@cache
def pleasing(risks: bool = False, **changes: Any) -> Case:
    """The starter case with a debt service cover so high that it pays to have paid tax before the test begins."""
    case = starter()
    cover = Covenant(id="dscr", kind="dscr", limit=10.0, from_period=8)
    tax = replace(case.tax or Tax(rate=0.3), rate=0.3, **changes)
    return replace(case, covenant=(cover,), tax=tax, risk=case.risk if risks else ())


def ready(case: Case) -> PlanningProblem:
    return prepare(case, choose("cpu"), COUNT, SEED)


def relaxed_and_exact(program: LinearProgram, labels: tuple[str, ...]) -> tuple[float, float]:
    """The best objective of the rows alone, and of the rows with the law: one side of each pair by a binary."""
    column = {name: j for j, name in enumerate(program.column_names)}
    row = {name: i for i, name in enumerate(program.row_names)}
    matrix, n = csr_array(program.matrix), len(program.column_names)
    sides: list[tuple[csr_array, float]] = []  # each: 0 <= upper - a'x
    for t in labels:

        def columns(name: str, t: str = t) -> tuple[csr_array, float]:
            one = lil_array((1, n))
            one[0, column[f"{name}[{t}]"]] = -1.0
            return csr_array(one), 0.0

        def rows(name: str, t: str = t) -> tuple[csr_array, float]:
            i = row[f"{name}[{t}]"]
            return csr_array(matrix[[i]]), float(program.row_upper[i])

        sides += [columns("profit"), columns("loss"), rows("tax_loss_use"), rows("tax_loss_pool")]
        if f"interest_carried[{t}]" in column:
            sides += [columns("interest_carried"), rows("tax_interest")]
    count = len(sides) // 2
    limits = [
        LinearConstraint(hstack([matrix, csr_array((matrix.shape[0], count))]), program.row_lower, program.row_upper)
    ]
    for k, (one, upper) in enumerate(sides):
        # upper - a'x <= LARGE z for one side, <= LARGE (1 - z) for the other
        mark = lil_array((1, count))
        mark[0, k // 2] = -LARGE if k % 2 == 0 else LARGE
        limits.append(
            LinearConstraint(hstack([-one, csr_array(mark)]), -np.inf, (0.0 if k % 2 == 0 else LARGE) - upper)
        )
    sign = -1.0 if program.maximise else 1.0
    best = []
    for whole in (0, 1):
        found = milp(
            sign * np.concatenate([program.cost, np.zeros(count)]),
            integrality=np.concatenate([np.zeros(n), np.full(count, whole)]),
            bounds=Bounds(
                np.concatenate([program.col_lower, np.zeros(count)]),
                np.concatenate([program.col_upper, np.ones(count)]),
            ),
            constraints=limits,
            options={"mip_rel_gap": 1e-7},
        )
        assert found.status == 0
        best.append(sign * found.fun + program.offset)
    return best[0], best[1]


def lines(plan: Plan) -> dict[str, np.ndarray]:
    count = plan.case.horizon.periods
    rows = plan.tables["income"].rows
    return {str(r[0]): np.array(r[1 : 1 + count], dtype=np.float64) for r in rows}


def tax_by_law(plan: Plan) -> np.ndarray:
    """From the table of income alone: interest, then losses, as soon as the law lets them."""
    tax, shown = plan.case.tax, lines(plan)
    assert tax is not None
    none = np.zeros(plan.case.horizon.periods)
    ours = (
        "interest",
        "fees and issue discount",
        "fees deferred over the life of the debt",
        "accretion (pay-in-kind interest)",
    )
    borrowing = -sum((shown.get(name, none) for name in ours), none) - shown["interest on cash"]
    ebitda = shown["EBITDA"] + shown.get("less EBITDA that is taxed with the rest of the company", none)
    rest = ("depreciation, less gains on sales",)
    income = ebitda + sum((shown[name] for name in rest), none) - borrowing
    pool, waiting, out = tax.opening_losses, tax.opening_interest, []
    for t in range(none.size):
        profit = income[t]
        if tax.interest_limit is not None:
            owed = waiting + borrowing[t]
            deducted = min(owed, tax.interest_limit * ebitda[t])
            profit += borrowing[t] - deducted
            waiting = owed - deducted
        used = min(pool, tax.loss_use * profit) if profit > 0.0 else 0.0
        pool += max(-profit, 0.0) - used
        out.append(tax.rate * (max(profit, 0.0) - used))
    return np.array(out)


def assert_lawful(plan: Plan) -> None:
    due, paid = tax_by_law(plan), -lines(plan)["tax"]
    assert np.abs(np.cumsum(due) - np.cumsum(paid)).max() <= CLOSE * max(1e-3, float(due.max())) + TRACES


@pytest.mark.parametrize("changes", [{}, {"opening_losses": 0.05}, {"interest_limit": 0.1, "loss_use": 1.0}])
def test_the_best_lawful_plan_is_found(changes: dict[str, Any]) -> None:
    """The rows alone allow more, by paying early; the plan reaches what the program with binaries does."""
    case = pleasing(**changes)
    plan = optimize(case, scenarios=COUNT, seed=SEED, out_of_sample=False)
    relaxed, exact = relaxed_and_exact(ready(case).program, case.horizon.labels)
    assert relaxed > exact * 1.0005
    assert plan.status is Status.CERTIFIED
    assert plan.objective_value == pytest.approx(exact, rel=1.2e-5)
    assert plan.certificate is not None
    assert plan.certificate.upper_bound >= exact * (1.0 - 1e-7)
    assert_lawful(plan)
    assert any("the tax of the plan is that of its income" in message for message in plan.messages)


def test_a_tree_left_early_says_how_far_it_may_be_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "NODES", 2)
    case = pleasing()
    plan = optimize(case, scenarios=COUNT, seed=SEED, out_of_sample=False)
    _, exact = relaxed_and_exact(ready(case).program, case.horizon.labels)
    assert plan.status is Status.STOPPED
    assert plan.certificate is not None
    assert plan.certificate.lower_bound <= exact * (1.0 + 1e-7)
    assert plan.certificate.upper_bound >= exact * (1.0 - 1e-7)
    assert plan.certificate.gap > 1e-4
    assert_lawful(plan)


def test_another_search_proves_the_same_bounds() -> None:
    case = pleasing(risks=True)
    plan = optimize(case, scenarios=COUNT, seed=SEED, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    assert plan.certificate is not None
    status, low, high = searched_again(ready(case), 1e-5)
    assert status is Status.CERTIFIED
    assert high >= plan.certificate.lower_bound
    assert low <= plan.certificate.upper_bound
    assert_lawful(plan)


random_taxes = st.builds(
    Tax,
    rate=st.sampled_from([0.21, 0.35]),
    loss_use=st.sampled_from([0.5, 0.8, 1.0]),
    opening_losses=st.sampled_from([0.0, 0.05, 0.4]),
    interest_limit=st.sampled_from([None, 0.1, 0.3]),
    fees=st.sampled_from(["paid", "straight", "balance"]),
    systems=st.sampled_from([None, WriteOff(method="macrs5"), WriteOff(method="macrs5", bonus=1.0)]),
    sites=st.sampled_from([None, WriteOff(method="macrs15")]),
)
random_covers = st.sampled_from(
    [
        Covenant(id="cover", kind="dscr", limit=6.0, from_period=4),
        Covenant(id="cover", kind="dscr", limit=9.0, from_period=8),
        Covenant(id="cover", kind="llcr", limit=2.0, from_period=4),
        Covenant(id="cover", kind="dscr", limit=1.2, from_period=4, as_="cvar", level=0.9),
    ]
)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(random_taxes, random_covers)
def test_no_plan_pays_more_or_less_than_its_income_owes(tax: Tax, cover: Covenant) -> None:
    case = replace(starter(), tax=tax, covenant=(cover,))
    plan = optimize(case, scenarios=200, seed=SEED, out_of_sample=False)
    if plan.status is Status.INFEASIBLE or plan.certificate is None:
        return
    assert_lawful(plan)


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud", "ai_lab"])
def test_shipped_cases_pay_what_they_owe(name: str) -> None:
    from capmix import load_case

    plan = optimize(load_case(name), scenarios=200, seed=1, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    assert_lawful(plan)
