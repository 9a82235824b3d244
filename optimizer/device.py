"""Where the scenarios are evaluated: the choice of a backend, and what to call it in reports."""

from __future__ import annotations

import platform
from pathlib import Path

from ..kernels.backend import Backend, get_backend
from .plan import Device

DEVICES = ("auto", "cpu", "cuda", "numpy")


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used here."""


def choose(device: str) -> Backend:
    """Backend for "auto" or "cpu" (all cores), "numpy" (the slow definition) or "cuda".

    Raises:
        DeviceError: the name is unknown, or the device is not to be had.
    """
    if device == "cuda":
        raise DeviceError(
            "device 'cuda' cannot be used: this version computes on the CPU only; use device 'auto' or 'cpu'"
        )
    if device not in DEVICES:
        raise DeviceError(f"device {device!r} is unknown; it must be one of {', '.join(DEVICES)}")
    return get_backend("numpy" if device == "numpy" else "auto")


def describe(backend: Backend) -> Device:
    return Device(backend=backend.name, name=processor(), threads=backend.threads)


def processor() -> str:
    """Name of the processor as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
