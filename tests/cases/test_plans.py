"""The shipped cases' plans make sense to somebody of the field; each check here is explained in docs/cases.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import capmix
import numpy as np
import pytest
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Instrument
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Cell, Plan, Table
from numpy.typing import NDArray

SHIPPED = ("hyperscaler", "neocloud", "ai_lab")
SCENARIOS = 2_000
FloatArray = NDArray[np.float64]


@cache
def solved(name: str, limited: bool) -> Plan:
    """The plan of a shipped case, with or without its risk limits."""
    case = capmix.load_case(name)
    return capmix.optimize(
        case if limited else replace(case, risk=()), scenarios=SCENARIOS, seed=1, out_of_sample=False
    )


@pytest.fixture(params=SHIPPED)
def plan(request: pytest.FixtureRequest) -> Plan:
    return solved(request.param, limited=True)


@pytest.fixture(params=SHIPPED)
def plain(request: pytest.FixtureRequest) -> Plan:
    """The plan for the expected path alone: the same case without risk limits."""
    return solved(request.param, limited=False)


def records(table: Table) -> list[Mapping[str, Cell]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def line(plan: Plan, table: str, name: str) -> FloatArray:
    row = next(r for r in records(plan.tables[table]) if r["line"] == name)
    return np.array([float(row[label] or 0) for label in plan.case.horizon.labels])


def ordered(plan: Plan) -> dict[str, FloatArray]:
    """Systems ordered per period, by accelerator."""
    totals = {a.id: np.zeros(plan.case.horizon.periods) for a in plan.case.accelerator}
    for row in records(plan.tables["purchases"]):
        totals[str(row["accelerator"])] += [float(row[label] or 0) for label in plan.case.horizon.labels]
    return totals


def raised(plan: Plan) -> FloatArray:
    return line(plan, "debt_service", "gross proceeds")


def test_is_certified(plan: Plan) -> None:
    assert plan.status is Status.CERTIFIED
    assert plan.certificate is not None
    assert 0 <= plan.certificate.gap <= 1e-5


def test_uses_several_instruments_and_holders(plan: Plan) -> None:
    used = [r for r in records(plan.tables["funding_by_instrument"]) if float(r["face"] or 0) > 0.25]
    assert len(used) >= 5
    assert len({r["kind"] for r in used}) >= 4
    holders = [r for r in records(plan.tables["funding_by_holder"]) if float(r["face"] or 0) > 0.25]
    assert len(holders) >= 4
    assert plan.funding.circular_of_spending <= plan.case.circularity.cap * (1 + 1e-9)


def test_buys_several_generations(plan: Plan) -> None:
    each = {a.id: a.accelerators * a.bf16_tflops for a in plan.case.accelerator}
    bought = {name: float(systems.sum()) * each[name] for name, systems in ordered(plan).items()}
    shares = {name: compute / sum(bought.values()) for name, compute in bought.items()}
    used = {name for name, share in shares.items() if share > 0.005}
    assert used >= {"gb200_nvl72", "gb300_nvl72", "vr200_nvl72", "b300_hgx", "mi355x"}
    assert max(shares.values()) < 0.8


def test_power_and_supply_bind_early(plan: Plan) -> None:
    early = set(plan.case.horizon.labels[:8])
    links = {r["bottleneck"] for r in records(plan.tables["bottlenecks"]) if r["period"] in early}
    assert links & {"power", "grid"}
    assert "supply" in links


def test_at_least_two_risk_limits_bind(plan: Plan) -> None:
    limits = {r.id: r.limit for r in plan.case.risk}
    binding = [r.name for r in plan.risk if r.price > 0 and abs(r.value - limits[r.name]) <= 1e-3 * abs(limits[r.name])]
    assert len(binding) >= 2, [(r.name, r.value, r.limit) for r in plan.risk]
    for figure in plan.risk:
        assert figure.value <= figure.limit + 1e-6 * max(1.0, abs(figure.limit)), figure.name


def test_cash_never_falls_under_its_minimum(plan: Plan) -> None:
    assert (line(plan, "balance_sheet_at_market", "cash") >= np.array(plan.case.cash.minimum) - 1e-6).all()


def test_closes_with_more_than_it_owes(plan: Plan) -> None:
    closing = next(r for r in records(plan.tables["covenants"]) if r["kind"] == "terminal_equity")
    assert float(closing["value"] or 0) > 0


def test_buys_nothing_that_it_cannot_use(plan: Plan) -> None:
    """No order whose delivery lies past the horizon, and no rush of orders in the last year."""
    case = plan.case
    lead = {a.id: a.lead for a in case.accelerator}
    worth = {a.id: a.price for a in case.accelerator}
    total = late = 0.0
    for name, systems in ordered(plan).items():
        assert systems[case.horizon.periods - lead[name] :].sum() < 1e-6, name
        total += worth[name] * systems.sum()
        late += worth[name] * systems[-case.horizon.per_year :].sum()
    years = case.horizon.periods / case.horizon.per_year
    assert late / total < 1 / years


def test_raises_nothing_for_the_next_plan(plan: Plan) -> None:
    funds = raised(plan)
    years = plan.case.horizon.periods / plan.case.horizon.per_year
    repaid = line(plan, "debt_service", "repayment")
    assert funds[-1] < 0.02 * funds.sum()
    late = max(float((funds - repaid)[-plan.case.horizon.per_year :].sum()), 0.0)
    assert late / funds.sum() < 1 / years, "new money of the last year"


def test_nobody_borrows_to_hold_cash(plain: Plan) -> None:
    """Without risk limits there is no reason for a buffer: after the last debt raised, cash is down to its minimum.

    Shares may be sold later: the covenant on closing equity counts them, and leased halls owe rent beyond the horizon.
    """
    cash, labels = line(plain, "balance_sheet_at_market", "cash"), list(plain.case.horizon.labels)
    equity = {i.id for i in plain.case.instrument if i.amortisation == "none"}
    debt, shares = np.zeros(len(labels)), np.zeros(len(labels))
    for row in records(plain.tables["issuance"]):
        if row["how"] in ("issued", "drawn"):
            where = shares if row["instrument"] in equity else debt
            where[labels.index(str(row["period"]))] += float(row["funded"] or 0)
    last = int(np.flatnonzero(debt > 0.05).max())
    spare = cash[last:] - np.array(plain.case.cash.minimum)[last:]
    assert spare.min() < 0.05
    if (shares[last + 1 :] > 0.05).any():
        closing = next(c for c in plain.case.covenant if c.kind == "terminal_equity")
        assert line(plain, "balance_sheet_at_market", "equity")[-1] == pytest.approx(closing.limit, rel=1e-6)


def test_the_buffer_is_what_the_tail_needs(plan: Plan) -> None:
    """With risk limits, cash above the minimum is there for the worst scenarios: the liquidity limit leaves no room."""
    liquidity = next(r for r in plan.risk if r.loss == "liquidity")
    assert liquidity.value == pytest.approx(liquidity.limit, rel=1e-3)
    assert liquidity.price > 0


def levels(case: Case, which: str) -> dict[str, float]:
    found = {}
    for driver in case.driver:
        value = getattr(driver, which, None)
        if value is not None:
            found[driver.id] = float(np.mean(value))
    return found


def cost(instrument: Instrument, level: Mapping[str, float]) -> float:
    rate = instrument.margin + instrument.accretion + min(s.spread for d in instrument.depth for s in d.steps)
    rate += level[instrument.benchmark] if instrument.benchmark else 0.0
    return rate + (instrument.spread_beta * level[instrument.spread_driver] if instrument.spread_driver else 0.0)


@pytest.mark.parametrize("which", ["start", "mean"])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_debt_costs_more_than_a_deposit_earns(name: str, which: str) -> None:
    case = capmix.load_case(name)
    level = levels(case, which)
    assert case.cash.rate_driver is not None
    deposit = level[case.cash.rate_driver] + case.cash.deposit_margin
    # what a convertible costs is in the shares it gives away
    margins = {i.id: cost(i, level) - deposit for i in case.instrument if i.dilution is None}
    assert min(margins.values()) > 0.01, margins


@pytest.mark.parametrize("name", SHIPPED)
def test_risk_limits_never_add_compute(name: str) -> None:
    assert solved(name, limited=False).objective_value >= solved(name, limited=True).objective_value * (1 - 1e-5)
