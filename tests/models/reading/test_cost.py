"""Money that nobody would lend: all-in cost on the mean path, against cash flows laid out by hand."""

# ruff: noqa: E501 - one bad case per line

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from capmix.models.reading import starter_case
from scipy.optimize import brentq

NOTES = 'instrument[2] "notes"'
TERMS = (
    'benchmark = "sofr"\nspread_driver = "hy_spread"\nmargin = 0.015\nfee = 0.0175\ntenor = 5\namortisation = "bullet"'
)
EURO = "start = -0.005\nmean = -0.005\nreversion = 0.4\nvolatility = 0.009"
SOFR = "start = 0.037\nmean = 0.035\nreversion = 0.4\nvolatility = 0.009               # 90 basis points a year\nfloor = 0.0"


def mean_rate(t: int) -> float:
    return 0.035 + 0.002 * math.exp(-0.4 * 0.25 * min(t, 11))


def yearly(flows: list[float]) -> float:
    """Four times the rate per quarter at which the flows are worth nothing."""
    return 4.0 * brentq(lambda r: sum(f / (1.0 + r) ** n for n, f in enumerate(flows)), -0.4, 1.0)


def said(text: str) -> float:
    found = re.search(r"(-?[\d.e-]+) % a year", text)
    assert found
    return float(found[1]) / 100.0


@pytest.mark.parametrize("margin, fee", [(-0.04, 0.0), (-0.045, 0.01), (-0.05, 0.0175)])
def test_the_cost_that_is_refused_is_that_of_its_cash_flows(case, margin, fee):
    """A floating bullet of five years, issued where it is cheapest: the mean rate falls, so in the last quarter."""
    case.replace(TERMS, f'benchmark = "sofr"\nmargin = {margin}\nfee = {fee}\ntenor = 5\namortisation = "bullet"')
    case.replace(
        'title = "Senior notes"\nkind = "high_yield_note"\nrate = "fixed"   ',
        'kind = "high_yield_note"\nrate = "floating"   ',
    )
    fault = case.fault()
    assert fault.key == NOTES + ".margin"
    flows = [1.0 - fee] + [-(mean_rate(11 + n - 1) + margin) / 4.0 for n in range(1, 21)]
    flows[-1] -= 1.0
    assert said(fault.allowed) == pytest.approx(yearly(flows), rel=1e-3)


def test_equal_repayments_and_a_fee(case):
    """Fixed 1 % in equal parts after two quarters with a fee of half a percent: less than cash earns, so doubted."""
    terms = 'margin = 0.01\nfee = 0.005\ntenor = 3\ngrace = 2\namortisation = "linear"'
    case.replace(TERMS, terms)
    (doubt,) = [w for w in case.load().warnings if w.key == NOTES + ".margin"]
    balance = np.concatenate([[1.0, 1.0], np.arange(10, -1, -1) / 10])
    flows = np.concatenate([[0.995], balance[1:] - balance[:-1] - 0.0025 * balance[:-1]])
    assert said(doubt.usual) == pytest.approx(yearly(flows.tolist()), rel=1e-3)


@pytest.mark.parametrize(
    "terms, key",
    [
        ('benchmark = "sofr"\nmargin = -0.04\namortisation = "none"', "margin"),  # preferred shares below zero
        (
            'margin = 0.05\nconversion = 1\nconverted_margin = -0.05\ntenor = 5\namortisation = "bullet"',
            "converted_margin",
        ),
        (
            'benchmark = "sofr"\ndilution = "over"\nmarket_margin = -0.045\ntenor = 5\namortisation = "bullet"',
            "market_margin",
        ),
        (
            'benchmark = "sofr"\nmargin = -0.01\nsecured_by = "sites"\nrent = true\ntenor = 5\namortisation = "linear"',
            "margin",
        ),
        (
            'benchmark = "sofr"\nmargin = -0.05\ndraw_window = 2\ncommitment_fee = 0.001\ntenor = 5\namortisation = "bullet"',
            "margin",
        ),
    ],
)
def test_equity_leases_convertibles_and_facilities_too(case, terms, key):
    case.append('[[driver]]\nid = "over"\nprocess = "excess"\ndepends_on = "rental"\nstrike = 1.2')
    case.replace(TERMS, terms)
    assert case.fault().key == f"{NOTES}.{key}"
    case.replace(terms, terms + "\nsubsidised = true")
    assert [w for w in case.load().warnings if w.key.startswith(NOTES) and "all-in" in w.usual] == []


def test_a_suppliers_credit_may_cost_nothing_but_not_less(case):
    case.replace("margin = 0.095", "margin = 0.0").replace("annuity_rate = 0.095", "annuity_rate = 0.0")
    assert case.load().warnings == ()
    case.replace("margin = 0.0\ntenor = 3", "margin = -0.02\ntenor = 3")
    assert case.fault().key == 'instrument[3] "vendor_credit".margin'


