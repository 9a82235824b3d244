"""Comparisons and frontiers written and read back: the same files again, and no folder that was changed."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import capmix
import pytest
from capmix.reports.exits import UsageError
from capmix.reports.files.run_folder import Unreadable

from .stored import FOLDER

CASE = FOLDER / "starter" / "case" / "starter.toml"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def compared() -> capmix.Comparison:
    """Of variants with a plan and of one that has none."""
    return capmix.compare("neocloud", variants=["own_cash", "debt"], scenarios=300, seed=1, device="cpu")


@pytest.fixture(scope="module")
def found() -> capmix.Frontier:
    """Its first points lie below the minimum: they have no plan."""
    return capmix.frontier(CASE, points=4, low=-2.0, scenarios=300, seed=1, device="cpu")


def files(folder: Path) -> dict[str, bytes]:
    """All files; of the manifest and the workbook, what does not tell the time of writing."""
    read = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads(read["manifest.json"])
    del manifest["started"], manifest["manifest_sha256"]
    manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != "report.xlsx"]
    if "report.xlsx" in read:
        with zipfile.ZipFile(io.BytesIO(read.pop("report.xlsx"))) as book:
            read |= {name: book.read(name) for name in book.namelist() if name != "docProps/core.xml"}
    return read | {"manifest.json": json.dumps(manifest).encode()}


@pytest.mark.parametrize("tables", ["csv", "parquet"])
def test_what_is_read_back_saves_the_same_files(compared, found, tmp_path: Path, tables: str) -> None:
    plan = next(iter(compared.plans.values()))
    plan = capmix.load_plan(plan.save(tmp_path / "plan", tables))
    written = compared.save(tmp_path / "compared", tables), found.save(tmp_path / "found", tables)
    again = capmix.load_comparison(written[0]), capmix.load_frontier(written[1])
    for one, folder in zip(again, written, strict=True):
        second = one.save(tmp_path / f"{folder.name}-again", tables)
        assert files(second) == files(folder)
    assert files(plan.save(tmp_path / "plan-again", tables)) == files(tmp_path / "plan")


def test_a_plan_shows_the_drivers_that_its_case_names(compared) -> None:
    """Not those that floored coupons need: its folder knows nothing of them."""
    plan = compared.plans["debt"]
    assert plan.case.driver == capmix.apply_variant(capmix.load_case("neocloud"), "debt").driver
    text = plan.summary(full=True)
    assert "DRIVERS" in text
    assert "delivery above" not in text


def test_a_comparison_shows_itself_again(compared, tmp_path: Path) -> None:
    again = capmix.load_comparison(str(compared.save(tmp_path / "run")))
    assert repr(again) == repr(compared)
    assert again.summary() == compared.summary()
    assert again._repr_html_() == compared._repr_html_()
    assert dir(again.charts) == dir(compared.charts)
    assert again.charts.objective().to_dict() == compared.charts.objective().to_dict()
    for name, one in compared.outcomes.items():
        other = again.outcomes[name]
        assert (other.cost, other.wall, dict(other.costs)) == (one.cost, one.wall, dict(one.costs))
        assert list(other.capacity) == list(one.capacity)
    assert {name: table.rows for name, table in again.tables.items()} == {
        name: table.rows for name, table in compared.tables.items()
    }


def test_a_frontier_shows_itself_again(found, tmp_path: Path) -> None:
    again = capmix.load_frontier(found.save(tmp_path / "run"))
    assert repr(again) == repr(found)
    assert again.summary() == found.summary()
    assert again.report() == found.report()
    assert again.charts.frontier().to_dict() == found.charts.frontier().to_dict()
    assert [replace(p, decisions=None) for p in found.points] == list(again.points)
    assert [p.planned for p in again.points] == [p.planned for p in found.points]
    assert replace(again, case=found.case, points=found.points) == found


def test_a_comparison_in_which_a_variant_has_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    text = CASE.read_text(encoding="utf-8")
    impossible = '\n[variant.hard]\nset = { "cash.minimum" = 1e6 }\n'
    path.write_text(text + impossible, encoding="utf-8")
    made = capmix.compare(path, variants=["hard", "debt"], scenarios=200, seed=1, device="cpu")
    assert [plan.status.value for plan in made.plans.values()] == ["infeasible", "certified"]
    folder = made.save(tmp_path / "run")
    again = capmix.load_comparison(folder)
    assert again.summary() == made.summary()
    assert files(again.save(tmp_path / "again")) == files(folder)


@pytest.fixture(scope="module")
def folders(compared, found, tmp_path_factory) -> dict[str, Path]:
    here = tmp_path_factory.mktemp("folders")
    return {"compare": compared.save(here / "compare"), "frontier": found.save(here / "frontier")}


def _table(name: str, row: int, **cells: Any) -> Callable[[Document], None]:
    return lambda document: document["tables"][name][row].update(cells)


def _last(document: Document) -> None:
    document["points"].pop()


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("compare", lambda d: d.update(schema_version=1), "schema_version is 1.*this capmix reads 2: use the capmix"),
        ("compare", lambda d: d.update(milestones=["a"]), r"milestones\[0\]: 'a' is not number"),
        ("compare", lambda d: d.update(milestones=[1.0]), "compare.json, milestones: 6 rows"),
        ("compare", lambda d: d.update(extra=1), "extra is not known"),
        ("compare", lambda d: d.update(reference="other"), "reference 'other' is none of its variants"),
        ("compare", lambda d: d["variants"][0].update(status="stopped"), "own_cash is stopped"),
        ("compare", lambda d: d["variants"].append(d["variants"][0]), "'own_cash' stands in it twice"),
        ("compare", lambda d: d["variants"][1].update(name="../debt"), "not in the manifest"),
        ("compare", _table("comparison", 1, objective=1.0), "comparison, row 2, objective: 1.0 where the results say"),
        ("compare", _table("comparison", 1, **{"all-in cost": "x"}), "all-in cost: 'x' where a number must stand"),
        ("compare", _table("comparison", 1, **{"all-in cost": 0.5}), "tables/comparison.csv, row 2, all-in cost"),
        ("frontier", lambda d: d.update(schema_version=2), "schema_version is 2.*this capmix reads 3"),
        ("frontier", lambda d: d["limit"].update(name="losses"), "no risk limit 'losses', but liquidity"),
        ("frontier", lambda d: d["limit"].update(asked=7.0), "limit.asked: 7.0; the case says"),
        ("frontier", _last, "3 points, but 4 rows of them"),
        ("frontier", _table("frontier", -1, status="fine"), "'fine' is not a valid Status"),
        ("frontier", _table("frontier", -1, objective=None), "contradict each other"),
        ("frontier", _table("frontier", -1, objective=2.0), "tables/frontier.csv, row 4, objective"),
        ("frontier", lambda d: d["points"][3]["risks"][0].update(value=True), "value: True is not number"),
        ("frontier", lambda d: d["points"][3]["funding"].clear(), "frontier_funding: "),
        ("frontier", lambda d: d["case"].update(sha256="0"), "is not the case that was planned"),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_not_read(
    folders: dict[str, Path], tmp_path: Path, kind: str, change: Callable[[Document], None], words: str
) -> None:
    folder = Path(shutil.copytree(folders[kind], tmp_path / "run"))
    document = json.loads((folder / f"{kind}.json").read_text(encoding="utf-8"))
    change(document)
    (folder / f"{kind}.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises((Unreadable, UsageError), match=words):
        {"compare": capmix.load_comparison, "frontier": capmix.load_frontier}[kind](folder)


def test_a_missing_part_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["compare"], tmp_path / "run"))
    (folder / "variants" / "debt" / "tables" / "compute.csv").unlink()
    with pytest.raises(Unreadable, match=r"variants/debt/tables/compute\.csv is missing"):
        capmix.load_comparison(folder)


def test_the_reader_of_another_kind_is_named(folders: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"holds a frontier, not a comparison; capmix\.load_frontier reads it"):
        capmix.load_comparison(folders["frontier"])
    with pytest.raises(UsageError, match=r"holds a plan, not a frontier; capmix\.load_plan reads it"):
        capmix.load_frontier(FOLDER / "starter")
    with pytest.raises(UsageError, match=r"capmix\.load_comparison reads"):
        capmix.load_plan(folders["compare"])
    with pytest.raises(UsageError, match="is not a folder"):
        capmix.load_comparison(folders["compare"] / "nothing")
