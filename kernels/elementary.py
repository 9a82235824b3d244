"""Exponential and its relatives, of + - * / only, so that every backend finds the same bits: the definition, in NumPy.

The exponential is that of fdlibm (https://www.netlib.org/fdlibm/e_exp.c), below 1 ulp. log1p and expm1 correct the
rounding of 1 + x and of exp(x) by the error it causes (Kahan; Higham 2002, Accuracy and stability of numerical
algorithms, 1.14.1, doi:10.1137/1.9780898718027); they and `power` stay within a few ulps where the processes use them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .draws import LN2_HIGH, LN2_LOW, ONE_BITS, logarithm
from .tables import FloatArray

INVERSE_LN2 = 1.44269504088896338700
EXP_LARGEST = 709.782712893383973096  # above: infinite
EXP_SMALLEST = -745.13321910194110842  # below: 0
# fdlibm: minimax polynomial of r (exp(r) + 1) / (exp(r) - 1) - 2 in r^2
EXP_TERMS = (
    1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
    -1.65339022054652515390e-06, 4.13813679705723846039e-08,
)  # fmt: skip


def exponential(x: ArrayLike) -> FloatArray:
    """exp(x); inf above 709.78, 0 below -745.13, nan where x is nan."""
    x = np.asarray(x, dtype=np.float64)
    within = (x >= EXP_SMALLEST) & (x <= EXP_LARGEST)
    y = np.where(within, x, 0.0)
    k = np.floor(y * INVERSE_LN2 + 0.5)
    high, low = y - k * LN2_HIGH, k * LN2_LOW
    r = high - low
    t = r * r
    p = EXP_TERMS
    c = r - t * (p[0] + t * (p[1] + t * (p[2] + t * (p[3] + t * p[4]))))
    value = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    whole = k.astype(np.int64)
    half = whole >> 1
    scaled = (value * _power_of_two(half)) * _power_of_two(whole - half)
    beyond = np.where(x > 0.0, np.inf, np.where(x < 0.0, 0.0, x))
    return np.asarray(np.where(within, scaled, beyond))


def _power_of_two(n: ArrayLike) -> FloatArray:
    """2^n for n in -1022..1023."""
    return ((np.atleast_1d(np.asarray(n)).astype(np.int64) << 52) + ONE_BITS).view(np.float64).reshape(np.shape(n))


def log1p(x: ArrayLike) -> FloatArray:
    """log(1 + x) for x >= 0."""
    x = np.asarray(x, dtype=np.float64)
    u = 1.0 + x
    return np.asarray(logarithm(u).reshape(u.shape) + (x - (u - 1.0)) / u)


def expm1(x: ArrayLike) -> FloatArray:
    """exp(x) - 1 for x <= 0."""
    x = np.asarray(x, dtype=np.float64)
    u = exponential(x)
    less = u - 1.0
    safe = np.where((less == 0.0) | (less == -1.0), 2.0, u)
    corrected = less * x / logarithm(safe).reshape(u.shape)
    return np.asarray(np.where(less == 0.0, x, np.where(less == -1.0, -1.0, corrected)))


def power(base: ArrayLike, exponent: ArrayLike) -> FloatArray:
    """base ** exponent for normal positive bases; its relative error grows with |exponent * log(base)|."""
    base, e = np.asarray(base, dtype=np.float64), np.asarray(exponent, dtype=np.float64)
    return exponential(e * logarithm(base).reshape(base.shape))
