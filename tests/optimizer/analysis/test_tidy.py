"""The plan as it is handed over: traces are cleared and tax put right, and what comes of it is proven as before."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.blocks.tax import Base, assessed
from capmix.models.ledger import Account
from capmix.models.schema.rules import Covenant, Tax
from capmix.optimizer.analysis.compose import Circumstances, compose
from capmix.optimizer.analysis.expected import VISIBLE, Amounts, settled
from capmix.optimizer.analysis.tidy import tidied, worst_violation
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.cutting_planes.solution import RiskLimit, Solution
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare
from hypothesis import given, settings
from hypothesis import strategies as st

from ..cases import starter

COUNT, GAP = 2_000, 1e-5


@cache
def searched() -> tuple[PlanningProblem, tuple[RiskLimit, ...], Solution]:
    case = starter()
    ready = prepare(case, choose("cpu"), COUNT, 3)
    limits = risk_limits(case, ready.losses)
    return ready, limits, maximise(ready.program, limits, ready.backend, ready.store, Settings(gap=GAP))


def amounts(decided: np.ndarray) -> Amounts:
    ready = searched()[0]
    return Amounts(ready.case, ready.ledger, ready.means, decided, ready.deposit_rates)


def with_traces(size: float) -> Solution:
    """The plan mixed with the deepest one known, which funds itself in other ways, and tax of both incomes."""
    _, _, solution = searched()
    assert solution.columns is not None
    others = [k.x for k in solution.learnt.known]
    far = max(others, key=lambda x: float(np.abs(x - solution.columns).sum()))
    columns = solution.columns + size * (far - solution.columns)
    return replace(solution, columns=columns, decisions=columns[searched()[0].program.decisions])


def dust(decided: np.ndarray) -> int:
    ready = searched()[0]
    return int((settled(ready.ledger.decisions, decided) != decided).sum())


@pytest.mark.parametrize("size", [3e-7, 1e-8])
def test_traces_are_cleared_and_the_certificate_is_of_what_is_left(size: float) -> None:
    ready, limits, solution = searched()
    mixed = with_traces(size)
    assert mixed.decisions is not None
    assert dust(mixed.decisions) > 10
    found = tidied(ready, mixed, limits, GAP)
    assert found.columns is not None
    assert found.decisions is not None
    assert dust(found.decisions) == 0
    assert found.status is Status.CERTIFIED
    assert found.gap <= GAP
    assert worst_violation(ready.program, found.columns) <= 1e-7
    assert found.objective == pytest.approx(float(ready.program.cost @ found.columns) + ready.program.offset, rel=1e-12)
    assert found.upper == solution.upper
    assert found.lower == found.objective
    for one, told in zip(limits, found.risks, strict=True):
        loss = ready.backend.losses(ready.store, [one.table], [one.matrix @ found.decisions])[0]
        tail = np.sort(np.asarray(loss))[::-1][: round((1.0 - one.level) * COUNT)]
        assert told.value == pytest.approx(tail.mean(), rel=1e-9)
        assert told.value <= one.limit + 1e-9 * abs(one.limit)


def test_a_plan_that_would_not_hold_is_left_as_it_was() -> None:
    """Where clearing would break a limit the certified plan stays; its papers show no traces all the same."""
    ready, limits, _ = searched()
    mixed = with_traces(1e-7)
    tight = tuple(replace(r, limit=r.limit - 1.0) for r in limits)
    values = tuple(replace(r, limit=r.limit - 1.0, value=r.limit - 1.0) for r in mixed.risks)
    asked = replace(mixed, risks=values)
    assert tidied(ready, asked, tight, GAP).columns is mixed.columns
    plan = compose(ready, mixed, Circumstances(3, GAP, None, ()))
    assert smallest(plan) > 0.0


def test_a_plan_better_than_its_bound_is_not_taken() -> None:
    ready, limits, solution = searched()
    low = replace(with_traces(1e-8), upper=solution.objective * (1.0 - 1e-6))
    assert tidied(ready, low, limits, GAP).columns is low.columns


def test_wealth_left_on_the_table_is_said() -> None:
    ready, _, solution = searched()
    missed = replace(solution, value_bound=solution.value + 0.1 * abs(solution.value))
    plan = compose(ready, missed, Circumstances(3, GAP, None, ()))
    assert any("it may be up to" in message for message in plan.messages)
    assert plan.wealth is not None
    assert plan.wealth.most == missed.value_bound


def smallest(plan: Plan) -> float:
    """The least amount listed, over the largest of its unit and the size below which nothing counts; above VISIBLE."""
    units: dict[str, list[float]] = {}
    for row in plan.decisions.rows:
        if row[1] != "tax":
            units.setdefault(str(row[4]), []).append(abs(float(str(row[3]))))
    least = min(min(v) / max(1e-3, *v) for v in units.values())
    assert least > VISIBLE
    return least


@pytest.mark.parametrize("count", [500, 5_000])
def test_no_plan_lists_traces(count: int) -> None:
    plan = optimize(starter(), scenarios=count, seed=5, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    smallest(plan)
    for values in (plan.funding.by_instrument, plan.funding.by_holder):
        assert min(values.values()) > VISIBLE * max(values.values())


def test_tax_of_two_incomes_is_put_right() -> None:
    """Profit and loss of a period both blown up: rows allow it, and it pays tax on no income."""
    ready, limits, solution = searched()
    assert solution.columns is not None
    tax = ready.case.tax
    assert tax is not None
    program, labels, paid = ready.program, ready.case.horizon.labels, 1e-4
    at = {name: j for j, name in enumerate(program.column_names)}
    columns = solution.columns.copy()
    key = {d.key: program.decisions[j] for j, d in enumerate(ready.ledger.decisions)}
    columns[key[f"tax[{labels[-1]}]"]] += paid
    columns[at[f"profit[{labels[-1]}]"]] += paid / tax.rate
    columns[at[f"loss[{labels[-1]}]"]] += paid / tax.rate
    columns[at[f"loss_pool[{labels[-1]}]"]] += paid / tax.rate
    columns[at[f"cash[{labels[-1]}]"]] -= paid
    assert worst_violation(program, columns) <= 1e-7
    value = float(program.value @ columns) + program.value_offset
    wrong = replace(solution, columns=columns, decisions=columns[program.decisions], value=value)
    found = tidied(ready, wrong, limits, GAP)
    assert found.decisions is not None
    assert found.value > value
    due = amounts(found.decisions).assessed
    assert due is not None
    assert -amounts(found.decisions).of(Account.TAX) == pytest.approx(due.tax, abs=1e-12)


def test_tax_paid_early_for_a_covenant_is_said() -> None:
    ready, limits, solution = searched()
    assert solution.decisions is not None
    early = solution.decisions.copy()
    first = next(j for j, d in enumerate(ready.ledger.decisions) if d.block == "tax" and d.period == 2)
    early[first] += 0.01
    wrong = replace(solution, decisions=early)
    # a plan of which nothing may change: what it is worth is more than any can be
    held = tidied(ready, replace(wrong, value=wrong.value + 1.0), limits, GAP)
    assert held.decisions is early
    assert any("more tax than its income owes" in message for message in held.messages)


def by_hand(tax: Tax, taxable: list[float], flow: list[float], rates: list[float], opening: float) -> list[float]:
    cash, pool, out = opening, tax.opening_losses, []
    for a, f, r in zip(taxable, flow, rates, strict=True):
        income = a + r * cash
        if income < 0:
            pool, due = pool - income, 0.0
        else:
            used = min(pool, tax.loss_use * income)
            pool, due = pool - used, tax.rate * (income - used)
        cash = cash * (1 + r) + f - due
        out.append(due)
    return out


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_losses_are_used_at_once(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 8))
    numbers = st.floats(-5.0, 5.0)
    taxable, flow = (data.draw(st.lists(numbers, min_size=n, max_size=n)) for _ in range(2))
    rates = data.draw(st.lists(st.floats(0.0, 0.03), min_size=n, max_size=n))
    tax = Tax(rate=data.draw(st.floats(0.0, 0.5)), loss_use=data.draw(st.floats(0.0, 1.0)), opening_losses=1.5)
    found = assessed(tax, Base.plain(np.array(taxable)), np.array(flow), np.array(rates), 2.0)
    assert found.tax == pytest.approx(by_hand(tax, taxable, flow, rates, 2.0), abs=1e-12)
    carried = tax.opening_losses + np.cumsum(np.maximum(-found.income, 0.0) - found.used)
    assert found.pool == pytest.approx(carried, abs=1e-12)
    assert (found.pool >= -1e-12).all()


def test_no_payment_that_the_rows_allow_is_less_up_to_any_period() -> None:
    """Against the least total up to each period by a linear program over the same rows."""
    from scipy.optimize import linprog

    rng, n = np.random.default_rng(4), 6
    tax = Tax(rate=0.3, loss_use=0.6, opening_losses=0.7)
    for _ in range(12):
        income = rng.normal(0.0, 2.0, n)
        found = assessed(tax, Base.plain(income), np.zeros(n), np.zeros(n), 0.0)
        for last in range(n):
            # columns: profit, loss, used, pool
            cost = np.zeros(4 * n)
            cost[: last + 1], cost[2 * n : 2 * n + last + 1] = tax.rate, -tax.rate
            equal, right, less, most = [], [], [], []
            for t in range(n):
                row = np.zeros(4 * n)
                row[t], row[n + t] = 1.0, -1.0
                equal.append(row)
                right.append(income[t])
                row = np.zeros(4 * n)
                row[3 * n + t], row[n + t], row[2 * n + t] = 1.0, -1.0, 1.0
                if t:
                    row[3 * n + t - 1] = -1.0
                equal.append(row)
                right.append(0.0 if t else tax.opening_losses)
                row = np.zeros(4 * n)
                row[2 * n + t], row[t] = 1.0, -tax.loss_use
                less.append(row)
                most.append(0.0)
                row = np.zeros(4 * n)
                row[2 * n + t] = 1.0
                if t:
                    row[3 * n + t - 1] = -1.0
                less.append(row)
                most.append(0.0 if t else tax.opening_losses)
            best = linprog(cost, A_ub=less, b_ub=most, A_eq=equal, b_eq=right)
            assert found.tax[: last + 1].sum() == pytest.approx(best.fun, abs=1e-9)


def test_wealth_and_its_bound_are_told() -> None:
    plan = optimize(starter(), scenarios=COUNT, seed=3, out_of_sample=False)
    assert plan.wealth is not None
    assert plan.wealth.expected <= plan.wealth.most
    assert plan.wealth.most - plan.wealth.expected <= 5e-3 * abs(plan.wealth.expected)
    assert not any("expected wealth" in message for message in plan.messages)


@pytest.mark.parametrize("wide", [True, False])
def test_where_no_limit_binds_wealth_is_the_most_that_there_is(wide: bool) -> None:
    """Against the linear program itself, by SciPy: the objective nearly at its best, and the most wealth."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    case = starter()
    risks = tuple(replace(r, limit=50.0) for r in case.risk) if wide else ()
    plan = optimize(replace(case, risk=risks), scenarios=1_000, seed=3, out_of_sample=False)
    assert plan.wealth is not None
    assert plan.certificate is not None
    program = prepare(plan.case, choose("cpu"), 1_000, 3).program
    floor = plan.certificate.upper_bound * (1.0 - 3e-6) - program.offset
    rows = [
        LinearConstraint(program.matrix, program.row_lower, program.row_upper),
        LinearConstraint(program.cost[None, :], floor, np.inf),
    ]
    best = milp(-program.value, constraints=rows, bounds=Bounds(program.col_lower, program.col_upper))
    assert best.status == 0
    most = -float(best.fun) + program.value_offset
    assert plan.wealth.expected >= most - 2e-3 * abs(most)
    assert plan.wealth.most >= plan.wealth.expected


def test_a_covenant_case_with_tax_is_tidy_too() -> None:
    case = replace(starter(), covenant=(Covenant(id="dscr", kind="dscr", limit=1.1, from_period=4),))
    plan = optimize(case, scenarios=1_000, seed=3, out_of_sample=False)
    assert plan.status in (Status.CERTIFIED, Status.INFEASIBLE)
