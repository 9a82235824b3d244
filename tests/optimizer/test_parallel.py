"""Tasks beside each other: their results in order, one error, one voice, one Ctrl-C."""

from __future__ import annotations

import sys
from functools import partial
from threading import Barrier, Event, get_ident

import pytest
from capmix.optimizer.cutting_planes.progress import Progress, ProgressEvent
from capmix.optimizer.parallel import together

PATIENCE = 60.0  # seconds after which a wait has failed


def event(phase: str) -> ProgressEvent:
    return ProgressEvent(phase, 1.0, 0.0, 1.0, 0, 0.0, 0, 0.0, None)


def test_results_are_in_the_order_of_the_tasks() -> None:
    last = Event()

    def first(worker: str, progress: Progress | None) -> str:
        assert last.wait(PATIENCE)
        return "first"

    def second(worker: str, progress: Progress | None) -> str:
        last.set()
        return "second"

    assert together([first, second], ["a", "b"]) == ["first", "second"]


def test_as_many_at_a_time_as_there_are_workers_and_each_worker_does_one_thing() -> None:
    meet = Barrier(2)
    busy: list[str] = []

    def task(worker: str, progress: Progress | None) -> str:
        assert worker not in busy
        busy.append(worker)
        meet.wait(PATIENCE)  # broken unless two are at it
        busy.remove(worker)
        meet.wait(PATIENCE)
        return worker

    assert sorted(set(together([task] * 6, ["a", "b"]))) == ["a", "b"]


def test_one_worker_takes_one_task_after_the_other_on_the_callers_thread() -> None:
    heard: list[str] = []

    def task(name: str, worker: str, progress: Progress | None) -> tuple[str, int]:
        assert progress is not None
        progress(event(name))
        return name, get_ident()

    tasks = [partial(task, name) for name in "abc"]
    found = together(tasks, ["w"], lambda told: heard.append(told.phase))
    assert found == [(name, get_ident()) for name in "abc"]
    assert heard == ["a", "b", "c"]
    assert together([], ["w"]) == []
    assert together([], ["v", "w"]) == []


def test_progress_is_that_of_the_first_task_that_is_not_done() -> None:
    heard: list[str] = []
    told, ended = Event(), Event()

    def first(worker: int, progress: Progress | None) -> None:
        assert progress is not None
        assert told.wait(PATIENCE)
        progress(event("first"))
        ended.set()

    def second(worker: int, progress: Progress | None) -> None:
        assert progress is not None
        progress(event("unheard"))
        told.set()
        assert ended.wait(PATIENCE)
        while "second" not in heard:  # until the first has been counted as done
            progress(event("second"))

    together([first, second], [1, 2], lambda one: heard.append(one.phase))
    assert heard == ["first", "second"]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_task_begins_once_those_before_it_have_ended(workers: int) -> None:
    ended: list[int] = []
    after = [(), (0,), (0,), (), (1, 2), (4, 3)]

    def task(number: int, worker: int, progress: Progress | None) -> int:
        assert set(after[number]) <= set(ended)
        ended.append(number)
        return number

    tasks = [partial(task, number) for number in range(6)]
    assert together(tasks, list(range(workers)), None, after) == list(range(6))


def test_a_task_does_not_wait_for_what_is_not_before_it() -> None:
    """The fourth waits for the second alone, which the first outlasts."""
    last = Event()

    def slow(worker: int, progress: Progress | None) -> None:
        assert last.wait(PATIENCE)

    def quick(worker: int, progress: Progress | None) -> None:
        return

    def sets(worker: int, progress: Progress | None) -> None:
        last.set()

    together([slow, quick, quick, sets], [1, 2], None, [(), (), (0,), (1,)])


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_the_task_that_failed_is_raised(workers: int) -> None:
    def works(worker: int, progress: Progress | None) -> None:
        return

    def fails(worker: int, progress: Progress | None) -> None:
        raise LookupError("second")

    def never(worker: int, progress: Progress | None) -> None:
        raise AssertionError

    with pytest.raises(LookupError, match="second"):
        together([works, fails, never], list(range(workers)), None, [(), (0,), (1,)])


def test_an_error_stops_the_others_at_their_next_word() -> None:
    ends: list[str] = []
    running = Event()

    def first(worker: int, progress: Progress | None) -> None:
        assert running.wait(PATIENCE)
        raise ValueError("first")

    def second(worker: int, progress: Progress | None) -> None:
        assert progress is not None
        running.set()
        try:
            while True:
                progress(event("working"))
        except KeyboardInterrupt:
            ends.append("second")
            raise

    def third(worker: int, progress: Progress | None) -> None:
        ends.append("third")

    with pytest.raises(ValueError, match="first"):
        together([first, second, *[third] * 3], [1, 2])
    assert "second" in ends


def test_ctrl_c_in_what_the_caller_hears_ends_them_all() -> None:
    """A search that is told of Ctrl-C hands it on; so do the others, which would else never end."""

    def task(worker: int, progress: Progress | None) -> None:
        assert progress is not None
        while True:
            progress(event("working"))

    def press(_: ProgressEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together([task] * 4, [1, 2], press)


def test_the_interpreter_is_handed_over_as_before_afterwards() -> None:
    before = sys.getswitchinterval()
    inside: list[float] = []

    def task(worker: int, progress: Progress | None) -> None:
        inside.append(sys.getswitchinterval())
        raise ValueError

    with pytest.raises(ValueError):
        together([task, task], [1, 2])
    assert max(inside) < before
    assert sys.getswitchinterval() == before
