"""The one order of every computation: refused before it begins, on the disk before it is drawn, ended in one place."""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import webbrowser
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import capmix
import capmix.optimizer.comparison.compare as comparing
import capmix.optimizer.frontiers.frontier as tracing
import capmix.optimizer.run as planning
import pytest
from capmix.models.reading.starter import starter_case
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.endings import Ending
from capmix.optimizer.cutting_planes.progress import ProgressEvent
from capmix.optimizer.cutting_planes.solution import Status
from capmix.reports import memory
from capmix.reports.cli import main
from capmix.reports.commands.execute import Work, execute
from capmix.reports.exits import Exit, OutputError, UsageError, of_several
from capmix.reports.files import folder
from capmix.reports.html import page
from capmix.reports.summary import frontier_view, side_by_side, terminal

ENGINES = {"plan": (planning, "optimize"), "compare": (comparing, "compare"), "frontier": (tracing, "frontier")}
DRAW = (
    (terminal, "render"), (side_by_side, "render_comparison"), (frontier_view, "render_frontier"), (page, "html"),
)  # fmt: skip
FEW = ["--scenarios", "300", "--no-progress", "--device", "cpu", "--out", "run"]
KINDS = pytest.mark.parametrize("kind", ENGINES)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("CAPMIX_TRACEBACK", raising=False)
    monkeypatch.setattr(page, "html", lambda _: "<!doctype html>")  # the real one draws for a second
    (tmp_path / "work" / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path / "work"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the engine finds, once for all tests."""
    path = tmp_path_factory.mktemp("case") / "my.toml"
    path.write_text(starter_case(), encoding="utf-8")
    case = capmix.load_case(path)
    told: dict[str, Any] = {"scenarios": 300, "device": "cpu"}
    return {
        "plan": capmix.optimize(case, **told),
        "compare": capmix.compare(case, variants=["own_cash", "debt"], **told),
        "frontier": capmix.frontier(case, points=2, low=0.0, high=0.5, **told),
    }


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, results: dict[str, Any]) -> list[str]:
    """Engines that give at once what was found before; the list of those that were called."""
    called: list[str] = []

    def put(kind: str) -> None:
        def found(*_: Any, **__: Any) -> Any:
            called.append(kind)
            return results[kind]

        monkeypatch.setattr(*ENGINES[kind], found)

    for kind in ENGINES:
        put(kind)
    return called


def only_the_case(here: Path) -> bool:
    return [path.name for path in here.iterdir()] == ["my.toml"]


# the order


@dataclass
class Order:
    steps: list[str] = field(default_factory=list)
    raised: dict[str, BaseException] = field(default_factory=dict)

    def step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.raised:
            raise self.raised[name]


class Told(Work[str]):
    """Notes its steps, and fails where it is told to."""

    def __init__(self, options: argparse.Namespace, order: Order) -> None:
        super().__init__(options)
        self.order = order

    def check(self) -> None:
        self.order.step("check")

    def reserve(self, case: capmix.Case) -> None:
        self.order.step("reserve")

    def compute(self, case: capmix.Case, scenarios: int, progress: object) -> str:
        self.order.step(f"compute {scenarios}")
        return "found"

    def keep(self, found: str) -> None:
        self.order.step(f"keep {found}")

    def show(self, found: str) -> None:
        self.order.step(f"show {found}")

    def ending(self, found: str) -> Exit:
        self.order.step("ending")
        return Exit.STOPPED


STEPS = ["check", "reserve", "compute 77", "keep found", "show found", "ending"]


def told(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"case": "my.toml", "variant": None, "scenarios": 77, "no_progress": True, **changes})


def test_the_order(here: Path) -> None:
    order = Order()
    assert execute(Told(told(), order)) == 4
    assert order.steps == STEPS


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize(
    "error", [UsageError("no"), KeyboardInterrupt(), OutputError("no"), MemoryError()], ids=lambda e: type(e).__name__
)
def test_a_step_that_fails_is_the_last(here: Path, at: str, error: BaseException) -> None:
    order = Order(raised={at: error})
    with pytest.raises(type(error)):
        execute(Told(told(), order))
    assert order.steps == STEPS[: STEPS.index(at) + 1]


def test_nothing_is_computed_for_a_bad_case_variant_or_machine(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for changes in ({"case": "nowhere.toml"}, {"variant": "dept"}):
        order = Order()
        with pytest.raises(capmix.CaseError):
            execute(Told(told(**changes), order))
        assert order.steps == ["check"]
    monkeypatch.setattr(memory, "memory_available", lambda: 1_000_000)
    order = Order()
    with pytest.raises(UsageError, match="scenarios need about"):
        execute(Told(told(), order))
    assert order.steps == ["check", "reserve"]


def test_without_a_number_of_its_own_it_is_the_case_s(here: Path) -> None:
    order = Order()
    execute(Told(told(scenarios=None), order))
    assert f"compute {capmix.load_case('my.toml').simulation.count}" in order.steps


# refused before anything is computed


def no_parent(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return ["--out", "no/parent"]


def a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return ["--out", "my.toml"]


def full(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def refuse(*_: Any, **__: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.tempfile, "mkdtemp", refuse)
    return []


def forbidden(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def refuse(*_: Any, **__: Any) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    return []


@KINDS
@pytest.mark.parametrize("place", [no_parent, a_file, full, forbidden], ids=lambda f: f.__name__)
def test_a_folder_that_cannot_be_written_is_refused_first(
    here: Path,
    engine: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    place: Any,
) -> None:
    words = place(here, monkeypatch)
    assert main([kind, "my.toml", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("capmix: ")
    assert engine == []
    assert only_the_case(here)


@KINDS
def test_parquet_without_its_library_is_refused_first(
    here: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([kind, "nowhere.toml", "--tables", "parquet"]) == 2
    assert "pip install 'capmix[parquet]'" in capsys.readouterr().err
    assert engine == []


# on the disk before it is drawn


def verifies(folder: Path, *how: str) -> bool:
    return main(["verify", str(folder), "--no-progress", *how]) == 0


@KINDS
def test_a_summary_that_cannot_be_drawn_leaves_a_folder_that_verifies(
    here: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    def broken(*_: Any, **__: Any) -> str:
        assert (here / "run" / f"{kind}.json").is_file()
        assert (here / "run" / "manifest.json").is_file()
        raise ZeroDivisionError

    for module, name in DRAW:
        monkeypatch.setattr(module, name, broken)
    assert main([kind, "my.toml", *FEW]) == 0
    printed = capsys.readouterr()
    assert f"run folder: {here / 'run'}" in printed.out
    assert printed.err.count("ZeroDivisionError") == printed.err.count("\n") > 1
    assert verifies(here / "run")
    assert not (here / "run" / "summary.txt").exists()
    assert not (here / "run" / "report.html").exists()


@KINDS
def test_a_library_that_draws_and_cannot_be_imported_costs_no_plan(
    here: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    for module, _ in DRAW:
        monkeypatch.setitem(sys.modules, module.__name__, None)
    assert main([kind, "my.toml", *FEW]) == 0
    printed = capsys.readouterr()
    assert f"run folder: {here / 'run'}" in printed.out
    assert printed.err.count("cannot be made") >= 2
    assert verifies(here / "run", "--quick")


@KINDS
def test_the_report_is_opened_once_it_is_there(
    here: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    opened: list[str] = []

    def show(address: str) -> bool:
        assert (here / "run" / "report.html").is_file()
        opened.append(address)
        if len(opened) == 1:
            return True
        if len(opened) == 2:
            return False
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", show)
    for number in range(3):
        assert main([kind, "my.toml", *FEW, "--open"]) == 0
        said = capsys.readouterr().err
        assert said == "" if number == 0 else "no browser was found; the report is" in said
        shutil.rmtree(here / "run")
    assert opened == [(here / "run" / "report.html").resolve().as_uri()] * 3


def test_without_a_report_nothing_is_opened(
    here: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "html", lambda _: 1 / 0)
    monkeypatch.setattr(webbrowser, "open", lambda _: pytest.fail("opened"))
    assert main(["plan", "my.toml", *FEW, "--open"]) == 0
    assert "there is no report to open" in capsys.readouterr().err


class Closed(io.StringIO):
    """A standard output that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str, /) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


