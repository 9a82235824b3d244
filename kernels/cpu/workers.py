"""Threads that share the blocks of a pass. The compiled passes release the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from ..pause import between

_SHARES = 4  # pieces per thread at most, so that a slow thread does not hold up the others
_SMALLEST = 8  # blocks per piece at least where there are more than one: handing one out costs as much as a block
_LARGEST = 64  # blocks per piece at most: an interrupt is heard after that


class Workers:
    """Splits 0..count into pieces and runs them on `threads` threads."""

    def __init__(self, threads: int) -> None:
        if threads < 1:
            raise ValueError(f"threads must be at least 1; got {threads}")
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def run(self, task: Callable[[int, int], object], count: int) -> None:
        """Call task(low, high) for pieces that cover 0..count, also on the caller's thread, which looks up between
        them. The first exception is raised once all have stopped.
        """
        shares = min(_SHARES, max(1, count // (_SMALLEST * self.threads)))
        step = max(1, min(_LARGEST, -(-count // (shares * self.threads))))
        left = deque((low, min(low + step, count)) for low in range(0, count, step))

        def work(check: Callable[[], None] | None = None) -> None:
            while True:
                try:
                    low, high = left.popleft()
                except IndexError:
                    return
                if check is not None:
                    check()
                task(low, high)

        more = min(self.threads, len(left)) - 1
        if more <= 0:
            work(between)
            return
        helpers: list[Future[None]] = []
        try:
            for _ in range(more):
                helpers.append(self._threads().submit(work))
            work(between)
        finally:
            left.clear()
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()

    def _threads(self) -> ThreadPoolExecutor:
        """The pool; a new one after a fork, which does not copy threads."""
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.threads - 1, thread_name_prefix="capmix")
            self._process = os.getpid()
        return self._pool
