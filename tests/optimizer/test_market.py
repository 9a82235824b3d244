"""A market that may shut, draws that may stop and a revolver: the plan equals the extensive form."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Status, optimize
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Window
from capmix.models.schema.revolver import Revolver
from capmix.models.schema.rules import Covenant
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import driver_order
from capmix.optimizer.setup.prepare import prepare

from .cases import flat, starter
from .extensive import extensive, solve_highs
from .test_extensive import lifted

COUNT, SEED = 1_000, 1
FEW = 300


@cache
def market() -> Case:
    """The starter case whose note market shuts in some scenarios, whose draws may stop, with a revolver on offer."""
    case = starter()
    shut = Window(
        id="notes_open", process="window", closing=flat(0.5, case), reopening=flat(1.5, case), shut_share=0.25
    )
    stop = Window(id="draws_open", process="window", closing=flat(0.3, case), reopening=flat(2.0, case))
    terms = {
        "notes": {"window": "notes_open", "margin": 0.005, "fee": 0.005},
        "gpu_loan": {"draw_stop": "draws_open"},
    }
    return replace(
        case,
        driver=(*case.driver, shut, stop),
        instrument=tuple(replace(i, **terms.get(i.id, {})) for i in case.instrument),
        revolver=Revolver(holder="banks", max_commitment=0.3, margin=0.03, commitment_fee=0.005, fee=0.01, tenor=6),
    )


def test_plan_equals_the_extensive_form_with_recourse_and_closure() -> None:
    case = market()
    plan = optimize(case, scenarios=COUNT, seed=SEED, gap=1e-7, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    committed = sum(row[3] for row in plan.decisions.rows if row[1] == "line")
    assert committed > 0.01  # the revolver is worth its fees
    notes = sum(row[3] for row in plan.decisions.rows if row[1] == "issue" and "instrument=notes" in row[5])
    assert notes > 0.01  # and the shut market is used

    ready = prepare(case, choose("numpy"), COUNT, SEED)
    risks = risk_limits(case, ready.losses)
    form = extensive(*lifted(ready.program, risks), ready.backend.values(ready.store, np.arange(COUNT)))
    oracle, _ = solve_highs(form, presolve="off")  # which costs more here than it saves
    assert plan.objective_value == pytest.approx(oracle, rel=1e-6)
    for risk in plan.risk:
        assert risk.value <= risk.limit * (1.0 + 1e-6)
    without = optimize(replace(case, revolver=None), scenarios=COUNT, seed=SEED, gap=1e-6, out_of_sample=False)
    assert without.objective_value < plan.objective_value * (1.0 - 1e-5)


def test_plan_equals_the_extensive_form_with_recourse_closure_and_a_covenant_over_the_scenarios() -> None:
    """One program that holds all three at once, each of which changes what can be built."""
    kept = Covenant(id="value", kind="ltv", limit=0.45, from_period=6, as_="cvar", level=0.9)
    case = replace(market(), covenant=(kept,))
    plan = optimize(case, scenarios=FEW, seed=SEED, gap=1e-7, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    ready = prepare(case, choose("numpy"), FEW, SEED)
    risks = risk_limits(case, ready.losses)
    form = extensive(*lifted(ready.program, risks), ready.backend.values(ready.store, np.arange(FEW)))
    oracle, _ = solve_highs(form, presolve="off")  # by simplex: the interior point does not end on it
    assert plan.objective_value == pytest.approx(oracle, rel=1e-6)
    assert [f.name for f in plan.risk] == ["liquidity", "net_loss", "covenant value"]
    for figure in plan.risk:  # every limit binds
        assert figure.value <= figure.limit + 1e-6
        assert figure.price > 0.0
    never_shut = tuple(replace(i, window=None, draw_stop=None) for i in case.instrument)
    poorer, richer, freer = (
        optimize(c, scenarios=FEW, seed=SEED, gap=1e-6, out_of_sample=False).objective_value / plan.objective_value
        for c in (replace(case, revolver=None), replace(case, instrument=never_shut), replace(case, covenant=()))
    )
    assert poorer < 1.0 - 1e-5
    assert richer > 1.0 + 1e-5
    assert freer > 1.0 + 1e-5


def test_funding_is_what_comes_on_the_mean_through_the_window() -> None:
    case = market()
    plan = optimize(case, scenarios=COUNT, seed=SEED, gap=1e-4, out_of_sample=False)
    ready = prepare(case, choose("numpy"), COUNT, SEED)
    names = driver_order(case)
    at = names.index("notes_open")
    opened = ready.backend.values(ready.store, np.arange(COUNT))[:, at].mean(axis=0)
    periods = {d.key: d.period for d in ready.ledger.decisions}
    placed = [(row[0], row[3]) for row in plan.decisions.rows if "instrument=notes" in row[5]]
    assert plan.funding.by_instrument["notes"] == pytest.approx(
        sum(x * opened[periods[k]] for k, x in placed), rel=1e-9
    )


def test_every_flow_of_a_placement_is_scaled_by_its_window() -> None:
    """Scenario by scenario: with the window, each account is the case without it times the share at the issue."""
    case = market()
    plain = replace(case, instrument=tuple(replace(i, window=None, draw_stop=None) for i in case.instrument))
    shut, free = (prepare(c, choose("numpy"), 200, 3) for c in (case, plain))
    names = driver_order(case)
    x = shut.backend.values(shut.store, np.arange(200)).reshape(200, -1)
    periods = case.horizon.periods
    key = "issue[notes,managers,1,2027Q4]"
    share = x[:, names.index("notes_open") * periods + 3]
    assert 0.02 < (share < 1.0).mean() < 0.98
    for accounts in (
        (Account.PROCEEDS,),
        (Account.FEES,),
        (Account.INTEREST,),
        (Account.DEBT,),
        (Account.TERMINAL_DEBT,),
    ):
        flows = []
        for ready in (shut, free):
            j = next(i for i, d in enumerate(ready.ledger.decisions) if d.key == key)
            exposure = ready.ledger.exposure(accounts)
            weight = exposure.matrix[:, [j]].toarray().ravel()
            price = np.where(exposure.factors >= 0, x[:, exposure.factors], 1.0).prod(axis=2)[:, exposure.atom]
            flow = np.zeros((200, periods))
            for t in range(periods):
                part = slice(exposure.start[t], exposure.start[t + 1])
                flow[:, t] = price[:, part] @ weight[part]
            flows.append(flow)
        assert np.abs(flows[1]).max() > 0.0
        np.testing.assert_allclose(flows[0], flows[1] * share[:, None], rtol=1e-6, atol=1e-12)