def test_lenders_may_accept_less_than_nothing_where_the_benchmark_is_below_zero(case):
    """As euro lenders did: 30 basis points over a rate of -0.5 % is more than a deposit, which earns nothing."""
    assert SOFR in starter_case()
    case.replace(SOFR, EURO)
    case.replace(TERMS, 'benchmark = "sofr"\nmargin = 0.003\ntenor = 5\namortisation = "bullet"')
    warnings = {w.key: w for w in case.load().warnings}
    assert "at the rates of period 0" in warnings[NOTES + ".margin"].usual
    case.replace("margin = 0.003", "margin = -0.003")
    assert case.fault().key == NOTES + ".margin"


@pytest.mark.parametrize("kind", ["equity", "vendor_equity", "preferred"])
def test_equity_without_a_return_is_refused(case, kind):
    case.replace(TERMS, 'amortisation = "none"').replace('kind = "high_yield_note"', f'kind = "{kind}"')
    assert case.fault().key == NOTES + ".accretion"


@pytest.mark.parametrize(
    "old, new, key",
    [
        ("fee = 0.0175", "fee = -0.01", NOTES + ".fee"),
        ("fee = 0.0175", "fee = 0.0175\ndiscount = -0.02", NOTES + ".discount"),
        ("commitment_fee = 0.005", "commitment_fee = -0.005", 'instrument[1] "gpu_loan".commitment_fee'),
        ("{ size = 0.10, spread = 0.0 }", "{ size = 0.10, spread = -0.01 }", NOTES + '.depth[1] "managers".steps[1].spread'),
        ("rental = 5.0", "rental = -5.0", 'accelerator[1] "gb300".rental'),
        ("price = 4.0", "price = -4.0", 'accelerator[1] "gb300".price'),
        ("attach_cost = 0.5", "attach_cost = -0.5", 'accelerator[1] "gb300".attach_cost'),
        ("support_rate = 0.03", "support_rate = -0.03", 'accelerator[1] "gb300".support_rate'),
        ("opex = 0.35", "opex = -0.35", 'site[1] "prairie".opex'),
        ("power_price = 62", "power_price = -62", 'site[1] "prairie".power_price'),
        ("cost_per_mw = 3.0", "cost_per_mw = -3.0", 'site[1] "prairie".layer[1] "shell".cost_per_mw'),
        ("coupon = 0.04", "coupon = -0.04", 'opening.debt[1] "old_loan".coupon'),
    ],
)  # fmt: skip
def test_nothing_has_a_price_below_zero(case, old, new, key):
    assert case.replace(old, new).fault().key == key


PATH = '[[driver]]\nid = "path"\nprocess = "deterministic"\npath = [1, 0.5, 0, 0, -0.1, 0, 0, 0, 0, 0, 0, 0]\n'
GAUSS = '[[driver]]\nid = "path"\nprocess = "vasicek"\nstart = 1.0\nmean = 1.0\nreversion = 0.5\nvolatility = 0.4\n'


@pytest.mark.parametrize(
    "old, new, key",
    [
        ('resale_column = "rental" ', 'resale_column = "path" ', 'accelerator[1] "gb300".resale_column'),
        ("price = 4.0 ", 'price_column = "path"\nprice = 4.0 ', 'accelerator[1] "gb300".price_column'),
        ("power_price = 62", 'power_column = "path"\npower_price = 62', 'site[1] "prairie".power_column'),
        ('column = "rental_let"', 'column = "path"', "merchant.column"),
    ],
)
def test_no_price_column_falls_below_zero(case, old, new, key):
    case.append(PATH).replace(old, new)
    assert key in [fault.key for fault in case.faults()]
    case.replace(PATH, GAUSS)
    assert "may fall to -0.2" in {w.key: w.usual for w in case.load().warnings}[key]
    case.replace(GAUSS, GAUSS + "floor = 0.0\n")
    assert not [w for w in case.load().warnings if "may fall" in w.usual]


def test_a_convertible_is_measured_against_something(case):
    """Without straight debt, a margin or a discount rate, shares of any value would pay for its coupon."""
    start = case.text.index('[[instrument]]\nid = "gpu_loan"')
    end = case.text.index("# ------", start)
    bond = (
        '[[instrument]]\nid = "notes"\nkind = "convertible"\nrate = "fixed"\ndilution = "over"\ntenor = 5\n'
        'amortisation = "bullet"\ndepth = [{ investor = "managers", steps = [{ size = 0.1, spread = 0.0 }] }]\n'
    )
    case.text = case.text[:start] + bond + case.text[end:]
    case.text = case.text[: case.text.index("[variant.own_cash]")]
    case.append('[[driver]]\nid = "over"\nprocess = "excess"\ndepends_on = "rental"\nstrike = 5.0')
    assert case.load().instrument[0].dilution == "over"
    case.replace("money_discount = 0.10", "money_discount = 0.0")
    fault = case.fault()
    assert (fault.key, fault.value) == ('instrument[1] "notes".market_margin', "(missing)")
