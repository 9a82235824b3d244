"""`capmix cases`: every shipped case by the name that other commands take, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import capmix
import pytest
from capmix.reports.cli import main
from capmix.reports.commands.cases import INDENT, described

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "cases").glob("*.toml"))


def test_each_shipped_case_is_listed_with_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cases"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[::2]] == SHIPPED
    assert len(rows) == 2 * len(SHIPPED)
    for name, head, size in zip(SHIPPED, rows[::2], rows[1::2], strict=True):
        case = capmix.load_case(name)  # the name that is shown is one that is read
        assert head == f"{name:<{INDENT}}{case.case.title}"
        assert f"{case.horizon.periods} quarters {case.horizon.labels[0]}–{case.horizon.labels[-1]}, " in size
        assert f"{case.simulation.count:,} scenarios; variants: {', '.join(v.id for v in case.variant)}" in size


def test_without_a_title_or_variants() -> None:
    case = capmix.load_case(SHIPPED[0])
    head, size = described(replace(case, case=replace(case.case, title=""), variant=()))
    assert head == case.case.name
    assert "variants" not in size


def test_it_takes_no_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cases", "hyperscaler"]) == 2
    assert "unrecognized arguments: hyperscaler" in capsys.readouterr().err
