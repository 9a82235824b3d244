"""Random numbers by counter: Philox4x64-10, uniforms and normal quantiles. The definition, in NumPy.

A draw is a function of where it is used and of nothing else. The counter is (scenario, quad, driver, stream),
the key (seed, sample); word j of the four words that come out serves period 4 * quad + j. So scenario 123,456 has
the same bits whatever the chunk, the number of threads or the device.

The logarithm and the normal quantile are built of + - * / and sqrt only, each correctly rounded under IEEE 754, and so
give the same bits wherever contraction to fused multiply-add is off: here, in the Numba twin and on a GPU.

Sources: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, doi:10.1145/2063384.2063405;
Wichura (1988), Algorithm AS 241, doi:10.2307/2347330; the logarithm is that of fdlibm, https://www.netlib.org/fdlibm/.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .tables import FloatArray

WordArray = NDArray[np.uint64]

MULTIPLIER_0 = 0xD2E7470EE14C6C93
MULTIPLIER_1 = 0xCA5A826395121157
WEYL_0 = 0x9E3779B97F4A7C15
WEYL_1 = 0xBB67AE8584CAA73B
ROUNDS = 10
WORDS = 4

# fdlibm: ln 2 in two parts, and the minimax polynomial of (log(1+f) - f + f^2/2) / s, s = f / (2 + f)
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
LOG_EVEN = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)
LOG_ODD = (6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01)
ONE_BITS = 0x3FF0000000000000
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
MANTISSA_BITS = 0x000FFFFFFFFFFFFF

# AS 241, PPND16: numerators and denominators, constant term first
CENTRE = 0.425
CENTRE_SQUARED = 0.180625
CENTRE_TOP = (
    3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
    4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
)  # fmt: skip
CENTRE_BOTTOM = (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
    2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
)  # fmt: skip
NEAR_TOP = (
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
    1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
)  # fmt: skip
NEAR_BOTTOM = (
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
)  # fmt: skip
FAR_TOP = (
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
    2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
)  # fmt: skip
FAR_BOTTOM = (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
)  # fmt: skip
SMALLEST = 2.0**-1022


class Stream(IntEnum):
    """What a draw is for; the last word of the counter."""

    NORMAL = 0  # the driver's shock
    UNIFORM = 1  # number of jumps, change of regime
    JUMP_SIZE = 2  # normal of the sum of the jumps' sizes


def _multiply(a: int, b: WordArray) -> tuple[WordArray, WordArray]:
    """High and low 64 bits of the 128-bit product, from 32-bit halves."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a_low, a_high = np.uint64(a & 0xFFFFFFFF), np.uint64(a >> 32)
    b_low, b_high = b & mask, b >> half
    low = a_low * b_low
    middle = a_high * b_low + (low >> half)
    carry = (middle & mask) + a_low * b_high
    return a_high * b_high + (middle >> half) + (carry >> half), np.uint64(a) * b


def philox(counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: tuple[int, int]) -> tuple[WordArray, ...]:
    """Philox4x64-10: four words of 64 bits for each counter.

    Args:
        counter: four arrays of uint64 that broadcast to one shape, least significant word first.
        key: two numbers in 0..2^64 - 1.

    `numpy.random.Philox(key=key, counter=c)` raises its counter by one before it generates: its first four words are
    the block of counter c + 1 (256-bit addition) here.
    """
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.atleast_1d(np.asarray(c, dtype=np.uint64)) for c in counter))
    for turn in range(ROUNDS):
        key0 = np.uint64((key[0] + turn * WEYL_0) % 2**64)
        key1 = np.uint64((key[1] + turn * WEYL_1) % 2**64)
        high0, low0 = _multiply(MULTIPLIER_0, c0)
        high1, low1 = _multiply(MULTIPLIER_1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ key0, low1, high0 ^ c3 ^ key1, low0
    return c0, c1, c2, c3


def uniform(words: ArrayLike) -> FloatArray:
    """(floor(word / 2^12) + 1/2) * 2^-52: exact, symmetric about 1/2, never 0 and never 1.

    With 53 bits the topmost value, 1 - 2^-54, is no double and would round to 1, whose quantile is infinite.
    """
    high = np.asarray(words, dtype=np.uint64) >> np.uint64(12)
    return np.asarray((high.astype(np.float64) + 0.5) * 2.0**-52)


def logarithm(x: ArrayLike) -> FloatArray:
    """Natural logarithm of normal positive doubles, below 1 ulp, of + - * / only (fdlibm e_log.c)."""
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.int64) + (ONE_BITS - SQRT_HALF_BITS)
    exponent = ((bits >> 52) - 1023).astype(np.float64)
    mantissa = ((bits & MANTISSA_BITS) + SQRT_HALF_BITS).view(np.float64)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (LOG_EVEN[0] + w * (LOG_EVEN[1] + w * LOG_EVEN[2]))
    odd = z * (LOG_ODD[0] + w * (LOG_ODD[1] + w * (LOG_ODD[2] + w * LOG_ODD[3])))
    half = 0.5 * f * f
    return np.asarray(exponent * LN2_HIGH - ((half - (s * (half + (odd + even)) + exponent * LN2_LOW)) - f))


def _horner(coefficients: tuple[float, ...], r: FloatArray) -> FloatArray:
    value = np.full_like(r, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * r + c
    return value


def normal_quantile(p: ArrayLike) -> FloatArray:
    """Inverse of the standard normal distribution by AS 241 (PPND16), relative error about 1e-15.

    p <= 2^-1022 gives -inf, p >= 1 gives +inf.
    """
    p = np.atleast_1d(np.asarray(p, dtype=np.float64))
    q = p - 0.5
    out = np.empty_like(p)
    centre = np.abs(q) <= CENTRE
    r = CENTRE_SQUARED - q[centre] * q[centre]
    out[centre] = q[centre] * _horner(CENTRE_TOP, r) / _horner(CENTRE_BOTTOM, r)
    side = np.where(q < 0.0, p, 1.0 - p)
    tail = ~centre & (side >= SMALLEST)
    r = np.sqrt(-logarithm(side[tail]))
    near = _horner(NEAR_TOP, r - 1.6) / _horner(NEAR_BOTTOM, r - 1.6)
    far = _horner(FAR_TOP, r - 5.0) / _horner(FAR_BOTTOM, r - 5.0)
    out[tail] = np.where(r <= 5.0, near, far)
    out[~centre & ~tail] = np.inf
    return np.asarray(np.where(~centre & (q < 0.0), -out, out))


def uniforms(scenarios: WordArray, period: int, driver: int, stream: int, seed: int, sample: int) -> FloatArray:
    """(n,) uniforms of one driver in one period for the scenarios given by number."""
    words = philox((scenarios, period // WORDS, driver, stream), (seed, sample))
    return uniform(words[period % WORDS])


def normals(scenarios: WordArray, period: int, driver: int, stream: int, seed: int, sample: int) -> FloatArray:
    """(n,) independent standard normals of one driver in one period for the scenarios given by number."""
    return normal_quantile(uniforms(scenarios, period, driver, stream, seed, sample))
