"""The machine under the figures: its name, and the speed of a plain copy measured in the same run."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import time
from pathlib import Path

import numba as nb
import numpy as np
from numpy.typing import NDArray


def describe() -> str:
    """One line: date, processor, cores, memory, Python and the packages that matter."""
    from importlib.metadata import version

    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "numba", "pyomo", "highspy"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    today = datetime.date.today().isoformat()
    return (
        f"{today}; {processor()}, {cores} cores, {memory:.0f} GiB, load {load:.1f}; "
        f"Python {platform.python_version()}, {packages}; no GPU in use"
    )


def processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@nb.njit(parallel=True)
def _copy(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    for i in nb.prange(source.shape[0]):
        target[i] = source[i]


def copy_bandwidth(nbytes: int = 800_000_000, repeats: int = 7) -> float:
    """Bytes read and written per second by a parallel copy, median of `repeats`."""
    rows = nbytes // (4 * 51_200)
    source = np.ones((rows, 51_200), np.float32)
    target = np.empty_like(source)
    _copy(source, target)
    return 2 * source.nbytes / median_time(lambda: _copy(source, target), repeats)


def median_time(call: object, repeats: int) -> float:
    """Median wall seconds of `call()`."""
    assert callable(call)
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
