"""The CUDA backend in every mode on the emulated device: the CPU's bits, and memory that runs out on the device."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.pack import work_width
from capmix.kernels.cuda.source import DRAW_THREADS
from capmix.kernels.device_errors import OutOfDeviceMemory
from capmix.kernels.memory import chunked
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import Costs, Mode, Placement, Shape
from capmix.kernels.store import LANES

from .cuda.shim import COMPILER, ShimDevice
from .memory.test_placement import DRIVERS, PERIODS, losses_of
from .samples import every_process

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

SLICE = 512
COUNT = 6 * SLICE + 101
TABLE = every_process(PERIODS)
STORED = Shape(COUNT, DRIVERS, PERIODS).stored


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Slices of 512 scenarios: the emulation is slow."""
    monkeypatch.setattr(chunked, "SLICE", SLICE)
    monkeypatch.setattr(modes, "SLICE", SLICE)


def everything(backend, fan=True):
    store = backend.simulate(TABLE, COUNT, 7)
    tables, exposures = losses_of(3)
    losses = backend.losses(store, tables, exposures)
    tail = backend.tail(losses[0], 0.55)
    assert tail.rows.size > SLICE
    total, gradient = backend.pull_back(store, tables[0], exposures[0], tail.rows, tail.weights)
    worst = backend.worst(losses[1], 300)
    near = backend.subset(store, worst)
    inner = backend.losses(near, tables, exposures)
    factors = np.array([[1, 2, -1], [5, -1, -1], [-1, -1, -1]], dtype=np.int32)
    exact = [
        *(backend.host(v) for v in losses), np.asarray(tail.rows), np.asarray(tail.weights), gradient,
        np.asarray(worst), np.asarray(backend.worst(losses[1], 10, worst)),
        *(backend.host(v) for v in inner), backend.means(store, factors), backend.rates(store, tables[0]),
        backend.balances(store, tables[0], exposures[0], np.arange(70)),
        backend.host(losses[0] + (losses[1] - losses[0]) * 0.3), np.array(backend.above(losses[1], 0.1)),
    ]  # fmt: skip
    near_by = [tail.cvar, total]
    if fan:
        near_by.extend(np.ravel(backend.fan(store, tables[0], exposures[0], (0.05, 0.5), 900)[0]))
    return store, exact, near_by


@pytest.fixture(scope="module")
def right():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunked, "SLICE", SLICE)
        patch.setattr(modes, "SLICE", SLICE)
        return everything(Chunked(NumbaBackend()))[1:]


def same(found, right):
    for mine, theirs in zip(found[1], right[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_allclose(found[2], right[1][: len(found[2])], rtol=1e-13)


def test_resident(right):
    found = everything(Chunked(CudaBackend(ShimDevice(), chunk=16_384)))
    assert found[0].mode is Mode.RESIDENT
    same(found, right)


def test_regenerating(right, monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)
    device = ShimDevice()
    shape = Shape(COUNT, DRIVERS, PERIODS)
    free = int((shape.vectors + 4.2 * shape.chunk_bytes(SLICE)) / modes.RESERVE)
    found = everything(Chunked(CudaBackend(device, chunk=16_384), free=lambda: free))
    assert found[0].placement == Placement(Mode.REGENERATING, SLICE)
    same(found, right)
    assert max(device.downloaded) < STORED  # scenarios stay where they are drawn


def test_chunked_from_host(right, monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)
    shape = Shape(COUNT, DRIVERS, PERIODS)
    free = int((shape.vectors + 4.2 * shape.chunk_bytes(SLICE)) / modes.RESERVE)
    backend = Chunked(CudaBackend(ShimDevice(), chunk=16_384), free=lambda: free, host_free=lambda: 10**12)
    backend._costs = Costs(draw=1.0, copy=0.1)
    found = everything(backend)
    assert found[0].mode is Mode.HOST
    same(found, right)


def test_a_device_too_small_for_the_store(right):
    device = ShimDevice(total=int(0.9 * STORED))
    backend = Chunked(CudaBackend(device, chunk=16_384), free=lambda: None)
    found = everything(backend, fan=False)  # which takes more than this device has, whatever the chunk
    assert found[0].mode is Mode.REGENERATING
    assert "memory ran out" in backend.messages[0]
    same(found, right)


def test_drawing_takes_fewer_blocks_of_threads_where_memory_is_short():
    """The same scenarios, from a quarter of the memory that all blocks would have."""
    each = DRAW_THREADS * 8 * work_width(TABLE)
    roomy, tight = ShimDevice(), ShimDevice(total=STORED + LANES * 4 * DRIVERS * PERIODS + 4 * each)
    one, other = (CudaBackend(device).simulate(TABLE, COUNT, 7) for device in (roomy, tight))
    assert np.array_equal(one.blocks, other.blocks)


def test_a_device_too_small_for_anything():
    backend = Chunked(CudaBackend(ShimDevice(total=20_000), chunk=16_384), free=lambda: None)
    with pytest.raises(OutOfDeviceMemory):
        everything(backend)
