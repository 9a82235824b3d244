"""Checks across fields and entries: names, references, cycles, windows, terms that contradict each other."""

# ruff: noqa: E501 - one bad case per line

from __future__ import annotations

import pytest

NOTES = 'instrument[2] "notes"'
LOAN = 'instrument[1] "gpu_loan"'
VENDOR = 'instrument[3] "vendor_credit"'
GB300 = 'accelerator[1] "gb300"'
LAB = 'contract[1] "lab_deal"'
SITE = 'site[1] "prairie"'

BULLET = 'tenor = 5\namortisation = "bullet"'
ANNUITY = 'amortisation = "annuity"\nannuity_rate = 0.095'
VASICEK = """
[[driver]]
id = "plain"
process = "vasicek"
start = 1.0
mean = 1.0
reversion = 1.0
volatility = 0.1
"""
SURVIVAL = """
[[driver]]
id = "{}"
process = "survival"
hazard = 0.02
depends_on = "{}"
"""


@pytest.mark.parametrize(
    "changes, key, words",
    [
        # names and references
        ([('id = "vr200"', 'id = "gb300"')], 'accelerator[2] "gb300".id', "already in line"),
        ([('id = "rental_let"', 'id = "rental"'), ('"rental_let"', '"rental"')], 'column[1] "rental".id', "rename"),
        ([('id = "rental_let"', 'id = "one"'), ('"rental_let"', '"one"')], 'column[1] "one".id', "always 1"),
        ([('vendor = "chipmaker"', 'vendor = "chipmakr"')], GB300 + ".vendor", 'did you mean "chipmaker"'),
        ([('investor = "banks"', 'investor = "nobody"')], LOAN + '.depth[1] "nobody".investor', "banks, managers"),
        ([('survival = "lab_alive"', 'survival = "lab"')], LAB + ".survival", "lab_alive"),
        ([('column = "rental_let"', 'column = "rent"')], "merchant.column", "rental"),
        ([('benchmark = "sofr"', 'benchmark = "rental_let"')], LOAN + ".benchmark", "price column"),
        ([('drivers = ["rental", "utilisation"]', 'drivers = ["rental", "rental_let"]')],
         'column[1] "rental_let".drivers[2]', "cycle"),
        ([('drivers = ["rental", "utilisation"]', 'drivers = ["rental", "rental"]')],
         'column[1] "rental_let".drivers[2]', "repetition"),
        ([('drivers = ["rental", "utilisation"]', 'drivers = ["rental"]')], 'column[1] "rental_let".drivers', "at least 2"),
        ([('drivers = ["rental", "utilisation"]', 'drivers = ["rental", "utilisation", "sofr", "hy_spread"]')],
         'column[1] "rental_let".drivers', "fewer"),
        # drivers
        ([('floor = 0.0', 'floor = 0.05')], 'driver[1] "sofr".floor', "at most start"),
        ([('start = 0.037', 'start = 3.7')], 'driver[1] "sofr".start', "3.7 % is written 0.037"),
        ([('mean = 0.040', 'mean = 4.0')], 'driver[2] "hy_spread".mean', "4 % is written 0.04"),
        ([('high = 0.98', 'high = 0.2')], 'driver[4] "utilisation".high', "lower bound"),
        ([('start = 0.85', 'start = 0.98')], 'driver[4] "utilisation".start', "strictly between"),
        ([('mean = 0.82', 'mean = 0.30')], 'driver[4] "utilisation".mean', "strictly between"),
        ([('process = "cir"', 'process = "cirr"')], 'driver[2] "hy_spread".process', 'did you mean "cir"'),
        ([('process = "cir"\n', '')], 'driver[2] "hy_spread".process', "vasicek"),
        ([('depends_on = "rental"\n', '')], 'driver[5] "lab_alive".sensitivity', "depends_on"),
        ([('depends_on = "rental"', 'depends_on = "lab_alive"')], 'driver[5] "lab_alive".depends_on', "cycle"),
        ([('depends_on = "rental"', 'depends_on = "sofr"')], 'driver[5] "lab_alive".depends_on', "a floor above 0"),
        # hardware and sites
        ([('available_to = "2028Q2"', 'available_to = "2026Q4"')], GB300 + ".available_to", "before the start"),
        ([('resale_column = "rental"', 'resale_column = "utilisation"')], GB300 + ".resale_column", "starts at 0.85"),
        ([('resale_column = "rental"', 'resale_column = "rental"\navailability_column = "plain"'),
          ("[correlation]", VASICEK.replace("start = 1.0", "start = 1.5") + "\n[correlation]")],
         GB300 + ".availability_column", "from 0 to 1"),
        ([('kind = "fibre"', 'kind = "cooling"')], SITE + '.layer[5] "cooling".kind', "each layer once"),
        ([('kind = "fibre"', 'kind = "fiber"')], SITE + '.layer[5] "fiber".kind', 'did you mean "fibre"'),
        ([('stages = [0.1, 0.2, 0.3, 0.3, 0.1]', 'stages = [0.1, 0.2, 0.3, 0.3]')], SITE + '.layer[1] "shell".stages', "sum to 1"),
        ([('opening_mw = 24', 'opening_mw = 95')], SITE + '.layer[1] "shell".opening_mw', "at most max_mw"),
        ([('110, 110, 110]', '110, 110, 120]')], SITE + '.layer[2] "power".schedule_mw', "at most max_mw"),
        # revenue
        ([('sign_to = "2028Q1"', 'sign_to = "2026Q3"')], LAB + ".sign_to", "before the start"),
        ([('survival = "lab_alive"', 'survival = "rental"')], LAB + ".survival", "process survival"),
        ([('recovery = 0.1', 'recovery = 1.0')], LAB + ".survival", "recovery below 1"),
        ([('survival = "lab_alive"\n', '')], LAB + ".relet_share", "survival"),
        ([('prepayment = 0.05', 'opening_volume = 5')], LAB + ".opening_volume", "opening_term"),
        ([('prepayment = 0.05', 'opening_term = 2')], LAB + ".opening_volume", "give the volume"),
        ([('rental = 5.0', 'rental = 0'), ('rental = 8.0', 'rental = 0')], "merchant", "rental above 0"),
        ([('prepayment = 0.05', 'opening_receivable = 0.1')], LAB + ".opening_receivable", "0 without opening_volume"),
        ([('prepayment = 0.05', 'shortfall = "damages"')], LAB + ".damages", "add damages"),
        ([('prepayment = 0.05', 'damages = 0.5')], LAB + ".damages", 'shortfall = "damages"'),
        ([('prepayment = 0.05', 'payment_days = 400')], LAB + ".payment_days", "-92 to 366"),
        ([('prepayment = 0.05', 'payment_days = -93')], LAB + ".payment_days", "-92 to 366"),
        ([('resale_column = "rental"', 'resale_column = "rental"\navailability_column = "lets"'),
          ("[correlation]", '[[column]]\nid = "lets"\ndrivers = ["utilisation", "plain"]\n' + VASICEK + "\n[correlation]")],
         GB300 + ".availability_column", "logistic_share"),
        ([('resale_column = "rental"', 'resale_column = "rental"\navailability_column = "lets"'),
          ("[correlation]", '[[column]]\nid = "lets"\ndrivers = ["utilisation", "one_up", "other_up"]\n'
           + SURVIVAL.format("one_up", "rental") + SURVIVAL.format("other_up", "rental") + "\n[correlation]")],
         GB300 + ".availability_column", "at most 4 drivers, not 5"),
        # financing
        ([(BULLET, 'amortisation = "bullet"')], NOTES + ".tenor", "add tenor"),
        ([(BULLET, 'tenor = 5\namortisation = "none"')], NOTES + ".tenor", "leave it out"),
        ([('grace = 2 ', 'grace = 20 ')], LOAN + ".grace", "below the tenor, 20"),
        ([(BULLET, 'grace = 1\namortisation = "none"')], NOTES + ".grace", "without a tenor"),
        ([(ANNUITY, 'amortisation = "annuity"')], VENDOR + ".annuity_rate", "add annuity_rate"),
        ([(ANNUITY, 'amortisation = "linear"\nannuity_rate = 0.095')], VENDOR + ".annuity_rate", "left out"),
        ([(ANNUITY, 'amortisation = "custom"')], VENDOR + ".schedule", "12 shares"),
        ([(ANNUITY, 'amortisation = "custom"\nschedule = [0.5, 0.4]'), ("tenor = 3", "tenor = 0.5")], VENDOR + ".schedule", "sum to 1"),
        ([(ANNUITY, 'amortisation = "linear"\nschedule = [1.0]')], VENDOR + ".schedule", "left out"),
        ([('benchmark = "sofr"\nmargin = 0.035', 'margin = 0.035')], LOAN + ".benchmark", "floating"),
        ([('margin = 0.095', 'margin = 0.0'), ('tied_to = "chipmaker" ', ''), ('tied_share = 0.50', '')], VENDOR + ".margin", "costs nothing"),
        ([('margin = 0.095', 'margin = 0.095\naccretion = 0.01')], VENDOR + ".accretion", "bullet"),
        ([('draw_window = 3', 'draw_window = 20')], LOAN + ".draw_window", "below the tenor"),
        ([('draw_window = 3 ', 'draw_window = 0 ')], LOAN + ".commitment_fee", "draw_window"),
        ([('secured_by = "accelerators"', 'secured_by = "none"')], LOAN + ".advance_rate", "secured_by"),
        ([('tied_to = "chipmaker"', 'tied_to = "lab"')], VENDOR + ".tied_to", "a vendor of accelerators: chipmaker"),
        ([('tied_to = "chipmaker"', '')], VENDOR + ".tied_share", "tied_to"),
        ([('use = "accelerators"', 'use = "accelerators"\nissue_from = "2028Q1"\nissue_to = "2027Q4"')], LOAN + ".issue_to", "before"),
        ([('spread = 0.0075', 'spread = 0.0'), ('spread = 0.0 }', 'spread = 0.001 }')],
         LOAN + '.depth[1] "banks".steps[2].spread', "never cheaper"),
        ([('size = 0.15, spread = 0.0 ', 'size = 0, spread = 0.0 ')], LOAN + '.depth[1] "banks".steps[1].size', "above 0"),
        ([('role = "supplier"', 'role = "other"')], 'investor[3] "chip_capital".party', "circular"),
        ([("[[instrument]]\nid = \"notes\"", "[[instrument.depth]]\ninvestor = \"banks\"\nsteps = [{ size = 1, spread = 0 }]\n\n"
           "[[instrument]]\nid = \"notes\"")], LOAN + '.depth[2] "banks".investor', "once per instrument"),
        # opening balance sheet
        ([('age = 2', 'age = 20')], 'opening.fleet[1] "gb300".age', "20 periods"),
        ([('site_life = 15\n', '')], "opening.site_book_value", "site_life"),
        ([('maturity = "2029Q2"', 'maturity = "2026Q4"')], 'opening.debt[1] "old_loan".maturity', "leave repaid debt out"),
        ([('benchmark = "sofr"\nmaturity', 'maturity')], 'opening.debt[1] "old_loan".benchmark', "floating"),
        ([('rate = "floating"\ncoupon', 'rate = "fixed"\ncoupon'), ('benchmark = "sofr"\nmaturity', 'market_margin = 0.03\nmaturity')],
         'opening.debt[1] "old_loan".benchmark', "market_margin is over"),
        # rules
        ([('kind = "compute"', 'kind = "capacity"')], "objective.at", "add at"),
        ([('kind = "compute"', 'kind = "cost"\nat = "2028Q4"')], "objective.target", "add target"),
        ([('kind = "compute"', 'kind = "npv"\ntarget = 2e4')], "objective.at", 'needed with kind = "npv" and a target'),
        ([('kind = "compute"', 'kind = "capacity"\nat = "2030Q1"')], "objective.at", "2027Q1 to 2029Q4"),
        ([('total = 3.0', '')], "budget", "leave [budget] out"),
        ([('deficit_margin = 0.06', 'deficit_margin = -0.01')], "cash.deficit_margin", "from 0 to 0.5"),
        ([('kind = "maturity_wall"\nlimit = 0.90', 'kind = "ltv"\nlimit = 80')], 'covenant[1] "wall".limit', "80 % is written 0.80"),
        ([('limit = 0.90', 'limit = -1')], 'covenant[1] "wall".limit', "at least 0"),
        ([('limit = 0.90', 'limit = 0.9\nfrom_period = "2028Q1"\nto_period = "2027Q1"')], 'covenant[1] "wall".to_period', "before"),
        ([('limit = 0.90', 'limit = 0.9\nfrom_period = "2030Q1"')], 'covenant[1] "wall".from_period', "test nothing"),
        ([('limit = 0.60', 'limit = 0.60\ntarget = 5')], 'risk[2] "net_loss".target', "compute_shortfall"),
        ([('loss = "net_loss"', 'loss = "compute_shortfall"')], 'risk[2] "net_loss".target', "add target"),
        ([('loss = "net_loss"', 'loss = "compute_shortfall"\ntarget = 5\nat = "2026Q4"')], 'risk[2] "net_loss".at', "2027Q1 to"),
        ([('level = 0.95', 'level = 0.99999')], 'risk[1] "liquidity".level', "at least 100000"),
    ],
)  # fmt: skip
def test_bad_case(case, changes, key, words):
    for old, new in changes:
        case.replace(old, new)
    faults = {f.key: f for f in case.faults()}
    assert key in faults, list(faults)
    assert words in f"{faults[key].allowed} {faults[key].cure}"
    assert faults[key].line is not None


