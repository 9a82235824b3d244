"""Where drivers are looked for in the last period: the levels at which what lies behind the horizon is discounted."""

from __future__ import annotations

import math

import numpy as np

from ..schema.case import Case
from ..schema.drivers import (
    CIR,
    Deterministic,
    Driver,
    Excess,
    GeometricJumps,
    LogisticShare,
    LogOU,
    TwoRegime,
    Vasicek,
)
from .quantities import FloatArray

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
    if isinstance(driver, Deterministic):
        return driver.path[0]
    if isinstance(driver, Excess):
        return max(start_level(case, driver.depends_on) / driver.strike - 1.0, 0.0)
    return getattr(driver, "start", 1.0)


def riskless(case: Case) -> float:
    """Money-market rate looked for in the last period, a year, never below 0; 0 where the case has none.

    What is certain to be due is discounted at it: a company's own, higher rate would make its rents count for less.
    """
    return max(reference(case, case.cash.rate_driver), 0.0)


def _level(case: Case, driver: Driver) -> float:
    dt, last = case.horizon.dt, case.horizon.periods - 1
    if isinstance(driver, Deterministic):
        return driver.path[last]
    if isinstance(driver, Vasicek | CIR):
        level = _reverted(driver.start, np.asarray(driver.mean), driver.reversion * dt, last)
        floor = driver.floor if isinstance(driver, Vasicek) else None
        return level if floor is None else max(level, floor)
    if isinstance(driver, LogOU):
        return math.exp(_reverted(math.log(driver.start), np.log(driver.mean), driver.reversion * dt, last))
    if isinstance(driver, GeometricJumps):
        return driver.start * math.exp(float(np.sum(driver.drift[1 : last + 1])) * dt)
    if isinstance(driver, TwoRegime):
        return driver.start * math.exp(driver.drift[driver.start_regime] * last * dt)
    if isinstance(driver, Excess):
        return max(reference(case, driver.depends_on) / driver.strike - 1.0, 0.0)
    return driver.start if isinstance(driver, LogisticShare) else 1.0


def _reverted(start: float, mean: FloatArray, pull: float, last: int) -> float:
    level = start
    for t in range(1, last + 1):
        level = float(mean[t] + (level - mean[t]) * math.exp(-pull))
    return level


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
