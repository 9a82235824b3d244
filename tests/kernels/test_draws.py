"""Philox against numpy.random.Philox, the normal quantile and the logarithm against mpmath, Numba against both."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from capmix.kernels import draws
from capmix.kernels.cpu import draws as fast
from hypothesis import example, given
from hypothesis import strategies as st

TOP = 2**64 - 1
word = st.one_of(st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**63, TOP - 1, TOP]), st.integers(0, TOP))
counters = st.tuples(word, word, word, word)
keys = st.tuples(word, word)


def as_words(number):
    """Four words of a 256-bit number, least significant first."""
    return tuple((number >> (64 * i)) & TOP for i in range(4))


def numpy_philox(counter, key):
    generator = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(counter, np.uint64))
    return [int(w) for w in generator.random_raw(4)]


@given(counters, keys)
@example((0, 0, 0, 0), (0, 0))
@example((TOP, TOP, TOP, TOP), (TOP, TOP))
@example((TOP, 0, 0, 0), (1, 2))
@example((TOP, TOP, TOP, 5), (TOP, 0))
def test_philox_is_numpys_one_counter_on(counter, key):
    number = sum(c << (64 * i) for i, c in enumerate(counter))
    ours = draws.philox(as_words((number + 1) % 2**256), key)
    assert [int(w[0]) for w in ours] == numpy_philox(counter, key)


@given(counters, keys)
@example((TOP, TOP, TOP, TOP), (TOP, TOP))
def test_numba_philox_has_the_same_bits(counter, key):
    ours = fast.philox(*(np.uint64(c) for c in counter), *(np.uint64(k) for k in key))
    assert [int(w) for w in ours] == [int(w[0]) for w in draws.philox(counter, key)]


def test_philox_known_answer():
    """Random123's known-answer vector of philox4x64-10 for zero counter and key."""
    expected = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert [int(w[0]) for w in draws.philox((0, 0, 0, 0), (0, 0))] == expected


def test_philox_is_elementwise():
    counter = np.arange(1000, dtype=np.uint64)
    together = draws.philox((counter, 3, 4, 5), (6, 7))
    for i in (0, 1, 999):
        alone = draws.philox((counter[i], 3, 4, 5), (6, 7))
        assert [int(w[i]) for w in together] == [int(w[0]) for w in alone]


def test_uniform_is_exact_symmetric_and_open():
    assert draws.uniform(0) == 2.0**-53
    assert draws.uniform(TOP) == 1.0 - 2.0**-53
    words = np.random.Philox(1).random_raw(10_000)
    u = draws.uniform(words)
    assert (u > 0.0).all()
    assert (u < 1.0).all()
    assert (draws.uniform(~words) == 1.0 - u).all()
    assert [fast.uniform(w) for w in words[:50]] == u[:50].tolist()


def lower_tail(p):
    """Quantile of an exact double p in many digits."""
    with mpmath.workdps(60 + int(-mpmath.log10(min(p, 1 - p)))):
        return mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(p) - 1)


def test_normal_quantile_against_mpmath():
    powers = [2.0**-k for k in (*range(1, 62), 100, 300, 600, 1000)]
    upper = [1.0 - 2.0**-k for k in range(2, 54)]
    edges = [0.075, np.nextafter(0.075, 0), 0.925, np.nextafter(0.925, 1), np.exp(-25.0), 1.4e-11]
    middle = np.linspace(0.001, 0.999, 400)
    p = np.array([*powers, *upper, *edges, *middle, 0.5 + 2.0**-53, 0.5 - 2.0**-54])
    ours = draws.normal_quantile(p)
    for value, at in zip(ours, p, strict=True):
        true = lower_tail(at)
        assert value == true or abs((mpmath.mpf(value) - true) / true) < 2e-15, at


def test_normal_quantile_at_the_ends():
    assert draws.normal_quantile([0.0, -1.0, 2.0**-1070, 1.0, 2.0, 0.5]).tolist() == [-np.inf] * 3 + [np.inf] * 2 + [
        0.0
    ]
    assert fast.normal_quantile(0.0) == -np.inf
    assert fast.normal_quantile(1.0) == np.inf


def test_logarithm_below_one_ulp():
    x = np.concatenate([np.random.default_rng(1).random(300), 2.0 ** -np.arange(1, 1000, 37), [0.99999999, 1.0, 7.5]])
    ours = draws.logarithm(x)
    for value, at in zip(ours, x, strict=True):
        true = mpmath.log(mpmath.mpf(float(at)))
        assert abs(mpmath.mpf(float(value)) - true) <= np.spacing(abs(value))


@pytest.mark.parametrize("count", [256 * 40, 37, 5])
def test_numba_normals_have_the_same_bits(count):
    scenarios = np.arange(123_000, 123_000 + count, dtype=np.uint64)
    for period in (0, 3, 7):
        out = np.empty((4, scenarios.size))
        ids = [np.uint64(i) for i in (period // 4, 5, 0, TOP, 2)]
        fast.fill_uniforms(out, scenarios, *ids)
        assert (out[period % 4] == draws.uniforms(scenarios, period, 5, 0, TOP, 2)).all()
        fast.to_normals(out)
        assert (out[period % 4] == draws.normals(scenarios, period, 5, 0, TOP, 2)).all()


def test_numba_uniforms_of_scenarios_that_fill_the_counter():
    scenarios = np.array([0, 1, 2**32 - 1, 2**32, 2**63, TOP - 1, TOP] * 7, dtype=np.uint64)
    ids = (TOP // 3, TOP, 2**32 + 1, TOP, 2**63)
    out = np.empty((4, scenarios.size))
    fast.fill_uniforms(out, scenarios, *(np.uint64(i) for i in ids))
    words = draws.philox((scenarios, *ids[:3]), ids[3:])
    assert (out == np.array([draws.uniform(w) for w in words])).all()


def test_numba_tails_have_the_same_bits():
    """Uniforms that no random word would give in a test's time: the far tails on both sides."""
    p = np.concatenate(
        [2.0 ** -np.arange(1.0, 54.0), 1.0 - 2.0 ** -np.arange(1.0, 54.0), np.linspace(1e-12, 1 - 1e-12, 150)]
    )
    rows = np.tile(p, (4, 1))
    fast.to_normals(rows)
    assert (rows == draws.normal_quantile(p)).all()
    assert [fast.normal_quantile(v) for v in p] == draws.normal_quantile(p).tolist()


@pytest.mark.parametrize(
    "other",
    [{"period": 4}, {"period": 1}, {"driver": 1}, {"stream": 1}, {"seed": 1}, {"sample": 1}],
    ids=lambda o: next(iter(o)),
)
def test_every_coordinate_matters(other):
    at = {"period": 0, "driver": 0, "stream": 0, "seed": 0, "sample": 0}
    scenarios = np.arange(100, dtype=np.uint64)
    assert (draws.normals(scenarios, **at) != draws.normals(scenarios, **(at | other))).all()


def test_normals_are_standard():
    z = draws.normals(np.arange(200_000, dtype=np.uint64), 2, 1, 0, 42, 0)
    root = np.sqrt(z.size)
    assert abs(z.mean()) * root < 4
    assert abs((z**2).mean() - 1.0) * root / np.sqrt(2) < 4
    assert abs((z**3).mean()) * root / np.sqrt(15) < 4
    assert abs((z**4).mean() - 3.0) * root / np.sqrt(96) < 4
