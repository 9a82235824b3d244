"""Limits of the user's own hold, their price is the optimum's slope, the bound is with them, reasons name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import capmix
import numpy as np
import pyomo.environ as pyo
import pytest
import scipy.sparse as sp
from capmix import CaseError, Handle, OwnLimitError, Plan, PyomoRows, Status, UnknownName, compare, frontier, optimize
from capmix.models.build import build_ledger, declare
from capmix.models.schema.case import Case
from capmix.optimizer.analysis.reevaluate import Claim, planned_again, prepared
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from capmix.reports.files.solution import read_solution, solution_makers
from capmix.reports.summary.terminal import render

from .cases import starter
from .extensive import extensive, solve_highs
from .test_extensive import lifted

COUNT, SEED = 500, 3
SECOND = starter().horizon.labels[1]


def handle(case: Case | None = None) -> Handle:
    case = starter() if case is None else case
    ledger = build_ledger(case)
    means = np.ones(ledger.factors.shape[0])
    return Handle(declare(case, ledger, means, np.zeros(case.horizon.periods)).assembly)


def few(most: float) -> Callable[[Handle], object]:
    return lambda amounts: {"few systems": amounts.decision("order", period=SECOND) <= most}


def planned(case: Case | None = None, **arguments: Any) -> Plan:
    return optimize(case or starter(), scenarios=COUNT, seed=SEED, gap=1e-7, out_of_sample=False, **arguments)


def ordered(plan: Plan) -> float:
    assert plan.evidence is not None
    return sum(v for n, v in plan.evidence.columns.items() if n.startswith("order[") and n.endswith(f",{SECOND}]"))


@pytest.fixture(scope="module")
def free() -> Plan:
    return planned()


@pytest.fixture(scope="module")
def limited() -> Plan:
    return planned(constraints=few(10.0))


def test_a_limit_holds_and_the_bound_is_that_of_the_extensive_form_with_it(free: Plan, limited: Plan) -> None:
    assert ordered(free) > 11.0
    assert ordered(limited) <= 10.0 + 1e-6
    assert limited.status is Status.CERTIFIED
    case = starter()
    plain = prepare(case, choose("numpy"), COUNT, SEED)
    wide, risks = lifted(plain.program, risk_limits(case, plain.losses))
    form = extensive(wide, risks, plain.backend.values(plain.store, np.arange(COUNT)))
    row = np.zeros((1, form.matrix.shape[1]))
    names = plain.program.column_names
    row[0, [j for j, n in enumerate(names) if n.startswith("order[") and n.endswith(f",{SECOND}]")]] = 1.0
    with_row = replace(
        form,
        matrix=sp.csr_array(sp.vstack([form.matrix, row])),
        lower=np.append(form.lower, -np.inf),
        upper=np.append(form.upper, 10.0),
    )
    oracle, _ = solve_highs(with_row)
    assert limited.objective_value == pytest.approx(oracle, rel=1e-6)
    assert limited.certificate is not None
    assert limited.certificate.upper_bound >= oracle * (1.0 - 1e-9)
    assert limited.certificate.upper_bound < 0.999 * free.objective_value


def test_the_price_is_the_slope_of_the_optimum(limited: Plan) -> None:
    (row,) = limited.tables["own_limits"].rows
    name, period, sign, bound, value, room, binds, price, unit = row
    assert (name, period, sign, bound, binds, unit) == ("few systems", SECOND, "<=", 10.0, "yes", "systems")
    assert value == pytest.approx(10.0)
    assert room == pytest.approx(0.0, abs=1e-6)
    below, above = (planned(constraints=few(10.0 + d)).objective_value for d in (-0.5, 0.5))
    assert above - limited.objective_value <= 0.5 * float(price) * (1 + 1e-3) + 1e-2  # type: ignore[arg-type]
    assert limited.objective_value - below >= 0.5 * float(price) * (1 - 1e-3) - 1e-2  # type: ignore[arg-type]
    assert any(p.rule == "own_few systems" and p.price == pytest.approx(price) for p in limited.prices)


def test_an_equality_has_a_price_of_either_sign(free: Plan) -> None:
    assert free.evidence is not None
    now = sum(v for n, v in free.evidence.columns.items() if n.startswith("order[vr200,"))

    def exactly(amount: float) -> Plan:
        return planned(constraints=lambda h: (h.decision("order", "vr200") == amount).named("exactly"))

    for amount, sign in ((0.8 * now, 1.0), (1.1 * now, -1.0)):
        plan = exactly(amount)
        row = plan.tables["own_limits"].rows[0]
        assert row[2:4] == ("=", amount)
        assert row[4] == pytest.approx(amount, rel=1e-6)
        price = float(row[7])  # type: ignore[arg-type]
        assert sign * price > 10.0
        below, above = (exactly(amount + d).objective_value - plan.objective_value for d in (-0.5, 0.5))
        # concave: above the slope before, below the slope after
        assert above <= 0.5 * price + 1e-2 + 1e-3 * abs(price)
        assert below <= -0.5 * price + 1e-2 + 1e-3 * abs(price)


def test_pyomo_says_the_same(limited: Plan) -> None:
    def write(model: Any) -> None:
        order = model.decisions.order
        model.few = pyo.Constraint(expr=sum(order[k] for k in order if k[-1] == SECOND) + 3 <= 13)

    plan = planned(constraints=PyomoRows(write))
    assert plan.objective_value == pytest.approx(limited.objective_value, rel=1e-12)
    (row,) = plan.tables["own_limits"].rows
    assert row[:4] == ("few", SECOND, "<=", 10.0)
    both = planned(constraints=[few(10.0), PyomoRows(write)])
    assert [r[0] for r in both.tables["own_limits"].rows] == ["few systems", "few"]
    assert both.objective_value == pytest.approx(limited.objective_value, rel=1e-6)


BAD_PYOMO = {
    "square": ("m.square = pyo.Constraint(expr=x ** 2 <= 4)", "'square' is not linear"),
    "product": ("m.p = pyo.Constraint(expr=x * y <= 4)", "'p' is not linear"),
    "exponential": ("m.e = pyo.Constraint(expr=pyo.exp(x) <= 4)", "'e' is not linear"),
    "in a block": ("m.b = pyo.Block(); m.b.c = pyo.Constraint([1], rule=lambda b, i: x * y <= 1)", r"'b.c\[1\]'"),
    "list": ("m.l = pyo.ConstraintList(); m.l.add(x * x <= 3)", r"'l\[1\]' is not linear"),
    "variable": ("m.v = pyo.Var(); m.c = pyo.Constraint(expr=m.v + x <= 1)", "'v' is a variable"),
    "objective": ("m.o = pyo.Objective(expr=x)", "'o' is an objective"),
    "bound": ("x.setub(1.0)", "was changed"),
    "fixed": ("x.fix(1.0)", "was changed"),
    "whole": ("x.domain = pyo.NonNegativeIntegers", "was changed"),
    "dropped row": ("m.hardware.supply.deactivate()", "was changed"),
    "deleted row": ("m.hardware.del_component('supply')", "was changed"),
    "goal": ("m.objective.deactivate()", "was changed"),
    "sos": ("m.s = pyo.SOSConstraint(var=m.decisions.order, sos=1)", "'s' is a SOSConstraint"),
    "foreign": ("n = pyo.ConcreteModel(); n.z = pyo.Var(); m.c = pyo.Constraint(expr=n.z + x <= 1)", "'z' is no"),
}


@pytest.mark.parametrize("name", BAD_PYOMO)
def test_what_is_no_linear_row_is_refused_by_name(name: str) -> None:
    code, words = BAD_PYOMO[name]

    def write(model: Any) -> None:
        x, y = list(model.decisions.order.values())[:2]
        exec(code, {"pyo": pyo, "m": model, "x": x, "y": y})

    with pytest.raises(OwnLimitError, match=words):
        capmix.pyomo_model(starter(), scenarios=200, constraints=PyomoRows(write))


UNKNOWN = {
    "family": (lambda h: h.decision("ordr"), "did you mean 'order'"),
    "key": (lambda h: h.decision("order", "gb3000"), "did you mean 'gb300'"),
    "tag": (lambda h: h.decision("order", acelerator="gb300"), "did you mean 'accelerator'"),
    "tag's value": (lambda h: h.decision("order", site="prary"), "did you mean 'prairie'"),
    "period": (lambda h: h.decision("order", period="2050Q1"), "no period of 'order' is called '2050Q1'; did you mean"),
    "together": (lambda h: h.decision("order", "vr200", "2027Q1"), "together; there are"),
    "order of keys": (lambda h: h.decision("order", "prairie", "gb300"), "not in the order of its keys"),
    "too many": (lambda h: h.decision("order", "a", "b", "c", "d"), "has 3 keys"),
    "number": (lambda h: h.decision("order", 3), "keys are texts"),
    "balance": (lambda h: h.balance("csh", "2027Q1"), "did you mean 'cash'"),
    "a decision": (lambda h: h.balance("order", "gb300"), "is a decision"),
    "no decision": (lambda h: h.decision("cash", "2027Q1"), "is a balance"),
    "full name": (lambda h: h.amount("order[gb300,prairie,2072Q1]"), r"order\[gb300,prairie,2027Q1\]"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_name_that_is_not_there_is_an_error_with_the_nearest(name: str) -> None:
    ask, words = UNKNOWN[name]
    with pytest.raises(UnknownName, match=words):
        ask(handle())


BAD_ROWS: dict[str, tuple[Callable[[Handle], object], str]] = {
    "ambiguous": (lambda h: h.decision("draw", "gpu_loan", "2027Q2"), "committed or period"),
    "several balances": (lambda h: h.balance("outstanding_balance", "notes"), "12 balances"),
    "product": (lambda h: h.decision("order") * h.decision("order"), "not linear"),
    "quotient": (lambda h: 1.0 / h.decision("order"), "not linear"),
    "nan": (lambda h: h.decision("order") * float("nan"), "not finite"),
    "infinite bound": (lambda h: h.decision("order") <= float("inf"), "not finite"),
    "by zero": (lambda h: h.decision("order") / 0, "divided by 0"),
    "strict": (lambda h: h.decision("order") < 3, "write <="),
    "text": (lambda h: h.decision("order") <= "3", "'3' is no number"),
    "nothing left": (lambda h: h.decision("order") - h.decision("order") <= 1.0, "holds no decision"),
    "a comparison of numbers": (lambda h: [1.0 <= 2.0], "comparing two numbers"),
    "an expression": (lambda h: h.decision("order"), "is no row"),
    "twice": (lambda h: [(h.decision("order") <= i).named("a") for i in (1, 2)], "two limits are named 'a'"),
    "bad name": (lambda h: {"a[b]": h.decision("order") <= 1}, "no name of a limit"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_what_is_no_row_is_refused_in_words(name: str) -> None:
    make, words = BAD_ROWS[name]
    h = handle()
    with pytest.raises(OwnLimitError, match=words):
        h.limits(make(h))


def test_two_sides_at_once_are_refused() -> None:
    h = handle()
    with pytest.raises(TypeError, match="two rows"):
        _ = 1.0 <= h.decision("order") <= 2.0


def test_sums_are_what_they_say() -> None:
    h = handle()
    whole = h.decision("order")
    parts = sum(h.decision("order", period=label) for label in h.periods if h.has("order", period=label))
    assert whole.terms == parts.terms  # type: ignore[union-attr]
    assert set(whole.terms) == set(h.names("order"))
    assert h.decision("issue", "notes").terms == h.decision("place", instrument="notes").terms
    (row,) = h.limits([2 * whole - np.float64(1.5) <= 3 - whole / 2])
    assert set(row.terms.values()) == {2.5}
    assert (row.lower, row.upper, row.unit, row.period) == (-np.inf, 4.5, "systems", "")
    (row,) = h.limits(h.balance("cash", "2027Q2") - h.decision("issue", period="2027Q2") <= 5)
    assert (row.lower, row.upper, row.unit, row.period) == (-np.inf, 5.0, "billion", "2027Q2")
    (row,) = h.limits(whole >= h.balance("cash", "2027Q2"))
    assert (row.lower, row.upper, row.unit, row.period) == (0.0, np.inf, "", "")
    rows = h.limits([(h.decision("order", period=q) <= 5).named("each") for q in h.periods[:3]])
    assert [r.row for r in rows] == [f"own_each[{q}]" for q in h.periods[:3]]


def test_a_contradiction_names_the_limit_first() -> None:
    plan = planned(constraints=lambda h: {"a fortune": h.balance("cash", SECOND) >= 1e3})
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert plan.infeasibility.relaxations[0].rule == "own_a fortune"
    assert plan.infeasibility.reason.startswith("Own limit a fortune of at least 1000 billion cannot be kept in 2027Q2")
    (conflict,) = plan.infeasibility.conflicts
    assert [limit.kind for limit in conflict.limits] == ["own limit"]
    assert plan.infeasibility.proven
    two = planned(
        constraints=lambda h: [
            (h.decision("order", period=SECOND) >= 20).named("many"),
            (h.decision("order", period=SECOND) <= 10).named("few"),
        ]
    )
    assert two.infeasibility is not None
    assert {f.rule for f in two.infeasibility.relaxations} <= {"own_many", "own_few"}
    fault = two.infeasibility.relaxations[0]
    assert fault.amount == pytest.approx(10.0, rel=1e-5)
    assert (fault.unit, fault.index) == ("systems", SECOND)


def test_risk_limits_that_fail_because_of_it_say_so() -> None:
    plan = planned(constraints=lambda h: {"spend": h.decision("order") >= 330.0})
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert "spend" in plan.infeasibility.reason


def test_without_limits_nothing_changes(free: Plan) -> None:
    for nothing in (lambda h: None, lambda h: [], []):
        plan = planned(constraints=nothing)
        assert plan.objective_value == free.objective_value
        assert plan.certificate == free.certificate
        assert plan.tables == free.tables
        assert "own_limits" not in plan.tables


@pytest.mark.parametrize("wrong", [3, "x", [few(1.0), 3], [None]])
def test_what_is_no_function_is_a_fault(wrong: Any) -> None:
    with pytest.raises(CaseError, match="constraints"):
        planned(constraints=wrong)


def test_the_summary_shows_it_and_a_run_of_it_follows_from_its_amounts(limited: Plan) -> None:
    text = render(limited, 100)
    assert "YOUR OWN LIMITS" in text
    assert f"few systems, {SECOND}" in text
    assert "No plan that keeps your own limits does better" in text
    assert limited.evidence is not None
    found = read_solution(solution_makers({"solution.json": limited.evidence})["solution.json"]())
    assert found == limited.evidence
    assert limited.certificate is not None
    ready = prepared(starter(), COUNT, SEED, own=found.own)
    claim = Claim(limited.status, limited.certificate.upper_bound, 1e-7, [r.price for r in limited.risk], False)
    again = planned_again(ready, SEED, found, claim)
    assert again.faults == ()
    assert again.plan is not None
    assert again.plan.tables["own_limits"] == limited.tables["own_limits"]


def test_variants_and_frontiers_take_them() -> None:
    case = replace(starter(), variant=())
    curve = frontier(case, points=2, low=0.3, high=0.6, scenarios=COUNT, seed=SEED, constraints=few(10.0))
    alone = frontier(case, points=2, low=0.3, high=0.6, scenarios=COUNT, seed=SEED)
    for one, other in zip(curve.points, alone.points, strict=True):
        assert one.objective < other.objective
    assert curve.points[0].objective == pytest.approx(planned(constraints=few(10.0)).objective_value, rel=2e-5)
    lab = capmix.load_case("ai_lab")
    name = lab.variant[-1].id
    label = lab.horizon.labels[4]
    most = compare(
        lab, [name], scenarios=COUNT, constraints=lambda h: {"slow": h.decision("order", period=label) <= 1.0}
    )
    plan = most.plans[name]
    assert plan.status is Status.CERTIFIED
    assert float(plan.tables["own_limits"].rows[0][4]) <= 1.0 + 1e-6  # type: ignore[arg-type]
