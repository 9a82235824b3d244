"""Debt by instrument: corkscrews close, cost and life are QuantLib's, and cover is the covenants'."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import capmix
import numpy as np
import pytest
import QuantLib as ql
from capmix import Plan
from capmix.models.ledger import Account
from capmix.models.schema.financing import Depth, Opening, OpeningDebt, Step
from capmix.models.schema.rules import Covenant
from capmix.optimizer.analysis.treasury import debt as facts
from capmix.optimizer.analysis.treasury.debt import Held, portfolio
from capmix.optimizer.analysis.treasury.names import Claim
from capmix.optimizer.analysis.treasury.postings import Postings
from capmix.optimizer.analysis.treasury.tables import treasury_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from ...cases import starter
from .books_cases import any_plan, rich
from .hand import BOND, PERIODS, by_hand, with_amounts

FACE = 0.3


def held(name: str, **changes: object) -> tuple[Held, Postings]:
    """The bond of the hand case on other terms, issued in the first period."""
    case = by_hand()
    own = Postings(with_amounts(replace(case, instrument=(replace(case.instrument[0], **changes),)), **{name: FACE}))
    return portfolio(own)[0], own


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_every_balance_is_what_it_was_and_what_moved(seed: int) -> None:
    """Of any amounts: and all instruments together are the ledger's balances, flows and fees."""
    own = Postings(any_plan(rich(seed), seed))
    found = portfolio(own)
    for one in found:
        before = np.concatenate([[one.opening], one.closing[:-1]])
        moved = one.raised + one.accreted - one.repaid
        assert before + moved == pytest.approx(one.closing, abs=1e-9 * max(1.0, one.closing.max()))
        # what is left at the end is repaid later, grown by what accretes until then
        later = sum(value for _, value in one.repayments) - one.repaid.sum()
        if one.claim is not Claim.EQUITY:
            assert later >= one.closing[-1] - 1e-9 * max(1.0, one.closing.max())
            if not np.any(one.accreted):
                assert later == pytest.approx(one.closing[-1], abs=1e-9 * max(1.0, one.closing.max()))

    def together(figure: str, *claims: Claim) -> np.ndarray:
        return sum((getattr(one, figure) for one in found if one.claim in claims), np.zeros(own.periods))

    debts = (Claim.DEBT, Claim.OPENING)
    for account, figure, claims, sign in (
        (Account.DEBT, "closing", debts, 1.0), (Account.LEASES, "closing", (Claim.LEASE,), 1.0),
        (Account.EQUITY, "closing", (Claim.EQUITY,), 1.0), (Account.PRINCIPAL, "repaid", debts, -1.0),
        (Account.INTEREST, "interest", debts, -1.0), (Account.PROCEEDS, "raised", tuple(Claim), 1.0),
    ):  # fmt: skip
        size = max(1.0, float(np.abs(own.of(account)).max()))
        assert together(figure, *claims) == pytest.approx(sign * own.of(account), abs=1e-9 * size)


def quantlib_bond(one: Held, amortisation: str, price: float) -> tuple[float, float]:
    """(effective yield a year, weighted life) of the bond at its price after fee and discount, to its maturity."""
    calendar, counter = ql.NullCalendar(), ql.Thirty360(ql.Thirty360.BondBasis)
    start = ql.Date(1, 1, 2026)
    end = start + ql.Period(36, ql.Months)
    schedule = ql.Schedule(
        start, end, ql.Period(ql.Quarterly), calendar, ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Forward, False
    )
    notional = [1.0] * 12 if amortisation == "bullet" else [1.0 - n / 12 for n in range(12)]
    bond = ql.AmortizingFixedRateBond(0, notional, schedule, [0.06], counter)
    rate = bond.bondYield(
        ql.BondPrice(100.0 * price, ql.BondPrice.Clean), counter, ql.Compounded, ql.Annual, start, 1e-14, 500
    )
    paid = [(cf.date(), cf.amount()) for cf in bond.redemptions()]
    life = sum(counter.yearFraction(start, date) * amount for date, amount in paid) / sum(a for _, a in paid)
    return rate, life


@pytest.mark.parametrize("amortisation", ["bullet", "linear"])
def test_cost_and_life_of_a_bond_with_a_fee_are_quantlib_s(amortisation: str) -> None:
    """With a horizon that sees its last repayment, so that nothing is left to be carried."""
    case = by_hand()
    long = replace(case, horizon=replace(case.horizon, periods=16))
    ones, none = (1.0,) * 16, (0.0,) * 16
    long = replace(
        long,
        cash=replace(case.cash, minimum=none, dividends=none),
        driver=tuple(replace(d, path=ones) for d in case.driver),
        accelerator=tuple(replace(a, supply=ones) for a in case.accelerator),
        investor=tuple(replace(i, issuance_capacity=ones) for i in case.investor),
        instrument=(replace(case.instrument[0], amortisation=amortisation),),
    )
    own = Postings(with_amounts(long, **{BOND: FACE}))
    one = portfolio(own)[0]
    rate, life = quantlib_bond(one, amortisation, 1.0 - 0.01 - 0.02)
    assert facts.all_in_cost(own.amounts, one) == pytest.approx(rate, abs=1e-9)
    assert facts.weighted_life(own, one) == pytest.approx(life, abs=1e-12)
    assert facts.mean_coupon(own.amounts, one) == pytest.approx(0.06, abs=1e-14)
    assert own.case.horizon.label(facts.maturity(one) or 0) == "2029Q1"


