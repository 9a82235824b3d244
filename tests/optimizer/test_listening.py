"""Ctrl-C in a notebook: a request to the engine, KeyboardInterrupt the second time, and no lock left behind."""

from __future__ import annotations

import os
import signal
import threading
import time

import capmix
import numba
import pytest
from capmix import Status
from capmix.optimizer import stops
from capmix.optimizer.listening import listening
from numba.core.compiler_lock import global_compiler_lock

from .cases import starter

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def as_python_has_it():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    stops.clear()


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_a_request() -> None:
    @listening
    def work() -> str | None:
        press()
        return stops.requested()

    assert work() == "interrupted"
    assert stops.requested() is None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_unanswered_it_is_keyboard_interrupt() -> None:
    @listening
    def work() -> None:
        press()
        stops.check()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert stops.requested() is None


def test_the_second_is_keyboard_interrupt_at_once() -> None:
    @listening
    def work() -> None:
        press()
        press()
        pytest.fail("nothing was raised")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_within_another_is_heard_once() -> None:
    @listening
    def inner() -> None:
        press()

    @listening
    def outer() -> str | None:
        inner()
        return stops.requested()

    assert outer() == "interrupted"


def test_other_threads_and_other_handlers_are_left_alone() -> None:
    seen: list[object] = []

    @listening
    def work() -> None:
        seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    mine = lambda *_: None  # noqa: E731
    signal.signal(signal.SIGINT, mine)
    work()
    assert seen == [signal.default_int_handler, mine]


def test_the_compiler_s_lock_is_never_left_held() -> None:
    """Without the deferral one Ctrl-C in some thirty ends between the lock and the block that gives it back."""

    @listening
    def compile_all() -> None:
        for n in range(4):
            numba.njit(lambda x, n=n: x + n)(1.0)
            stops.check()

    def pressed_within(timer: threading.Timer) -> None:
        timer.start()
        compile_all()
        time.sleep(0.5)  # where it comes later than the work takes

    for turn in range(12):
        timer = threading.Timer(0.004 * turn, press)
        with pytest.raises(KeyboardInterrupt):
            pressed_within(timer)
        timer.join()
        free: list[bool] = []
        other = threading.Thread(target=lambda free=free: free.append(global_compiler_lock._lock.acquire(timeout=5)))
        other.start()
        other.join()
        assert free == [True]
        global_compiler_lock._lock = threading.RLock()  # the thread that took it is gone


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("building the ledger", None),
        ("drawing", None),
        ("building the linear", None),
        ("relaxed", Status.STOPPED),
        ("checking the plan", Status.CERTIFIED),
    ],
)
def test_optimize(phase: str, status: Status | None) -> None:
    def stop(event: capmix.ProgressEvent) -> None:
        if event.phase.startswith(phase) and not stops.requested():
            press()
            while not stops.requested():
                time.sleep(0.001)

    if status is None:
        with pytest.raises(KeyboardInterrupt):
            capmix.optimize(starter(), scenarios=500, device="cpu", progress=stop)
        return
    plan = capmix.optimize(starter(), scenarios=500, device="cpu", progress=stop)
    assert plan.status is status
    assert any("interrupted" in message for message in plan.messages)
    assert (plan.certificate is not None) == (status is Status.CERTIFIED)
    assert all(figure.out_of_sample is None for figure in plan.risk)


def test_a_request_while_the_papers_are_written_keeps_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    from capmix.optimizer import run

    real = run.compose

    def compose(*arguments: object) -> object:
        press()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "compose", compose)
    plan = capmix.optimize(starter(), scenarios=500, device="cpu")
    assert plan.status is Status.CERTIFIED
    assert any(message.startswith("interrupted when the plan had been found") for message in plan.messages)
