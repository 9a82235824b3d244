"""Entities: cash that is ring-fenced, payments within the group that cancel, tests that stop distributions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks import owners
from capmix.models.build import build_ledger, build_program
from capmix.models.flows import Flow, expected
from capmix.models.ledger import CASH_ACCOUNTS, Account
from capmix.models.schema.case import Case
from capmix.models.schema.entities import Entity
from capmix.models.schema.financing import Opening, OpeningDebt, OpeningFleet
from capmix.models.schema.revenue import Merchant
from capmix.models.schema.rules import Cash, Covenant, Tax
from hypothesis import given, settings
from hypothesis import strategies as st

from .solving import PERIODS, RATE, Solved, assemble, solve
from .tiny import bond, contract, known_means, series, site, system, tiny


def company(name: str = "spv", **changes: object) -> Entity:
    return replace(
        Entity(id=name, kind="spv", minimum_cash=series(0.0), reserve=series(0.0)),
        **changes,  # type: ignore[arg-type]
    )


def head(**changes: object) -> Entity:
    base = Entity(id="holding", kind="parent", minimum_cash=series(0.0), reserve=series(0.0))
    return replace(base, **changes)  # type: ignore[arg-type]


def single(**changes: object) -> Case:
    """One site with an old fleet, a contract, and a bond; little cash."""
    base = tiny(
        cash=Cash(opening=0.04, minimum=series(0.0), dividends=series(0.0)),
        merchant=None,
        opening=Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=12.0, age=0),)),
        contract=(contract(price=6.0, prepayment=0.0),),
        instrument=(bond(max_outstanding=0.05),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def group(*companies: Entity, **changes: object) -> Case:
    """The same, its site and contract in the SPV, its bond the parent's."""
    base = single(**changes)
    own = companies or (company(),)
    return replace(
        base,
        entity=(head(), *own),
        site=tuple(replace(s, entity="spv") for s in base.site),
        contract=tuple(replace(c, entity="spv") for c in base.contract),
    )


def own(solved: Solved, case: Case, entity: str, *accounts: Account) -> np.ndarray:
    """(T,) expected amounts of an entity."""
    flow = Flow(accounts, share=owners.share_of(case, solved.ledger, entity))
    n = len(solved.ledger.decisions)
    return np.asarray(expected(solved.ledger, [flow], solved.means, range(PERIODS)) @ solved.x[:n])


def cash(solved: Solved, case: Case, entity: str) -> np.ndarray:
    one = next(e for e in case.entity if e.id == entity)
    held, out = owners.opening_cash(case, one), []
    for flow in own(solved, case, entity, *CASH_ACCOUNTS):
        held = held * (1.0 + RATE) + flow
        out.append(held)
    return np.array(out)


def test_free_flow_both_ways_is_one_company() -> None:
    one, two = solve(single()), solve(group())
    assert two.objective == pytest.approx(one.objective, rel=1e-9)
    assert two.of("contribution[") > 0.0


