"""The store and the backends: same bits whatever the chunk, the threads or the backend; checks at the border."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from capmix.kernels import backend as choice
from capmix.kernels import drivers as dr
from capmix.kernels.cpu import jit
from capmix.kernels.cpu import losses as losses_numba
from capmix.kernels.cpu import means as means_numba
from capmix.kernels.cpu import paths as paths_numba
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.cpu.workers import Workers
from capmix.kernels.drivers import Process
from capmix.kernels.store import LANES, Store, blocks_of, bytes_needed
from capmix.kernels.tables import LossKind

from ..samples import BACKENDS, DT, NUMBA, NUMPY, every_process, processes, random_loss, random_store

both = pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
TOP = 2**64 - 1


def test_numba_equals_the_definition_to_few_ulps():
    table = every_process()
    fast, slow = NUMBA.simulate(table, 3000, 5), NUMPY.simulate(table, 3000, 5)
    ulps = np.abs(fast.blocks - slow.blocks) / np.spacing(np.abs(slow.blocks))
    assert ulps.max() <= 2.0
    exact = [0, 5, 7, 8, 9, 10]  # processes without exp or log on the way, and defaults
    assert (fast.blocks[:, exact] == slow.blocks[:, exact]).all()


@pytest.mark.parametrize("hazard", [0.0, 1e-12, 0.02, 1.0, 3.0, 200.0])
@pytest.mark.parametrize("sensitivity", [0.3, 2.0, 20.0])
def test_defaults_that_follow_a_level_have_the_definitions_bits(hazard, sensitivity):
    """Levels from far below to far above the start, so that hazards per period go from nothing to certain default."""
    periods = 12
    rows = [
        np.tile(dr.vasicek_row(0.2, 1.0, 0.9, 1e-9, DT), (periods, 1)),
        np.tile(dr.survival_row(hazard, 0.4, sensitivity, DT), (periods, 1)),
    ]
    correlation = np.array([[1.0, 0.0], [0.6, 0.8]])
    kinds = [Process.VASICEK, Process.SURVIVAL]
    table = processes(rows, kinds, [0.1, 1.0], correlation, depends_on=[-1, 0])
    fast, slow = NUMBA.simulate(table, 3000, 5), NUMPY.simulate(table, 3000, 5)
    assert np.array_equal(fast.blocks, slow.blocks)


@both
@pytest.mark.parametrize("periods", [1, 2, 4, 5, 9])
def test_any_number_of_periods(backend, periods):
    store = backend.simulate(every_process(periods), 7, 1)
    long = backend.simulate(every_process(12), 7, 1)
    skip = 7  # the deterministic path depends on the horizon
    drivers = [d for d in range(12) if d != skip]
    assert (store.x(np.arange(7))[:, drivers] == long.x(np.arange(7))[:, drivers, :periods]).all()


@both
def test_a_scenario_has_the_same_bits_in_any_chunk(backend):
    table = every_process()
    alone = backend.simulate(table, 1, 9, first=123_456)
    within = backend.simulate(table, 700, 9, first=123_000)
    aligned = backend.simulate(table, 300, 9, first=123_200)
    assert (alone.x([0]) == within.x([456])).all()
    assert (alone.x([0]) == aligned.x([256])).all()
    assert alone.scenario(0) == within.scenario(456) == 123_456


def test_same_bits_on_any_number_of_threads():
    table = every_process()
    rng = np.random.default_rng(1)
    loss = random_loss(rng, 10, 10, LossKind.PEAK, entries=80, rate_driver=0)
    exposure = rng.standard_normal(80)
    results = []
    for threads in (1, 2, 3, 7):
        backend = NumbaBackend(threads)
        store = backend.simulate(table, 20_000, 3)
        losses = backend.losses(store, [loss], [exposure])[0]
        rows = np.argsort(losses)[-9000:]
        value, gradient = backend.pull_back(store, loss, exposure, rows, np.linspace(0, 1, 9000))
        means = backend.means(store, loss.terms.factors)
        results.append((store.blocks, losses, value, gradient, means))
    for other in results[1:]:
        for mine, theirs in zip(results[0], other, strict=True):
            assert np.array_equal(mine, theirs)


def test_seed_and_sample_give_other_scenarios_at_the_edges_too():
    table = every_process(3)
    stores = [NUMBA.simulate(table, 50, seed, sample) for seed, sample in ((0, 0), (TOP, 0), (0, 1), (0, TOP))]
    values = [s.x(np.arange(50))[:, 0, 1] for s in stores]
    for i, mine in enumerate(values):
        for theirs in values[i + 1 :]:
            assert (mine != theirs).all()
    end = NUMBA.simulate(table, 10, 1, first=2**64 - 10)
    assert end.scenario(9) == TOP
    assert np.array_equal(end.x([9]), NUMPY.simulate(table, 10, 1, first=2**64 - 10).x([9]))


def test_starts_are_shown_as_given():
    table = every_process()
    x = NUMBA.simulate(table, 10, 1).x(np.arange(10))
    assert (x[:, :, 0] == table.start.astype(np.float32)).all()


def test_means_have_the_same_bits_in_both_backends_and_are_right():
    rng = np.random.default_rng(2)
    store = random_store(rng, 64 * LANES + 300, 3, 4)
    factors = np.array([[-1, -1], [0, -1], [-1, 11], [3, 3], [2, 7]], dtype=np.int32)
    fast, slow = NUMBA.means(store, factors), NUMPY.means(store, factors)
    assert np.array_equal(fast, slow)
    x = store.x(np.arange(store.count)).reshape(store.count, -1)
    exact = [1.0, *(math.fsum(c) / store.count for c in (x[:, 0], x[:, 11], x[:, 3] ** 2, x[:, 2] * x[:, 7]))]
    assert fast == pytest.approx(exact, rel=1e-13)
    assert fast[0] == 1.0


@both
def test_subset_keeps_values_order_and_numbers(backend):
    store = NUMBA.simulate(every_process(), 1000, 4, first=50)
    rows = np.array([999, 3, 3, 500, *range(300)])
    part = backend.subset(store, rows)
    assert (part.x(np.arange(part.count)) == store.x(rows)).all()
    assert [part.scenario(i) for i in range(4)] == [1049, 53, 53, 550]
    again = backend.subset(part, [0, 2])
    assert [again.scenario(i) for i in range(2)] == [1049, 53]


def test_losses_of_a_subset_are_those_of_its_rows():
    rng = np.random.default_rng(3)
    store = random_store(rng, 2000, 3, 5)
    table = random_loss(rng, 3, 5, LossKind.PEAK, rate_driver=0)
    exposure = rng.standard_normal(30)
    rows = rng.permutation(2000)[:700]
    full = NUMBA.losses(store, [table], [exposure])[0]
    assert (NUMBA.losses(NUMBA.subset(store, rows), [table], [exposure])[0] == full[rows]).all()


def test_store_of_values():
    rng = np.random.default_rng(4)
    values = rng.standard_normal((513, 2, 3)).astype(np.float32)
    store = Store.from_values(values, first=7)
    assert (store.drivers, store.periods, store.count, store.blocks.shape[0]) == (2, 3, 513, 3)
    assert (store.x(np.arange(513)) == values).all()
    assert store.scenario(512) == 519
    assert store.nbytes == bytes_needed(513, 2, 3) == blocks_of(513) * LANES * 2 * 3 * 4


@pytest.mark.parametrize(
    "values", [np.ones((3, 2)), np.ones((0, 2, 3)), np.full((2, 1, 1), np.nan), np.full((2, 1, 1), 1e39)]
)
def test_store_refuses(values):
    with pytest.raises(ValueError, match="values"):
        Store.from_values(values)


@both
@pytest.mark.parametrize(
    "rows, error", [([10], IndexError), ([-1], IndexError), ([0.5], TypeError), ([[0]], TypeError)]
)
def test_rows_that_do_not_exist_are_refused(backend, rows, error):
    store = random_store(np.random.default_rng(5), 10, 3, 5)
    table = random_loss(np.random.default_rng(5), 3, 5, LossKind.WORST)
    with pytest.raises(error):
        backend.subset(store, rows)
    with pytest.raises(error):
        backend.pull_back(store, table, np.ones(30), rows, [1.0])
    with pytest.raises(error):
        backend.balances(store, table, np.ones(30), rows)


@both
@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"count": 0}, ValueError),
        ({"count": 10.0}, TypeError),
        ({"count": True}, TypeError),
        ({"seed": -1}, ValueError),
        ({"seed": 2**64}, ValueError),
        ({"sample": -1}, ValueError),
        ({"first": -1}, ValueError),
        ({"first": 2**64 - 5}, ValueError),
    ],
)
def test_bad_draws_are_refused(backend, arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        backend.simulate(every_process(2), **({"count": 10, "seed": 1} | arguments))


@both
@pytest.mark.parametrize(
    "changes, word",
    [
        ({"kind": np.full(12, 99, np.int32)}, "process"),
        ({"params": np.zeros((12, 3, 5))}, "params"),
        ({"params": np.full((12, 3, 8), np.nan)}, "finite"),
        ({"start": np.zeros(12)}, "start"),
        ({"start": np.full(12, np.nan)}, "start"),
        ({"word": np.zeros(12, np.uint64)}, "word must differ"),
        ({"word": np.arange(12)}, "uint64"),
        ({"cholesky": np.ones((12, 12))}, "triangular"),
        ({"cholesky": 2.0 * np.eye(12)}, "length 1"),
        ({"cholesky": np.eye(9)}, "shape"),
        ({"depends_on": np.array([-1] * 5 + [9] + [-1] * 6, np.int32)}, "survival"),
        ({"depends_on": np.array([-1] * 5 + [12] + [-1] * 6, np.int32)}, "depends_on"),
    ],
)
def test_bad_processes_are_refused(backend, changes, word):
    with pytest.raises(ValueError, match=word):
        backend.simulate(dataclasses.replace(every_process(3), **changes), 10, 1)


@both
def test_a_driver_that_overflows_is_named(backend):
    rows = [
        dr.vasicek_row(np.zeros(4), 1.0, 0.1, None, DT),
        dr.geometric_row(np.full(4, 300.0), 0.1, 0.0, 0.0, 0.0, DT),
    ]
    table = processes(rows, [Process.VASICEK, Process.GEOMETRIC_JUMPS], [0.0, 1.0])
    with pytest.raises(FloatingPointError, match="driver 1 overflows in period 2 of scenario 70"):
        backend.simulate(table, 20, 1, first=70)


def test_choice_of_backend(monkeypatch):
    assert choice.get_backend("auto").name == choice.get_backend("numba").name == "numba"
    assert choice.get_backend("numpy").name == "numpy"
    assert choice.get_backend("numpy").threads == 1
    with pytest.raises(ValueError, match="allowed: auto, numba, numpy"):
        choice.get_backend("cuda")
    monkeypatch.setitem(sys.modules, "capmix.kernels.cpu.numba_backend", None)
    with pytest.warns(UserWarning, match="slow NumPy"):
        assert choice.get_backend("auto").name == "numpy"
    with pytest.raises(ImportError):
        choice.get_backend("numba")


def test_numba_is_imported_late_and_its_threads_are_honoured():
    code = (
        "import sys, capmix.kernels.backend as b; assert 'numba' not in sys.modules; "
        "b.get_backend('numpy'); assert 'numba' not in sys.modules; print(b.get_backend('numba').threads)"
    )
    env = {"NUMBA_NUM_THREADS": "1", "PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    assert result.stdout.strip() == "1"


def test_cached_code_depends_on_all_sources():
    """Numba would else run stale code after a change in a function that lives in another file."""
    for compiled in (losses_numba.loss_pass, paths_numba.simulate_blocks, means_numba.sum_groups):
        assert compiled._cache._sources == jit.SOURCES
    assert {"cpu/losses.py", "kernels/draws.py", "kernels/tables.py"} <= {name for name, _, _ in jit.SOURCES}


def test_workers_cover_everything_once_and_report_the_first_failure():
    for threads in (1, 3):
        for count in (0, 1, 5, 1000):
            seen = np.zeros(count, int)

            def mark(low, high, seen=seen):
                seen[low:high] += 1

            Workers(threads).run(mark, count)
            assert (seen == 1).all()

        def fail(low, high):
            raise KeyError(low)

        with pytest.raises(KeyError):
            Workers(threads).run(fail, 500)
    with pytest.raises(ValueError, match="threads"):
        Workers(0)


def test_workers_within_workers_do_not_wait_for_each_other():
    workers, seen = Workers(2), np.zeros((40, 100), int)

    def row(low, high):
        for i in range(low, high):
            workers.run(lambda a, b, i=i: np.add(seen[i, a:b], 1, out=seen[i, a:b]), 100)

    workers.run(row, 40)
    assert (seen == 1).all()


def test_a_failure_on_another_thread_is_raised():
    caller = threading.get_ident()

    def fail(low, high):
        if threading.get_ident() != caller:
            raise KeyError(low)
        time.sleep(0.01)

    with pytest.raises(KeyError):
        Workers(2).run(fail, 500)
