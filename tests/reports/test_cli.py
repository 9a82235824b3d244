"""The command line: exit codes, one clear message, nothing else on stdout, nothing written on a refusal."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import warnings

import capmix.optimizer.run as engine
import pytest
from capmix.kernels.cuda.probe import Found
from capmix.kernels.device_errors import NoCupy
from capmix.models.reading.starter import starter_case
from capmix.optimizer.cutting_planes.endings import Ending
from capmix.optimizer.cutting_planes.highs import SolverError
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.setup.device import DeviceError
from capmix.reports import memory
from capmix.reports.cli import build_parser, main
from capmix.reports.commands import doctor_report as doctor
from capmix.reports.commands import hand_over
from capmix.reports.commands.doctor_cuda import cuda_lines
from capmix.reports.exits import WriteError
from capmix.reports.files import tables
from capmix.reports.files.json_schema import faults
from capmix.reports.files.schema import schema

from .plans import infeasible_plan, make_plan


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPMIX_TRACEBACK", raising=False)
    (tmp_path / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path


@pytest.fixture
def engine_gives(monkeypatch):
    """Put a plan, or an error, in the place of the engine; returns the arguments of its calls."""

    def put(outcome):
        calls = []

        def optimize(case, **arguments):
            calls.append(arguments)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(engine, "optimize", optimize)
        return calls

    return put


def only_the_case(folder) -> bool:
    return [p.name for p in folder.iterdir()] == ["my.toml"]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(make_plan(), 0), (make_plan(status=Status.STOPPED), 4), (infeasible_plan(), 3)],
    ids=["certified", "stopped", "infeasible"],
)
def test_exit_code_and_folder(here, engine_gives, capsys, outcome, code):
    engine_gives(outcome)
    assert main(["plan", "my.toml", "--out", "run"]) == code
    printed = capsys.readouterr()
    # a long folder wraps onto a line of its own
    assert f"run folder: {here / 'run'}" in " ".join(printed.out.split())
    assert printed.err == ""
    written = json.loads((here / "run" / "plan.json").read_text(encoding="utf-8"))
    assert (written["status"], written["exit_code"]) == (outcome.status.value, code)
    assert (here / "run" / "case" / "my.toml").read_bytes() == (here / "my.toml").read_bytes()
    assert (here / "run" / "report.xlsx").read_bytes().startswith(b"PK")
    manifest = json.loads((here / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["argv"] == ["capmix", "plan", "my.toml", "--out", "run"]


def test_arguments_reach_the_engine(here, engine_gives):
    calls = engine_gives(make_plan())
    main(
        [
            "plan",
            "my.toml",
            "--scenarios",
            "1e4",
            "--seed",
            str(2**64 - 1),
            "--gap",
            "1e-4",
            "--time-limit",
            "5",
            "--device",
            "cpu",
            "--replications",
            "10",
        ]
    )
    (call,) = calls
    call.pop("progress")
    assert call == {
        "scenarios": 10_000, "seed": 2**64 - 1, "gap": 1e-4, "time_limit": 5.0, "device": "cpu", "replications": 10,
    }  # fmt: skip


def test_json_prints_the_document_and_nothing_else(here, engine_gives, capsysbinary):
    engine_gives(make_plan())
    assert main(["plan", "my.toml", "--json", "--out", "run"]) == 0
    printed = capsysbinary.readouterr()
    assert printed.out == (here / "run" / "plan.json").read_bytes()
    assert printed.err.decode().startswith("run folder: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scenarios", "0"],
        ["--scenarios", "1.5"],
        ["--scenarios", "2e9"],
        ["--scenarios", "nan"],
        ["--scenarios", "many"],
        ["--seed", "-1"],
        ["--seed", str(2**64)],
        ["--seed", "1.0"],
        ["--gap", "0"],
        ["--gap", "1"],
        ["--gap", "nan"],
        ["--time-limit", "0"],
        ["--time-limit", "inf"],
        ["--device", "tpu"],
        ["--tables", "xlsx"],
        ["--scen", "5"],
        ["--nope"],
        ["--out", "no/parent"],
        ["--out", "my.toml"],
        ["--out", ""],
    ],
    ids=" ".join,
)
def test_wrong_usage(here, engine_gives, capsys, arguments):
    calls = engine_gives(make_plan())
    assert main(["plan", "my.toml", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err
    assert "Traceback" not in printed.err
    assert calls == []
    assert only_the_case(here)


@pytest.mark.parametrize("arguments", [[], ["nope"], ["plan"], ["check"], ["new"]], ids=str)
def test_wrong_command(here, capsys, arguments):
    assert main(arguments) == 2
    assert "usage: capmix" in capsys.readouterr().err


def test_a_bad_case_lists_all_faults(here, engine_gives, capsys):
    calls = engine_gives(make_plan())
    text = starter_case().replace("periods =", "perods =").replace('currency = "USD"', 'currency = "dollars"')
    (here / "my.toml").write_text(text, encoding="utf-8")
    for command in ("plan", "check"):
        assert main([command, "my.toml"]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "perods" in printed.err
        assert "dollars" in printed.err
        assert "my.toml, line" in printed.err
    assert calls == []
    assert only_the_case(here)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SolverError("HiGHS refused option x"), 5, "HiGHS refused option x"),
        (DeviceError("device 'cuda' cannot be used"), 5, "device 'cuda'"),
        (MemoryError(), 5, "out of memory"),
        (RuntimeError("a\x1b[2Jb"), 5, "RuntimeError: a\\x1b[2Jb"),
        (FloatingPointError("driver rental overflows"), 2, "driver rental overflows"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures(here, engine_gives, capsys, error, code, words):
    engine_gives(error)
    assert main(["plan", "my.toml"]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert only_the_case(here)


def test_interrupted_before_there_is_a_plan(here, engine_gives, capsys):
    nothing = make_plan(
        status=Status.STOPPED, objective_value=math.nan, messages=("interrupted",), ending=Ending.INTERRUPTED
    )
    engine_gives(nothing)
    assert main(["plan", "my.toml"]) == 130
    assert capsys.readouterr().out == ""
    assert only_the_case(here)
    engine_gives(make_plan(status=Status.STOPPED, messages=("interrupted",)))
    assert main(["plan", "my.toml", "--out", "run"]) == 4
    engine_gives(make_plan(status=Status.STOPPED, objective_value=math.nan, messages=("the time limit has passed",)))
    assert main(["plan", "my.toml", "--out", "run2"]) == 4


def test_a_warning_is_one_line(here, monkeypatch, capsys):
    def optimize(case, **_):
        warnings.warn("numba cannot be imported", stacklevel=1)
        return make_plan()

    monkeypatch.setattr(engine, "optimize", optimize)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["plan", "my.toml"]) == 0
    assert capsys.readouterr().err == "capmix: warning: numba cannot be imported\n"


def test_traceback_on_request(here, engine_gives, monkeypatch):
    engine_gives(RuntimeError("x"))
    monkeypatch.setenv("CAPMIX_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        main(["plan", "my.toml"])


def test_a_plan_that_cannot_be_written_is_still_shown(here, engine_gives, capsys, monkeypatch):
    def full(*_):
        raise WriteError("cannot write the run folder: No space left on device")

    engine_gives(make_plan())
    monkeypatch.setattr(hand_over, "publish", full)
    assert main(["plan", "my.toml"]) == 5
    printed = capsys.readouterr()
    assert "CERTIFIED" in printed.out
    assert "run folder:" not in printed.out
    assert "No space left" in printed.err
    assert only_the_case(here)


def test_too_many_scenarios_are_refused_with_what_fits(here, engine_gives, capsys, monkeypatch):
    calls = engine_gives(make_plan())
    monkeypatch.setattr(memory, "memory_available", lambda: 2_000_000_000)
    assert main(["plan", "my.toml", "--scenarios", "1e9"]) == 2
    said = capsys.readouterr().err
    fits = said.rpartition("--scenarios ")[2].strip()
    assert calls == []
    assert main(["plan", "my.toml", "--scenarios", fits, "--out", "run"]) == 0
    assert main(["plan", "my.toml", "--scenarios", str(int(int(fits) * 1.2)), "--out", "run2"]) == 2


def test_parquet_without_pyarrow(here, engine_gives, capsys, monkeypatch):
    calls = engine_gives(make_plan())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["plan", "my.toml", "--tables", "parquet"]) == 2
    assert "pip install 'capmix[parquet]'" in capsys.readouterr().err
    assert calls == []
    with pytest.raises(tables.UsageError):
        tables.require_parquet()


def test_a_case_that_changes_while_it_is_read_is_refused(here, engine_gives, capsys, monkeypatch):
    calls = engine_gives(make_plan())
    from capmix.models.reading import load

    real = load.load_case

    def edited(name):
        case = real(name)
        with open(here / "my.toml", "a", encoding="utf-8") as file:
            file.write("# a late remark\n")
        return case

    monkeypatch.setattr(load, "load_case", edited)
    assert main(["plan", "my.toml"]) == 2
    assert "changed while it was read" in capsys.readouterr().err
    assert calls == []


def test_tables_of_a_case_are_copied(here, engine_gives):
    engine_gives(make_plan())
    assert main(["plan", "hyperscaler", "--out", "run"]) == 0
    copied = {str(p.relative_to(here / "run" / "case")) for p in (here / "run" / "case").rglob("*") if p.is_file()}
    assert "hyperscaler.toml" in copied
    assert any(name.startswith("hyperscaler/") and name.endswith(".csv") for name in copied)


def test_new_writes_once(here, capsys):
    assert main(["new", "fresh.toml"]) == 0
    assert (here / "fresh.toml").read_text(encoding="utf-8") == starter_case()
    (here / "fresh.toml").write_text("mine")
    assert main(["new", "fresh.toml"]) == 2
    assert (here / "fresh.toml").read_text() == "mine"
    assert main(["new", "fresh.txt"]) == 2
    assert main(["new", "no/fresh.toml"]) == 2
    assert sorted(p.name for p in here.iterdir()) == ["fresh.toml", "my.toml"]
    assert "never overwritten" in capsys.readouterr().err


def test_check_describes_a_good_case(here, capsys):
    assert main(["check", "my.toml", "hyperscaler", "--scenarios", "1000000"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for words in (
        "my.toml: no fault found",
        "hyperscaler: no fault found",
        "decisions",
        "CVaR 95% of liquidity",
        "1,000,000 scenarios",
    ):
        assert words in printed.out


def test_check_takes_the_worst(here, capsys):
    assert main(["check", "my.toml", "nowhere.toml"]) == 2
    printed = capsys.readouterr()
    assert "my.toml: no fault found" in printed.out
    assert "nowhere.toml" in printed.err


def test_doctor(here, capsys, monkeypatch):
    def find():
        raise NoCupy("CuPy is not installed; install it")

    monkeypatch.setattr(doctor, "cuda_lines", lambda: cuda_lines(find))
    assert main(["doctor", "my.toml", "--scenarios", "5000"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "HiGHS solves",
        "Numba on",
        "not used: CuPy",
        "plans run on the cpu",
        "GB/s copied",
        "5,000 take",
        "resident",
        "regenerating",
        "ready to plan",
    ):
        assert words in printed


def test_doctor_lists_each_device(here, capsys, monkeypatch):
    def device(number, free, **changes):
        return Found("NVIDIA Test", (9, 0), 13_020, 13_000, "14.2.0", free, 80_000_000_000, number=number, **changes)

    both = (device(0, 70_000_000_000, remarks=("device 1 is not used: old",)), device(2, 40_000_000_000))
    speeds = {0: 3.0e12, 2: 2.0e12}
    monkeypatch.setattr(doctor, "cuda_lines", lambda: cuda_lines(lambda: both, speeds.get))
    assert main(["doctor", "my.toml"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "cuda 0        NVIDIA Test, compute capability 9.0", "cuda 2        NVIDIA Test", "3,000 GB/s copied",
        "2,000 GB/s", "driver for CUDA 13.2, runtime 13.0, CuPy 14.2.0", "device 1 is not used: old",
        "share their scenarios out to all",
    ):  # fmt: skip
        assert words in printed
    pooled = next(line for line in printed.splitlines() if line.startswith("max on cuda"))
    monkeypatch.setattr(doctor, "cuda_lines", lambda: cuda_lines(lambda: both[1:], speeds.get))
    assert main(["doctor", "my.toml"]) == 0
    one = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("max on cuda"))
    assert "chunked from host" in one
    most = [int(line.split()[3].replace(",", "")) for line in (pooled, one)]
    assert most[0] == pytest.approx(2 * most[1], rel=0.05)  # equal shares, each as large as the smaller memory


@pytest.mark.parametrize("place", ["new", "damaged", "file/below"])
def test_doctor_tells_the_truth_about_the_kernel_cache(here, monkeypatch, place):
    from capmix.kernels.cpu import kernel_cache

    (here / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(here / "file" if place == "file/below" else here / place))
    monkeypatch.setattr(kernel_cache, "folders", lambda source: (here / place,))
    if place == "damaged":
        (here / place).mkdir()
        (here / place / f"losses_numba.loss_pass.cpython-311.{'0' * 32}.nbc").write_bytes(b"garbled")
        (here / place / "losses_numba.loss_pass-81.py311.1.nbc").write_bytes(b"Numba's own")
    words = {
        "new": (f"no compiled kernel yet, the first plan compiles into {here / place}",),
        "damaged": ("no compiled kernel yet", "1 damaged file, compiled anew", "loss_pass.cpython-311.0000"),
        "file/below": ("is not writable (Not a directory): every plan compiles for half a minute", "NUMBA_CACHE_DIR"),
    }[place]
    said = doctor.kernel_cache()
    for word in words:
        assert word in said
    assert ("no compiled kernel" in said) == (place != "file/below")


def test_doctor_says_what_is_broken(here, capsys, monkeypatch):
    from capmix.optimizer.cutting_planes import highs

    def broken(*_args, **_kwargs):
        raise SolverError("HiGHS cannot be used")

    monkeypatch.setattr(highs, "Model", broken)
    assert main(["doctor"]) == 5
    printed = capsys.readouterr().out
    assert "FAILED: HiGHS cannot be used" in printed
    assert "NOT ready" in printed


def test_help_of_every_command(capsys):
    for arguments in ([], ["plan"], ["check"], ["new"], ["doctor"]):
        assert main([*arguments, "--help"]) == 0
    assert main(["--version"]) == 0
    printed = capsys.readouterr().out
    assert "capmix 0." in printed
    assert "exit codes" in printed


def test_help_fits_eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, build_parser().format_help().splitlines())) <= 110


HEAVY = ("numpy", "scipy", "pyomo", "numba", "rich", "highspy", "pyarrow", "pandas", "tomllib", "importlib.metadata")


def test_help_imports_nothing_heavy():
    script = f"import sys, capmix.reports.cli as c; c.build_parser(); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(os.name == "nt", reason="needs head")
def test_a_reader_that_goes_away_is_no_error():
    command = f'"{sys.executable}" -m capmix check hyperscaler neocloud | head -n 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=True)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_the_real_engine_end_to_end(here, capsys):
    assert main(["plan", "my.toml", "--scenarios", "2000", "--out", "a", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["plan", "my.toml", "--scenarios", "2000", "--out", "b", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert list(faults(first, schema())) == []
    assert first["certificate"]["gap"] <= 1e-5
    for key in first:
        if key != "timings":
            assert first[key] == second[key]
    assert (here / "a" / "summary.txt").read_text(encoding="utf-8").startswith("capmix · Starter")


def test_a_limit_below_the_least_possible_ends_with_3_and_that_least(here, capsys):
    text = starter_case().replace("limit = 0.30", "limit = -2.0")
    assert "limit = -2.0" in text
    (here / "my.toml").write_text(text, encoding="utf-8")
    assert main(["plan", "my.toml", "--scenarios", "2000", "--out", "run"]) == 3
    assert "NO FEASIBLE PLAN" in capsys.readouterr().out
    written = json.loads((here / "run" / "plan.json").read_text(encoding="utf-8"))
    assert (written["status"], written["decisions"]) == ("infeasible", [])
    least = {entry["name"]: entry for entry in written["infeasibility"]["minimum_risk"]}
    assert least["liquidity"]["minimum"] > least["liquidity"]["limit"] == -2.0
