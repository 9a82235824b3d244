"""Usual ranges: slips of the unit are warned about with what was meant; sound cases are not."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from capmix.models.reading import CaseError, load_case
from capmix.models.reading.values import in_range
from capmix.models.reading.variants import apply_variant
from capmix.models.reading.walk import specs
from capmix.models.schema.case import Case
from capmix.models.schema.fields import Spec
from capmix.models.schema.financing import Instrument
from capmix.models.schema.presets import PRESETS
from capmix.models.schema.usual import PER_DOLLAR

GB300 = 'accelerator[1] "gb300"'
VR200 = 'accelerator[2] "vr200"'
LOAN = 'instrument[1] "gpu_loan"'
CREDIT = 'instrument[3] "vendor_credit"'
RENTAL = 'driver[3] "rental"'
SITE = 'site[1] "prairie"'
SHELL = 'site[1] "prairie".layer[1] "shell"'
MONEY = ("price", "attach_cost", "rental", "power_price", "opex", "cost_per_mw", "opening", "minimum", "total", "limit",
         "issuance_capacity", "amount", "book_value", "site_book_value")  # fmt: skip
HALL = """
[[site]]
id = "hall"
pue = 1.3
power_price = 120
life = 10
[[site.layer]]
kind = "shell"
lead = 1
opening_mw = 12
max_mw = 12
[[site.layer]]
kind = "power"
lead = 1
opening_mw = 16
max_mw = 16
[[site.layer]]
kind = "cooling"
lead = 1
opening_mw = 12
max_mw = 12
[[site.layer]]
kind = "security"
lead = 1
opening_mw = 12
max_mw = 12
[[site.layer]]
kind = "fibre"
lead = 1
opening_mw = 12
max_mw = 12
[[opening.fleet]]
accelerator = "gb300"
site = "hall"
systems = 70
age = 2
"""


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud", "ai_lab"])
def test_shipped_cases_and_their_variants_are_usual(name):
    case = load_case(name)
    assert case.warnings == ()
    assert case.remarks == ()
    for variant in case.variant:
        assert apply_variant(case, variant.id).warnings == ()


def test_the_starter_is_usual(case):
    assert case.load().warnings == ()


@pytest.mark.parametrize(
    "old, new, key, meant",
    [
        # per cent
        ("volatility = 0.22", "volatility = 22", RENTAL + ".volatility", "0.22? It seems to be given in percent"),
        ("drift = -0.05", "drift = 5", RENTAL + ".drift", "0.05?"),
        ("drift = -0.05", "drift = -5", RENTAL + ".drift", "-0.05?"),
        ("jump_volatility = 0.10", "jump_volatility = 5", RENTAL + ".jump_volatility", "0.05?"),
        ("hazard = 0.03 ", "hazard = 3 ", 'driver[5] "lab_alive".hazard', "0.03?"),
        ("volatility = 0.009", "volatility = 0.9", 'driver[1] "sofr".volatility', "0.009?"),
        ("reversion = 0.4", "reversion = 40", 'driver[1] "sofr".reversion', "0.4?"),
        ("volatility = 0.06", "volatility = 6", 'driver[2] "hy_spread".volatility', "0.06?"),
        ("volatility = 0.5", "volatility = 50", 'driver[4] "utilisation".volatility', "0.5?"),
        ("start = 0.037", "start = 0.37", 'driver[1] "sofr".start', "in percent"),
        ("margin = 0.035", "margin = 0.35", LOAN + ".margin", "0.0035?"),
        ("fee = 0.0125", "fee = 0.125", LOAN + ".fee", "0.00125?"),
        ("spread = 0.0075", "spread = 0.1", LOAN + '.depth[1] "banks".steps[2].spread', "0.001?"),
        ("commitment_fee = 0.005", "commitment_fee = 0.05", LOAN + ".commitment_fee", "0.0005?"),
        ("coupon = 0.04", "coupon = 0.4", 'opening.debt[1] "old_loan".coupon', "0.004?"),
        ("failure_rate = 0.02", "failure_rate = 0.2", GB300 + ".failure_rate", "0.002?"),
        ("rate = 0.21", "rate = 0.9", "tax.rate", ""),
        ("money_discount = 0.10", "money_discount = 0.9", "objective.money_discount", "0.009?"),
        ("level = 0.95", "level = 0.05", 'risk[1] "liquidity".level', ""),
        ("load_factor = 0.8", "load_factor = 0.08", SITE + ".load_factor", ""),
        # hours, months and years
        ("rental = 5.0 ", "rental = 4600 ", GB300 + ".rental", "6.3? It seems to be given per month"),
        ("rental = 5.0 ", "rental = 43800 ", GB300 + ".rental", "5? It seems to be given per year"),
        ("rental = 5.0 ", "rental = 120 ", GB300 + ".rental", "5? It seems to be given per day"),
        ("price = 1.90", "price = 900", 'contract[1] "lab_deal".price', "per month"),
        ("price = 1.90", "price = 1900", 'contract[1] "lab_deal".price', "1.9? It seems to be given per 1,000 PFLOP/s"),
        ("life = 5 ", "life = 60 ", GB300 + ".life", "5? It seems to be given in months"),
        ("term = 4\n", "term = 48\n", 'contract[1] "lab_deal".term', "4? It seems to be given in months"),
        ("tenor = 3\n", "tenor = 36\n", CREDIT + ".tenor", "3? It seems to be given in months"),
        # thousands, millions, billions
        ("price = 4.0 ", "price = 4_000_000 ", GB300 + ".price", "4? It seems to be given in single units"),
        ("price = 4.0 ", "price = 4000 ", GB300 + ".price", "4? It seems to be given in thousands"),
        ("price = 4.0 ", "price = 0.004 ", GB300 + ".price", "4? It seems to be given in billions"),
        ("attach_cost = 0.5 ", "attach_cost = 500_000 ", GB300 + ".attach_cost", "0.5?"),
        ("cost_per_mw = 3.0 ", "cost_per_mw = 3_000_000 ", SHELL + ".cost_per_mw", "3?"),
        ("cost_per_mw = 3.0 ", "cost_per_mw = 3000 ", SHELL + ".cost_per_mw", "3? It seems to be given per kW"),
        ("opex = 0.35 ", "opex = 150 ", SITE + ".opex", "1.8? It seems to be given per kW and month"),
        ("power_price = 62 ", "power_price = 0.062 ", SITE + ".power_price", "62? It seems to be given per kWh"),
        ("power_price = 62 ", "power_price = 6.2 ", SITE + ".power_price", "62? It seems to be given in cents"),
        ("it_kw = 140 ", "it_kw = 0.14 ", GB300 + ".it_kw", "140? It seems to be given in MW"),
        ("it_kw = 140 ", "it_kw = 140_000 ", GB300 + ".it_kw", "140? It seems to be given in watts"),
        ("bf16_tflops = 2500 ", "bf16_tflops = 2.5 ", GB300 + ".bf16_tflops", "2500? It seems to be given in PFLOP/s"),
        ("opening = 0.90", "opening = 350", "cash.opening", "0.35? It seems to be given in millions"),
        ("minimum = 0.15", "minimum = 150", "cash.minimum", "0.15?"),
        ("total = 3.0", "total = 3000", "budget.total", "3?"),
        ("amount = 0.08", "amount = 80", 'opening.debt[1] "old_loan".amount', "0.08?"),
        ("site_book_value = 0.18", "site_book_value = 180", "opening.site_book_value", "0.18?"),
        ("book_value = 0.15", "book_value = 150", 'opening.fleet[1] "gb300".book_value', "0.15?"),
        ("issuance_capacity = 0.40 ", "issuance_capacity = 400 ", 'investor[1] "banks".issuance_capacity', "0.4?"),
        ("volume = 30_000", "volume = 300_000_000", 'contract[1] "lab_deal".volume', "in TFLOP/s"),
        # per accelerator
        ("price = 4.0 ", "price = 0.0556 ", GB300 + ".price", "4.0032? It seems to be given per accelerator"),
        ("it_kw = 140 ", "it_kw = 1.94 ", GB300 + ".it_kw", "139.68? It seems to be given per accelerator"),
        # no unit, yet no sense
        ("systems = 40", "systems = 4000", 'opening.fleet[1] "gb300".systems', "fewer systems"),
        ("lead = 1 ", "lead = 100 ", GB300 + ".lead", "quarters"),
        ("lead = 4 ", "lead = 100 ", SHELL + ".lead", "quarters"),
        ("ramp = 2 ", "ramp = 12 ", 'contract[1] "lab_deal".ramp', "quarters"),
        ('available_from = "2027Q3"', 'available_from = "2031Q3"', VR200 + ".available_from", "never be"),
        ('maturity = "2029Q2"', 'maturity = "2129Q2"', 'opening.debt[1] "old_loan".maturity', "year"),
    ],
)  # fmt: skip
def test_slips_of_the_unit(case, old, new, key, meant):
    warnings = {w.key: w for w in case.replace(old, new).load().warnings}
    assert key in warnings, list(warnings)
    doubt = warnings[key]
    assert doubt.line is not None
    assert abs(doubt.line - case.changed) <= 1
    assert meant in doubt.cure
    assert "\n" not in str(doubt)
    assert str(doubt).startswith(f"case.toml, line {doubt.line}: {key} = ")


@pytest.mark.parametrize("systems, doubted", [(70, False), (85, False), (90, True), (120, True)])
def test_a_fleet_that_its_hall_cannot_power(case, systems, doubted):
    """120 racks of 140 kW take 16.8 MW of a hall of 12; at a PUE of 1.3 its 16 MW serve 12.3."""
    keys = [w.key for w in case.append(HALL.replace("systems = 70", f"systems = {systems}")).load().warnings]
    assert keys == (['opening.fleet[2] "gb300".systems'] if doubted else [])


def test_energised_power_limits_the_fleet(case):
    case.replace("schedule_mw = [30, 30,", "schedule_mw = [6, 30,")
    (doubt,) = case.load().warnings
    assert "its power serves 5 MW in period 0" in doubt.usual


def test_a_cell_of_a_table_is_named(case):
    case.replace("volatility = 0.22", 'volatility = { table = "v.csv", column = "v" }')
    case.table(
        "v.csv",
        "period,v\n"
        + "".join(f"{y}Q{q},{22 if y == 2028 else 0.2}\n" for y in (2027, 2028, 2029) for q in (1, 2, 3, 4)),
    )
    (doubt,) = case.load().warnings
    assert (doubt.file, doubt.line, doubt.value) == ("v.csv", 6, "22.0")


@pytest.mark.parametrize("code, times", [("EUR", 0.9), ("JPY", 150.0), ("INR", 87.0), ("KWD", 0.31)])
def test_money_follows_the_currency(case, code, times):
    """All money of the starter in another currency is as usual as in dollars."""
    case.replace('currency = "USD"', f'currency = "{code}"')
    for key in MONEY:
        lines = case.text.splitlines()
        for i, line in enumerate(lines):
            head, _, rest = line.partition(" = ")
            if head == key:
                figure = rest.split("#")[0].strip()
                lines[i] = f"{key} = {float(figure) * times!r}"
        case.text = "\n".join(lines) + "\n"
    case.text = case.text.replace("size = 0.", f"size = {math.ceil(times)}0.")
    assert case.load().warnings == ()


def test_dollars_in_a_case_of_yen_are_one_doubt(case):
    warnings = case.replace('currency = "USD"', 'currency = "JPY"').load().warnings
    assert [w.key for w in warnings] == ["case.currency"]
    assert warnings[0].line == case.changed
    assert "US dollars" in warnings[0].usual


def test_an_unknown_currency_has_no_range_of_money(case):
    case.replace('currency = "USD"', 'currency = "XTS"').replace("price = 4.0 ", "price = 400 ")
    case.replace("rental = 5.0", "rental = 500")
    assert [w.key for w in case.load().warnings if not w.key.startswith("contract")] == []


def test_variants_are_doubted_apart(case):
    case.append('[variant.wild]\nset = { "driver.rental.volatility" = 22.0 }')
    loaded = case.load()
    assert loaded.doubts == ()
    (doubt,) = loaded.warnings
    assert (doubt.variant, doubt.key, doubt.line) == ("wild", RENTAL + ".volatility", case.line("[variant.wild]"))
    (own,) = apply_variant(loaded, "wild").doubts
    assert (own.variant, own.value, own.line) == ("", "22.0", doubt.line)
    assert apply_variant(loaded, "debt").warnings == ()


def test_what_a_variant_leaves_stays_doubted(case):
    case.replace("commitment_fee = 0.005", "commitment_fee = 1e-11").replace("fee = 0.0175", "fee = 0.15")
    loaded = case.load()
    assert len(loaded.doubts) == len(loaded.warnings) == 2
    assert apply_variant(loaded, "debt").warnings == loaded.warnings
    assert [w.key for w in apply_variant(loaded, "own_cash").warnings if w.key.endswith(".fee")] == []


def test_faults_are_told_with_the_doubts(case):
    case.replace("volatility = 0.22", "volatility = 22").replace("rate = 0.21", "rate = 21")
    with pytest.raises(CaseError) as caught:
        case.load()
    assert [w.key for w in caught.value.warnings] == [RENTAL + ".volatility"]
    assert "warning: " in str(caught.value)
    assert "did you mean 0.21?" in caught.value.faults[0].cure


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_usual(preset):
    for name, value in PRESETS[preset].terms.items():
        usual = specs(Instrument)[name][0].usual
        if usual is not None and value:
            assert usual.low <= value <= usual.high, (name, value)


def _numeric(cls: type) -> Iterator[tuple[str, Spec, object]]:
    for name, (spec, default) in specs(cls).items():
        if spec.kind in ("number", "series", "numbers", "count", "years"):
            yield f"{cls.__name__}.{name}", spec, default
        for inner in [spec.cls, *(spec.classes or {}).values()]:
            if inner is not None:
                yield from _numeric(inner)


def test_ranges_stand_inside_what_is_allowed():
    """A range that reaches beyond what is allowed would be refused before it warns; defaults lie inside."""
    for name, spec, default in _numeric(Case):
        usual = spec.usual
        if usual is None:
            continue
        assert usual.low < usual.high, name
        assert len(usual.why) > 5, name
        assert in_range(usual.low, spec) or usual.low == spec.gt, name
        assert in_range(usual.high, spec), name
        if isinstance(default, float) and default != 0:
            assert usual.low <= default <= usual.high, name


def test_every_figure_in_percent_has_a_usual_range():
    """Rates, margins, fees and volatilities without one would let a per cent pass in silence."""
    fractions = ("fraction per year", "per year", "per year, continuous", "per square root year", "log")
    for name, spec, _ in _numeric(Case):
        if spec.unit in fractions and name != "CIR.volatility":  # by its use, in check_rates
            assert spec.usual is not None, name


def test_currencies_are_codes_with_a_worth():
    assert all(len(code) == 3 and code.isupper() and 0 < worth < 1e5 for code, worth in PER_DOLLAR.items())
    assert PER_DOLLAR["USD"] == 1
