"""What a run folder holds, and that its manifest tells the truth about it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from capmix.reports.files.manifest import Run, contents

from .plans import infeasible_plan, make_plan

CASE = {"hand.toml": b"[case]\n", "tables/supply.csv": b"a\n1\n"}


def files(plan, tables="csv"):
    run = Run(["capmix", "plan", "hand.toml"], CASE, datetime(2026, 11, 22, 20, 15, tzinfo=UTC), tables)
    return contents(plan, run, "summary\n")


def test_contents():
    found = files(make_plan())
    assert {"plan.json", "manifest.json", "summary.txt", "case/hand.toml", "case/tables/supply.csv"} <= set(found)
    indexed = {entry["file"] for entry in json.loads(found["plan.json"])["tables"]}
    assert indexed == {name for name in found if name.startswith("tables/")} - {"tables/columns.csv"}
    assert b"decisions,amount,,number" in found["tables/columns.csv"]
    assert b"purchases,2026Q4,systems,count" in found["tables/columns.csv"]


def test_manifest_lists_every_other_file_with_its_hash():
    found = files(make_plan())
    manifest = json.loads(found.pop("manifest.json"))
    assert {f["path"]: (f["bytes"], f["sha256"]) for f in manifest["files"]} == {
        path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in found.items()
    }
    assert manifest["argv"] == ["capmix", "plan", "hand.toml"]
    assert manifest["started"] == "2026-11-22T20:15:00+00:00"
    assert manifest["seed"] == 2**64 - 1
    assert manifest["case"]["sha256"] == "0" * 64
    assert manifest["versions"]["highspy"] == "1.15.0"


def test_same_plan_same_bytes():
    assert files(make_plan()) == files(make_plan())


def test_parquet_replaces_csv():
    pytest.importorskip("pyarrow")
    found = files(make_plan(), "parquet")
    assert [name for name in found if name.startswith("tables/") and name.endswith(".csv")] == ["tables/columns.csv"]
    assert found["tables/purchases.parquet"][:4] == b"PAR1"


def test_infeasible_run_is_kept_without_tables_of_a_plan():
    found = files(infeasible_plan())
    assert [name for name in found if name.startswith("tables/")] == ["tables/columns.csv"]
    assert json.loads(found["plan.json"])["status"] == "infeasible"
