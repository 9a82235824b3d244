"""Receivables, payables and advances against sums by hand; what is open adds up, in every scenario."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks.floors import with_floors
from capmix.models.blocks.survival import life
from capmix.models.blocks.working_capital import parts
from capmix.models.build import build_ledger, build_program
from capmix.models.ledger import ACCOUNT_NUMBER, Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Survival
from capmix.models.schema.financing import Opening, OpeningFleet
from capmix.models.schema.revenue import WorkingCapital
from capmix.models.schema.rules import Budget, Covenant, Objective, Risk
from hypothesis import given, settings
from hypothesis import strategies as st

from .solving import RATE, sample_means, solve
from .test_by_hand import HOURS, unit
from .test_more_is_never_worse import never_less, optimum, random_case
from .tiny import PERIODS, bond, contract, driver, known_means, series, site, system, tiny

QUARTER = 91.25  # days
OPEN = (Account.RECEIVABLES, Account.PAYABLES, Account.RECEIVABLE, Account.PAYABLE, Account.ADVANCES)
NEW = (*OPEN, Account.BAD_DEBTS, Account.RECEIVABLES_AT_END, Account.PAYABLES_AT_END, Account.CREDIT_LOSS_AHEAD)
BILL = 0.8 * 2.5 * HOURS * 1e-9  # one PFLOP/s for a quarter, less a credit of a fifth
SIGNED = "contract[offtake,2026Q4]"  # delivered in periods 1 to 4


@pytest.mark.parametrize(
    ("days", "dt", "expected"),
    [
        (0.0, 0.25, ()),
        (QUARTER / 2, 0.25, ((1, 0.5),)),
        (QUARTER, 0.25, ((1, 1.0),)),
        (QUARTER * 1.5, 0.25, ((1, 0.5), (2, 0.5))),
        (QUARTER * 2, 0.25, ((2, 1.0),)),
        (365.0 / 12 * 2.25, 1 / 12, ((2, 0.75), (3, 0.25))),
        (-QUARTER / 4, 0.25, ((1, 0.25),)),
        (366.0, 0.25, ((4, 1.0 - 1.0 / QUARTER), (5, 1.0 / QUARTER))),
    ],
)
def test_days_become_shares_of_periods(days: float, dt: float, expected: tuple[tuple[int, float], ...]) -> None:
    found = parts(days, dt)
    assert [n for n, _ in found] == [n for n, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-9)
    # What is open at a period's end is what was billed in the last `days`.
    assert sum(n * s for n, s in found) == pytest.approx(abs(days) / (365.0 * dt), abs=1e-9)


def test_zero_days_post_nothing() -> None:
    ledger = build_ledger(tiny(contract=(contract(opening_volume=10.0, opening_term=4),)))
    assert not np.isin(ledger.account, [ACCOUNT_NUMBER[a] for a in NEW]).any()
    assert not ledger.mask(block="defer").any()


def test_a_contract_paid_half_a_quarter_later() -> None:
    case = tiny(contract=(contract(payment_days=QUARTER / 2),))
    half = 0.5 * BILL
    np.testing.assert_allclose(unit(case, SIGNED, Account.RECEIVABLES), [0, -half, 0, 0, 0, half, 0, 0], atol=1e-18)
    np.testing.assert_allclose(unit(case, SIGNED, Account.RECEIVABLE), [0, half, half, half, half, 0, 0, 0], atol=1e-18)
    # Income stays where it was earned.
    np.testing.assert_allclose(unit(case, SIGNED, Account.CONTRACT_REVENUE)[1:5], BILL / 0.8, rtol=1e-12)


def test_a_contract_paid_five_quarters_of_a_period_later_and_behind_the_horizon() -> None:
    case = tiny(contract=(contract(payment_days=1.25 * QUARTER),))
    changes = unit(case, "contract[offtake,2028Q1]", Account.RECEIVABLES)  # delivered in periods 6 and 7
    np.testing.assert_allclose(changes[5:], [0, -BILL, -BILL + 0.75 * BILL], rtol=1e-12)
    stock = unit(case, "contract[offtake,2028Q1]", Account.RECEIVABLE)
    np.testing.assert_allclose(stock[6:], [BILL, 1.25 * BILL], rtol=1e-12)
    assert unit(case, "contract[offtake,2028Q1]", Account.RECEIVABLES_AT_END)[-1] == pytest.approx(
        1.25 * BILL, rel=1e-12
    )
    assert not unit(case, "contract[offtake,2028Q1]", Account.CREDIT_LOSS_AHEAD).any()  # he cannot default


def test_a_contract_paid_ahead_is_owed_until_it_is_delivered() -> None:
    case = tiny(contract=(contract(payment_days=-QUARTER / 2, ramp=1),))
    half = 0.5 * BILL
    np.testing.assert_allclose(unit(case, SIGNED, Account.RECEIVABLES), [half, 0, 0, 0, -half, 0, 0, 0], atol=1e-18)
    np.testing.assert_allclose(unit(case, SIGNED, Account.ADVANCES), [half, half, half, half, 0, 0, 0, 0], atol=1e-18)
    late = "contract[offtake,2028Q1]"  # of period 8, beyond the horizon, half is paid in period 7 and owed there
    owed = unit(replace(case, contract=(replace(case.contract[0], prepayment=0.0),)), late, Account.TERMINAL_DEBT)
    assert owed[-1] == pytest.approx(-half / 0.8, rel=1e-12)


def test_nothing_is_paid_before_the_signature() -> None:
    case = tiny(contract=(contract(payment_days=-QUARTER, ramp=0),))
    changes = unit(case, "contract[offtake,2027Q1]", Account.RECEIVABLES)  # delivered in periods 1 to 4
    np.testing.assert_allclose(changes, [0, BILL, 0, 0, -BILL, 0, 0, 0], atol=1e-18)


def test_the_market_and_suppliers_of_operation_in_days() -> None:
    case = tiny(working_capital=WorkingCapital(receivable_days=QUARTER / 4, payable_days=QUARTER / 2))
    revenue = unit(case, "merchant[gpu,2027Q1]", Account.MERCHANT_REVENUE)[1]
    changes = unit(case, "merchant[gpu,2027Q1]", Account.RECEIVABLES)
    np.testing.assert_allclose(changes[:3], [0.0, -revenue / 4, revenue / 4], rtol=1e-12)
    key = "order[gpu,north,2026Q4]"
    cost = unit(case, key, Account.POWER, Account.SUPPORT)
    paid = cost + unit(case, key, Account.PAYABLES)
    np.testing.assert_allclose(paid, 0.5 * cost + 0.5 * np.concatenate([[0.0], cost[:-1]]), atol=1e-18)
    np.testing.assert_allclose(unit(case, key, Account.PAYABLE), -0.5 * cost, atol=1e-18)


def test_what_runs_at_the_start_has_bills_open_already() -> None:
    """A fleet that does not age pays in each period what it uses, however late its bills are paid."""
    sound = system(failure_rate=0.0, life=20)
    fleet = OpeningFleet(accelerator="gpu", site="north", systems=3.0, age=4)
    base = tiny(accelerator=(sound,), opening=Opening(fleet=(fleet,)))
    case = replace(base, working_capital=WorkingCapital(payable_days=1.5 * QUARTER))
    for key in ("fixed[fleet,gpu,north,0]", "fixed[sites]"):
        costs = (Account.POWER, Account.SUPPORT, Account.SITE_OPEX)
        before, after = unit(base, key, *costs), unit(case, key, *costs, Account.PAYABLES)
        np.testing.assert_allclose(after, before, rtol=1e-12)
        np.testing.assert_allclose(unit(case, key, Account.PAYABLE), -1.5 * before, rtol=1e-12)
        assert unit(case, key, Account.PAYABLES_AT_END)[-1] == pytest.approx(1.5 * before[-1], rel=1e-12)
    # A fleet that began a quarter ago owes for that quarter at most.
    young = replace(case, opening=Opening(fleet=(replace(fleet, age=1),)))
    owed = unit(young, "fixed[fleet,gpu,north,0]", Account.PAYABLE)
    cost = unit(base, "fixed[fleet,gpu,north,0]", Account.POWER, Account.SUPPORT)[0]
    opened = unit(young, "fixed[fleet,gpu,north,0]", Account.PAYABLES)[0]
    assert owed[0] == pytest.approx(-cost - 0.5 * cost, rel=1e-12)
    assert opened == pytest.approx(-cost + 0.5 * cost, rel=1e-12)


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_what_an_opening_contract_pays_ahead_has_come_in_before(part: float) -> None:
    """Four bills, of which the first was paid before the plan began: what comes in period 0 is the second."""
    opening = contract(payment_days=-part * QUARTER, opening_volume=10.0, opening_term=4, prepayment=0.0)
    case, key = tiny(contract=(opening,)), "fixed[contract,offtake]"
    bill = 10.0 * BILL / 0.8
    paid = unit(case, key, Account.CONTRACT_REVENUE, Account.RECEIVABLES)
    np.testing.assert_allclose(paid[:4], [bill, bill, bill, (1.0 - part) * bill], atol=1e-18)
    np.testing.assert_allclose(unit(case, key, Account.ADVANCES)[:4], part * bill * np.array([1, 1, 1, 0]), atol=1e-18)


def test_opening_payables_and_receivables_that_are_given() -> None:
    case = tiny(
        working_capital=WorkingCapital(payable_days=1.25 * QUARTER, opening_payables=0.05),
        contract=(contract(opening_volume=10.0, opening_term=4, payment_days=1.25 * QUARTER, opening_receivable=0.1),),
    )
    paid = unit(case, "fixed[payables]", Account.PAYABLES)
    np.testing.assert_allclose(paid[:3], [-0.04, -0.01, 0.0], atol=1e-15)
    assert unit(case, "fixed[payables]", Account.PAYABLE)[0] == pytest.approx(0.01)
    bill = 10.0 * BILL / 0.8
    changes = unit(case, "fixed[contract,offtake]", Account.RECEIVABLES)
    np.testing.assert_allclose(changes[:3], [0.08 - bill, 0.02 - bill + 0.75 * bill, 0.0], atol=1e-15)
    assert unit(case, "fixed[contract,offtake]", Account.RECEIVABLE)[0] == pytest.approx(0.02 + bill)


def test_the_balance_of_a_system_is_paid_after_delivery() -> None:
    case = tiny(accelerator=(system(payment_days=QUARTER / 2),))
    balance = 0.75 * 0.002  # delivered in period 1; network and installation are paid there
    moved = unit(case, "defer[gpu,north,2026Q4]", Account.HARDWARE)
    np.testing.assert_allclose(moved[:3], [0.0, balance / 2, -balance / 2], rtol=1e-12)
    np.testing.assert_allclose(unit(case, "defer[gpu,north,2026Q4]", Account.PAYABLE)[:3], [0, balance / 2, 0])
    last = "defer[gpu,north,2028Q2]"  # delivered in the last period
    assert unit(case, last, Account.PAYABLES_AT_END)[-1] == pytest.approx(-balance / 2, rel=1e-12)


DIES = 3


def scenario(case: Case, dies: int) -> np.ndarray:
    """(1, D, T) known paths, and a customer who dies in a period."""
    rows = []
    for one in with_floors(case).driver:
        alive = np.arange(PERIODS) < dies
        rows.append(np.where(alive, 1.0, np.float32(one.recovery)) if isinstance(one, Survival) else one.path)  # type: ignore[union-attr]
    return np.array(rows, dtype=np.float64)[None]


def dying(recovery: float, **terms: object) -> Case:
    mortal = Survival(id="alive", process="survival", hazard=series(0.1), recovery=recovery)
    return tiny(
        driver=(driver("market", 1.0), driver("money", 0.02), mortal), contract=(contract(survival="alive", **terms),)
    )


def posted(case: Case, key: str, dies: int, *accounts: Account) -> np.ndarray:
    ledger = build_ledger(case)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    means = sample_means(ledger, scenario(case, dies))
    return np.asarray(ledger.expected(accounts, means).toarray()[:, number])


def test_a_default_hits_the_bills_that_are_open() -> None:
    case = dying(0.4, payment_days=QUARTER / 2, claim_periods=0)
    recovery = life(case, case.contract[0]).recovery
    half = 0.5 * BILL  # of period 2, when he dies in period 3
    changes = posted(case, SIGNED, DIES, Account.RECEIVABLES)
    np.testing.assert_allclose(changes[:5], [0, -half, 0, recovery * half, 0], atol=1e-15)
    lost = posted(case, SIGNED, DIES, Account.BAD_DEBTS)
    np.testing.assert_allclose(lost[:5], [0, 0, 0, -(1 - recovery) * half, 0], atol=1e-15)
    np.testing.assert_allclose(posted(case, SIGNED, DIES, Account.RECEIVABLE)[:5], [0, half, half, 0, 0], atol=1e-15)


def test_a_loss_is_expected_on_what_is_due_behind_the_horizon() -> None:
    case = dying(0.25, payment_days=1.5 * QUARTER, prepayment=0.0)
    key, bill = "contract[offtake,2028Q1]", BILL / 0.8
    owed = posted(case, key, PERIODS, Account.RECEIVABLES_AT_END)[-1]
    assert owed == pytest.approx(1.5 * bill, rel=1e-6)
    # Of period 7 half is due in a quarter and half in two, of period 6 half in a quarter.
    expected = 0.75 * bill * (1.0 * -np.expm1(-0.025) + 0.5 * -np.expm1(-0.05))
    assert posted(case, key, PERIODS, Account.CREDIT_LOSS_AHEAD)[-1] == pytest.approx(-expected, rel=1e-6)
    face = replace(case, objective=Objective(valuation="face"))
    assert not posted(face, key, PERIODS, Account.CREDIT_LOSS_AHEAD).any()


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-92.0, 366.0), st.floats(0.0, 0.9), st.integers(1, PERIODS), st.integers(0, 5),
    st.sampled_from([(0.0, False), (0.3, False), (0.3, True)]),
)  # fmt: skip
def test_cash_is_income_and_what_is_open_in_every_scenario(
    days: float, recovery: float, dies: int, signed: int, prepaid: tuple[float, bool]
) -> None:
    """Period by period: cash so far = income so far - receivables + advances; nothing is made by waiting."""
    prepayment, kept = prepaid
    case = dying(recovery, payment_days=days, prepayment=prepayment, prepayment_kept=kept, claim_periods=2)
    plain = replace(case, contract=(replace(case.contract[0], payment_days=0.0),))
    key = next(d.key for d in build_ledger(case).decisions if d.block == "contract" and d.period == signed)
    contract_cash = (Account.CONTRACT_REVENUE, Account.PREPAYMENT, Account.RECEIVABLES)
    cash = np.cumsum(posted(case, key, dies, *contract_cash))
    income = np.cumsum(posted(case, key, dies, Account.CONTRACT_REVENUE, Account.BAD_DEBTS, Account.PREPAYMENT))
    open_ = posted(case, key, dies, Account.RECEIVABLE)
    ahead = posted(case, key, dies, Account.ADVANCES)
    np.testing.assert_allclose(cash, income - open_ + ahead, atol=1e-14)
    assert (open_ >= -1e-15).all()
    assert (ahead >= -1e-15).all()
    last = posted(case, key, dies, Account.RECEIVABLES_AT_END)[-1]
    assert last == pytest.approx(open_[-1], abs=1e-14)
    debt = posted(case, key, dies, Account.TERMINAL_DEBT)[-1] - posted(plain, key, dies, Account.TERMINAL_DEBT)[-1]
    assert debt == pytest.approx(-ahead[-1], abs=1e-14)
    if days > 0:  # later is never more
        earlier = np.cumsum(posted(plain, key, dies, *contract_cash))
        assert (cash <= earlier + 1e-14).all()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_days_of_customers_never_raise_and_days_of_suppliers_never_lower_the_optimum(seed: int) -> None:
    random, case = random_case(seed)
    # In cash flow available for debt service a bill collected later counts later: there the sum may shift either way.
    case = replace(case, covenant=tuple(c for c in case.covenant if c.kind not in ("dscr", "llcr")))
    base = optimum(case)
    days = sorted(float(x) for x in random.uniform(5.0, 180.0, 2))

    def terms(**changes: float) -> float:
        return optimum(replace(case, working_capital=WorkingCapital(opening_payables=0.0, **changes)))

    assert terms() == base
    late = [base, *(terms(receivable_days=d) for d in days)]
    for more, fewer in zip(late[1:], late[:-1], strict=True):
        never_less(fewer, more)
    for name in ("payable_days", "system_days"):
        lent = [base, *(terms(**{name: d}) for d in days)]
        for more, fewer in zip(lent[1:], lent[:-1], strict=True):
            never_less(more, fewer)


def test_terms_of_a_supplier_fund_a_purchase_for_a_while_and_are_owed_at_the_end() -> None:
    """0.0085 billion pay for four and a quarter systems; where the price is due a year later more are in service."""
    poor = tiny(
        cash=replace(tiny().cash, opening=0.0085, minimum=series(0.0)), merchant=None,
        accelerator=(system(support_rate=0.0, attach_cost=0.0, deposit=0.0, life=20),),
        site=(site(opex=0.0, power_price=1e-6, layer=tuple(replace(x, cost_per_mw=0.0) for x in site().layer)),),
    )  # fmt: skip
    later = replace(poor, accelerator=(replace(poor.accelerator[0], payment_days=366.0),))
    rates = np.zeros(PERIODS)
    plain, lent = solve(poor, rates=rates), solve(later, rates=rates)
    assert plain.of("order[") == pytest.approx(4.25, rel=1e-6)
    assert lent.of("order[") > plain.of("order[") + 1.0
    # What is not paid in the horizon is owed: wealth is that of paying at once.
    wealth = solve(poor, rates=rates, value=True), solve(later, rates=rates, value=True)
    assert wealth[1].objective == pytest.approx(wealth[0].objective, abs=1e-9)


def test_what_is_not_paid_is_no_collateral_and_no_spending() -> None:
    """A loan on systems that are delivered and open: nobody lends on them, and no vendor lends what he has not got."""
    base = tiny(
        cash=replace(tiny().cash, opening=0.004, minimum=series(0.0)),
        accelerator=(system(payment_days=366.0, deposit=0.0, attach_cost=0.0),),
    )
    for terms in ({"secured_by": "accelerators"}, {"use": "accelerators"}, {"tied_to": "maker"}):
        case = replace(base, instrument=(bond(tenor=30, **terms),))
        ledger = build_ledger(case)
        means = known_means(case, ledger)
        lp = build_program(case, ledger, means, np.full(PERIODS, RATE))
        names = {"secured_by": "collateral_accelerators", "use": "use_accelerators", "tied_to": "tied"}
        row = next(i for i, n in enumerate(lp.row_names) if n.startswith(names[next(iter(terms))]) and "2027Q1" in n)
        entry = {k: lp.matrix[[row]].toarray()[0, lp.column_names.index(k)] for k in (
            "order[gpu,north,2026Q4]", "defer[gpu,north,2026Q4]",
        )}  # fmt: skip
        assert entry["order[gpu,north,2026Q4]"] < 0.0  # it makes room
        assert entry["defer[gpu,north,2026Q4]"] == pytest.approx(0.002, rel=1e-9)  # its open price takes room


def test_a_budget_counts_what_is_delivered_not_when_it_is_paid() -> None:
    case = tiny(budget=Budget(total=0.01), accelerator=(system(payment_days=366.0, deposit=0.0, attach_cost=0.0),))
    assert solve(case).of("order[") == pytest.approx(solve(replace(case, accelerator=(
        replace(case.accelerator[0], payment_days=None),))).of("order["), rel=1e-6)  # fmt: skip


def test_covenants_of_cash_flow_see_what_is_collected() -> None:
    """Debt service cover is of cash: a customer who pays a quarter later leaves his first bill out of the year."""
    from capmix.models.blocks.headroom import headrooms
    from capmix.models.flows import expected

    for kind, counted in (("dscr", True), ("interest_cover", False)):
        test = Covenant(id="c", kind=kind, limit=1.2)
        case = tiny(
            contract=(contract(prepayment=0.0, payment_days=QUARTER),), covenant=(test,), instrument=(bond(),),
            risk=(Risk(id="r", loss="liquidity", level=0.9, limit=1.0),),
        )  # fmt: skip
        ledger = build_ledger(case)
        one = headrooms(case, ledger, test)[0]
        year = expected(ledger, one.level.flows, known_means(case, ledger), [4])
        number = next(j for j, d in enumerate(ledger.decisions) if d.key == SIGNED)
        bills = 4.0 - (1.0 if counted else 0.0)  # delivered in periods 1 to 4, of which the last is open
        assert year.toarray()[0, number] == pytest.approx(bills * BILL / 0.8, rel=1e-12)
