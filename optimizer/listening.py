"""Ctrl-C while the engine is called as a library: it asks for a stop instead of breaking into whatever is running.

An exception that arises inside Numba's compiler or the import system leaves their locks held, and the next call waits
for ever. So in the main thread, where Python's own handler stands, the first Ctrl-C becomes a request that the work
hears between its steps, and the second is KeyboardInterrupt at once. Elsewhere nothing is touched: another thread gets
no signals, and another handler is somebody's wish.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from . import stops

P = ParamSpec("P")
R = TypeVar("R")

UNCHECKED = "interrupted before the plan was checked out of sample"


def listening(work: Callable[P, R]) -> Callable[P, R]:
    """The same function; where it hears of a stop before there is anything to return it raises `stops.Interrupted`."""

    @wraps(work)
    def interruptible(*args: P.args, **kwargs: P.kwargs) -> R:
        with _deferred():
            return work(*args, **kwargs)

    return interruptible


@contextmanager
def _deferred() -> Iterator[None]:
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    pressed = 0

    def hear(*_: object) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise KeyboardInterrupt
        stops.request(stops.INTERRUPTED)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if pressed:
            stops.clear()
