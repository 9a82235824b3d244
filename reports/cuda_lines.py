"""What `capmix doctor` says of CUDA: the device and its figures, or the one thing that keeps it from being used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..kernels.cuda_bandwidth import copy_bandwidth
from ..kernels.cuda_probe import Found, probe, version
from ..kernels.cuda_start import driver_loaded
from ..kernels.faults import DeviceFault
from ..kernels.modes import Mode
from .text import size


def cuda_lines(
    find: Callable[[], Found] = probe, bandwidth: Callable[[], float] = copy_bandwidth
) -> tuple[Found | None, list[tuple[str, str]]]:
    """The device, if one can be used, and (word, words) to print."""
    try:
        found = find()
        speed = bandwidth()
    except DeviceFault as fault:
        seen = "an NVIDIA driver is loaded" if driver_loaded() else "no NVIDIA driver is loaded"
        return None, [("cuda", f"not used: {fault}"), ("", f"{seen}; plans run on the cpu")]
    major, minor = found.architecture
    lines = [
        ("cuda", f"{found.name}, compute capability {major}.{minor}"),
        ("", f"driver for CUDA {version(found.driver)}, runtime {version(found.runtime)}, CuPy {found.cupy}"),
        ("", f"{size(found.total)} of memory, {size(found.free)} free, {speed / 1e9:,.0f} GB/s copied on the device"),
    ]
    return found, [*lines, *(("", remark) for remark in found.remarks)]


def in_each_mode(largest: Callable[[Mode], int], modes: Sequence[Mode]) -> str:
    """The largest scenario count in each mode, in words."""
    return ", ".join(f"{largest(mode):,} {mode.value}" for mode in modes)
