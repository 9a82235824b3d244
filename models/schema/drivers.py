"""Drivers: the random quantities, one dataclass per process, and the price columns made of them.

A driver has the value `start` in period 0 and is random from period 1 on. Its shock in a period is one
standard normal, correlated with the other drivers' shocks through `[correlation]`. The mathematics and
sources of each process stand in docs/mathematics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .fields import Sourced

_VALUE = "the driver's own unit"


@dataclass(frozen=True, kw_only=True)
class DriverBase(Sourced):
    id: str = f.ident("name of the driver; also the name of the price column it makes on its own")
    title: str = f.text("name in tables", default="")
    process: str = f.text("kind of process")


@dataclass(frozen=True, kw_only=True)
class Vasicek(DriverBase):
    """Gaussian mean reversion: dx = reversion (mean - x) dt + volatility dW."""

    start: float = f.number("value in period 0", _VALUE)
    mean: tuple[float, ...] = f.series("level it reverts to", _VALUE)
    reversion: float = f.number("speed of mean reversion", "per year", gt=0, le=100, usual=u.REVERSION)
    volatility: tuple[float, ...] = f.series("volatility", f"{_VALUE} per square root year", ge=0, le=1e6)
    floor: float | None = f.number("lowest value shown to the plan; none if left out", _VALUE, default=None)


@dataclass(frozen=True, kw_only=True)
class CIR(DriverBase):
    """Square-root mean reversion: dx = reversion (mean - x) dt + volatility sqrt(x) dW; never negative."""

    start: float = f.number("value in period 0", _VALUE, gt=0)
    mean: tuple[float, ...] = f.series("level it reverts to", _VALUE, gt=0)
    reversion: float = f.number("speed of mean reversion", "per year", gt=0, le=100, usual=u.REVERSION)
    volatility: tuple[float, ...] = f.series("volatility", "per square root year", ge=0, le=1e6)


@dataclass(frozen=True, kw_only=True)
class LogOU(DriverBase):
    """Mean reversion of the logarithm: d ln x = reversion (ln mean - ln x) dt + volatility dW."""

    start: float = f.number("value in period 0", _VALUE, gt=0)
    mean: tuple[float, ...] = f.series("level (median) it reverts to", _VALUE, gt=0)
    reversion: float = f.number("speed of mean reversion", "per year", gt=0, le=100, usual=u.REVERSION)
    volatility: tuple[float, ...] = f.series(
        "volatility of the logarithm", "per square root year", ge=0, le=100, usual=u.LOG_VOLATILITY
    )


@dataclass(frozen=True, kw_only=True)
class GeometricJumps(DriverBase):
    """Geometric Brownian motion with Poisson jumps of normal log-size; `drift` is that of the mean."""

    start: float = f.number("value in period 0", _VALUE, gt=0)
    drift: tuple[float, ...] = f.series(
        "growth of the expected value", "per year, continuous", ge=-10, le=10, usual=u.LOG_DRIFT
    )
    volatility: tuple[float, ...] = f.series(
        "volatility of the logarithm", "per square root year", ge=0, le=100, usual=u.LOG_VOLATILITY
    )
    jump_rate: float = f.number("expected jumps", "per year", ge=0, le=12, usual=u.JUMP_RATE, default=0.0)
    jump_mean: float = f.number("mean log-size of a jump", "log", ge=-5, le=5, usual=u.JUMP_MEAN, default=0.0)
    jump_volatility: float = f.number(
        "standard deviation of the log-size", "log", ge=0, le=5, usual=u.JUMP_VOLATILITY, default=0.0
    )


@dataclass(frozen=True, kw_only=True)
class TwoRegime(DriverBase):
    """Geometric Brownian motion whose drift and volatility switch between two states of a Markov chain."""

    start: float = f.number("value in period 0", _VALUE, gt=0)
    drift: tuple[float, ...] = f.numbers(
        "growth of the expected value in state 0 and 1",
        "per year, continuous",
        ge=-10,
        le=10,
        min_items=2,
        max_items=2,
        usual=u.LOG_DRIFT,
    )
    volatility: tuple[float, ...] = f.numbers(
        "volatility of the logarithm in state 0 and 1",
        "per square root year",
        ge=0,
        le=100,
        min_items=2,
        max_items=2,
        usual=u.LOG_VOLATILITY,
    )
    switch: tuple[float, ...] = f.numbers(
        "rate of leaving state 0 and state 1", "per year", ge=0, le=1000, min_items=2, max_items=2, usual=u.SWITCH
    )
    start_regime: int = f.count("state in period 0", "0 or 1", ge=0, le=1, default=0)


@dataclass(frozen=True, kw_only=True)
class Survival(DriverBase):
    """1 while the party lives, `recovery` after its default.

    Default strikes in a period when the driver's shock is low, so a positive correlation with the rental
    price's shock is wrong-way risk. `sensitivity` adds to that: the hazard is multiplied by
    (level of `depends_on` / its start) ** -sensitivity.
    """

    hazard: tuple[float, ...] = f.series("default intensity", "per year", ge=0, le=100, usual=u.HAZARD)
    recovery: float = f.share(
        "value after default, as a share of the promise; of a customer: share of the claim on him, below 1", default=0.0
    )
    depends_on: str | None = f.ref("driver whose level moves the hazard", "driver", default=None)
    sensitivity: float = f.number(
        "elasticity of the hazard to that level", "none", ge=0, le=20, usual=u.SENSITIVITY, default=0.0
    )


@dataclass(frozen=True, kw_only=True)
class LogisticShare(DriverBase):
    """A share between `low` and `high`: low + (high - low) / (1 + exp(-y)), y a Gaussian mean reversion."""

    low: float = f.share("lowest share", default=0.0)
    high: float = f.share("highest share", default=1.0)
    start: float = f.share("share in period 0, strictly between low and high")
    mean: tuple[float, ...] = f.series(
        "share that y's mean stands for, strictly between low and high", "fraction", ge=0, le=1
    )
    reversion: float = f.number("speed of mean reversion of y", "per year", gt=0, le=100, usual=u.REVERSION)
    volatility: tuple[float, ...] = f.series(
        "volatility of y (logit units)", "per square root year", ge=0, le=100, usual=u.LOGIT_VOLATILITY
    )


@dataclass(frozen=True, kw_only=True)
class Window(DriverBase):
    """A market that is open, 1, or shut, `shut_share`; open in period 0.

    It shuts in a period when its shock is low and opens again when it is high, so a negative correlation with a spread's
    shock shuts it when spreads jump. What is agreed while it is shut comes in that share only.
    """

    closing: tuple[float, ...] = f.series(
        "rate at which an open market shuts", "per year", ge=0, le=1000, usual=u.CLOSING
    )
    reopening: tuple[float, ...] = f.series(
        "rate at which a shut market opens again", "per year", ge=0, le=1000, usual=u.REOPENING
    )
    shut_share: float = f.share("value while it is shut", default=0.0)


@dataclass(frozen=True, kw_only=True)
class Excess(DriverBase):
    """What another driver stands above a strike: max(its value / strike - 1, 0), in the same period.

    The payoff of a call per unit of strike: with a share price, what a convertible's holder gets above its face value.
    """

    depends_on: str = f.ref("the driver, no survival and no excess", "driver")
    strike: float = f.number("level from which it pays", "unit of that driver", gt=0)


@dataclass(frozen=True, kw_only=True)
class Deterministic(DriverBase):
    """A known path."""

    path: tuple[float, ...] = f.series("value per period", _VALUE)


Driver = Vasicek | CIR | LogOU | GeometricJumps | TwoRegime | Survival | LogisticShare | Window | Excess | Deterministic

PROCESSES: dict[str, type] = {
    "vasicek": Vasicek,
    "cir": CIR,
    "log_ou": LogOU,
    "geometric_jumps": GeometricJumps,
    "two_regime": TwoRegime,
    "survival": Survival,
    "logistic_share": LogisticShare,
    "window": Window,
    "excess": Excess,
    "deterministic": Deterministic,
}


@dataclass(frozen=True, kw_only=True)
class Correlation(Sourced):
    """Correlations of the drivers' shocks within a period. Drivers left out are independent."""

    drivers: tuple[str, ...] = f.refs("drivers, in the order of the rows", "driver", min_items=1)
    matrix: tuple[tuple[float, ...], ...] = f.matrix(
        "symmetric, positive semidefinite, ones on the diagonal", "correlation", ge=-1, le=1
    )


@dataclass(frozen=True, kw_only=True)
class Column(Sourced):
    """A price column: the product of drivers in one period. Each driver alone is one already; so is `one`."""

    id: str = f.ident("name of the price column")
    drivers: tuple[str, ...] = f.refs("drivers that are multiplied, two or three", "driver", min_items=2)
