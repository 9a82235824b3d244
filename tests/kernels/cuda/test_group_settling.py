"""One body for all backends: a group settled company by company. Numba and CUDA have the same bits."""

from __future__ import annotations

from functools import cache

import numpy as np
from capmix.kernels.group_settling import Companies, GroupSettling, settle_all
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.tables import LossKind
from capmix.kernels.waterfall import waterfall
from numpy.testing import assert_allclose

from ..samples import NUMBA, every_process, random_loss

PERIODS, COUNT, SEED = 6, 1003, 5


@cache
def group():
    """A parent over a gated company over another; amounts: a claim and the systems of each, all of them moving."""
    rng = np.random.default_rng(12)
    drivers = every_process().drivers
    rows = (3 + 1 + 1 + 6) * PERIODS
    wide = random_loss(rng, drivers, rows, LossKind.WORST, entries=300)
    factors = np.where(wide.terms.factors >= 0, wide.terms.factors % (drivers * PERIODS), -1)
    terms = type(wide.terms)(rows, factors.astype(np.int32), wide.terms.atom, wide.terms.start)
    flows = type(wide)(LossKind.WORST, terms, np.zeros(rows))
    exposure = 0.3 * np.random.default_rng(0).standard_normal(terms.entries)
    none = np.zeros(PERIODS)
    companies = Companies(
        opening=np.array([0.4, 0.3, 0.5]),
        owner=np.array([-1, 0, 1], np.int32),
        up=np.array([none, none + 0.1, none + 0.15]),
        down=np.array([none, none + 0.02, none]),
        keep=np.array([none, none + 0.05, none + 0.2]),
        gated=np.array([False, True, False]),
    )
    steps = [
        (5, [4], -1), (5, [], 4), (4, [4, 9], -1), (4, [], 2), (3, [2], -1), (3, [], 2), (2, [2, 8], -1), (2, [], 0),
        (1, [0], -1), (1, [], 0), (0, [0, 1, 3, 5, 6], -1), (0, [7], -1),
    ]  # fmt: skip
    balance = random_loss(rng, drivers, PERIODS, LossKind.PEAK, rate_driver=0, opening=0.4)
    return GroupSettling(
        companies=companies, table=balance, line=np.zeros(PERIODS), flows=flows, exposure=exposure,
        fixed=rng.random((6, PERIODS)), moving=np.arange(6), of=np.array([0, 0, 1, 1, 2, 2], np.int32), owed=5,
        last=np.full(PERIODS, 0.3), estate=np.array([0, 2, 4], np.int32), share=np.ones(6),
        amount=np.array([-1, 0, -1, 2, -1, 5], np.int32), factor=np.full(6, -1, np.int32), bearers=0,
        steps=waterfall(10, 6, steps),
    )  # fmt: skip


def numbers(found):
    total, tally = found
    one = tally.tally
    return (
        total,
        one.sums,
        one.owed,
        one.hits,
        one.dates,
        tally.dates,
        tally.withheld,
        tally.missing,
        tally.any_default,
    )


@cache
def numba():
    return numbers(settle_all(NUMBA, NUMBA.simulate(every_process(PERIODS), COUNT, SEED), group()))


def test_a_group_has_the_same_bits(backend):
    found = numbers(settle_all(backend, backend.simulate(every_process(PERIODS), COUNT, SEED), group()))
    for one, other in zip(found, numba(), strict=True):
        if backend.name == "numpy":
            assert_allclose(one, other, rtol=1e-9, atol=1e-9)
        else:
            assert np.array_equal(one, other)
    dates = found[5].sum(axis=1)
    assert ((dates > 0) & (dates < COUNT)).all()


def test_weights_and_rows_are_those_of_the_scenarios(backend):
    store = backend.simulate(every_process(PERIODS), COUNT, SEED)
    rows, rng = np.array([3, 900, 17]), np.random.default_rng(1)
    weights = rng.random(3)
    total, tally = settle_all(backend, store, group(), rows, weights)
    assert_allclose(total, numba()[0][rows], rtol=1e-9, atol=1e-9)
    assert_allclose(tally.tally.sums.sum(), weights @ total, rtol=1e-9)


def test_scenarios_drawn_anew_give_the_same(backend):
    chunked = Chunked(backend)
    store = chunked.simulate(every_process(PERIODS), COUNT, SEED)
    for one, other in zip(numbers(settle_all(chunked, store, group())), numba(), strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-9)
