"""Covenants that count operating leases as debt: by hand, and that a lease is then no way round them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from capmix.models.blocks.figures import Figure, spelled_out
from capmix.models.blocks.headroom import headrooms
from capmix.models.flows import expected
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.financing import Opening, OpeningFleet
from capmix.models.schema.rules import COUNTS_LEASES, Cash, Covenant
from hypothesis import given, settings
from hypothesis import strategies as st

from .solving import PERIODS, RATE, assemble, solve
from .tiny import bond, contract, known_means, series, site, tiny

LIMITS = {"net_debt_to_ebitda": 1.2, "fixed_charge_cover": 1.3, "dscr": 1.3, "llcr": 1.2, "ltv": 0.4}
RIGHT_TO_USE = 0.004  # billion a year for each MW of the site's shell


def case(*covenants: Covenant, rent: bool = True, **changes: Any) -> Case:
    """One source of money: a lease, whose payments are rent, or the loan of the same terms."""
    money = bond("racks", kind="lease", tenor=6, amortisation="linear", margin=0.05, rent=rent)
    base = tiny(
        cash=Cash(opening=0.02, minimum=series(0.0), dividends=series(0.0), rate_driver="money"),
        merchant=None,
        contract=(contract(price=6.0, prepayment=0.0),),
        instrument=(money,),
        opening=Opening(fleet=(OpeningFleet(accelerator="gpu", site="north", systems=6.0, age=0),)),
        covenant=covenants,
    )
    return replace(base, **changes)


def kept_by(kind: str, leases: bool = True, **changes: Any) -> Covenant:
    return Covenant(id="own", kind=kind, limit=LIMITS[kind], leases=leases, **{"from_period": 2, **changes})


def figures(of: Case, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and slope of the case's one covenant at decisions x, in the periods tested."""
    ledger, means, _ = assemble(of)
    [test] = headrooms(of, ledger, of.covenant[0])

    def value(figure: Figure) -> np.ndarray:
        spelled = spelled_out(of, ledger, None, figure, np.full(PERIODS, RATE))
        return np.asarray(expected(ledger, spelled.flows, means, test.times) @ x + spelled.constant[list(test.times)])

    return value(test.level), value(test.slope)


@pytest.mark.parametrize("kind", COUNTS_LEASES)
def test_a_lease_that_counts_is_tested_as_the_loan_of_the_same_terms(kind: str) -> None:
    """Before tax the two pay the same amounts on the same dates, so every counting test says the same of both."""
    lease, loan = case(kept_by(kind)), case(kept_by(kind), rent=False)
    rng = np.random.default_rng(3)
    x = rng.random(len(assemble(lease)[0].decisions))
    for one, other in zip(figures(lease, x), figures(loan, x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("kind", [k for k in COUNTS_LEASES if k != "fixed_charge_cover"])
def test_without_the_word_a_lease_is_no_debt(kind: str) -> None:
    """The way round that the word closes: leased racks are among the assets and what is owed for them is not."""
    free, counted = solve(case(kept_by(kind, leases=False))), solve(case(kept_by(kind)))
    loan = solve(case(kept_by(kind), rent=False))
    assert (free.status, counted.status, loan.status) == (0, 0, 0)
    assert counted.objective == pytest.approx(loan.objective, rel=1e-7)
    assert free.objective >= counted.objective - 1e-9
    assert free.objective > counted.objective * (1.0 + 1e-4)


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(COUNTS_LEASES), st.floats(0.3, 2.5), st.floats(0.02, 0.12), st.integers(2, 10),
    st.sampled_from(["bullet", "linear"]),
)  # fmt: skip
def test_turning_a_loan_into_a_lease_relaxes_no_covenant_that_counts_it(
    kind: str, factor: float, margin: float, tenor: int, amortisation: str
) -> None:
    """With both on offer the plan is no better than with the loan alone in twice the depth."""
    limit = LIMITS[kind] * factor
    kept = replace(kept_by(kind), limit=limit)
    terms = {"tenor": tenor, "amortisation": amortisation, "margin": margin}
    loan = bond("loan", **terms)
    lease = bond("lease", kind="lease", rent=True, **terms)
    twice = case(kept, instrument=(loan, replace(loan, id="again")))
    mixed = case(kept, instrument=(loan, lease))
    one, two = solve(twice), solve(mixed)
    assert one.status == two.status
    if one.status == 0:
        assert two.objective <= one.objective * (1.0 + 1e-7) + 1e-9


def leased_site(*covenants: Covenant, **changes: Any) -> Case:
    return case(*covenants, site=(site(opex=RIGHT_TO_USE * 1000.0, lease=12, opening_lease=5),), **changes)


def test_rents_of_a_leased_site_are_owed_by_hand() -> None:
    """The opening shell's lease runs five periods more; what is still to come at each end is discounted at 2 %."""
    of = leased_site(kept_by("ltv", from_period=0))
    ledger = assemble(of)[0]
    fixed = np.array([d.block == "fixed" for d in ledger.decisions], dtype=np.float64)
    means = known_means(of, ledger)
    shell = next(layer.opening_mw for s in of.site for layer in s.layer if layer.kind == "shell")
    rent = RIGHT_TO_USE * 0.25 * shell
    paid = ledger.expected([Account.SITE_RENT], means) @ fixed
    owed = ledger.expected([Account.SITE_LEASES], means) @ fixed
    dt, rate = of.horizon.dt, 0.0 if of.cash.rate_driver is None else 0.02
    still = [sum((1 + rate * dt) ** -k for k in range(1, 5 - t)) for t in range(5)]
    assert shell > 0.0
    np.testing.assert_allclose(paid, rent * np.array([1.0] * 5 + [0.0] * (PERIODS - 5)), rtol=1e-12)
    np.testing.assert_allclose(owed[:5], rent * np.array(still), atol=1e-15)
    np.testing.assert_allclose(owed[5:], 0.0, atol=1e-15)


def test_rents_of_a_leased_site_count_in_debt_assets_and_earnings() -> None:
    def at(kind: str, leases: bool) -> tuple[np.ndarray, np.ndarray]:
        of = leased_site(kept_by(kind, leases=leases, from_period=0), instrument=(bond("loan"),))
        ledger = assemble(of)[0]
        return figures(of, np.array([float(d.block == "fixed") for d in ledger.decisions]))

    of = leased_site(kept_by("ltv"))
    ledger = assemble(of)[0]
    means, fixed = known_means(of, ledger), np.array([float(d.block == "fixed") for d in ledger.decisions])
    owed = ledger.expected([Account.SITE_LEASES], means) @ fixed
    (plain_debt, plain_assets), (debt, assets) = at("ltv", False), at("ltv", True)
    np.testing.assert_allclose(plain_debt - debt, owed, atol=1e-12)
    np.testing.assert_allclose(assets - plain_assets, owed, atol=1e-12)
    (_, plain), (_, before_rent) = at("net_debt_to_ebitda", False), at("net_debt_to_ebitda", True)
    rent = ledger.expected([Account.SITE_RENT], means) @ fixed
    assert (before_rent - plain)[3] == pytest.approx(rent[:4].sum())


def test_what_no_covenant_counts_is_not_posted() -> None:
    for leases in (False, True):
        ledger = assemble(leased_site(kept_by("ltv", leases=leases)))[0]
        posted = {list(Account)[a] for a in np.unique(ledger.account)}
        assert ({Account.SITE_LEASES, Account.SITE_RENT} <= posted) is leases
