"""Several devices in one box have the bits of one, for any number of them; what crosses; and one of them lost."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.vector import Vector, sum_products
from capmix.kernels.device_errors import DeviceLost, OutOfDeviceMemory
from capmix.kernels.memory import chunked
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import Mode, Shape
from capmix.kernels.multi_gpu.backend import Sharded
from capmix.kernels.multi_gpu.vector import ShardVector, chunk_sums, ordered_sum
from capmix.kernels.tail import tail

from ..cuda.shim import COMPILER, ShimDevice
from ..cuda.test_settling import settling
from ..memory.test_placement import losses_of
from ..samples import every_process

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

SLICE = 512
COUNT = 4 * SLICE + 101
PERIODS = 6
TABLE = every_process(PERIODS)
FREE = 10**9


class Failing(ShimDevice):
    """Lost at the n-th launch of a kernel."""

    def __init__(self, kernel, number):
        super().__init__()
        self.name = "a device that fails"
        self.kernel, self.left = kernel, number

    def launch(self, kernel, *rest):
        if kernel == self.kernel:
            self.left -= 1
            if self.left <= 0:
                raise DeviceLost("the device stopped working (test); check `nvidia-smi`")
        super().launch(kernel, *rest)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Slices of 512 scenarios: the emulation is slow."""
    monkeypatch.setattr(chunked, "SLICE", SLICE)
    monkeypatch.setattr(modes, "SLICE", SLICE)


def sharded(number, **arguments):
    return Sharded([ShimDevice(**arguments) for _ in range(number)], chunk=16_384, least=SLICE)


def losses_tables():
    tables, exposures = losses_of(3)
    return [t for t in tables if t.terms.periods <= PERIODS], exposures


def everything(backend, settle=True):
    """Every result of a backend that the engine asks for, bit for bit."""
    store = backend.simulate(TABLE, COUNT, 7)
    tables, exposures = losses_tables()
    losses = backend.losses(store, tables, exposures)
    tails = [backend.tail(v, level) for v in losses for level in (0.55, 0.95)]
    pulls = [backend.pull_back(store, tables[0], exposures[0], t.rows, t.weights) for t in tails[:2]]
    worst = backend.worst(losses[1], 300)
    more = backend.worst(losses[0], 250, worst)
    near = backend.subset(store, more)
    inner = backend.losses(near, tables, exposures)
    inner_tail = backend.tail(inner[0], 0.95, 60.25)
    pulls.append(backend.pull_back(near, tables[0], exposures[0], inner_tail.rows, inner_tail.weights))
    factors = np.array([[1, 2, -1], [5, -1, -1], [-1, -1, -1]], dtype=np.int32)
    fan = backend.fan(store, tables[0], exposures[0], (0.05, 0.5), 900)
    moved = losses[0] + (losses[1] - losses[0]) * 0.3
    out = [
        *(backend.host(v) for v in (*losses, *inner, moved)), *(np.asarray(t.rows) for t in (*tails, inner_tail)),
        *(np.asarray(t.weights) for t in (*tails, inner_tail)), np.array([t.var for t in tails]),
        np.array([t.cvar for t in (*tails, inner_tail)]), *(np.r_[value, slope] for value, slope in pulls),
        np.asarray(worst), np.asarray(more), backend.means(store, factors), backend.rates(store, tables[0]),
        backend.balances(store, tables[0], exposures[0], np.arange(300, 1100)), *fan,
        np.array([backend.above(losses[1], 0.1), backend.dot(losses[1], tails[0].rows, tails[0].weights)]),
        np.array([float(abs(losses[0][tails[0].rows]).mean()), moved.mean() if hasattr(moved, "mean") else 0.0]),
    ]  # fmt: skip
    if settle:
        total, tally = backend.settle(store, settling())
        bad = backend.tail(total, 0.9)
        _, weighted = backend.settle(store, settling(), bad.rows, bad.weights)
        out += [
            backend.host(total),
            tally.sums,
            tally.owed,
            tally.hits,
            tally.dates,
            np.asarray(bad.rows),
            weighted.sums,
        ]
    return store, out


def same(found, right):
    assert len(found) == len(right)
    for mine, theirs in zip(found, right, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(scope="module")
def one_device():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunked, "SLICE", SLICE)
        patch.setattr(modes, "SLICE", SLICE)
        return everything(Chunked(CudaBackend(ShimDevice(), chunk=16_384)))[1]


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_any_number_of_devices_has_the_bits_of_one(one_device, number):
    backend = sharded(number)
    store, found = everything(Chunked(backend))
    assert store.mode is Mode.RESIDENT
    assert len(store.whole.pieces) == min(number, 4)
    same(found, one_device)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_tails_of_weighted_scenarios(number):
    backend = sharded(number)
    store = backend.simulate(TABLE, COUNT, 7)
    tables, exposures = losses_tables()
    losses = backend.losses(store, tables[:1], exposures[:1])[0]
    each = np.random.default_rng(5).uniform(0.0, 2.0, COUNT)
    found, right = backend.tail(losses, 0.9, 50.5, each), tail(backend.host(losses), 0.9, each, 50.5)
    np.testing.assert_array_equal(np.asarray(found.rows), right.rows)
    np.testing.assert_allclose(np.asarray(found.weights), right.weights, rtol=1e-9, atol=1e-9)
    assert found.cvar == pytest.approx(right.cvar, rel=1e-9)
    assert backend.dot(losses, found.rows, found.weights) == pytest.approx(right.cvar * 50.5, rel=1e-9)


