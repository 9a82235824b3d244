"""Single values: numbers, counts, shares, years, periods, text, names and choices."""

# ruff: noqa: E501 - one bad value per line

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "old, new, key, shown, words",
    [
        ("opening = 0.90", "opening = nan", "cash.opening", "nan", "nan is not a number"),
        ("opening = 0.90", "opening = inf", "cash.opening", "inf", "check the unit"),
        ("opening = 0.90", "opening = -inf", "cash.opening", "-inf", "check the unit"),
        ("opening = 0.90", "opening = 1e400", "cash.opening", "1e400", "check the unit"),
        ("opening = 0.90", "opening = 1e-320", "cash.opening", "1e-320", "check the unit"),
        ("opening = 0.90", "opening = 12345678901234567890", "cash.opening", "12345678901234567890", "more digits"),
        ("price = 4.0 ", "price = -4.0 ", 'accelerator[1] "gb300".price', "-4.0", "above 0"),
        ("price = 4.0 ", "price = 0 ", 'accelerator[1] "gb300".price', "0", "above 0"),
        ('price = 4.0 ', 'price = "4.0 USD" ', 'accelerator[1] "gb300".price', '"4.0 USD"', "no unit"),
        ("life = 5 ", "life = 0 ", 'accelerator[1] "gb300".life', "0", "above 0"),
        ("life = 5 ", "life = 0.3 ", 'accelerator[1] "gb300".life', "0.3", "nearest is 0.25"),
        ("rate = 0.21", "rate = true", "tax.rate", "true", "not numbers"),
        ("rate = 0.21", 'rate = "0.21"', "tax.rate", '"0.21"', "leave out the quotes"),
        ("rate = 0.21", "rate = 21", "tax.rate", "21", "15 % is written 0.15"),
        ("money_discount = 0.10", "money_discount = 8", "objective.money_discount", "8", "8 % is written 0.08"),
        ("margin = 0.035", "margin = 8", 'instrument[1] "gpu_loan".margin', "8", "225 bp is written 0.0225"),
        ("accelerators = 72", "accelerators = 72.5", 'accelerator[1] "gb300".accelerators', "72.5", "whole units"),
        ("accelerators = 72", "accelerators = 72.0", 'accelerator[1] "gb300".accelerators', "72.0", "write 72"),
        ("accelerators = 72", "accelerators = true", 'accelerator[1] "gb300".accelerators', "true", "not numbers"),
        ("count = 20_000", "count = 0", "simulation.count", "0", "from 1 to 1000000000"),
        ("seed = 1", "seed = -1", "simulation.seed", "-1", "from 0 to 18446744073709551615"),
        ("seed = 1", "seed = 18446744073709551616", "simulation.seed", "18446744073709551616", "from 0"),
        ("volatility = 0.009", "volatility = -0.1", 'driver[1] "sofr".volatility', "-0.1", "from 0 to"),
        ("periods = 12", "periods = 1", "horizon.periods", "1", "from 2 to 480"),
        ("tenor = 3", "tenor = 0", 'instrument[3] "vendor_credit".tenor', "0", "above 0"),
        ('kind = "compute"', 'kind = "compte"', "objective.kind", '"compte"', 'did you mean "compute"'),
        ('id = "gb300"', 'id = "GB 300"', 'accelerator[1] "GB 300".id', '"GB 300"', 'write "gb_300"'),
        ('available_from = "2027Q3"', 'available_from = "2027Q5"', 'accelerator[2] "vr200".available_from', '"2027Q5"', "2027Q1"),
        ('available_from = "2027Q3"', "available_from = 2027", 'accelerator[2] "vr200".available_from', "2027", "2027Q1"),
        ('available_from = "2027Q3"', 'available_from = "2027-02-30"', 'accelerator[2] "vr200".available_from', '"2027-02-30"', "calendar"),
        ('available_from = "2027Q3"', 'available_from = "9999Q1"', 'accelerator[2] "vr200".available_from', '"9999Q1"', "1900 to 2200"),
        ('start = "2027Q1"', 'start = "2027-13"', "horizon.start", '"2027-13"', "month"),
        ("[cash]", "[cash]\nopenning = 1", "cash.openning", "1", 'did you mean "opening"'),
        ("[cash]", '[cash]\ncurrency = "EUR"', "cash.currency", '"EUR"', "given once"),
        ("price = 4.0 ", "price = 4.0\nprice_eur = 3.6 ", 'accelerator[1] "gb300".price_eur', "3.6", "given once"),
        ('currency = "USD"', 'currency = "USD, EUR"', "case.currency", '"USD, EUR"', "one currency"),
        ('name = "starter"', 'name = "con"', "case.name", '"con"', "another name"),
    ],
)  # fmt: skip
def test_bad_value(case, old, new, key, shown, words):
    faults = case.replace(old, new).faults()
    fault = next(f for f in faults if f.key == key)
    assert fault.value == shown
    assert words in f"{fault.allowed} {fault.cure}"
    assert fault.line == case.changed
    if old not in ('id = "gb300"',):  # what refers to a faulty id is reported too
        assert len(faults) == 1


