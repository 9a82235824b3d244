"""Drivers: the random quantities, one dataclass per process, and the price columns made of them.

A driver has the value `start` in period 0 and is random from period 1 on. Its shock in a period is one
standard normal, correlated with the other drivers' shocks through `[correlation]`. The mathematics and
sources of each process stand in docs/mathematics.md. What a process is stands once, in its `ProcessSpec`; its row of
parameters and its step are those of the kernels' definition of the same name (`kernels/drivers.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
class Shown(DriverBase):
    """A driver without a shock of its own: it shows another one's value in the same period."""

    depends_on: str = f.ref("the driver, no survival, no excess and no shortfall", "driver")
    strike: float = f.number("level at which it begins to pay", "unit of that driver", gt=0)


@dataclass(frozen=True, kw_only=True)
class Excess(Shown):
    """What another driver stands above a strike: max(its value / strike - 1, 0), in the same period.

    The payoff of a call per unit of strike: with a share price, what a convertible's holder gets above its face value.
    """


@dataclass(frozen=True, kw_only=True)
class Shortfall(Shown):
    """What another driver stands below a strike: max(1 - its value / strike, 0), in the same period.

    The payoff of a put per unit of strike: with a price, what a minimum price or a residual value guarantee pays.
    """


@dataclass(frozen=True, kw_only=True)
class Deterministic(DriverBase):
    """A known path."""

    path: tuple[float, ...] = f.series("value per period", _VALUE)


Driver = (
    Vasicek
    | CIR
    | LogOU
    | GeometricJumps
    | TwoRegime
    | Survival
    | LogisticShare
    | Window
    | Excess
    | Shortfall
    | Deterministic
)

Terms = Callable[[str], Any]
"""A driver's fields by name: of a dataclass, or of an entry that is still being read."""

_SIGMAS = 4.5
"""Below its mean by so many deviations, a Gaussian rate is taken not to come: once in 300,000 draws."""


def _start(d: Terms) -> float:
    return float(d("start"))


def _never_below_zero(_d: Terms, _periods: int, _dt: float) -> float:
    return 0.0


@dataclass(frozen=True)
class ProcessSpec:
    """All that a case's floor knows of a process; every list of processes is made of these.

    Attributes:
        schema: its dataclass, whose docstring and fields make the case reference.
        parameters: fields that its row of parameters is made of, in the order of the kernels' row function.
        level: (terms, period, dt) -> its path without shocks: the mean, of a logarithm the median. None of a driver
            that shows another.
        first: value in period 0.
        least: (terms, periods, dt) -> a level that it is taken not to fall below.
        bounds: what it is never below and never above; None unless it can serve as a share.
        mean: (terms, periods, dt) -> its mean path, where it has bounds and no more than two values or is known.
        peak: (terms) -> the greatest of its means, where it has bounds and any value between them.
        shows: of another driver's value and the strike, what it shows in the same period; it has no shock.
    """

    schema: type
    parameters: tuple[str, ...]
    level: Callable[[Terms, int, float], float] | None = None
    first: Callable[[Terms], float] = _start
    least: Callable[[Terms, int, float], float] = _never_below_zero
    bounds: Callable[[Terms], tuple[float, float]] | None = None
    mean: Callable[[Terms, int, float], Sequence[float]] | None = None
    peak: Callable[[Terms], float] | None = None
    shows: Callable[[float, float], float] | None = None

    @property
    def random(self) -> bool:
        """Whether it has a shock of its own."""
        return self.shows is None and self.schema is not Deterministic


def _reverted(start: float, mean: Sequence[float], pull: float, last: int) -> float:
    level = start
    for t in range(1, last + 1):
        level = float(mean[t] + (level - mean[t]) * math.exp(-pull))
    return level


def _vasicek_level(d: Terms, t: int, dt: float) -> float:
    level = _reverted(d("start"), d("mean"), d("reversion") * dt, t)
    return level if d("floor") is None else max(level, d("floor"))


def _vasicek_least(d: Terms, periods: int, dt: float) -> float:
    years = (periods - 1) * dt
    variance = -math.expm1(-2.0 * d("reversion") * years) / (2.0 * d("reversion"))
    lowest = float(min(d("start"), *d("mean")) - _SIGMAS * max(d("volatility")) * math.sqrt(variance))
    return lowest if d("floor") is None else max(lowest, d("floor"))


