"""One body for all backends: how often flows fall short of their floors, by date."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.kernels.breaches import by_date
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.multi_gpu.backend import Sharded
from capmix.kernels.tables import LossKind
from numpy.testing import assert_allclose

from ..samples import NUMBA, NUMPY, every_process, random_loss
from .shim import COMPILER, ShimDevice

PERIODS, COUNT, SEED = 6, 1003, 5
DATES = np.array([2, 0, 1, 1, 0, 3], dtype=np.int32)
ROUNDING = 1e-3
SHIFT = 0.4  # of the floors, so that some scenarios keep all of them


def table_of(kind=LossKind.WORST):
    rng = np.random.default_rng(4)
    table = random_loss(rng, every_process().drivers, PERIODS, kind)
    return replace(table, floor=table.floor - SHIFT), rng.standard_normal(table.entries)


def counted():
    """Scenario by scenario, from the definition's flows."""
    table, exposure = table_of()
    flows = NUMPY.balances(NUMPY.simulate(every_process(PERIODS), COUNT, SEED), table, exposure)
    anywhere, first, worst = np.zeros(4, int), np.zeros(4, int), []
    for flow in flows:
        room = [min(flow[j] - table.floor[j] for j in np.flatnonzero(d == DATES)) for d in range(4)]
        short = [d for d in range(4) if room[d] < -ROUNDING]
        anywhere[short] += 1
        first[short[:1]] += 1
        worst.append(min(room))
    return anywhere, first, np.array(worst)


def test_breaches(backend):
    anywhere, first, worst = counted()
    store = backend.simulate(every_process(PERIODS), COUNT, SEED)
    found, counts = backend.breaches(store, *table_of(), DATES, ROUNDING)
    assert np.array_equal(counts.any, anywhere)
    assert np.array_equal(counts.first, first)
    assert_allclose(np.asarray(found), worst, rtol=1e-12, atol=1e-12)
    assert 0 < first.sum() < COUNT
    assert (first > 0).sum() >= 2
    assert (anywhere > first).any()
    for level in (0.0, 0.05, 0.31, 1.0):
        assert backend.quantile(found, level) == pytest.approx(np.quantile(worst, level), rel=1e-12, abs=1e-12)


def test_bits_of_the_processor(device_backend):
    found, counts = device_backend.breaches(
        device_backend.simulate(every_process(PERIODS), COUNT, SEED), *table_of(), DATES, ROUNDING
    )
    right, numbers = NUMBA.breaches(NUMBA.simulate(every_process(PERIODS), COUNT, SEED), *table_of(), DATES, ROUNDING)
    assert np.array_equal(np.asarray(found), right)
    assert np.array_equal(counts.any, numbers.any)
    assert device_backend.quantile(found, 0.05) == NUMBA.quantile(right, 0.05)
    drawn = device_backend.regenerating(every_process(PERIODS), COUNT, SEED)
    assert np.array_equal(np.asarray(device_backend.breaches(drawn, *table_of(), DATES, ROUNDING)[0]), right)


@pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")
def test_on_two_devices(monkeypatch):
    monkeypatch.setattr("capmix.kernels.memory.placement.SLICE", 512)
    devices = [ShimDevice(), ShimDevice()]
    backend = Chunked(Sharded(devices, chunk=16_384, least=256))
    store = backend.simulate(every_process(PERIODS), COUNT, SEED)
    assert len(store.whole.pieces) == 2
    for device in devices:
        device.downloaded.clear()
    found, counts = backend.breaches(store, *table_of(), DATES, ROUNDING)
    level = backend.quantile(found, 0.05)
    assert max(max(d.downloaded) for d in devices) <= 8 * 2048  # the counts of a digit
    right, numbers = NUMBA.breaches(NUMBA.simulate(every_process(PERIODS), COUNT, SEED), *table_of(), DATES, ROUNDING)
    assert np.array_equal(found.host(), right)
    assert np.array_equal(counts.first, numbers.first)
    assert level == NUMBA.quantile(right, 0.05)


def test_what_has_no_meaning_is_refused(backend):
    store, (table, exposure) = backend.simulate(every_process(PERIODS), 300, SEED), table_of()
    for dates, words in ((DATES[:-1], "must have the shape"), (DATES + 1, "none of them left out")):
        with pytest.raises(ValueError, match=words):
            backend.breaches(store, table, exposure, dates, 0.0)
    with pytest.raises(ValueError, match="of a WORST loss"):
        backend.breaches(store, replace(table, kind=LossKind.PEAK), exposure, DATES, 0.0)


def test_periods_in_the_order_of_their_dates():
    order, starts = by_date(DATES)
    assert order.tolist() == [1, 4, 2, 3, 0, 5]
    assert starts.tolist() == [0, 2, 4, 5, 6]
