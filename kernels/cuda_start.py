"""From nothing to a CUDA backend: the probe, then the device and the backend on it, imported only now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .backend import DeviceBackend, sealed_device
from .cuda.probe import Found, probe_all, wheels
from .device_errors import translate


@dataclass(frozen=True)
class Started:
    """A backend on the devices that have been tried, and what the probe found of the first."""

    backend: DeviceBackend
    found: Found


def worth_trying() -> bool:
    """Whether CUDA seems meant to work on this machine: CuPy is installed, or an NVIDIA driver is loaded."""
    return bool(wheels()) or driver_loaded()


def driver_loaded() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()


def start() -> Started:
    """All visible devices that work. Raises `device_errors.DeviceFault`."""
    found = probe_all()
    try:
        from .cuda.backend import CudaBackend
        from .cuda.cupy_device import CupyDevice
        from .multi_gpu.backend import Sharded

        devices = [CupyDevice(f.number) for f in found]
        one = len(devices) == 1
        return Started(sealed_device(CudaBackend(devices[0])) if one else sealed_device(Sharded(devices)), found[0])
    except Exception as error:
        fault = translate(error)
        if fault is None or fault is error:
            raise
        raise fault from error