def _cir_level(d: Terms, t: int, dt: float) -> float:
    return _reverted(d("start"), d("mean"), d("reversion") * dt, t)


def _log_ou_level(d: Terms, t: int, dt: float) -> float:
    import numpy as np  # its logarithm, to the bit

    return math.exp(_reverted(math.log(d("start")), np.log(d("mean")).tolist(), d("reversion") * dt, t))


def _geometric_level(d: Terms, t: int, dt: float) -> float:
    import numpy as np  # its order of summing, to the bit

    return float(d("start") * math.exp(float(np.sum(d("drift")[1 : t + 1])) * dt))


def _regime_level(d: Terms, t: int, dt: float) -> float:
    return float(d("start") * math.exp(d("drift")[d("start_regime")] * t * dt))


def _stands(d: Terms, _t: int, _dt: float) -> float:
    return float(d("start"))


def _one(_d: Terms, _t: int = 0, _dt: float = 0.0) -> float:
    return 1.0


def _survival_mean(d: Terms, _: int, dt: float) -> Sequence[float]:
    import numpy as np

    hazard = np.concatenate([[0.0], np.asarray(d("hazard"))[1:]])
    alive: list[float] = (d("recovery") + (1.0 - d("recovery")) * np.exp(-np.cumsum(hazard) * dt)).tolist()
    return alive


def _window_mean(d: Terms, periods: int, dt: float) -> Sequence[float]:
    open_, path = 1.0, []
    for t in range(periods):
        if t:
            shuts = -math.expm1(-d("closing")[t] * dt)
            opens = -math.expm1(-d("reopening")[t] * dt)
            open_ = open_ * (1.0 - shuts) + (1.0 - open_) * opens
        path.append(d("shut_share") + (1.0 - d("shut_share")) * open_)
    return path


PROCESS_SPECS: dict[str, ProcessSpec] = {
    "vasicek": ProcessSpec(
        Vasicek, ("mean", "reversion", "volatility", "floor"), level=_vasicek_level, least=_vasicek_least
    ),
    "cir": ProcessSpec(CIR, ("mean", "reversion", "volatility"), level=_cir_level),
    "log_ou": ProcessSpec(LogOU, ("mean", "reversion", "volatility"), level=_log_ou_level),
    "geometric_jumps": ProcessSpec(
        GeometricJumps, ("drift", "volatility", "jump_rate", "jump_mean", "jump_volatility"), level=_geometric_level
    ),
    "two_regime": ProcessSpec(TwoRegime, ("drift", "volatility", "switch", "start_regime"), level=_regime_level),
    "survival": ProcessSpec(
        Survival, ("hazard", "recovery", "sensitivity"), level=_one, first=_one,
        bounds=lambda d: (d("recovery"), 1.0), mean=_survival_mean,
    ),
    "logistic_share": ProcessSpec(
        LogisticShare, ("mean", "reversion", "volatility", "low", "high"), level=_stands,
        bounds=lambda d: (d("low"), d("high")), peak=lambda d: max(d("start"), *d("mean")),
        mean=lambda d, _periods, _dt: [max(d("start"), m) for m in d("mean")],
    ),
    "window": ProcessSpec(
        Window, ("closing", "reopening", "shut_share"), level=_one, first=_one,
        bounds=lambda d: (d("shut_share"), 1.0), mean=_window_mean,
    ),
    "excess": ProcessSpec(Excess, ("strike",), shows=lambda x, strike: max(x / strike - 1.0, 0.0)),
    "shortfall": ProcessSpec(Shortfall, ("strike",), shows=lambda x, strike: max(1.0 - x / strike, 0.0)),
    "deterministic": ProcessSpec(
        Deterministic, ("path",), level=lambda d, t, _: d("path")[t], first=lambda d: float(d("path")[0]),
        least=lambda d, _periods, _dt: min(d("path")), bounds=lambda d: (min(d("path")), max(d("path"))),
        mean=lambda d, _periods, _dt: d("path"),
    ),
}  # fmt: skip
"""Every process, under the word that a case names it by; in capitals its name in the kernels."""

PROCESSES: dict[str, type] = {name: spec.schema for name, spec in PROCESS_SPECS.items()}

_BY_SCHEMA = {spec.schema: spec for spec in PROCESS_SPECS.values()}


def process_of(schema: type) -> ProcessSpec:
    """The process whose dataclass this is."""
    return _BY_SCHEMA[schema]


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
