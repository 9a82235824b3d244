"""The processes: meaning of the parameter slots, rows of parameters from plain numbers, and one exact step of each.

A row holds the parameters of the step *into* its period (row 0 serves the start only). `z` is the driver's shock in
that period, a standard normal, correlated with the other drivers' shocks. The state is what the recursion carries (a
logarithm where that is natural), the shown value is what the store keeps. What each process is stands in `DEFINITIONS`,
at the end. Formulas and sources: docs/mathematics.md.

Slots 0..7 per process (the others are 0):
    DETERMINISTIC    value
    VASICEK          a, b, s, floor               y' = a + b y + s z; shown max(y', floor)
    CIR              a, b, v0, v1                 mean a + b x, variance v0 + v1 x of the next x
    LOG_OU           a, b, s                      y' = a + b y + s z; shown exp(y')
    GEOMETRIC_JUMPS  a, s, n, m, d, exp(-n)       y' = y + a + s z + N m + sqrt(N) d e, N Poisson of mean n
    TWO_REGIME       a0, s0, a1, s1, p01, p10, start regime
    SURVIVAL         h, recovery, sensitivity, quantile of 1 - exp(-h)
    LOGISTIC_SHARE   a, b, s, low, high           y' = a + b y + s z; shown low + (high - low) / (1 + exp(-y'))
    WINDOW           c, o, shut share             open and z < c: shuts; shut and z >= o: opens; shown 1 or the share
    EXCESS           1 / strike                   shown max(x / strike - 1, 0) of the other driver's value in the period
    SHORTFALL        1 / strike                   shown max(1 - x / strike, 0) of the other driver's value in the period
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .draws import SMALLEST, normal_quantile
from .elementary import expm1, exponential, log1p, power
from .tables import FloatArray

SLOTS = 8
MAX_JUMPS = 100.0  # mean number of jumps per period; beyond, exp(-n) loses its meaning as a first probability
RATIO_LOW, RATIO_HIGH = 1e-3, 1e3  # kept range of level / start in a survival's hazard

BoolArray = NDArray[np.bool_]


class Process(IntEnum):
    """Kind of a driver's process; the numbers are shared with the CUDA sources."""

    DETERMINISTIC = 0
    VASICEK = 1
    CIR = 2
    LOG_OU = 3
    GEOMETRIC_JUMPS = 4
    TWO_REGIME = 5
    SURVIVAL = 6
    LOGISTIC_SHARE = 7
    WINDOW = 8
    EXCESS = 9
    SHORTFALL = 10


def _row(*slots: ArrayLike) -> FloatArray:
    columns = np.broadcast_arrays(*(np.asarray(s, dtype=np.float64) for s in slots))
    out = np.zeros((*columns[0].shape, SLOTS))
    for i, column in enumerate(columns):
        out[..., i] = column
    return out


def _need(name: str, value: ArrayLike, low: float = -np.inf, high: float = np.inf, above: bool = False) -> FloatArray:
    """`value` as an array. ValueError unless finite and within low (excluded if `above`) .. high."""
    x = np.asarray(value, dtype=np.float64)
    low_ok = x > low if above else x >= low
    if not (np.isfinite(x) & low_ok & (x <= high)).all():
        bound = f"above {low:g}" if above else f"at least {low:g}"
        raise ValueError(f"{name} must be finite, {bound} and at most {high:g}; got {x}")
    return x


def _reversion(reversion: ArrayLike, volatility: ArrayLike, dt: float) -> tuple[FloatArray, FloatArray]:
    """Weight of the old value and standard deviation over one period of a Gaussian mean reversion."""
    k = _need("reversion", reversion, 0.0, above=True) * _need("dt", dt, 0.0, above=True)
    sigma = _need("volatility", volatility, 0.0)
    return np.exp(-k), sigma * np.sqrt(-np.expm1(-2.0 * k) / (2.0 * k) * dt)


def deterministic_row(value: ArrayLike) -> FloatArray:
    """(..., 8) row of a known value."""
    return _row(_need("value", value))


