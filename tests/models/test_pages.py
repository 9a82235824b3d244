"""What the mathematics page says, recomputed from its words alone: amounts and rates, for quarters and for months."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from capmix.models.blocks.assembly import Assembly
from capmix.models.blocks.covenants import headrooms
from capmix.models.blocks.figures import spelled_out
from capmix.models.blocks.funding_limits import constrain
from capmix.models.blocks.sites import stage_periods
from capmix.models.build import build_ledger
from capmix.models.flows import expected
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import PROCESSES
from capmix.models.schema.financing import Depth, Opening, OpeningDebt, OpeningFleet, Step
from capmix.models.schema.horizon import Horizon
from capmix.models.schema.revenue import Merchant
from capmix.models.schema.rules import Covenant, Objective
from capmix.models.schema.sites import Layer
from hypothesis import given
from hypothesis import strategies as st

from .test_covenants import case as two_of_each
from .tiny import PERIODS, bond, contract, driver, known_means, series, site, system, tiny

PAGE = (Path(__file__).parents[2] / "docs" / "mathematics-model.md").read_text(encoding="utf-8")
STEP = (Depth(investor="fund", steps=(Step(size=0.5, spread=0.0),)),)


def posted(case: Case, key: str, *accounts: Account) -> np.ndarray:
    ledger = build_ledger(case)
    number = next(j for j, d in enumerate(ledger.decisions) if d.key == key)
    return np.asarray(ledger.expected(accounts, known_means(case, ledger)).toarray()[:, number])


@given(st.integers(0, 40), st.integers(2, 9))
def test_stages_are_paid_in_the_nearer_period_and_halves_later(lead: int, count: int) -> None:
    layer = Layer(kind="shell", lead=lead, max_mw=1.0, stages=(1.0 / count,) * count)
    for i, found in enumerate(stage_periods(layer)):
        exact = Fraction(i * lead, count - 1)
        assert exact - Fraction(1, 2) < found <= exact + Fraction(1, 2)
    assert stage_periods(replace(layer, stages=(1.0,))) == [0]


def headroom(case: Case, covenant: Covenant, decided: dict[str, float]) -> list[np.ndarray]:
    """(T,) of each test, on the expected path."""
    ledger, rates = build_ledger(case), np.zeros(PERIODS)
    means = known_means(case, ledger)
    amounts = np.array([1.0 if d.block == "fixed" else decided.get(d.key, 0.0) for d in ledger.decisions])
    found = []
    for test in headrooms(case, ledger, covenant):
        spelled = spelled_out(case, ledger, covenant.entity, test.at(covenant.limit), rates)
        found.append(expected(ledger, spelled.flows, means, range(PERIODS)) @ amounts + spelled.constant)
    return found


@pytest.mark.parametrize("column", ["one", "market"])
@pytest.mark.parametrize("attach", [0.0, 0.7, 1.5])
def test_a_suppliers_share_is_of_the_price_of_systems(column: str, attach: float) -> None:
    """Network and installation are paid to others: they are in neither side. A quarter is paid with the order."""
    systems = (
        system(attach_cost=attach, price_column=column), system("alt", vendor="rival", price=3.0, attach_cost=attach),
    )  # fmt: skip
    case = two_of_each(accelerator=systems)
    test = Covenant(id="share", kind="supplier_concentration", limit=0.6)
    found = headroom(case, test, {"order[gpu,north,2026Q4]": 10.0, "order[alt,north,2027Q1]": 5.0})
    maker = 10 * 0.002 * np.array([0.25, *[1.0] * 7])
    rival = 5 * 0.003 * np.array([0, 0.25, *[1.0] * 6])
    np.testing.assert_allclose(found[0], 0.6 * (maker + rival) - maker, atol=1e-12)
    np.testing.assert_allclose(found[1], 0.6 * (maker + rival) - rival, atol=1e-12)


def test_a_customers_share_is_of_the_last_years_revenue() -> None:
    case = two_of_each(merchant=Merchant(column="market", volume=series(100.0)))
    test = Covenant(id="share", kind="offtaker_concentration", limit=0.5, party="buyer")
    (found,) = headroom(
        case, test, {"contract[offtake,2026Q4]": 3.0, "contract[second,2027Q1]": 2.0, "merchant[gpu,2027Q3]": 4.0}
    )
    hour = 2190.0 * 1e-9
    first = 3 * 6.0 * hour * np.array([0, 1, 1, 1, 1, 0, 0, 0])
    second = 2 * 5.0 * hour * np.array([0, 0, 1, 1, 1, 1, 0, 0])
    rented = np.zeros(8)
    rented[3] = 4 * 8 * 2.0 * 0.9**0.75 * 0.94 * hour
    all_of_it = first + second + rented
    for t in range(8):
        span = slice(max(0, t - 3), t + 1)
        scale = 4.0 / (min(t, 3) + 1)
        assert found[t] == pytest.approx(scale * (0.5 * all_of_it[span].sum() - first[span].sum()), abs=1e-15)


def test_terminal_equity_counts_what_the_page_lists() -> None:
    """A lease, an opening debt, a loan, a prepayment and preferred shares; the last are no debt."""
    shares = bond("shares", amortisation="none", tenor=None, accretion=0.1, margin=0.0, depth=STEP, fee=0.0)
    lease = bond("rented", kind="operating_lease", rent=True, secured_by="sites", amortisation="linear", tenor=16,
                 depth=STEP, fee=0.0)  # fmt: skip
    loan = bond("loan", margin=0.08, tenor=20, depth=STEP, fee=0.0)
    debt = OpeningDebt(id="old", amount=0.05, rate="fixed", coupon=0.05, maturity=30)
    leased = site(lease=20, opex=1.0, sublet_share=0.25)
    case = tiny(
        instrument=(shares, lease, loan), opening=Opening(debt=(debt,), site_book_value=0.4, site_life=40),
        site=(leased,), contract=(contract(takeover_share=0.5),), objective=Objective(money_discount=0.08),
        driver=(driver("market", 1.0), driver("money", 0.02)),
        cash=replace(tiny().cash, rate_driver="money"),
    )  # fmt: skip
    test = Covenant(id="equity", kind="terminal_equity", limit=0.3)
    plan = {"issue[shares,fund,1,2026Q4]": 0.2, "issue[rented,fund,1,2026Q4]": 0.1, "issue[loan,fund,1,2026Q4]": 0.4,
            "contract[offtake,2028Q1]": 100.0, "order[gpu,north,2028Q1]": 20.0}  # fmt: skip
    (found,) = headroom(case, test, plan)
    fall, bill = 0.81**0.25, 2.5 * 2190.0 * 1e-9 * 100.0
    cash = 1.0 + 0.2 + 0.1 + 0.4
    cash -= 0.1 * (7 / 16 + 0.25 * 0.06 * sum(1 - k / 16 for k in range(7)))  # rent: principal and interest
    cash -= 0.4 * 0.25 * 0.08 * 7 + 0.05 * 0.25 * 0.05 * 8
    cash += 0.2 * bill * (4 - 2) + 2 * bill - 20 * 0.0022  # prepaid less credited, two bills, the systems
    cash -= 2.0 * 1e-3 * 0.25 * 8  # rent of two megawatts, a million each a year
    cash -= 20 * (1 + fall) * (0.1e-3 * 1e3 * 0.8 * 1.25 * 80.0 * 2190.0 * 1e-9 + 0.05 * 0.25 * 0.002)
    assets = 20 * 0.002 * fall**2 * 0.7 + 0.4 * 0.8 * (1 - 8 / 40)
    contracts = 0.5 * bill * (1.08**-0.25 + 1.08**-0.5)
    owed = 0.1 * 9 / 16 + 0.4 + 0.05 + 0.2 * bill * 2
    rent = 2.0 * 1e-3 * 0.25 * 0.75 * sum(1.005**-n for n in range(1, 13))
    assert found[7] == pytest.approx(cash + assets + contracts - owed - rent - 0.3, rel=1e-9)


@pytest.mark.parametrize("seasoning", [1, 2, 3])
def test_seasoning_is_counted_at_the_end_of_a_period(seasoning: int) -> None:
    """Ordered in period 0, served from period 1: with a seasoning of n it carries debt from the end of period n on."""
    loan = bond("loan", secured_by="accelerators", advance_rate=0.5, seasoning=seasoning, depth=STEP)
    case = tiny(instrument=(loan,), accelerator=(system(life=12),))
    ledger = build_ledger(case)
    a = Assembly(case, ledger, known_means(case, ledger), np.full(PERIODS, 0.005))
    kept: dict[str, np.ndarray] = {}

    def rows(rule: object, index: list[str], matrix: object, **_: object) -> None:
        name = getattr(rule, "name", "")
        if "seasoned" in name:
            kept[name] = -matrix.toarray()  # type: ignore[attr-defined]

    a.rows = rows  # type: ignore[method-assign]
    constrain(a)
    order = next(j for j, d in enumerate(ledger.decisions) if d.key == "order[gpu,north,2026Q4]")
    (value,) = kept.values()
    assert [bool(v) for v in value[:, order]] == [t >= seasoning for t in range(PERIODS)]


def test_the_opening_fleet_is_as_the_page_says() -> None:
    """30 systems alive at the start, two quarters old, of a life of six: support at today's price."""
    fleet = OpeningFleet(accelerator="gpu", site="north", systems=30.0, age=2, book_value=0.02)
    case = tiny(
        accelerator=(system(life=6, price_column="market", resale_column="market"),), opening=Opening(fleet=(fleet,))
    )
    key, fall = "fixed[fleet,gpu,north,0]", 0.81**0.25
    market = np.array([1.0, 0.98, 0.96, 0.94, 0.92, 0.9, 0.88, 0.86])
    alive = np.array([30 * fall**t if t < 4 else 0.0 for t in range(8)])
    np.testing.assert_allclose(posted(case, key, Account.SYSTEMS), alive, rtol=1e-12)
    np.testing.assert_allclose(posted(case, key, Account.SUPPORT), -0.05 * 0.25 * 0.002 * alive, rtol=1e-12)
    worth = [0.002 * alive[t] * fall * market[t] * np.interp((3 + t) / 4, [0, 1, 2], [0.9, 0.5, 0.1]) for t in range(4)]
    np.testing.assert_allclose(posted(case, key, Account.HARDWARE_VALUE), [*worth, 0, 0, 0, 0], rtol=1e-12)
    sale = 30 * 0.002 * fall**4 * 0.3 * market[4]
    np.testing.assert_allclose(posted(case, key, Account.SALVAGE), [0, 0, 0, 0, sale, 0, 0, 0], rtol=1e-12)
    written = [-0.005] * 4 + [sale, 0, 0, 0]
    np.testing.assert_allclose(posted(case, key, Account.DEPRECIATION), written, rtol=1e-12)


