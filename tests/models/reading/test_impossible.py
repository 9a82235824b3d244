"""Values that cannot be: refused with a cure, judged beside the case's other figures where no fixed range fits."""

# ruff: noqa: E501 - one bad value per line

from __future__ import annotations

import re

import pytest
from capmix.models.reading import load_case

GB300 = 'accelerator[1] "gb300"'
LOAN = 'instrument[1] "gpu_loan"'
NOTES = 'instrument[2] "notes"'
CREDIT = 'instrument[3] "vendor_credit"'
VASICEK = '[[driver]]\nid = "own"\nprocess = "vasicek"\nstart = 1.0\nmean = 1.0\nreversion = 1.0\nvolatility = 0.2\n'
EQUITY = """
[[instrument]]
id = "shares"
kind = "equity"
rate = "fixed"
accretion = 0.2
amortisation = "none"
depth = [{ investor = "managers", steps = [{ size = 0.1, spread = 0.0 }] }]
"""


@pytest.mark.parametrize(
    "old, new, key, words",
    [
        # drivers
        ("volatility = 0.22", "volatility = 1e12", 'driver[3] "rental".volatility', "from 0 to 100"),
        ("volatility = 0.009", "volatility = 1e12", 'driver[1] "sofr".volatility', "from 0 to 1000000"),
        ("volatility = 0.009", "volatility = 90", 'driver[1] "sofr".volatility', "0.009? It seems to be given in basis points"),
        ("volatility = 0.06", "volatility = 1e5", 'driver[2] "hy_spread".volatility', "at most 10"),
        ("volatility = 0.5", "volatility = 1e12", 'driver[4] "utilisation".volatility', "from 0 to 100"),
        ("hazard = 0.03 ", "hazard = 1e12 ", 'driver[5] "lab_alive".hazard', "from 0 to 100"),
        ("drift = -0.05", "drift = -50", 'driver[3] "rental".drift', "did you mean -0.5?"),
        ("drift = -0.05", "drift = 15", 'driver[3] "rental".drift', "did you mean 0.15?"),
        ("mean = 0.035", "mean = -1", 'driver[1] "sofr".mean', "at least -0.1"),
        ("start = 0.037", "start = -0.37", 'driver[1] "sofr".start', "at least -0.1"),
        ("mean = 0.035", "mean = 3.5", 'driver[1] "sofr".mean', "3.5 % is written 0.035"),
        # dates
        ("tenor = 3\n", 'tenor = 3\nissue_to = "1990Q1"\n', CREDIT + ".issue_to", "not before the horizon, 2027Q1 to 2029Q4"),
        ('available_from = "2027Q3"', 'available_from = "2020Q1"\navailable_to = "2026Q4"', 'accelerator[2] "vr200".available_to', "take it out"),
        ('sign_to = "2028Q1"', 'sign_to = "1990Q1"', 'contract[1] "lab_deal".sign_to', "the end lies before the start"),
        # entries that stand against each other
        ("residual = [0.85, 0.62, 0.44", "residual = [0.85, 0.62, 0.64", GB300 + ".residual[3]", "at most that of the year before, 0.62"),
        ("residual = [0.85,", "residual = [1.85,", GB300 + ".residual[1]", "from 0 to 1"),
        ("relet_share = 0.6", "relet_share = 1.6", 'contract[1] "lab_deal".relet_share', "15 % is written 0.15"),
        ("life = 5 ", "life = 0.1 ", GB300 + ".life", "nearest is 0.25"),
        ("limit = 0.90\n", 'limit = 0.9\n[[covenant]]\nid = "ltv"\nkind = "ltv"\nlimit = 2.0\n', 'covenant[2] "ltv".limit', "from 0 to 1.5"),
        ("limit = 0.90\n", 'limit = 0.9\n[[covenant]]\nid = "dscr"\nkind = "dscr"\nlimit = 1e4\n', 'covenant[2] "dscr".limit', "from 0 to 1000"),
        # money
        ("minimum = 0.15", "minimum = 1e12", "cash.minimum", "a million times the other money"),
        ("opening = 0.90", "opening = 900_000_000", "cash.opening", "did you mean 0.9?"),
        ("site_book_value = 0.18", "site_book_value = 1e12", "opening.site_book_value", "amounts are in billions"),
        ("loss_use = 0.8", "loss_use = 0.8\nopening_losses = 1e12", "tax.opening_losses", "amounts are in billions"),
        ("[budget]", "[organic]\namount = 1e12\n[budget]", "organic.amount", "amounts are in billions"),
        ("[budget]", "[organic]\namount = [0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1e12]\n[budget]", "organic.amount", "amounts are in billions"),
        ("total = 3.0", "total = 1e12", "budget.total", "for no limit leave it out"),
        ("limit = 0.90\n", "limit = 1e12\n", 'covenant[1] "wall".limit', "for no limit leave it out"),
        # tax
        ("loss_use = 0.8", "loss_use = 0.8\nopening_interest = 0.1", "tax.opening_interest", "add interest_limit"),
        ("loss_use = 0.8", "loss_use = 0.8\ninterest_limit = 30", "tax.interest_limit", "15 % is written 0.15"),
        ("loss_use = 0.8", "loss_use = 0.8\nfees = 'spread'", "tax.fees", "paid | straight | balance"),
        ("[budget]", "[tax.systems]\nmethod = 'macrs4'\n[budget]", "tax.systems.method", "macrs5"),
        ("[budget]", "[tax.systems]\nmethod = 'macrs5'\nyears = 5\n[budget]", "tax.systems.years", 'write method = "straight"'),
        ("[budget]", "[tax.systems]\nmethod = 'table'\n[budget]", "tax.systems.shares", "add shares"),
        ("[budget]", "[tax.sites]\nmethod = 'table'\nshares = [0.5, 0.4]\n[budget]", "tax.sites.shares", "shares that sum to 1"),
        ("[budget]", "[tax.sites]\nshares = [0.5, 0.5]\n[budget]", "tax.sites.shares", 'unless method = "table"'),
        ("[budget]", "[tax.systems]\nbonus = 60\n[budget]", "tax.systems.bonus", "from 0 to 1"),
        # money that costs nothing
        ("accretion = 0.2", "accretion = 0.0", 'instrument[4] "shares".accretion', "a return that its holders ask"),
        ("accretion = 0.2", "margin = 0.0", 'instrument[4] "shares".accretion', "equity that costs nothing is not on offer"),
        ('kind = "equity"\nrate = "fixed"\naccretion = 0.2', 'kind = "vendor_equity"\nrate = "fixed"', 'instrument[4] "shares".accretion', "add accretion"),
        ('amortisation = "none"\ndepth', 'amortisation = "bullet"\ntenor = 3\naccretion = 0.0\ndepth', 'instrument[4] "shares".margin', "a margin or a discount"),
        ("steps = [{ size = 0.1, spread = 0.0 }] }]", "steps = [{ size = 0.1, spread = 0.0 }, { size = 0.1, spread = 0.1 }] }]", 'instrument[4] "shares".accretion', "not on offer"),
        # names
        ('id = "vr200"', 'id = "gB300"', 'accelerator[2] "gB300".id', "differ by more than their capital letters"),
        ('id = "vr200"', 'id = "gb300"', 'accelerator[2] "gb300".id', "each id once"),
        ('id = "vr200"', 'id = "vr\u0430200"', 'accelerator[2] "vr\u0430200".id', "cyrillic small letter a (U+0430): write letters from a to z"),
        ('id = "vr200"', 'id = "' + "v" * 65 + '"', 'accelerator[2] "' + "v" * 59 + "…" + ".id", "65 characters; shorten it to 64"),
        ("price = 7.2", '"pric\u0435" = 7.2', 'accelerator[2] "vr200".pric\u0435', 'cyrillic small letter ie (U+0435)'),
        ('title = "SOFR"', 'title = "SO\u200bFR"', 'driver[1] "sofr".title', "invisible marks"),
        ('title = "SOFR"', 'title = "' + "x" * 2001 + '"', 'driver[1] "sofr".title', "2001 characters; shorten it to 2000"),
        ("[variant.debt]", '[variant.Debt]\nremove = ["notes"]\n[variant.debt]', "variant.Debt", "lower-case letter"),
        ("[variant.debt]", '[variant.dEbt]\nremove = ["notes"]\n[variant.debt]', "variant.debt", "capital letters"),
    ],
)  # fmt: skip
def test_refused_with_a_cure(case, old, new, key, words):
    case.append(EQUITY)
    if "spread = 0.1 }" in new:
        case.replace("accretion = 0.2\n", "")
    if 'amortisation = "bullet"' in new:
        case.replace("accretion = 0.2\n", "")
    faults = {f.key.replace('"', "").replace("\\u", ""): f for f in case.replace(old, new).faults()}
    plain = key.replace('"', "")
    assert any(found.startswith(plain[:60]) for found in faults), (plain, list(faults))
    fault = next(f for found, f in faults.items() if found.startswith(plain[:60]))
    assert words in f"{fault.allowed} {fault.cure}"
    assert fault.line is not None


