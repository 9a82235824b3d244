"""What of the machine and its settings keeps a plan from being made at all, said before anything heavy is imported.

Libraries end the process where a limit on memory meets their start: OpenBLAS by exit(1), or by an interrupt that it
sends to itself, C++ by abort(). None of that can be caught afterwards.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .exits import UsageError
from .text import size

ROOM = 850_000_000
"""Addresses, bytes: what a small plan takes on two cores with all its libraries; measured, 700 MB do not do."""


def check_machine() -> None:
    """Say what cannot work.

    Raises:
        UsageError: a setting of Python or of Numba with which nothing can be planned.
        MemoryError: a limit on the process's memory in which not even the libraries start.
    """
    if sys.flags.optimize >= 2:
        raise UsageError(
            "PYTHONOPTIMIZE=2 (python -OO) takes out the texts that Pyomo is built from at its start; unset it, or set "
            "it to 1"
        )
    from ..kernels.environment import faults

    if wrong := faults():
        raise UsageError("; ".join(wrong))
    room = room_left()
    if room is None:
        return
    if room < ROOM:
        raise MemoryError(
            f"a limit on this process (ulimit -v or -d) leaves {size(max(room, 0))}, and the smallest plan takes about "
            f"{size(ROOM)}"
        )
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each of its threads takes addresses; the passes have their own


def room_left() -> int | None:
    """Bytes of memory that this process may still map; None where no limit is set."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    left = []
    for kind, used in (("RLIMIT_AS", "VmSize"), ("RLIMIT_DATA", "VmData")):
        limit = resource.getrlimit(getattr(resource, kind))[0] if hasattr(resource, kind) else resource.RLIM_INFINITY
        if limit != resource.RLIM_INFINITY:
            left.append(limit - _used(used))
    return min(left, default=None)


def _used(key: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(key + ":")), 0)


_SIGNS = (
    "cannot allocate memory",
    "failed to map segment",
    "std::bad_alloc",
    "can't start new thread",
    "out of memory",
)


def is_short_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that memory ran out, in whatever words its library has for that."""
    import errno

    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, MemoryError) or (isinstance(link, OSError) and link.errno == errno.ENOMEM):
            return True
        if isinstance(link, (ImportError, OSError, RuntimeError)) and any(s in str(link).lower() for s in _SIGNS):
            return True
        link = link.__cause__ or link.__context__
    return False
