"""One body for all backends: stores, losses, gradients, means. Numba and CUDA add in one order: bits are compared."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from capmix.kernels import drivers as dr
from capmix.kernels.drivers import Process
from capmix.kernels.store import Store
from capmix.kernels.tables import LossKind
from numpy.testing import assert_allclose

from ..samples import DT, NUMBA, NUMPY, every_process, processes, random_loss, side_by_side
from .backends import made

PERIODS = 10
COUNT = 1003  # not a multiple of a warp, a tile or a block
SEED = 11
ULPS = 32  # as docs/gpu.md promises
DRIVERS = every_process().drivers
KINDS = [  # of the losses, with their rate drivers and whether a revolver stands behind the balance
    (LossKind.PEAK, 0, False), (LossKind.WORST, -1, False), (LossKind.PEAK, -1, False), (LossKind.PEAK, 0, True),
    (LossKind.PEAK, -1, True),
]  # fmt: skip
BESIDE = (False, True)  # whether a revolver stands behind three balances side by side: two more kinds
every_kind = pytest.mark.parametrize("kind", range(len(KINDS) + len(BESIDE)))


@cache
def tables(seed=0, width=4):
    rng = np.random.default_rng(seed)
    made_tables = [
        random_loss(rng, DRIVERS, PERIODS, k, entries=60, width=width, rate_driver=r, revolver=v) for k, r, v in KINDS
    ]
    for revolver in BESIDE:
        alone = [
            random_loss(
                rng,
                DRIVERS,
                PERIODS,
                LossKind.PEAK,
                entries=20,
                width=width,
                rate_driver=0,
                opening=o,
                revolver=revolver,
            )
            for o in (0.5, -0.5, 0.1)
        ]
        made_tables.append(side_by_side(alone))
    exposures = [rng.standard_normal(t.entries) for t in made_tables]
    exposures[0][::7] = 0.0
    for table, exposure in zip(made_tables, exposures, strict=True):
        exposure[table.terms.entries :] = np.abs(exposure[table.terms.entries :])
        exposure[table.terms.entries + 5 :][:2] = 0.0  # a line that ends before the last period
    return made_tables, exposures


@cache
def reference():
    return NUMPY.simulate(every_process(PERIODS), COUNT, SEED)


def exact(backend):
    """Whether a backend promises Numba's bits where NumPy's sums come in another order."""
    return backend.name != "numpy"


@pytest.mark.parametrize(
    ("count", "periods", "first"), [(COUNT, PERIODS, 0), (1, 1, 5), (257, 2, 2**64 - 257), (300, 7, 10**12)]
)
def test_stores_have_the_same_bits(backend, count, periods, first):
    table = every_process(periods)
    store = backend.simulate(table, count, SEED, sample=2, first=first)
    expected = NUMPY.simulate(table, count, SEED, sample=2, first=first)
    assert np.array_equal(store.blocks, expected.blocks)
    assert (store.count, store.first, store.drivers, store.periods) == (count, first, DRIVERS, periods)
    assert store.nbytes == expected.nbytes
    assert np.array_equal(store.x([0, count - 1]), expected.x([0, count - 1]))


def test_windows_excesses_and_shortfalls_at_their_edges(backend):
    flat = np.ones(PERIODS)
    rows = [
        dr.geometric_row(0.1 * flat, 0.4, 0.0, 0.0, 0.0, DT),
        dr.window_row(0.0 * flat, 1.0, 0.2, DT),  # never shuts
        dr.window_row(5.0 * flat, 0.0, 0.2, DT),  # never opens again
        dr.window_row(1e4 * flat, 1e4, 0.0, DT),  # shuts and opens in turn
        dr.strike_row(flat),
        dr.strike_row(np.linspace(0.5, 1.5, PERIODS)),
        dr.strike_row(flat),
        dr.strike_row(np.linspace(0.5, 1.5, PERIODS)),
    ]
    shown = [Process.EXCESS, Process.EXCESS, Process.SHORTFALL, Process.SHORTFALL]
    kinds = [Process.GEOMETRIC_JUMPS, *[Process.WINDOW] * 3, *shown]
    start = [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]
    table = processes(rows, kinds, start, depends_on=[-1, -1, -1, -1, 0, 3, 0, 3])
    x = backend.simulate(table, 300, SEED).x(np.arange(300))
    assert np.array_equal(x, NUMPY.simulate(table, 300, SEED).x(np.arange(300)))
    assert (x[:, 1] == 1.0).all()
    assert (np.diff(x[:, 2]) <= 0.0).all()
    assert (x[:, 2, -1] == np.float32(0.2)).any()
    assert np.array_equal(x[:, 3], np.tile(np.arange(PERIODS) % 2 == 0, (300, 1)))
    assert 0.1 < (x[:, 4, -1] > 0.0).mean() < 0.9
    assert x[:, 4] - x[:, 6] == pytest.approx(x[:, 0] - 1.0, abs=1e-6)
    assert x[:, 7, 1:] == pytest.approx(
        np.maximum(1.0 - x[:, 3] / np.linspace(0.5, 1.5, PERIODS), 0.0)[:, 1:], abs=1e-6
    )


def test_scenarios_by_number_have_the_bits_of_their_number(backend):
    numbers = np.array([5, 900, 5, 77, 2**63], dtype=np.uint64)
    store = backend.redraw(every_process(PERIODS), numbers, SEED)
    for row, number in enumerate(numbers):
        assert np.array_equal(store.x([row]), NUMPY.simulate(every_process(PERIODS), 1, SEED, first=int(number)).x([0]))
        assert store.scenario(row) == number


def test_losses(backend):
    losses = backend.losses(backend.simulate(every_process(PERIODS), COUNT, SEED), *tables())
    numba, numpy = NUMBA.losses(reference(), *tables()), NUMPY.losses(reference(), *tables())
    for own, same, definition in zip(losses, numba, numpy, strict=True):
        found = np.asarray(own)
        assert_allclose(found, definition, rtol=1e-12, atol=1e-12)
        if exact(backend):
            assert np.array_equal(found, same)


@pytest.mark.parametrize("width", [1, 2, 6])
def test_losses_of_atoms_of_any_width(backend, width):
    table, exposure = tables(3, width)
    store = backend.from_host(reference()) if hasattr(backend, "from_host") else reference()
    losses, same = backend.losses(store, table, exposure), NUMBA.losses(reference(), table, exposure)
    for own, numba in zip(losses, same, strict=True):
        assert_allclose(
            np.asarray(own), numba, rtol=0 if exact(backend) else 1e-12, atol=0 if exact(backend) else 1e-12
        )


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("seed", [0, 3])
def test_losses_within_ulps(backend, seed, width):
    """Of the largest balance of each scenario: none between Numba and CUDA, and few to the definition."""
    table, exposure = tables(seed, width)
    store = backend.from_host(reference()) if hasattr(backend, "from_host") else reference()
    found, same = backend.losses(store, table, exposure), NUMBA.losses(reference(), table, exposure)
    for own, numba, each, e in zip(found, same, table, exposure, strict=True):
        balance = np.abs(NUMPY.balances(reference(), each, e)).max(axis=1)
        ulp = np.spacing(np.maximum(balance, 1.0))
        right = NUMPY.losses(reference(), [each], [e])[0]
        assert (np.abs(np.asarray(own) - right) / ulp).max() <= ULPS
        if exact(backend):
            assert np.array_equal(np.asarray(own), numba)


@pytest.mark.parametrize("kind", [3, 4])
def test_balances_lie_on_both_sides_of_the_line(kind):
    table, exposure = (t[kind] for t in tables())
    lines, balance = exposure[table.terms.entries :], NUMPY.balances(reference(), table, exposure)
    for part in (balance >= 0.0, balance < -lines, (balance < 0.0) & (balance > -lines)):
        assert np.count_nonzero(part) > 70


@every_kind
@pytest.mark.parametrize("size", [0, 1, 255, 700])
def test_gradients(backend, kind, size):
    (table, exposure), rng = (t[kind] for t in tables()), np.random.default_rng(size)
    rows = rng.integers(0, COUNT, size)  # some more than once, in any order
    weights = rng.random(size)
    store = backend.simulate(every_process(PERIODS), COUNT, SEED)
    value, gradient = backend.pull_back(store, table, exposure, rows, weights)
    expected = NUMPY.pull_back(reference(), table, exposure, rows, weights)
    assert_allclose(value, expected[0], rtol=1e-12)
    assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-10)
    if exact(backend):
        same = NUMBA.pull_back(reference(), table, exposure, rows, weights)
        assert value == same[0]
        assert np.array_equal(gradient, same[1])


def test_means_and_rates(backend):
    store, table = backend.simulate(every_process(PERIODS), COUNT, SEED), tables()[0][0]
    assert np.array_equal(backend.means(store, table.terms.factors), NUMPY.means(reference(), table.terms.factors))
    for each in tables()[0]:
        assert np.array_equal(backend.rates(store, each), NUMPY.rates(reference(), each))
    none = np.zeros((0, 4), np.int32)
    assert backend.means(store, none).shape == (0,)


def test_subsets_and_parts(backend):
    store, rows = backend.simulate(every_process(PERIODS), COUNT, SEED, first=40), [1002, 3, 3, 700]
    subset = backend.subset(store, rows)
    assert np.array_equal(subset.x([0, 1, 2, 3]), store.x(rows))
    assert [subset.scenario(i) for i in range(4)] == [1042, 43, 43, 740]
    again = backend.subset(subset, [3, 0])
    assert [again.scenario(i) for i in range(2)] == [740, 1042]
    part = backend.part(store, 256, 900)
    assert (part.count, part.scenario(5)) == (644, 301)
    losses = np.asarray(backend.losses(store, *tables())[0])
    rounding = 0.0 if exact(backend) else 1e-12
    for chosen, expected in ((part, losses[256:900]), (subset, losses[rows])):
        found = np.asarray(backend.losses(chosen, *tables())[0])
        assert_allclose(found, expected, rtol=rounding, atol=rounding)


@every_kind
def test_balances_and_fans(backend, kind):
    store, (table, exposure) = backend.simulate(every_process(PERIODS), COUNT, SEED), (t[kind] for t in tables())
    expected = NUMBA.balances(reference(), table, exposure)
    assert_allclose(backend.balances(store, table, exposure), expected, rtol=1e-12, atol=1e-12)
    assert_allclose(backend.balances(store, table, exposure, [900, 2]), expected[[900, 2]], rtol=1e-12, atol=1e-12)
    assert backend.balances(store, table, exposure, []).shape == (0, table.terms.periods)
    levels = (0.0, 0.05, 0.5, 0.777, 1.0) if kind == 0 else (0.777,)
    for count in (None, 500, 1) if kind == 0 else (None,):
        quantiles, means, below = backend.fan(store, table, exposure, levels, count)
        part = expected[:count]
        assert_allclose(quantiles, np.quantile(part, levels, axis=0), rtol=1e-12, atol=1e-12)
        assert_allclose(means, part.mean(axis=0), rtol=1e-12)
        assert np.array_equal(below, (part < table.least(exposure)).mean(axis=0))


@pytest.mark.parametrize("revolver", [False, True])
def test_a_regenerated_scenario_is_the_stored_one(device_backend, revolver):
    """Nothing is kept, and every result has the bits of the store's, whatever the chunk."""
    count = 17_000 if made("shim") is device_backend or made("cuda") is device_backend else 600
    processes = every_process(4)
    rng = np.random.default_rng(5)
    table = random_loss(rng, DRIVERS, 4, LossKind.PEAK, entries=40, rate_driver=0, revolver=revolver)
    exposure = rng.standard_normal(table.entries)
    exposure[40:] = 0.4
    kept = device_backend.simulate(processes, count, SEED, first=9)
    drawn = device_backend.regenerating(processes, count, SEED, first=9)
    assert drawn.nbytes == 0
    mine, theirs = (device_backend.losses(s, [table], [exposure])[0] for s in (drawn, kept))
    assert np.array_equal(mine.host(), theirs.host())
    tail = device_backend.tail(mine, 0.95)
    for found, expected in zip(
        device_backend.pull_back(drawn, table, exposure, tail.rows, tail.weights),
        device_backend.pull_back(kept, table, exposure, tail.rows, tail.weights),
        strict=True,
    ):
        assert np.array_equal(found, expected)
    assert np.array_equal(*(device_backend.means(s, table.terms.factors) for s in (drawn, kept)))
    assert np.array_equal(*(device_backend.balances(s, table, exposure, [0, count - 1]) for s in (drawn, kept)))
    assert np.array_equal(*(device_backend.subset(s, [7, 0]).x([0, 1]) for s in (drawn, kept)))
    part = device_backend.part(drawn, 256, 512)
    assert np.array_equal(device_backend.losses(part, [table], [exposure])[0].host(), mine.host()[256:512])