def test_a_look_alike_in_a_bare_key(case):
    fault = case.replace("price = 7.2", "pric\u0435 = 7.2").fault()
    assert fault.line == case.changed
    assert "cyrillic small letter ie (U+0435): write letters from a to z" in fault.cure


def test_the_same_fleet_twice(case):
    fleet = '[[opening.fleet]]\naccelerator = "gb300"\nsite = "prairie"\nsystems = 10\nage = {age}\n'
    fault = case.append(fleet.format(age=2)).fault()
    assert fault.key == 'opening.fleet[2] "gb300".accelerator'
    assert f"already in line {case.line('[[opening.fleet]]')}" in fault.cure
    case.replace(fleet.format(age=2), fleet.format(age=3))
    assert case.load().warnings == ()


@pytest.mark.parametrize("volatility, ending", [(0.2, "fine"), (5.0, "doubt"), (500.0, "fault")])
def test_a_driver_that_is_no_rate_moves_within_its_own_scale(case, volatility, ending):
    case.append(VASICEK.replace("volatility = 0.2", f"volatility = {volatility}"))
    if ending == "fault":
        assert "moves by 500 times" in case.fault().cure
    else:
        assert [w.key for w in case.load().warnings] == (['driver[6] "own".volatility'] if ending == "doubt" else [])


