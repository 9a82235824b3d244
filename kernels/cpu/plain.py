"""The plain twin of the passes' innermost loops: the same bits as `flow` and `folding`, in Numba's own words.

It stands in where `CAPMIX_PLAIN_KERNELS=1`: to tell a fault of the hand-written code from one of the definition, and
for releases of Numba or LLVM that do not bear it. It is slower.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..layout import IndexArray, Program
from ..store import LANES
from ..tables import FloatArray
from .jit import inlined
from .lanes import fold

_LANES = LANES


def _fused(_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once; Numba has no word for it."""

    def generate(_: Any, builder: Any, _signature: Any, args: Any) -> Any:
        find: Any = cgutils.get_or_insert_function
        double = ir.DoubleType()
        return builder.call(find(builder.module, ir.FunctionType(double, [double] * 3), "llvm.fma.f64"), args)

    return types.float64(a, b, c), generate


_multiplied: Any = intrinsic(_fused)


@inlined
def add_flows(flows: FloatArray, x: Any, positions: IndexArray, _values: Any, p: Program, _stored: int) -> None:
    """As `flow.add_flows`."""
    inner = np.empty(_LANES)
    for t in range(p.constant.size):
        for i in range(_LANES):
            flows[t, i] = p.constant[t]
        for g in range(p.group[t], p.group[t + 1]):
            outer = p.rest[g, 0]
            if outer < 0:
                for e in range(p.entry[g], p.entry[g + 1]):
                    weight, row = p.exposure[e], positions[p.factor[e]]
                    for i in range(_LANES):
                        flows[t, i] = _multiplied(weight, np.float64(x[row, i]), flows[t, i])
            else:
                for i in range(_LANES):
                    inner[i] = 0.0
                for e in range(p.entry[g], p.entry[g + 1]):
                    weight, row = p.exposure[e], positions[p.factor[e]]
                    for i in range(_LANES):
                        inner[i] = _multiplied(weight, np.float64(x[row, i]), inner[i])
                for r in range(1, p.rest.shape[1]):
                    if p.rest[g, r] >= 0:
                        row = positions[p.rest[g, r]]
                        for i in range(_LANES):
                            inner[i] *= np.float64(x[row, i])
                row = positions[outer]
                for i in range(_LANES):
                    flows[t, i] = _multiplied(inner[i], np.float64(x[row, i]), flows[t, i])


@inlined
def folded_product(a: FloatArray, b: Any) -> Any:
    """As `folding.folded_product`."""
    product = np.empty(_LANES)
    for i in range(_LANES):
        product[i] = a[i] * np.float64(b[i])
    return fold(product)


@inlined
def prefetch_lanes(_values: Any) -> None:
    """Nothing: the processor fetches memory by itself."""
