"""Where there is no plan, the reason is said in the user's words, and it is true."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capmix import Plan, Status, optimize

from .cases import every_loss, starter, with_risk

COUNT = 2_000


def least_of(plan: Plan, name: str) -> float:
    assert plan.infeasibility is not None
    return next(item[2] for item in plan.infeasibility.least if item[0] == name)


def test_a_risk_limit_below_the_least_possible_says_that_least() -> None:
    plan = optimize(with_risk(starter(), "liquidity", limit=-5.0), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.certificate is None
    assert plan.decisions.rows == ()
    assert plan.infeasibility is not None
    name, asked, least, unit = next(x for x in plan.infeasibility.least if x[0] == "liquidity")
    assert (name, asked, unit) == ("liquidity", -5.0, "billion")
    assert least > -5.0
    assert "liquidity" in plan.infeasibility.reason
    assert "-5" in plan.infeasibility.reason
    assert f"{least:.4g}" in plan.infeasibility.reason


def test_the_least_possible_is_the_border_of_what_can_be_planned() -> None:
    alone = replace(starter(), risk=tuple(r for r in starter().risk if r.id == "net_loss"))
    least = least_of(optimize(with_risk(alone, "net_loss", limit=-9.0), scenarios=COUNT), "net_loss")
    width = 1e-3 * max(1.0, abs(least))
    above = optimize(with_risk(alone, "net_loss", limit=least + width), scenarios=COUNT, out_of_sample=False)
    below = optimize(with_risk(alone, "net_loss", limit=least - width), scenarios=COUNT, out_of_sample=False)
    assert above.status is Status.CERTIFIED
    assert below.status is Status.INFEASIBLE


def test_limits_that_only_conflict_together() -> None:
    case = every_loss()
    plan = optimize(with_risk(with_risk(case, "late", limit=15_000.0), "net_loss", limit=0.2), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert {item[0] for item in plan.infeasibility.least} == {"liquidity", "net_loss", "late"}
    assert plan.infeasibility.reason


@pytest.mark.parametrize("periods", [12])
def test_rules_that_contradict_each_other_are_named(periods: int) -> None:
    case = replace(starter(), cash=replace(starter().cash, minimum=(50.0,) * periods))
    plan = optimize(case, scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert plan.infeasibility.faults
    assert any(fault.rule == "minimum_cash" for fault in plan.infeasibility.faults)
    assert all(fault.amount > 0.0 and fault.title for fault in plan.infeasibility.faults)
    assert plan.infeasibility.faults[0].title in plan.infeasibility.reason


def test_a_target_beyond_all_supply_is_named() -> None:
    objective = replace(starter().objective, kind="cost", at=3, target=1e6)
    plan = optimize(replace(starter(), objective=objective), scenarios=COUNT)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    assert plan.infeasibility.faults
