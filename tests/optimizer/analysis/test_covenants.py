"""Covenants over the scenarios: equal to the extensive form, to a recount, and to planning again a step tighter."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.kernels.terms import flows
from capmix.models.blocks.headroom import Figure, spelled_out
from capmix.models.build import build_ledger
from capmix.models.schema.case import Case
from capmix.models.schema.rules import COVENANTS, Covenant
from capmix.optimizer.analysis.compose import Circumstances, compose
from capmix.optimizer.analysis.covenants import breaches
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.tightened import step_prices
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.plan import Table
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare
from capmix.optimizer.setup.risk_losses import Shortfall, all_risks, shortfall

from ..cases import starter
from ..extensive import extensive, solve_highs
from ..test_extensive import lifted

COUNT, SEED = 1_000, 1
KEPT = Covenant(id="value", kind="ltv", limit=0.6, from_period=6, as_="cvar", level=0.9)
LIMITS = {"net_debt_to_ebitda": 2.5, "dscr": 1.3, "maturity_wall": 0.5, "terminal_equity": 0.5, "net_worth": 0.5}


def kept(*covenants: Covenant) -> Case:
    return replace(starter(), covenant=covenants)


WORTH = Covenant(id="value", kind="net_worth", limit=0.8, from_period=4, as_="cvar", level=0.9)


@cache
def planned(one: Covenant = KEPT) -> Plan:
    return optimize(kept(one), scenarios=COUNT, seed=SEED, gap=1e-8, out_of_sample=False)


def row(table: Table, name: str) -> dict[str, object]:
    found = next(r for r in table.rows if r[0] == name)
    return {c.name: v for c, v in zip(table.columns, found, strict=True)}


@pytest.mark.parametrize("one", [KEPT, WORTH])
def test_a_covenant_over_the_scenarios_equals_the_extensive_form(one: Covenant) -> None:
    plan = planned(one)
    assert plan.status is Status.CERTIFIED
    ready = prepare(kept(one), choose("numpy"), COUNT, SEED)
    risks = risk_limits(ready.case, ready.losses)
    oracle, _ = solve_highs(
        extensive(*lifted(ready.program, risks), ready.backend.values(ready.store, np.arange(COUNT)))
    )
    assert plan.objective_value == pytest.approx(oracle, rel=1e-6)
    figure = next(f for f in plan.risk if f.name == "covenant value")
    assert figure.value == pytest.approx(0.0, abs=1e-6)
    assert figure.price > 0.0
    free = optimize(kept(), scenarios=COUNT, seed=SEED, out_of_sample=False)
    assert plan.objective_value < free.objective_value - 1.0


@pytest.mark.parametrize(
    "covenant",
    [KEPT, Covenant(id="value", kind="terminal_equity", limit=1.2), Covenant(id="value", kind="ltv", limit=0.45)],
)
def test_first_order_is_what_planning_again_by_a_hundredth_of_a_step_shows(covenant: Covenant) -> None:
    small = replace(covenant, tightening_step=0.01 * covenant.step)
    ready = prepare(kept(small), choose("cpu"), COUNT, SEED)
    limits = risk_limits(ready.case, ready.losses)
    settings = Settings(gap=1e-9)
    solution = maximise(ready.program, limits, ready.backend, ready.store, settings)
    plan = compose(ready, solution, Circumstances(SEED, 1e-9, None, ()))
    told = row(plan.tables["covenant_risk"], "value")
    again = step_prices(ready, solution, 1e-9, None)["value"]
    assert (told["priced"], again.how) == ("first order", "planned again")
    assert isinstance(told["cost of tightening"], float)
    assert told["cost of tightening"] > 0.01
    assert told["cost of tightening"] == pytest.approx(again.cost, rel=0.05)


def covenant(kind: str, **changes: object) -> Covenant:
    base = Covenant(
        id=kind, kind=kind, limit=LIMITS.get(kind, 1.2), from_period=2, as_="monitored",
        advance=(0.8, 0.6, 0.3) if kind == "borrowing_base" else (),
    )  # fmt: skip
    return replace(base, **changes)


@cache
def evaluated() -> tuple[PlanningProblem, Amounts]:
    """A plan whose decisions all covenants are then measured on."""
    case = kept(*(covenant(kind) for kind in COVENANTS))
    ready = prepare(case, choose("cpu"), COUNT, SEED)
    plan = planned()
    amount = {r[0]: r[3] for r in plan.decisions.rows}
    decided = np.array([1.0 if d.block == "fixed" else float(amount.get(d.key, 0.0)) for d in ready.ledger.decisions])
    return ready, Amounts(case, ready.ledger, ready.means, decided, ready.deposit_rates)


def headroom(one: Shortfall, ready: PlanningProblem, decided: np.ndarray) -> np.ndarray:
    """(S, rows) by the plain definition of the flows."""
    x = ready.backend.values(ready.store, np.arange(COUNT))
    return flows(x, one.measured.table.terms, one.measured.matrix @ decided) - one.measured.table.floor


@pytest.mark.parametrize("kind", COVENANTS)
def test_the_mean_headroom_is_that_of_the_expected_path(kind: str) -> None:
    """Headroom is linear in the postings, so its mean over the scenarios is the figure of the expected path."""
    from capmix.optimizer.analysis.covenants import covenants

    ready, amounts = evaluated()
    one = shortfall(ready.case, ready.ledger, ready.deposit_rates, covenant(kind))
    on_path = [r[7] for r in covenants(amounts).rows if r[0] == kind]
    mean = headroom(one, ready, amounts.decided).mean(axis=0)
    np.testing.assert_allclose(mean, on_path, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["ltv", "dscr", "llcr", "holder_concentration", "minimum_liquidity", "net_worth"])
def test_breaches_are_those_of_a_recount(kind: str) -> None:
    ready, amounts = evaluated()
    one = shortfall(
        ready.case,
        ready.ledger,
        ready.deposit_rates,
        covenant(kind, limit={"llcr": 2.0, "net_worth": 1.0}.get(kind, 0.6)),
    )
    found = breaches(amounts, ready.backend, ready.store, one)
    each = headroom(one, ready, amounts.decided)
    times = list(dict.fromkeys(t for _, t in one.rows))
    least = np.stack([each[:, [i for i, (_, u) in enumerate(one.rows) if u == t]].min(axis=1) for t in times], axis=1)
    first = [next((t for i, t in enumerate(times) if path[i] < -1e-7), None) for path in least]
    assert found.probability == pytest.approx(np.mean([f is not None for f in first]))
    assert found.probability > 0.0
    counted = [np.mean([f == t for f in first]) for t in times]
    np.testing.assert_allclose(found.first, counted)
    np.testing.assert_allclose(found.fifth, np.quantile(least, 0.05, axis=0), rtol=1e-6, atol=1e-9)
    assert found.worst_fifth == pytest.approx(np.quantile(least.min(axis=1), 0.05), rel=1e-6, abs=1e-9)
    middle = sorted(f for f in first if f is not None)
    assert found.median_first() == middle[(len(middle) - 1) // 2]


TIGHTER = {
    "net_debt_to_ebitda": 0.0, "interest_cover": 30.0, "fixed_charge_cover": 30.0, "dscr": 5.0, "llcr": 4.0,
    "ltv": 0.3, "borrowing_base": 0.5, "minimum_liquidity": 0.3, "maturity_wall": 0.05, "weighted_average_life": 2.4,
    "floating_share": 0.4, "supplier_concentration": 0.6, "offtaker_concentration": 0.5, "holder_concentration": 0.5,
    "terminal_equity": 1.0, "net_worth": 0.8,
}  # fmt: skip


@pytest.mark.parametrize("kind", COVENANTS)
def test_every_kind_is_kept_over_the_scenarios(kind: str) -> None:
    """The mean of the worst tenth of the shortfalls, recounted from the flows of each scenario, is at most zero."""
    one = covenant(kind, as_="cvar", level=0.9, limit=TIGHTER[kind], from_period=4)
    case = kept(one)
    plan = optimize(case, scenarios=COUNT, seed=SEED, gap=1e-6, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    ready = prepare(case, choose("numpy"), COUNT, SEED)
    amount = {r[0]: r[3] for r in plan.decisions.rows}
    decided = np.array([1.0 if d.block == "fixed" else float(amount.get(d.key, 0.0)) for d in ready.ledger.decisions])
    tested = shortfall(case, ready.ledger, ready.deposit_rates, one, ready.nothing_due)
    worst = -headroom(tested, ready, decided).min(axis=1)
    assert np.sort(worst)[-COUNT // 10 :].mean() <= 1e-5
    free = optimize(kept(), scenarios=COUNT, seed=SEED, gap=1e-6, out_of_sample=False)
    assert plan.objective_value < free.objective_value - 1.0  # it binds
    figure = next(f for f in plan.risk if f.name == f"covenant {kind}")
    assert figure.price > 0.0


def test_a_reported_covenant_changes_nothing() -> None:
    plain = optimize(kept(), scenarios=COUNT, seed=SEED, out_of_sample=False)
    told = optimize(kept(covenant("ltv", limit=0.01)), scenarios=COUNT, seed=SEED, out_of_sample=False)
    assert told.objective_value == pytest.approx(plain.objective_value, rel=1e-12)
    assert row(told.tables["covenant_risk"], "ltv")["breached"] == 1.0
    assert row(told.tables["covenant_risk"], "ltv")["cost of tightening"] is None


def test_kept_covenants_follow_the_risk_limits() -> None:
    names = [r.id for r in all_risks(kept(KEPT))]
    assert names == [*(r.id for r in starter().risk), "covenant value"]
    assert [f.name for f in planned().risk] == names


def test_balances_are_spelled_out_once_however_many_instruments_there_are() -> None:
    """Each flow holds a number per posting: one flow per instrument took gigabytes where there are many."""
    case = starter()
    bond = case.instrument[-1]
    many = replace(case, instrument=(*case.instrument, *(replace(bond, id=f"{bond.id}_{k}") for k in range(5))))
    rates = np.full(case.horizon.periods, 0.01)

    def spelled(one: Case) -> int:
        ledger = build_ledger(one)
        owed = Figure(owed={i.id: 1.0 + k for k, i in enumerate(one.instrument)})
        return len(spelled_out(one, ledger, None, owed, rates).flows)

    assert spelled(case) == spelled(many) == 1