def test_a_bond_that_outlives_the_horizon_by_hand() -> None:
    one, own = held(BOND)
    assert list(one.closing) == [FACE] * PERIODS
    assert dict(one.ahead) == {12: pytest.approx(FACE)}
    assert facts.weighted_life(own, one) == pytest.approx(3.0, abs=1e-14)
    table = treasury_tables(own.amounts)["debt"].row("bond")
    assert (table["margin"], table["gross proceeds"], table["issued"], table["drawn"]) == (0.06, FACE, FACE, 0.0)
    assert table.number("upfront fees and discount") == pytest.approx(0.03 * FACE)
    assert table["commitment fees"] == 0.0
    assert (table["first issue"], table["last issue"], table["maturity"]) == ("2026Q1", "2026Q1", "2029Q1")
    assert table.number("closing balance") == pytest.approx(FACE)


def test_a_facility_is_committed_and_drawn_and_never_counted_twice() -> None:
    """0.4 is agreed in the first quarter, 0.3 drawn in the second: what is raised is what is drawn."""
    case = by_hand()
    facility = replace(case.instrument[0], draw_window=2, commitment_fee=0.01, discount=0.0)
    keys = {"commit[bond,fund,1,2026Q1]": 0.4, "draw[bond,fund,1,2026Q1,2026Q2]": FACE}
    amounts = with_amounts(replace(case, instrument=(facility,)), **keys)
    tables = treasury_tables(amounts)
    row = tables["debt"].row("bond")
    found = {name: row.number(name) for name in ("committed", "issued", "drawn", "gross proceeds")}
    assert found == {"committed": 0.4, "issued": 0.0, "drawn": FACE, "gross proceeds": FACE}
    assert row.number("upfront fees and discount") == pytest.approx(0.004)
    # on 0.4 in the quarter of the draw, on the 0.1 that is left in the last one
    assert row.number("commitment fees") == pytest.approx(0.01 / 4 * (0.4 + 0.1), rel=1e-12)
    step = tables["debt_by_step"].row("bond", "fund", "1")
    assert (step.number("committed"), step.number("gross proceeds")) == (0.4, FACE)
    assert step["all-in cost"] == row["all-in cost"]


def test_steps_of_the_depth_cost_what_each_pays() -> None:
    case = by_hand()
    steps = (Step(size=0.2, spread=0.0), Step(size=0.5, spread=0.02))
    deep = replace(case.instrument[0], fee=0.0, discount=0.0, depth=(Depth(investor="fund", steps=steps),))
    amounts = with_amounts(
        replace(case, instrument=(deep,)), **{"issue[bond,fund,1,2026Q1]": 0.2, "issue[bond,fund,2,2026Q1]": 0.1}
    )
    tables = treasury_tables(amounts)
    costs = [r.number("all-in cost") for r in tables["debt_by_step"].records()]
    assert costs == pytest.approx([1.015**4 - 1, 1.02**4 - 1], abs=1e-12)
    row = tables["debt"].row("bond")
    assert row.number("margin") == pytest.approx((0.2 * 0.06 + 0.1 * 0.08) / 0.3, abs=1e-15)
    assert row.number("coupon, mean") == pytest.approx((0.2 * 0.06 + 0.1 * 0.08) / 0.3, abs=1e-15)


def test_opening_debt_by_hand() -> None:
    """0.08 at 8 %, repaid in four equal quarters: a yield of 1.02^4 - 1, a life of 2.5 quarters."""
    debt = OpeningDebt(id="old", amount=0.08, rate="fixed", coupon=0.08, maturity=3, amortisation="linear")
    own = Postings(with_amounts(replace(by_hand(), opening=Opening(debt=(debt,)), tax=None)))
    one = portfolio(own)[0]
    assert list(one.closing[:5]) == pytest.approx([0.06, 0.04, 0.02, 0.0, 0.0])
    assert facts.all_in_cost(own.amounts, one) == pytest.approx(1.02**4 - 1, abs=1e-12)
    assert facts.weighted_life(own, one) == pytest.approx(2.5 / 4, abs=1e-14)
    years = treasury_tables(own.amounts)["debt_by_year"].row("old", "opening debt", "2026")
    found = [years.number(n) for n in ("opening", "gross proceeds", "accreted", "repaid", "closing", "interest")]
    assert found == pytest.approx([0.08, 0, 0, 0.08, 0, 0.02 * 0.2])