@pytest.mark.parametrize("number", [2, 3])
def test_scenarios_that_are_not_kept(one_device, number, monkeypatch):
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e3)
    shape = Shape(COUNT, TABLE.drivers, PERIODS)
    free = int((shape.vectors + 8.4 * shape.chunk_bytes(SLICE)) / modes.RESERVE)
    backend = Chunked(sharded(number), free=lambda: free)
    store, found = everything(backend)
    assert store.mode is Mode.REGENERATING
    assert store.placement.chunk == 2 * SLICE
    same(found, one_device)


def test_the_devices_share_the_work():
    devices = [ShimDevice() for _ in range(3)]
    backend = Sharded(devices, chunk=16_384, least=SLICE)
    store = backend.simulate(TABLE, COUNT, 7)
    assert [p.store.count for p in store.pieces] == [SLICE, 2 * SLICE, 2 * SLICE + 101 - SLICE]
    assert [p.low % SLICE for p in store.pieces] == [0, 0, 0]
    backend.losses(store, *losses_tables())
    assert all(d.launched["fused_losses"] == 1 for d in devices)
    assert backend.threads == 3 * ShimDevice.processors
    assert backend.device_name == "3 × host shim"
    few = Sharded(devices, chunk=16_384).simulate(TABLE, COUNT, 7)
    assert len(few.pieces) == 1  # too few scenarios to be worth it