def vasicek_row(
    mean: ArrayLike, reversion: ArrayLike, volatility: ArrayLike, floor: float | None, dt: float
) -> FloatArray:
    """(..., 8) row of dx = reversion (mean - x) dt + volatility dW; `floor` bounds the value shown, not the path.

    As in all row functions: arguments broadcast, e.g. (T,) means give (T, 8); ValueError if one is outside its range.
    """
    b, s = _reversion(reversion, volatility, dt)
    lowest = -np.inf if floor is None else _need("floor", floor)
    return _row(_need("mean", mean) * (1.0 - b), b, s, lowest)


def cir_row(mean: ArrayLike, reversion: ArrayLike, volatility: ArrayLike, dt: float) -> FloatArray:
    """(..., 8) row of dx = reversion (mean - x) dt + volatility sqrt(x) dW."""
    m = _need("mean", mean, 0.0, above=True)
    k = _need("reversion", reversion, 0.0, above=True)
    sigma2 = _need("volatility", volatility, 0.0) ** 2
    b = np.exp(-k * _need("dt", dt, 0.0, above=True))
    left = -np.expm1(-k * dt)
    return _row(m * left, b, m * sigma2 / (2.0 * k) * left**2, sigma2 / k * b * left)


def log_ou_row(mean: ArrayLike, reversion: ArrayLike, volatility: ArrayLike, dt: float) -> FloatArray:
    """(..., 8) row of d ln x = reversion (ln mean - ln x) dt + volatility dW."""
    b, s = _reversion(reversion, volatility, dt)
    return _row(np.log(_need("mean", mean, 0.0, above=True)) * (1.0 - b), b, s)


def geometric_row(
    drift: ArrayLike,
    volatility: ArrayLike,
    jump_rate: ArrayLike,
    jump_mean: ArrayLike,
    jump_volatility: ArrayLike,
    dt: float,
) -> FloatArray:
    """(..., 8) row of geometric Brownian motion with jumps; `drift` is the growth of the mean, jumps included."""
    sigma = _need("volatility", volatility, 0.0)
    m = _need("jump_mean", jump_mean)
    d = _need("jump_volatility", jump_volatility, 0.0)
    n = _need("jump_rate", jump_rate, 0.0) * _need("dt", dt, 0.0, above=True)
    _need("jump_rate * dt", n, 0.0, MAX_JUMPS)
    a = (_need("drift", drift) - 0.5 * sigma**2) * dt - n * np.expm1(m + 0.5 * d**2)
    return _row(a, sigma * np.sqrt(dt), n, m, d, np.exp(-n))


def regime_row(drift: ArrayLike, volatility: ArrayLike, switch: ArrayLike, start_regime: int, dt: float) -> FloatArray:
    """(8,) row of two regimes. drift, volatility, switch: (2,) of state 0 and 1; switch is the rate of leaving it."""
    mu, sigma = _need("drift", drift), _need("volatility", volatility, 0.0)
    q = _need("switch", switch, 0.0)
    if mu.shape != (2,) or sigma.shape != (2,) or q.shape != (2,) or start_regime not in (0, 1):
        raise ValueError("drift, volatility and switch have two entries each; start_regime is 0 or 1")
    _need("dt", dt, 0.0, above=True)
    total = q.sum()
    moved = -np.expm1(-total * dt) / total if total > 0.0 else 0.0
    a, s = (mu - 0.5 * sigma**2) * dt, sigma * np.sqrt(dt)
    return _row(a[0], s[0], a[1], s[1], q[0] * moved, q[1] * moved, start_regime)


def survival_row(hazard: ArrayLike, recovery: ArrayLike, sensitivity: ArrayLike, dt: float) -> FloatArray:
    """(..., 8) row of a default intensity `hazard` per year and the value after default."""
    h = _need("hazard", hazard, 0.0) * _need("dt", dt, 0.0, above=True)
    limit = normal_quantile(-np.expm1(-h)).reshape(np.shape(h))
    return _row(h, _need("recovery", recovery), _need("sensitivity", sensitivity, 0.0, 20.0), limit)


