"""Dates: forms that are read, forms that are named with the cure, and dates amid a period."""

from __future__ import annotations

import re

import pytest
from capmix.models.reading import load_case
from capmix.models.reading.dates import named

Q1 = 2027 * 4


@pytest.mark.parametrize(
    "text",
    ["2027Q1", "2027q1", "2027-Q1", "2027 Q1", "2027/Q1", "Q1 2027", "q1-2027", "Q1/2027", "2027-01", "2027-03",
     "2027-01-01", "2027-03-31", "2027-03-31 00:00:00", "2027-03-31T00:00", "31.03.2027", "1.1.2027"],
)  # fmt: skip
def test_forms_that_are_read(text):
    found = named(text, 4)
    assert found.number == Q1
    assert found.begins or found.ends


@pytest.mark.parametrize(
    "text, cure",
    [
        ("FY27Q1", "fiscal year"),
        ("FY2027 Q1", "fiscal year"),
        ("Q1 FY27", "fiscal year"),
        ("Q1 27", "four digits"),
        ("27Q1", "four digits"),
        ("1Q27", "four digits"),
        ("31.03.27", "four digits"),
        ("03/31/2027", '"2027-03-31"'),
        ("31/03/2027", '"2027-03-31"'),
        ("01/02/2027", '"2027-02-01" or "2027-01-02"'),
        ("03/2027", '"2027-03"'),
        ("03.2027", '"2027-03"'),
        ("2027/03", '"2027-03"'),
        ("Mar 2027", '"2027-03"'),
        ("März 2027", '"2027-03"'),
        ("March-2027", '"2027-03"'),
        ("Mar-27", "four digits"),
        ("46477", '"2027-03-31"'),
        ("2027-03-31 08:00:00", '"2027-03-31"'),
        ("2027-03-31T00:00:00Z", '"2027-03-31"'),
        (" 2027Q1", '"2027Q1"'),
        ("2027", "write it as"),
        ("2027Q5", "write it as"),
        ("2027-13", "between 01 and 12"),
        ("2027-02-30", "calendar"),
        ("30.02.2027", "calendar"),
        ("9999Q1", "1900 to 2200"),
        ("", "write it as"),
    ],
)
def test_forms_that_are_named(text, cure):
    with pytest.raises(ValueError, match=re.escape(cure)) as caught:
        named(text, 4)
    for offered in re.findall(r'"(2027[^"]*)"', str(caught.value)):
        named(offered, 4)  # the cure, followed


def test_a_quarter_in_months_is_offered_as_months():
    with pytest.raises(ValueError, match="write it as 2027-06, or 2027-04 for its first month"):
        named("2027-Q2", 12)


@pytest.mark.parametrize(
    "start", ['"2027-02"', '"2027-03"', '"2027-01-15"', "2027-02-01", '"2027-03-31"', '"31.03.2027"']
)
def test_a_horizon_starts_with_a_quarter(case, start):
    fault = case.replace('start = "2027Q1"', f"start = {start}").fault()
    assert fault.key == "horizon.start"
    assert '"2027Q1" or "2027Q2"' in fault.cure
    assert 'step = "month"' in fault.cure


@pytest.mark.parametrize("start", ['"2027-Q1"', '"Q1 2027"', '"2027-01"', "2027-01-01", '"01.01.2027"'])
def test_a_horizon_starts_in_any_form(case, start):
    loaded = case.replace('start = "2027Q1"', f"start = {start}").load()
    assert loaded.horizon.labels[0] == "2027Q1"
    assert not loaded.warnings


def test_a_fiscal_quarter_is_no_calendar_quarter(case):
    """A debt that falls due with the first fiscal quarter landed a period late."""
    case.replace('start = "2027Q1"', 'start = "2027-02"').replace('maturity = "2029Q2"', 'maturity = "2027-04-30"')
    assert case.fault().key == "horizon.start"
    case.replace('start = "2027-02"', 'start = "2027Q1"')
    (doubt,) = case.load().warnings
    assert doubt.key == 'opening.debt[1] "old_loan".maturity'
    assert doubt.line == case.line("2027-04-30")
    assert "taken as 2027Q2" in doubt.usual
    assert '"2027Q2" or "2027Q1"' in doubt.cure


