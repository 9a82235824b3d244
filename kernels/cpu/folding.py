"""The sum of products over 256 lanes by halves, in vector registers: the bits of `losses.fold`.

Written for LLVM directly: a loop would store and load every level of the sum.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..store import LANES

_WIDTH = 8  # lanes per vector

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_DOUBLE, _SINGLE = ir.DoubleType(), ir.FloatType()


def _folded_product(_context: Any, a: Any, b: Any) -> Any:
    """sum of a[i] * b[i], (256,) float64 and (256,) float32, contiguous: i and i + 128 first, then i and i + 64, ..."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array: Any = cgutils.create_struct_proxy
        data = [array(k)(context, builder, value=v).data for k, v in zip(signature.args, args, strict=True)]
        doubles = builder.bitcast(data[0], ir.VectorType(_DOUBLE, _WIDTH).as_pointer())
        singles = builder.bitcast(data[1], ir.VectorType(_SINGLE, _WIDTH).as_pointer())

        def node(chunk: int, step: int) -> Any:
            if step < LANES // _WIDTH:
                return builder.fadd(node(chunk, 2 * step), node(chunk + step, 2 * step))
            place = [ir.Constant(_I64, chunk)]
            single = builder.load(builder.gep(singles, place), align=4)
            wide = builder.fpext(single, ir.VectorType(_DOUBLE, _WIDTH))
            return builder.fmul(builder.load(builder.gep(doubles, place), align=8), wide)

        total = node(0, 1)
        half = _WIDTH // 2
        while half > 0:
            mask = [i + half if i < half else i for i in range(_WIDTH)]
            total = builder.fadd(total, builder.shuffle_vector(total, total, _integers(mask)))
            half //= 2
        return builder.extract_element(total, ir.Constant(_I32, 0))

    as_needed = a == types.Array(types.float64, 1, "C") and b == types.Array(types.float32, 1, "C")
    return (types.float64(a, b), generate) if as_needed else None


def _integers(values: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_I32, len(values)), [ir.Constant(_I32, v) for v in values])


folded_product: Any = intrinsic(_folded_product)
