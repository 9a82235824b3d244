"""What tax deducts and when, against numbers worked out by hand and the rule behind the tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from capmix.models.blocks.tax import BORROWING, TAXABLE, Assessor, Base, put_off
from capmix.models.blocks.write_off import MACRS, Service, shares
from capmix.models.build import build_ledger
from capmix.models.ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account
from capmix.models.schema.case import Case
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.revolver import Revolver
from capmix.models.schema.rules import Tax, WriteOff
from hypothesis import given
from hypothesis import strategies as st

from .solving import RATE, solve
from .tiny import PERIODS, bond, driver, known_means, system, tiny

ORDER = "order[gpu,north,2026Q4]"  # in service from period 1, 2027Q1, for four quarters, sold in period 5


def unit(case: Case, key: str, *accounts: Account) -> np.ndarray:
    ledger = build_ledger(case)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    return np.asarray(ledger.expected(accounts, known_means(case, ledger)).toarray()[:, number])


def taxed(**changes: Any) -> Tax:
    return Tax(rate=0.25, **changes)


def declining(years: int, factor: float) -> list[float]:
    """The rule of 26 USC 168(b): declining balance, straight line from where that is more, half a year at both ends."""
    left, out = 1.0, []
    for k in range(years + 1):
        part = 0.5 if k == 0 else 1.0
        remaining = years - (k - 0.5) if k else float(years)
        even = left if remaining <= 0.5 else part * left / remaining
        out.append(max(min(left, factor / years * left * part), even) if k < years else left)
        left -= out[-1]
    return out


@pytest.mark.parametrize(
    "name, years, factor", [("macrs3", 3, 2), ("macrs5", 5, 2), ("macrs7", 7, 2), ("macrs15", 15, 1.5)]
)
def test_the_tables_are_those_of_the_rule(name: str, years: int, factor: float) -> None:
    assert MACRS[name] == pytest.approx(
        declining(years, factor), abs=1.01e-4
    )  # they are rounded to a hundredth of a percent
    assert sum(MACRS[name]) == pytest.approx(1.0, abs=1e-12)


def by_year(values: np.ndarray, origin: int, start: int) -> list[float]:
    """Sums of the four calendar quarters, from the year that contains period `start`."""
    first = (origin + start) // 4
    out: dict[int, float] = {}
    for n, value in enumerate(values):
        out[(origin + start + n) // 4 - first] = out.get((origin + start + n) // 4 - first, 0.0) + float(value)
    return list(out.values())


@pytest.mark.parametrize("start", [0, 1, 3])
def test_five_year_property_by_calendar_year(start: int) -> None:
    """IRS Publication 946, table A-1, 5-year property: 20.00, 32.00, 19.20, 11.52, 11.52, 5.76 %."""
    horizon = Horizon(start="2026Q4", periods=8)
    found = shares(WriteOff(method="macrs5"), horizon, Service(start, 40))
    assert by_year(found, horizon.origin, start) == pytest.approx(
        [0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576], abs=1e-12
    )
    left = 4 - (horizon.origin + start) % 4
    assert found[:left] == pytest.approx(0.20 / left)


def test_bonus_comes_first() -> None:
    """60 % bonus: the first year takes 0.6 + 0.4 × 0.2, the second 0.4 × 0.32."""
    horizon = Horizon(start="2027Q1", periods=8)
    found = by_year(shares(WriteOff(method="macrs5", bonus=0.6), horizon, Service(0, 40)), horizon.origin, 0)
    assert found[:2] == pytest.approx([0.68, 0.128])
    whole = by_year(shares(WriteOff(method="macrs5", bonus=1.0), horizon, Service(2, 40)), horizon.origin, 2)
    assert whole[0] == pytest.approx(1.0)
    assert sum(whole) == pytest.approx(1.0)


methods = st.one_of(
    st.builds(WriteOff, method=st.sampled_from(sorted(MACRS)), bonus=st.floats(0.0, 1.0)),
    st.builds(
        WriteOff, method=st.just("straight"), bonus=st.floats(0.0, 1.0), years=st.one_of(st.none(), st.integers(1, 60))
    ),
    st.builds(WriteOff, method=st.just("table"), bonus=st.floats(0.0, 1.0), shares=st.just((0.5, 0.3, 0.2))),
)


@given(methods, st.integers(0, 20), st.integers(1, 40), st.booleans(), st.sampled_from(["quarter", "month"]))
def test_all_of_the_cost_is_written_off_once(how: WriteOff, start: int, life: int, sold: bool, step: str) -> None:
    found = shares(
        how,
        Horizon(start="2027Q2" if step == "quarter" else "2027-05", periods=20, step=step),
        Service(start, life, sold),
    )
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0.0).all()
    assert not sold or found.size <= life + 1


def test_what_is_sold_early_is_written_off_with_the_sale() -> None:
    """Four quarters of 2027 take 20 %, the sale in 2028Q1 the other 80 %; the price of the sale is a gain, as ever."""
    case = tiny(tax=taxed(systems=WriteOff(method="macrs5")))
    sale = unit(case, ORDER, Account.SALVAGE)[5]
    year = -0.0022 * 0.20 / 4
    expected = [0, year, year, year, year, sale - 0.0022 * 0.8, 0, 0]
    assert unit(case, ORDER, Account.DEPRECIATION) == pytest.approx(expected, abs=1e-15)
    assert not unit(case, ORDER, Account.WRITTEN_AHEAD).any()


def test_what_is_written_off_ahead_of_the_books_is_known_at_the_end() -> None:
    """Bonus of all of it in the three quarters that are left of 2028; the books take a quarter of it in each."""
    case = tiny(tax=taxed(systems=WriteOff(method="macrs5", bonus=1.0)))
    key = "order[gpu,north,2028Q1]"  # in service from period 6, 2028Q2
    assert unit(case, key, Account.DEPRECIATION)[6:] == pytest.approx([-0.0022 / 3, -0.0022 / 3])
    assert unit(case, key, Account.WRITTEN_AHEAD)[-1] == pytest.approx(0.0022 * (2 / 3 - 2 / 4))
    slow = unit(tiny(tax=taxed(systems=WriteOff(method="macrs15"))), key, Account.WRITTEN_AHEAD)[-1]
    assert slow == pytest.approx(0.0022 * (0.05 * 2 / 3 - 2 / 4))
    assert not unit(case, ORDER, Account.WRITTEN_AHEAD).any()


def test_tax_put_off_is_owed_less_what_carried_losses_may_take_off_it() -> None:
    tax = taxed(loss_use=0.8)
    assert put_off(tax, 10.0, 0.0) == pytest.approx(2.5)
    assert put_off(tax, 10.0, 3.0) == pytest.approx(1.75)
    assert put_off(tax, 10.0, 100.0) == pytest.approx(0.5)  # a fifth of it is taxed whatever was lost
    assert put_off(tax, -10.0, 0.0) == 0.0


def test_no_more_is_won_by_pushing_tax_over_the_edge_than_interest_on_it() -> None:
    """Wealth alone. Tax that is put off earns RATE a period until it is owed; were it not owed, all would be won."""
    worth, paid, owed = {}, {}, 0.0
    for bonus in (None, 1.0):
        tax = taxed(systems=None if bonus is None else WriteOff(method="macrs5", bonus=bonus), loss_use=1.0)
        case = tiny(accelerator=(system(life=12, rental=40.0, residual=(0.9, 0.8, 0.7, 0.6)),), tax=tax)
        found = solve(case, value=True)
        worth[bonus], paid[bonus] = found.objective, found.of("tax[")
        if bonus is not None:
            decided = found.x[: len(found.ledger.decisions)]
            ahead = float((found.ledger.expected([Account.WRITTEN_AHEAD], found.means) @ decided)[-1])
            owed = found.of("deferred_tax")
            assert owed == pytest.approx(put_off(tax, ahead, float(found.state("loss_pool")[-1])), abs=1e-8)
    assert owed > 0.005
    gain = worth[1.0] - worth[None]
    assert 0.0 < gain < paid[None] * ((1.0 + RATE) ** PERIODS - 1.0) < 0.2 * owed


def test_the_price_of_the_order_is_what_is_written_off() -> None:
    case = tiny(
        driver=(driver("market", 1.0), driver("price", 1.0, 0.9)),
        accelerator=(system(price_column="price"),),
        tax=taxed(systems=WriteOff(method="table", shares=(0.6, 0.4))),
    )
    cost = 0.9 * 0.002 + 0.0002
    found = unit(case, "order[gpu,north,2027Q1]", Account.DEPRECIATION)  # in service 2027Q2 to 2028Q1, sold 2028Q2
    assert found[2:6] == pytest.approx([-cost * 0.2, -cost * 0.2, -cost * 0.2, -cost * 0.1], abs=1e-15)


def test_sites_are_written_off_by_their_own_table() -> None:
    plain, fast = tiny(tax=taxed()), tiny(tax=taxed(sites=WriteOff(method="macrs15")))
    key = "build[north,shell,2026Q4]"  # 2 million a MW, in service from 2027Q1
    assert unit(plain, key, Account.DEPRECIATION)[1:] == pytest.approx([-0.002 / 40] * 7)
    assert unit(fast, key, Account.DEPRECIATION)[1:] == pytest.approx(
        [-0.002 * 0.05 / 4] * 4 + [-0.002 * 0.095 / 4] * 3
    )
    for account in (Account.SITES, Account.SITE_VALUE, Account.TERMINAL_ASSETS):
        np.testing.assert_array_equal(unit(plain, key, account), unit(fast, key, account))


def test_fees_go_off_income_in_equal_parts_over_the_life() -> None:
    """1 % at the issue of 12 quarters, 2 % discount beside it: a twelfth of 3 % in each quarter of the horizon."""
    key = "issue[bond,fund,1,2026Q4]"
    case = tiny(instrument=(bond(discount=0.02),), tax=taxed(fees="straight"))
    assert unit(case, key, Account.FEES)[0] == pytest.approx(-0.03)
    assert unit(case, key, Account.FEES, Account.FEES_SPREAD) == pytest.approx([0.0] + [-0.03 / 12] * 7, abs=1e-15)
    paid = tiny(instrument=(bond(discount=0.02),), tax=taxed())
    assert not unit(paid, key, Account.FEES_SPREAD).any()
    np.testing.assert_array_equal(unit(case, key, *CASH_ACCOUNTS), unit(paid, key, *CASH_ACCOUNTS))
    np.testing.assert_array_equal(unit(case, key, *TERMINAL_ACCOUNTS), unit(paid, key, *TERMINAL_ACCOUNTS))


def test_fees_by_what_is_outstanding() -> None:
    """Repaid in four equal parts: 1, 3/4, 1/2, 1/4 outstanding, so 4, 3, 2, 1 tenths of the fee."""
    case = tiny(instrument=(bond(tenor=4, amortisation="linear"),), tax=taxed(fees="balance"))
    found = unit(case, "issue[bond,fund,1,2026Q4]", Account.FEES, Account.FEES_SPREAD)
    assert found == pytest.approx([0, -0.004, -0.003, -0.002, -0.001, 0, 0, 0], abs=1e-15)


def test_the_fee_of_a_facility_runs_from_the_commitment_to_its_last_repayment() -> None:
    case = tiny(instrument=(bond(tenor=4, draw_window=2),), tax=taxed(fees="straight"))
    found = unit(case, "commit[bond,fund,1,2026Q4]", Account.FEES, Account.FEES_SPREAD)
    assert found == pytest.approx([0] + [-0.01 / 6] * 6 + [0], abs=1e-15)
    own = tiny(instrument=(bond(tenor=4, draw_window=2, term_from="commitment"),), tax=taxed(fees="straight"))
    found = unit(own, "commit[bond,fund,1,2026Q4]", Account.FEES, Account.FEES_SPREAD)
    assert found == pytest.approx([0] + [-0.01 / 4] * 4 + [0] * 3, abs=1e-15)


def test_the_cost_of_equity_is_never_deducted_once_fees_are_spread() -> None:
    case = tiny(instrument=(bond(kind="equity", amortisation="none", tenor=None),), tax=taxed(fees="straight"))
    assert not unit(case, "issue[bond,fund,1,2026Q4]", *TAXABLE).any()


def test_the_fee_of_a_line_is_spread_over_it() -> None:
    line = Revolver(holder="fund", max_commitment=1.0, margin=0.03, fee=0.02, tenor=4)
    found = unit(tiny(revolver=line, tax=taxed(fees="straight")), "line[fund,2026Q4]", *BORROWING)
    assert found == pytest.approx([0] + [-0.005] * 4 + [0] * 3, abs=1e-15)


def test_interest_beyond_the_limit_waits_until_there_is_room() -> None:
    """26 USC 163(j): 30 % of 10, 10, 40 and 20 is 3, 3, 12 and 6; interest of 5, 4, 4 and 4.

    Carried: 2, 3, 0 (12 would allow 7), 0. Deducted 3, 3, 7, 4; income before interest 6, 6, 30 and 10.
    """
    law = Assessor(Tax(rate=0.25, interest_limit=0.3))
    before, borrowing, ebitda = (np.array(v, float) for v in ([6, 6, 30, 10], [5, 4, 4, 4], [10, 10, 40, 20]))
    base, found, waiting = Base(before - borrowing, borrowing, ebitda), [], []
    for t in range(4):
        found.append([float(v) for v in law.period(base, t, np.zeros(()))])
        waiting.append(float(law.waiting))
    assert waiting == pytest.approx([2, 3, 0, 0])
    assert [income for income, _, _ in found] == pytest.approx([3, 3, 23, 6])
    assert [due for _, _, due in found] == pytest.approx([0.75, 0.75, 5.75, 1.5])


def test_interest_earned_raises_what_may_be_deducted() -> None:
    """Net interest is limited: 5 paid, 1 earned, 30 % of 10: 4 net, 3 allowed, 1 waits; income 6 + 1 - 5 + 1."""
    law = Assessor(Tax(rate=0.25, interest_limit=0.3))
    base = Base(np.array([1.0]), np.array([5.0]), np.array([10.0]))
    income, _, due = law.period(base, 0, np.array(1.0))
    assert (float(income), float(due), float(law.waiting)) == pytest.approx((3.0, 0.75, 1.0))


def test_interest_carried_in_is_deducted_first_where_there_is_room() -> None:
    law = Assessor(Tax(rate=0.25, interest_limit=0.3, opening_interest=2.0))
    base = Base(np.array([9.0]), np.array([1.0]), np.array([10.0]))
    income, _, _ = law.period(base, 0, np.zeros(()))
    assert (float(income), float(law.waiting)) == pytest.approx((7.0, 0.0))


def test_a_loss_of_another_year_offsets_at_most_its_share() -> None:
    """26 USC 172(a)(2): 80 % of the income of the year."""
    law = Assessor(Tax(rate=0.25, loss_use=0.8, opening_losses=10.0))
    income, used, due = law.period(Base.plain(np.array([5.0])), 0, np.zeros(()))
    assert (float(income), float(used), float(due), float(law.left)) == pytest.approx((5.0, 4.0, 0.25, 6.0))


def test_the_horizon_is_long_enough_for_these_tests() -> None:
    assert PERIODS == 8
