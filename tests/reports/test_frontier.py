"""`capmix frontier`: the folder, the document, the summary, exit codes and refusals."""

from __future__ import annotations

import csv
import hashlib
import json

import capmix
import pytest
from capmix.models.reading.starter import starter_case
from capmix.reports.cli import main
from capmix.reports.glyphs import ASCII
from capmix.reports.summary.frontier_view import render_frontier

FEW = ["--scenarios", "400", "--points", "4", "--no-progress"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("case") / "my.toml"
    path.write_text(starter_case(), encoding="utf-8")
    return capmix.frontier(capmix.load_case(path), points=5, low=-2.0, scenarios=400, device="cpu")


def test_folder_and_document(here, capsysbinary):
    assert main(["frontier", "my.toml", *FEW, "--out", "edge", "--json"]) == 0
    printed = json.loads(capsysbinary.readouterr().out)
    written = json.loads((here / "edge" / "frontier.json").read_text(encoding="utf-8"))
    assert printed == written
    assert written["limit"]["name"] == "liquidity"
    rows = written["tables"]["frontier"]
    assert len(rows) == 4
    assert [row["status"] for row in rows] == ["certified"] * 4
    assert written["limit"]["minimum"] < rows[0]["limit"] < rows[-1]["limit"] == written["limit"]["free_from"]
    assert rows[0]["objective"] < rows[-1]["objective"]
    with open(here / "edge" / "tables" / "frontier.csv", encoding="utf-8", newline="") as file:
        body = list(csv.reader(file))[1:]
    assert [float(row[2]) for row in body] == [row["objective"] for row in rows]
    manifest = json.loads((here / "edge" / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["path"] for entry in manifest["files"]} >= {
        "frontier.json", "summary.txt", "tables/frontier.csv", "tables/frontier_funding.csv", "case/my.toml"
    }  # fmt: skip
    for entry in manifest["files"]:
        content = (here / "edge" / entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_given_ends_of_a_variant(here, capsys):
    arguments = ["frontier", "my.toml", *FEW, "--variant", "debt", "--limit", "net_loss", "--from", "0", "--to", "0.6"]
    assert main([*arguments, "--json", "--out", "one"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["limit"] for row in document["tables"]["frontier"]] == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert document["case"]["name"].endswith("-debt")
    assert document["limit"]["free_from"] is None


def test_a_folder_of_its_own_where_none_is_named(here, capsys):
    assert main(["frontier", "my.toml", *FEW, "--from", "0", "--to", "1"]) == 0
    shown = capsys.readouterr().out
    (folder,) = (here / "runs").iterdir()
    assert "-frontier-" in folder.name
    assert folder.name in shown.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--limit", "liquidty"], 'did you mean "liquidity"'),
        (["--points", "1"], "from 2 to 1,000"),
        (["--points", "2.5"], "whole number"),
        (["--from", "x"], "not a number"),
        (["--to", "inf"], "finite"),
        (["--from", "5", "--to", "5"], "must be below --to"),
        (["--variant", "dept"], 'did you mean "debt"'),
        (["--from", "1e6", "--scenarios", "400", "--points", "3"], "costs nothing"),
    ],
)
def test_refused(here, capsys, arguments, words):
    assert main(["frontier", "my.toml", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert [p.name for p in here.iterdir()] == ["my.toml"]


def test_no_plan_at_all_ends_with_3(here, capsys):
    assert main(["frontier", "my.toml", *FEW, "--from", "-40", "--to", "-30"]) == 3
    shown = capsys.readouterr().out
    assert "minimum" in shown


def test_out_of_time_ends_with_4(here):
    assert main(["frontier", "my.toml", *FEW, "--from", "0", "--to", "1", "--time-limit", "0.001"]) == 4


@pytest.mark.parametrize("width", [80, 120])
def test_summary_fits_and_says_why(found, width):
    text = render_frontier(found, width)
    assert max(len(row) for row in text.splitlines()) <= width
    assert "no plan; the minimum is" in text
    assert "costs nothing from" in text
    assert "CAPITAL RAISED" in text
    assert text.count("e-06") + text.count("e-07") + text.count("  0 ") >= 3
    assert render_frontier(found, width, g=ASCII).isascii()
