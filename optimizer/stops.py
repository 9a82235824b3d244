"""A request to stop, heard everywhere in the process: between passes, between scenarios drawn and inside the solver.

A signal handler, or another thread, calls `request`; whoever works asks `requested` or calls `check` every fraction of
a second. Nothing is raised where the request is made, so no lock, cache or half-written file is left behind.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class Interrupted(KeyboardInterrupt):
    """Work was given up because somebody asked for it; its text is the reason."""


_reasons: list[str] = []


def request(reason: str) -> None:
    """Ask all work of this process to stop. Safe in a signal handler; each call counts as one more request."""
    _reasons.append(reason)


def clear() -> None:
    """Forget all requests: new work may begin."""
    _reasons.clear()


def requested() -> str | None:
    """The reason of the last request, or None."""
    return _reasons[-1] if _reasons else None


def number() -> int:
    """How many requests there have been. Work that has heard one and tidies up listens for the next."""
    return len(_reasons)


def check(heard: int = 0) -> None:
    """Raise `Interrupted` if there have been more requests than those heard before."""
    if len(_reasons) > heard:
        raise Interrupted(_reasons[-1])


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
