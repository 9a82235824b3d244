"""BLAS held to one thread, where the threads are ours.

Small products wake its threads for nothing, and where another process has the cores they wait for each other in a loop:
measured, a step of the interior point then takes six times as long.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  # its BLAS is another one than NumPy's, and must be loaded to be found

    return ThreadpoolController()


class _Held:
    """How many calls want one thread at this moment, and what the threads were before the first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.limiter: Any = None


_HELD = _Held()


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, NumPy's and SciPy's BLAS use one thread. It holds for the whole process: the first of several calls that
    overlap, in any threads, sets it, and the last one restores what was before.
    """
    with _HELD.lock:
        if _HELD.count == 0:
            _HELD.limiter = _controller().limit(limits=1, user_api="blas")
        _HELD.count += 1
    try:
        yield
    finally:
        with _HELD.lock:
            _HELD.count -= 1
            if _HELD.count == 0:
                _HELD.limiter.restore_original_limits()
                _HELD.limiter = None
