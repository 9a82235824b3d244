"""What the rows forbid, tested on solved programs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from capmix.models.ledger import CASH_ACCOUNTS, OWED_AT_END, OWNED_AT_END, Account
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Depth, Investor, Opening, OpeningDebt, OpeningFleet, Step
from capmix.models.schema.revenue import Merchant
from capmix.models.schema.rules import Budget, Cash, Circularity, Covenant, Objective, Tax
from capmix.models.schema.sites import Site

from .solving import PERIODS, RATE, assemble, solve
from .tiny import bond, contract, layers, series, site, system, tiny


def poor(**changes: object) -> Case:
    """Money binds: 30 million of cash."""
    base = tiny(cash=Cash(opening=0.03, minimum=series(0.0), dividends=series(0.0)), merchant=None)
    return replace(base, **changes)


def expected(solved: object, *accounts: Account) -> np.ndarray:
    n = len(solved.ledger.decisions)  # type: ignore[attr-defined]
    return np.asarray(solved.ledger.expected(accounts, solved.means) @ solved.x[:n])  # type: ignore[attr-defined]


def depth(*sizes: float) -> tuple[Depth, ...]:
    return (Depth(investor="fund", steps=tuple(Step(size=s, spread=0.01 * i) for i, s in enumerate(sizes))),)


def test_more_depth_never_lowers_compute() -> None:
    found = [solve(poor(instrument=(bond(depth=depth(s)),))).objective for s in (0.001, 0.01, 0.02, 0.05, 0.2)]
    assert all(b >= a - 1e-9 for a, b in pairwise(found))
    assert found[-1] > 2.0 * found[0]


def test_zero_supply_gives_no_orders() -> None:
    solved = solve(tiny(accelerator=(system(supply=series(0.0)),)))
    assert solved.of("order[") == 0.0
    assert solved.objective == 0.0


def test_supply_is_shared_by_the_sites() -> None:
    solved = solve(tiny(site=(site(), site("south"))))
    by_period: dict[int, float] = {}
    for x, d in zip(solved.x, solved.ledger.decisions, strict=False):
        if d.block == "order":
            by_period[d.period] = by_period.get(d.period, 0.0) + x
    assert max(by_period.values()) == pytest.approx(50.0)


@pytest.mark.parametrize("kind", ["shell", "power", "cooling", "security", "fibre"])
def test_the_least_layer_binds(kind: str) -> None:
    def sized(most: float) -> Site:
        return site(layer=tuple(replace(x, max_mw=most if x.kind == kind else 20.0, opening_mw=1.0) for x in layers()))

    solved = solve(tiny(site=(sized(4.0),)))
    load = expected(solved, Account.IT_POWER)
    assert load.max() == pytest.approx(4.0 / 1.25 if kind == "power" else 4.0)
    assert solve(tiny(site=(sized(6.0),))).objective > solved.objective


def test_the_grid_schedule_holds_back_what_is_built() -> None:
    schedule = (0.0, 0.0, 2.5, 2.5, 5.0, 5.0, 5.0, 5.0)
    made = tuple(replace(x, schedule_mw=schedule) if x.kind == "power" else x for x in layers())
    load = expected(solve(tiny(site=(site(layer=made),))), Account.IT_POWER)
    assert (1.25 * load <= np.array(schedule) + 1e-9).all()
    assert 1.25 * load.max() == pytest.approx(5.0)


def test_the_opening_fleet_takes_site_power() -> None:
    fleet = Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=16.0, age=0),))
    made = layers(opening_mw=2.0, max_mw=2.0)
    solved = solve(tiny(site=(site(layer=made),), opening=fleet))
    assert 1.25 * expected(solved, Account.IT_POWER).max() <= 2.0 + 1e-9
    assert solved.of("order[gpu,north,2026Q4]") < 4.0


def test_compute_is_sold_once() -> None:
    case = tiny(contract=(contract(volume=1e6, prepayment=0.0, price=50.0),), accelerator=(system(rental=55.0),))
    solved = solve(case, value=True)
    sold = expected(solved, Account.CONTRACTED, Account.MERCHANT)
    assert (sold <= expected(solved, Account.COMPUTE) + 1e-7).all()
    rented = expected(solved, Account.MERCHANT)
    assert (rented <= expected(solved, Account.SYSTEMS) * 8.0 + 1e-7).all()
    assert sold.max() > 100.0


def test_contract_and_merchant_volumes_hold() -> None:
    market = Merchant(column="market", volume=series(50.0))
    offer = contract(volume=30.0, price=60.0)
    solved = solve(tiny(contract=(offer,), merchant=market, accelerator=(system(rental=55.0),)), value=True)
    assert solved.of("contract[") == pytest.approx(30.0)
    assert expected(solved, Account.MERCHANT).max() == pytest.approx(50.0)


def test_cash_of_the_program_is_the_sum_of_the_accounts() -> None:
    case = tiny(
        instrument=(bond(benchmark="money", rate="floating"),), contract=(contract(),),
        tax=Tax(rate=0.25, opening_losses=0.01), organic=None,
    )  # fmt: skip
    solved = solve(case, value=True)
    flow = expected(solved, *CASH_ACCOUNTS)
    cash, balance = [], 1.0
    for t in range(PERIODS):
        balance = balance * (1.0 + RATE) + flow[t]
        cash.append(balance)
    np.testing.assert_allclose(solved.state("cash"), cash, rtol=0, atol=1e-9)
    assert solved.state("cash").min() >= 0.1 - 1e-9


def test_tax_equals_a_ledger_of_losses_kept_by_hand() -> None:
    case = tiny(contract=(contract(price=6.0),), tax=Tax(rate=0.25, loss_use=0.8, opening_losses=0.002))
    solved = solve(case, value=True)
    taxable = expected(solved, *(a for a in Account if a.taxable))
    cash, pool = np.concatenate([[1.0], solved.state("cash")[:-1]]), 0.002
    due = []
    for income in taxable + RATE * cash:
        used = min(pool, 0.8 * max(income, 0.0))
        due.append(0.25 * (max(income, 0.0) - used))
        pool += max(-income, 0.0) - used
    assert sum(due) > 0.0
    np.testing.assert_allclose(solved.state("tax"), due, atol=1e-9)


def test_budget_holds() -> None:
    solved = solve(tiny(budget=Budget(total=0.2, per_period=series(0.05))))
    spent = -expected(solved, Account.HARDWARE, Account.SITES)
    assert spent.sum() == pytest.approx(0.2)
    assert spent.max() <= 0.05 + 1e-9


def test_issuance_capacity_holding_and_outstanding_hold() -> None:
    fund = Investor(id="fund", kind="bank", issuance_capacity=series(0.02), max_holding=0.05)
    solved = solve(poor(instrument=(bond(), bond("loan", max_outstanding=0.01)), investor=(fund,)))
    raised = expected(solved, Account.PROCEEDS)
    assert raised.max() == pytest.approx(0.02)
    assert expected(solved, Account.DEBT).max() == pytest.approx(0.05)
    owed = [
        v for v, n in zip(solved.x, solved.lp.column_names, strict=True) if n.startswith("outstanding_balance[loan,")
    ]
    assert max(owed) <= 0.01 + 1e-9


def test_a_commitment_is_drawn_once_and_counts_as_a_holding() -> None:
    fund = Investor(id="fund", kind="bank", issuance_capacity=series(1.0), max_holding=0.04)
    solved = solve(poor(instrument=(bond(draw_window=3),), investor=(fund,)))
    committed = solved.of("commit[")
    drawn = solved.of("draw[")
    assert 0.0 < drawn <= committed + 1e-9
    assert drawn <= 0.04 + 1e-9


def test_collateral_is_pledged_once() -> None:
    fleet = Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=10.0, age=0),))
    loan = bond(secured_by="accelerators", advance_rate=0.5)
    one = solve(poor(opening=fleet, instrument=(loan,)))
    two = solve(poor(opening=fleet, instrument=(loan, replace(loan, id="second"))))
    assert one.objective == pytest.approx(two.objective)
    debt, value = expected(two, Account.DEBT), expected(two, Account.HARDWARE_VALUE)
    assert (debt <= 0.5 * value + 1e-9).all()
    assert debt.max() > 0.005


def test_opening_debt_keeps_its_collateral() -> None:
    fleet = (OpeningFleet(accelerator="gpu", site="north", systems=10.0, age=0),)
    old = OpeningDebt(id="old", amount=0.012, rate="fixed", coupon=0.0, maturity=PERIODS + 4, secured_by="accelerators")
    loan = bond(secured_by="accelerators", advance_rate=0.5)
    solved = solve(poor(opening=Opening(fleet=fleet, debt=(old,)), instrument=(loan,)))
    worth = 0.02 * np.array([0.8, 0.7, 0.6, 0.5]) * 0.81 ** (0.25 * np.arange(1, 5))
    new = expected(solved, Account.DEBT) - 0.012
    total = expected(solved, Account.HARDWARE_VALUE)
    free = np.maximum(worth - 0.012, 0.0) + total[:4] - worth
    assert (new[:4] <= 0.5 * free + 1e-9).all()


def test_secured_by_all_shares_with_the_classes() -> None:
    loans = (
        bond("a", secured_by="accelerators", advance_rate=0.6), bond("s", secured_by="sites", advance_rate=0.6),
        bond("x", secured_by="all", advance_rate=0.6),
    )  # fmt: skip
    solved = solve(poor(instrument=loans))
    debt = expected(solved, Account.DEBT)
    assert (debt <= 0.6 * expected(solved, Account.HARDWARE_VALUE, Account.SITE_VALUE) + 1e-9).all()
    assert debt.max() > 0.0


def test_use_and_ties_follow_the_spending() -> None:
    gpu_loan = bond("loan", use="accelerators")
    vendor = bond("vendor", use="accelerators", tied_to="maker", tied_share=0.5)
    solved = solve(poor(instrument=(gpu_loan, vendor)))
    raised = np.cumsum(expected(solved, Account.PROCEEDS))
    spent = -np.cumsum(expected(solved, Account.HARDWARE))
    assert (raised <= spent + 1e-9).all()
    only_vendor = solve(poor(instrument=(vendor,)))
    raised = np.cumsum(expected(only_vendor, Account.PROCEEDS))
    systems = np.cumsum(-expected(only_vendor, Account.HARDWARE))
    assert raised[-1] > 0.0
    assert (raised <= 0.5 * systems + 1e-9).all()


@pytest.mark.parametrize("against", ["spending", "raised"])
def test_circular_funding_keeps_its_cap_at_every_date(against: str) -> None:
    investors = (
        Investor(id="fund", kind="bank", issuance_capacity=series(0.01)),
        Investor(id="nv", kind="vendor", party="maker", issuance_capacity=series(0.05)),
    )
    vendor = bond("vendor", depth=(Depth(investor="nv", steps=(Step(size=1.0, spread=0.0),)),))
    case = poor(instrument=(bond(), vendor), investor=investors, circularity=Circularity(cap=0.25, against=against))
    solved = solve(case)
    spent = -np.cumsum(expected(solved, Account.HARDWARE, Account.SITES))
    funds = np.array([solved.of(f"issue[bond,fund,{k}") for k in (1, 2)]).sum()
    circular = solved.of("issue[vendor,")
    assert circular == pytest.approx(0.25 * (spent[-1] if against == "spending" else funds + circular))
    labels = case.horizon.labels
    for t in range(1, PERIODS + 1):
        nv = sum(solved.of(f"issue[vendor,nv,1,{label}]") for label in labels[:t])
        rest = sum(solved.of(f"issue[bond,fund,{k},{label}]") for label in labels[:t] for k in (1, 2))
        assert nv <= 0.25 * (spent[t - 1] if against == "spending" else nv + rest) + 1e-9


def test_prepayments_are_circular_funding() -> None:
    case = poor(contract=(contract(price=60.0),), circularity=Circularity(cap=0.0))
    assert solve(case, value=True).of("contract[") == pytest.approx(0.0, abs=1e-9)
    assert solve(replace(case, circularity=Circularity(cap=1.0)), value=True).of("contract[") > 0.0


def trailing(flow: np.ndarray, t: int) -> float:
    part = flow[max(0, t - 3) : t + 1]
    return float(part.sum() * 4 / part.size)


@pytest.mark.parametrize(
    "kind, limit",
    [
        ("net_debt_to_ebitda", 3.0), ("interest_cover", 2.5), ("dscr", 1.3), ("ltv", 0.5), ("floating_share", 0.3),
        ("maturity_wall", 0.01), ("terminal_equity", 0.02),
    ],
)  # fmt: skip
def test_covenants_hold_and_cost_compute(kind: str, limit: float) -> None:
    loans = (
        bond(tenor=6, amortisation="linear", max_outstanding=0.02),
        bond("float", rate="floating", benchmark="money", margin=0.01, tenor=9),
    )
    free_case = poor(
        instrument=loans, contract=(contract(price=6.0, prepayment=0.0),), tax=Tax(rate=0.2),
        cash=Cash(opening=0.04, minimum=series(0.0), dividends=series(0.0)),
    )  # fmt: skip
    case = replace(free_case, covenant=(Covenant(id="test", kind=kind, limit=limit, from_period=3),))
    free, solved = solve(free_case), solve(case)
    assert solved.status == 0
    assert solved.objective < free.objective - 1e-6
    cash, debt = solved.state("cash"), expected(solved, Account.DEBT)
    ebitda = expected(solved, *(a for a in Account if a.ebitda))
    interest, principal, tax = (-expected(solved, a) for a in (Account.INTEREST, Account.PRINCIPAL, Account.TAX))
    value = expected(solved, Account.HARDWARE_VALUE, Account.SITE_VALUE)
    slack = 1e-8
    for t in range(3, PERIODS):
        last = {n: trailing(f, t) for n, f in (("e", ebitda), ("i", interest), ("p", principal), ("t", tax))}
        if kind == "net_debt_to_ebitda":
            assert debt[t] - cash[t] <= limit * last["e"] + slack
        elif kind == "interest_cover":
            assert last["e"] >= limit * last["i"] - slack
        elif kind == "dscr":
            earned = RATE * np.concatenate([[0.04], cash[:-1]])  # interest on what each quarter began with
            available = last["e"] - last["t"] + trailing(earned, t)
            assert available >= limit * (last["i"] + last["p"]) - slack
        elif kind == "ltv":
            assert debt[t] <= limit * value[t] + slack
        elif kind == "maturity_wall":
            assert principal[t : t + 4].sum() <= limit + slack
        elif kind == "floating_share":
            owed = [
                v
                for v, n in zip(solved.x, solved.lp.column_names, strict=True)
                if n.startswith("outstanding_balance[float,")
            ]
            assert owed[t] <= limit * debt[t] + slack
    if kind == "terminal_equity":
        worth = cash[-1] + expected(solved, *OWNED_AT_END, *OWED_AT_END)[-1]
        assert worth >= limit - slack


def test_the_maturity_wall_sees_past_the_horizon() -> None:
    """All of a nine-period bullet placed in period 3 falls due in period 12, outside; one of period 0 in period 9."""
    wall = (Covenant(id="wall", kind="maturity_wall", limit=0.01),)
    solved = solve(poor(instrument=(bond(tenor=9, issue_to=0),), covenant=wall))
    assert solved.of("issue[") == pytest.approx(0.01)


def test_capacity_counts_one_date() -> None:
    solved = solve(tiny(objective=Objective(kind="capacity", at=3)))
    assert solved.objective == pytest.approx(expected(solved, Account.COMPUTE)[3])
    assert solved.lp.unit == "PFLOP/s"


def test_least_cost_meets_its_target_and_doing_nothing_costs_nothing() -> None:
    solved = solve(tiny(objective=Objective(kind="cost", at=4, target=300.0), merchant=None))
    assert expected(solved, Account.COMPUTE)[4] == pytest.approx(300.0)
    assert solved.objective > 0.0
    dearer = solve(tiny(objective=Objective(kind="cost", at=4, target=600.0), merchant=None))
    assert dearer.objective > 1.9 * solved.objective
    _, _, lp = assemble(tiny(objective=Objective(kind="cost", at=4, target=300.0), merchant=None))
    idle = np.zeros(len(lp.column_names))
    idle[lp.column_names.index("fixed[sites]")] = 1.0
    opex = 0.1 * 2.0 * 1e-3 * 0.25
    kept = (1 + RATE) ** PERIODS - opex * sum((1 + RATE) ** n for n in range(PERIODS))
    idle[lp.column_names.index("cash[2028Q3]")] = kept
    assert lp.cost @ idle + lp.offset == pytest.approx(0.0, abs=1e-12)


def test_a_target_out_of_reach_is_infeasible() -> None:
    assert solve(tiny(objective=Objective(kind="cost", at=4, target=1e6))).status == 2


def test_a_target_with_nothing_to_order_stays_a_row() -> None:
    case = tiny(accelerator=(system(supply=series(0.0)),), objective=Objective(kind="cost", at=4, target=1.0))
    _, _, lp = assemble(case)
    assert lp.row_names[-1] == "compute_target[2027Q4]"
    assert lp.matrix[[len(lp.row_names) - 1]].nnz == 0
    assert lp.row_lower[-1] == 1.0
    assert solve(case).status == 2