def test_what_crosses_does_not_grow_with_the_scenarios():
    largest = []
    for count in (4 * SLICE, 16 * SLICE):
        devices = [ShimDevice() for _ in range(2)]
        backend = Sharded(devices, chunk=16_384, least=SLICE)
        store = backend.simulate(TABLE, count, 7)
        tables, exposures = losses_tables()
        losses = backend.losses(store, tables, exposures)
        for d in devices:
            d.uploaded.clear()
            d.downloaded.clear()
        worst = backend.tail(losses[0], 0.95)
        backend.subset(store, backend.worst(losses[0], count // 5))
        backend.dot(losses[1], worst.rows, worst.weights)
        largest.append(max(max(d.uploaded + d.downloaded) for d in devices))
    assert largest[0] == largest[1] == 8 * 2048  # the counts of a digit


@pytest.mark.parametrize("kernel, number", [("draw_paths", 1), ("fused_losses", 2), ("select_rows", 9), ("adjoint", 1)])
def test_one_of_three_is_lost(one_device, kernel, number):
    """The call that met the fault succeeds when it is made again, on the two that are left, with the same bits."""
    backend = Chunked(
        Sharded([ShimDevice(), Failing(kernel, number), ShimDevice()], chunk=16_384, least=SLICE), spare=NumbaBackend
    )
    with pytest.raises(DeviceLost) as caught:
        everything(backend)
    assert backend.recover(caught.value)
    assert backend.name == "cuda"
    assert len(backend.inner.backends) == 2
    assert "went on on 2 × host shim" in backend.messages[1]
    store, found = everything(backend)
    assert len(store.whole.pieces) == 2
    same(found, one_device)


def test_all_of_them_are_lost(one_device):
    backend = Chunked(
        Sharded([Failing("fused_losses", 1), Failing("fused_losses", 1)], chunk=16_384, least=SLICE),
        spare=NumbaBackend,
    )
    with pytest.raises(DeviceLost) as caught:
        everything(backend, settle=False)
    assert backend.recover(caught.value)
    assert backend.name == "numba"
    assert "went on on the CPU" in backend.messages[-1]
    store = backend.simulate(TABLE, COUNT, 7)
    np.testing.assert_array_equal(backend.losses(store, *losses_tables())[0], one_device[0])


def test_the_user_is_told_which_device_has_how_many():
    backend = Chunked(sharded(2))
    backend.simulate(TABLE, COUNT, 7)
    assert backend.messages == ["2,149 scenarios are shared out to 2 × host shim: 1,024 + 1,125"]
    few = Chunked(Sharded([ShimDevice(), ShimDevice()], chunk=16_384))
    few.simulate(TABLE, COUNT, 7)
    assert few.messages == []


def test_few_scenarios_that_one_device_cannot_hold_are_shared():
    total = Shape(COUNT, TABLE.drivers, PERIODS).stored
    backend = Sharded([ShimDevice(total=total), ShimDevice(total=total)], chunk=16_384)
    assert len(backend.simulate(TABLE, COUNT, 7).pieces) == 2
    assert Sharded([ShimDevice(total=1000), ShimDevice(total=300)], chunk=16_384).free() == 600


def test_a_store_of_a_lost_device_is_drawn_again(one_device):
    devices = [ShimDevice(), Failing("adjoint", 1)]
    backend = Chunked(Sharded(devices, chunk=16_384, least=SLICE))
    tables, exposures = losses_tables()
    store = backend.simulate(TABLE, COUNT, 7)
    losses = backend.losses(store, tables, exposures)
    worst = backend.tail(losses[0], 0.55)
    with pytest.raises(DeviceLost) as caught:
        backend.pull_back(store, tables[0], exposures[0], worst.rows, worst.weights)
    assert backend.recover(caught.value)
    np.testing.assert_array_equal(backend.losses(store, tables, exposures)[0].host(), one_device[0])
    assert {p.backend.device.name for p in store.whole.pieces} == {"host shim"}


def test_memory_that_runs_out_on_one_device(one_device):
    stored = Shape(COUNT, TABLE.drivers, PERIODS).stored
    devices = [ShimDevice(), ShimDevice(total=stored // 3)]
    backend = Chunked(Sharded(devices, chunk=16_384, least=SLICE))
    store = backend.simulate(TABLE, COUNT, 7)
    assert store.mode is Mode.REGENERATING
    assert "memory ran out" in backend.messages[-1]
    assert len(backend.inner.backends) == 2  # it is not lost
    np.testing.assert_array_equal(backend.losses(store, *losses_tables())[0].host(), one_device[0])
    with pytest.raises(OutOfDeviceMemory):
        Sharded([ShimDevice(total=1000)], chunk=16_384).simulate(TABLE, COUNT, 7)


@pytest.mark.parametrize("cuts", [[], [1], [4096], [5000], [100, 4000, 4100, 9000], [8192, 8193], [3, 4, 5]])
def test_sums_do_not_depend_on_the_pieces(cuts):
    rng = np.random.default_rng(1)
    values, weights = rng.standard_normal(9001) * 10.0 ** rng.integers(-8, 8, 9001), rng.standard_normal(9001)
    device = ShimDevice()
    right = [device.upload(v) for v in (values, weights)]
    expected = device.download(sum_products(device, *right))[0], device.download(sum_products(device, right[0]))[0]

    def pieces(v):
        return ShardVector([Vector.of(ShimDevice(), part, np.float64) for part in np.split(v, cuts)])

    assert ordered_sum(pieces(values), pieces(weights)) == expected[0]
    assert pieces(values).sum() == expected[1]
    assert chunk_sums(values[:5000]).size == 2


@pytest.mark.parametrize("cuts", [[1], [150], [300, 600], [20, 40, 60, 980]])
def test_tails_with_equal_losses_on_several_devices(cuts):
    """Of equal losses the first rows enter, whichever device they lie on."""
    rng = np.random.default_rng(len(cuts))
    losses = rng.integers(-2, 2, 1000) * 1.0
    vector = ShardVector([Vector.of(ShimDevice(), part, np.float64) for part in np.split(losses, cuts)])
    backend = sharded(1)
    for mass in (1.0, 3.5, 249.25, 260.0, 999.5, 1000.0):
        found, expected = backend.tail(vector, 0.9, mass), tail(losses, 0.9, mass=mass)
        assert np.array_equal(np.asarray(found.rows), expected.rows)
        assert np.array_equal(np.asarray(found.weights), expected.weights)
        assert found.var == expected.var
        assert found.cvar == pytest.approx(expected.cvar, rel=1e-13)


def test_host_rows_are_found_wherever_they_lie():
    backend, tables = sharded(2), losses_tables()
    store = backend.simulate(TABLE, COUNT, 7, first=40)
    whole = NumbaBackend(1).simulate(TABLE, COUNT, 7, first=40)
    rows = np.array([5, 1900, 700, 5])
    np.testing.assert_array_equal(store.x(rows), whole.x(rows))
    np.testing.assert_array_equal(backend.subset(store, rows).x([0, 1, 2, 3]), whole.x(rows))
    assert [store.scenario(r) for r in (5, 1900)] == [45, 1940]
    losses = backend.losses(store, *tables)[0]
    np.testing.assert_array_equal(losses[rows].host(), losses.host()[rows])
    mine = backend.pull_back(store, tables[0][0], tables[1][0], rows, np.ones(4))
    theirs = NumbaBackend(1).pull_back(whole, tables[0][0], tables[1][0], rows, np.ones(4))
    assert mine[0] == theirs[0]
    np.testing.assert_array_equal(mine[1], theirs[1])
    with pytest.raises(IndexError):
        losses[[COUNT]]
