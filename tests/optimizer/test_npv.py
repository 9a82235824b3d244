"""The objective npv: certified against the extensive form, the same figure as in `returns`, with compute as a limit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.blocks.idle import idle
from capmix.models.schema.case import Case
from capmix.models.schema.reviews import Review
from capmix.models.schema.rules import Objective
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare

from .cases import every_loss, starter
from .extensive import extensive, solve_highs
from .test_extensive import lifted

COUNT, SEED = 400, 1
OWNERS = "owners, as the company keeps its cash"
RENTAL = Review(at=4, signal="rental_let", quantiles=(0.5,), names=("weak", "strong"))


def worth(case: Case, **changes: object) -> Case:
    """The case with NPV as its objective; its covenants are left to others, since pricing them takes long."""
    given = {"kind": "npv", "at": None, "target": None, **changes}
    return replace(case, objective=replace(case.objective, **given), covenant=())  # type: ignore[arg-type]


@cache
def planned(case: Case) -> Plan:
    return optimize(case, scenarios=COUNT, seed=SEED, gap=1e-7, out_of_sample=False)


def npv(plan: Plan) -> float:
    return plan.tables["returns"].row(OWNERS).number("NPV")


def by_extensive_form(case: Case) -> float:
    ready = prepare(case, choose("numpy"), COUNT, SEED)
    risks = risk_limits(case, ready.losses)
    values = ready.backend.values(ready.store, np.arange(COUNT))
    return solve_highs(extensive(*lifted(ready.program, risks), values))[0]


@pytest.mark.parametrize("target", [None, 60_000.0])
def test_the_plan_is_certified_and_that_of_the_extensive_form(target: float | None) -> None:
    case = worth(every_loss() if target is None else starter(), target=target, at=None if target is None else 11)
    plan = planned(case)
    assert plan.status is Status.CERTIFIED
    assert (plan.objective_name, plan.objective_unit) == ("owners' NPV", "billion")
    assert plan.objective_value == pytest.approx(by_extensive_form(case), rel=1e-6)
    assert npv(plan) == pytest.approx(plan.objective_value, rel=1e-6)


def test_npv_is_wealth_above_that_of_doing_nothing() -> None:
    """And no other plan has more of it: not the one that maximises compute."""
    case = worth(starter())
    plan = planned(case)
    assert plan.status is Status.CERTIFIED
    ready = prepare(case, choose("cpu"), COUNT, SEED)
    without = idle(case, ready.ledger, ready.means, ready.deposit_rates)
    assert plan.wealth is not None
    assert plan.objective_value == pytest.approx(plan.wealth.expected - without.wealth, rel=1e-6)
    most_compute = planned(replace(case, objective=replace(case.objective, kind="compute")))
    assert npv(most_compute) <= npv(plan) * (1.0 + 1e-6)
    delivered = [p.tables["compute"].series("compute in service")[-1] for p in (plan, most_compute)]
    assert delivered[0] < delivered[1]


def test_compute_is_a_limit() -> None:
    """It is kept, costs NPV where it binds, and the plan is then the cheapest of that compute."""
    free = planned(worth(starter()))
    held = planned(worth(starter(), target=60_000.0, at=11))
    compute = held.tables["compute"].series("compute in service")[-1]
    assert compute == pytest.approx(60_000.0, rel=1e-6)
    assert npv(held) < npv(free)
    assert [p for p in held.prices if p.rule == "compute_target"]
    cheapest = planned(worth(starter(), kind="cost", target=60_000.0, at=11))
    assert cheapest.objective_value == pytest.approx(-held.objective_value, rel=1e-6)


@pytest.mark.parametrize("taxed", [False, True])
def test_where_nothing_pays_nothing_is_done(taxed: bool) -> None:
    """The best NPV is then that of doing nothing: 0, but for losses that doing nothing may not set against interest."""
    case = starter()
    dear = replace(
        case,
        objective=Objective(kind="npv", metric="bf16", money_discount=0.5),
        accelerator=tuple(replace(a, price=50.0 * a.price) for a in case.accelerator),
        opening=replace(case.opening, fleet=()),
        tax=case.tax if taxed else None,
        covenant=(),
    )
    plan = planned(dear)
    assert plan.status is Status.CERTIFIED
    assert not plan.tables["purchases"].rows
    assert plan.funding.total == 0.0
    ready = prepare(dear, choose("cpu"), COUNT, SEED)
    without = idle(dear, ready.ledger, ready.means, ready.deposit_rates)
    paid = np.array(plan.tables["cash_flow"].series("tax"))
    spared = float((without.tax + paid).sum()) * 1.5**-3  # each grows at the deposit rate, and so a little more
    assert spared <= plan.objective_value <= 1.1 * spared + 1e-9
    assert (plan.objective_value > 1e-3) is taxed


def test_a_plan_that_adapts_has_the_npv_of_its_leaves() -> None:
    """One figure: the certified objective, and what the cash and assets of the leaves come to above doing nothing."""
    case = replace(worth(starter()), review=(RENTAL,))
    plan = planned(case)
    assert plan.status is Status.CERTIFIED
    assert npv(plan) == pytest.approx(plan.objective_value, rel=1e-6)
    assert plan.objective_value >= planned(worth(starter())).objective_value * (1.0 - 1e-6)
    cash = plan.tables["balance_sheet"].series("cash")
    assert cash == pytest.approx(plan.tables["balance_sheet_at_market"].series("cash"), abs=1e-8)
    assert plan.tables["balance_sheet"].series("total assets") == pytest.approx(
        plan.tables["balance_sheet"].series("total liabilities and equity"), rel=1e-9
    )
    life = plan.tables["debt_portfolio"].column("weighted average life")
    assert max(x for x in life if x is not None) < 10.0
