"""What this machine has: cores, memory, copy bandwidth. Standard library first; numpy only to measure."""

from __future__ import annotations

import itertools
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..kernels.host_cores import cores
from ..kernels.host_memory import memory_available, memory_total

__all__ = ["copy_bandwidth", "cores", "memory_available", "memory_total", "processor"]


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