def test_a_mean_in_another_unit_than_the_start(case):
    (doubt,) = case.append(VASICEK.replace("mean = 1.0", "mean = 100.0")).load().warnings
    assert doubt.key == 'driver[6] "own".mean'


def test_a_strike_in_another_unit_than_its_driver(case):
    case.append('[[driver]]\nid = "call"\nprocess = "excess"\ndepends_on = "rental"\nstrike = 125.0')
    assert [w.key for w in case.load().warnings] == ['driver[6] "call".strike']
    case.replace("strike = 125.0", "strike = 1.25")
    assert case.load().warnings == ()


def test_an_index_may_not_serve_as_a_rate_in_silence(case):
    """The rental index starts at 1: as a benchmark that is 100 % a year."""
    keys = [
        w.key
        for w in case.replace('benchmark = "sofr"\nmargin = 0.035', 'benchmark = "rental"\nmargin = 0.035')
        .load()
        .warnings
    ]
    assert keys == ['driver[3] "rental".start']


def test_yen_have_no_ceiling(case):
    """1,350 billion yen due in a year, and cash of 100,000 billion, beside hardware of the same money."""
    for old, new in (("limit = 0.90", "limit = 1350"), ("opening = 0.90", "opening = 135"), ("price = 4.0 ", "price = 600 "),
                     ("price = 7.2", "price = 1080"), ("rental = 5.0", "rental = 750"), ("rental = 8.0", "rental = 1200"),
                     ("price = 1.90", "price = 285")):  # fmt: skip
        case.replace(old, new)
    case.replace('currency = "USD"', 'currency = "JPY"')
    loaded = case.load()
    assert loaded.covenant[0].limit == 1350
    assert {w.key for w in loaded.warnings} & {'covenant[1] "wall".limit', "cash.opening"} == set()
    case.replace("opening = 135", "opening = 100_000")
    assert case.load().cash.opening == 1e5  # doubted, not refused


def test_what_is_meant_is_accepted(case):
    """The cure for an amount beyond all others, followed."""
    fault = case.replace("opening = 0.90", "opening = 900_000_000").fault()
    meant = re.search(r"did you mean ([0-9.]+)\?", fault.cure)[1]
    assert case.replace("opening = 900_000_000", f"opening = {meant}").load().warnings == ()


