"""What the machine does not give is said in one line, with the exit code that the help names."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import capmix.optimizer.run as engine
import pytest
from capmix.kernels.memory import host_memory
from capmix.models.reading.starter import starter_case
from capmix.reports import limits, machine
from capmix.reports.cli import main
from capmix.reports.exits import OutOfRoom, UsageError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPMIX_TRACEBACK", raising=False)
    (tmp_path / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path


posix = pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")


def limited(here, megabytes: int, letter: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = f'ulimit -{letter} {1024 * megabytes}; exec "$0" -m capmix "$@"'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, *words],
        cwd=here, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@posix
@pytest.mark.skipif(sys.platform != "linux", reason="macOS keeps to no such limit")
@pytest.mark.parametrize(
    "megabytes, letter, words",
    [*((m, "v", "plan my.toml") for m in (50, 300, 700)), (100, "d", "plan my.toml"), (100, "v", "check my.toml"),
     (300, "v", "frontier my.toml"), (300, "v", "doctor")],
)  # fmt: skip
def test_too_little_memory_is_one_line_and_exit_code_5(here, megabytes, letter, words):
    done = limited(here, megabytes, letter, *words.split())
    assert done.returncode == 5
    assert done.stdout == ""
    assert done.stderr.startswith("capmix: not enough memory: a limit on this process")
    assert done.stderr.count("\n") == 1
    assert [p.name for p in here.iterdir()] == ["my.toml"]


@posix
def test_new_and_help_need_next_to_nothing(here):
    for words in (["--help"], ["new", "other.toml"]):
        assert limited(here, 100, "v", *words).returncode == 0


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


OUT_OF_MEMORY = {
    "NumPy": MemoryError("Unable to allocate 3.2 GiB for an array"),
    "pybind11": MemoryError("std::bad_alloc"),
    "loader": ImportError("libscipy_openblas64_.so: failed to map segment from shared object"),
    "the system": OSError(errno.ENOMEM, "Cannot allocate memory"),
    "threads": RuntimeError("can't start new thread"),
    "a library": caused(OSError("no such library"), OSError("x.so: cannot allocate memory in static TLS block")),
    "C++": RuntimeError("std::bad_alloc"),
}  # fmt: skip


@pytest.mark.parametrize("error", OUT_OF_MEMORY.values(), ids=OUT_OF_MEMORY)
def test_memory_that_runs_out_on_the_way(here, capsys, monkeypatch, error):
    def optimize(case, **_):
        raise error

    monkeypatch.setattr(engine, "optimize", optimize)
    assert main(["plan", "my.toml"]) == 5
    said = capsys.readouterr().err
    assert said.startswith("capmix: not enough memory: ")
    assert "a fault of capmix" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("error", [RuntimeError("x"), ImportError("no module"), OSError(errno.EIO, "broken")], ids=str)
def test_other_errors_are_not_taken_for_it(error):
    assert not limits.is_short_of_memory(error)


def test_a_limit_counts_as_memory_that_is_not_free(monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 8_000_000_000)
    monkeypatch.setattr(machine, "rooms", lambda: {"v": 1_180_000_000, "d": 10**12})
    assert machine.memory_available() == 1_000_000_000
    monkeypatch.setattr(machine, "rooms", dict)
    assert machine.memory_available() == 8_000_000_000
    monkeypatch.setattr(host_memory, "rooms", lambda: {"d": 5})
    assert host_memory.memory_available() == 5


def test_enough_room_and_too_little(monkeypatch):
    monkeypatch.setattr(limits, "cores", lambda: 2)
    for letter in ("v", "d"):
        monkeypatch.setattr(limits, "rooms", lambda at=letter: {at: limits.TO_PLAN[at]})
        limits.check_machine()
        monkeypatch.setattr(limits, "rooms", lambda at=letter: {at: limits.TO_PLAN[at] - 1})
        limits.check_machine(computing=False)
        with pytest.raises(OutOfRoom, match=f"ulimit -{letter}"):
            limits.check_machine()


@pytest.mark.parametrize(
    "left, given, threads", [({}, None, None), ({}, 2.5, "3"), ({"v": 10**12}, None, "1"), ({"v": 10**12}, 2.5, "1")]
)
def test_blas_keeps_to_what_the_process_may_use(monkeypatch, left, given, threads):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(limits, "rooms", lambda: left)
    monkeypatch.setattr(limits, "quota", lambda: given)
    monkeypatch.setattr(limits, "cores", lambda: 3)
    limits.check_machine()
    assert os.environ.get("OPENBLAS_NUM_THREADS") == threads
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    limits.check_machine()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"


@pytest.mark.parametrize("variable, value", [("NUMBA_NUM_THREADS", "0"), ("NUMBA_DISABLE_JIT", "1")])
def test_a_setting_that_cannot_be_used_is_named_with_its_cure(here, variable, value):
    done = subprocess.run(
        [sys.executable, "-m", "capmix", "plan", "my.toml"],
        cwd=here, env={**os.environ, variable: value}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert variable in done.stderr
    assert "unset it" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_plan_needs_no_docstrings_and_no_pyomo(here):
    """Pyomo reads its own docstrings when it is imported, which python -OO takes out."""
    script = "import sys, capmix.reports.cli as c; code = c.main(sys.argv[1:]); print('pyomo' in sys.modules, code)"
    done = subprocess.run(
        [sys.executable, "-OO", "-c", script, "plan", "my.toml", "--scenarios", "500", "--out", "run"],
        cwd=here, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.split()[-2:] == ["False", "0"], done.stderr


def test_a_case_is_checked_whatever_numba_is_told(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "0")
    limits.check_machine(computing=False)
    with pytest.raises(UsageError, match="NUMBA_NUM_THREADS"):
        limits.check_machine()
