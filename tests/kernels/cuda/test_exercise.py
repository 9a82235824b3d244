"""The program that the sanitizers watch runs every kernel, and says so where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.bench import gpu_exercise
from capmix.bench.gpu_meter import Meter
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.cupy_device import CupyDevice
from capmix.kernels.cuda.source import kernels

from .shim import COMPILER, ShimDevice
from .test_cupy_device import Cupy

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")


@pytest.fixture
def cupy(monkeypatch):
    return Cupy(monkeypatch)


def test_every_kernel_is_run(monkeypatch):
    monkeypatch.setattr(gpu_exercise, "COUNT", 600)
    lines = gpu_exercise.exercise(CudaBackend(ShimDevice(), 16_384))
    assert lines[-1] == f"| kernels run | {len(kernels())} of {len(kernels())} |"
    assert any("drivers with the same bits | 100.0" in line for line in lines)


def test_a_kernel_that_is_left_out_is_named(monkeypatch):
    monkeypatch.setattr(gpu_exercise, "_words", lambda backend: None)
    monkeypatch.setattr(gpu_exercise, "_passes", lambda backend: [])
    with pytest.raises(RuntimeError, match="were not run: add_groups, adjoint"):
        gpu_exercise.exercise(CudaBackend(ShimDevice(), 16_384))


class Event:
    """Counts milliseconds: one more at each record."""

    now = 0.0

    def record(self):
        Event.now += 1.0
        self.at = Event.now

    def synchronize(self):
        pass


def test_the_meter_counts_kernels_and_copies(cupy):
    cupy.cuda.Event, cupy.cuda.get_elapsed_time = Event, lambda begin, end: end.at - begin.at
    device = CupyDevice()
    before = CupyDevice.launch
    with Meter("cuda") as meter:
        rows, values = device.upload(np.arange(3, dtype=np.int64)), device.upload(np.ones(5))
        out = device.empty(3, np.float64)
        for _ in range(4):
            device.launch("values_at", (1, 1), 256, (values, rows, np.int64(3), out))
        assert device.download(out).tolist() == [1.0, 1.0, 1.0]
    assert CupyDevice.launch is before
    assert (meter.copies, meter.copied) == (3, 3 * 8 + 5 * 8 + 3 * 8)
    assert meter.seconds == pytest.approx(4e-3)
    assert meter.words(0.01) == "0.004 | 40% | 3 | 0.0"
    with Meter("cpu") as idle:
        device.upload(np.ones(5))
    assert idle.copies == 0