def test_tail_is_counted_exactly(case):
    case.replace("count = 20_000", "count = 20")
    assert case.load().risk[0].level == 0.95
    case.replace("count = 20\n", "count = 19\n")
    assert {f.key for f in case.faults()} == {'risk[1] "liquidity".level', 'risk[2] "net_loss".level'}


def test_tail_of_a_covenant_over_the_scenarios_holds_a_scenario(case):
    covenant = '[[covenant]]\nid = "test"\nkind = "ltv"\nlimit = 0.6\nas = "cvar"\nlevel = 0.9999\n'
    fault = case.replace("count = 20_000", "count = 2_000").append(covenant).fault()
    assert fault.key == 'covenant[2] "test".level'
    assert "at least 10000" in fault.cure
    assert case.replace("count = 2_000", "count = 10_000").load().covenant[1].level == 0.9999


def test_cycle_of_survivals_is_shown(case):
    case.append(SURVIVAL.format("first", "second") + SURVIVAL.format("second", "first"))
    cures = [f.cure for f in case.faults()]
    assert cures == ["a cycle: first → second → first; break it", "a cycle: second → first → second; break it"]


def test_survival_may_not_lean_on_survival(case):
    case.append(SURVIVAL.format("other", "lab_alive"))
    assert case.fault().key == 'driver[6] "other".depends_on'