def test_an_undrawn_commitment_counts_until_the_last_period_in_which_it_may_be_drawn() -> None:
    from capmix.models.blocks.funding_limits import undrawn

    case = tiny(instrument=(bond("facility", draw_window=3, commitment_fee=0.01, depth=STEP),))
    ledger = build_ledger(case)
    a = Assembly(case, ledger, known_means(case, ledger), np.full(PERIODS, 0.005))
    left = undrawn(a).toarray()
    number = {d.key: j for j, d in enumerate(ledger.decisions)}
    commit, draw = number["commit[facility,fund,1,2027Q1]"], number["draw[facility,fund,1,2027Q1,2027Q3]"]
    total = 0.4 * left[:, commit] + 0.1 * left[:, draw]
    np.testing.assert_allclose(total, [0, 0.4, 0.4, 0.3, 0, 0, 0, 0], atol=1e-15)  # agreed in 1, draws in 2, 3 and 4
    assert "draw[facility,fund,1,2027Q1,2027Q4]" in number
    assert "draw[facility,fund,1,2027Q1,2028Q1]" not in number


# ------------------------------------------------------------------------------------------------------------- rates
def monthly(**changes: object) -> Case:
    """The tiny case in months, so that dt is a twelfth."""
    return tiny(horizon=Horizon(start="2026-10", periods=PERIODS, step="month"), **changes)