def test_payments_within_the_group_cancel() -> None:
    case = group()
    solved = solve(case)
    within = (Account.RECEIVED_WITHIN, Account.PAID_WITHIN)
    n = len(solved.ledger.decisions)
    assert abs(solved.ledger.expected(within, solved.means) @ solved.x[:n]).max() == 0.0
    received = {e.id: own(solved, case, e.id, Account.RECEIVED_WITHIN) for e in case.entity}
    paid = {e.id: own(solved, case, e.id, Account.PAID_WITHIN) for e in case.entity}
    np.testing.assert_allclose(received["spv"], -paid["holding"], atol=1e-12)
    np.testing.assert_allclose(received["holding"], -paid["spv"], atol=1e-12)
    assert received["spv"].sum() > 0.0
    together = sum(cash(solved, case, e.id) for e in case.entity)
    np.testing.assert_allclose(together, solved.state("cash"), atol=1e-9)
    np.testing.assert_allclose(cash(solved, case, "spv"), solved.state("entity_cash"), atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_entities_add_up_to_the_group_whatever_the_plan(seed: int) -> None:
    case = group(company(), company("lower", parent="spv"), tax=Tax(rate=0.2))
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    x = np.random.default_rng(seed).random(len(ledger.decisions))
    for account in Account:
        parts = [
            expected(ledger, [Flow((account,), share=owners.share_of(case, ledger, e.id))], means, range(PERIODS)) @ x
            for e in case.entity
        ]
        np.testing.assert_allclose(sum(parts), ledger.expected([account], means) @ x, atol=1e-12)


def test_what_an_spv_holds_does_not_pay_the_debt_of_its_owner() -> None:
    """The SPV has all the cash and earns; without distributions its owner cannot repay."""
    debt = OpeningDebt(id="old", amount=0.02, rate="fixed", coupon=0.05, maturity=3)
    fleet = (OpeningFleet(accelerator="gpu", site="north", systems=12.0, age=0),)
    rich = company(opening_cash=0.04)
    owing = group(rich, opening=Opening(fleet=fleet, debt=(debt,)), instrument=())
    assert solve(owing).status == 0
    assert solve(owing).of("distribution[") > 0.02
    locked = replace(owing, entity=(head(), replace(rich, distribution_from=PERIODS)))
    assert solve(locked).status == 2
    theirs = replace(locked, opening=Opening(fleet=fleet, debt=(replace(debt, entity="spv"),)))
    assert solve(theirs).status == 0


def test_the_parent_does_not_pay_for_an_spv_without_a_contribution() -> None:
    case = group(company(contributions=False))
    shut, free = solve(case), solve(group())
    assert shut.status == 2 or shut.objective < free.objective - 1e-6


def paying(closed: tuple[tuple[str, int], ...] = (), **changes: object) -> Solved:
    """Best dividends to the parent: the SPV has debt of its own, the parent buys for itself."""
    case = case_with_debt(**changes)
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    lp = build_program(case, ledger, means, np.full(PERIODS, RATE), closed)
    from scipy.optimize import linprog
    from scipy.sparse import vstack

    cost = np.zeros(len(lp.column_names))
    cost[[j for j, n in enumerate(lp.column_names) if n.startswith("distribution[")]] = -1.0
    high, low = np.isfinite(lp.row_upper), np.isfinite(lp.row_lower)
    result = linprog(
        cost,
        A_ub=vstack([lp.matrix[high], -lp.matrix[low]]),
        b_ub=np.concatenate([lp.row_upper[high], -lp.row_lower[low]]),
        bounds=np.column_stack([lp.col_lower, lp.col_upper]),
    )
    return Solved(result.status, -float(result.fun or 0.0), result.x, lp, ledger, means)


def case_with_debt(**changes: object) -> Case:
    debt = OpeningDebt(
        id="project", entity="spv", amount=0.004, rate="fixed", coupon=0.08, maturity=PERIODS + 4, amortisation="linear"
    )
    fleet = (OpeningFleet(accelerator="gpu", site="north", systems=12.0, age=0),)
    lasting = system(life=12)
    market = Merchant(column="market", volume=series(1000.0))
    one = company(**{"opening_cash": 0.02, "contributions": False, **changes})
    return group(
        one, opening=Opening(fleet=fleet, debt=(debt,)), instrument=(), merchant=market, accelerator=(lasting,)
    )


def test_distributions_leave_the_reserve() -> None:
    solved = paying(reserve=series(0.015))
    assert solved.status == 0
    held = solved.state("entity_cash")
    assert (held >= 0.015 - 1e-9).all()
    assert solved.of("distribution[") > 0.0
    assert solved.of("distribution[") < paying().of("distribution[") - 1e-6


def test_distributions_stand_on_debt_service_cover() -> None:
    case = case_with_debt(lock_up=1.2, distribution_from=4)
    solved = paying(lock_up=1.2, distribution_from=4)
    assert solved.status == 0
    earned = own(solved, case, "spv", *(a for a in Account if a.ebitda))
    service = -own(solved, case, "spv", Account.INTEREST, Account.PRINCIPAL)
    for t in range(4, PERIODS):
        part = slice(t - 3, t + 1)
        assert earned[part].sum() >= 1.2 * service[part].sum() - 1e-9
    assert paying(lock_up=1.2).status == 2  # it earns too little in the first periods, so these must be closed


def test_a_closed_period_pays_nothing_and_has_no_test() -> None:
    """No plan covers its debt service forty times over, so with every period open there is none; closed, there is."""
    assert paying(lock_up=10.0, reserve=series(0.5)).status == 2
    closed = tuple(("spv", t) for t in range(PERIODS))
    solved = paying(closed, lock_up=10.0, reserve=series(0.5))
    assert solved.status == 0
    assert solved.of("distribution[") == 0.0


def test_each_entity_keeps_its_own_minimum() -> None:
    case = group()
    case = replace(case, entity=(head(minimum_cash=series(0.01)), company(minimum_cash=series(0.005))))
    solved = solve(case)
    assert cash(solved, case, "spv").min() >= 0.005 - 1e-9
    assert cash(solved, case, "holding").min() >= 0.01 - 1e-9


def test_an_entity_pledges_and_sells_what_is_its_own() -> None:
    """A loan of the parent finds no collateral in the SPV, and a contract of the parent no compute there."""
    loan = bond(secured_by="accelerators", advance_rate=0.5)
    assert solve(group(instrument=(replace(loan, issuer="spv"),))).of("issue[") > 0.0
    assert solve(group(instrument=(loan,))).of("issue[") == 0.0
    case = group(contract=(contract(price=60.0, prepayment=0.0),))
    foreign = replace(case, contract=tuple(replace(c, entity=None) for c in case.contract))
    assert solve(foreign, value=True).of("contract[") == 0.0
    assert solve(case, value=True).of("contract[") > 0.0


def test_a_covenant_of_an_entity_tests_its_own_figures() -> None:
    debt = Covenant(id="own", kind="net_debt_to_ebitda", limit=0.5, from_period=3, entity="spv")
    loans = (bond("parents", max_outstanding=0.05), bond("projects", issuer="spv", max_outstanding=0.05))
    free, kept = solve(group(instrument=loans)), solve(group(instrument=loans, covenant=(debt,)))
    case = group(instrument=loans)
    assert kept.status == 0
    owed = own(kept, case, "spv", Account.DEBT) - cash(kept, case, "spv")
    earned = own(kept, case, "spv", *(a for a in Account if a.ebitda))
    for t in range(3, PERIODS):
        assert owed[t] <= 0.5 * earned[t - 3 : t + 1].sum() + 1e-9
    assert kept.objective <= free.objective + 1e-9


def test_net_worth_of_an_entity_is_its_own() -> None:
    worth = Covenant(id="own", kind="net_worth", limit=0.0, entity="spv")
    loans = (bond("parents", max_outstanding=0.05), bond("projects", issuer="spv", max_outstanding=0.05))
    case = group(instrument=loans)
    free = solve(case)
    of_spv = own(free, case, "spv", Account.HARDWARE_VALUE, Account.SITE_VALUE, Account.RECEIVABLE)
    of_spv = of_spv + cash(free, case, "spv") - own(free, case, "spv", Account.DEBT, Account.UNEARNED, Account.PAYABLE)
    limit = float(of_spv.min()) + 0.005
    case = group(instrument=loans, covenant=(replace(worth, limit=limit),))
    kept = solve(case)
    assert kept.status == 0
    found = own(kept, case, "spv", Account.HARDWARE_VALUE, Account.SITE_VALUE, Account.RECEIVABLE)
    found = found + cash(kept, case, "spv") - own(kept, case, "spv", Account.DEBT, Account.UNEARNED, Account.PAYABLE)
    assert found.min() >= limit - 1e-8
    assert kept.objective <= free.objective + 1e-9


def test_sites_of_two_entities_split_what_stands_at_the_start() -> None:
    case = single(site=(site(), site("south", opex=0.3)), opening=Opening(site_book_value=0.1))
    apart = replace(
        case, entity=(head(), company()), site=(replace(case.site[0], entity="spv"), case.site[1]),
    )  # fmt: skip
    one, two = (assemble(c)[0] for c in (case, apart))
    for account in (Account.SITE_OPEX, Account.DEPRECIATION, Account.SITE_VALUE, Account.TERMINAL_ASSETS):
        fixed = [
            led.expected([account], np.ones(led.factors.shape[0]))
            @ np.array([d.block == "fixed" for d in led.decisions])
            for led in (one, two)
        ]
        np.testing.assert_allclose(fixed[0], fixed[1], rtol=1e-12)
    assert {d.key for d in two.decisions if d.block == "fixed"} == {"fixed[sites,holding]", "fixed[sites,spv]"}


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 0.08), st.floats(0.5, 4.0), st.booleans())
def test_moving_a_debt_into_an_spv_gives_nothing(depth: float, limit: float, minimum: bool) -> None:
    """Nobody is fenced: the group's tests see consolidated figures, whoever of it owes."""
    kept = (Covenant(id="debt", kind="net_debt_to_ebitda", limit=limit, from_period=2),)
    least = Cash(opening=0.04, minimum=series(0.005 if minimum else 0.0), dividends=series(0.0))
    parents = bond(max_outstanding=depth)
    one = solve(single(instrument=(parents,), covenant=kept, cash=least))
    two = solve(group(instrument=(replace(parents, issuer="spv"),), covenant=kept, cash=least))
    assert one.status == two.status
    if one.status == 0:
        assert two.objective <= one.objective * (1.0 + 1e-8) + 1e-9


@settings(max_examples=10, deadline=None)
@given(st.floats(0.0, 0.04), st.integers(1, PERIODS))
def test_cash_that_is_trapped_is_no_liquidity_of_the_parent(locked: float, opens: int) -> None:
    """minimum_liquidity of a group tests what the parent has, and locking up more of it never helps."""
    kept = (Covenant(id="cash", kind="minimum_liquidity", limit=0.01),)

    def best(own: float) -> Solved:
        vault = company(opening_cash=own, distribution_from=opens)
        return solve(group(vault, covenant=kept))

    free, caught = best(0.0), best(locked)
    assert free.status == 0
    assert caught.status in (0, 2)
    if caught.status == 0:
        assert caught.objective <= free.objective * (1.0 + 1e-8) + 1e-9
        case = group(company(opening_cash=locked, distribution_from=opens), covenant=kept)
        assert cash(caught, case, "holding").min() >= 0.01 - 1e-9
    if locked > 0.03 and opens > 1:
        assert caught.status == 2 or cash(caught, case, "holding")[0] >= 0.01 - 1e-9
