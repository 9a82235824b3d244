"""From nothing to a CUDA backend: the probe, then the device and the backend on it, imported only now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .backend import Backend
from .cuda_probe import Found, probe, wheels
from .faults import translate


@dataclass(frozen=True)
class Started:
    """A backend on a device that has been tried, and what the probe found."""

    backend: Backend
    found: Found


def worth_trying() -> bool:
    """Whether CUDA seems meant to work on this machine: CuPy is installed, or an NVIDIA driver is loaded."""
    return bool(wheels()) or driver_loaded()


def driver_loaded() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()


def start() -> Started:
    """The first visible device. Raises `faults.DeviceFault`."""
    found = probe()
    try:
        from .cuda_backend import CudaBackend
        from .cupy_device import CupyDevice

        return Started(CudaBackend(CupyDevice()), found)
    except Exception as error:
        fault = translate(error)
        if fault is None or fault is error:
            raise
        raise fault from error