@pytest.mark.parametrize("dt", [0.25, 1.0 / 12.0])
def test_rates_are_read_as_the_page_says(dt: float) -> None:
    of = monthly if dt < 0.2 else tiny
    label = "2026-10" if dt < 0.2 else "2026Q4"
    facility = bond("facility", draw_window=3, commitment_fee=0.012, depth=STEP)
    grower = bond("grower", accretion=0.12, margin=0.0, depth=STEP)
    level = bond("level", amortisation="annuity", annuity_rate=0.09, tenor=5, depth=STEP)
    old = OpeningDebt(id="old", amount=1.0, rate="fixed", coupon=0.07, maturity=30)
    case = of(
        instrument=(bond(depth=STEP), facility, grower, level), opening=Opening(debt=(old,)),
        accelerator=(system(life=40),), contract=(contract(price_decline=0.19),),
    )  # fmt: skip
    n = np.arange(PERIODS)
    coupon = posted(case, f"issue[bond,fund,1,{label}]", Account.INTEREST)
    np.testing.assert_allclose(coupon, -0.06 * dt * (n > 0), rtol=1e-12)
    fees = posted(case, f"commit[facility,fund,1,{label}]", Account.FEES)
    np.testing.assert_allclose(fees, [-0.01, *[-0.012 * dt] * 3, 0, 0, 0, 0], rtol=1e-12)
    grown = posted(case, f"issue[grower,fund,1,{label}]", Account.DEBT)
    np.testing.assert_allclose(grown, (1 + 0.12 * dt) ** n, rtol=1e-12)
    repaid = -posted(case, f"issue[level,fund,1,{label}]", Account.PRINCIPAL)[1:6]
    np.testing.assert_allclose(repaid[1:] / repaid[:-1], 1 + 0.09 * dt, rtol=1e-12)
    np.testing.assert_allclose(posted(case, "fixed[debt,old]", Account.INTEREST), -0.07 * dt, rtol=1e-12)
    order = f"order[gpu,north,{label}]"
    alive = np.where(n > 0, 0.81 ** ((n - 1) * dt), 0.0)
    np.testing.assert_allclose(posted(case, order, Account.SYSTEMS), alive, rtol=1e-12)
    np.testing.assert_allclose(posted(case, order, Account.SUPPORT), -0.05 * dt * 0.002 * alive, rtol=1e-12)
    opex = posted(case, "fixed[sites]", Account.SITE_OPEX)
    np.testing.assert_allclose(opex, -2.0 * 0.1e-3 * dt, rtol=1e-12)
    labels = case.horizon.labels
    bills = [posted(case, f"contract[offtake,{labels[v]}]", Account.CONTRACT_REVENUE)[v + 1] for v in range(5)]
    np.testing.assert_allclose(bills, 2.5 * 8760 * dt * 1e-9 * 0.81 ** (np.arange(5) * dt), rtol=1e-12)
    rents = [posted(case, f"merchant[gpu,{labels[t]}]", Account.MERCHANT_REVENUE)[t] for t in range(1, 6)]
    market = np.array([0.98, 0.96, 0.94, 0.92, 0.9])
    np.testing.assert_allclose(rents, 8 * 2.0 * 8760 * dt * 1e-9 * 0.9 ** (n[1:6] * dt) * market, rtol=1e-12)


