"""One body for all backends: the waterfall, and scenarios settled by it. Numba and CUDA have the same bits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix.kernels.cuda import settle as cuda_settle
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.settling import NOISE, Settling, added
from capmix.kernels.tables import LossKind
from capmix.kernels.waterfall import distribute, waterfall
from numpy.testing import assert_allclose

from ..samples import NUMBA, NUMPY, every_process, random_loss

PERIODS = 6
COUNT = 1003
SEED = 5


def random_steps(rng, claims, pools, count):
    steps = []
    for _ in range(count):
        source = int(rng.integers(pools))
        target = int(rng.integers(-1, pools))
        members = rng.permutation(claims)[: rng.integers(0, claims + 1)].tolist()
        steps.append((source, members, -1 if target == source else target))
    return waterfall(claims, pools, steps)


@pytest.mark.parametrize("seed", range(6))
def test_the_waterfall_has_the_definition_s_bits(backend, seed):
    rng = np.random.default_rng(seed)
    claims, pools, n = int(rng.integers(1, 9)), int(rng.integers(1, 6)), int(rng.integers(1, 700))
    table = random_steps(rng, claims, pools, int(rng.integers(0, 15)))
    due = rng.exponential(size=(n, claims)) * rng.integers(0, 2, (n, claims))
    held = rng.exponential(size=(n, pools)) * 10.0 ** rng.integers(-2, 2, (n, pools))
    for found, expected in zip(backend.distribute(table, due, held), distribute(table, due, held), strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_amounts_that_are_no_amounts_are_refused(backend, wrong):
    table = waterfall(1, 1, [(0, [0], -1)])
    with pytest.raises(ValueError, match="due must be finite"):
        backend.distribute(table, np.array([[wrong]]), np.array([[1.0]]))
    with pytest.raises(ValueError, match="pools must be finite"):
        backend.distribute(table, np.array([[1.0]]), np.array([[wrong]]))


@cache
def settling(revolver=True, moving=True):
    rng = np.random.default_rng(8)
    drivers, amounts, owed = every_process().drivers, 7, 4
    balance = random_loss(rng, drivers, PERIODS, LossKind.PEAK, rate_driver=0, opening=1.2, revolver=revolver)
    exposure = 0.4 * rng.standard_normal(balance.entries)
    exposure[balance.terms.entries :] = np.linspace(0.3, 0.0, PERIODS) if revolver else 0.0
    moves = np.array([5, 0, 2])
    flows = random_loss(rng, drivers, moves.size * PERIODS, LossKind.WORST, entries=70)
    places = np.where(flows.terms.factors >= 0, flows.terms.factors % (drivers * PERIODS), -1).astype(np.int32)
    flows = replace(flows, terms=replace(flows.terms, factors=places), floor=np.zeros(moves.size * PERIODS))
    return Settling(
        balance, exposure, rng.uniform(-0.2, 1.5, (amounts, PERIODS)), moves if moving else moves[:0],
        flows if moving else None, rng.standard_normal(70) if moving else np.zeros(0), owed,
        rng.uniform(0.0, 2.0, PERIODS), np.array([1.0, 0.0, 0.3, 0.0, 0.0]), np.array([0.0, 1.0, 0.8, 0.5, 1.0]),
        np.array([-1, 4, 5, 2, 0], np.int32),
        np.array([-1, -1, -1, 6, -1], np.int32), 2,
        waterfall(owed + 3, 5, [(1, [0, 2], 0), (2, [1], 0), (0, [0, 1, 2, 3, 5], -1), (0, [4, 6], -1), (3, [2], -1),
                                (4, [0, 6], -1)]),
    )  # fmt: skip


def same(found, expected, exact):
    rounding = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-11, "atol": 1e-11}
    assert_allclose(found.sums, expected.sums, **rounding)
    assert_allclose(found.owed, expected.owed, **rounding)
    assert np.array_equal(found.hits, expected.hits)
    assert np.array_equal(found.dates, expected.dates)


def of(backend):
    return backend.simulate(every_process(PERIODS), COUNT, SEED)


@pytest.mark.parametrize(("revolver", "moving"), [(True, True), (False, True), (True, False)])
def test_settlements(backend, revolver, moving):
    table = settling(revolver, moving)
    total, tally = backend.settle(of(backend), table)
    expected = NUMBA.settle(of(NUMBA), table)
    exact = backend.name != "numpy"
    assert_allclose(np.asarray(total), expected[0], rtol=0 if exact else 1e-11, atol=0 if exact else 1e-11)
    same(tally, expected[1], exact)


def test_what_the_sums_are_of():
    """Against plain sums of each scenario's settlement, and none of them is the same in all scenarios."""
    table = settling()
    total, tally = NUMPY.settle(of(NUMPY), table)
    ((_, one),) = NUMPY.settled(of(NUMPY), table, np.arange(COUNT))
    borne = np.hstack([one.losses, one.guarantees])
    assert_allclose(tally.sums, borne.sum(axis=0), rtol=1e-12)
    assert_allclose(tally.owed, one.due.sum(axis=0), rtol=1e-12)
    assert np.array_equal(tally.hits, (borne > NOISE).sum(axis=0))
    assert tally.dates.sum() == one.defaulted.sum()
    assert np.array_equal(tally.dates, [(one.date[one.defaulted] == t).sum() for t in range(PERIODS)])
    assert 100 < one.defaulted.sum() < COUNT - 100
    assert np.count_nonzero(tally.dates) >= 3
    assert np.count_nonzero(tally.hits) >= 7
    assert_allclose(total, one.due.sum(axis=1) - (one.value - one.left), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1, 300, 700])
