"""Where long passes let their caller look up: between pieces of work, so that it can end them by an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Check = Callable[[], None]

_check: ContextVar[Check | None] = ContextVar("check", default=None)


@contextmanager
def checking(check: Check) -> Iterator[None]:
    """Passes that this thread makes inside the block call `check` every few thousand scenarios."""
    before = _check.set(check)
    try:
        yield
    finally:
        _check.reset(before)


def between() -> None:
    """Between two pieces of a pass, on the thread that asked for it."""
    check = _check.get()
    if check is not None:
        check()
