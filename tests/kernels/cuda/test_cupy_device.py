"""The device on CuPy, with a stand-in for CuPy that runs kernels on the shim: what it asks for, what errors become."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.cupy_device import CupyDevice
from capmix.kernels.cuda.source import flattened, kernels, options
from capmix.kernels.device_errors import DeviceLost, OutOfDeviceMemory

from ..samples import NUMBA, every_process
from .shim import COMPILER, ShimDevice

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")


class CUDARuntimeError(RuntimeError):
    """Named as CuPy names it."""


class OutOfMemoryError(MemoryError):
    """Named as CuPy names it."""


class Memory:
    def __init__(self, array):
        self.array, self.ptr = array, array.address

    def memset_async(self, value, size, stream):
        assert stream == "stream"
        ctypes.memset(self.ptr, value, size)


class Kernel:
    """As cupy.RawKernel; parameters are NumPy's numbers of 8 bytes."""

    def __init__(self, shim, name):
        self.shim, self.name = shim, name

    def __call__(self, grid, block, arguments, *, shared_mem=0):
        assert len(block) == 1
        self.shim.launch(self.name, grid, block[0], arguments, shared_mem)


class Cupy:
    """The part of CuPy that is used."""

    def __init__(self, monkeypatch):
        self.shim, self.compiled, self.entered = ShimDevice(), [], 0
        self.failure = None
        runtime = SimpleNamespace(
            getDeviceProperties=lambda number: {
                "name": b"Stand-in", "major": 9, "minor": 0, "multiProcessorCount": 2,
            },
            memGetInfo=lambda: (1000, 5000), memcpyHostToDevice=1, memcpyDeviceToHost=2,
            memcpy=lambda to, source, size, kind: ctypes.memmove(to, source, size),
        )  # fmt: skip
        self.cuda = SimpleNamespace(
            runtime=runtime, alloc=self.alloc, get_current_stream=lambda: "stream", Device=lambda number: self
        )
        monkeypatch.setitem(sys.modules, "cupy", self)

    def __enter__(self):
        self.entered += 1

    def __exit__(self, *failure):
        return None

    def alloc(self, size):
        if self.failure is not None:
            raise self.failure
        assert size > 0
        return Memory(self.shim.empty(size, np.uint8))

    def get_default_memory_pool(self):
        return SimpleNamespace(free_bytes=lambda: 24)

    def RawModule(self, *, code, options):
        self.compiled.append((code, options))
        return SimpleNamespace(get_function=lambda name: Kernel(self.shim, name))


@pytest.fixture
def cupy(monkeypatch):
    return Cupy(monkeypatch)


def test_it_describes_the_device(cupy):
    device = CupyDevice()
    assert (device.name, device.arch, device.processors) == ("Stand-in", "sm_90", 2)
    assert device.memory() == (1024, 5000)


def test_memory_and_copies(cupy):
    device, values = CupyDevice(), np.arange(12.0).reshape(3, 4)
    array = device.upload(values)
    assert np.array_equal(device.download(array), values.ravel())
    device.upload(np.array([7.0, 8.0]), to=array)
    assert device.download(array.part(0, 3)).tolist() == [7.0, 8.0, 2.0]
    assert (device.download(device.full(3, np.uint64, 255)) == 2**64 - 1).all()
    assert device.download(device.empty(0, np.float64)).shape == (0,)
    assert cupy.entered >= 6


def test_a_backend_on_it_gives_the_host_s_bits(cupy):
    backend, table = CudaBackend(CupyDevice()), every_process(5)
    store = backend.simulate(table, 300, 3)
    assert np.array_equal(store.blocks, NUMBA.simulate(table, 300, 3).blocks)


def test_sources_are_compiled_once_and_when_they_are_needed(cupy):
    device = CupyDevice()
    assert cupy.compiled == []
    rows = device.upload(np.arange(3, dtype=np.int64))
    for _ in range(2):
        device.launch(
            "values_at", (1, 1), 256, (device.upload(np.ones(3)), rows, np.int64(3), device.empty(3, np.float64))
        )
    assert cupy.compiled == [(flattened(kernels()["values_at"]), options())]
    assert "--fmad=false" in options()


@pytest.mark.parametrize(
    ("failure", "fault"),
    [
        (OutOfMemoryError("Out of memory allocating 8 bytes"), OutOfDeviceMemory),
        (CUDARuntimeError("cudaErrorIllegalAddress: an illegal memory access was encountered"), DeviceLost),
    ],
)
def test_errors_are_named(cupy, failure, fault):
    device = CupyDevice()
    cupy.failure = failure
    with pytest.raises(fault):
        device.empty(1, np.float64)
