"""Variables of the environment that Numba reads: how many threads they ask for, and which of them it cannot bear."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import CapmixError
from .host_cores import cores

THREADS = "NUMBA_NUM_THREADS"
THREADS_MOST = 1024
PLAIN = "CAPMIX_PLAIN_KERNELS"


class EnvironmentFault(CapmixError, ValueError):
    """A variable of the environment has a value with which nothing can be computed; the message names the cure."""


def threads() -> int:
    """Threads of a backend: as NUMBA_NUM_THREADS says, else the cores that this process may use.

    Raises:
        EnvironmentFault: NUMBA_NUM_THREADS is no number of threads.
    """
    value = os.environ.get(THREADS)
    if value is None:
        return cores()
    if fault := _fault_of_threads(value):
        raise EnvironmentFault(fault)
    return int(value)


def plain_kernels() -> bool:
    """Whether the compiled passes are asked for without hand-written machine code; see `cpu.plain`."""
    return os.environ.get(PLAIN, "").strip() == "1"


def faults(environment: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with the variables that Numba reads; each line names the variable and the cure."""
    found = os.environ if environment is None else environment
    lines = [_fault_of_threads(found[THREADS])] if THREADS in found else []
    for name, allowed, harm in _SWITCHES:
        value = found.get(name)
        if value is not None and value.strip() not in allowed:
            lines.append(f"{name}={value!r} in the environment: {harm}; unset it, or set it to {allowed[0]}")
    return [line for line in lines if line]


def check() -> None:
    """Raise EnvironmentFault if Numba cannot be used for what the environment says."""
    if lines := faults():
        raise EnvironmentFault("; ".join(lines))


_SWITCHES = (
    (PLAIN, ("0", "1", ""), "it is no switch"),
    ("NUMBA_DISABLE_JIT", ("0", ""), "the kernels are not compiled then and cannot be used"),
    ("NUMBA_CAPTURED_ERRORS", ("new_style", "old_style", "default"), "Numba knows no such style"),
)


def _fault_of_threads(value: str) -> str:
    try:
        count = int(value)
    except ValueError:
        count = 0
    if 1 <= count <= THREADS_MOST:
        return ""
    allowed = f"a whole number from 1 to {THREADS_MOST}"
    return f"{THREADS}={value!r} in the environment must be {allowed}; unset it to use all cores"
