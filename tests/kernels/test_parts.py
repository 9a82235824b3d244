"""Scenarios drawn by number, views of stores, and what the engine asks of a vector of losses."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.backend import get_backend
from capmix.kernels.means import rates
from capmix.kernels.store import LANES
from capmix.kernels.tables import LossKind, LossTable, TermTable

from .samples import every_process

BACKENDS = ("numba", "numpy")


@pytest.mark.parametrize("name", BACKENDS)
def test_scenarios_drawn_by_number_have_the_bits_of_the_whole(name):
    backend, table = get_backend(name), every_process()
    whole = backend.simulate(table, 3_000, 11, sample=2)
    numbers = np.array([2_999, 0, 257, 256, 255, 1_000, 1_000, *range(600, 1_200)], dtype=np.uint64)
    part = backend.redraw(table, numbers, 11, sample=2)
    rows = np.arange(numbers.size)
    assert (part.x(rows) == whole.x(numbers.astype(np.int64))).all()
    assert (part.scenarios(rows) == numbers).all()


@pytest.mark.parametrize("name", BACKENDS)
def test_redraw_refuses_no_numbers(name):
    with pytest.raises(ValueError, match="at least 1"):
        get_backend(name).redraw(every_process(), np.empty(0, np.uint64), 1)


@pytest.mark.parametrize("low, high", [(0, 256), (512, 700), (256, 1_000)])
def test_part_is_a_view_with_the_same_scenarios(low, high):
    backend = get_backend("numba")
    whole = backend.simulate(every_process(), 1_000, 3, first=40)
    part = backend.part(whole, low, high)
    assert part.count == high - low
    assert np.shares_memory(part.blocks, whole.blocks)
    assert (part.x(np.arange(part.count)) == whole.x(np.arange(low, high))).all()
    assert part.scenario(3) == whole.scenario(low + 3) == 40 + low + 3
    with pytest.raises(ValueError, match="no part"):
        backend.part(whole, 100, 200)


@pytest.mark.parametrize("count", [1, 255, 256, 64 * LANES + 3])
@pytest.mark.parametrize("margin", [0.01, -0.03])
def test_rates_are_the_mean_of_what_a_surplus_earns(count, margin):
    backend, table = get_backend("numba"), every_process()
    store = backend.simulate(table, count, 5)
    periods = store.periods
    terms = TermTable(
        periods,
        np.full((1, 4), -1, np.int32),
        np.zeros(1, np.int32),
        np.minimum(np.arange(periods + 1), 1).astype(np.int32),
    )
    loss = LossTable(LossKind.PEAK, terms, np.zeros(periods), 0.0, 0, margin, 0.05, 0.25)
    x = store.x(np.arange(count))[:, 0, :]
    seen = np.concatenate([x[:, :1], x[:, :-1]], axis=1)
    expected = np.maximum(0.25 * (seen + margin), 0.0).astype(np.longdouble).mean(axis=0).astype(float)
    np.testing.assert_allclose(backend.rates(store, loss), expected, rtol=1e-13, atol=1e-18)
    assert (backend.rates(store, loss) == rates(store, loss)).all()
    fixed = LossTable(LossKind.PEAK, terms, np.zeros(periods), 0.0, -1, margin, 0.05, 0.25)
    assert (rates(store, fixed) == max(0.0, 0.25 * margin)).all()


def test_vectors_of_losses():
    backend = get_backend("numba")
    losses = np.random.default_rng(2).standard_normal(1_000)
    assert (backend.concatenate([losses[:300], losses[300:]]) == losses).all()
    assert backend.above(losses, 0.5) == np.mean(losses > 0.5)
    worst = backend.worst(losses, 70)
    assert (np.diff(worst) > 0).all()
    assert set(worst) == set(np.argsort(losses)[-70:])
    assert backend.tail(losses, 0.9, mass=3.5).weights.sum() == 3.5
    with pytest.raises(ValueError, match=r"1\.\.1000"):
        backend.worst(losses, 0)
