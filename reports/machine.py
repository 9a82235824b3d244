"""What this machine has: cores, memory, copy bandwidth. Standard library first; numpy only to measure."""

from __future__ import annotations

import itertools
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..kernels.host_cores import cores
from ..kernels.memory.host_memory import memory_available as free_memory
from ..kernels.memory.host_memory import memory_total, rooms

__all__ = ["copy_bandwidth", "cores", "memory_available", "memory_total", "processor"]


LIBRARIES = 180_000_000  # addresses that libraries still to be loaded map and do not use


def memory_available() -> int | None:
    """Bytes that a plan may take, asked before Numba and Pyomo are loaded; None where the system does not say."""
    free, room = free_memory(), rooms().get("v")
    return free if free is None or room is None else min(free, max(0, room - LIBRARIES))


def processor() -> str:
    """Name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def copy_bandwidth(megabytes: int = 128, repeats: int = 5) -> float:
    """Bytes read plus bytes written per second by plain copies on all cores; the best of `repeats`."""
    import numpy as np

    threads = cores()
    length = megabytes * 1_000_000 // 8
    source, target = np.ones(length), np.zeros(length)
    edges = [length * i // threads for i in range(threads + 1)]
    slices = [slice(a, b) for a, b in itertools.pairwise(edges)]

    def copy(part: slice) -> None:
        np.copyto(target[part], source[part])

    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(repeats):
            begin = time.perf_counter()
            list(pool.map(copy, slices))
            best = min(best, time.perf_counter() - begin)
    return 2.0 * source.nbytes / best
