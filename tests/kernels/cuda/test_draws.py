"""Draws, normals and elementary functions of the CUDA sources have the bits of the definition."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels import draws, elementary
from capmix.kernels.cuda.source import THREADS
from capmix.kernels.cuda.vector import grid_of

TOP = 2**64 - 1
NUMBERS = np.array([0, 1, 2, 255, 256, 2**32, 2**63, TOP, *range(10_000, 12_000)], dtype=np.uint64)


@pytest.mark.parametrize(
    ("quad", "driver", "stream", "seed", "sample"), [(0, 0, 0, 0, 0), (5, 9, 2, TOP, 1), (30, 2**40, 1, 7, TOP)]
)
def test_words_and_normals(device_backend, quad, driver, stream, seed, sample):
    device, n = device_backend.device, NUMBERS.size
    words, normals = device.empty(4 * n, np.uint64), device.empty(4 * n, np.float64)
    ids = [np.uint64(i) for i in (quad, driver, stream, seed, sample)]
    device.launch("draw_words", grid_of(n), THREADS, (device.upload(NUMBERS), np.int64(n), *ids, words, normals))
    expected = np.stack(draws.philox((NUMBERS, quad, driver, stream), (seed, sample)), axis=1)
    assert np.array_equal(device.download(words).reshape(n, 4), expected)
    found = device.download(normals).reshape(n, 4)
    assert np.array_equal(found, draws.normal_quantile(draws.uniform(expected).ravel()).reshape(n, 4))


def _values(function):
    rng = np.random.default_rng(1)
    spread = np.concatenate(
        (rng.uniform(-1.0, 1.0, 4000), rng.uniform(-740.0, 709.0, 4000), 10.0 ** rng.uniform(-300, 2, 4000))
    )
    edges = np.array([0.0, -0.0, 1.0, -1.0, 709.79, -745.2, 1e-320, np.inf, -np.inf, np.nan])
    probabilities = np.concatenate(
        (rng.random(6000), 10.0 ** rng.uniform(-307, -1, 4000), [0.075, 0.925, 0.5, 2.0**-53])
    )
    return {
        0: probabilities,
        1: np.abs(spread[np.abs(spread) > 1e-300]),
        2: np.concatenate((spread, edges)),
        3: np.abs(spread),
        4: -np.abs(spread),
    }[function]


@pytest.mark.parametrize(
    ("function", "definition"),
    [
        (0, draws.normal_quantile), (1, draws.logarithm), (2, elementary.exponential), (3, elementary.log1p),
        (4, elementary.expm1),
    ],
)  # fmt: skip
def test_elementary_functions(device_backend, function, definition):
    device, x = device_backend.device, _values(function)
    out = device.empty(x.size, np.float64)
    device.launch("elementary", grid_of(x.size), THREADS, (device.upload(x), np.int64(x.size), np.int64(function), out))
    found, expected = device.download(out), definition(x)
    unlike = found.view(np.int64) != expected.view(np.int64)
    assert np.isnan(x[unlike]).all()
    assert np.isnan(found[unlike]).all()
