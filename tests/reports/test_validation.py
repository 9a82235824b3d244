"""The public record through the engine: the page is current, and no figure is far from what was published."""

from __future__ import annotations

from pathlib import Path

import pytest
from capmix.reports.public_deals import DEALS, ORACLE_COST
from capmix.reports.validation import page, repriced, service

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"


@pytest.fixture(scope="module")
def found():
    return {deal.name: repriced(deal) for deal in DEALS}


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m capmix.reports.validation > docs/validation.md"


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
