"""Tail, worst rows, counts and vectors on a device against the definition on the host."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.cuda.vector import Vector
from capmix.kernels.tail import tail
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from .backends import backend_or_skip, made

SIZES = [1, 2, 255, 256, 257, 4096, 4097, 20_001]


def vector(backend, values):
    return Vector.of(backend.device, values, np.float64)


def agree(backend, losses, level, weights=None, mass=None):
    found = backend.tail(vector(backend, losses), level, mass, weights)
    expected = tail(losses, level, weights, mass)
    assert np.array_equal(np.asarray(found.rows), expected.rows)
    tolerance = {"rtol": 0, "atol": 0} if weights is None else {"rtol": 1e-12, "atol": 1e-12 * np.sum(weights)}
    assert_allclose(np.asarray(found.weights), expected.weights, **tolerance)
    assert found.var == expected.var
    assert_allclose(found.cvar, expected.cvar, rtol=1e-13, atol=1e-300)
    assert_allclose(found.mass, expected.mass, rtol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", [0.95, 0.5, 0.0123])
def test_tails(device_backend, size, level):
    rng = np.random.default_rng(size)
    agree(device_backend, rng.standard_normal(size) * 10.0 ** rng.integers(-3, 4, size), level)


@pytest.mark.parametrize("size", SIZES)
def test_ties_enter_lowest_row_first(device_backend, size):
    rng = np.random.default_rng(size)
    losses = rng.integers(-2, 2, size) * 1.0
    losses[losses == 0.0] *= rng.choice([-1.0, 1.0], int((losses == 0.0).sum()))  # 0 and -0 are equal
    for level in (0.9, 0.6, 0.31):
        agree(device_backend, losses, level)
    agree(device_backend, np.full(size, 3.0), 0.4)


def test_a_tail_of_given_mass(device_backend):
    losses = np.random.default_rng(1).standard_normal(5000)
    for mass in (0.25, 1.0, 17.3, 4999.5, 5000.0):
        agree(device_backend, losses, 0.95, mass=mass)


@pytest.mark.parametrize("size", [1, 300, 9000])
def test_weighted_tails(device_backend, size):
    rng = np.random.default_rng(size)
    losses = np.round(rng.standard_normal(size), 1)
    weights = rng.uniform(0.1, 2.0, size)
    weights[rng.random(size) < 0.2] = 0.0
    weights[0] = 1.0
    for level in (0.95, 0.5):
        agree(device_backend, losses, level, weights)
    agree(device_backend, losses, 0.9, np.full(size, 0.5))


@given(
    values=st.lists(st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, 1e300, -1e300, 2.5]), min_size=1, max_size=40),
    level=st.floats(0.01, 0.99),
    weighted=st.booleans(),
)
def test_any_tail(values, level, weighted):
    weights = np.resize([1.0, 0.0, 0.25, 3.0], len(values)) if weighted else None
    agree(backend_or_skip("shim"), np.array(values), level, weights)


def test_worst_rows(device_backend):
    rng = np.random.default_rng(2)
    losses = np.round(rng.standard_normal(9000), 2)
    for count in (1, 100, 8999, 9000):
        expected = np.sort(np.argsort(-losses, kind="stable")[:count])
        assert np.array_equal(device_backend.worst(vector(device_backend, losses), count), expected)
        also = np.sort(rng.permutation(9000)[:300])
        together = device_backend.worst(
            vector(device_backend, losses), count, Vector.of(device_backend.device, also, np.int64)
        )
        assert np.array_equal(together, np.union1d(expected, also))


def test_counts_and_products(device_backend):
    rng = np.random.default_rng(3)
    losses, rows = rng.standard_normal(70_000), rng.integers(0, 70_000, 5000)
    own, weights = vector(device_backend, losses), rng.random(5000)
    assert device_backend.above(own, 0.3) == (losses > 0.3).mean()
    assert_allclose(device_backend.dot(own, rows, weights), losses[rows] @ weights, rtol=1e-12)
    assert np.array_equal(device_backend.host(own[rows]), losses[rows])
    joined = device_backend.concatenate([own, own[rows]])
    assert np.array_equal(joined.host(), np.concatenate((losses, losses[rows])))


def test_vectors_round_as_numpy_does(device_backend):
    rng = np.random.default_rng(4)
    a, b, s = rng.standard_normal(1000), rng.standard_normal(1000) * 1e3, np.float64(0.1)
    x, y = vector(device_backend, a), vector(device_backend, b)
    for found, expected in (
        (x + (y - x) * s, a + (b - a) * s), (s * x - y, s * a - b), (1.0 - x, 1.0 - a), (x + 2, a + 2), (x - s, a - s),
        (x * y, a * b), (abs(x), abs(a)), (x > 0.5, (a > 0.5) * 1.0), (x < 0.5, (a < 0.5) * 1.0),
    ):  # fmt: skip
        assert np.array_equal(np.asarray(found), expected)
    assert_allclose([x.sum(), x.mean(), x @ y], [a.sum(), a.mean(), a @ b], rtol=1e-11)
    assert len(x) == x.size == 1000
    assert x.shape == (1000,)


def test_vectors_refuse_what_has_no_meaning(device_backend):
    x, y = vector(device_backend, np.ones(3)), vector(device_backend, np.ones(4))
    for refused, error in (
        (lambda: x + y, ValueError), (lambda: x @ y, ValueError), (lambda: x[[3]], IndexError),
        (lambda: x[np.array([0.5])], TypeError), (lambda: x[y], TypeError),
        (lambda: device_backend.worst(x, 4), ValueError), (lambda: device_backend.worst(x, 0), ValueError),
        (lambda: device_backend.tail(x, 1.0), ValueError), (lambda: device_backend.tail(x, 0.5, mass=3.5), ValueError),
        (lambda: device_backend.tail(x, 0.5, weights=np.array([1.0, -1.0, 1.0])), ValueError),
        (lambda: device_backend.tail(vector(device_backend, np.array([1.0, np.inf])), 0.5), ValueError),
    ):  # fmt: skip
        with pytest.raises(error):
            refused()


def test_no_vector_of_all_scenarios_leaves_the_device():
    """What the engine asks for in a pass comes back as numbers and rows of the tail, far smaller than the losses."""
    backend_or_skip("shim")
    device = made("shim").device
    losses = vector(made("shim"), np.random.default_rng(6).standard_normal(50_000))
    device.downloaded.clear()
    worst = made("shim").tail(losses, 0.99)
    made("shim").dot(losses + losses * 0.5, worst.rows, worst.weights)
    made("shim").above(losses, 1.0)
    assert max(device.downloaded) <= 64
