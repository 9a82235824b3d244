"""The public record through the engine: the page is current, and no figure is far from what was published."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from capmix.reports.pages.maturities import interest, loan_1_half_year, principal
from capmix.reports.pages.public_deals import DEALS, ORACLE_COST
from capmix.reports.pages.public_stack import DEBT_BEFORE, INTEREST, LOAN_1_REPAID, PRINCIPAL, STACK
from capmix.reports.pages.validation import page, repriced, service

PAGE = Path(__file__).parents[3] / "docs" / "validation.md"


@pytest.fixture(scope="module")
def found():
    return {deal.name: repriced(deal) for deal in DEALS}


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m capmix.reports.pages.validation > docs/validation.md"


def test_at_least_ten_deals_each_with_its_source(found):
    assert len(found) >= 10
    assert all(one.deal.source and one.deal.remark for one in found.values())


def test_rates_lie_near_the_published_ones(found):
    off = {name: 1e4 * one.off for name, one in found.items()}
    oracle = {name: value for name, value in off.items() if name.startswith("Oracle")}
    assert len(oracle) == 6
    assert max(oracle.values()) < 6, "basis points"
    assert max(off.values()) < 30, off


def test_oracles_issue_cost_comes_out_of_its_effective_rates(found):
    """118 million on 18 bn is published beside the six effective rates; the engine finds it from them."""
    notes = [one for name, one in found.items() if name.startswith("Oracle")]
    cost = sum(one.deal.size * (one.implied or 0.0) for one in notes) / sum(one.deal.size for one in notes)
    assert cost == pytest.approx(ORACLE_COST, abs=3e-4)


@pytest.mark.parametrize("deal", [d for d in DEALS if d.name.startswith("CoreWeave")], ids=lambda d: d.name)
def test_first_years_service_by_hand(deal):
    interest, by_hand, principal, principal_by_hand = service(deal)
    assert interest == pytest.approx(by_hand, rel=1e-12)
    assert principal == pytest.approx(principal_by_hand, rel=1e-12, abs=1e-15)


def level(amount, quarters, balloon=0.0):
    """Principal in each of the next quarters, by hand."""
    paid = [amount * (1.0 - balloon) / quarters] * quarters
    paid[-1] += amount * balloon
    return paid + [0.0] * (24 - quarters)


def by_year(paid):
    ends = [0, 2, 6, 10, 14, 18, len(paid)]
    return [sum(paid[a:b]) for a, b in itertools.pairwise(ends)]


def test_published_table_sums_to_the_pieces():
    assert sum(PRINCIPAL) == pytest.approx(11.171485, abs=1e-9)
    assert sum(piece.amount for piece in STACK) == pytest.approx(11.171485, abs=1e-9)


def test_principal_by_year_is_that_by_hand():
    found = {piece.name: list(principal(piece)) for piece in STACK}
    equipment = [sum(q) for q in zip(*(level(0.1728388, n) for n in range(3, 13)), strict=True)]
    by_hand = {
        "DDTL 1.0": level(1.782500, 11, (1.782500 - 11 * 0.115) / 1.782500),
        "DDTL 2.0": level(4.953967, 16),
        "9.25 % notes": level(2.0, 20, 1.0),
        "revolver": level(0.45, 8, 1.0),
        "equipment financing": equipment,
        "Magnetar loan": level(0.256630, 4, 1.0),
    }
    assert found.keys() == by_hand.keys()
    for name, paid in by_hand.items():
        assert found[name] == pytest.approx(by_year(paid), abs=1e-9), name


def test_published_principal_and_interest_where_the_terms_are_public():
    assert loan_1_half_year() == pytest.approx(LOAN_1_REPAID, abs=1e-9)
    total = [sum(year) for year in zip(*(principal(piece) for piece in STACK), strict=True)]
    assert total[-1] == pytest.approx(PRINCIPAL[-1])
    drawn = principal(next(piece for piece in STACK if piece.name == "DDTL 2.0"))
    assert all(p - t + d > 0.0 for p, t, d in list(zip(PRINCIPAL, total, drawn, strict=True))[:-1])
    owed = sum(piece.amount for piece in STACK)
    engine = sum(interest(piece) for piece in STACK) / owed
    assert engine == pytest.approx(
        INTEREST / (0.5 * (owed + DEBT_BEFORE)), rel=0.02
    )  # rates to a per cent, debt to 0.1