@KINDS
@pytest.mark.parametrize("json_", [[], ["--json"]], ids=["summary", "document"])
@pytest.mark.parametrize(
    "stream",
    [None, Closed(BrokenPipeError()), Closed(OSError(errno.ENOSPC, "No space left"))],
    ids=["none", "pipe", "full"],
)
def test_a_standard_output_that_takes_nothing_leaves_a_folder_that_verifies(
    here: Path,
    engine: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    json_: list[str],
    stream: Closed | None,
) -> None:
    with monkeypatch.context() as closed:
        closed.setattr(sys, "stdout", stream)
        assert main([kind, "my.toml", *FEW, *json_]) == 5
    said = capsys.readouterr().err
    pipe = stream is not None and isinstance(stream.error, BrokenPipeError)
    assert (said == "") == pipe  # as is usual for a reader that has left
    assert pipe or f"run folder: {here / 'run'}" in said
    assert (here / "run" / "summary.txt").is_file()
    assert verifies(here / "run", *([] if pipe and not json_ else ["--quick"]))


@KINDS
def test_the_document_is_the_one_in_the_folder_and_says_the_code(
    here: Path, engine: list[str], capsysbinary: pytest.CaptureFixture[bytes], kind: str
) -> None:
    code = main([kind, "my.toml", *FEW, "--json"])
    printed = capsysbinary.readouterr().out
    assert printed == (here / "run" / f"{kind}.json").read_bytes()
    told = json.loads((here / "run" / "manifest.json").read_text("utf-8"))
    assert json.loads(printed)["exit_code"] == told["exit_code"] == code == 0
    assert told["kind"] == kind


