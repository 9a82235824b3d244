"""Net loss is a loss against doing nothing: that loses nothing, owners paid are no loss, and cash never hurts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix import Plan, Status, load_case, optimize
from capmix.models.blocks.idle import idle, wealth_weights
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Depth, Instrument, Step
from capmix.models.schema.revenue import Organic
from capmix.models.schema.rules import Objective, Tax
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..cases import flat, starter

COUNT, SEED = 1_000, 1


def planned(case: Case) -> Plan:
    return optimize(case, scenarios=COUNT, seed=SEED, gap=1e-7, device="cpu", out_of_sample=False)


def losses(ready: PlanningProblem, decided: np.ndarray) -> np.ndarray:
    """(S,) net loss."""
    number = [r.loss for r in ready.case.risk].index("net_loss")
    loss = ready.losses[number]
    return np.asarray(ready.backend.losses(ready.store, [loss.table], [loss.matrix @ decided])[0])


def decisions_of(plan: Plan, ready: PlanningProblem) -> np.ndarray:
    amount = {r[0]: r[3] for r in plan.decisions.rows}
    return np.array([1.0 if d.block == "fixed" else float(amount.get(d.key, 0.0)) for d in ready.ledger.decisions])


def with_organic(amount: float, dividend: float) -> Case:
    case = starter()
    cash = replace(case.cash, dividends=flat(dividend, case))
    return replace(case, cash=cash, organic=Organic(amount=flat(amount, case), ebitda=flat(0.0, case)))


@pytest.mark.parametrize("loss_use, carried", [(0.8, 0.0), (0.0, 0.3), (1.0, 0.3)])
def test_doing_nothing_loses_nothing_in_any_scenario(loss_use: float, carried: float) -> None:
    case = replace(with_organic(0.05, 0.01), tax=Tax(rate=0.3, loss_use=loss_use, opening_losses=carried))
    ready = prepare(case, choose("numpy"), COUNT, SEED)
    nothing = idle(case, ready.ledger, ready.means, ready.deposit_rates)
    decided = ready.ledger.mask(block="fixed").astype(float)
    for j, decision in enumerate(ready.ledger.decisions):
        if decision.block == "tax":
            decided[j] = nothing.tax[decision.period]
    assert nothing.tax.sum() > 0.0
    np.testing.assert_allclose(losses(ready, decided), 0.0, atol=1e-12)
    fixed = ready.ledger.mask(block="fixed")
    assert all(abs(loss.matrix[:, np.flatnonzero(fixed)]).sum() == 0.0 for loss in ready.losses[1:2])


def test_paying_owners_is_no_loss() -> None:
    """Money that comes in and is paid out at once changes no plan; kept, no loss but for the tax."""
    plain, paid_out = planned(starter()), planned(with_organic(0.02, 0.02))
    assert paid_out.objective_value == pytest.approx(plain.objective_value, rel=1e-6)
    found, untouched = [], []
    for dividend in (0.0, 0.02):
        case = with_organic(0.02, dividend)
        ready = prepare(case, choose("numpy"), COUNT, SEED)
        found.append(losses(ready, decisions_of(plain, ready)))
        tax = idle(case, ready.ledger, ready.means, ready.deposit_rates).tax
        untouched.append(float(wealth_weights(case, ready.deposit_rates) @ tax))
    assert untouched[0] > untouched[1]  # interest on what was kept is taxed, in doing nothing too
    np.testing.assert_allclose(found[1] - found[0], untouched[0] - untouched[1], rtol=1e-9)


def test_more_opening_cash_never_lowers_the_optimum() -> None:
    case, before = starter(), -np.inf
    for opening in (0.9, 2.0, 8.0, 400.0):
        plan = planned(replace(case, cash=replace(case.cash, opening=opening)))
        assert plan.status is Status.CERTIFIED
        assert plan.objective_value >= before * (1.0 - 1e-6)
        before = plan.objective_value


def test_the_cost_of_a_target_is_the_mean_net_loss() -> None:
    """One definition of doing nothing: what the objective gives up is the mean of what the scenarios lose."""
    case = replace(starter(), objective=Objective(kind="cost", metric="bf16", money_discount=0.1, target=40_000.0))
    plan = planned(case)
    ready = prepare(case, choose("numpy"), COUNT, SEED)
    assert plan.objective_value == pytest.approx(losses(ready, decisions_of(plan, ready)).mean(), abs=1e-7)


def test_more_cash_and_one_more_offer_leave_a_shipped_case_no_worse() -> None:
    """Twice the opening cash; and a loan that nobody would take, on all assets that have served a year."""
    case = load_case("ai_lab")
    base = planned(case).objective_value
    richer = planned(replace(case, cash=replace(case.cash, opening=2.0 * case.cash.opening)))
    assert richer.objective_value >= base * (1.0 - 1e-6)
    holder = case.investor[0].id
    useless = Instrument(
        id="useless", kind="term_loan", rate="fixed", margin=0.4, fee=1.0, tenor=12, amortisation="bullet",
        secured_by="all", advance_rate=0.1, seasoning=4,
        depth=(Depth(investor=holder, steps=(Step(size=0.1, spread=0.0),)),),
    )  # fmt: skip
    assert planned(replace(case, instrument=(*case.instrument, useless))).objective_value >= base * (1.0 - 1e-6)