@pytest.mark.parametrize("level", ["0", "1", "95"])
def test_confidence_level_lies_between_0_and_1(case, level):
    fault = case.replace("level = 0.95", f"level = {level}").fault()
    assert fault.key == 'risk[1] "liquidity".level'
    assert "95 % is written 0.95" in fault.cure


@pytest.mark.parametrize(
    "title",
    [
        r"a\nb",
        r"\u001b[31mred",
        r"a\u0000",
        r"x\u202Ey",
        r"x\u2028y",
        "=1+1",
        "+1",
        "-1",
        "@sum(a1)",
        r" \t=1",
        r"a\rb",
    ],
)
def test_text_that_could_harm_a_reader_is_refused(case, title):
    fault = case.replace('title = "SOFR"', f'title = "{title}"').fault()
    assert fault.key == 'driver[1] "sofr".title'
    assert fault.value.isprintable()


@pytest.mark.parametrize("name", ["=cmd", "a b", r"a\nb", r"a\u001b[0m", "../up", "A", "", "1a", "a" * 65, "é"])
def test_ids_are_plain(case, name):
    faults = case.replace('name = "starter"', f'name = "{name}"').faults()
    assert [f.key for f in faults] == ["case.name"]
    assert str(faults[0]).replace("\n", "").isprintable()


def test_unknown_keys_are_shown_safely(case):
    fault = case.replace("[tax]", '[tax]\n"\\u001b[31m=x" = 1').fault()
    assert str(fault).replace("\n", "").isprintable()
    assert fault.key.startswith("tax.")


def test_periods_in_all_spellings(case):
    case.replace('available_from = "2027Q3"', "available_from = 2027-08-15")
    case.replace('sign_from = "2027Q1"', 'sign_from = "2026-12"').replace('sign_to = "2028Q1"', 'sign_to = "2099Q1"')
    loaded = case.load()
    assert loaded.accelerator[1].available_from == 2
    assert loaded.contract[0].sign_from == -1
    assert loaded.contract[0].sign_to == 4 * 72
    fault = case.replace("2027-08-15", "2027-08-15T00:00:00").fault()
    assert "time of day" in fault.cure


def test_horizon_start_may_be_a_date_and_months_count_years_in_twelve(case):
    loaded = case.replace('start = "2027Q1"', "start = 2027-01-01").load()
    assert loaded.horizon.label(0) == "2027Q1"
    case.replace("2027-01-01", '"2027-02"').replace('step = "quarter"', 'step = "month"')
    faults = {f.key: f for f in case.faults()}
    assert "write it as 2027-03" in faults['accelerator[1] "gb300".available_from'].cure
    assert 'contract[1] "lab_deal".sign_to' in faults


def test_years_become_periods(case):
    loaded = case.load()
    assert [i.tenor for i in loaded.instrument] == [20, 20, 12]
    assert case.replace("life = 5 ", "life = 0.75 ").load().accelerator[0].life == 3


def test_maturity_past_the_horizon_is_allowed(case):
    loaded = case.replace("tenor = 5\n", "tenor = 30\n").replace('maturity = "2029Q2"', 'maturity = "2060Q4"').load()
    assert loaded.instrument[1].tenor == 120
    assert loaded.opening.debt[0].maturity == 135


def test_largest_seed(case):
    assert case.replace("seed = 1", f"seed = {2**64 - 1}").load().simulation.seed == 2**64 - 1


def test_missing_keys_sections_and_entries(case):
    case.replace("opening = 0.90\n", "").replace("[tax]\nrate = 0.21", "[tax]")
    assert [(f.key, f.value, f.line) for f in case.faults()] == [
        ("cash.opening", "(missing)", case.line("[cash]")),
        ("tax.rate", "(missing)", case.line("[tax]")),
    ]
    case.text = case.text[: case.text.index("[[accelerator]]")]
    keys = {f.key: f for f in case.faults()}
    assert keys["accelerator"].cure == "add [[accelerator]]"
    assert keys["site"].value == "(missing)"


def test_missing_horizon_is_one_fault(case):
    case.text = case.text.replace("[horizon]\n", "").replace('start = "2027Q1"', "").replace("periods = 12\n", "")
    case.text = case.text.replace('step = "quarter"\n', "")
    assert [f.key for f in case.faults()] == ["horizon"]


def test_single_and_double_brackets(case):
    case.replace('[[party]]\nid = "lab"\ntitle = "AI laboratory"\nrole = "customer"\n', "").replace(
        "[[party]]", "[party]"
    )
    case.replace("[budget]", "[[budget]]")
    faults = {f.key: f for f in case.faults()}
    assert "double brackets" in faults["party"].cure
    assert "single brackets" in faults["budget"].cure
    assert faults["party"].line == case.line("[party]")
