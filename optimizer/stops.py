"""A request to stop, heard everywhere in the process: between passes, between scenarios drawn and inside the solver.

A signal handler, or another thread, calls `request`; whoever works asks `requested` or calls `check` every fraction of
a second. Nothing is raised where the request is made, so no lock, cache or half-written file is left behind.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

INTERRUPTED = "interrupted"  # the reason where Ctrl-C asked


class Interrupted(KeyboardInterrupt):
    """Work was given up because somebody asked for it; its text is the reason."""


_reasons: list[str] = []
_also: ContextVar[Callable[[], bool] | None] = ContextVar("also", default=None)


def request(reason: str) -> None:
    """Ask all work of this process to stop. Safe in a signal handler; each call counts as one more request."""
    _reasons.append(reason)


def clear() -> None:
    """Forget all requests: new work may begin."""
    _reasons.clear()


def requested() -> str | None:
    """The reason of the last request, or None."""
    return _reasons[-1] if _reasons else None


@contextmanager
def also(stopped: Callable[[], bool]) -> Iterator[None]:
    """What this thread does inside the block stops as well once `stopped` says so."""
    before = _also.set(stopped)
    try:
        yield
    finally:
        _also.reset(before)


def wanted(heard: int) -> bool:
    """Whether the work of this thread should stop, which has heard so many requests before."""
    if len(_reasons) > heard:
        return True
    stopped = _also.get()
    return stopped is not None and stopped()


def number() -> int:
    """How many requests there have been. Work that has heard one and tidies up listens for the next."""
    return len(_reasons)


def check(heard: int = 0) -> None:
    """Raise `Interrupted` if there have been more requests than those heard before."""
    if wanted(heard):
        raise Interrupted(_reasons[-1] if _reasons else "stopped with the work it belongs to")


@dataclass
class Deferred:
    """caught: Ctrl-C was pressed while it was deferred."""

    caught: bool = False


@contextmanager
def deferring() -> Iterator[Deferred]:
    """Where Ctrl-C would raise KeyboardInterrupt in this thread, it is only noted inside the block: for calls of
    foreign code that an exception must not cross. Whoever enters raises afterwards.
    """
    note = Deferred()
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield note
        return

    def hear(*_: object) -> None:
        note.caught = True

    signal.signal(signal.SIGINT, hear)
    try:
        yield note
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Watch:
    """What HiGHS asks in each iteration: whether the time is over, or somebody wants it to stop."""

    def __init__(self) -> None:
        self.late = False
        self._end = math.inf
        self._heard = 0
        self._ctrl_c = Deferred()

    def begin(self, end: float, heard: int, ctrl_c: Deferred) -> None:
        self.late, self._end, self._heard, self._ctrl_c = False, end, heard, ctrl_c

    def __call__(self, _kind: object, _message: str, _out: object, into: Any, _data: object) -> None:
        if time.perf_counter() > self._end:
            self.late = into.user_interrupt = True
        elif self._ctrl_c.caught or wanted(self._heard):
            into.user_interrupt = True
