"""Searches beside each other, on threads: one is in the solver while another evaluates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Lock
from typing import TypeVar

from .progress import Progress, ProgressEvent

W = TypeVar("W")
R = TypeVar("R")

SWITCH = 2e-4  # seconds that a thread may hold the interpreter while others wait; by default 5e-3


def together(
    tasks: Sequence[Callable[[W, Progress | None], R]], workers: Sequence[W], progress: Progress | None = None
) -> list[R]:
    """Results of task(worker, progress) in the order of the tasks, as many at a time as there are workers.

    `progress` hears of one task at a time: the first that is not done. Where a task fails, the first error in their
    order is raised once all have stopped. Ctrl-C ends them all, by KeyboardInterrupt in their progress.
    """
    if len(workers) == 1:
        return [task(workers[0], progress) for task in tasks]
    free: SimpleQueue[W] = SimpleQueue()
    for worker in workers:
        free.put(worker)
    heard = _Heard(progress)

    def run(number: int) -> R:
        worker = free.get()
        try:
            return tasks[number](worker, lambda event: heard.tell(number, event))
        finally:
            free.put(worker)
            heard.done(number)

    futures: list[Future[R]] = []
    with _brisk(), ThreadPoolExecutor(len(workers), thread_name_prefix="capmix-search") as pool:
        try:
            futures.extend(pool.submit(run, number) for number in range(len(tasks)))
            return [future.result() for future in futures]
        finally:
            heard.stop.set()
            for future in futures:
                future.cancel()


class _Heard:
    """What the caller hears of tasks that run beside each other."""

    def __init__(self, progress: Progress | None) -> None:
        self.stop = Event()
        self._progress = progress
        self._lock = Lock()
        self._first = 0
        self._done: set[int] = set()

    def tell(self, number: int, event: ProgressEvent) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        if self._progress is not None and number == self._first:
            with self._lock:
                self._progress(event)

    def done(self, number: int) -> None:
        with self._lock:
            self._done.add(number)
            while self._first in self._done:
                self._first += 1


@contextmanager
def _brisk() -> Iterator[None]:
    """Threads hand over the interpreter quickly: each of a search's many short passes asks for it again."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH))
    try:
        yield
    finally:
        sys.setswitchinterval(before)
