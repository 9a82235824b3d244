"""BLAS held to one thread, where the threads are ours.

Small products wake its threads for nothing, and where another process has the cores they wait for each other in a loop:
measured, a step of the interior point then takes six times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  # its BLAS is another one than NumPy's, and must be loaded to be found

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, NumPy's and SciPy's BLAS use one thread. It holds for the whole process."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