def logistic_row(
    mean: ArrayLike, reversion: ArrayLike, volatility: ArrayLike, low: float, high: float, dt: float
) -> FloatArray:
    """(..., 8) row of a share between low and high whose logit reverts to that of `mean`."""
    b, s = _reversion(reversion, volatility, dt)
    share = (_need("mean", mean) - _need("low", low)) / (_need("high", high, low, above=True) - low)
    if not ((share > 0.0) & (share < 1.0)).all():
        raise ValueError(
            f"mean must lie strictly between low {low:g} and high {high:g}; got shares {share} of that range"
        )
    return _row(np.log(share / (1.0 - share)) * (1.0 - b), b, s, low, high)


def window_row(closing: ArrayLike, reopening: ArrayLike, shut_share: ArrayLike, dt: float) -> FloatArray:
    """(..., 8) row of a market that shuts at the intensity `closing` and opens again at `reopening`, both per year."""
    step = _need("dt", dt, 0.0, above=True)
    c, r = _need("closing", closing, 0.0) * step, _need("reopening", reopening, 0.0) * step
    shuts = normal_quantile(-np.expm1(-c)).reshape(np.shape(c))
    opens = -normal_quantile(-np.expm1(-r)).reshape(np.shape(r))
    return _row(shuts, opens, _need("shut_share", shut_share, 0.0, 1.0))


def strike_row(strike: ArrayLike) -> FloatArray:
    """(..., 8) row of what another driver stands above or below a strike: a call's or a put's payoff per strike."""
    return _row(1.0 / _need("strike", strike, 0.0, above=True))


def initial_state(kind: int, row: FloatArray, start: float) -> float:
    """State in period 0 of a driver that shows `start`."""
    return float(DEFINITIONS[Process(kind)].state(row, start))


def initial_level(kind: int, row: FloatArray, start: float) -> float:
    """Value shown in period 0: the start as given, or the floor above it."""
    return max(start, float(row[3])) if kind == Process.VASICEK else float(start)


def gaussian_step(row: FloatArray, state: FloatArray, z: FloatArray) -> FloatArray:
    """VASICEK, LOG_OU, LOGISTIC_SHARE: exact step of a Gaussian mean reversion."""
    return np.asarray(row[0] + row[1] * state + row[2] * z)


def cir_step(row: FloatArray, state: FloatArray, z: FloatArray) -> FloatArray:
    """Lognormal with the exact conditional mean and variance of the square-root process."""
    mean = row[0] + row[1] * state
    width2 = log1p((row[2] + row[3] * state) / (mean * mean))
    return np.asarray(mean * exponential(np.sqrt(width2) * z - 0.5 * width2))


def poisson(u: FloatArray, mean: float, none: float) -> FloatArray:
    """Number of events by inversion of one uniform; `none` = exp(-mean).

    Stops where the next probability no longer changes the sum, so that rounding cannot make it run on.
    """
    count = np.zeros_like(u)
    probability = np.full_like(u, none)
    below = probability.copy()
    while (running := u > below).any():
        count[running] += 1.0
        probability[running] *= mean / count[running]
        raised = below + probability
        ended = (raised == below) & (count > mean)
        below = np.where(running, np.where(ended, np.inf, raised), below)
    return count


def jump_step(row: FloatArray, state: FloatArray, z: FloatArray, u: FloatArray, size: FloatArray) -> FloatArray:
    """GEOMETRIC_JUMPS: u tells the number of jumps, the normal `size` the sum of their log-sizes."""
    moved = state + row[0] + row[1] * z
    if row[2] == 0.0:
        return np.asarray(moved)
    jumps = poisson(u, row[2], row[5])
    return np.asarray(np.where(jumps > 0.0, moved + (jumps * row[3] + np.sqrt(jumps) * row[4] * size), moved))


