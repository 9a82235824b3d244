"""Scenarios parted into leaves: each method against the NumPy definition, leaf by leaf, on every backend and in every
mode.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.memory import chunked
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.leaves import LeafBackend, LeafLoss, LeafSettling
from capmix.kernels.memory.placement import Mode, Shape
from capmix.kernels.tables import LossKind
from numpy.testing import assert_allclose, assert_array_equal

from ..cuda.backends import backend_or_skip
from ..cuda.test_settling import settling
from ..samples import NUMPY, every_process, random_exposure, random_loss

SLICE = 512
COUNT = 4 * SLICE + 77
PERIODS = 6
TABLE = every_process(PERIODS)
LEAVES = 4
SEED = 11
SIGNAL = 3  # the driver that parts, in period 2
LEVELS = (0.7, 0.95)


def leaf_of(backend, store):
    """Leaves 0, 1, 3 by a driver; leaf 2 stays empty."""
    factors = np.full((1, 4), -1, dtype=np.int32)
    factors[0, 0] = SIGNAL * PERIODS + 2
    table = random_loss(np.random.default_rng(0), TABLE.drivers, PERIODS, LossKind.WORST)
    terms = replace(
        table.terms, periods=1, factors=factors, atom=np.zeros(1, np.int32), start=np.array([0, 1], np.int32)
    )
    flow = backend.balances(store, replace(table, terms=terms, floor=np.zeros(1)), np.ones(1))[:, 0]
    return np.array([0, 1, 3], dtype=np.uint8)[np.searchsorted(LEVELS, flow, side="right")]


def regenerating():
    shape = Shape(COUNT, TABLE.drivers, PERIODS)
    room = int(shape.peak(Mode.REGENERATING, SLICE) / modes.RESERVE) + 1000
    return Chunked(NumbaBackend(), free=lambda: room)


MAKERS = {
    "numpy": lambda: NUMPY,
    "numba": lambda: backend_or_skip("numba"),
    "shim": lambda: backend_or_skip("shim"),
    "chunked": lambda: Chunked(NumbaBackend()),
    "chunked shim": lambda: Chunked(backend_or_skip("shim")),
    "regenerating": regenerating,
}


@pytest.fixture(params=list(MAKERS))
def over(request, monkeypatch):
    monkeypatch.setattr(chunked, "SLICE", SLICE)
    monkeypatch.setattr(modes, "SLICE", SLICE)
    return LeafBackend(MAKERS[request.param](), leaf_of, LEAVES)


@pytest.fixture(scope="module")
def plain():
    """The definition's store, and the rows of each leaf in their order."""
    store = NUMPY.simulate(TABLE, COUNT, SEED)
    leaf = leaf_of(NUMPY, store)
    assert all(np.count_nonzero(leaf == k) > 200 for k in (0, 1, 3))
    assert not (leaf == 2).any()
    return store, [np.flatnonzero(leaf == k) for k in range(LEAVES)]


def parts(table, exposure):
    return np.asarray(exposure).reshape(LEAVES, table.entries)


def made(seed=3):
    rng = np.random.default_rng(seed)
    tables = [
        random_loss(rng, TABLE.drivers, PERIODS, LossKind.PEAK, rate_driver=0, revolver=True),
        random_loss(rng, TABLE.drivers, PERIODS, LossKind.WORST),
    ]
    return tables, [np.concatenate([random_exposure(rng, t) for _ in range(LEAVES)]) for t in tables]


def expected_losses(plain, table, exposure):
    store, rows = plain
    return np.concatenate(
        [
            NUMPY.losses(NUMPY.subset(store, rows[k]), [table], [parts(table, exposure)[k]])[0]
            for k in range(LEAVES)
            if rows[k].size
        ]
    )


def test_scenarios_stand_in_the_order_of_their_leaves(over, plain):
    store = over.simulate(TABLE, COUNT, SEED)
    assert (store.count, store.drivers, store.periods) == (COUNT, TABLE.drivers, PERIODS)
    assert_array_equal(store.counts(), [r.size for r in plain[1]])
    assert_array_equal(store.numbers, np.concatenate(plain[1]))
    if isinstance(over.inner, Chunked) and over.inner._free() is not None:
        assert Mode.REGENERATING in {s.store.mode for s in store.segments}


def test_losses(over, plain):
    tables, exposures = made()
    store = over.simulate(TABLE, COUNT, SEED)
    for table, exposure, loss in zip(tables, exposures, over.losses(store, tables, exposures), strict=True):
        assert_allclose(over.host(loss), expected_losses(plain, table, exposure), rtol=1e-12, atol=1e-12)


