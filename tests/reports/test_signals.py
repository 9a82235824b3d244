"""Signals: nothing is lost that was found, nothing is said that is not true, and the end comes at once where it can."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import capmix.optimizer.run as engine
import pytest
from capmix.models.reading.starter import starter_case
from capmix.optimizer import stops
from capmix.reports import signals
from capmix.reports.cli import main

from .plans import make_plan

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

# the command line with an engine that does what the test says
COMMAND = """
import math, os, signal, sys, threading, time, types
sys.path.insert(0, sys.argv[1])
from reports import plans
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.cutting_planes.progress import ProgressEvent
from capmix.reports.files import folder
from capmix.reports.start import main

number = int(sys.argv[2])

def tell(progress, solves):
    progress(ProgressEvent("a phase", math.inf, -math.inf, math.inf, 0, 0.0, solves, 0.0, None))

def send():
    os.kill(os.getpid(), number)

def wait():
    for _ in range(3000):
        time.sleep(0.01)
    raise SystemExit("nothing was heard")

def until_asked():
    for _ in range(3000):
        if stops.requested():
            return
        time.sleep(0.01)

def optimize(case, progress, **_):
{body}

sys.modules["capmix.optimizer.{module}"] = engine = types.ModuleType("engine")  # the real one takes long to import
engine.{function} = optimize
sys.argv = ["capmix", "{command}", "my.toml", "--out", "run"]
raise SystemExit(main())
"""


ENGINES = {
    "plan": ("run", "optimize"),
    "compare": ("comparison.compare", "compare"),
    "frontier": ("frontiers.frontier", "frontier"),
}


def run(
    here: Path, body: str, number: int = signal.SIGINT, command: str = "plan", **changes
) -> subprocess.CompletedProcess[str]:
    (here / "my.toml").write_text(starter_case(), encoding="utf-8")
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    module, function = ENGINES[command]
    script = COMMAND.replace("{body}", lines).replace("{command}", command)
    script = script.replace("{module}", module).replace("{function}", function)
    words = [sys.executable, "-c", script, str(Path(__file__).parents[1]), str(int(number))]
    return subprocess.run(words, cwd=here, capture_output=True, text=True, timeout=60, check=False, **changes)


@pytest.mark.parametrize(
    ("number", "command"),
    [*((number, "plan") for number in CODES), (signal.SIGINT, "compare"), (signal.SIGTERM, "frontier")],
    ids=lambda v: getattr(v, "name", v),
)
def test_before_the_search_the_end_comes_at_once(tmp_path, number, command):
    done = run(tmp_path, "tell(progress, 0)\nsend()\nwait()", number, command)
    assert (done.returncode, done.stdout) == (CODES[number], "")
    assert done.stderr.endswith("; nothing was written\n")
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["my.toml"]


@pytest.mark.parametrize(
    "step", ["import ctypes\nfor _ in range(60): ctypes.CDLL(None).sleep(1)", "threading.Event().wait()"]
)
def test_also_while_the_main_thread_hears_nothing(tmp_path, step):
    """A call into C that does not come back, as the solver and the compiler make them."""
    done = run(tmp_path, f"threading.Timer(0.1, send).start()\n{step}")
    assert done.returncode == 130
    assert "nothing was written" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_in_the_search_the_first_is_a_request_and_the_plan_is_kept(tmp_path, number):
    done = run(tmp_path, "tell(progress, 1)\nsend()\nuntil_asked()\nreturn plans.make_plan()", number)
    assert done.returncode == 0
    assert "stopping, what is found is kept" in done.stderr
    assert "nothing was written" not in done.stderr
    assert "CERTIFIED" in done.stdout
    assert json.loads((tmp_path / "run" / "plan.json").read_text("utf-8"))["status"] == "certified"


def test_a_stopped_plan_keeps_its_code(tmp_path):
    body = (
        "tell(progress, 1)\nsend()\nuntil_asked()\n"
        "return plans.make_plan(status=Status.STOPPED, messages=('interrupted',))"
    )
    done = run(tmp_path, body)
    assert done.returncode == 4
    assert (tmp_path / "run" / "manifest.json").is_file()


def test_without_a_plan_the_code_is_the_signal_s(tmp_path):
    number = signal.SIGHUP
    done = run(tmp_path, "tell(progress, 1)\nsend()\nuntil_asked()\nstops.check()", number)
    assert done.returncode == CODES[number]
    assert done.stderr.endswith("; nothing was written\n")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_the_second_ends_at_once(tmp_path):
    done = run(tmp_path, "tell(progress, 1)\nsend()\nuntil_asked()\nsend()\nwait()")
    assert done.returncode == 130
    assert done.stderr.endswith("again: ended at once\n")
    assert not (tmp_path / "run").exists()


def test_while_the_folder_is_written(tmp_path):
    body = """