def test_relet_needs_a_market(case):
    start = case.text.index("[merchant]")
    case.text = case.text[:start] + case.text[case.text.index("[[contract]]", start) :]
    assert case.fault().key == LAB + ".relet_share"


def test_an_entry_at_fault_is_still_a_target(case):
    """A fault inside an entry does not make every reference to it dangle."""
    fault = case.replace('process = "vasicek"', 'process = "vasicec"').fault()
    assert fault.key == 'driver[1] "sofr".process'
    case.replace("accelerators = 72", "accelerators = 0")
    assert len(case.faults()) == 2


def test_custom_schedule_and_equity_are_read(case):
    case.replace(ANNUITY, 'amortisation = "custom"\nschedule = [0.25, 0.75]').replace("tenor = 3", "tenor = 0.5")
    case.replace(BULLET, 'amortisation = "none"')
    loaded = case.load()
    assert loaded.instrument[2].schedule == (0.25, 0.75)
    assert loaded.instrument[1].tenor is None


SHELL = "opex = 0.35                      # million per MW of shell and year"


@pytest.mark.parametrize(
    "terms, key",
    [
        ("sublet_share = 0.5", "sublet_share"),
        ("lease = 10\nopex = 0", "lease"),
        ("opening_lease = 7\nopex = 0", "opening_lease"),
    ],
)
def test_terms_of_a_lease_that_say_nothing(case, terms, key):
    opex = "" if "opex" in terms else SHELL
    fault = case.replace(SHELL, f"{terms}\n{opex}").fault()
    assert fault.key == f"{SITE}.{key}"


def test_a_remaining_lease_needs_a_shell(case):
    case.replace(SHELL, f"{SHELL}\nopening_lease = 7\nsublet_share = 0.5")
    assert case.load().site[0].opening_lease == 28
    fault = case.replace("opening_mw = 24", "opening_mw = 0").fault()
    assert (fault.key, fault.value) == (f"{SITE}.opening_lease", "7.0")


@pytest.mark.parametrize(
    "role, key", [('role = "supplier"', GB300 + ".vendor"), ('role = "customer"', LAB + ".customer")]
)
def test_who_supplies_or_signs_is_no_other(case, role, key):
    """Else an offer that nobody takes would make the funding of a party circular."""
    assert key in [f.key for f in case.replace(role, 'role = "other"').faults()]
