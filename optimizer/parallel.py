"""Concurrent searches, on threads: one is in the solver while another evaluates."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

from .cutting_planes.progress import Progress, ProgressEvent
from .stops import also

W = TypeVar("W")
R = TypeVar("R")

SWITCH = 5e-4  # seconds that a thread may hold the interpreter while others wait; by default 5e-3
SELDOM = 100_000  # new objects after which cycles are looked for; by default 700 or 2,000


def together(
    tasks: Sequence[Callable[[W, Progress | None], R]],
    workers: Sequence[W],
    progress: Progress | None = None,
    after: Sequence[Sequence[int]] | None = None,
) -> list[R]:
    """Results of task(worker, progress) in the order of the tasks, as many at a time as there are workers.

    `after`: for each task the numbers of earlier ones that end before it begins; none where left out. `progress` hears
    of one task at a time: the first that has not ended. Where a task fails the others are stopped and its error is
    raised once they have. Ctrl-C ends them all. A task is stopped by KeyboardInterrupt in its progress, in its passes
    and inside the solver.
    """
    if len(workers) == 1:
        return [task(workers[0], progress) for task in tasks]
    left = {number: set(after[number]) if after else set() for number in range(len(tasks))}
    joined = _JoinedProgress(progress)
    idle = list(workers)
    running: dict[Future[R], tuple[int, W]] = {}
    results: dict[int, R] = {}
    with _brisk(), ThreadPoolExecutor(len(workers), thread_name_prefix="capmix-search") as pool:
        try:
            while left or running:
                ready = [number for number, needs in left.items() if needs <= results.keys()]
                for number in ready[: len(idle)]:
                    del left[number]
                    worker = idle.pop(0)
                    running[pool.submit(joined.through, tasks[number], worker, number)] = number, worker
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(ended, key=lambda future: running[future][0]):
                    number, worker = running.pop(future)
                    results[number] = future.result()
                    idle.append(worker)
                    joined.ended(number)
        finally:
            joined.stop.set()
    return [results[number] for number in range(len(tasks))]


class _JoinedProgress:
    """The progress of concurrent tasks as the caller sees it."""

    def __init__(self, progress: Progress | None) -> None:
        self.stop = Event()
        self._progress = progress
        self._lock = Lock()
        self._first = 0
        self._done: set[int] = set()

    def through(self, task: Callable[[W, Progress | None], R], worker: W, number: int) -> R:
        """Do a task, which hears inside the solver too that all are to stop."""
        with also(self.stop.is_set):
            return task(worker, self.of(number))

    def of(self, number: int) -> Progress:
        """The progress of one task."""

        def tell(event: ProgressEvent) -> None:
            if self.stop.is_set():
                raise KeyboardInterrupt
            if self._progress is not None and number == self._first:
                with self._lock:
                    self._progress(event)

        return tell

    def ended(self, number: int) -> None:
        self._done.add(number)
        while self._first in self._done:
            self._first += 1


@contextmanager
def _brisk() -> Iterator[None]:
    """Threads hand over the interpreter quickly, since each of a search's many short passes asks for it again, and
    seldom wait for the collection of cycles, which holds up all of them.
    """
    before, collected = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(min(before, SWITCH))
    if collected[0]:  # 0: somebody has turned it off
        gc.set_threshold(max(SELDOM, collected[0]), *collected[1:])
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.set_threshold(*collected)
