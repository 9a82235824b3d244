"""Generated cases are cases, of the size asked for."""

from __future__ import annotations

import pytest
from capmix.bench.plan_cases import generated
from capmix.bench.plans import load, row
from capmix.models.build import build_ledger


@pytest.mark.parametrize("months, decisions", [(12, 250), (36, 1_000), (120, 5_000)])
def test_a_generated_case_reads_without_a_fault_and_has_about_the_size(months, decisions):
    case = load(f"{months}x{decisions}")
    assert case.horizon.periods == months
    assert len(build_ledger(case).decisions) == pytest.approx(decisions, rel=0.15)


def test_the_same_size_is_the_same_case():
    assert generated(24, 600) == generated(24, 600)


@pytest.mark.parametrize("months, decisions, word", [(6, 500, "between 12"), (120, 500, "leave no instrument")])
def test_sizes_without_a_case_are_refused(months, decisions, word):
    with pytest.raises(ValueError, match=word):
        generated(months, decisions)


def test_names_of_cases_are_sizes_too():
    assert load("neocloud").case.name == "neocloud"


def test_a_plan_that_did_not_finish_is_a_row():
    assert "did not finish" in row({"size": "120x5000", "scenarios": 100, "load": 1.0, "outcome": "did not finish"})
