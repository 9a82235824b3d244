"""Covenants of cover are not tested where nothing is due: which periods those are, and what a test counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from capmix.models.blocks.headroom import headrooms
from capmix.models.build import build_ledger, build_program
from capmix.models.ledger import Account
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Opening, OpeningDebt
from capmix.models.schema.revenue import Merchant
from capmix.models.schema.rules import Cash, Covenant, Tax
from capmix.optimizer.setup.lockup_calendar import calendar, optional_tests
from scipy.optimize import linprog
from scipy.sparse import vstack

from .solving import RATE, solve
from .test_calendar import waiting
from .test_entities import case_with_debt
from .tiny import PERIODS, bond, known_means, series, site, tiny

RATES = np.full(PERIODS, RATE)
COVER = {"interest_cover": 2.0, "fixed_charge_cover": 2.0, "dscr": 1.2, "llcr": 1.5, "net_debt_to_ebitda": 3.0}


def cover(kind: str, limit: float, **changes: object) -> Covenant:
    return replace(Covenant(id="cover", kind=kind, limit=limit), **changes)


def early(covenant: Covenant, **changes: object) -> Case:
    """A site that costs before it earns: no system serves in the first two quarters, and money is short."""
    base = tiny(
        cash=Cash(opening=0.03, minimum=series(0.0), dividends=series(0.0)),
        site=(site(opex=0.3),),
        merchant=Merchant(column="market", volume=series(1000.0)),
        instrument=(bond(tenor=3, margin=0.04, fee=0.0, amortisation="linear"),),
        covenant=(covenant,),
    )  # fmt: skip
    slow = replace(base.accelerator[0], lead=2, rental=6.0)
    return replace(base, accelerator=(slow,), **changes)


def best(case: Case, without: frozenset[tuple[str, int]]) -> float:
    """Optimum where these tests do not apply; -inf where there is no plan."""
    ledger = build_ledger(case)
    return optimum(build_program(case, ledger, known_means(case, ledger), RATES, nothing_due=without))


def optimum(lp: LinearProgram) -> float:
    high, low = np.isfinite(lp.row_upper), np.isfinite(lp.row_lower)
    found = linprog(
        -lp.cost,
        A_ub=vstack([lp.matrix[high], -lp.matrix[low]]),
        b_ub=np.concatenate([lp.row_upper[high], -lp.row_lower[low]]),
        bounds=np.column_stack([lp.col_lower, lp.col_upper]),
    )
    return -float(found.fun) if found.status == 0 else -np.inf


@pytest.mark.parametrize("kind", COVER)
def test_the_calendar_is_the_best_of_all(kind: str) -> None:
    """Against every calendar there is, of the periods in which something may be due."""
    case = early(cover(kind, COVER[kind], to_period=3))
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    optional = optional_tests(case, ledger, means, RATES)
    chosen = calendar(case, ledger, means, RATES).nothing_due
    values = {
        frozenset(pair for pair, gone in zip(optional, mask, strict=True) if gone): None
        for mask in product((False, True), repeat=len(optional))
    }
    values = {without: best(case, without) for without in values}
    assert len(values) >= 8
    assert values[chosen] == pytest.approx(max(values.values()), rel=1e-6)
    assert values[chosen] > 0.0
    # Of equally good ones it is one with most tests.
    as_good = [without for without, value in values.items() if value >= values[chosen] * (1.0 - 1e-7)]
    assert len(chosen) == min(len(without) for without in as_good)


def test_without_anything_that_could_be_due_there_is_no_test() -> None:
    """No instrument, no opening debt: a cover that no plan could keep costs nothing."""
    free = replace(early(cover("dscr", 9.0), instrument=()), covenant=())
    for kind in COVER:
        case = replace(free, covenant=(cover(kind, 9.0),))
        ledger = build_ledger(case)
        assert optional_tests(case, ledger, known_means(case, ledger), RATES) == []
        solved = solve(case)
        assert not [name for name in solved.lp.row_names if "cover[" in name]
        assert solved.objective == pytest.approx(solve(free).objective, rel=1e-9)


def test_no_loan_of_the_horizon_is_due_at_once() -> None:
    """What is placed in the first quarter is owed in it but serviced from the next one on."""
    ledger = build_ledger(early(cover("dscr", 1.2)))
    untested = {}
    for kind in COVER:
        (test,) = headrooms(early(cover(kind, 1.2)), ledger, cover(kind, 1.2))
        untested[kind] = set(test.untested)
    assert untested == {k: set() if k in ("llcr", "net_debt_to_ebitda") else {0} for k in COVER}


def test_where_opening_debt_is_served_the_test_applies() -> None:
    """It may not be chosen away: interest falls due whatever the plan."""
    debt = OpeningDebt(id="old", holder="fund", amount=0.004, rate="fixed", coupon=0.05, maturity=3)
    case = early(cover("interest_cover", 2.0), opening=Opening(debt=(debt,)))
    ledger = build_ledger(case)
    optional = optional_tests(case, ledger, known_means(case, ledger), RATES)
    assert [t for _, t in optional] == [7]  # the year to quarter 7 is the first without its interest


def test_the_plan_owes_nothing_where_the_calendar_says_so() -> None:
    case = early(cover("interest_cover", 2.0))
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    chosen = calendar(case, ledger, means, RATES).nothing_due
    lp = build_program(case, ledger, means, RATES, nothing_due=chosen)
    rows = [name for name in lp.row_names if name.startswith("nothing_due_cover[")]
    assert rows == [f"nothing_due_cover[{case.horizon.labels[t]}]" for _, t in sorted(chosen)]
    tested = [name for name in lp.row_names if name.startswith("covenant_cover[")]
    assert len(tested) == PERIODS - 1 - len(chosen)


@pytest.mark.parametrize("kind", ["dscr", "llcr"])
def test_cover_counts_the_interest_on_cash_as_it_counts_the_tax_on_it(kind: str) -> None:
    """By hand on the solved program: EBITDA, less tax, and 0.5 % a quarter on the cash that each quarter began with."""
    covenant = cover(kind, 1.5 if kind == "llcr" else 1.2, from_period=3)
    debt = OpeningDebt(id="old", holder="fund", amount=0.02, rate="fixed", coupon=0.08, maturity=20)
    case = early(
        covenant, tax=Tax(rate=0.3), cash=Cash(opening=0.5, minimum=series(0.3), dividends=series(0.0)),
        opening=Opening(debt=(debt,)),
    )  # fmt: skip
    solved = solve(case)
    assert solved.status == 0
    x = solved.x[: len(solved.ledger.decisions)]

    def total(*accounts: Account) -> np.ndarray:
        return np.asarray(solved.ledger.expected(accounts, solved.means) @ x)

    interest = RATE * np.concatenate([[0.5], solved.state("cash")[:-1]])
    available = total(*(a for a in Account if a.ebitda)) + total(Account.TAX) + interest
    activity = dict(zip(solved.lp.row_names, solved.lp.row_upper - solved.lp.matrix @ solved.x, strict=True))
    for t in range(3, PERIODS):
        if kind == "dscr":
            service = -total(Account.INTEREST, Account.PRINCIPAL)
            headroom = available[t - 3 : t + 1].sum() - 1.2 * service[t - 3 : t + 1].sum()
        else:
            worth = sum(available[u] / 1.08 ** ((u - t) / 4) for u in range(t + 1, PERIODS))
            worth += total(Account.TERMINAL_ASSETS)[-1] / 1.08 ** ((PERIODS - 1 - t) / 4)
            headroom = worth - 1.5 * total(Account.DEBT)[t]
        known = activity.get(f"covenant_cover[{case.horizon.labels[t]}]")
        if known is None:
            assert kind == "llcr"
            assert total(Account.DEBT)[t] == pytest.approx(0.0, abs=1e-9)
        else:
            assert known == pytest.approx(headroom, abs=1e-9)


def test_a_lock_up_is_no_test_where_no_service_is_due() -> None:
    """Without debt a ring-fenced company may pay out what it has, though it earns less than nothing."""
    case = case_with_debt(lock_up=3.0)
    bare = replace(case, instrument=(), opening=replace(case.opening, debt=()))
    lp = solve(bare).lp
    assert not [name for name in lp.row_names if name.startswith("lock_up[")]
    ledger = build_ledger(bare)
    assert calendar(bare, ledger, known_means(bare, ledger), RATES).closed == frozenset()


def test_a_calendar_of_lock_ups_is_the_best_of_all() -> None:
    """Against every mixture of closed, tested and free of service in three quarters."""
    case = waiting(lock_up=3.0)
    case = replace(
        case, entity=tuple(replace(e, distribution_from=5) if e.kind == "spv" else e for e in case.entity),
        opening=replace(case.opening, debt=()),
    )  # fmt: skip
    ledger = build_ledger(case)
    means = known_means(case, ledger)
    chosen = calendar(case, ledger, means, RATES)
    values = []
    for state in product(("closed", "tested", "free"), repeat=3):
        closed = frozenset(("spv", t) for t, s in zip(range(5, 8), state, strict=True) if s == "closed")
        without = frozenset(("lock-up spv", t) for t, s in zip(range(5, 8), state, strict=True) if s == "free")
        lp = build_program(case, ledger, means, RATES, closed, without)
        values.append(optimum(lp))
    found = optimum(build_program(case, ledger, means, RATES, chosen.closed, chosen.nothing_due))
    assert found == pytest.approx(max(values), rel=1e-6)