def regime_step(
    row: FloatArray, state: FloatArray, second: BoolArray, z: FloatArray, u: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """TWO_REGIME: the regime moves first (`second`: in state 1), then the value by the new regime's drift."""
    regime = np.where(second, u >= row[5], u < row[4])
    return np.asarray(state + np.where(regime, row[2], row[0]) + np.where(regime, row[3], row[1]) * z), regime


def survival_step(row: FloatArray, state: FloatArray, z: FloatArray, ratio: FloatArray | None) -> FloatArray:
    """SURVIVAL: default if z is below the quantile of 1 - exp(-h ratio^-sensitivity).

    ratio: level of the driver that it depends on at the start of the period, over that driver's value in period 0.
    """
    if ratio is None or row[2] == 0.0:
        return np.where(z < row[3], 0.0, state)
    hazard = row[0] * power(np.clip(ratio, RATIO_LOW, RATIO_HIGH), -row[2])
    return np.where(z < normal_quantile(-expm1(-hazard)), 0.0, state)


def window_step(row: FloatArray, state: FloatArray, z: FloatArray) -> FloatArray:
    """WINDOW: a low shock shuts what is open, a high one opens what is shut; z is the market's own news."""
    return np.where(state > 0.5, np.where(z < row[0], 0.0, 1.0), np.where(z >= row[1], 1.0, 0.0))


@dataclass(frozen=True)
class Seen:
    """What a step may look at, of all lanes (n,).

    z: the shock. uniform, size: a uniform and a normal more, drawn where asked for. second: whether in state 1.
    ratio: level of the driver it depends on before this period's step, over that driver's start; None without one.
    """

    z: FloatArray
    uniform: Callable[[], FloatArray]
    size: Callable[[], FloatArray]
    second: BoolArray
    ratio: FloatArray | None


Step = Callable[[FloatArray, FloatArray, Seen], tuple[FloatArray, BoolArray]]
Faults = Iterable[tuple[bool, str]]
"""What must be true of a table, and what to say if it is not."""


def _plain(step: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]) -> Step:
    """Of a step that needs the shock only."""
    return lambda row, state, seen: (step(row, state, seen.z), seen.second)


def _logit(row: FloatArray, start: float) -> float:
    share = (start - row[3]) / (row[4] - row[3])
    return float(np.log(share / (1.0 - share)))


def _positive(_: FloatArray, start: float) -> Faults:
    yield start >= SMALLEST, f"start must be positive; got {start}"


def _cir_checks(rows: FloatArray, start: float) -> Faults:
    yield from _positive(rows, start)
    yield bool((rows[:, 0] > 0.0).all() and (rows[:, 1:4] >= 0.0).all()), "slots 0..3 must not be negative"


def _jump_checks(rows: FloatArray, start: float) -> Faults:
    yield from _positive(rows, start)
    within = (rows[:, 2] >= 0.0) & (rows[:, 2] <= MAX_JUMPS)
    yield bool(within.all()), f"jumps per period lie in 0..{MAX_JUMPS:g}"


def _regime_checks(rows: FloatArray, start: float) -> Faults:
    yield from _positive(rows, start)
    within = (rows[:, 4:6] >= 0.0) & (rows[:, 4:6] <= 1.0)
    yield bool(within.all()), "transition probabilities lie in 0..1"


def _survival_checks(rows: FloatArray, start: float) -> Faults:
    yield start == 1.0, f"start must be 1, alive; got {start}"
    yield bool((rows[:, 0] >= 0.0).all()), "hazards must not be negative"


def _share_checks(rows: FloatArray, start: float) -> Faults:
    yield bool((rows[:, 3] < rows[:, 4]).all()), "low must be below high"
    yield rows[0, 3] < start < rows[0, 4], f"start must lie strictly between low and high; got {start}"


def _strike_checks(rows: FloatArray, _: float) -> Faults:
    yield bool((rows[:, 0] > 0.0).all()), "strikes must be positive"


