"""Where scenarios lie: the same bits in every mode and chunk; memory that runs out; a device that is lost."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.backend import get_backend
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.device_errors import DeviceLost, OutOfDeviceMemory
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import SLICE, Costs, Mode, Placement, Shape, TooLarge, largest, place
from capmix.kernels.tables import LossKind

from ..fake_device import CUDARuntimeError, FakeDevice
from ..samples import every_process, random_loss

COUNT = 3 * SLICE + 1_001
PERIODS = 4
TABLE = every_process(PERIODS)
DRIVERS = TABLE.drivers
SMALL = Shape(COUNT, DRIVERS, PERIODS)


def losses_of(seed):
    rng = np.random.default_rng(seed)
    made = [
        random_loss(rng, DRIVERS, PERIODS, LossKind.PEAK, rate_driver=0, revolver=True),
        random_loss(rng, DRIVERS, PERIODS, LossKind.WORST),
    ]
    exposures = [rng.standard_normal(table.entries) for table in made]
    exposures[0][made[0].terms.entries :] = 0.3
    return made, exposures


def everything(backend):
    """All results of one backend on the sample, as arrays."""
    store = backend.simulate(TABLE, COUNT, 7)
    tables, exposures = losses_of(3)
    losses = backend.losses(store, tables, exposures)
    tail = backend.tail(losses[0], 0.55)
    assert tail.rows.size > SLICE  # the pull-back takes several slices
    total, gradient = backend.pull_back(store, tables[0], exposures[0], tail.rows, tail.weights)
    worst = backend.worst(losses[1], 5_000)
    near = backend.subset(store, worst)
    inner = backend.losses(near, tables, exposures)
    again = backend.pull_back(near, tables[1], exposures[1], np.arange(4_000), np.full(4_000, 0.5))
    factors = np.array([[1, 2, -1], [5, -1, -1], [-1, -1, -1]], dtype=np.int32)
    return store, [
        *(backend.host(v) for v in losses), tail.rows, tail.weights, np.array([tail.cvar, total, again[0]]), gradient,
        again[1], worst, *(backend.host(v) for v in inner), backend.means(store, factors),
        backend.rates(store, tables[0]), backend.balances(store, tables[0], exposures[0], np.arange(700)),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def resident():
    store, results = everything(Chunked(NumbaBackend()))
    assert store.mode is Mode.RESIDENT
    return results


def same(results, expected):
    for got, right in zip(results, expected, strict=True):
        assert (got == right).all()


def free_for(chunk, shape=SMALL):
    """Free bytes for which the planner takes chunks of this size."""
    return int((shape.vectors + 4.2 * shape.chunk_bytes(chunk)) / modes.RESERVE)


@pytest.mark.parametrize("chunk", [SLICE, 2 * SLICE])
def test_regenerating_gives_the_same_bits(resident, chunk, monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)  # too much to hold
    backend = Chunked(NumbaBackend(), free=lambda: free_for(chunk))
    store, results = everything(backend)
    assert store.placement == Placement(Mode.REGENERATING, chunk)
    assert store.whole is None
    same(results, resident)
    assert len(backend.messages) == 1
    assert "drawn anew in every pass" in backend.messages[0]


def test_chunks_from_the_host_give_the_same_bits(resident, monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)
    device = FakeDevice(10**12)
    backend = Chunked(device, free=lambda: free_for(SLICE), host_free=lambda: 10**12)
    backend._costs = Costs(draw=1.0, copy=0.1)
    store, results = everything(backend)
    assert store.mode is Mode.HOST
    assert len(store.pieces) == 4
    assert device.copied > 8
    same(results, resident)
    assert "kept on the host" in backend.messages[0]


def test_costs_are_measured_once(monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)
    device = FakeDevice(10**12)
    backend = Chunked(device, free=lambda: free_for(SLICE), host_free=lambda: 10**12)
    for _ in range(3):
        assert backend.simulate(TABLE, COUNT, 7).mode in (Mode.HOST, Mode.REGENERATING)
    assert device.calls.count("simulate") == 2
    assert backend._costs.draw > 0.0


def test_memory_that_runs_out_halves_the_chunk(resident):
    device = FakeDevice(Shape(SLICE, DRIVERS, PERIODS).stored)  # one slice and no more
    backend = Chunked(device)
    store, results = everything(backend)
    assert store.placement == Placement(Mode.REGENERATING, SLICE)
    same(results, resident)
    assert all("memory ran out" in m for m in backend.messages)
    assert device.calls.count("simulate") > 8


def test_memory_that_runs_out_in_the_middle_of_a_pass(resident):
    def fail(name, number):
        if name == "losses" and number in (5, 7):
            raise MemoryError

    backend = Chunked(FakeDevice(10**12, fail), free=lambda: free_for(2 * SLICE))
    _, results = everything(backend)
    same(results, resident)


def test_too_little_memory_for_a_slice_is_an_error():
    backend = Chunked(FakeDevice(1_000))
    with pytest.raises(OutOfDeviceMemory, match="fewer --scenarios"):
        everything(backend)
    with pytest.raises(OutOfDeviceMemory, match="use at most --scenarios"):
        Chunked(NumbaBackend(), free=lambda: 10_000_000).simulate(TABLE, COUNT, 1)


@pytest.mark.parametrize("at", ["simulate", "losses", "tail", "pull_back"])
def test_lost_device(resident, at):
    """Whatever fails, the same call made again succeeds on the host, with the same scenarios."""
    lost = []

    def fail(name, number):
        if name == at:
            lost.append(number)
            raise CUDARuntimeError("cudaErrorLaunchFailure: unspecified launch failure")

    backend = Chunked(FakeDevice(10**12, fail), spare=NumbaBackend, host_free=lambda: None)
    with pytest.raises(DeviceLost, match="nvidia-smi") as caught:
        everything(backend)
    assert backend.name == "cuda"
    assert backend.recover(caught.value)
    assert backend.name == "numba"
    _, results = everything(backend)
    same(results, resident)
    assert len(lost) == 1
    assert "went on on the CPU" in backend.messages[0]
    assert not backend.recover(caught.value)


def test_a_store_outlives_its_device(resident):
    backend = Chunked(FakeDevice(10**12), spare=NumbaBackend)
    store, _ = everything(backend)
    assert backend.recover(DeviceLost("gone"))
    tables, exposures = losses_of(3)
    assert (backend.losses(store, tables, exposures)[0] == resident[0]).all()
    assert (backend.subset(store, np.arange(5)).source.numbers == np.arange(5)).all()


def test_other_errors_are_not_recovered_from():
    backend = Chunked(NumbaBackend(), spare=NumbaBackend)
    assert not backend.recover(ValueError("a fault of ours"))
    assert not Chunked(NumbaBackend()).recover(DeviceLost("no spare"))
    assert not get_backend("numba").recover(DeviceLost("not a device"))


def test_memory_short_for_vectors_lets_a_store_go():
    backend = Chunked(NumbaBackend())
    store = backend.simulate(TABLE, COUNT, 7)
    assert backend.recover(MemoryError())
    assert store.placement == Placement(Mode.REGENERATING, SLICE)
    assert store.whole is None
    assert not backend.recover(MemoryError())


def test_errors_name_the_scenario_of_the_whole_sample(monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)
    table = every_process(PERIODS)
    table.params[3, 1:, 1] = 200.0  # a volatility that overflows now and then
    with pytest.raises(FloatingPointError) as whole:
        NumbaBackend().simulate(table, COUNT, 7)
    backend = Chunked(NumbaBackend(), free=lambda: free_for(SLICE))
    store = backend.simulate(table, COUNT, 7)
    with pytest.raises(FloatingPointError) as chunked:
        backend.means(store, np.array([[-1]], dtype=np.int32))
    assert str(whole.value) == str(chunked.value)


def test_rows_are_checked():
    backend = Chunked(NumbaBackend())
    store = backend.simulate(TABLE, 1_000, 1)
    for rows in ([1_000], [-1]):
        with pytest.raises(IndexError, match=r"0\.\.999"):
            backend.subset(store, rows)
    with pytest.raises(TypeError, match="whole numbers"):
        backend.subset(store, [0.5])


@pytest.mark.parametrize(
    "count, free, host, costs, mode",
    [
        (10**6, 80e9, None, None, Mode.RESIDENT),
        (10**6, None, None, None, Mode.RESIDENT),
        (10**9, 80e9, 128e9, None, Mode.REGENERATING),
        (10**8, 24e9, 128e9, Costs(1e-8, 1e-7), Mode.REGENERATING),
        (10**8, 24e9, 128e9, Costs(1e-7, 1e-8), Mode.HOST),
        (10**8, 24e9, 64e9, Costs(1e-7, 1e-8), Mode.REGENERATING),
        (10**8, 16e9, None, None, Mode.REGENERATING),
    ],
)
def test_placement(count, free, host, costs, mode):
    shape = Shape(count, 10, 20, 1, 0.05, host=host is None)
    found = place(shape, free if free is None else int(free), host if host is None else int(host), costs)
    assert found.mode is mode
    if free is not None:
        assert shape.peak(found.mode, found.chunk) <= modes.RESERVE * free
    if mode is not Mode.RESIDENT:
        assert found.chunk % SLICE == 0


@pytest.mark.parametrize("mode", [Mode.RESIDENT, Mode.REGENERATING])
def test_largest_count_just_fits(mode):
    shape, room = Shape(1, 12, 24, 3, 0.2), int(20e9)
    most = largest(shape, room, mode)
    assert Shape(most, 12, 24, 3, 0.2).peak(mode, SLICE) <= room
    assert Shape(int(1.15 * most), 12, 24, 3, 0.2).peak(mode, SLICE) > room


def test_most_from_the_host_is_what_both_memories_hold():
    shape = Shape(1, 12, 24, 3, 0.2, host=False)
    assert largest(shape, int(20e9), Mode.HOST, int(1e9)) == pytest.approx(1e9 / (4 * 12 * 24), rel=0.1)
    assert largest(shape, int(20e9), Mode.HOST, int(1e15)) == largest(shape, int(20e9), Mode.REGENERATING)
    assert largest(shape, int(20e9), Mode.HOST) == 0


def test_nothing_fits():
    assert largest(Shape(1, 40, 120), 1_000_000, Mode.REGENERATING) == 0
    with pytest.raises(TooLarge, match="GB are free"):
        place(Shape(10**9, 40, 120), 10**9)
