"""What is due beyond the horizon: present values against QuantLib, level coupons, convertibles, and no free money."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import exp
from typing import Any

import numpy as np
import pytest
from capmix.models.blocks.objective import wealth
from capmix.models.blocks.reference import expected_excess, reference, start_level
from capmix.models.build import build_ledger
from capmix.models.ledger import OWED_AT_END, TERMINAL_ACCOUNTS, Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import CIR, Deterministic, Excess, GeometricJumps, Shortfall, Vasicek
from capmix.models.schema.financing import Opening, OpeningDebt
from capmix.models.schema.rules import Objective
from hypothesis import given
from hypothesis import strategies as st

from .test_instrument_cash_flows import MONEY, PERIODS, SPREAD, STEP, case_of, instrument, postings, quantlib_flows
from .tiny import bond, contract, driver, known_means, series, site, tiny

ql = pytest.importorskip("QuantLib")

FACE = Objective(kind="compute", valuation="face")


def owed(case: Case, issued: int, *accounts: Account) -> float:
    return -float(postings(case, build_ledger(case), issued, list(accounts or OWED_AT_END))[-1])


@pytest.mark.parametrize("issued", [0, 3, 11])
@pytest.mark.parametrize("amortisation", ["bullet", "linear", "annuity"])
@pytest.mark.parametrize("rate", ["fixed", "floating"])
def test_what_is_owed_at_the_end_is_quantlibs_present_value(rate: str, amortisation: str, issued: int) -> None:
    """At the market's yield of the last period, which is the reference where the drivers are known paths."""
    case = case_of(instrument(rate, amortisation, 20, 6))
    flows, _ = quantlib_flows(rate, amortisation, 20, 6, issued)
    market = MONEY[PERIODS - 1] + 0.02 + STEP + 1.5 * SPREAD[PERIODS - 1]
    days = ql.Thirty360(ql.Thirty360.BondBasis)
    discount = ql.InterestRate(market, days, ql.Compounded, ql.Quarterly).discountFactor
    last = PERIODS - 1 - issued
    value = sum(flows[n] * discount((n - last) / 4) for n in range(last + 1, 21))
    assert owed(case, issued) == pytest.approx(value, abs=1e-9)
    assert value != pytest.approx(owed(case, issued, Account.TERMINAL_DEBT), abs=1e-4) or issued == 11


def test_at_another_yield_it_is_the_tangent() -> None:
    """The benchmark ends 1 % from its reference: below QuantLib's value by half of convexity × its square."""
    noisy = Vasicek(
        id="money", process="vasicek", start=0.04, mean=series(0.04, PERIODS), reversion=1.0,
        volatility=series(0.01, PERIODS),
    )  # fmt: skip
    case = replace(case_of(bond(margin=0.02, benchmark="money", tenor=40)), driver=(noisy,))
    ledger = build_ledger(case)
    j = next(i for i, d in enumerate(ledger.decisions) if d.block == "issue" and d.period == 0)
    at = np.isin(ledger.account, [list(Account).index(a) for a in OWED_AT_END]) & (ledger.decision == j)
    path = np.append(np.full(PERIODS, 0.04), 1.0)
    path[PERIODS - 1] = 0.05
    posted = -float(ledger.coefficient[at] @ path[ledger.factors[ledger.atom[at]]].prod(axis=1))
    n = np.arange(1, 30)

    def price(y: float) -> float:
        return float(((1 + y / 4) ** -n).sum() * 0.06 / 4 + (1 + y / 4) ** -29)

    convexity = (price(0.061) - 2 * price(0.06) + price(0.059)) / 1e-6
    assert posted == pytest.approx(price(0.07) - 0.5 * convexity * 1e-4, abs=3e-4)
    assert posted < price(0.07)


def test_an_honest_coupon_is_owed_at_par() -> None:
    for made in (bond(margin=0.12, tenor=40), bond(margin=0.02, benchmark="money", rate="floating", tenor=40)):
        assert owed(case_of(made), 2) == pytest.approx(1.0, abs=1e-12)