@pytest.mark.parametrize(
    ("statuses", "whole", "code"),
    [
        ("certified certified", True, 0),
        ("certified infeasible", True, 0),
        ("infeasible infeasible", True, 3),
        ("certified stopped", True, 4),
        ("infeasible stopped", True, 4),
        ("certified", False, 4),
        ("infeasible", False, 4),
    ],
)
def test_how_several_plans_end(statuses: str, whole: bool, code: int) -> None:
    assert of_several(iter(statuses.split()), whole) == code


# interrupted


def event(solves: int) -> ProgressEvent:
    return ProgressEvent("a phase", float("inf"), -float("inf"), float("inf"), 0, 0.0, solves, 0.0, None)


def press(progress: Any) -> None:
    """Ctrl-C while the search goes on; back when it has been heard."""
    progress(event(1))
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(3000):
        if stops.requested():
            return
        time.sleep(0.01)
    raise AssertionError("nothing was heard")


def partly(kind: str, found: Any) -> Any:
    """A result that was interrupted with something to keep."""
    if kind == "plan":
        return replace(found, status=Status.STOPPED, messages=("interrupted",), ending=Ending.INTERRUPTED)
    return replace(found, missing=("all",)) if kind == "compare" else replace(found, interrupted=True)


posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@posix
@KINDS
def test_interrupted_with_something_to_keep(
    here: Path,
    results: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    def stopped(*_: Any, progress: Any, **__: Any) -> Any:
        press(progress)
        return partly(kind, results[kind])

    monkeypatch.setattr(*ENGINES[kind], stopped)
    assert main([kind, "my.toml", *FEW]) == 4
    printed = capfd.readouterr()
    assert str(here / "run") in "".join(printed.out.split())
    assert printed.err == "capmix: interrupted: stopping, what is found is kept; once more ends at once\n"
    told = json.loads((here / "run" / "manifest.json").read_text("utf-8"))
    assert (told["status"], told["exit_code"]) == ("stopped", 4)


@posix
@KINDS
def test_interrupted_before_there_was_anything(
    here: Path,
    results: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    def stopped(*_: Any, progress: Any, **__: Any) -> Any:
        press(progress)
        if kind == "plan":  # the engine gives a plan without a plan
            return replace(partly(kind, results[kind]), objective_value=float("nan"))
        return stops.check()

    monkeypatch.setattr(*ENGINES[kind], stopped)
    assert main([kind, "my.toml", *FEW]) == 130
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("capmix: interrupted; nothing was written\n")
    assert only_the_case(here)


@posix
@pytest.mark.parametrize("kind", ["verify", "export"])
def test_the_others_that_compute_end_with_the_signal_s_code_too(
    here: Path,
    engine: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    words = ["my.toml", "my.lp"]
    if kind == "verify":
        assert main(["plan", "my.toml", *FEW]) == 0
        words = ["run"]
    from capmix.optimizer import named_model
    from capmix.reports.verification import computed_again

    monkeypatch.setattr(named_model, "program_text", stopped)
    monkeypatch.setattr(computed_again, "computed_again", stopped)
    capsys.readouterr()
    assert main([kind, *words, "--no-progress"]) == 130
    assert capsys.readouterr().err == "capmix: interrupted; nothing was written\n"
    assert not (here / "my.lp").exists()
