"""Warnings about a case: shown by check and plan, kept in the plan's messages and in plan.json."""

from __future__ import annotations

import json

import pytest
from capmix.models.reading.starter import starter_case
from capmix.reports.cli import main
from capmix.reports.commands.doubts import SHOWN
from capmix.reports.files.schema import schema

from .schema_check import faults

HAZARD = 'driver[5] "lab_alive".hazard = 0.8'
MEANT = "did you mean 0.008? It seems to be given in percent"


@pytest.fixture
def doubtful(tmp_path, monkeypatch):
    """A case with a hazard of 80 % a year, and a variant with a fee of 15 %."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPMIX_TRACEBACK", raising=False)
    text = starter_case().replace("hazard = 0.03", "hazard = 0.8")
    text += '\n[variant.dear]\nset = { "instrument.notes.fee" = 0.15 }\n'
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    return text[: text.index("hazard = 0.8")].count("\n") + 1


def test_check_tells_them_and_ends_well(doubtful, capsys):
    assert main(["check", "my.toml"]) == 0
    printed = capsys.readouterr()
    assert "my.toml: no fault found, 2 warnings\n" in printed.out
    rows = [row for row in printed.out.splitlines() if row.startswith("warning: ")]
    assert rows[0].startswith(f"warning: my.toml, line {doubtful}: {HAZARD}; usual: 1e-05 to 0.5, per year (")
    assert rows[0].endswith(MEANT)
    assert 'variant dear: instrument[2] "notes".fee = 0.15' in rows[1]
    assert printed.err == ""


def test_check_tells_them_beside_faults(doubtful, tmp_path, capsys):
    path = tmp_path / "my.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("rate = 0.21", "rate = 21"), encoding="utf-8")
    assert main(["check", "my.toml"]) == 2
    printed = capsys.readouterr().err
    assert "1 fault in the case" in printed
    assert f"warning: my.toml, line {doubtful}: {HAZARD}" in printed


def test_plan_tells_keeps_and_writes_them(doubtful, tmp_path, capsys):
    assert main(["plan", "my.toml", "--scenarios", "500", "--out", "run", "--no-progress"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"capmix: warning: my.toml, line {doubtful}: {HAZARD}")
    assert printed.err.count("capmix: warning: ") == 1  # the variant is not planned
    assert MEANT in " ".join(printed.out.split())
    plan = json.loads((tmp_path / "run" / "plan.json").read_text(encoding="utf-8"))
    assert list(faults(plan, schema())) == []
    assert [m for m in plan["messages"] if HAZARD in m and m.endswith(MEANT)]
    (doubt,) = plan["warnings"]
    assert (doubt["file"], doubt["line"], f"{doubt['key']} = {doubt['value']}") == ("my.toml", doubtful, HAZARD)
    assert (doubt["cure"], doubt["variant"]) == (MEANT, "")


def test_many_are_cut_short_on_the_error_stream(doubtful, tmp_path, capsys):
    from capmix.models.reading import load_case
    from capmix.reports.commands.doubts import tell_doubts

    path = tmp_path / "my.toml"
    text = path.read_text(encoding="utf-8")
    for i in range(SHOWN + 5):
        text += f'\n[variant.v{i}]\nset = {{ "instrument.notes.fee" = {0.1 + i / 1000} }}\n'
    path.write_text(text, encoding="utf-8")
    tell_doubts(load_case(path), variants=True)
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == SHOWN + 1
    assert printed[-1] == "capmix: warning: and 7 more; `capmix check` lists them"


def test_check_says_how_a_table_was_read(doubtful, tmp_path, capsys):
    path = tmp_path / "my.toml"
    text = path.read_text(encoding="utf-8").replace("supply = 60 ", 'supply = { table = "s.csv", column = "s" } ')
    path.write_text(text, encoding="utf-8")
    rows = "".join(f"Q{q} {y};60,5\n" for y in (2027, 2028, 2029) for q in (1, 2, 3, 4))
    (tmp_path / "s.csv").write_text("Quartal;s\n" + rows, encoding="utf-8-sig")
    assert main(["check", "my.toml"]) == 0
    printed = capsys.readouterr().out
    assert 's.csv: periods written as "Q1 2027" are read as 2027Q1' in printed
    assert "s.csv is read with semicolons between cells, decimal commas" in printed
