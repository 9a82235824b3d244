"""Where drivers are looked for in the last period: the levels at which what lies beyond the horizon is discounted."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ..schema.case import Case
from ..schema.drivers import Deterministic, Driver, Excess, GeometricJumps, Shown, process_of

_TERMS = 60
"""Numbers of jumps that Merton's series counts."""


def reference(case: Case, name: str | None) -> float:
    """Level of a driver that stands for its value in the last period; 0 without a driver.

    The mean of what is Gaussian or a square root, the median of a log-normal reversion, the mean growth of a price.
    """
    if name is None:
        return 0.0
    return _level(case, next(d for d in case.driver if d.id == name))


def start_level(case: Case, name: str) -> float:
    """Level of a driver in period 0."""
    driver = next(d for d in case.driver if d.id == name)
    spec = process_of(type(driver))
    if isinstance(driver, Shown) and spec.shows is not None:
        return spec.shows(start_level(case, driver.depends_on), driver.strike)
    return spec.first(partial(getattr, driver))


def riskless(case: Case) -> float:
    """Money-market rate looked for in the last period, a year, never below 0; 0 where the case has none.

    What is certain to be due is discounted at it: a company's own, higher rate would make its rents count for less.
    """
    return max(reference(case, case.cash.rate_driver), 0.0)


def _level(case: Case, driver: Driver) -> float:
    spec = process_of(type(driver))
    if isinstance(driver, Shown) and spec.shows is not None:
        return spec.shows(reference(case, driver.depends_on), driver.strike)
    assert spec.level is not None
    return spec.level(partial(getattr, driver), case.horizon.periods - 1, case.horizon.dt)


def expected_excess(case: Case, name: str) -> float:
    """Mean of an excess driver in the last period, or 0, a lower bound, where its driver's law has no closed form.

    R. C. Merton, Option pricing when underlying stock returns are discontinuous, J. Financial Economics 3, 1976: a
    Poisson mixture of the undiscounted call values of F. Black, The pricing of commodity contracts, 1976.
    """
    driver = next(d for d in case.driver if d.id == name)
    if not isinstance(driver, Excess):
        return 0.0
    under = next(d for d in case.driver if d.id == driver.depends_on)
    if isinstance(under, Deterministic):
        return _level(case, driver)
    if not isinstance(under, GeometricJumps):
        return 0.0
    dt, last = case.horizon.dt, case.horizon.periods - 1
    years, mean = last * dt, _level(case, under)
    variance = float(np.sum(np.square(under.volatility[1 : last + 1]))) * dt
    size = math.expm1(under.jump_mean + 0.5 * under.jump_volatility**2)
    jumps = under.jump_rate * years
    total, weight = 0.0, math.exp(-jumps)
    for n in range(_TERMS):
        # The drift is that of the mean, so what the jumps bring on average is taken off the path between them.
        forward = mean * math.exp(-jumps * size) * math.exp(n * (under.jump_mean + 0.5 * under.jump_volatility**2))
        total += weight * _call(forward, driver.strike, variance + n * under.jump_volatility**2)
        weight *= jumps / (n + 1)
    return total / driver.strike


def _call(forward: float, strike: float, variance: float) -> float:
    if variance <= 0.0:
        return max(forward - strike, 0.0)
    deviation = math.sqrt(variance)
    d = math.log(forward / strike) / deviation + 0.5 * deviation
    return forward * _normal(d) - strike * _normal(d - deviation)


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
