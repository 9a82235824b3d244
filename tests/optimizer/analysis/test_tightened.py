"""What a tightening step costs is what planning again with the tighter limit loses, with both signs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from capmix import Plan, Status, optimize
from capmix.models.schema.case import Case
from capmix.models.schema.rules import Covenant
from capmix.optimizer.analysis.tightened import step_prices
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare

from ..cases import starter

COUNT, SEED, GAP = 1_500, 3, 1e-7


def kept(covenant: Covenant | None, cost: bool = False) -> Case:
    case = replace(starter(), covenant=() if covenant is None else (covenant,))
    if cost:
        target = replace(case.objective, kind="cost", at=9, target=60_000.0)
        case = replace(case, objective=target)
    return case


@cache
def planned(covenant: Covenant | None, cost: bool = False) -> Plan:
    return optimize(kept(covenant, cost), scenarios=COUNT, seed=SEED, gap=GAP, out_of_sample=False)


@cache
def figures() -> dict[str, float]:
    """Covenant figures of the plan without any, where each is nearest to what it may not pass."""
    ltv = Covenant(id="ltv", kind="ltv", limit=5.0, from_period=2, as_="monitored")
    equity = Covenant(id="equity", kind="terminal_equity", limit=0.0, as_="monitored")
    plan = optimize(
        replace(starter(), covenant=(ltv, equity)), scenarios=COUNT, seed=SEED, gap=GAP, out_of_sample=False
    )
    values: dict[str, list[float]] = {}
    for row in plan.tables["covenants"].rows:
        if isinstance(row[4], float):
            values.setdefault(str(row[0]), []).append(row[4])
    return {"ltv": max(values["ltv"]), "equity": min(values["equity"])}


def told(plan: Plan, name: str) -> tuple[object, object]:
    table = plan.tables["covenant_risk"]
    names = [column.name for column in table.columns]
    row = dict(zip(names, next(r for r in table.rows if r[0] == name), strict=True))
    return row["cost of tightening"], row["priced"]


@pytest.mark.parametrize("kind", ["terminal_equity", "ltv"])
@pytest.mark.parametrize("inside", [0.0, 0.4])
def test_a_step_beyond_the_headroom_costs_what_planning_again_loses(kind: str, inside: float) -> None:
    """Binding, and with headroom for two fifths of the step: there, first order says that it costs nothing."""
    sign = 1.0 if kind == "terminal_equity" else -1.0
    at, step = (figures()["equity"], 0.25) if sign > 0 else (figures()["ltv"], 0.1)
    covenant = Covenant(id="one", kind=kind, limit=at - sign * inside * step, from_period=2, tightening_step=step)
    plan = planned(covenant)
    cost, how = told(plan, "one")
    other = planned(replace(covenant, limit=covenant.limit + sign * step))
    lost = plan.objective_value - other.objective_value
    assert how == "planned again"
    assert isinstance(cost, float)
    assert lost > 1.0
    assert cost == pytest.approx(lost, abs=4.0 * GAP * abs(plan.objective_value))


def test_a_step_within_the_headroom_costs_nothing() -> None:
    plan = planned(Covenant(id="one", kind="ltv", limit=figures()["ltv"] + 0.2, from_period=2, tightening_step=0.1))
    assert told(plan, "one") == (0.0, "within headroom")


def test_a_dearer_plan_is_a_cost_with_the_same_sign() -> None:
    free = planned(None, cost=True)
    assert free.status is Status.CERTIFIED
    equity = float(next(r[-1] for r in free.tables["balance_sheet_at_market"].rows if r[0] == "equity"))  # type: ignore[arg-type]
    covenant = Covenant(id="one", kind="terminal_equity", limit=equity - 0.01, tightening_step=0.02)
    plan = planned(covenant, cost=True)
    cost, how = told(plan, "one")
    other = planned(replace(covenant, limit=covenant.limit + covenant.step), cost=True)
    if other.status is Status.INFEASIBLE:
        assert (cost, how) == (None, "no plan")
    else:
        assert isinstance(cost, float)
        assert cost == pytest.approx(other.objective_value - plan.objective_value, abs=1e-6)
        assert cost >= 0.0


def test_a_step_that_leaves_no_plan_says_so() -> None:
    plan = planned(Covenant(id="one", kind="terminal_equity", limit=figures()["equity"] - 0.1, tightening_step=500.0))
    assert told(plan, "one") == (None, "no plan")


def test_over_the_scenarios() -> None:
    base = Covenant(id="one", kind="terminal_equity", limit=-1.2, as_="cvar", level=0.9, tightening_step=0.1)
    plan, other = planned(base), planned(replace(base, limit=base.limit + base.step))
    cost, how = told(plan, "one")
    if how == "within headroom":
        assert other.objective_value == pytest.approx(plan.objective_value, rel=4 * GAP)
    else:
        assert (cost, how) == (
            pytest.approx(plan.objective_value - other.objective_value, abs=4.0 * GAP * abs(plan.objective_value)),
            "planned again",
        )


def test_without_time_nothing_is_claimed() -> None:
    covenant = Covenant(id="one", kind="terminal_equity", limit=figures()["equity"] - 0.1, tightening_step=0.25)
    case = kept(covenant)
    ready = prepare(case, choose("cpu"), COUNT, SEED)
    settings = Settings(gap=GAP)
    solution = maximise(ready.program, risk_limits(case, ready.losses), ready.backend, ready.store, settings)
    price = step_prices(ready, solution, GAP, 0.0)["one"]
    assert (price.cost, price.how) == (None, "not priced")