tell(progress, 1)
real = folder._write
def write(path, content):
    real(path, content)
    if path.name == 'plan.json':
        send()
        until_asked()
folder._write = write
return plans.make_plan()
"""
    done = run(tmp_path, body)
    assert done.returncode == 0
    assert "nothing was written" not in done.stderr
    assert "run folder:" in done.stdout
    assert (tmp_path / "run" / "manifest.json").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["my.toml", "run"]


def test_after_the_folder_has_its_name(tmp_path):
    body = """
tell(progress, 1)
real = folder._rename
def rename(staging, place):
    path = real(staging, place)
    send()
    until_asked()
    return path
folder._rename = rename
return plans.make_plan()
"""
    done = run(tmp_path, body)
    assert (done.returncode, "nothing was written" in done.stderr) == (0, False)
    assert "run folder:" in done.stdout


def test_while_the_process_ends(tmp_path):
    """Threads are joined and libraries torn down for a while after all is done."""
    done = run(tmp_path, "import atexit\natexit.register(send)\ntell(progress, 1)\nreturn plans.make_plan()")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_ignored_stays_ignored(tmp_path):
    """As `nohup` wishes it."""
    body = "tell(progress, 0)\nsend()\ntime.sleep(0.2)\nassert not stops.requested()\nreturn plans.make_plan()"
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    done = run(tmp_path, body, signal.SIGHUP, preexec_fn=ignore)
    assert done.returncode == 0


def test_nothing_is_written_to_a_descriptor_that_is_another_file(monkeypatch):
    """Where the shell has closed standard error, its number may be that of a file of the run."""
    monkeypatch.setattr(sys, "stderr", None)
    assert signals._descriptor() is None


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(starter_case(), encoding="utf-8")
    return tmp_path


def test_handlers_are_given_back(here, monkeypatch):
    numbers = list(CODES)
    before, seen = [signal.getsignal(n) for n in numbers], []

    def optimize(case, **_):
        seen.extend(signal.getsignal(n) for n in numbers)
        return make_plan()

    monkeypatch.setattr(engine, "optimize", optimize)
    threads = threading.active_count()
    assert main(["plan", "my.toml", "--out", "a"]) == 0
    assert [signal.getsignal(n) for n in numbers] == before
    assert all(handler not in before for handler in seen)
    assert threading.active_count() == threads
    assert stops.requested() is None


def test_another_thread_leaves_the_handlers_alone(here, monkeypatch):
    before, seen, codes = signal.getsignal(signal.SIGINT), [], []

    def optimize(case, **_):
        seen.append(signal.getsignal(signal.SIGINT))
        return make_plan()

    monkeypatch.setattr(engine, "optimize", optimize)
    thread = threading.Thread(target=lambda: codes.append(main(["plan", "my.toml", "--out", "a"])))
    thread.start()
    thread.join()
    assert (codes, seen) == ([0], [before])


def test_without_a_thread_the_handlers_do_the_work(monkeypatch):
    class NoThread(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    ended = []
    monkeypatch.setattr(signals.threading, "Thread", NoThread)
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    with signals.listening(for_good=False):
        signals.search_has_begun()
        os.kill(os.getpid(), signal.SIGINT)
        assert stops.requested() == "interrupted"
        os.kill(os.getpid(), signal.SIGTERM)
        assert ended == [143]
    assert stops.requested() is None


@pytest.mark.parametrize(("phase", "code"), [("drawing", 130), ("checking the plan", 0)])
def test_the_real_engine(here, phase, code):
    """A terminal shows the phases; the signal comes in the first moments of one."""
    import pty

    control, terminal = pty.openpty()
    command = [sys.executable, "-m", "capmix", "plan", "my.toml", "--scenarios", "2000", "--out", "run"]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stderr=terminal, stdout=subprocess.DEVNULL, env=environment) as process:
        os.close(terminal)
        shown, sent = b"", False
        while True:
            try:
                more = os.read(control, 4096)
            except OSError:
                break
            if not more:
                break
            shown += more
            if not sent and phase.encode() in shown:
                sent, begin = True, time.perf_counter()
                process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == code
    os.close(control)
    assert sent
    assert begin > 0.0
    assert b"Traceback" not in shown
    assert (b"nothing was written" in shown) == (code == 130)
    assert (here / "run" / "plan.json").exists() == (code == 0)
