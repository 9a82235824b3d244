"""How fast a CUDA device copies its own memory: the measure that every pass is compared with."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ..device_errors import translate


def copy_bandwidth(
    number: int = 0, megabytes: int = 1024, repeats: int = 7, load: Callable[[str], Any] = importlib.import_module
) -> float:
    """Bytes read plus bytes written per second by a copy within the device of that number; the median of `repeats`.

    Takes at most a quarter of the free memory. Raises `device_errors.DeviceFault`.
    """
    try:
        cupy = load("cupy")
        with cupy.cuda.Device(number):
            free, _ = cupy.cuda.runtime.memGetInfo()
            size = max(1 << 20, min(megabytes * 1_000_000, int(free) // 8))
            source, target = cupy.ones(size, dtype=cupy.uint8), cupy.empty(size, dtype=cupy.uint8)
            seconds = []
            for _ in range(repeats + 1):
                begin, end = cupy.cuda.Event(), cupy.cuda.Event()
                begin.record()
                cupy.copyto(target, source)
                end.record()
                end.synchronize()
                seconds.append(cupy.cuda.get_elapsed_time(begin, end) / 1e3)
    except Exception as error:
        fault = translate(error)
        if fault is None or fault is error:
            raise
        raise fault from error
    return float(2.0 * size / sorted(seconds[1:])[repeats // 2])