@dataclass(frozen=True)
class Definition:
    """A process as the kernels know it.

    Attributes:
        row: parameters of a case -> rows of slots. timed: whether the length of a period is its last argument.
        step: (row, state, what is seen) -> next state and regime; None of what has no state of its own.
        shown: (row, state) -> value that the store keeps; of a driver that shows another: (row, that one's level).
        shock: it has a shock of its own. uniform: it draws a second uniform. shows: it shows another driver.
        state: (row, start) -> state in period 0.
        infinite: slots that may be infinite, and with which signs.
        checks: (rows, start) -> what must be true of them.
    """

    row: Callable[..., FloatArray]
    step: Step | None
    shown: Callable[[FloatArray, FloatArray], FloatArray] = lambda _, state: state
    timed: bool = True
    shock: bool = True
    uniform: bool = False
    shows: bool = False
    state: Callable[[FloatArray, float], float] = lambda _, start: float(start)
    infinite: tuple[tuple[int, tuple[float, ...]], ...] = ()
    checks: Callable[[FloatArray, float], Faults] = lambda _rows, _start: ()


_ANY = (-np.inf, np.inf)
_exponential, _logarithm = (lambda _, state: exponential(state)), (lambda _, start: float(np.log(start)))

DEFINITIONS: dict[Process, Definition] = {
    Process.DETERMINISTIC: Definition(
        deterministic_row, lambda row, state, seen: (np.full_like(state, row[0]), seen.second), timed=False, shock=False
    ),
    Process.VASICEK: Definition(
        vasicek_row, _plain(gaussian_step), lambda row, y: np.asarray(np.maximum(y, row[3])),
        infinite=((3, (-np.inf,)),),
    ),
    Process.CIR: Definition(cir_row, _plain(cir_step), checks=_cir_checks),
    Process.LOG_OU: Definition(log_ou_row, _plain(gaussian_step), _exponential, state=_logarithm, checks=_positive),
    Process.GEOMETRIC_JUMPS: Definition(
        geometric_row,
        lambda row, x, seen: (jump_step(row, x, seen.z, seen.uniform(), seen.size()), seen.second), _exponential,
        uniform=True, state=_logarithm, checks=_jump_checks,
    ),
    Process.TWO_REGIME: Definition(
        regime_row, lambda row, x, seen: regime_step(row, x, seen.second, seen.z, seen.uniform()), _exponential,
        uniform=True, state=_logarithm, checks=_regime_checks,
    ),
    Process.SURVIVAL: Definition(
        survival_row, lambda row, alive, seen: (survival_step(row, alive, seen.z, seen.ratio), seen.second),
        lambda row, alive: np.where(alive > 0.5, 1.0, row[1]), infinite=((3, _ANY),),
        checks=_survival_checks,
    ),
    Process.LOGISTIC_SHARE: Definition(
        logistic_row, _plain(gaussian_step),
        lambda row, y: np.asarray(row[3] + (row[4] - row[3]) / (1.0 + exponential(-y))), state=_logit,
        checks=_share_checks,
    ),
    Process.WINDOW: Definition(
        window_row, _plain(window_step), lambda row, open_: np.where(open_ > 0.5, 1.0, row[2]),
        infinite=((0, _ANY), (1, _ANY)),
        checks=lambda _, start: [(start == 1.0, f"start must be 1, open; got {start}")],
    ),
    Process.EXCESS: Definition(
        strike_row, None, lambda row, x: np.asarray(np.maximum(x * row[0] - 1.0, 0.0)), timed=False, shock=False,
        shows=True, checks=_strike_checks,
    ),
    Process.SHORTFALL: Definition(
        strike_row, None, lambda row, x: np.asarray(np.maximum(1.0 - x * row[0], 0.0)), timed=False, shock=False,
        shows=True, checks=_strike_checks,
    ),
}  # fmt: skip
"""Every process. Its twins: one line of `cpu/drivers.py`, one branch of `cuda/processes.cuh`."""

DRAWING = tuple(p for p, definition in DEFINITIONS.items() if definition.uniform)
"""Processes that draw a second uniform."""
SHOWING = tuple(p for p, definition in DEFINITIONS.items() if definition.shows)
"""Processes that show another driver's value in the same period."""
