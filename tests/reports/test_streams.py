"""Standard streams: the document alone on standard output, and no closed or full stream that costs a plan."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import shlex
import subprocess
import sys
from pathlib import Path

import capmix.optimizer.run as engine
import pytest
from capmix.models.reading.starter import starter_case
from capmix.reports import streams
from capmix.reports.cli import main

from .plans import make_plan

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
STUBBED = Path(__file__).with_name("stubbed.py")
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux's device that is always full")


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    (folder / "my.toml").write_text(starter_case(), encoding="utf-8")
    (folder / "plan.pickle").write_bytes(pickle.dumps(make_plan()))
    return folder


def shell(folder: Path, words: str, redirections: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell, with its streams redirected; what is left of them is caught."""
    env = {**os.environ, "CAPMIX_TEST_PLAN": str(folder / "plan.pickle")}
    program = shlex.quote(str(STUBBED)) if words.startswith("plan my.toml --out") else "-m capmix"
    command = f"{shlex.quote(sys.executable)} {program} {words} {redirections}"
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )


NUMBERS = itertools.count()


@pytest.fixture
def out(there):
    return there / f"run{next(NUMBERS)}"


CLOSED = [">&-", pytest.param("> /dev/full", marks=full)]
SILENT = ["2>&-", pytest.param("2> /dev/full", marks=full), "0<&-"]


@pytest.mark.parametrize("how", CLOSED)
@pytest.mark.parametrize("json_", ["", "--json"])
def test_a_plan_is_written_though_nobody_takes_it(there, out, how, json_):
    done = shell(there, f"plan my.toml --out {out.name} {json_}", how)
    assert done.returncode == 5
    assert json.loads((out / "plan.json").read_text(encoding="utf-8"))["status"] == "certified"
    assert (out / "summary.txt").exists()
    said = [line for line in done.stderr.splitlines() if line.startswith("capmix: ")]
    assert len(said) == 1
    assert "standard output" in said[0]
    assert f"run folder: {out}" in said[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", SILENT)
def test_a_plan_is_shown_though_nobody_hears_remarks(there, out, how):
    done = shell(there, f"plan my.toml --out {out.name}", how)
    assert done.returncode == 0
    assert "CERTIFIED" in done.stdout
    assert (out / "plan.json").exists()


@pytest.mark.parametrize("how", [">&- 2>&-", pytest.param("> /dev/full 2>&1", marks=full), "0<&- >&- 2>&-"])
def test_a_plan_is_written_though_every_stream_is_gone(there, out, how):
    done = shell(there, f"plan my.toml --out {out.name}", how)
    assert done.returncode == 5
    assert (out / "plan.json").exists()
    assert (out / "manifest.json").exists()


@pytest.mark.parametrize("how", ["", *SILENT])
def test_the_document_stands_alone_whatever_a_library_prints(there, out, how):
    done = shell(there, f"plan my.toml --out {out.name} --json", how)
    assert done.returncode == 0
    assert done.stdout.encode() == (out / "plan.json").read_bytes()
    if not how:
        for words in ("printed by Python", "printed by C", "no line end", "written to the descriptor", "run folder: "):
            assert words in done.stderr


@pytest.mark.parametrize("json_", ["", "--json"])
def test_the_same_where_the_process_is_not_ours(there, out, json_, capfdbinary, monkeypatch):
    """`main` called with words, as from a notebook: descriptor 1 is given back, with nothing behind it."""
    monkeypatch.chdir(there)

    def optimize(case, **_):
        import ctypes

        ctypes.CDLL(None).puts(b"printed by C")
        os.write(1, b"bare\n")
        print("by Python")
        return make_plan()

    monkeypatch.setattr(engine, "optimize", optimize)
    assert main(["plan", "my.toml", "--out", out.name, *json_.split()]) == 0
    os.write(1, b"after")
    shown = capfdbinary.readouterr()
    assert shown.out.endswith(b"after")
    if json_:
        assert shown.out.removesuffix(b"after") == (out / "plan.json").read_bytes()
    for words in (b"printed by C", b"bare", b"by Python"):
        assert words not in shown.out
        assert words in shown.err


COMMANDS = ["check my.toml", "cases", "--version", "plan --help", "new {out}.toml"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("how", CLOSED)
def test_every_command_says_that_its_output_is_lost(there, out, command, how):
    done = shell(there, command.format(out=out.name), how)
    assert done.returncode == 5
    assert done.stderr.startswith("capmix: ")
    assert done.stderr.count("\n") == 1
    assert "standard output" in done.stderr
    if command.startswith("new"):
        assert (there / f"{out.name}.toml").read_text(encoding="utf-8") == starter_case()
        assert f"{out.name}.toml is written" in done.stderr


@full
@pytest.mark.parametrize("command", ["check my.toml", "--help"])
@pytest.mark.parametrize("how", ["2> /dev/full", "0<&- 2>&-"])
def test_every_command_answers_though_nobody_hears_remarks(there, command, how):
    done = shell(there, command, how)
    assert done.returncode == 0
    assert done.stdout


@full
@pytest.mark.parametrize(
    "command, how",
    [("plan --nope", "2>&-"), ("check nowhere.toml", "2> /dev/full"), ("new my.toml", "2>&-")],
)
def test_an_error_goes_to_the_stream_that_is_left(there, command, how):
    heard = shell(there, command, "")
    done = shell(there, command, how)
    assert done.returncode == heard.returncode == 2
    assert heard.stdout == ""
    assert done.stdout
    assert done.stdout.splitlines()[-1] == heard.stderr.splitlines()[-1]


@pytest.mark.parametrize("words", ["plan my.toml --out my.toml --json", "plan my.toml --json --nope"])
def test_an_error_does_not_stand_where_a_document_is_expected(there, words):
    done = shell(there, words, "2>&-")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_reader_that_goes_away_finds_the_plan_written(there, out):
    done = shell(there, f"plan my.toml --out {out.name}", "| true; exit ${PIPESTATUS[0]}")
    assert done.returncode in (0, 5)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert (out / "plan.json").exists()


def test_no_stream_at_all_in_a_process_that_is_not_ours(there, out, monkeypatch):
    monkeypatch.chdir(there)
    monkeypatch.setattr(engine, "optimize", lambda case, **_: make_plan())
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["plan", "my.toml", "--out", out.name]) == 5
    assert (out / "plan.json").exists()
    streams.complain("to nobody")


def test_descriptors_that_are_closed_are_not_taken_by_files(there):
    """With 0, 1 and 2 closed a file opened next would get number 0, and C would print into it."""
    script = (
        "import os, sys\n"
        "from capmix.reports.streams import take_over\n"
        "take_over()\n"
        "with open('probe.txt', 'w') as file:\n"
        "    file.write(str(file.fileno()))\n"
        "os.write(1, b'lost'); os.write(2, b'lost')\n"
    )
    subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} <&- >&- 2>&-"],
        cwd=there, timeout=60, check=True,
    )  # fmt: skip
    assert int((there / "probe.txt").read_text()) > 2