# ------------------------------------------------------------------------------------------------- of a plan
@cache
def planned() -> Plan:
    """The starter case, which reports what its lenders might test."""
    kinds = ("dscr", "interest_cover", "net_debt_to_ebitda", "weighted_average_life", "floating_share")
    told = tuple(Covenant(id=k, kind=k, limit=1.0, as_="monitored") for k in kinds)
    return capmix.optimize(replace(starter(), covenant=told), scenarios=2_000, seed=1, out_of_sample=False)


def test_periods_and_years_are_the_same_debt() -> None:
    plan = planned()
    schedule, years = plan.tables["debt_schedule"], plan.tables["debt_by_year"]
    for year in years.records():
        mine = [
            r for r in schedule.records()
            if r["instrument"] == year["instrument"] and r.text("period").startswith(year.text("year"))
        ]  # fmt: skip
        assert mine[0].number("opening") == year.number("opening")
        assert mine[-1].number("closing") == year.number("closing")
        for name in ("gross proceeds", "accreted", "repaid", "interest", "fees"):
            assert sum(r.number(name) for r in mine) == pytest.approx(year.number(name), abs=1e-11)
        moved = year.number("gross proceeds") + year.number("accreted") - year.number("repaid")
        assert year.number("opening") + moved == pytest.approx(year.number("closing"), abs=1e-11)


def test_what_is_raised_has_one_value_in_every_table() -> None:
    plan = planned()
    by_instrument = {r.text("instrument"): r.number("face") for r in plan.tables["funding_by_instrument"].records()}
    by_instrument.pop("customer_prepayments", None)
    debt = {r.text("instrument"): r.number("gross proceeds") for r in plan.tables["debt"].records()}
    steps: dict[str, float] = {}
    for r in plan.tables["debt_by_step"].records():
        steps[r.text("instrument")] = steps.get(r.text("instrument"), 0.0) + r.number("gross proceeds")
    issued: dict[str, float] = {}
    agreed: dict[str, float] = {}
    for r in plan.tables["issuance"].records():
        if r["how"] != "prepaid":
            issued[r.text("instrument")] = issued.get(r.text("instrument"), 0.0) + r.number("funded")
            agreed[r.text("instrument")] = agreed.get(r.text("instrument"), 0.0) + r.number("committed")
    assert len(by_instrument) > 2
    for name, face in by_instrument.items():
        assert face == pytest.approx(plan.funding.by_instrument[name], abs=1e-12)
        for other in (debt, steps, issued):
            assert other[name] == pytest.approx(face, rel=1e-9)
        assert agreed[name] == pytest.approx(plan.tables["debt"].row(name).number("committed"), rel=1e-9)
    flow = plan.tables["cash_flow"].series("proceeds of financing")
    assert sum(flow) == pytest.approx(sum(by_instrument.values()), rel=1e-9)
    assert sum(plan.tables["debt_service"].series("gross proceeds")) == pytest.approx(sum(flow), rel=1e-9)


def test_cover_of_a_calendar_year_is_the_covenant_s_in_its_last_quarter() -> None:
    plan = planned()
    columns = {
        "dscr": "debt service cover",
        "interest_cover": "interest cover",
        "net_debt_to_ebitda": "net debt to EBITDA",
    }
    seen = 0
    for row in plan.tables["covenants"].records():
        if row["covenant"] in columns and row.text("period").endswith("Q4") and row["value"] is not None:
            year = plan.tables["coverage"].row(row.text("period")[:4])
            assert year["periods"] == 4
            assert year.number(columns[row.text("covenant")]) == pytest.approx(row.number("value"), rel=1e-7)
            seen += 1
    assert seen == 9


def test_life_and_floating_share_of_all_debt_are_the_covenant_s() -> None:
    plan = planned()
    columns = {"weighted_average_life": "weighted average life", "floating_share": "floating share"}
    for row in plan.tables["covenants"].records():
        if row["covenant"] in columns and row["value"] is not None:
            period = plan.tables["debt_portfolio"].row(row.text("period"))
            assert period.number(columns[row.text("covenant")]) == pytest.approx(row.number("value"), rel=1e-7)
    for period in plan.tables["debt_portfolio"].records():
        both = period.number("fixed-rate debt") + period.number("floating-rate debt")
        assert both == pytest.approx(period.number("debt"), abs=1e-12)


def test_maturities_are_all_that_is_ever_repaid() -> None:
    plan = planned()
    for row in plan.tables["debt"].records():
        due = sum(
            r.number("repaid") for r in plan.tables["maturities"].records() if r["instrument"] == row["instrument"]
        )
        years = [r for r in plan.tables["debt_by_year"].records() if r["instrument"] == row["instrument"]]
        paid = sum(r.number("repaid") for r in years)
        assert due == pytest.approx(paid + row.number("closing balance"), rel=1e-9)
