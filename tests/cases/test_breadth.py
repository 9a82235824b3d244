"""The shipped cases load, are as broad as they promise, and the hyperscaler's tables carry what the docs say."""

from __future__ import annotations

import pytest
from capmix import load_case
from capmix.models.schema.case import Case
from capmix.models.schema.sites import LAYERS

SHIPPED = ("hyperscaler", "neocloud", "ai_lab")


@pytest.fixture(scope="module")
def hyperscaler() -> Case:
    return load_case("hyperscaler")


@pytest.fixture(scope="module")
def neocloud() -> Case:
    return load_case("neocloud")


@pytest.mark.parametrize("name", SHIPPED)
def test_loads_by_name(name: str) -> None:
    case = load_case(name)
    assert case.case.name == name
    assert case.sha256


def test_hyperscaler_breadth(hyperscaler: Case) -> None:
    case = hyperscaler
    assert case.horizon.periods == 20
    assert case.horizon.label(0) == "2026Q4"
    orderable = [a for a in case.accelerator if max(a.supply) > 0]
    assert len(orderable) >= 6
    assert len({a.vendor for a in orderable}) >= 2
    assert len(case.site) == 3
    assert len(case.instrument) >= 8
    assert len({i.kind for i in case.investor}) >= 6
    assert len(case.contract) == 2
    assert case.merchant is not None
    assert case.organic is not None
    assert len(case.driver) >= 10
    assert len({d.process for d in case.driver}) >= 6
    assert case.opening.fleet
    assert case.opening.debt
    assert case.tax is not None
    assert case.budget is not None
    assert case.covenant
    assert {r.loss for r in case.risk} == {"liquidity", "net_loss", "compute_shortfall"}
    assert case.circularity.cap < 1


@pytest.mark.parametrize("name", SHIPPED)
def test_sites_have_every_layer_with_lead_and_cost(name: str) -> None:
    for site in load_case(name).site:
        assert sorted(layer.kind for layer in site.layer) == sorted(LAYERS)
        assert site.pue > 1
        for layer in site.layer:
            assert layer.lead >= 1, (site.id, layer.kind)
            assert layer.cost_per_mw + layer.cost_per_site > 0, (site.id, layer.kind)


def test_hyperscaler_stages_its_costs_and_its_grid(hyperscaler: Case) -> None:
    for site in hyperscaler.site:
        for layer in site.layer:
            assert len(layer.stages) > 1, (site.id, layer.kind)
            assert sum(layer.stages) == pytest.approx(1)
        power = next(layer for layer in site.layer if layer.kind == "power")
        assert power.schedule_mw is not None
        assert power.schedule_mw[-1] > 2 * power.schedule_mw[0], "the grid connection grows over the plan"


def test_hyperscaler_holders_and_terms(hyperscaler: Case) -> None:
    kinds = {i.kind for i in hyperscaler.instrument}
    assert {"bond", "spv_bond", "construction_loan", "delayed_draw_loan"} <= kinds
    assert {"private_credit", "vendor_finance", "abs"} <= kinds
    assert {i.rate for i in hyperscaler.instrument} == {"fixed", "floating"}
    assert {"bullet", "linear", "annuity"} <= {i.amortisation for i in hyperscaler.instrument}
    vendors = [i for i in hyperscaler.instrument if i.kind == "vendor_finance"]
    assert all(i.tied_to is not None for i in vendors)
    holders = {d.investor for i in hyperscaler.instrument for d in i.depth}
    assert len({i.kind for i in hyperscaler.investor if i.id in holders}) >= 6


def test_neocloud_opens_with_a_stack_of_debt(neocloud: Case) -> None:
    debts = {d.id: d for d in neocloud.opening.debt}
    assert len(debts) >= 10
    assert debts["hy_2030"].coupon == pytest.approx(0.0925)
    assert debts["hy_2030"].amount == pytest.approx(2.0)
    assert debts["hy_2031"].coupon == pytest.approx(0.09)
    assert debts["hy_2031"].amount == pytest.approx(1.75)
    assert debts["convertible_2031"].rate == "fixed"
    assert debts["revolver"].rate == "floating"
    assert {"ddtl_1", "ddtl_2", "ddtl_3", "ddtl_4", "ddtl_5", "oem"} <= set(debts)
    total = sum(d.amount for d in debts.values())
    book = sum(f.book_value for f in neocloud.opening.fleet) + neocloud.opening.site_book_value
    assert 0.7 < total / book < 1.1, "leveraged, as CoreWeave was: 21.4 of debt on 30.6 bn of plant at the end of 2025"
    assert neocloud.cash.opening < 0.1 * total, "liquidity is tight"
    assert all(c.opening_volume > 0 for c in neocloud.contract)
    assert any(c.prepayment > 0 for c in neocloud.contract)


def test_ai_lab_is_offered_what_labs_are_offered() -> None:
    case = load_case("ai_lab")
    offers = {i.id: i for i in case.instrument}
    assert {"vendor_equity", "vendor_finance", "private_credit", "convertible", "sale_leaseback"} <= {
        i.kind for i in case.instrument
    }
    assert offers["nvidia_equity"].tied_to == "nvidia"
    assert offers["nvidia_equity"].tied_share == pytest.approx(10 / 35, abs=0.005), "10 bn for 35 bn of orders"
    assert offers["chip_leaseback"].advance_rate == pytest.approx(3.5 / 5.4, abs=0.001), "Valor for xAI"
    assert offers["convertible"].dilution is not None, "a low coupon must not look like cheap money"
    assert any(c.prepayment >= 0.2 for c in case.contract)
    assert case.revolver is not None
    assert {i.party for i in case.investor} >= {"nvidia", "amd", "platform"}
    assert any(i.window is not None for i in case.investor)


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud"])
def test_wrong_way_risk_of_the_lab(name: str) -> None:
    case = load_case(name)
    lab = next(d for d in case.driver if d.id == "ai_lab_survival")
    assert lab.process == "survival"
    assert case.correlation is not None
    i, j = (case.correlation.drivers.index(x) for x in ("rental", "ai_lab_survival"))
    assert case.correlation.matrix[i][j] > 0, "it defaults when rentals fall"
