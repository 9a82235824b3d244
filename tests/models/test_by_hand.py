"""Postings of one unit of hardware, sites, contracts and merchant capacity against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.models.build import build_ledger
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Opening, OpeningDebt, OpeningFleet
from capmix.models.schema.revenue import Merchant
from capmix.models.schema.rules import Objective

from .tiny import PERIODS, contract, driver, known_means, layers, series, site, system, tiny

FALL = 0.81**0.25  # share of the systems that survive a quarter: a failure rate of 19 % a year
HOURS = 2190.0


def unit(case: Case, key: str, *accounts: Account) -> np.ndarray:
    ledger = build_ledger(case)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    return np.asarray(ledger.expected(accounts, known_means(case, ledger)).toarray()[:, number])


ORDER = "order[gpu,north,2026Q4]"  # in service from period 1 for four quarters, sold in period 5


def test_an_order_is_paid_in_two_parts_and_sold_at_the_end_of_its_life() -> None:
    case = tiny()
    np.testing.assert_allclose(
        unit(case, ORDER, Account.HARDWARE), [-0.0005, -0.0017, 0, 0, 0, 0, 0, 0], atol=1e-15
    )  # a quarter of 2 million down; the rest and 0.2 million of network on delivery
    sale = 0.002 * 0.5 * FALL**4  # half the price at one year, on what is left
    np.testing.assert_allclose(unit(case, ORDER, Account.SALVAGE), [0, 0, 0, 0, 0, sale, 0, 0], atol=1e-15)
    assert not unit(case, ORDER, Account.TERMINAL_ASSETS).any()
    written = -0.0022 / 4
    np.testing.assert_allclose(
        unit(case, ORDER, Account.DEPRECIATION), [0, written, written, written, written, sale, 0, 0], atol=1e-15
    )


def test_the_price_is_agreed_with_the_order_and_resale_moves_with_its_own_column() -> None:
    case = tiny(
        driver=(driver("market", 1.0), driver("price", 1.0, 0.9, 0.8), driver("used", 1.0, 0.9, 0.7, 0.6, 0.5, 0.4)),
        accelerator=(system(price_column="price", resale_column="used"),),
    )
    key = "order[gpu,north,2027Q1]"
    paid = unit(case, key, Account.HARDWARE)
    np.testing.assert_allclose(paid[1:3], [-0.25 * 0.0018, -0.75 * 0.0018 - 0.0002], rtol=1e-12)
    assert unit(case, key, Account.SALVAGE)[6] == pytest.approx(0.002 * 0.5 * FALL**4 * 0.4, rel=1e-12)


def test_a_system_in_service_delivers_compute_and_uses_power() -> None:
    case = tiny()
    alive = np.array([0, 1, FALL, FALL**2, FALL**3, 0, 0, 0])
    np.testing.assert_allclose(unit(case, ORDER, Account.COMPUTE), 8.0 * alive, rtol=1e-12)
    np.testing.assert_allclose(unit(case, ORDER, Account.IT_POWER), 0.1 * alive, rtol=1e-12)
    np.testing.assert_allclose(unit(case, ORDER, Account.SYSTEMS), alive, rtol=1e-12)
    energy = 0.1 * 0.8 * 1.25 * HOURS  # MWh a quarter
    np.testing.assert_allclose(unit(case, ORDER, Account.POWER), -energy * 80.0 * 1e-9 * alive, rtol=1e-12)
    np.testing.assert_allclose(unit(case, ORDER, Account.SUPPORT), -0.05 * 0.25 * 0.002 * alive, rtol=1e-12)


def test_fp8_counts_where_the_case_says_so_and_availability_prices_compute() -> None:
    case = tiny(
        objective=Objective(metric="fp8"), driver=(driver("market", 1.0), driver("up", 0.5, 0.75)),
        accelerator=(system(availability_column="up", failure_rate=0.0),),
    )  # fmt: skip
    np.testing.assert_allclose(unit(case, ORDER, Account.COMPUTE), [0, 12, 12, 12, 12, 0, 0, 0], rtol=1e-12)


def test_a_system_still_in_use_at_the_end_stands_at_its_resale_value() -> None:
    case = tiny()
    key = "order[gpu,north,2028Q1]"  # period 5, serves periods 6 and 7: half a year old at the end
    assert unit(case, key, Account.TERMINAL_ASSETS)[-1] == pytest.approx(0.002 * 0.7 * FALL**2, rel=1e-12)
    assert unit(case, key, Account.HARDWARE_VALUE)[6] == pytest.approx(0.002 * 0.8 * FALL, rel=1e-12)
    assert not unit(case, key, Account.SALVAGE).any()


def test_what_would_serve_only_after_the_end_is_not_on_offer() -> None:
    keys = {d.key for d in build_ledger(tiny()).decisions}
    assert "order[gpu,north,2028Q2]" in keys
    assert "order[gpu,north,2028Q3]" not in keys
    assert "build[north,power,2028Q3]" not in keys


def test_a_layer_is_paid_in_stages_and_written_down_from_service() -> None:
    made = site(layer=layers(lead=4, stages=(0.2, 0.3, 0.5), cost_per_mw=10.0, cost_per_site=100.0), life=20)
    case = tiny(site=(made,))
    key = "build[north,shell,2026Q4]"
    cost = (10.0 + 100.0 / 20.0) * 1e-3
    np.testing.assert_allclose(
        unit(case, key, Account.SITES), -cost * np.array([0.2, 0, 0.3, 0, 0.5, 0, 0, 0]), rtol=1e-12
    )
    np.testing.assert_allclose(
        unit(case, key, Account.DEPRECIATION), -cost / 20 * np.array([0, 0, 0, 0, 1, 1, 1, 1]), rtol=1e-12
    )
    book = np.array([0.2, 0.2, 0.5, 0.5, 0.95, 0.9, 0.85, 0.8])
    np.testing.assert_allclose(unit(case, key, Account.SITE_VALUE), cost * 0.8 * book, rtol=1e-12)
    assert unit(case, key, Account.TERMINAL_ASSETS)[-1] == pytest.approx(cost * 0.8 * 0.8, rel=1e-12)
    np.testing.assert_allclose(
        unit(case, key, Account.SITE_OPEX), -0.1e-3 * 0.25 * np.array([0, 0, 0, 0, 1, 1, 1, 1]), rtol=1e-12
    )
    assert not unit(case, "build[north,power,2026Q4]", Account.SITE_OPEX).any()


def test_a_contract_pays_its_price_less_the_credit_for_its_prepayment() -> None:
    case = tiny(contract=(contract(price_decline=0.19),))
    price = 2.5 * FALL * HOURS * 1e-9  # signed in period 1, a quarter of a year later
    key = "contract[offtake,2027Q1]"
    served = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(unit(case, key, Account.CONTRACT_REVENUE), price * served, rtol=1e-12)
    np.testing.assert_allclose(unit(case, key, Account.CONTRACTED), served, rtol=1e-12)
    prepaid = np.array([0, 4, -1, -1, -1, -1, 0, 0]) * 0.2 * price
    np.testing.assert_allclose(unit(case, key, Account.PREPAYMENT), prepaid, atol=1e-18)
    assert not unit(case, key, Account.TERMINAL_DEBT).any()


def test_a_prepayment_not_yet_earned_at_the_end_is_owed() -> None:
    case = tiny(contract=(contract(),))
    key = "contract[offtake,2028Q1]"  # period 5, delivers in 6 and 7 of 6 to 9
    bill = 2.5 * HOURS * 1e-9
    assert unit(case, key, Account.TERMINAL_DEBT)[-1] == pytest.approx(-0.2 * bill * 2, rel=1e-12)
    received = unit(case, key, Account.PREPAYMENT, Account.TERMINAL_DEBT).sum()
    assert received == pytest.approx(0.0, abs=1e-18)


def test_no_contract_is_signed_whose_delivery_starts_after_the_end() -> None:
    case = tiny(contract=(contract(ramp=4, sign_to=7),))
    signed = {d.period for d in build_ledger(case).decisions if d.block == "contract"}
    assert signed == {0, 1, 2, 3}


def test_merchant_revenue_falls_with_the_age_of_the_generation() -> None:
    case = tiny(merchant=Merchant(column="market", volume=series(100.0), discount=0.25))
    full = 8 * HOURS * 2.0 * 1e-9
    got = unit(case, "merchant[gpu,2027Q4]", Account.MERCHANT_REVENUE)
    np.testing.assert_allclose(got[4], full * 0.9 * 0.75 * 0.92, rtol=1e-12)
    assert unit(case, "merchant[gpu,2027Q4]", Account.MERCHANT)[4] == 8.0


def test_the_opening_fleet_serves_out_its_life() -> None:
    fleet = OpeningFleet(accelerator="gpu", site="north", systems=10.0, age=1, book_value=0.012)
    case = tiny(opening=Opening(fleet=(fleet,)))
    key = "fixed[fleet,gpu,north,0]"
    np.testing.assert_allclose(
        unit(case, key, Account.COMPUTE), 80.0 * np.array([1, FALL, FALL**2, 0, 0, 0, 0, 0]), rtol=1e-12
    )
    sale = 10 * 0.002 * 0.5 * FALL**3
    assert unit(case, key, Account.SALVAGE)[3] == pytest.approx(sale, rel=1e-12)
    np.testing.assert_allclose(
        unit(case, key, Account.DEPRECIATION), [-0.004, -0.004, -0.004, sale, 0, 0, 0, 0], rtol=1e-12
    )


@pytest.mark.parametrize(
    "amortisation, maturity, principal, left",
    [
        ("bullet", 2, [0, 0, 0.6, 0, 0, 0, 0, 0], 0.0),
        ("linear", 2, [0.2, 0.2, 0.2, 0, 0, 0, 0, 0], 0.0),
        ("bullet", 20, [0] * 8, 0.6),
        ("linear", 11, [0.05] * 8, 0.2),
    ],
)
def test_opening_debt_is_served_and_what_is_left_is_owed_at_the_end(
    amortisation: str, maturity: int, principal: list[float], left: float
) -> None:
    debt = OpeningDebt(
        id="old", amount=0.6, rate="floating", coupon=0.02, benchmark="money", maturity=maturity,
        amortisation=amortisation,
    )  # fmt: skip
    case = tiny(driver=(driver("market", 1.0), driver("money", 0.03, 0.04, 0.05)), opening=Opening(debt=(debt,)))
    key = "fixed[debt,old]"
    np.testing.assert_allclose(unit(case, key, Account.PRINCIPAL), -np.array(principal), atol=1e-12)
    balance = 0.6 - np.concatenate([[0.0], np.cumsum(principal)[:-1]])
    rate = 0.02 + np.array([0.03, 0.03, 0.04, 0.05, 0.05, 0.05, 0.05, 0.05])
    np.testing.assert_allclose(unit(case, key, Account.INTEREST), -0.25 * rate * balance, atol=1e-12)
    assert unit(case, key, Account.TERMINAL_DEBT)[-1] == pytest.approx(-left, abs=1e-12)
    assert len(unit(case, key, Account.DEBT)) == PERIODS
