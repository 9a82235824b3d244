"""A finished result is never lost to its presentation, nor to the place where it was to be written."""

from __future__ import annotations

import dataclasses
import errno
import json
import shutil
import tempfile
from pathlib import Path

import capmix.optimizer.run as engine
import pytest
from capmix.models.reading.starter import starter_case
from capmix.reports.cli import main
from capmix.reports.files import folder, manifest
from capmix.reports.files.tables import csv_bytes
from capmix.reports.summary import frontier_view, side_by_side, terminal

from .plans import infeasible_plan, make_plan
from .sparse import starter


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a case, and a folder of temporary files beside it."""
    for name in ("work", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.delenv("CAPMIX_TRACEBACK", raising=False)
    (tmp_path / "work" / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path / "work"


@pytest.fixture
def planned(monkeypatch):
    plan = make_plan()
    monkeypatch.setattr(engine, "optimize", lambda case, **_: plan)
    return plan


FEW = ["--scenarios", "300", "--no-progress", "--device", "cpu"]
FAILURES = (ValueError("max() arg is an empty sequence"), MemoryError(), RecursionError("too deep"), KeyError("x"))


@pytest.mark.parametrize("error", FAILURES, ids=lambda e: type(e).__name__)
def test_a_summary_that_cannot_be_drawn_costs_only_itself(here, planned, capsys, monkeypatch, error):
    def broken(plan, *_, **__):
        assert (here / "run" / "plan.json").exists(), "the data is safe before anything is drawn"
        raise error

    monkeypatch.setattr(terminal, "render", broken)
    assert main(["plan", "my.toml", "--out", "run"]) == 0
    written = json.loads((here / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert {f["path"] for f in written["files"]} >= {"plan.json", "tables/purchases.csv", "case/my.toml"}
    assert "summary.txt" not in {f["path"] for f in written["files"]}
    printed = capsys.readouterr()
    assert "certified" in printed.out
    assert f"run folder: {here / 'run'}" in printed.out
    assert type(error).__name__ in printed.err
    assert all(line.startswith("capmix: warning: ") for line in printed.err.splitlines())


def test_a_document_is_printed_though_no_summary_can_be_drawn(here, planned, capsysbinary, monkeypatch):
    monkeypatch.setattr(terminal, "render", lambda *_: 1 / 0)
    assert main(["plan", "my.toml", "--out", "run", "--json"]) == 0
    assert capsysbinary.readouterr().out == (here / "run" / "plan.json").read_bytes()


def test_a_table_that_cannot_be_made_costs_only_itself(here, planned, capsys, monkeypatch):
    def write(table):
        if table.name == "bottlenecks":
            raise ValueError("no such cell")
        return csv_bytes(table)

    monkeypatch.setattr(manifest, "csv_bytes", write)
    assert main(["plan", "my.toml", "--out", "run"]) == 5
    assert not (here / "run" / "tables" / "bottlenecks.csv").exists()
    assert (here / "run" / "tables" / "purchases.csv").exists()
    assert (here / "run" / "plan.json").exists()
    assert "tables/bottlenecks.csv cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "frontier"])
def test_comparisons_and_frontiers_are_kept_too(here, capsys, monkeypatch, command):
    def broken(*_, **__):
        assert (here / "run" / f"{command}.json").exists()
        raise ValueError("nothing to draw")

    monkeypatch.setattr(side_by_side, "render_comparison", broken)
    monkeypatch.setattr(frontier_view, "render_frontier", broken)
    monkeypatch.setattr(terminal, "render", broken)
    more = ["--variants", "own_cash,debt"] if command == "compare" else ["--points", "2", "--from", "0", "--to", "1"]
    assert main([command, "my.toml", *FEW, "--out", "run", *more]) == 0
    assert (here / "run" / "manifest.json").exists()
    printed = capsys.readouterr()
    assert f"run folder: {here / 'run'}" in printed.out
    assert "nothing to draw" in printed.err


def gone(here, monkeypatch):
    """The working directory, and the one above it, are removed while the plan is made."""
    shutil.rmtree(here.parent)
    return "No such file"


def full_disk(here, monkeypatch):
    real = folder._write

    def write(path, content):
        if here in path.parents:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    monkeypatch.setattr(folder, "_write", write)
    return "No space left"


@pytest.mark.parametrize("trouble", [gone, full_disk], ids=lambda f: f.__name__)
@pytest.mark.parametrize("json_", [[], ["--json"]], ids=["summary", "document"])
def test_a_plan_whose_place_fails_goes_to_the_temporary_folder(here, capsys, monkeypatch, trouble, json_):
    said, inner = [], here / "outer" / "inner"
    inner.mkdir(parents=True)
    shutil.copy(here / "my.toml", inner)
    monkeypatch.chdir(inner)

    def optimize(case, **_):
        said.append(trouble(inner, monkeypatch))
        return make_plan()

    monkeypatch.setattr(engine, "optimize", optimize)
    assert main(["plan", "my.toml", "--out", "run", *json_]) == 5
    (found,) = (here.parent / "temporary").iterdir()
    assert found.name == "capmix-run"
    assert json.loads((found / "plan.json").read_text(encoding="utf-8"))["status"] == "certified"
    assert (found / "summary.txt").exists()
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert said[0] in printed.err
    assert f"the run folder is {found}" in printed.err
    assert json.loads(printed.out) if json_ else "CERTIFIED" in printed.out


def test_a_plan_that_can_be_written_nowhere_is_shown_and_that_is_said(here, planned, capsys, monkeypatch):
    def nowhere(path, content):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(folder, "_write", nowhere)
    assert main(["plan", "my.toml", "--out", "run"]) == 5
    printed = capsys.readouterr()
    assert "CERTIFIED" in printed.out
    assert "run folder" not in printed.out
    assert "nor can it be written elsewhere" in printed.err
    assert [p.name for p in here.iterdir()] == ["my.toml"]


def test_no_path_of_the_machine_is_in_the_folder(here, monkeypatch, planned):
    """Whole paths as arguments, and yet what the folder holds can be handed on."""
    case = starter()
    monkeypatch.setattr(
        engine, "optimize", lambda case, **_: dataclasses.replace(planned, case=dataclasses.replace(case))
    )
    for number, words in enumerate((["--out", str(here / "run0")], [f"--out={here / 'run1'}"])):
        assert main(["plan", str(here / "my.toml"), *words]) == 0
        found = here / f"run{number}"
        for path in found.rglob("*"):
            assert not path.is_file() or str(here).encode() not in path.read_bytes(), path
        written = json.loads((found / "manifest.json").read_text(encoding="utf-8"))
        assert written["case"]["path"] == "case/my.toml"
        assert (found / written["case"]["path"]).read_bytes() == (here / "my.toml").read_bytes()
        assert written["argv"][:3] == ["capmix", "plan", "case/my.toml"]
        assert written["argv"][3:] in (["--out", "run0"], ["--out=run1"])
    assert case.path != ""


def test_what_plan_json_lists_is_there_for_every_variant(here):
    """An infeasible variant has few tables, and lists those that it has."""
    text = starter_case() + '\n[variant.safe]\nset = { "risk.liquidity.limit" = -30 }\n'
    (here / "my.toml").write_text(text, encoding="utf-8")
    assert main(["compare", "my.toml", *FEW, "--variants", "debt,safe", "--out", "run"]) == 0
    for name in ("debt", "safe"):
        written = json.loads((here / "run" / "variants" / name / "plan.json").read_text(encoding="utf-8"))
        assert written["status"] == ("infeasible" if name == "safe" else "certified")
        listed = {entry["file"] for entry in written["tables"]}
        assert listed
        assert {f for f in listed if not (here / "run" / "variants" / name / f).is_file()} == set()


def test_an_infeasible_plan_is_kept_where_its_summary_fails(here, monkeypatch, capsys):
    monkeypatch.setattr(engine, "optimize", lambda case, **_: infeasible_plan())
    monkeypatch.setattr(terminal, "render", lambda *_: 1 / 0)
    assert main(["plan", "my.toml", "--out", "run"]) == 3
    assert "infeasible, no plan" in capsys.readouterr().out
    assert Path(here / "run" / "plan.json").exists()
