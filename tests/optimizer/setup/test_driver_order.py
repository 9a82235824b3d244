"""A driver's draws follow from its name: others may be added, removed and moved without changing a bit of a plan."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Correlation, Deterministic, Driver, LogOU
from capmix.optimizer.run import optimize
from capmix.optimizer.setup.assemble import process_table
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import correlation_factor, counter_words, driver_order

from ..cases import every_loss, starter

COUNT = 700
PERIODS = starter().horizon.periods


def flat(name: str) -> Deterministic:
    return Deterministic(id=name, process="deterministic", path=(1.0,) * PERIODS)


def moving(name: str) -> LogOU:
    mean, volatility = (1.0,) * PERIODS, (0.2,) * PERIODS
    return LogOU(id=name, process="log_ou", start=1.0, mean=mean, reversion=0.4, volatility=volatility)


def drawn(case: Case, sample: int = 0) -> dict[str, np.ndarray]:
    """Driver to its (scenarios, periods) values."""
    backend = choose("cpu")
    store = backend.simulate(process_table(case), COUNT, 5, sample)
    values = backend.values(store, np.arange(COUNT))
    return dict(zip(driver_order(case), np.moveaxis(values, 1, 0), strict=True))


def with_drivers(case: Case, drivers: tuple[Driver, ...]) -> Case:
    return replace(case, driver=drivers)


CHANGES = {
    "first": lambda d: (moving("aaa"), *d),
    "last": lambda d: (*d, moving("zzz")),
    "in the middle, several": lambda d: (*d[:2], moving("m1"), flat("m0"), *d[2:], moving("a1")),
    "reversed": lambda d: d[::-1],
    "reversed, with one more": lambda d: (*d[::-1], moving("n")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_unused_drivers_and_order_leave_every_draw(change) -> None:
    case = every_loss()
    changed = with_drivers(case, change(case.driver))
    for sample in (0, 1):
        before, after = drawn(case, sample), drawn(changed, sample)
        for driver in case.driver:
            assert np.array_equal(before[driver.id], after[driver.id]), driver.id


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_unused_drivers_and_order_leave_the_plan(change) -> None:
    case = every_loss()
    one = optimize(case, scenarios=COUNT, seed=3, device="cpu")
    two = optimize(with_drivers(case, change(case.driver)), scenarios=COUNT, seed=3, device="cpu")
    assert one.objective_value == two.objective_value
    assert one.certificate == two.certificate
    assert one.decisions == two.decisions
    assert [(r.value, r.out_of_sample) for r in one.risk] == [(r.value, r.out_of_sample) for r in two.risk]


def test_a_driver_appended_to_the_correlation_leaves_the_others() -> None:
    case = every_loss()
    old = case.correlation
    assert old is not None
    n = len(old.drivers)
    matrix = np.eye(n + 1)
    matrix[:n, :n] = old.matrix
    matrix[n, 0] = matrix[0, n] = 0.4
    wider = Correlation(drivers=(*old.drivers, "aaa"), matrix=tuple(map(tuple, matrix.tolist())))
    before, after = drawn(case), drawn(replace(case, driver=(moving("aaa"), *case.driver), correlation=wider))
    for driver in case.driver:
        assert np.array_equal(before[driver.id], after[driver.id]), driver.id


def test_an_independent_driver_leaves_a_singular_factor() -> None:
    singular = Correlation(drivers=("a", "b", "c"), matrix=((1.0, -1.0, 0.5), (-1.0, 1.0, -0.5), (0.5, -0.5, 1.0)))
    small, large = correlation_factor(("a", "b", "c"), singular), correlation_factor(("a", "b", "c", "d"), singular)
    assert np.array_equal(large[:3, :3], small)
    assert np.array_equal(large[3], [0.0, 0.0, 0.0, 1.0])


def test_words_are_the_first_64_bits_of_a_hash_of_the_name() -> None:
    names = ("sofr", "rental", "Straße")
    expected = [int(hashlib.blake2b(n.encode("utf-8"), digest_size=8).hexdigest()[:16], 16) for n in names]
    swapped = [int.from_bytes(e.to_bytes(8, "big"), "little") for e in expected]
    assert counter_words(names).tolist() == swapped
    assert np.array_equal(process_table(starter()).word, counter_words(driver_order(starter())))
