"""What `capmix doctor` says of CUDA: the devices and their figures, or what keeps them from being used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...kernels.cuda.bandwidth import copy_bandwidth
from ...kernels.cuda.probe import Found, probe_all, version
from ...kernels.cuda_start import driver_loaded
from ...kernels.device_errors import DeviceFault
from ...kernels.memory.placement import Mode
from ..text import size


def cuda_lines(
    find: Callable[[], Sequence[Found]] = probe_all, bandwidth: Callable[[int], float] = copy_bandwidth
) -> tuple[Sequence[Found], list[tuple[str, str]]]:
    """The devices that can be used, and (word, words) to print."""
    try:
        found = find()
        speeds = [bandwidth(device.number) for device in found]
    except DeviceFault as fault:
        seen = "an NVIDIA driver is loaded" if driver_loaded() else "no NVIDIA driver is loaded"
        return (), [("cuda", f"not used: {fault}"), ("", f"{seen}; plans run on the cpu")]
    lines: list[tuple[str, str]] = []
    for device, speed in zip(found, speeds, strict=True):
        major, minor = device.architecture
        word = "cuda" if len(found) == 1 else f"cuda {device.number}"
        memory = (
            f"{size(device.total)} of memory, {size(device.free)} free, {speed / 1e9:,.0f} GB/s copied on the device"
        )
        lines += [(word, f"{device.name}, compute capability {major}.{minor}"), ("", memory)]
    first = found[0]
    lines.append(("", f"driver for CUDA {version(first.driver)}, runtime {version(first.runtime)}, CuPy {first.cupy}"))
    if len(found) > 1:
        lines.append(("", "large plans share their scenarios out to all; CUDA_VISIBLE_DEVICES picks some"))
    return found, [*lines, *(("", remark) for remark in first.remarks)]


def in_each_mode(largest: Callable[[Mode], int], modes: Sequence[Mode]) -> str:
    """The largest scenario count in each mode, in words."""
    return ", ".join(f"{largest(mode):,} {mode.value}" for mode in modes)