def test_a_host_store_travels_there_and_back(device_backend):
    host = Store(reference().blocks, COUNT, numbers=np.arange(COUNT, dtype=np.uint64) * 3)
    there = device_backend.from_host(host)
    back = device_backend.to_host(there)
    assert np.array_equal(back.blocks, host.blocks)
    assert np.array_equal(back.numbers, host.numbers)
    assert device_backend.from_host(there) is there


def test_overflow_names_the_scenario(backend):
    table, exposure = tables()[0][1], tables()[1][1]
    store = backend.simulate(every_process(PERIODS), 400, SEED, first=100)
    with pytest.raises(ValueError, match="exposure 3 is not finite"):
        backend.losses(store, [table], [np.where(np.arange(exposure.size) == 3, np.inf, exposure)])
    with pytest.raises(FloatingPointError, match=r"loss 0 of scenario \d+ is .*; its flows overflow"):
        backend.losses(store, [table], [np.full(exposure.size, 1.7e308)])


def test_a_driver_that_overflows_is_named(backend):
    table = every_process(4)
    table.params[2, 2, 0] = 200.0
    with pytest.raises(FloatingPointError, match="driver 2 overflows in period 2 of scenario 7;"):
        backend.simulate(table, 300, SEED, first=7)


def test_a_drawn_driver_that_overflows_is_named(device_backend):
    processes = every_process(4)
    processes.params[2, 2, 0] = 200.0
    rng = np.random.default_rng(5)
    table = random_loss(rng, DRIVERS, 4, LossKind.WORST)
    drawn = device_backend.regenerating(processes, 300, SEED, first=7)
    with pytest.raises(FloatingPointError, match="driver 2 overflows in period 2 of scenario 7;"):
        device_backend.losses(drawn, [table], [np.zeros(30)])