def test_coupons_that_step_up_behind_the_horizon_are_owed_at_their_level_rate() -> None:
    """The yield of 0.01 % for twelve quarters and 50 % for 28 more, by hand: what it grows to is owed."""
    case = case_of(bond(margin=0.0001, conversion=12, converted_margin=0.5, tenor=40))
    flows = np.array([0.0001 / 4] * 12 + [0.125] * 28)
    n = np.arange(1, 41)
    low, high = 0.0, 1.0
    for _ in range(100):
        y = 0.5 * (low + high)
        low, high = (y, high) if ((1 + y / 4) ** -n) @ flows + (1 + y / 4) ** -40 > 1.0 else (low, y)
    later = n[11:] - 11
    value = float(((1 + low / 4) ** -later) @ flows[11:] + (1 + low / 4) ** -29.0)
    assert value > 1.5
    assert owed(case, 0) == pytest.approx(value, rel=1e-9)


def test_face_posts_nothing_but_the_balance() -> None:
    made = bond(margin=0.0001, benchmark="money", conversion=6, converted_margin=0.5, tenor=40, kind="convertible")
    case = replace(case_of(made), objective=FACE)
    ledger = build_ledger(case)
    beyond = [list(Account).index(a) for a in OWED_AT_END if a is not Account.TERMINAL_DEBT]
    assert not np.isin(ledger.account, beyond).any()
    assert owed(case, 1) == 1.0


stepped = st.fixed_dictionaries(
    {
        "margin": st.floats(0.0001, 0.3),
        "converted_margin": st.floats(0.0001, 0.5),
        "conversion": st.integers(1, 60),
        "tenor": st.integers(2, 80),
        "amortisation": st.sampled_from(["bullet", "linear", "annuity"]),
        "rate": st.sampled_from(["fixed", "floating"]),
    }
)


@given(stepped, st.floats(0.0, 1.0))
def test_a_stepped_coupon_gains_nothing_over_a_flat_one_of_the_same_yield(terms: dict[str, Any], share: float) -> None:
    """Over the horizon both cost their yield: carried at it, what was paid and what is owed are worth the face."""
    case = tiny(instrument=(bond(annuity_rate=0.07, benchmark="money", fee=0.0, **terms),))
    ledger = build_ledger(case)
    issued = int(share * 6)
    means = known_means(case, ledger)
    j = next(i for i, d in enumerate(ledger.decisions) if d.block == "issue" and d.period == issued)
    accounts = [Account.INTEREST, Account.PRINCIPAL, *OWED_AT_END]
    flows = -ledger.expected(accounts, means).toarray()[:, j][issued + 1 :]
    low = min(terms["margin"], terms["converted_margin"]) + 0.02
    high = max(terms["margin"], terms["converted_margin"]) + 0.02
    n = np.arange(1, flows.size + 1)
    at = [float(((1 + y / 4) ** -n.astype(float)) @ flows) for y in (low, high)]
    if terms["tenor"] > 7 - issued:
        assert at[0] >= 1.0 - 1e-9  # never cheaper than its least coupon
        assert at[1] <= 1.0 + 1e-9  # never dearer than its largest


CONVERTIBLE = {"kind": "convertible", "margin": 0.0, "tenor": 40, "fee": 0.0, "amortisation": "bullet"}


@pytest.mark.parametrize("dilution", [None, "excess"])
def test_a_convertible_without_coupon_is_no_free_money(dilution: str | None) -> None:
    """Its holders ask what the straight bond pays: at that rate it is worth what it brought."""
    shares = driver("excess", 0.0)
    case = tiny(
        driver=(*tiny().driver, shares),
        instrument=(bond("straight", margin=0.09, tenor=20), bond("note", dilution=dilution, **CONVERTIBLE)),
    )
    ledger = build_ledger(case)
    gain = wealth(case, ledger, known_means(case, ledger), np.full(8, 0.09 / 4))
    names = [d.tags.get("instrument") for d in ledger.decisions]
    assert max(g for g, n in zip(gain, names, strict=True) if n == "note") <= 1e-12
    owes = -ledger.expected(list(OWED_AT_END), known_means(case, ledger)).toarray()[-1]
    first = next(j for j, d in enumerate(ledger.decisions) if d.tags.get("instrument") == "note" and d.period == 0)
    assert owes[first] == pytest.approx((1 + 0.09 / 4) ** 7, rel=1e-12)


def test_market_margin_says_what_a_straight_debt_would_pay() -> None:
    case = tiny(instrument=(bond("note", market_margin=0.07, **CONVERTIBLE), bond("straight", margin=0.15)))
    ledger = build_ledger(case)
    owes = -ledger.expected(list(OWED_AT_END), known_means(case, ledger)).toarray()[-1]
    first = next(j for j, d in enumerate(ledger.decisions) if d.tags.get("instrument") == "note" and d.period == 0)
    assert owes[first] == pytest.approx((1 + 0.07 / 4) ** 7, rel=1e-12)


