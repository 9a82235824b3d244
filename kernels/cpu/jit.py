"""Compilation by Numba: no fast-math, so that bits repeat; cached on disk; never at import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from .. import environment
from .kernel_cache import KernelCache, folders

environment.check()  # before Numba, whose own words for it name no variable

import numba  # noqa: E402

Function = TypeVar("Function", bound=Callable[..., Any])


def _stamp() -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every source that a compiled function may lean on: this folder and the one above."""
    here = Path(__file__).parent
    sources = [*sorted(here.parent.glob("*.py")), *sorted(here.glob("*.py"))]
    return tuple((f"{s.parent.name}/{s.name}", s.stat().st_mtime_ns, s.stat().st_size) for s in sources)


def _places() -> tuple[Path, ...]:
    try:
        return folders(__file__)
    except Exception:  # another layout of Numba's parts
        return ()


SOURCES = _stamp()
_PLACES = _places()


def inlined(function: Function) -> Function:
    """Compile as a part of its callers."""
    return cast(Function, numba.njit(error_model="numpy", nogil=True)(function))


def entry(function: Function) -> Function:
    """Compile for calls from Python, without the interpreter's lock; machine code is kept on disk (`kernel_cache`).

    Work is shared out to threads by `workers`, not by Numba's `parallel`: that compiles twice as long and ties the
    process to a threading layer that may not bear calls from two threads or a fork.

    Numba's own stamp covers the function's file only, and would run old code after a change of a function that it calls
    from another file. So ours covers all files of this folder and of the definitions above it.
    """
    dispatcher: Any = numba.njit(error_model="numpy", nogil=True)(function)
    if _PLACES and hasattr(dispatcher, "_cache"):  # else another layout of Numba: every process compiles
        dispatcher._cache = KernelCache(function, SOURCES, _PLACES)
    return cast(Function, dispatcher)
