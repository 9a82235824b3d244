"""The memory that a plan needs: ledger and linear program count, and what is said where they alone do not fit."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pytest
from capmix import load_case
from capmix.models.build import build_ledger
from capmix.models.schema.case import Case
from capmix.reports import memory


def starter() -> Case:
    return load_case(str(files("capmix.models.reading") / "starter.toml"))


def with_bonds(case: Case, count: int) -> Case:
    bond = next(i for i in case.instrument if i.draw_window == 0)
    more = tuple(replace(bond, id=f"{bond.id}_{k}") for k in range(count))
    return replace(case, instrument=(*case.instrument, *more))


@pytest.mark.parametrize("name", ["hyperscaler", "neocloud", "ai_lab", "many bonds"])
def test_postings_are_estimated_without_making_them(name: str) -> None:
    case = with_bonds(starter(), 60) if name == "many bonds" else load_case(name)
    made = build_ledger(case).coefficient.size
    assert made <= memory.postings(case) <= 1.6 * made


def test_many_instruments_need_more_memory_than_few() -> None:
    """1,500 bonds more: the linear program takes gigabytes, whatever the scenarios."""
    few, many = memory.need(starter(), 1_000), memory.need(with_bonds(starter(), 1_500), 1_000)
    assert many.stored == few.stored
    assert many.peak > few.peak + 5e8


def test_a_program_that_does_not_fit_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_available", lambda: 1_000_000_000)
    case = with_bonds(starter(), 1_500)
    said = memory.shortage(case, 1_000)
    assert "the ledger and the linear program alone take about" in said
    assert "fewer instruments" in said
    assert memory.shortage(starter(), 1_000) == ""