def test_coupon_given_up_is_owed_only_beyond_what_the_shares_bring() -> None:
    """The mean of both is what the holders ask, or the shares alone where these are worth more."""
    price = GeometricJumps(id="price", process="geometric_jumps", start=1.0, drift=series(0.1), volatility=series(0.4))
    for strike, asked in ((3.0, 0.08), (0.5, 0.08)):
        excess = Excess(id="x", process="excess", depends_on="price", strike=strike)
        note = bond("note", market_margin=asked, dilution="x", **CONVERTIBLE)
        case = tiny(driver=(*tiny().driver, price, excess), instrument=(note,))
        ledger = build_ledger(case)
        j = next(i for i, d in enumerate(ledger.decisions) if d.block == "issue" and d.period == 0)
        keep = (ledger.decision == j) & (ledger.account == list(Account).index(Account.DEFERRED))
        grown, given_up = (1 + asked / 4) ** 7, -float(ledger.coefficient[keep].sum())
        shares = expected_excess(case, "x")
        assert given_up == pytest.approx(max(grown - 1.0 - shares, 0.0), abs=1e-12)
        assert shares > 0.5 if strike < 1 else shares < 0.05


def test_references_are_the_means_of_the_simulated_drivers() -> None:
    from capmix.kernels.cpu.numpy_backend import NumpyBackend
    from capmix.optimizer.setup.assemble import process_table
    from capmix.optimizer.setup.driver_order import driver_order

    drivers = (
        Vasicek(id="v", process="vasicek", start=0.03, mean=series(0.05), reversion=0.7, volatility=series(0.01)),
        CIR(id="c", process="cir", start=0.03, mean=series(0.05), reversion=0.7, volatility=series(0.06)),
        GeometricJumps(
            id="g", process="geometric_jumps", start=2.0, drift=series(0.1), volatility=series(0.3), jump_rate=0.5,
            jump_mean=-0.25, jump_volatility=0.2,
        ),
        Excess(id="x", process="excess", depends_on="g", strike=2.2),
        Shortfall(id="s", process="shortfall", depends_on="g", strike=4.0),
    )  # fmt: skip
    case = tiny(driver=(*tiny().driver, *drivers))
    backend = NumpyBackend()
    count = 40_000
    store = backend.simulate(process_table(case), count, 5)
    names = driver_order(case)
    factors = np.array([[names.index(n) * 8 + 7] for n in "vcgx"], dtype=np.int32)
    v, c, g, x = backend.means(store, factors)
    assert reference(case, "v") == pytest.approx(v, abs=2e-4)
    assert reference(case, "c") == pytest.approx(c, abs=2e-4)
    assert reference(case, "g") == pytest.approx(g, rel=1e-2)
    assert expected_excess(case, "x") == pytest.approx(x, rel=2e-2)
    assert reference(case, "g") == pytest.approx(2.0 * exp(0.1 * 7 / 4), rel=1e-12)
    assert reference(case, "s") == pytest.approx(1.0 - 0.5 * exp(0.1 * 7 / 4), rel=1e-12)
    assert start_level(case, "s") == 0.5


@pytest.mark.parametrize("tenor", [7, 8, 9, 40])
def test_moving_maturity_behind_the_horizon_gains_nothing(tenor: int) -> None:
    case = tiny(instrument=(bond(margin=0.08, fee=0.0, tenor=tenor),))
    ledger = build_ledger(case)
    j = next(i for i, d in enumerate(ledger.decisions) if d.block == "issue" and d.period == 0)
    means = known_means(case, ledger)
    flows = ledger.expected([Account.PROCEEDS, Account.INTEREST, Account.PRINCIPAL, *TERMINAL_ACCOUNTS], means)
    carried = flows.toarray()[:, j] @ (1 + 0.02) ** np.arange(7, -1, -1.0)
    assert carried == pytest.approx(0.0, abs=1e-12)


def test_known_paths_are_their_own_reference() -> None:
    case = tiny()
    assert all(reference(case, d.id) == d.path[-1] for d in case.driver if isinstance(d, Deterministic))