def test_months_start_on_their_first_day(case):
    case.text = case.text.replace('step = "quarter"', 'step = "month"')
    fault = next(f for f in case.replace('start = "2027Q1"', "start = 2027-02-11").faults() if f.key == "horizon.start")
    assert '"2027-02" or "2027-03"' in fault.cure


@pytest.mark.parametrize(
    "old, new, doubted",
    [
        ('available_from = "2027Q3"', 'available_from = "2027-07"', False),
        ('available_from = "2027Q3"', "available_from = 2027-07-01", False),
        ('available_from = "2027Q3"', "available_from = 2027-09-30", True),
        ('available_from = "2027Q3"', 'available_from = "2027-08"', True),
        ('available_to = "2028Q2"', "available_to = 2028-06-30", False),
        ('available_to = "2028Q2"', "available_to = 2028-05-31", True),
        ('sign_from = "2027Q1"', 'sign_from = "2027-02"', True),
        ('sign_to = "2028Q1"', 'sign_to = "2028-02"', True),
        ('sign_to = "2028Q1"', 'sign_to = "2028-03"', False),
        ('tenor = 3\n', 'tenor = 3\nissue_from = "2027-05"\n', True),
        ('tenor = 3\n', 'tenor = 3\nissue_to = "2027-05"\n', True),
        ('tenor = 3\n', 'tenor = 3\nissue_to = "2027-06"\n', False),
        ("limit = 0.90\n", 'limit = 0.9\nfrom_period = "2027-05"\n', True),
        ("limit = 0.90\n", 'limit = 0.9\nto_period = "2027-05"\n', True),
        ('kind = "compute"', 'kind = "capacity"\nat = "2028-05"', True),
        ('maturity = "2029Q2"', "maturity = 2029-06-30", False),
        ('maturity = "2029Q2"', "maturity = 2029-05-15", True),
    ],
)  # fmt: skip
def test_a_date_amid_a_period_is_doubted(case, old, new, doubted):
    warnings = case.replace(old, new).load().warnings
    assert len(warnings) == doubted
    for doubt in warnings:
        assert "taken as 20" in doubt.usual
        here, beside = re.findall(r'"(20[^"]*)"', doubt.cure)
        text = case.text
        for offered in (here, beside):  # the cure, followed
            assert not case.replace(new, re.sub(r'"?20[0-9-]+"?(?=\n?$)', f'"{offered}"', new)).load().warnings
            case.text = text


def test_every_period_of_the_schema_says_what_it_bounds():
    from capmix.models.reading.walk import specs
    from capmix.models.schema.case import Case

    def under(cls):
        for _, (spec, _) in specs(cls).items():
            if spec.kind == "period":
                yield spec
            for inner in [spec.cls, *(spec.classes or {}).values()]:
                if inner is not None:
                    yield from under(inner)

    found = list(under(Case))
    assert len(found) > 10
    assert all(spec.edge in ("first", "last") for spec in found), [s.meaning for s in found if not s.edge]


def test_a_horizon_in_another_century_is_doubted(case):
    case.text = re.sub(r"20(2[0-9]Q[1-4])", r"21\1", case.text)
    (doubt,) = case.load().warnings
    assert (doubt.key, doubt.value) == ("horizon.start", '"2127Q1"')


def test_a_horizon_of_generations_is_doubted(case):
    case.replace("periods = 12", "periods = 240")
    case.text = re.sub(r"= \[[0-9, ]{30,}\]", "= 30", case.text)
    assert [(w.key, w.line) for w in case.load().warnings] == [("horizon.periods", case.changed)]


def test_shipped_cases_have_no_doubtful_dates():
    for name in ("hyperscaler", "neocloud", "ai_lab"):
        assert load_case(name).warnings == ()
