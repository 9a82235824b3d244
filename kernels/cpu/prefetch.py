"""Memory asked for before it is needed, for Numba: rows of a block lie too far apart for the processor to guess."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..store import LANES, LINE

_I32, _I64, _BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


def prefetch(builder: Any, data: Any, lanes: int) -> None:
    """Ask for so many single values from the pointer `data` on: to be read, not at once. No address is wrong."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTE, _I32, _I32, _I32])
    find: Any = cgutils.get_or_insert_function
    function = find(builder.module, kind, "llvm.prefetch.p0i8")
    for first in range(0, lanes, LINE // 4):
        pointer = builder.bitcast(builder.gep(data, [ir.Constant(_I64, first)]), _BYTE)
        builder.call(function, [pointer, *(ir.Constant(_I32, n) for n in (0, 2, 1))])


def _lanes(_context: Any, values: Any) -> Any:
    """Ask for values (256,) float32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array: Any = cgutils.create_struct_proxy
        prefetch(builder, array(signature.args[0])(context, builder, value=args[0]).data, LANES)
        return context.get_dummy_value()

    return (types.void(values), generate) if values == types.Array(types.float32, 1, "C") else None


prefetch_lanes: Any = intrinsic(_lanes)