def test_a_leased_hall_owes_rent_to_the_end_of_its_lease() -> None:
    """Opening shells to their own date, what is built to three years after its start; 2 % money, a tenth sublet."""
    leased = site(lease=12, opening_lease=10, sublet_share=0.1)
    case = tiny(site=(leased,), cash=replace(tiny().cash, rate_driver="money"))
    ledger = build_ledger(case)
    rent = -ledger.expected([Account.RENT_AHEAD], known_means(case, ledger)).toarray()[-1]
    by_key = {d.key: rent[j] for j, d in enumerate(ledger.decisions)}
    quarter = 0.1e-3 * 0.25 * 0.9

    def due(periods: int) -> float:
        return quarter * sum(1.005**-n for n in range(1, periods + 1))

    assert by_key["fixed[sites]"] == pytest.approx(2.0 * due(2), rel=1e-12)
    assert by_key["build[north,shell,2026Q4]"] == pytest.approx(due(1 + 12 - 8), rel=1e-12)
    assert by_key["build[north,shell,2027Q4]"] == pytest.approx(due(5 + 12 - 8), rel=1e-12)
    assert by_key["build[north,power,2026Q4]"] == 0.0
    face = build_ledger(replace(case, objective=FACE))
    assert not (face.account == list(Account).index(Account.RENT_AHEAD)).any()


def test_a_longer_lease_is_never_worth_more() -> None:
    worth = []
    for lease in (None, 8, 12, 40):
        case = tiny(site=(site(lease=lease),))
        ledger = build_ledger(case)
        worth.append(wealth(case, ledger, known_means(case, ledger), np.zeros(8)))
    for shorter, longer in pairwise(worth):
        assert (longer <= shorter + 1e-15).all()


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_contracts_that_run_on_are_worth_their_share_of_the_bills(share: float) -> None:
    """Default: nothing. Else the share of later bills, discounted at 8 %, times the customer's survival."""
    made = contract(term=12, prepayment=0.0, survival="alive", takeover_share=share)
    case = tiny(contract=(made,), driver=(*tiny().driver, driver("alive", 1.0, 0.9)))
    ledger = build_ledger(case)
    ahead = ledger.expected([Account.CONTRACTS_AHEAD], known_means(case, ledger)).toarray()[-1]
    j = next(i for i, d in enumerate(ledger.decisions) if d.key == "contract[offtake,2027Q1]")
    bills = sum(2.5 * 8760 / 4 * 1e-9 * 1.08 ** (-n / 4) for n in range(1, 2 + 12 - 8 + 1))
    assert ahead[j] == pytest.approx(share * 0.9 * bills, rel=1e-12)


@pytest.mark.parametrize("amortisation", ["bullet", "linear"])
@pytest.mark.parametrize(("rate", "asked"), [("fixed", None), ("fixed", 0.01), ("floating", 0.07), ("floating", None)])
def test_opening_debt_is_owed_at_the_market_too(amortisation: str, rate: str, asked: float | None) -> None:
    """Ten quarters beyond the horizon, at the benchmark's last level and the margin that its market asks, by hand.

    A fixed debt without a margin is worth its balance today, at a benchmark of 3 %: its market asks what is above that.
    """
    path = (0.03, *series(0.05)[1:])
    debt = OpeningDebt(
        id="old", amount=0.6, rate=rate, coupon=0.04, benchmark="base", market_margin=asked, maturity=17,
        amortisation=amortisation,
    )  # fmt: skip
    case = tiny(driver=(driver("market", 1.0), driver("base", *path)), opening=Opening(debt=(debt,)))
    ledger = build_ledger(case)
    j = next(i for i, d in enumerate(ledger.decisions) if d.key == "fixed[debt,old]")
    got = -float(ledger.expected(OWED_AT_END, known_means(case, ledger)).toarray()[7, j])
    left = 0.6 if amortisation == "bullet" else 0.6 * 10 / 18
    coupon = 0.04 if rate == "fixed" else 0.09
    margin = asked if asked is not None else 0.01 if rate == "fixed" else 0.04
    value, balance = 0.0, left
    for n in range(1, 11):
        repaid = (left if n == 10 else 0.0) if amortisation == "bullet" else 0.6 / 18
        value += (0.25 * coupon * balance + repaid) / (1.0 + 0.25 * (0.05 + margin)) ** n
        balance -= repaid
    assert got == pytest.approx(value, rel=1e-12)
    bare = replace(debt, benchmark=None, market_margin=None) if rate == "fixed" else replace(debt, market_margin=None)
    for same in (replace(case, opening=Opening(debt=(bare,))), replace(case, objective=FACE)):
        ledger = build_ledger(same)
        got = -float(ledger.expected(OWED_AT_END, known_means(same, ledger)).toarray()[7, j])
        assert got == pytest.approx(left, rel=1e-12)
