"""Exponential and its relatives for Numba: the same bits as `elementary`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import elementary as el
from ..draws import LN2_HIGH, LN2_LOW, ONE_BITS
from .draws import logarithm
from .jit import inlined

_ONE = np.int64(ONE_BITS)
_P = el.EXP_TERMS


@inlined
def exponential(x: Any) -> Any:
    if not (el.EXP_SMALLEST <= x <= el.EXP_LARGEST):
        return np.inf if x > 0.0 else (0.0 if x < 0.0 else x)
    k = np.floor(x * el.INVERSE_LN2 + 0.5)
    high, low = x - k * LN2_HIGH, k * LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (_P[0] + t * (_P[1] + t * (_P[2] + t * (_P[3] + t * _P[4]))))
    value = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    whole = np.int64(k)
    half = whole >> 1
    first = np.int64((half << 52) + _ONE).view(np.float64)
    second = np.int64(((whole - half) << 52) + _ONE).view(np.float64)
    return (value * first) * second


@inlined
def log1p(x: Any) -> Any:
    u = 1.0 + x
    return logarithm(u) + (x - (u - 1.0)) / u


@inlined
def expm1(x: Any) -> Any:
    u = exponential(x)
    less = u - 1.0
    if less == 0.0:
        return x
    if less == -1.0:
        return -1.0
    return less * x / logarithm(u)


@inlined
def power(base: Any, exponent: Any) -> Any:
    return exponential(exponent * logarithm(base))