@pytest.mark.parametrize("dt", [0.25, 1.0 / 12.0])
def test_discounts_are_effective(dt: float) -> None:
    from capmix.models.blocks.quantities import compute_discount, money_discount

    case = (monthly if dt < 0.2 else tiny)(objective=Objective(compute_discount=0.05, money_discount=0.1))
    n = np.arange(PERIODS)
    np.testing.assert_allclose(compute_discount(case), 1.05 ** -(n * dt), rtol=1e-14)
    np.testing.assert_allclose(money_discount(case), 1.1 ** -((n + 1) * dt), rtol=1e-14)


@pytest.mark.parametrize("dt", [0.25, 1.0 / 12.0])
def test_drifts_and_intensities_are_continuous(dt: float) -> None:
    """Without shocks: growth e^(drift dt), reversion e^(−k dt), survival e^(−h dt), variance σ² dt."""
    from capmix.kernels import drivers as rows

    pull = rows.vasicek_row(0.04, 0.7, 0.01, None, dt)
    decay = math.exp(-0.7 * dt)
    spread = 0.01 * math.sqrt((1 - decay**2) / (2 * 0.7))
    for value in (decay, spread):
        assert [v for v in pull.tolist() if v == pytest.approx(value, rel=1e-12)]
    growth = rows.geometric_row(0.3, 0.2, 0.0, 0.0, 0.0, dt)
    assert growth[0] == pytest.approx((0.3 - 0.5 * 0.2**2) * dt, rel=1e-12)
    assert growth[1] == pytest.approx(0.2 * math.sqrt(dt), rel=1e-12)
    assert growth[5] == 1.0


