"""One step of each process over the lanes of a block, for Numba: the twin of `drivers`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import drivers as dr
from ..draws import Stream
from ..layout import IndexArray
from ..tables import FloatArray
from .draws import normal_quantile, philox, uniform
from .elementary import expm1, exponential, log1p, power
from .jit import inlined

_VASICEK, _CIR, _LOG_OU = int(dr.Process.VASICEK), int(dr.Process.CIR), int(dr.Process.LOG_OU)
_JUMPS, _REGIME, _WINDOW = int(dr.Process.GEOMETRIC_JUMPS), int(dr.Process.TWO_REGIME), int(dr.Process.WINDOW)
_SHARE, _EXCESS, _SHORTFALL = int(dr.Process.LOGISTIC_SHARE), int(dr.Process.EXCESS), int(dr.Process.SHORTFALL)
_JUMP_SIZE = np.uint64(Stream.JUMP_SIZE)
_LOW, _HIGH = dr.RATIO_LOW, dr.RATIO_HIGH
_SCREENED = 1.0  # greater hazards per period are not screened: their quantile is steep
_ROUNDING = 1e-3  # standard deviations; far above what rounding may do to a quantile


@inlined
def gaussian(row: FloatArray, state: FloatArray, z: FloatArray) -> None:
    a, b, s = row[0], row[1], row[2]
    for i in range(state.size):
        state[i] = a + b * state[i] + s * z[i]


@inlined
def vasicek(row: FloatArray, state: FloatArray, z: FloatArray, level: FloatArray) -> None:
    gaussian(row, state, z)
    floor = row[3]
    for i in range(state.size):
        level[i] = max(state[i], floor)


@inlined
def cir(row: FloatArray, state: FloatArray, z: FloatArray, level: FloatArray) -> None:
    for i in range(state.size):
        mean = row[0] + row[1] * state[i]
        width2 = log1p((row[2] + row[3] * state[i]) / (mean * mean))
        state[i] = mean * exponential(np.sqrt(width2) * z[i] - 0.5 * width2)
        level[i] = state[i]


@inlined
def log_ou(row: FloatArray, state: FloatArray, z: FloatArray, level: FloatArray) -> None:
    gaussian(row, state, z)
    for i in range(state.size):
        level[i] = exponential(state[i])


@inlined
def logistic(row: FloatArray, state: FloatArray, z: FloatArray, level: FloatArray) -> None:
    gaussian(row, state, z)
    low, width = row[3], row[4] - row[3]
    for i in range(state.size):
        level[i] = low + width / (1.0 + exponential(-state[i]))


@inlined
def poisson(u: Any, mean: Any, none: Any) -> Any:
    count = 0.0
    probability = none
    below = none
    while u > below:
        count += 1.0
        probability *= mean / count
        raised = below + probability
        if raised == below and count > mean:
            break
        below = raised
    return count


@inlined
def jumps(
    row: FloatArray, state: FloatArray, z: FloatArray, u: FloatArray, level: FloatArray, place: IndexArray,
    numbers: Any, quad: Any, word: Any, driver: Any, seed: Any, sample: Any,
) -> None:  # fmt: skip
    """Sizes are drawn only where a jump happens. place: scratch, one number per lane."""
    count = 0
    for i in range(state.size):
        place[count] = i
        count += u[i] > row[5]
    for i in range(state.size):
        state[i] = state[i] + row[0] + row[1] * z[i]
    for k in range(count):
        i = place[k]
        events = poisson(u[i], row[2], row[5])
        words = philox(numbers[i], quad, driver, _JUMP_SIZE, seed, sample)
        size = normal_quantile(uniform(words[word]))
        state[i] += events * row[3] + np.sqrt(events) * row[4] * size
    for i in range(state.size):
        level[i] = exponential(state[i])


@inlined
def regime(
    row: FloatArray, state: FloatArray, second: FloatArray, z: FloatArray, u: FloatArray, level: FloatArray
) -> None:
    """second: 1.0 in state 1, else 0.0."""
    a0, s0, a1, s1, enter, leave = row[0], row[1], row[2], row[3], row[4], row[5]
    for i in range(state.size):
        stays = 1.0 if u[i] >= leave else 0.0
        comes = 1.0 if u[i] < enter else 0.0
        second[i] = stays if second[i] > 0.5 else comes
    for i in range(state.size):
        drift = a1 if second[i] > 0.5 else a0
        spread = s1 if second[i] > 0.5 else s0
        state[i] = state[i] + drift + spread * z[i]
    for i in range(state.size):
        level[i] = exponential(state[i])


@inlined
def survival(row: FloatArray, state: FloatArray, z: FloatArray, level: FloatArray) -> None:
    for i in range(state.size):
        if z[i] < row[3]:
            state[i] = 0.0
        level[i] = 1.0 if state[i] > 0.5 else row[1]


@inlined
def survival_wrong_way(
    row: FloatArray, state: FloatArray, z: FloatArray, other: FloatArray, start: Any, level: FloatArray,
    place: IndexArray, limit: FloatArray,
) -> None:  # fmt: skip
    """other: level of the driver it depends on at the start of the period, before that driver's own step.

    The greatest hazard of all lanes bounds their limits: only a lane with a shock below that bound needs its own.
    place, limit: scratch, one number per lane.
    """
    least = _HIGH
    for i in range(state.size):
        limit[i] = min(max(other[i] / start, _LOW), _HIGH)
        least = min(least, limit[i])
    greatest = row[0] * power(least, -row[2])
    bound = np.inf
    if greatest < _SCREENED:
        bound = normal_quantile(-expm1(-greatest)) + _ROUNDING
    count = 0
    for i in range(state.size):
        place[count] = i
        count += z[i] < bound
    for k in range(count):
        limit[k] = -expm1(-(row[0] * power(limit[place[k]], -row[2])))  # place[k] >= k: nothing is lost
    for k in range(count):
        i = place[k]
        if z[i] < normal_quantile(limit[k]):
            state[i] = 0.0
    for i in range(state.size):
        level[i] = 1.0 if state[i] > 0.5 else row[1]


@inlined
def window(row: FloatArray, state: FloatArray, z: FloatArray, level: FloatArray) -> None:
    for i in range(state.size):
        if state[i] > 0.5:
            state[i] = 0.0 if z[i] < row[0] else 1.0
        else:
            state[i] = 1.0 if z[i] >= row[1] else 0.0
        level[i] = 1.0 if state[i] > 0.5 else row[2]


@inlined
def draws_uniform(kind: Any) -> Any:
    return kind in (_JUMPS, _REGIME)


@inlined
def shows(kind: Any) -> Any:
    return kind in (_EXCESS, _SHORTFALL)


@inlined
def show(kind: Any, row: FloatArray, other: FloatArray, level: FloatArray) -> None:
    """other: level of the driver it depends on, after that driver's own step."""
    if kind == _EXCESS:
        for i in range(level.size):
            level[i] = max(other[i] * row[0] - 1.0, 0.0)
    else:
        for i in range(level.size):
            level[i] = max(1.0 - other[i] * row[0], 0.0)


@inlined
def move(
    kind: Any, row: FloatArray, state: FloatArray, second: FloatArray, z: FloatArray, u: FloatArray, level: FloatArray,
    place: IndexArray, numbers: Any, quad: Any, word: Any, driver: Any, seed: Any, sample: Any,
) -> None:  # fmt: skip
    """The step of a process with a shock that depends on no other driver."""
    if kind == _VASICEK:
        vasicek(row, state, z, level)
    elif kind == _CIR:
        cir(row, state, z, level)
    elif kind == _LOG_OU:
        log_ou(row, state, z, level)
    elif kind == _WINDOW:
        window(row, state, z, level)
    elif kind == _SHARE:
        logistic(row, state, z, level)
    elif kind == _REGIME:
        regime(row, state, second, z, u[word], level)
    elif kind == _JUMPS:
        jumps(row, state, z, u[word], level, place, numbers, quad, word, driver, seed, sample)
