"""Where the scenarios are evaluated: the choice of a backend, and what to call it in reports."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ...errors import CapmixError
from ...kernels import cuda_start
from ...kernels.backend import Backend, ScenarioStore, get_backend
from ...kernels.device_errors import DeviceFault, NoDriver
from ...kernels.memory.chunked import Chunked
from ...kernels.memory.host_memory import memory_available
from ...kernels.memory.leaves import LeafStore
from ...kernels.memory.scenarios import Scenarios
from ..plan import Device

DEVICES = ("auto", "cpu", "cuda", "numpy")

R = TypeVar("R")


class DeviceError(CapmixError, RuntimeError):
    """The device that was asked for cannot be used here."""


def choose(device: str, losses: int = 1, tails: float = 0.05) -> Chunked:
    """Backend for "auto" (a CUDA device if one works), "cpu" (all cores), "numpy" (the slow definition) or "cuda".

    Args:
        losses, tails: number of risk limits, and the sum of 1 - level over them; they decide how much memory is needed.

    Raises:
        DeviceError: the name is unknown, or the device is not to be had.
    """
    if device not in DEVICES:
        raise DeviceError(f"device {device!r} is unknown; it must be one of {', '.join(DEVICES)}")
    if device == "cuda" or (device == "auto" and cuda_start.worth_trying()):
        try:
            started = cuda_start.start()
        except DeviceFault as fault:
            if device == "cuda":
                raise DeviceError(f"device 'cuda' cannot be used: {fault}") from fault
            backend = _cpu("auto", losses, tails)
            if not isinstance(fault, NoDriver):  # a machine without a GPU is no fault; `capmix doctor` tells of it
                backend.messages.append(f"planned on the CPU: {fault}")
            return backend
        backend = Chunked(
            started.backend, losses, tails, started.backend.free, host_free=memory_available, spare=get_backend
        )
        backend.device_name = started.backend.device_name
        backend.messages.extend(started.found.remarks)
        return backend
    return _cpu("numpy" if device == "numpy" else "auto", losses, tails)


def _cpu(name: str, losses: int, tails: float) -> Chunked:
    return Chunked(get_backend(name), losses, tails, memory_available)


def steadily(backend: Backend, step: Callable[[], R]) -> R:
    """Do a step; where a device gives way and the backend gets over it, do it once more."""
    while True:
        try:
            return step()
        except Exception as error:
            if not backend.recover(error):
                raise


def describe(backend: Backend, store: ScenarioStore) -> Device:
    """The device that the scenarios were evaluated on at last, and where they lay."""
    if isinstance(store, LeafStore):
        store = store.segments[0].store
    mode = store.mode.value if isinstance(store, Scenarios) else "resident"
    return Device(backend=backend.name, name=backend.device_name or processor(), threads=backend.threads, mode=mode)


def processor() -> str:
    """Name of the processor as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
