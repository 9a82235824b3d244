"""Backends beside each other on the same scenarios: the threads shared out, the same bits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.cpu.numpy_backend import NumpyBackend
from capmix.kernels.device_errors import DeviceLost
from capmix.kernels.memory import split_backend as module
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import SLICE, Mode
from capmix.kernels.memory.split_backend import apart
from capmix.kernels.tables import LossKind

from ..fake_device import FakeDevice
from ..samples import every_process, random_loss

TABLE = every_process(4)
COUNT = SLICE + 1_001


@pytest.fixture(scope="module")
def whole():
    return Chunked(NumbaBackend(5))


@pytest.fixture
def store(whole):
    return whole.simulate(TABLE, COUNT, 7)


def results(backend, store):
    made = random_loss(np.random.default_rng(3), TABLE.drivers, 4, LossKind.PEAK, rate_driver=0, revolver=True)
    exposure = np.random.default_rng(4).standard_normal(made.entries)
    exposure[made.terms.entries :] = 0.3
    (losses,) = backend.losses(store, [made], [exposure])
    tail = backend.tail(losses, 0.9)
    total, gradient = backend.pull_back(store, made, exposure, tail.rows, tail.weights)
    inner = backend.losses(backend.subset(store, tail.rows), [made], [exposure])[0]
    return [backend.host(losses), tail.rows, np.array([tail.cvar, total]), gradient, backend.host(inner)]


def same(found, expected):
    return all((a == b).all() for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("count", "threads"), [(1, [5]), (2, [3, 2]), (3, [2, 2, 1]), (9, [1, 1, 1, 1, 1])])
def test_threads_are_shared_out(whole, store, count, threads, monkeypatch):
    monkeypatch.setattr(module, "memory_available", lambda: None)
    parts = apart(whole, [store], count)
    assert [part.threads for part in parts] == threads
    assert (parts == [whole]) == (count == 1)


def test_all_give_the_bits_of_one_at_the_same_time(whole, store):
    parts = apart(whole, [store], 3)
    expected = results(whole, store)
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda part: results(part, store), parts):
            assert same(found, expected)
    assert all(part.owner == store.owner for part in parts)


def test_scenarios_are_shared_not_drawn_again(whole, store, monkeypatch):
    held = store.whole
    monkeypatch.setattr(NumbaBackend, "simulate", None)
    for part in apart(whole, [store], 2):
        results(part, store)
    assert store.whole is held


def test_memory_that_runs_out_in_one_leaves_the_others_right(whole, store):
    expected = results(whole, store)
    one, other = apart(whole, [store], 2)
    assert one.recover(MemoryError())
    assert store.mode is Mode.REGENERATING
    assert "memory ran out" in whole.messages[-1]
    assert same(results(other, store), expected)
    assert same(results(one, store), expected)


def test_one_alone_where_more_would_not_serve(whole, store, monkeypatch):
    numpy = Chunked(NumpyBackend())
    assert apart(numpy, [numpy.simulate(TABLE, 100, 7)], 4) == [numpy]
    device = Chunked(FakeDevice(10**12))
    assert apart(device, [device.simulate(TABLE, 100, 7)], 4) == [device]
    single = Chunked(NumbaBackend(1))
    assert apart(single, [store], 4) == [single]
    assert apart(whole, [], 4) == [whole]
    monkeypatch.setattr(module, "memory_available", lambda: store.nbytes // 100)
    assert apart(whole, [store], 4) == [whole]
    monkeypatch.undo()
    assert whole.recover(MemoryError())
    assert apart(whole, [store], 4) == [whole], "scenarios that are drawn anew in every pass"


def test_a_backend_that_replaced_a_lost_device_is_taken_apart_too():
    backend = Chunked(FakeDevice(10**12), spare=lambda: NumbaBackend(2))
    store = backend.simulate(TABLE, COUNT, 7)
    assert backend.recover(DeviceLost("gone"))
    expected = results(backend, store)
    parts = apart(backend, [store], 2)
    assert len(parts) == 2
    held = store.whole
    assert all(same(results(part, store), expected) for part in parts)
    assert store.whole is held