def test_a_loss_may_have_a_floor_of_its_own_in_each_leaf(over, plain):
    tables, exposures = made()
    _, rows = plain
    each = tuple(replace(tables[1], floor=tables[1].floor + k) for k in range(LEAVES))
    fields = {name: getattr(each[0], name) for name in each[0].__dataclass_fields__}
    (loss,) = over.losses(over.simulate(TABLE, COUNT, SEED), [LeafLoss(**fields, leaves=each)], exposures[1:])
    shift = np.concatenate([np.full(rows[k].size, float(k)) for k in range(LEAVES)])
    assert_allclose(over.host(loss), expected_losses(plain, tables[1], exposures[1]) + shift, rtol=1e-12, atol=1e-12)


def test_pull_back_gives_each_leaf_its_own_gradient(over, plain):
    tables, exposures = made()
    store = over.simulate(TABLE, COUNT, SEED)
    rng = np.random.default_rng(1)
    rows, weights = rng.permutation(COUNT)[:700], rng.random(700)
    number = np.concatenate(plain[1])[rows]
    for table, exposure in zip(tables, exposures, strict=True):
        value, gradient = over.pull_back(store, table, exposure, rows, weights)
        total, slopes = 0.0, np.zeros((LEAVES, table.entries))
        for k in range(LEAVES):
            mine = np.isin(number, plain[1][k])
            if mine.any():
                one, slopes[k] = NUMPY.pull_back(
                    plain[0], table, parts(table, exposure)[k], number[mine], weights[mine]
                )
                total += one
        assert value == pytest.approx(total, rel=1e-11)
        assert_allclose(gradient.reshape(LEAVES, -1), slopes, rtol=1e-10, atol=1e-10)


def test_subsets_keep_rows_in_their_order(over, plain):
    tables, exposures = made()
    store = over.simulate(TABLE, COUNT, SEED)
    expected = expected_losses(plain, tables[0], exposures[0])
    for rows in (np.sort(np.random.default_rng(2).permutation(COUNT)[:900]), np.array([5, 4, COUNT - 1, 7, 700, 0])):
        near = over.subset(store, rows)
        (loss,) = over.losses(near, tables[:1], exposures[:1])
        assert_allclose(over.host(loss), expected[rows], rtol=1e-12, atol=1e-12)
        again = over.subset(near, np.arange(near.count)[::-1])
        (loss,) = over.losses(again, tables[:1], exposures[:1])
        assert_allclose(over.host(loss), expected[rows][::-1], rtol=1e-12, atol=1e-12)
    (loss,) = over.losses(over.part(store, 256, 1100), tables[:1], exposures[:1])
    assert_allclose(over.host(loss), expected[256:1100], rtol=1e-12, atol=1e-12)


def test_the_foremost_are_those_drawn_first(over, plain):
    store = over.simulate(TABLE, COUNT, SEED)
    rows = over.foremost(store, 300)
    assert (np.diff(rows) > 0).all()
    assert set(store.numbers[rows].tolist()) == set(range(300))
    later = over.foremost(over.subset(store, rows[50:]), 20)
    assert set(store.numbers[rows[50:]][later].tolist()) == set(sorted(store.numbers[rows[50:]].tolist())[:20])
    with_leaves = np.unique(leaf_of(NUMPY, plain[0])[:300])
    assert with_leaves.size == 3, "the first scenarios lie in all leaves"


def test_means_and_rates_of_leaves_and_of_all(over, plain):
    tables, _ = made()
    store = over.simulate(TABLE, COUNT, SEED)
    factors = np.array([[1, 2, -1], [5, -1, -1], [-1, -1, -1]], dtype=np.int32)
    whole, rows = plain
    assert_allclose(over.means(store, factors), NUMPY.means(whole, factors), rtol=1e-13)
    assert_allclose(over.rates(store, tables[0]), NUMPY.rates(whole, tables[0]), rtol=1e-12, atol=1e-15)
    means, rates = over.leaf_means(store, factors), over.leaf_rates(store, tables[0])
    for k in range(LEAVES):
        if not rows[k].size:
            assert np.isnan(means[k]).all()
            assert np.isnan(rates[k]).all()
            continue
        part = NUMPY.subset(whole, rows[k])
        assert_allclose(means[k], NUMPY.means(part, factors), rtol=1e-13)
        assert_allclose(rates[k], NUMPY.rates(part, tables[0]), rtol=1e-12, atol=1e-15)


def test_balances_and_fan(over, plain):
    tables, exposures = made()
    store = over.simulate(TABLE, COUNT, SEED)
    table, exposure = tables[0], exposures[0]
    each = [
        NUMPY.balances(plain[0], table, parts(table, exposure)[k], plain[1][k])
        for k in range(LEAVES)
        if plain[1][k].size
    ]
    expected = np.concatenate(each)
    assert_allclose(over.balances(store, table, exposure), expected, rtol=1e-12, atol=1e-12)
    some = np.array([COUNT - 1, 3, 2, 900, 901])
    assert_allclose(over.balances(store, table, exposure, some), expected[some], rtol=1e-12, atol=1e-12)
    least = np.concatenate(
        [np.tile(table.least(parts(table, exposure)[k]), (plain[1][k].size, 1)) for k in range(LEAVES)]
    )
    for count, rows in ((None, np.arange(COUNT)), (500, np.flatnonzero(np.concatenate(plain[1]) < 500))):
        quantiles, mean, below = over.fan(store, table, exposure, (0.05, 0.5), count)
        assert_allclose(quantiles, np.quantile(expected[rows], (0.05, 0.5), axis=0), rtol=1e-12, atol=1e-12)
        assert_allclose(mean, expected[rows].mean(axis=0), rtol=1e-12, atol=1e-12)
        assert_array_equal(below, (expected[rows] < least[rows]).mean(axis=0))