def test_weighted_rows(backend, size):
    rng = np.random.default_rng(size)
    rows, weights = rng.integers(0, COUNT, size), rng.random(size)
    total, tally = backend.settle(of(backend), settling(), rows, weights)
    expected = NUMBA.settle(of(NUMBA), settling(), rows, weights)
    exact = backend.name != "numpy"
    assert_allclose(np.asarray(total), expected[0], rtol=0 if exact else 1e-11, atol=0 if exact else 1e-11)
    same(tally, expected[1], exact)


def test_pieces_do_not_matter(device_backend, monkeypatch):
    """Settled 16,384 at a time, the sums are those of the host, which takes them all at once."""
    monkeypatch.setattr(cuda_settle, "ROWS", 16_384)
    count = 17_000 if device_backend.device.name != "host shim" else 16_900
    table, processes = settling(), every_process(PERIODS)
    total, tally = device_backend.settle(device_backend.simulate(processes, count, SEED), table)
    expected = NUMBA.settle(NUMBA.simulate(processes, count, SEED), table)
    assert np.array_equal(np.asarray(total), expected[0])
    same(tally, expected[1], True)
    drawn = device_backend.settle(device_backend.regenerating(processes, count, SEED), table)
    assert np.array_equal(np.asarray(drawn[0]), expected[0])
    same(drawn[1], expected[1], True)


def test_no_amount_of_each_scenario_leaves_the_device(device_backend):
    device = device_backend.device
    store = device_backend.simulate(every_process(PERIODS), 5_000, SEED)
    seen, download = [], device.download

    def recording(array):
        seen.append(array.nbytes)
        return download(array)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "download", recording)
        total, _ = device_backend.settle(store, settling())
        worst = device_backend.tail(total, 0.95)
        device_backend.settle(store, settling(), worst.rows, worst.weights)
    assert 0 < max(seen) < 1_000


def test_in_slices_by_the_engine_s_backend(monkeypatch):
    monkeypatch.setattr("capmix.kernels.memory.chunked.SLICE", 512)
    backend = Chunked(NUMBA)
    store = backend.simulate(every_process(PERIODS), COUNT, SEED)
    total, tally = backend.settle(store, settling())
    whole = of(NUMBA)
    parts = [NUMBA.settle(NUMBA.part(whole, a, min(a + 512, COUNT)), settling()) for a in (0, 512)]
    assert np.array_equal(total, np.concatenate([p[0] for p in parts]))
    same(tally, added([p[1] for p in parts]), True)
    rows, weights = np.arange(3, 900, 2), np.linspace(0.1, 1.0, 449)
    ours = backend.settle(store, settling(), rows, weights)
    assert np.array_equal(ours[0], total[rows])


def test_what_does_not_fit_is_refused(backend):
    table, store = settling(), of(backend)
    for wrong, words in (
        (replace(table, owed=3), "3 more claims"), (replace(table, last=-table.last), "last must be"),
        (replace(table, amount=table.amount + 5), "amount must be"), (replace(table, bearers=6), "bearers must lie"),
        (replace(table, moving=np.r_[5, 0]), "flows must be"), (replace(table, moving=np.r_[5, 5, 2]), "moving"),
        (replace(table, share=-table.share), "share must be"), (replace(table, flows=None), "need flows"),
        (replace(table, surplus=-table.share), "surplus must be"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            backend.settle(store, wrong)
    with pytest.raises(FloatingPointError, match=r"a balance of scenario \d+ is not finite"):
        backend.settle(store, replace(table, balance_exposure=np.full(table.balance.entries, 1.7e308)))
