"""What of the machine and its settings keeps a plan from being made at all, said before anything heavy is imported.

Libraries end the process where a limit on memory meets their start: OpenBLAS by exit(1), or by an interrupt that it
sends to itself, C++ by abort(). None of that can be caught afterwards.
"""

from __future__ import annotations

import os

from ..kernels.host_cores import cores, quota
from ..kernels.memory.host_memory import rooms
from .exits import OutOfRoom, UsageError
from .text import size

TO_PLAN = {"v": 950_000_000, "d": 450_000_000}
TO_READ = {"v": 250_000_000, "d": 120_000_000}
"""Bytes by the limit's letter (`ulimit -v`, `-d`): what a small plan takes with all its libraries on two cores while
the kernels are compiled, a tenth more than measured; and what reading a case takes."""
PER_CORE = 10_000_000
"""Bytes more for each core more: the stack of a thread."""


def check_machine(computing: bool = True) -> None:
    """Say what cannot work. computing: whether anything is to be computed, or a case only read.

    Raises:
        UsageError: a setting of Python or of Numba with which nothing can be planned.
        OutOfRoom: a limit on the process's memory in which not even the libraries start.
    """
    from ..kernels.environment import faults

    if computing and (wrong := faults()):
        raise UsageError("; ".join(wrong))
    left = rooms()
    for letter, room in left.items():
        needed = TO_PLAN[letter] + PER_CORE * max(0, cores() - 2) if computing else TO_READ[letter]
        if room < needed:
            what = "the smallest plan" if computing else "reading a case"
            raise OutOfRoom(
                f"not enough memory: a limit on this process (ulimit -{letter}) leaves {size(room)}, and {what} takes "
                f"about {size(needed)}; raise the limit"
            )
    # BLAS counts the cores of the host, whatever a container may use of them, and each of its threads takes addresses
    if left or quota() is not None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1" if left else str(cores()))


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
