"""plan.json: every key that is promised, no NaN, floats bit for bit, and in agreement with its schema and its page."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from capmix.optimizer.cutting_planes.solution import Status
from capmix.reports.files.document import document, encode
from capmix.reports.files.json_schema import faults
from capmix.reports.files.schema import schema

from .plans import infeasible_plan, make_plan

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "plan", [make_plan(), infeasible_plan(), make_plan(status=Status.STOPPED)], ids=["good", "none", "stopped"]
)
def test_document_fits_its_schema(plan):
    loaded = json.loads(encode(document(plan)))
    assert list(faults(loaded, schema())) == []


def test_the_validator_finds_faults():
    loaded = json.loads(encode(document(make_plan())))
    loaded["status"] = "fine"
    loaded["extra"] = 1
    loaded["risk"][0]["level"] = "0.95"
    loaded["scenarios"]["count"] = -1
    del loaded["objective"]["unit"]
    assert len(list(faults(loaded, schema()))) == 5


def test_promised_keys():
    d = document(make_plan())
    assert {
        "schema_version",
        "status",
        "objective",
        "certificate",
        "risk",
        "scenarios",
        "device",
        "timings",
        "passes",
    } <= set(d)
    assert {"funding", "decisions", "tables", "infeasibility", "prices", "messages"} <= set(d)
    assert set(d["objective"]) == {"name", "value", "unit"}
    assert {"upper_bound", "lower_bound", "gap"} <= set(d["certificate"])
    assert set(d["risk"][0]["out_of_sample"]) == {"value", "ci_low", "ci_high"}
    assert {"count", "seed"} <= set(d["scenarios"])
    assert {"simulate_s", "evaluate_s", "master_s", "total_s"} <= set(d["timings"])
    assert {"by_instrument", "by_holder", "circular_share"} <= set(d["funding"])
    assert d["decisions"][0]["key"] == "order[gb300,texas,2026Q4]"


def test_floats_and_large_seeds_survive_the_text():
    loaded = json.loads(encode(document(make_plan())))
    assert loaded["risk"][0]["var"] == 0.1 + 0.2
    assert loaded["decisions"][0]["amount"] == 1 / 3
    assert loaded["scenarios"]["seed"] == 2**64 - 1


def test_what_is_not_finite_is_null():
    plan = make_plan(objective_value=math.nan, status=Status.STOPPED)
    plan = dataclasses.replace(plan, certificate=dataclasses.replace(plan.certificate, upper_bound=math.inf))
    text = encode(document(plan)).decode()
    assert "NaN" not in text
    assert "Infinity" not in text
    loaded = json.loads(text)
    assert loaded["objective"]["value"] is None
    assert loaded["certificate"]["upper_bound"] is None


def test_encode_refuses_nan():
    with pytest.raises(ValueError, match="JSON"):
        encode({"x": math.nan})


def test_infeasible_has_no_decisions_and_says_why():
    d = document(infeasible_plan())
    assert (d["status"], d["exit_code"], d["decisions"], d["certificate"]) == ("infeasible", 3, [], None)
    assert d["infeasibility"]["minimum_risk"] == [
        {"name": "liquidity", "limit": 2.0, "minimum": 2.31, "unit": "billion"}
    ]


def test_a_table_whose_name_leaves_the_folder_is_refused():
    plan = make_plan()
    table = dataclasses.replace(plan.decisions, name="../x")
    with pytest.raises(ValueError, match="file name"):
        document(dataclasses.replace(plan, tables={"../x": table}))