def test_breaches(over, plain):
    tables, exposures = made()
    store, dates = over.simulate(TABLE, COUNT, SEED), np.array([0, 0, 1, 2, 2, 2], dtype=np.int32)
    worst, counts = over.breaches(store, tables[1], exposures[1], dates, 1e-9)
    found = [
        NUMPY.breaches(NUMPY.subset(plain[0], plain[1][k]), tables[1], parts(tables[1], exposures[1])[k], dates, 1e-9)
        for k in range(LEAVES)
        if plain[1][k].size
    ]
    assert_allclose(over.host(worst), np.concatenate([w for w, _ in found]), rtol=1e-12, atol=1e-12)
    assert_array_equal(counts.any, sum(c.any for _, c in found))
    assert_array_equal(counts.first, sum(c.first for _, c in found))


def test_settlements_of_each_leaf(over, plain):
    tables = tuple(replace(settling(), last=settling().last * (k + 1)) for k in range(LEAVES))
    store = over.simulate(TABLE, COUNT, SEED)
    total, tally = over.settle(store, LeafSettling(tables))
    each = [NUMPY.settle(plain[0], tables[k], plain[1][k]) for k in range(LEAVES) if plain[1][k].size]
    expected = np.concatenate([t for t, _ in each])
    assert_allclose(over.host(total), expected, rtol=1e-11, atol=1e-11)
    assert_allclose(tally.sums, sum(t.sums for _, t in each), rtol=1e-11, atol=1e-11)
    assert_array_equal(tally.hits, sum(t.hits for _, t in each))
    rng = np.random.default_rng(4)
    rows, weights = rng.permutation(COUNT)[:600], rng.random(600)
    some, tally = over.settle(store, LeafSettling(tables), rows, weights)
    assert_allclose(over.host(some), expected[rows], rtol=1e-11, atol=1e-11)
    number = np.concatenate(plain[1])[rows]
    by_hand = 0.0
    for k in range(LEAVES):
        mine = np.isin(number, plain[1][k])
        if mine.any():
            by_hand = by_hand + NUMPY.settle(plain[0], tables[k], number[mine], weights[mine])[1].sums
    assert_allclose(tally.sums, by_hand, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["shim", "chunked", "chunked shim", "regenerating"])
def test_the_same_bits_on_every_backend(name, monkeypatch):
    monkeypatch.setattr(chunked, "SLICE", SLICE)
    monkeypatch.setattr(modes, "SLICE", SLICE)
    tables, exposures = made()
    results = []
    for which in ("chunked", name):
        over = LeafBackend(MAKERS[which](), leaf_of, LEAVES)
        store = over.simulate(TABLE, COUNT, SEED)
        losses = over.losses(store, tables, exposures)
        tail = over.tail(losses[0], 0.8)
        _, gradient = over.pull_back(store, tables[0], exposures[0], tail.rows, tail.weights)
        near = over.subset(store, over.worst(losses[1], 400))
        results.append(
            [*(over.host(v) for v in losses), np.asarray(tail.rows), np.asarray(tail.weights),
             *((gradient,) if name.startswith("chunked") or name == "regenerating" else ()),
             *(over.host(v) for v in over.losses(near, tables, exposures)),
             over.balances(near, tables[0], exposures[0])]
        )  # fmt: skip
    for mine, theirs in zip(*results, strict=True):
        assert_array_equal(mine, theirs)


def test_what_does_not_fit_is_refused():
    over = LeafBackend(NUMPY, leaf_of, LEAVES)
    tables, exposures = made()
    store = over.simulate(TABLE, COUNT, SEED)
    with pytest.raises(ValueError, match="4 exposures"):
        over.losses(store, tables[:1], [exposures[0][:-1]])
    with pytest.raises(IndexError):
        over.subset(store, [COUNT])
    with pytest.raises(ValueError, match="at least one row"):
        over.subset(store, np.zeros(0, dtype=np.int64))
    with pytest.raises(ValueError, match="no leaf"):
        LeafBackend(NUMPY, leaf_of, 2).simulate(TABLE, COUNT, SEED)
    with pytest.raises(ValueError, match="1 to 256"):
        LeafBackend(NUMPY, leaf_of, 0)
