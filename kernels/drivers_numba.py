"""One step of each process over the lanes of a block, for Numba: the twin of `drivers`."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import drivers as dr
from .draws import Stream
from .draws_numba import normal_quantile, philox, uniform
from .elementary_numba import expm1, exponential, log1p, power
from .jit import inlined
from .tables import FloatArray

_JUMP_SIZE = np.uint64(Stream.JUMP_SIZE)
_LOW, _HIGH = dr.RATIO_LOW, dr.RATIO_HIGH


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
    row: FloatArray, state: FloatArray, z: FloatArray, u: FloatArray, level: FloatArray,
    numbers: Any, quad: Any, word: Any, driver: Any, seed: Any, sample: Any,
) -> None:  # fmt: skip
    """Sizes are drawn only where a jump happens."""
    for i in range(state.size):
        moved = state[i] + row[0] + row[1] * z[i]
        if u[i] > row[5]:
            count = poisson(u[i], row[2], row[5])
            words = philox(numbers[i], quad, driver, _JUMP_SIZE, seed, sample)
            size = normal_quantile(uniform(words[word]))
            moved = moved + (count * row[3] + np.sqrt(count) * row[4] * size)
        state[i] = moved
    for i in range(state.size):
        level[i] = exponential(state[i])


@inlined
def regime(
    row: FloatArray, state: FloatArray, second: FloatArray, z: FloatArray, u: FloatArray, level: FloatArray
) -> None:
    """second: 1.0 in state 1, else 0.0."""
    for i in range(state.size):
        moved = u[i] >= row[5] if second[i] > 0.5 else u[i] < row[4]
        second[i] = 1.0 if moved else 0.0
        state[i] = state[i] + (row[2] if moved else row[0]) + (row[3] if moved else row[1]) * z[i]
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
    row: FloatArray, state: FloatArray, z: FloatArray, other: FloatArray, start: Any, level: FloatArray
) -> None:
    """other: level of the driver it depends on at the start of the period, before that driver's own step."""
    for i in range(state.size):
        ratio = min(max(other[i] / start, _LOW), _HIGH)
        hazard = row[0] * power(ratio, -row[2])
        if z[i] < normal_quantile(-expm1(-hazard)):
            state[i] = 0.0
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
def excess(row: FloatArray, other: FloatArray, level: FloatArray) -> None:
    """other: level of the driver it depends on, after that driver's own step."""
    for i in range(level.size):
        level[i] = max(other[i] * row[0] - 1.0, 0.0)
