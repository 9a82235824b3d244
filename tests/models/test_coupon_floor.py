"""Coupons have a floor, in every scenario."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks.floors import with_floors
from capmix.models.build import build_ledger
from capmix.models.ledger import ACCOUNT_NUMBER, Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import CIR, Deterministic, Excess, Vasicek
from capmix.models.schema.financing import Depth, Opening, OpeningDebt, Step
from capmix.optimizer.setup.assemble import process_table
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import driver_order, reordered

from .tiny import PERIODS, bond, series, tiny

COUNT = 3_000
ONE_STEP = (Depth(investor="fund", steps=(Step(size=1.0, spread=0.0025),)),)
MONEY = Vasicek(
    id="rate", process="vasicek", start=0.02, mean=series(0.01), reversion=0.5, volatility=series(0.02), floor=None
)
WIDE = CIR(id="wide", process="cir", start=0.03, mean=series(0.04), reversion=0.8, volatility=series(0.06))


def scenarios(case: Case) -> dict[str, np.ndarray]:
    """(COUNT, T) of each driver, those that floors add among them."""
    case = with_floors(case)
    backend = choose("numpy")
    store = backend.simulate(process_table(case), COUNT, 3)
    values = backend.values(store, np.arange(COUNT)).reshape(COUNT, -1, PERIODS)
    return {name: values[:, i] for i, name in enumerate(driver_order(case))}


def interest(case: Case, key: str) -> np.ndarray:
    """(COUNT, T) interest that a unit of the decision pays in each scenario."""
    full = with_floors(case)
    ledger, paths = reordered(build_ledger(case), full), scenarios(case)
    flat = np.concatenate([*(paths[name] for name in driver_order(full)), np.ones((COUNT, 1))], axis=1)
    prices = flat[:, ledger.factors].prod(axis=2)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    keep = (ledger.decision == number) & (ledger.account == ACCOUNT_NUMBER[Account.INTEREST])
    paid = np.zeros((COUNT, PERIODS))
    for at in np.flatnonzero(keep):
        paid[:, ledger.period[at]] -= ledger.coefficient[at] * prices[:, ledger.atom[at]]
    return paid


def case_of(**changes: object) -> Case:
    made = bond(rate="floating", benchmark="rate", depth=ONE_STEP, tenor=20, **changes)
    return tiny(driver=(*tiny().driver, MONEY, WIDE), instrument=(made,))


@pytest.mark.parametrize("margin, floor", [(-0.03, 0.0), (0.0, 0.01), (-0.05, 0.0), (0.01, 0.06)])
def test_a_floating_coupon_is_exactly_floored(margin: float, floor: float) -> None:
    case = case_of(margin=margin, coupon_floor=floor)
    paid, rate = interest(case, "issue[bond,fund,1,2027Q1]"), scenarios(case)["rate"]
    wanted = 0.25 * np.maximum(rate[:, 1:-1] + margin + 0.0025, floor)
    np.testing.assert_allclose(paid[:, 2:], wanted, atol=3e-8)
    assert ((wanted == 0.25 * floor).mean()) > 0.05  # and the floor is reached


def test_a_fixed_coupon_is_floored_where_it_is_set() -> None:
    case = case_of(margin=-0.03)
    case = replace(case, instrument=(replace(case.instrument[0], rate="fixed"),))
    paid, rate = interest(case, "issue[bond,fund,1,2027Q1]"), scenarios(case)["rate"]
    wanted = np.repeat(0.25 * np.maximum(rate[:, 1:2] - 0.0275, 0.0), PERIODS - 2, axis=1)
    np.testing.assert_allclose(paid[:, 2:], wanted, atol=3e-8)


def test_with_a_market_spread_it_is_never_cheaper_than_the_floored_coupon() -> None:
    case = case_of(margin=-0.05, spread_driver="wide")
    paths = scenarios(case)
    paid = interest(case, "issue[bond,fund,1,2027Q1]")[:, 2:]
    least = 0.25 * np.maximum(paths["rate"][:, 1:-1] + paths["wide"][:, 1:2] - 0.0475, 0.0)
    assert (paid >= least - 3e-8).all()
    assert (paid >= 0.0).all()


def test_a_market_spread_alone_carries_the_floor() -> None:
    case = case_of(margin=-0.05, spread_driver="wide", spread_beta=1.5)
    case = replace(case, instrument=(replace(case.instrument[0], rate="fixed", benchmark=None),))
    paid, wide = interest(case, "issue[bond,fund,1,2027Q1]"), scenarios(case)["wide"]
    wanted = np.repeat(0.25 * np.maximum(1.5 * wide[:, 1:2] - 0.0475, 0.0), PERIODS - 2, axis=1)
    np.testing.assert_allclose(paid[:, 2:], wanted, atol=5e-8)


def test_a_fixed_margin_alone_is_floored() -> None:
    case = case_of(margin=-0.05, coupon_floor=0.02)
    case = replace(case, instrument=(replace(case.instrument[0], rate="fixed", benchmark=None),))
    np.testing.assert_allclose(interest(case, "issue[bond,fund,1,2027Q1]")[:, 2:], 0.005, atol=1e-15)


def test_a_coupon_that_steps_is_never_below_its_floor() -> None:
    case = case_of(margin=0.02, conversion=3, converted_margin=-0.05)
    paid, rate = interest(case, "issue[bond,fund,1,2027Q1]")[:, 2:], scenarios(case)["rate"]
    margin = np.where(np.arange(2, PERIODS) > 4, -0.0475, 0.0225)
    assert (paid >= 0.25 * np.maximum(rate[:, 1:-1] + margin, 0.0) - 3e-8).all()


def test_opening_debt_pays_no_negative_interest() -> None:
    debt = OpeningDebt(id="old", amount=2.0, rate="floating", coupon=0.0, benchmark="rate", maturity=20)
    case = tiny(driver=(*tiny().driver, MONEY), opening=Opening(debt=(debt,)))
    paid, rate = interest(case, "fixed[debt,old]"), scenarios(case)["rate"]
    assert (paid >= 0.5 * np.maximum(np.concatenate([rate[:, :1], rate[:, :-1]], axis=1), 0.0) - 1e-7).all()
    assert (rate < 0.0).any()


def test_no_driver_is_added_where_the_floor_is_never_reached() -> None:
    case = case_of(margin=0.15)
    assert with_floors(case) is case
    floored = replace(MONEY, floor=0.0)
    case = replace(case_of(margin=0.0), driver=(*tiny().driver, floored, WIDE))
    assert with_floors(case) is case
    assert isinstance(with_floors(case_of(margin=-0.03)).driver[-1], Excess)
    assert with_floors(with_floors(case_of(margin=-0.03))) == with_floors(case_of(margin=-0.03))
    known = Deterministic(id="rate", process="deterministic", path=series(0.02))
    case = replace(case_of(margin=-0.02), driver=(*tiny().driver, known))
    assert with_floors(case) is case
