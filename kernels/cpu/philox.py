"""Philox4x64-10 and its uniforms in vector registers, for Numba: the bits of `draws`.

Written for LLVM directly: of a plain loop LLVM makes scalar multiplications of 64 by 64 bits, one lane at a time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .. import draws as d

_SHIFT = 4
WIDTH = 1 << _SHIFT  # lanes per vector: two of the widest registers, so that one multiplies while the other waits

_I32, _I64, _DOUBLE = ir.IntType(32), ir.IntType(64), ir.DoubleType()
_WORDS, _VALUES = ir.VectorType(_I64, WIDTH), ir.VectorType(_DOUBLE, WIDTH)
_ONE_TO_2_52 = 0x4330000000000000  # bits of 2^52; the low 52 bits add whole numbers to it


def _words(number: int) -> Any:
    return ir.Constant(_WORDS, [ir.Constant(_I64, number % 2**64)] * WIDTH)


def _values(number: float) -> Any:
    return ir.Constant(_VALUES, [ir.Constant(_DOUBLE, number)] * WIDTH)


def _spread(builder: Any, word: Any) -> Any:
    """One word in all lanes."""
    empty = ir.Constant(_WORDS, ir.Undefined)
    first = builder.insert_element(empty, word, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_I32, WIDTH), [0] * WIDTH))


def _product(builder: Any, factor: int, x: Any) -> tuple[Any, Any]:
    """High and low 64 bits of factor * x, from four products of halves."""
    half, low = _words(32), _words(2**32 - 1)
    x_low, x_high = builder.and_(x, low), builder.lshr(x, half)
    f_low, f_high = _words(factor % 2**32), _words(factor >> 32)
    lowest = builder.mul(x_low, f_low)
    one = builder.add(builder.mul(x_low, f_high), builder.lshr(lowest, half))
    other = builder.add(builder.mul(x_high, f_low), builder.and_(one, low))
    carried = builder.add(builder.lshr(one, half), builder.lshr(other, half))
    return (
        builder.add(builder.mul(x_high, f_high), carried),
        builder.or_(builder.shl(other, half), builder.and_(lowest, low)),
    )


def _block(builder: Any, counter: list[Any], key: list[Any]) -> list[Any]:
    """The four words of a block. counter: four vectors, key: two."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(d.ROUNDS):
        high0, low0 = _product(builder, d.MULTIPLIER_0, c0)
        high1, low1 = _product(builder, d.MULTIPLIER_1, c2)
        c0, c1 = builder.xor(builder.xor(high1, c1), k0), low1
        c2, c3 = builder.xor(builder.xor(high0, c3), k1), low0
        k0, k1 = builder.add(k0, _words(d.WEYL_0)), builder.add(k1, _words(d.WEYL_1))
    return [c0, c1, c2, c3]


def _uniform(builder: Any, word: Any) -> Any:
    """(floor(word / 2^12) + 1/2) 2^-52, exactly: 2^52 + whole - (2^52 - 1/2) needs no rounding."""
    bits = builder.or_(builder.lshr(word, _words(12)), _words(_ONE_TO_2_52))
    return builder.fmul(builder.fsub(builder.bitcast(bits, _VALUES), _values(2.0**52 - 0.5)), _values(2.0**-52))


def _fill(_context: Any, out: Any, numbers: Any, quad: Any, driver: Any, stream: Any, seed: Any, sample: Any) -> Any:
    """out (4, lanes) float64: uniforms of the four periods of `quad` for the scenarios with the (lanes,) given uint64
    numbers, as far as whole vectors go; the others are the caller's.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array: Any = cgutils.create_struct_proxy
        to, at = (array(k)(context, builder, value=v) for k, v in zip(signature.args[:2], args[:2], strict=True))
        lanes = builder.extract_value(at.shape, 0)
        q, own, kind, *key = (_spread(builder, word) for word in args[2:])
        with cgutils.for_range(builder, builder.lshr(lanes, ir.Constant(_I64, _SHIFT))) as loop:
            lane = builder.shl(loop.index, ir.Constant(_I64, _SHIFT))
            number = builder.load(_vector(builder, at.data, lane, _WORDS), align=8)
            for word in _block(builder, [number, q, own, kind], key):
                builder.store(_uniform(builder, word), _vector(builder, to.data, lane, _VALUES), align=8)
                lane = builder.add(lane, lanes)
        return context.get_dummy_value()

    words = (quad, driver, stream, seed, sample)
    as_needed = out == types.Array(types.float64, 2, "C") and numbers == types.Array(types.uint64, 1, "C")
    as_needed = as_needed and all(word == types.uint64 for word in words)
    return (types.void(out, numbers, *words), generate) if as_needed else None


def _vector(builder: Any, data: Any, place: Any, kind: Any) -> Any:
    return builder.bitcast(builder.gep(data, [place]), kind.as_pointer())


fill_vectors: Any = intrinsic(_fill)