def rate_fields() -> list[str]:
    """Names of all fields of the case whose unit is a rate."""
    found: dict[str, None] = {}

    def walk(cls: type) -> None:
        for field in dataclasses.fields(cls):
            spec = field.metadata.get("spec")
            if spec is None:
                continue
            if re.search(r"per (square root )?year|and year", spec.unit):
                found[field.name] = None
            for sub in [spec.cls] if spec.cls else [*(spec.classes or {}).values()]:
                if isinstance(sub, type) and dataclasses.is_dataclass(sub):
                    walk(sub)

    walk(Case)
    for process in PROCESSES.values():
        walk(process)
    return list(found)


def test_the_page_says_of_every_rate_how_it_is_read() -> None:
    table = PAGE.split("## 8. Rates")[1]
    missing = [name for name in rate_fields() if not re.search(rf"[`.]{name}`", table)]
    assert not missing
    assert len(rate_fields()) > 20


def test_net_worth_counts_what_the_page_lists() -> None:
    """The company of the test before; at each date what is on its balance sheet, and nothing beyond the horizon."""
    shares = bond("shares", amortisation="none", tenor=None, accretion=0.1, margin=0.0, depth=STEP, fee=0.0)
    lease = bond("rented", kind="operating_lease", rent=True, secured_by="sites", amortisation="linear", tenor=16,
                 depth=STEP, fee=0.0)  # fmt: skip
    loan = bond("loan", margin=0.08, tenor=20, depth=STEP, fee=0.0)
    debt = OpeningDebt(id="old", amount=0.05, rate="fixed", coupon=0.05, maturity=30)
    case = tiny(
        instrument=(shares, lease, loan), opening=Opening(debt=(debt,), site_book_value=0.4, site_life=40),
        site=(site(lease=20, opex=1.0, sublet_share=0.25),), contract=(contract(takeover_share=0.5),),
        driver=(driver("market", 1.0), driver("money", 0.02)), cash=replace(tiny().cash, rate_driver="money"),
    )  # fmt: skip
    plan = {"issue[shares,fund,1,2026Q4]": 0.2, "issue[rented,fund,1,2026Q4]": 0.1, "issue[loan,fund,1,2026Q4]": 0.4,
            "contract[offtake,2028Q1]": 100.0, "order[gpu,north,2028Q1]": 20.0}  # fmt: skip
    (found,) = headroom(case, Covenant(id="worth", kind="net_worth", limit=0.3), plan)
    fall, bill = 0.81**0.25, 2.5 * 2190.0 * 1e-9 * 100.0
    power = 0.1e-3 * 1e3 * 0.8 * 1.25 * 80.0 * 2190.0 * 1e-9 + 0.05 * 0.25 * 0.002
    for t in range(8):
        served = max(t - 5, 0)  # quarters that the contract, signed in quarter 5, has been served in
        cash = 1.0 + 0.2 + 0.1 + 0.4
        cash -= 0.1 * (t / 16 + 0.25 * 0.06 * sum(1 - k / 16 for k in range(t)))  # rent
        cash -= 0.4 * 0.25 * 0.08 * t + 0.05 * 0.25 * 0.05 * (t + 1)
        cash -= 2.0 * 1e-3 * 0.25 * (t + 1)
        unearned = 0.2 * bill * (4 - served) if t >= 5 else 0.0
        cash += unearned + served * bill  # what is credited was paid before
        cash -= (0.0, 20 * 0.002 * 0.25, 20 * 0.0022, 20 * 0.0022)[max(t - 4, 0)]
        cash -= 20 * power * sum(fall**k for k in range(served))
        systems = 20 * 0.002 * fall**served * (0.9 - 0.1 * served) if served else 0.0  # only once delivered
        sites = 0.4 * 0.8 * (1 - (t + 1) / 40)
        owed = 0.1 * (1 - t / 16) + 0.4 + 0.05 + unearned
        assert found[t] == pytest.approx(cash + systems + sites - owed - 0.3, rel=1e-9), t