@pytest.mark.parametrize(
    "old, new, key",
    [
        ("commitment_fee = 0.005", "commitment_fee = 1e-12", LOAN + ".commitment_fee"),
        ("spread = 0.0075", "spread = 1e-11", LOAN + '.depth[1] "banks".steps[2].spread'),
        ("margin = 0.015", "margin = 1e-12", NOTES + ".margin"),
        ("cost_per_mw = 3.0 ", "cost_per_mw = 1e-10 ", 'site[1] "prairie".layer[1] "shell".cost_per_mw'),
        ("advance_rate = 0.70", "advance_rate = 1e-12", LOAN + ".advance_rate"),
        ("rental = 5.0", "rental = 1e-12", GB300 + ".rental"),
        ("minimum = 0.15", "minimum = -1e-12", ""),
        ("drift = -0.05", "drift = -1e-10", 'driver[3] "rental".drift'),
        ("supply = 60 ", "supply = [1e-10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60] ", GB300 + ".supply[1]"),
    ],
)
def test_what_is_next_to_nothing_is_nothing(case, old, new, key):
    zero = re.sub(r"-?1e-1[0-9]", "0.0", new)
    if not key:  # below what is allowed
        assert case.replace(old, new).fault().key == "cash.minimum"
        return
    tiny = case.replace(old, new).load()
    assert key in {w.key for w in tiny.warnings}
    assert "taken as 0" in tiny.warnings[0].usual
    assert tiny == case.replace(new, zero).load()


@pytest.mark.parametrize("value", ["1e-12", "1e-10"])
def test_what_must_be_above_nothing_is_doubted(case, value):
    warnings = {w.key: w for w in case.replace("price = 4.0 ", f"price = {value} ").load().warnings}
    assert "hardly meant" in warnings[GB300 + ".price"].usual


def test_next_to_nothing_in_a_table(case):
    case.replace("supply = 60 ", 'supply = { table = "s.csv", column = "s" } ')
    case.table("s.csv", "s\n1e-10\n" + "60\n" * 11)
    loaded = case.load()
    assert loaded.accelerator[0].supply[0] == 0.0
    assert [(w.file, w.line) for w in loaded.warnings] == [("s.csv", 2)]


def test_rounding_of_an_estimated_correlation_is_nothing(case):
    case.text = case.text.replace("[1.00, -0.20, 0.00, 0.00]", "[1.00, -0.20, 0.00, 1e-17]")
    assert "check the unit" in case.fault().cure
    case.text = case.text.replace("1e-17", "1e-11")
    assert case.load().warnings == ()


@pytest.mark.parametrize("kind", ["equity", "vendor_equity"])
def test_equity_of_a_supplier_asks_a_return_too(case, kind):
    equity = EQUITY.replace('"equity"', f'"{kind}"').replace("accretion = 0.2", 'tied_to = "chipmaker"')
    fault = case.append(equity.replace('"managers"', '"chip_capital"')).fault()
    assert fault.key == 'instrument[4] "shares".accretion'
    assert case.replace(
        'tied_to = "chipmaker"\namortisation', 'tied_to = "chipmaker"\naccretion = 0.2\namortisation'
    ).load()


def test_a_bank_does_not_lend_for_nothing_though_tied(case):
    case.replace("margin = 0.095", "margin = 0.0").replace("annuity_rate = 0.095", "annuity_rate = 0.0")
    fault = case.replace('investor = "chip_capital"', 'investor = "banks"').fault()
    assert fault.key == CREDIT + ".margin"


def test_a_supplier_may_lend_for_nothing(case):
    """Its price pays for it: tied to purchases, a credit needs no coupon. Others do."""
    case.replace("margin = 0.095", "margin = 0.0").replace("annuity_rate = 0.095", "annuity_rate = 0.0")
    loaded = case.load()
    assert loaded.instrument[2].margin == 0.0
    assert loaded.warnings == ()
    case.replace('tied_to = "chipmaker" ', "").replace("tied_share = 0.50", "")
    assert case.fault().key == CREDIT + ".margin"


@pytest.mark.parametrize("term", ["discount = 0.1\nmargin = 0.02", 'dilution = "excess"', "margin = 0.04"])
def test_a_zero_coupon_is_paid_for_otherwise(case, term):
    case.append('[[driver]]\nid = "excess"\nprocess = "excess"\ndepends_on = "rental"\nstrike = 1.2')
    case.replace('benchmark = "sofr"\nspread_driver = "hy_spread"\nmargin = 0.015', f"{term}")
    assert case.load().warnings == ()


