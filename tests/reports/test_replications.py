"""Replications in the summary and in plan.json: words, widths, few of them, and options that are refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Estimate, LimitReplicated, Replication, Replications
from capmix.reports.cli import main
from capmix.reports.files.document import document, encode
from capmix.reports.files.json_schema import faults
from capmix.reports.files.schema import schema
from capmix.reports.summary.terminal import render
from rich.cells import cell_len

from .plans import make_plan
from .test_terminal import squeezed

SIZE = 1_234_567.25
ONE = Replication(1, Status.CERTIFIED, SIZE, SIZE, SIZE, 12.0, (2.1,), {"risk[liquidity]": 800.0})


def many(**changes: Any) -> Replications:
    found: dict[str, Any] = {
        "asked": 3,
        "each": (ONE, ONE, ONE),
        "certified": 3,
        "infeasible": 0,
        "optimum": Estimate(1_234_000.0, 500.0, 1_231_848.0, 1_236_151.0),
        "spread": 0.002 * SIZE,
        "gap": Estimate(1e-5 * SIZE, 1e-6 * SIZE, 0.0, 2e-5 * SIZE),
        "limits": (
            LimitReplicated(
                "liquidity", 2.0, "billion", Estimate(2.013, 0.03, 1.9, 2.1), 2, Estimate(810.0, 8.0, 775.0, 844.0)
            ),
        ),
    }
    return Replications(**(found | changes))


def few() -> Replications:
    nothing = LimitReplicated("liquidity", 2.0, "billion", None, 1, None)
    return many(each=(ONE,), certified=1, optimum=None, spread=None, gap=None, limits=(nothing,))


def test_the_summary_says_it() -> None:
    text = squeezed(render(make_plan(replications=many()), 100))
    for words in (
        "REPLICATIONS planned again on other sets of 100,000 scenarios; ± standard error",
        "optimum of 3: 1,234,000 ± 500 PFLOP/s-years; one more set moves it by ± 0.20% (95 %)",
        "this plan is 0.001% from their optimum, below 0.002% at 95 %, what it exceeds charged at its price",
        "liquidity 2.000 2.013 ± 0.030 2 of 3 810 ± 8.0 bn",
        "gap 3.4e-06. As many other scenarios move the optimum by ± 0.20% (95 %, 3 replications).",
    ):
        assert words in text


def test_their_time_is_said() -> None:
    plan = make_plan(replications=many())
    plan = dataclasses.replace(plan, timings=dataclasses.replace(plan.timings, replications_s=14.1))
    assert "solve 2.50 s, replications 14.1 s" in squeezed(render(plan, 100, full=True))
    assert document(plan)["timings"]["replications_s"] == 14.1


def test_few_are_no_estimate() -> None:
    text = squeezed(render(make_plan(replications=few()), 100))
    assert "liquidity 2.000 – 1 of 1 – bn" in text
    assert "2 replications of 3 not made" in text
    assert "optimum of" not in text
    assert "As many other" not in text
    assert "REPLICATIONS" not in render(make_plan(), 100)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("found", [many(), few()], ids=["many", "few"])
def test_lines_fit(width: int, found: Replications) -> None:
    assert max(map(cell_len, render(make_plan(replications=found), width).splitlines())) <= width


@pytest.mark.parametrize("found", [None, many(), few()], ids=["none", "many", "few"])
def test_the_document_fits_its_schema(found: Replications | None) -> None:
    loaded = json.loads(encode(document(make_plan(replications=found))))
    assert list(faults(loaded, schema())) == []
    if found is None:
        assert loaded["replications"] is None
    else:
        assert loaded["replications"]["made"] == len(found.each)


@pytest.mark.parametrize("value", ["1", "-2", "2.5", "1001", "many"])
def test_a_number_that_makes_no_sense_is_wrong_usage(
    value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "hyperscaler", "--replications", value]) == 2
    said = capsys.readouterr().err
    assert "--replications" in said
    assert "whole number from 2 to 1,000" in said or "is not a number" in said
