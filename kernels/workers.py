"""Threads that share the blocks of a pass. The compiled passes release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

_SHARES = 4  # pieces per thread, so that a slow thread does not hold up the others
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
        """Call task(low, high) for pieces that cover 0..count. The first exception is raised once all have stopped."""
        step = max(1, min(_LARGEST, -(-count // (_SHARES * self.threads))))
        pieces = [(low, min(low + step, count)) for low in range(0, count, step)]
        if self.threads == 1 or len(pieces) <= 1:
            for low, high in pieces:
                task(low, high)
            return
        futures: list[Future[object]] = []
        try:
            futures.extend(self._threads().submit(task, low, high) for low, high in pieces)
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()
            for future in futures:
                if not future.cancelled():
                    future.exception()

    def _threads(self) -> ThreadPoolExecutor:
        """The pool; a new one after a fork, which does not copy threads."""
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="capmix")
            self._process = os.getpid()
        return self._pool