@pytest.mark.parametrize(
    "old, new, cost",
    [
        ("margin = 0.035", "margin = -0.05", "an all-in cost above 0"),
        ('spread_driver = "hy_spread"\nmargin = 0.015', "margin = -0.03", "not below what idle cash earns at the same"),
        ("margin = 0.035", "margin = -0.0371", "not below what idle cash earns at the same"),
    ],
)
def test_money_that_nobody_would_lend_is_refused(case, old, new, cost):
    case.replace(old, new)
    fault = case.fault()
    assert fault.key.endswith(".margin")
    assert cost in fault.allowed
    assert "subsidised = true" in fault.cure
    key = new.split()[0]
    case.replace(new, f"subsidised = true\n{key} = {new.split()[-1]}")
    assert [w for w in case.load().warnings if "cost" in w.usual] == []


@pytest.mark.parametrize(
    "terms, key",
    [
        ("conversion = 4\nconverted_margin = -0.04", "converted_margin"),
        ('offtaker = "lab"\ngrid = [{ rating = "A", margin = -0.05 }, { rating = "B", margin = 0.0 }]', "margin"),
    ],
)
def test_a_cost_below_zero_later_or_by_rating_is_refused(case, terms, key):
    case.replace('role = "customer"', 'role = "customer"\nrating = "A"')
    case.replace("margin = 0.035\n", f"margin = 0.01\n{terms}\n")
    assert case.fault().key == LOAN + "." + key


def test_an_index_that_starts_at_a_hundred(case):
    case.replace("start = 1.0 ", "start = 100.0 ").replace('resale_column = "rental"', "").replace(
        'resale_column = "rental"', ""
    )
    warnings = {w.key: w for w in case.load().warnings}
    assert "it starts at 85" in warnings["merchant.column"].usual
    assert "divide" in warnings["merchant.column"].cure


def test_old_systems_above_new_ones(case):
    """Rentals that are expected to rise by 60 % a year carry old systems above the price of new ones."""
    case.replace("drift = -0.05", "drift = 0.60")
    assert [w.key for w in case.load().warnings] == [
        f'accelerator[{i}] "{n}".resale_column' for i, n in ((1, "gb300"), (2, "vr200"))
    ]
    case.replace("price = 4.0 ", 'price_column = "rental"\nprice = 4.0 ').replace(
        "price = 7.2", 'price_column = "rental"\nprice = 7.2'
    )
    assert case.load().warnings == ()


@pytest.mark.parametrize("book, doubted", [(0.15, False), (0.26, False), (0.30, True)])
def test_book_value_against_the_price(case, book, doubted):
    keys = [w.key for w in case.replace("book_value = 0.15", f"book_value = {book}").load().warnings]
    assert keys == (['opening.fleet[1] "gb300".book_value'] if doubted else [])


def test_a_promise_that_the_fleet_cannot_keep(case):
    case.replace("prepayment = 0.05 ", "prepayment = 0.05\nopening_volume = 7_000_000\nopening_term = 2 ")
    (doubt,) = case.load().warnings
    assert "7,200 PFLOP/s (bf16)" in doubt.usual
    assert "TFLOP/s" in doubt.cure


def test_titles_that_mix_alphabets(case):
    (doubt,) = case.replace('title = "SOFR"', 'title = "SOFR of \u0410merica"').load().warnings
    assert doubt.key == 'driver[1] "sofr".title'
    assert "U+0410" in doubt.usual
    case.replace("\u0410merica", "β of Америка")
    assert case.load().warnings == ()


@pytest.mark.parametrize("value", ["[]", "{}", "[[]]", "true", "1", "nan", "2027-01-01", '["abs"]'])
def test_a_preset_that_is_no_text(case, value):
    fault = case.replace('id = "notes"', f'id = "notes"\npreset = {value}').fault()
    assert fault.key == NOTES + ".preset"
    assert "private_credit" in fault.allowed
    assert fault.cure == "give text in quotes"


def test_shipped_opening_fleets_fit_their_sites():
    for name in ("hyperscaler", "neocloud", "ai_lab"):
        assert load_case(name).opening.fleet
