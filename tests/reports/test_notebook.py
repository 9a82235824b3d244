"""Results in a notebook or a script: words, charts, and the run folder written and read back."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import capmix
import pytest
from capmix.reports.exits import UsageError
from capmix.reports.summary.terminal import render

from .stored import FOLDER, stored

CASE = FOLDER / "starter" / "case" / "starter.toml"


@pytest.fixture(scope="module")
def plan() -> capmix.Plan:
    return capmix.optimize(CASE, scenarios=500, seed=1, device="cpu")


def test_a_result_is_told_in_a_line(plan: capmix.Plan) -> None:
    assert repr(plan).startswith("<Plan starter: certified, ")
    assert "\n" not in repr(plan)
    assert len(repr([plan])) < 160


def test_the_summary_is_that_of_the_command(plan: capmix.Plan) -> None:
    assert plan.summary(90) == render(plan, 90)


def test_a_notebook_shows_the_head_of_the_report(plan: capmix.Plan) -> None:
    head = plan._repr_html_()
    assert "capital raised" in head
    assert "<script" not in head
    hostile = dataclasses.replace(plan.case.case, title="<img src=x onerror=alert(1)>")
    named = dataclasses.replace(plan, case=dataclasses.replace(plan.case, case=hostile))
    assert "<img" not in named._repr_html_()


def test_charts_by_name(plan: capmix.Plan) -> None:
    assert "cash_fan" in dir(plan.charts)
    spec = plan.charts.cash_fan().to_dict()
    assert spec["title"] == "Cash against its minimum"
    assert not hasattr(plan.charts, "cash_fam")
    with pytest.raises(AttributeError, match="cash_fan"):
        plan.charts.cash_fam()


@pytest.mark.parametrize("tables", ["csv", "parquet"])
def test_a_saved_plan_is_read_back(plan: capmix.Plan, tmp_path: Path, tables: str) -> None:
    folder = plan.save(tmp_path / "run", tables=tables)
    again = capmix.load_plan(str(folder))
    assert again.certificate == plan.certificate
    assert again.tables["cash_flow"].rows == plan.tables["cash_flow"].rows
    assert (folder / "report.html").stat().st_size > 100_000
    for full in (False, True):
        assert again.summary(full=full) == plan.summary(full=full)


def test_a_saved_plan_verifies(plan: capmix.Plan, tmp_path: Path) -> None:
    folder = plan.save(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-m", "capmix", "verify", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_no_file_holds_is_not_saved(plan: capmix.Plan, tmp_path: Path) -> None:
    changed = dataclasses.replace(plan.case, risk=())
    with pytest.raises(UsageError, match="is not that of"):
        dataclasses.replace(plan, case=changed).save(tmp_path / "a")
    with pytest.raises(UsageError, match="made in Python"):
        dataclasses.replace(plan, case=dataclasses.replace(plan.case, path="")).save(tmp_path / "b")
    with pytest.raises(UsageError, match="csv or parquet"):
        plan.save(tmp_path / "c", tables="xls")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_never_written_into(plan: capmix.Plan, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="never overwritten"):
        plan.save(tmp_path)


def test_comparisons_and_frontiers_show_themselves_too(tmp_path: Path) -> None:
    found = capmix.frontier(CASE, points=3, scenarios=300, seed=1, device="cpu")
    assert repr(found).startswith("<Frontier starter: liquidity at 3 points, ")
    assert "frontier" in dir(found.charts)
    assert found.charts.frontier().to_dict()["title"] == "What risk buys"
    folder = found.save(tmp_path / "frontier")
    assert (folder / "frontier.json").is_file()
    assert (folder / "report.html").is_file()
    variants = capmix.load_case("neocloud")
    compared = capmix.compare(variants, variants=["debt"], scenarios=300, seed=1, device="cpu")
    assert repr(compared).startswith("<Comparison neocloud: debt ")
    assert "objective" in dir(compared.charts)
    assert "debt" in compared.summary()
    assert (compared.save(tmp_path / "compare") / "variants" / "debt" / "plan.json").is_file()


def test_a_stored_plan_shows_itself() -> None:
    assert repr(stored("group")).startswith("<Plan starter: certified")


def test_importing_the_package_loads_no_face() -> None:
    code = "import sys, capmix; print(sorted(m for m in sys.modules if m.startswith('capmix.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['capmix.faces']"
