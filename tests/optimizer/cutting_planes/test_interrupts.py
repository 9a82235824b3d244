"""Requests to stop and time limits, heard inside one linear program, between scenarios, and by the whole search."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.kernels.pause import checking
from capmix.optimizer import stops
from capmix.optimizer.cutting_planes.highs import LpStatus, Model
from capmix.optimizer.cutting_planes.progress import Monitor, OutOfTime
from capmix.optimizer.cutting_planes.search import ProgressEvent, Settings, maximise
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.parallel import together
from capmix.optimizer.setup.assemble import process_table

from ..cases import starter
from .toy import toy

SCRIPT = """
import os, signal, threading
from capmix.optimizer import stops
from tests.optimizer.cutting_planes.test_interrupts import dense
model = dense()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.solve()
    print("solved")
except KeyboardInterrupt as heard:
    print("heard", type(heard).__name__)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, stops.requested())
"""


@pytest.fixture(autouse=True)
def _no_requests() -> Iterator[None]:
    stops.clear()
    yield
    stops.clear()


def dense(rows: int = 700, columns: int = 1400) -> Model:
    """A linear program that takes HiGHS seconds: a dense dual simplex run of some two thousand iterations."""
    rng = np.random.default_rng(0)
    return Model(
        rng.uniform(1.0, 2.0, columns), sp.csr_array(rng.normal(size=(rows, columns))),
        np.abs(rng.normal(size=rows)), np.full(rows, np.inf), np.zeros(columns), np.full(columns, np.inf),
    )  # fmt: skip


def test_a_request_is_heard_inside_one_linear_program() -> None:
    model = dense()
    threading.Timer(0.2, stops.request, ("the caller has gone",)).start()
    with pytest.raises(stops.Interrupted, match="the caller has gone"):
        model.solve()
    with pytest.raises(stops.Interrupted):  # and before the next one begins
        model.solve()


def test_a_time_limit_is_kept_inside_one_linear_program() -> None:
    model = dense()
    assert model.solve(0.2).status is LpStatus.OUT_OF_TIME
    assert model.solve(0.0).status is LpStatus.OUT_OF_TIME


def test_a_request_that_was_heard_does_not_stop_what_follows() -> None:
    stops.request("once")
    small = Model(np.array([-1.0]), sp.csr_array([[1.0]]), np.zeros(1), np.ones(1), np.zeros(1), np.full(1, np.inf))
    assert small.solve(heard=stops.number()).objective == -1.0
    stops.request("twice")
    with pytest.raises(stops.Interrupted, match="twice"):
        small.solve(heard=1)


def test_ctrl_c_is_heard_inside_one_linear_program_and_leaves_no_request() -> None:
    run = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout.split() == ["heard", "KeyboardInterrupt", "True", "None"]
    assert not done.stderr


def test_the_monitor_hears_each_request_once() -> None:
    monitor = Monitor(None, None, 1e-5, 1.0)
    monitor.check()
    stops.request("SIGTERM")
    with pytest.raises(stops.Interrupted, match="SIGTERM"):
        monitor.check()
    monitor.lift()
    monitor.check()
    stops.request("SIGTERM again")
    with pytest.raises(stops.Interrupted, match="again"):
        monitor.check()


@pytest.mark.parametrize("phase", ["relaxed", "full pass", "cutting planes"])
def test_a_search_ends_with_what_it_has(phase: str) -> None:
    plan = toy(count=2_000)

    def tell(event: ProgressEvent) -> None:
        if event.phase == phase and stops.requested() is None:
            stops.request("interrupted")

    found = maximise(plan.program, plan.risks, get_backend("numpy"), plan.store, Settings(pilot=0), tell)
    assert found.status is Status.STOPPED
    assert "interrupted" in found.messages
    assert stops.number() == 1


@pytest.mark.parametrize(("name", "count"), [("numpy", 6_000), ("numba", 40_000)])
def test_drawing_looks_up_between_pieces_and_draws_the_same(name: str, count: int) -> None:
    backend, table = get_backend(name), process_table(starter())
    calls = 0

    def note() -> None:
        nonlocal calls
        calls += 1

    def late() -> None:
        raise OutOfTime("late")

    with checking(note):
        seen = backend.simulate(table, count, 1)
    assert calls >= 2
    with checking(late), pytest.raises(OutOfTime):
        backend.simulate(table, count, 1)
    rows = np.arange(0, count, 997)
    np.testing.assert_array_equal(seen.x(rows), backend.simulate(table, count, 1).x(rows))


def test_searches_beside_each_other_stop_inside_the_solver_when_one_fails() -> None:
    ended: list[str] = []

    def solving(_: int, __: object) -> None:
        try:
            dense().solve()
        except stops.Interrupted as why:
            ended.append(str(why))
            raise

    def failing(_: int, __: object) -> None:
        threading.Event().wait(0.3)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        together([failing, solving], [0, 1])
    assert ended == ["stopped with the work it belongs to"]
    assert stops.requested() is None
