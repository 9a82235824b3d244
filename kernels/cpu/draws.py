"""Philox4x64-10 and the normal quantile for Numba: the same bits as `draws`."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .. import draws as d
from ..tables import FloatArray
from .jit import inlined
from .philox import WIDTH, fill_vectors

_M0 = np.uint64(d.MULTIPLIER_0)
_M1 = np.uint64(d.MULTIPLIER_1)
_W0 = np.uint64(d.WEYL_0)
_W1 = np.uint64(d.WEYL_1)
_DROPPED = np.uint64(12)
_LOG_SHIFT = np.int64(d.ONE_BITS - d.SQRT_HALF_BITS)
_SQRT_HALF = np.int64(d.SQRT_HALF_BITS)
_MANTISSA = np.int64(d.MANTISSA_BITS)
_ROUNDS = d.ROUNDS
_VECTOR = WIDTH
_SMALLEST = d.SMALLEST
_E, _O = d.LOG_EVEN, d.LOG_ODD
_CT, _CB, _NT, _NB, _FT, _FB = d.CENTRE_TOP, d.CENTRE_BOTTOM, d.NEAR_TOP, d.NEAR_BOTTOM, d.FAR_TOP, d.FAR_BOTTOM


def _high_product(_context: Any, _a: Any, _b: Any) -> Any:
    """High 64 bits of a 64 x 64 bit product: one machine instruction instead of four products of halves."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


high_product: Any = intrinsic(_high_product)


@inlined
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    for _ in range(_ROUNDS):
        high0 = high_product(_M0, c0)
        high1 = high_product(_M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, _M1 * c2, high0 ^ c3 ^ k1, _M0 * c0
        k0 += _W0
        k1 += _W1
    return c0, c1, c2, c3


@inlined
def uniform(word: Any) -> Any:
    return (np.float64(word >> _DROPPED) + 0.5) * 2.0**-52


@inlined
def logarithm(x: Any) -> Any:
    bits = np.float64(x).view(np.int64) + _LOG_SHIFT
    exponent = np.float64((bits >> 52) - 1023)
    mantissa = np.int64((bits & _MANTISSA) + _SQRT_HALF).view(np.float64)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_E[0] + w * (_E[1] + w * _E[2]))
    odd = z * (_O[0] + w * (_O[1] + w * (_O[2] + w * _O[3])))
    half = 0.5 * f * f
    return exponent * d.LN2_HIGH - ((half - (s * (half + (odd + even)) + exponent * d.LN2_LOW)) - f)


@inlined
def _ratio(a: Any, b: Any, r: Any) -> Any:
    top = ((((((a[7] * r + a[6]) * r + a[5]) * r + a[4]) * r + a[3]) * r + a[2]) * r + a[1]) * r + a[0]
    bottom = ((((((b[7] * r + b[6]) * r + b[5]) * r + b[4]) * r + b[3]) * r + b[2]) * r + b[1]) * r + b[0]
    return top, bottom


@inlined
def _central(q: Any) -> Any:
    top, bottom = _ratio(_CT, _CB, d.CENTRE_SQUARED - q * q)
    return q * top / bottom


@inlined
def _tail(p: Any) -> Any:
    q = p - 0.5
    side = p if q < 0.0 else 1.0 - p
    if side < _SMALLEST:
        return -np.inf if q < 0.0 else np.inf
    r = np.sqrt(-logarithm(side))
    if r <= 5.0:
        top, bottom = _ratio(_NT, _NB, r - 1.6)
    else:
        top, bottom = _ratio(_FT, _FB, r - 5.0)
    value = top / bottom
    return -value if q < 0.0 else value


@inlined
def normal_quantile(p: Any) -> Any:
    q = p - 0.5
    return _central(q) if abs(q) <= d.CENTRE else _tail(p)


@inlined
def fill_uniforms(out: FloatArray, numbers: Any, quad: Any, driver: Any, stream: Any, seed: Any, sample: Any) -> None:
    """out (4, lanes): uniforms of the four periods of `quad` for the scenarios with the (lanes,) given numbers."""
    fill_vectors(out, numbers, quad, driver, stream, seed, sample)
    for lane in range(out.shape[1] // _VECTOR * _VECTOR, out.shape[1]):
        a, b, c, e = philox(numbers[lane], quad, driver, stream, seed, sample)
        out[0, lane] = uniform(a)
        out[1, lane] = uniform(b)
        out[2, lane] = uniform(c)
        out[3, lane] = uniform(e)


@inlined
def to_normals(values: FloatArray) -> None:
    """Replace the uniforms in (4, lanes) by their normal quantiles.

    First the central formula for all, then the other one for the lanes outside the centre, packed together: both loops
    are free of branches and run on vectors.
    """
    lanes = values.shape[1]
    place = np.empty(lanes, np.int64)
    packed = np.empty(lanes)
    root = np.empty(lanes)
    for j in range(values.shape[0]):
        row = values[j]
        count = 0
        for i in range(lanes):
            place[count] = i
            packed[count] = row[i]
            count += abs(row[i] - 0.5) > d.CENTRE
        for i in range(lanes):
            row[i] = _central(row[i] - 0.5)
        farthest = 0.0
        for i in range(count):
            root[i] = np.sqrt(-logarithm(min(packed[i], 1.0 - packed[i])))
            top, bottom = _ratio(_NT, _NB, root[i] - 1.6)
            value = top / bottom
            packed[i] = -value if packed[i] < 0.5 else value
        for i in range(count):
            farthest = max(farthest, root[i])
        for i in range(count):
            row[place[i]] = packed[i]
        if farthest > 5.0:
            for i in range(count):
                if root[i] > 5.0:
                    top, bottom = _ratio(_FT, _FB, root[i] - 5.0)
                    row[place[i]] = -top / bottom if packed[i] < 0.0 else top / bottom
