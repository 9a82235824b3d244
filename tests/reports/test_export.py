"""`capmix export`: the file reads back in HiGHS to the same optimum and the same numbers, with names of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import highspy
import numpy as np
import pytest
from capmix import CaseError, load_case, program_text
from capmix.models.program import LinearProgram
from capmix.optimizer.exchange import FORMATS, as_text, fit_names
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from capmix.reports.cli import main
from scipy.optimize import linprog
from scipy.sparse import vstack


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my.toml"]) == 0
    return tmp_path


def read_back(path: Path) -> tuple[float, highspy.HighsLp]:
    h = highspy.Highs()
    h.silent()
    assert h.readModel(str(path)) == highspy.HighsStatus.kOk
    assert h.run() == highspy.HighsStatus.kOk
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return h.getInfo().objective_function_value, h.getLp()


def optimum(lp: LinearProgram) -> float:
    """By SciPy from the arrays."""
    sign = -1.0 if lp.maximise else 1.0
    low, high = np.isfinite(lp.row_lower), np.isfinite(lp.row_upper)
    found = linprog(
        sign * lp.cost,
        A_ub=vstack([lp.matrix[high], -lp.matrix[low]]),
        b_ub=np.concatenate([lp.row_upper[high], -lp.row_lower[low]]),
        bounds=np.column_stack([lp.col_lower, lp.col_upper]),
    )
    assert found.status == 0
    return float(sign * found.fun + lp.offset)


def same_numbers(lp: LinearProgram, read: highspy.HighsLp) -> None:
    """Every coefficient and bound by its name, to the bit; a constant may be a column of its own."""
    names = fit_names(lp.column_names)
    at = {name: j for j, name in enumerate(read.col_names_)}
    order = [at[name] for name in names]
    assert set(at) - set(names) <= {"objective_constant"}
    for mine, theirs in ((lp.col_lower, read.col_lower_), (lp.col_upper, read.col_upper_), (lp.cost, read.col_cost_)):
        np.testing.assert_array_equal(mine, np.array(theirs)[order])
    low = {n: (lo, up) for n, lo, up in zip(read.row_names_, read.row_lower_, read.row_upper_, strict=True)}
    for name, lo, up in zip(fit_names(lp.row_names), lp.row_lower, lp.row_upper, strict=True):
        found = low.pop(name)
        if f"{name}~high" in low:
            found = (found[0], low.pop(f"{name}~high")[1])
        assert found == (lo, up), name
    assert not low
    assert read.sense_ == (highspy.ObjSense.kMaximize if lp.maximise else highspy.ObjSense.kMinimize)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["starter", "neocloud"])
def test_a_file_reads_back_to_the_same_optimum(here: Path, form: str, name: str) -> None:
    path = here / f"out.{form}"
    source = "my.toml" if name == "starter" else name
    assert main(["export", source, str(path), "--scenarios", "300", "--no-progress"]) == 0
    lp = prepare(load_case(source), choose("cpu"), 300, load_case(source).simulation.seed).program
    best, read = read_back(path)
    same_numbers(lp, read)
    assert best == pytest.approx(optimum(lp), rel=1e-9)


@pytest.mark.parametrize("form", FORMATS)
def test_constants_ranges_open_and_fixed_columns_and_odd_names(tmp_path: Path, form: str) -> None:
    lp = prepare(load_case("ai_lab"), choose("cpu"), 200, 1).program
    ranged = np.where(np.arange(lp.row_lower.size) % 7 == 0, lp.row_upper - 1e9, lp.row_lower)
    low = np.where(np.isfinite(lp.row_upper) & (lp.row_lower != lp.row_upper), ranged, lp.row_lower)
    names = (lp.column_names[0] + " ü-1", "e5[x]", "inf", "3", "free", "a[b]", "a(b)", "x" * 300, *lp.column_names[8:])
    odd = replace(
        lp, offset=-12.5, row_lower=low, column_names=names, column_index=(), maximise=True,
        col_lower=np.where(np.arange(lp.col_lower.size) == len(names) - 1, -np.inf, lp.col_lower),
    )  # fmt: skip
    path = tmp_path / f"odd.{form}"
    path.write_text("\n".join(as_text(odd, form, ["a remark <= 3\nof two lines"])) + "\n", encoding="utf-8")
    best, read = read_back(path)
    same_numbers(odd, read)
    assert best == pytest.approx(optimum(odd), rel=1e-9)
    assert len(set(fit_names(names))) == len(names)


@pytest.mark.parametrize("form", FORMATS)
def test_a_cost_that_is_minimised_reads_back(tmp_path: Path, form: str) -> None:
    case = load_case("ai_lab")
    case = replace(case, objective=replace(case.objective, kind="cost", target=1e3, at=None))
    lp = prepare(case, choose("cpu"), 200, 1).program
    assert not lp.maximise
    path = tmp_path / f"cost.{form}"
    path.write_text("\n".join(as_text(lp, form)) + "\n", encoding="utf-8")
    best, read = read_back(path)
    same_numbers(lp, read)
    assert math.isfinite(best)
    assert best == pytest.approx(optimum(lp), rel=1e-9, abs=1e-9)


def test_the_head_says_what_is_left_out_and_what_rows_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "my.toml", "my.lp", "--scenarios", "300", "--seed", "5", "--no-progress"]) == 0
    assert "2 risk limits left out" in capsys.readouterr().out
    head = (here / "my.lp").read_text("utf-8").split("maximize")[0]
    assert all(line.startswith("\\") for line in head.splitlines())
    for words in ("300 scenarios, seed 5", "risk limit liquidity: CVaR 0.95 at most 0.3 billion", "site_power: power"):
        assert words in head
    case = replace(load_case("my.toml"), risk=())
    assert "no risk limits: this is all" in program_text(case, "mps", scenarios=300)
    own = program_text(case, scenarios=300, constraints=lambda h: {"a cap": h.decision("order") <= 3})
    assert " own_a_cap:" in own


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["my.toml", "my.txt"], ".lp (CPLEX LP) or .mps"),
        (["my.toml", "there.lp"], "never overwritten"),
        (["my.toml", "nowhere/my.lp"], "no folder nowhere"),
        (["my.toml", "my.lp", "--variant", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_written_is_told_first(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (here / "there.lp").write_text("mine", "utf-8")
    assert main(["export", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert (here / "there.lp").read_text("utf-8") == "mine"
    assert not (here / "my.lp").exists()


def test_a_variant_is_exported_as_it_is_planned(here: Path) -> None:
    assert main(["export", "ai_lab", "own.mps", "--variant", "own_cash", "--scenarios", "200", "--no-progress"]) == 0
    text = (here / "own.mps").read_text("utf-8")
    assert " order(" in text
    assert " place(" not in text


def test_an_unknown_format_is_a_fault() -> None:
    with pytest.raises(CaseError, match="form"):
        program_text(load_case("ai_lab"), "xlsx", scenarios=200)
