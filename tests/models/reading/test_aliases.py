"""Former keys and choices of a case: read as the present ones to the bit, named as written, refused beside them."""

from __future__ import annotations

import dataclasses

import pytest
from capmix import optimize
from capmix.models.reading.variants import apply_variant
from capmix.models.reading.walk import specs
from capmix.models.schema.aliases import FORMER_CHOICES, FORMER_KEYS
from capmix.models.schema.case import Case

REVOLVER = """
[revolver]
holder = "banks"
max_commitment = 0.1
margin = 0.02
tenor = 3
"""
COVENANTS = """
[[covenant]]
id = "cover"
kind = "interest_cover"
limit = 1.5
tightening_step = 0.25
as = "monitored"

[[covenant]]
id = "floor"
kind = "terminal_equity"
limit = -1.0
as = "maintained"
"""
KEYS = [
    ("issuance_capacity", "appetite", 3),
    ("price_decline", "price_fall", 1),
    ("max_commitment", "most", 1),
    ("tightening_step", "notch", 1),
]
CHOICES = [("maintained", "hard"), ("monitored", "report")]


@pytest.fixture
def whole(case):
    return case.append(REVOLVER).append(COVENANTS)


def plain(case: Case) -> Case:
    """Without what tells one file from another."""
    return dataclasses.replace(case, sha256="", remarks=())


def test_every_alias_is_tried() -> None:
    assert {(new, old) for keys in FORMER_KEYS.values() for old, new in keys.items()} == {k[:2] for k in KEYS}
    assert [
        {new: old for old, new in words.items()} for keys in FORMER_CHOICES.values() for words in keys.values()
    ] == [dict(CHOICES)]
    for cls, keys in FORMER_KEYS.items():
        assert set(keys.values()) <= set(specs(cls))
        assert not set(keys) & set(specs(cls))
    for cls, names in FORMER_CHOICES.items():
        for name, words in names.items():
            choices = specs(cls)[name][0].choices
            assert set(words.values()) <= set(choices)
            assert not set(words) & set(choices)


@pytest.mark.parametrize(("present", "former", "count"), KEYS)
def test_a_former_key_is_the_present_one(whole, present: str, former: str, count: int) -> None:
    now = whole.load()
    assert now.remarks == ()
    assert whole.text.count(f"{present} = ") == count
    whole.text = whole.text.replace(f"{present} = ", f"{former} = ")
    then = whole.load()
    assert plain(then) == plain(now)
    assert len(then.remarks) == 1  # said once, however often it stands there
    assert f".{former} is read as " in then.remarks[0]
    assert f".{present}:" in then.remarks[0]
    assert then.doubts == now.doubts  # no doubt: the plan says the same


@pytest.mark.parametrize(("present", "former"), CHOICES)
def test_a_former_choice_is_the_present_one(whole, present: str, former: str) -> None:
    now = whole.load()
    then = whole.replace(f'as = "{present}"', f'as = "{former}"').load()
    assert plain(then) == plain(now)
    assert then.remarks == (f'covenant.as = "{former}" is read as "{present}": the choice has this name now',)


def test_a_case_in_former_words_is_planned_to_the_bit(whole) -> None:
    now = optimize(whole.load(), scenarios=200, seed=1, device="cpu", out_of_sample=False)
    for present, former, _ in KEYS:
        whole.text = whole.text.replace(f"{present} = ", f"{former} = ")
    for present, former in CHOICES:
        whole.text = whole.text.replace(f'as = "{present}"', f'as = "{former}"')
    then = optimize(whole.load(), scenarios=200, seed=1, device="cpu", out_of_sample=False)
    assert then.objective_value == now.objective_value
    assert then.evidence == now.evidence


@pytest.mark.parametrize(("present", "former", "_"), KEYS)
def test_both_names_are_a_fault_at_the_line_of_the_former(whole, present: str, former: str, _: int) -> None:
    line = next(text for text in whole.text.splitlines() if text.startswith(f"{present} = "))
    whole.replace(line, f"{line}\n{former} = 0.5")
    fault = whole.fault()
    assert fault.line == whole.line(f"{former} = 0.5")
    assert fault.key.endswith(f".{former}")
    assert fault.allowed == f"one of {present} and its former name {former}"
    assert fault.cure == f"take {former} out"


@pytest.mark.parametrize(("present", "former", "_"), KEYS)
def test_an_error_names_the_key_as_it_was_written(whole, present: str, former: str, _: int) -> None:
    line = next(text for text in whole.text.splitlines() if text.startswith(f"{present} = "))
    for key in (present, former):
        fault = whole.replace(line, f"{key} = -1").fault()
        assert fault.key.endswith(f".{key}")
        assert fault.line == whole.line(f"{key} = -1")
        line = f"{key} = -1"


def test_a_doubt_names_the_key_as_it_was_written(whole) -> None:
    whole.replace("issuance_capacity = 0.40", "appetite = 400")
    case = whole.append('[variant.none]\nremove = ["lab_deal"]').load()
    assert [(w.key, w.line) for w in case.doubts] == [('investor[1] "banks".appetite', whole.line("appetite = 400"))]
    assert [w.key for w in apply_variant(case, "none").doubts] == ['investor[1] "banks".appetite']


def test_a_missing_key_is_asked_for_by_its_present_name(whole) -> None:
    fault = whole.replace("issuance_capacity = 0.40", "# left out").fault()
    assert fault.key == 'investor[1] "banks".issuance_capacity'


@pytest.mark.parametrize(
    ("present", "former", "value"),
    [
        ("investor.banks.issuance_capacity", "investor.banks.appetite", "0.9"),
        ("investor.*.issuance_capacity", "investor.*.appetite", "0.9"),
        ("contract.lab_deal.price_decline", "contract.lab_deal.price_fall", "0.3"),
        ("revolver.max_commitment", "revolver.most", "0.2"),
        ("covenant.cover.tightening_step", "covenant.cover.notch", "0.5"),
    ],
)
def test_a_variant_may_use_a_former_key(whole, present: str, former: str, value: str) -> None:
    text = whole.text
    changed = []
    for path in (present, former):
        whole.text = f'{text}\n[variant.new]\nset = {{ "{path}" = {value} }}\n'
        loaded = whole.load()
        assert len(loaded.remarks) == (path == former)
        changed.append(plain(dataclasses.replace(apply_variant(loaded, "new"), variant=())))
    assert changed[0] == changed[1]
    whole.text = f'{text}\n[variant.new]\nset = {{ "{present}" = {value}, "{former}" = {value} }}\n'
    fault = whole.fault()
    assert fault.allowed == f"one of {present} and its former name"
    assert fault.cure == f"take {former} out"
    assert fault.line == whole.line("[variant.new]") + 1


def test_a_variant_may_use_a_former_choice(whole) -> None:
    whole.append('[variant.new]\nset = { "covenant.cover.as" = "hard" }\n')
    changed = apply_variant(whole.load(), "new")
    assert {c.id: c.as_ for c in changed.covenant}["cover"] == "maintained"


def test_a_wrong_path_of_a_variant_lists_present_keys_only(whole) -> None:
    fault = whole.append('[variant.new]\nset = { "revolver.mast" = 0.1 }\n').fault()
    assert "max_commitment" in fault.allowed
    assert "most" not in fault.allowed
