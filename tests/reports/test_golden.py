"""Golden summaries of real plans, read back from golden/NAME, at 80 and 120 columns.

After a change that is meant, write plans and summaries anew with
`CAPMIX_REGENERATE_GOLDEN=1 pytest -n 0 tests/reports/test_golden.py` and read their diff.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from capmix.optimizer.table import Table
from capmix.reports.exits import UsageError
from capmix.reports.files.document import all_tables, document, encode
from capmix.reports.files.load import load_plan
from capmix.reports.files.manifest import Run, contents
from capmix.reports.files.run_folder import Unreadable
from capmix.reports.files.solution import solution_makers
from capmix.reports.summary.terminal import render

from .stored import FOLDER, REGENERATE, RUNS, planned, stored


@pytest.mark.parametrize("full", [False, True], ids=["short", "full"])
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", RUNS)
def test_the_summary_of_a_real_plan(name: str, width: int, full: bool) -> None:
    path = FOLDER / f"{name}-{'full-' if full else ''}{width}.txt"
    text = render(stored(name), width, Path("/runs") / name, full=full)
    if REGENERATE:
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", RUNS)
def test_a_stored_plan_has_the_tables_and_columns_that_the_engine_makes_now(name: str) -> None:
    def layout(table: Table) -> tuple[object, ...]:
        return table.name, tuple((c.name, c.unit, c.form) for c in table.columns)

    now = planned(name, 100)
    assert [layout(t) for t in all_tables(stored(name)).values()] == [layout(t) for t in all_tables(now).values()]


@pytest.mark.parametrize("name", RUNS)
def test_what_is_read_back_writes_the_same_files(name: str) -> None:
    plan, folder = stored(name), FOLDER / name
    assert encode({**document(plan), "capmix_version": ""}) == encode(
        {**json.loads((folder / "plan.json").read_text(encoding="utf-8")), "capmix_version": ""}
    )
    solution = solution_makers({"solution.json": plan.evidence})["solution.json"]()
    assert solution == (folder / "solution.json").read_bytes()


def test_a_plan_made_now_is_read_back_as_it_was(tmp_path: Path) -> None:
    """Every figure to the bit; an empty text may have been nothing."""
    made = planned("group", 200)
    case = FOLDER / "group" / "case" / "group.toml"
    for tables in ("csv", "parquet"):
        run = Run(["capmix"], {"group.toml": case.read_bytes()}, datetime(2026, 12, 1, tzinfo=UTC), tables)
        for path, content in contents(made, run, "").items():
            (tmp_path / tables / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / tables / path).write_bytes(content)
        found = load_plan(tmp_path / tables)
        for name, table in all_tables(made).items():
            other = all_tables(found)[name]
            assert other.columns == table.columns
            assert _told(other) == _told(table), name
            assert other.left_out == table.left_out, name
        for field in (
            "status", "objective_value", "certificate", "risk", "funding", "loss_allocation", "wealth", "prices", "tax",
            "replications", "evidence",
        ):  # fmt: skip
            assert getattr(found, field) == getattr(made, field), field
        for full in (False, True):
            assert render(found, 100, full=full) == render(made, 100, full=full)


def _told(table: Table) -> list[list[object]]:
    return [["" if cell is None else cell for cell in row] for row in table.rows]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER / "starter", tmp_path / "run"))


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("tables/cash_flow.csv", "\r\nhardware,", "\r\nhardwares,", "no row of cash_flow is called 'hardwares'; did"),
        ("tables/cash_flow.csv", "closing cash", "cash in the end", "no row of cash_flow is called 'cash in the"),
        ("tables/cash_flow.csv", "line,", "lines,", "plan.json lists"),
        ("tables/drivers.csv", "vasicek,2027Q1,0.0", "vasicek,2027Q1,x0.0", "drivers.csv, row 1, mean"),
        ("tables/covenants.csv", "\r\nwall", "", "covenants.csv"),
        ("plan.json", '"cash_flow"', '"cash_flows"', "no table of a plan is called 'cash_flows'; did you mean"),
        ("plan.json", '"status": "certified"', '"status": "fine"', "status"),
        ("case/starter.toml", "opening = 0.90", "opening = 0.91", "is not the case that was planned"),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_not_read(
    copy: Path, file: str, old: str, new: str, words: str
) -> None:
    _edit(copy / file, old, new)
    with pytest.raises(Unreadable, match=words.replace("(", r"\(")):
        load_plan(copy)


def test_a_folder_without_a_table_that_every_plan_has_is_not_read(copy: Path) -> None:
    found = json.loads((copy / "plan.json").read_text(encoding="utf-8"))
    found["tables"] = [table for table in found["tables"] if table["name"] != "drivers"]
    (copy / "plan.json").write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(Unreadable, match="no table is called 'drivers'"):
        load_plan(copy)


def test_no_folder_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_plan(tmp_path)


def test_a_plan_keeps_its_tables_strict_when_it_is_changed() -> None:
    plan = dataclasses.replace(stored(), tables=dict(stored().tables))
    with pytest.raises(KeyError, match="did you mean 'purchases'"):
        plan.tables["purchase"]
