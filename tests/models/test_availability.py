"""What is not available is not paid for, scenario by scenario: min(1, availability / K), damages up to their cap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.blocks.availability import backing, spare, varying
from capmix.models.blocks.floors import with_floors
from capmix.models.build import build_ledger
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Column, Driver, Excess, LogisticShare, Survival, Window
from capmix.models.schema.financing import Opening, OpeningFleet
from capmix.models.schema.revenue import WorkingCapital
from capmix.models.schema.rules import Cash

from .solving import sample_means, solve
from .test_by_hand import HOURS
from .tiny import PERIODS, contract, driver, series, system, tiny

BILL = 2.5 * HOURS * 1e-9
SHARES = (0.2, 0.4, 0.55, 0.7, 0.8, 0.97, 1.0)


def share(low: float = 0.2, mean: float = 0.8, name: str = "up") -> LogisticShare:
    return LogisticShare(
        id=name, process="logistic_share", low=low, high=1.0, start=mean, mean=series(mean), reversion=1.0,
        volatility=series(1.0),
    )  # fmt: skip


def case_of(*drivers: Driver, column: str = "up", **terms: object) -> Case:
    terms = {"prepayment": 0.0, **terms}
    return tiny(
        driver=(driver("market", 1.0), driver("money", 0.02), *(drivers or (share(),))),
        accelerator=(system(availability_column=column, failure_rate=0.0),), contract=(contract(**terms),),
        merchant=None,
    )  # fmt: skip


def paths(case: Case, **values: np.ndarray) -> np.ndarray:
    """(S, D, T): the values of some drivers (S, T), and what others show of them."""
    count = len(next(iter(values.values())))
    rows: dict[str, np.ndarray] = {}
    for one in with_floors(case).driver:
        if isinstance(one, Excess):
            rows[one.id] = np.maximum(rows[one.depends_on] / one.strike - 1.0, 0.0)
        elif one.id in values:
            rows[one.id] = values[one.id]
        else:
            rows[one.id] = np.broadcast_to(np.array(one.path), (count, PERIODS))  # type: ignore[union-attr]
    return np.stack(list(rows.values()), axis=1)


def flat(*shares: float) -> np.ndarray:
    return np.repeat(np.array(shares)[:, None], PERIODS, axis=1)


def posted(case: Case, key: str, found: np.ndarray, *accounts: Account) -> np.ndarray:
    """(S, T) of one unit of a decision."""
    ledger = build_ledger(case)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    each = [ledger.expected(accounts, sample_means(ledger, one[None])).toarray()[:, number] for one in found]
    return np.array(each)


SIGNED = "contract[offtake,2026Q4]"


def served(case: Case, found: np.ndarray, *accounts: Account) -> dict[float, np.ndarray]:
    """(S,) of one unit of volume in period 2, by the K that it is backed at: as it stands, and what serve adds."""
    column = varying(case)[0]
    base = posted(case, SIGNED, found, *accounts)[:, 2]
    out = {backing(case, column).strikes[2]: base}
    for i, level in enumerate(spare(case, column)):
        out[level.strikes[2]] = (
            base + posted(case, f"serve[offtake,0,{column},spare{i},2027Q2]", found, *accounts)[:, 2]
        )
    return out


def test_a_unit_backed_at_k_is_paid_for_what_is_up_of_it() -> None:
    case = case_of()
    each = served(case, paths(case, up=flat(*SHARES)), Account.CONTRACT_REVENUE)
    assert list(each) == pytest.approx([0.8, 0.5, 0.2])
    for k, paid in each.items():
        np.testing.assert_allclose(paid, BILL * np.minimum(1.0, np.array(SHARES) / k), rtol=1e-9)


@pytest.mark.parametrize(("rate", "cap"), [(0.5, 1.0), (1.0, 0.3), (2.0, 0.25), (1.5, 1.0)])
def test_damages_up_to_their_cap(rate: float, cap: float) -> None:
    case = case_of(shortfall="damages", damages=rate, damages_cap=cap)
    for k, owed in served(case, paths(case, up=flat(*SHARES)), Account.DAMAGES).items():
        missing = 1.0 - np.minimum(1.0, np.array(SHARES) / k)
        np.testing.assert_allclose(-owed, BILL * np.minimum(rate * missing, cap), atol=1e-9 * BILL)


@pytest.mark.parametrize("kind", ["survival", "window"])
def test_systems_that_are_up_or_not(kind: str) -> None:
    """Two values: any backing is exact without a driver more, with a cap on damages too."""
    up: Driver = (
        Survival(id="up", process="survival", hazard=series(0.8), recovery=0.25)
        if kind == "survival"
        else Window(id="up", process="window", closing=series(0.8), reopening=series(2.0), shut_share=0.25)
    )
    case = case_of(up, shortfall="damages", damages=1.0, damages_cap=0.5)
    assert with_floors(case) is case
    found = paths(case, up=flat(0.25, 1.0))
    paid, owed = served(case, found, Account.CONTRACT_REVENUE), served(case, found, Account.DAMAGES)
    alive = np.exp(-0.4) if kind == "survival" else np.exp(-0.2) ** 2 + np.expm1(-0.2) * np.expm1(-0.5)
    assert list(paid) == pytest.approx([0.25 + 0.75 * alive, 0.25])
    for k in paid:
        np.testing.assert_allclose(paid[k], [BILL * 0.25 / k, BILL], rtol=1e-9)
        np.testing.assert_allclose(-owed[k], [BILL * min(1.0 - 0.25 / k, 0.5), 0.0], atol=1e-9 * BILL)


def test_a_product_of_shares_is_one_share_taken_on_a_straight_line() -> None:
    both = (share(0.5, 0.8), share(0.4, 0.9, "grid"))
    case = replace(case_of(*both, column="both"), column=(Column(id="both", drivers=("up", "grid")),))
    found = paths(case, up=flat(0.5, 0.9, 1.0), grid=flat(0.4, 0.8, 1.0))
    each = served(case, found, Account.CONTRACT_REVENUE)
    assert list(each) == pytest.approx([0.72, 0.2])
    line = np.array([0.2 / 0.72, 0.2 / 0.72 + (1.0 - 0.2 / 0.72) * 0.52 / 0.8, 1.0])  # at 0.2, 0.72 and 1
    np.testing.assert_allclose(each[0.72] if 0.72 in each else next(iter(each.values())), BILL * line, rtol=1e-9)
    assert (BILL * line <= BILL * np.minimum(1.0, np.array([0.2, 0.72, 1.0]) / 0.72) + 1e-15).all()
    np.testing.assert_allclose(list(each.values())[1], BILL, rtol=1e-9)


def test_a_rental_is_paid_for_what_is_up() -> None:
    case = replace(case_of(), merchant=tiny().merchant, contract=())
    sure = replace(case, accelerator=(replace(case.accelerator[0], availability_column="one"),))
    found = paths(case, up=flat(*SHARES))
    key = "merchant[gpu,2027Q1]"
    full = posted(sure, key, found, Account.MERCHANT_REVENUE)[:, 1]
    np.testing.assert_allclose(posted(case, key, found, Account.MERCHANT_REVENUE)[:, 1], full * SHARES, rtol=1e-12)
    np.testing.assert_allclose(posted(case, key, found, Account.MERCHANT)[:, 1], 8.0 * np.array(SHARES), rtol=1e-12)


def test_what_is_let_again_is_paid_for_what_is_up() -> None:
    mortal = Survival(id="alive", process="survival", hazard=series(0.1), recovery=0.0)
    case = replace(case_of(share(), mortal, survival="alive", relet_share=1.0), merchant=tiny().merchant)
    found = paths(case, up=flat(*SHARES), alive=np.zeros((len(SHARES), PERIODS)))
    sure = replace(case, accelerator=(replace(case.accelerator[0], availability_column="one"),))
    key = "relet[offtake,gpu,2027Q2]"
    full = posted(sure, key, found, Account.RELET_REVENUE)[:, 2]
    assert (full > 0.0).all()
    np.testing.assert_allclose(posted(case, key, found, Account.RELET_REVENUE)[:, 2], full * SHARES, rtol=1e-12)


def test_where_all_is_known_compute_is_one_pool() -> None:
    """A known path moves what can be sold, and nothing is short: no decision and no driver more."""
    case = case_of(driver("up", 0.5, 0.75))
    assert varying(case) == ()
    assert with_floors(case) is case
    assert not build_ledger(case).mask(block="serve").any()


FLEET = Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=10.0, age=0),))


def fixed_fleet(volume: float, **terms: object) -> Case:
    """80 PFLOP/s in service and a contract from the first period; nothing else can be done."""
    base = case_of(volume=volume, sign_from=0, sign_to=0, ramp=0, term=PERIODS, **terms)
    return replace(
        base, opening=FLEET, cash=Cash(opening=1.0, minimum=series(0.0), dividends=series(0.0)),
        accelerator=(replace(base.accelerator[0], supply=series(0.0), life=40),),
    )  # fmt: skip


def revenue(case: Case, shares: np.ndarray) -> tuple[np.ndarray, float]:
    """(S,) contract revenue and damages of period 3 in each scenario, by the best plan; and what is signed."""
    found = paths(case, up=shares)
    solved = solve(case, value=True, paths=found)
    ledger = build_ledger(case)
    accounts = (Account.CONTRACT_REVENUE, Account.DAMAGES)
    x = solved.x[: len(ledger.decisions)]
    each = [float((ledger.expected(accounts, sample_means(ledger, one[None])) @ x)[3]) for one in found]
    return np.array(each), solved.of("contract[")


def test_with_idle_systems_a_contract_is_paid_in_full() -> None:
    """10 of 80 PFLOP/s are promised, and a fifth of the systems is always up."""
    shares = flat(0.2, 0.6, 1.0, 1.0)
    paid, signed = revenue(fixed_fleet(10.0), shares)
    assert signed == pytest.approx(10.0)
    np.testing.assert_allclose(paid, 10.0 * BILL, rtol=1e-9)


def test_with_all_systems_promised_a_contract_is_paid_for_what_is_up() -> None:
    """The mean share is 0.8, so 64 PFLOP/s can be promised; paid is min(64, 80 × share), which K = 0.8 shows."""
    shares = flat(0.4, 0.8, 1.0, 1.0)
    paid, signed = revenue(fixed_fleet(1000.0), shares)
    assert signed == pytest.approx(64.0)
    np.testing.assert_allclose(paid, BILL * np.minimum(64.0, 80.0 * shares[:, 3]), rtol=1e-9)


@pytest.mark.parametrize("volume", [13.0, 25.0, 40.0, 55.0, 63.0])
@pytest.mark.parametrize("damages", [0.0, 0.8])
def test_between_the_backings_a_plan_counts_a_little_less_and_never_more(volume: float, damages: float) -> None:
    terms = {"shortfall": "damages", "damages": damages} if damages else {}
    shares = flat(0.2, 0.5, 0.9, 1.0, 1.0, 1.0, 1.0, 0.8)
    paid, signed = revenue(fixed_fleet(volume, **terms), shares)
    kept = np.minimum(signed, 80.0 * shares[:, 3])
    truth = BILL * (kept - damages * (signed - kept))
    assert (paid <= truth + 1e-12).all()
    assert paid.mean() >= truth.mean() - 0.06 * (1.0 + damages) * BILL * signed


def test_volume_may_be_served_by_systems_that_are_always_up() -> None:
    """Two classes: 40 PFLOP/s are sure. A contract on those is paid in full, the rest is paid for what is up."""
    base = fixed_fleet(1000.0)
    two = replace(
        base, accelerator=(*base.accelerator, replace(base.accelerator[0], id="old", availability_column="one")),
        opening=Opening(fleet=(*FLEET.fleet, OpeningFleet(accelerator="old", site="north", systems=5.0, age=0))),
    )  # fmt: skip
    shares = flat(0.4, 0.8, 1.0, 1.0)
    paid, signed = revenue(two, shares)
    assert signed == pytest.approx(104.0)
    np.testing.assert_allclose(paid, BILL * (40.0 + np.minimum(64.0, 80.0 * shares[:, 3])), rtol=1e-9)


def test_what_is_short_is_in_no_receivable() -> None:
    case = replace(case_of(), working_capital=WorkingCapital(receivable_days=91.25 / 2))
    found = paths(case, up=flat(0.4))
    each = served(case, found, Account.RECEIVABLE)
    np.testing.assert_allclose([v[0] for v in each.values()], [0.25 * BILL, 0.4 * BILL, 0.5 * BILL], rtol=1e-9)


def test_the_backings_span_what_a_share_can_be() -> None:
    def strikes(low: float, mean: float) -> list[float]:
        case = case_of(share(low, mean))
        return [x.strikes[0] for x in (backing(case, "up"), *spare(case, "up"))]

    assert strikes(0.6, 0.9) == pytest.approx([0.9, 0.75, 0.6])
    assert strikes(0.0, 0.8) == pytest.approx([0.8, 0.4, 0.2])
    assert not spare(case_of(share(0.0, 0.8)), "up")[-1].sure
