"""The priority waterfall, for Numba: the twin of `waterfall.distribute`, with the same bits."""

from __future__ import annotations

import numpy as np

from ..tables import FloatArray, IntArray
from ..waterfall import Waterfall, check_amounts, check_waterfall
from .jit import entry, inlined
from .workers import Workers

_ROWS = 256  # scenarios that one worker takes at least


@inlined
def pour(
    source: IntArray, target: IntArray, start: IntArray, member: IntArray, unpaid: FloatArray, held: FloatArray
) -> None:
    """Take all steps in one scenario; unpaid (claims,) and held (pools,) are changed in place."""
    for step in range(source.size):
        first, last = start[step], start[step + 1]
        asked = 0.0
        for m in range(first, last):
            asked += unpaid[member[m]]
        pool = held[source[step]]
        if asked > pool:
            share = pool / asked
            for m in range(first, last):
                unpaid[member[m]] -= unpaid[member[m]] * share
            held[source[step]] = 0.0
        else:
            for m in range(first, last):
                unpaid[member[m]] = 0.0
            held[source[step]] = pool - asked
        if target[step] >= 0:
            held[target[step]] += held[source[step]]
            held[source[step]] = 0.0


@entry
def waterfall_pass(
    source: IntArray, target: IntArray, start: IntArray, member: IntArray, unpaid: FloatArray, held: FloatArray,
    low: int, high: int,
) -> None:  # fmt: skip
    """Take all steps in the rows low..high; unpaid (n, claims) and held (n, pools) are changed in place."""
    for i in range(low, high):
        pour(source, target, start, member, unpaid[i], held[i])


class Compiled:
    """`waterfall.distribute`, shared out to workers."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def __call__(self, table: Waterfall, due: FloatArray, pools: FloatArray) -> tuple[FloatArray, FloatArray]:
        check_waterfall(table)
        unpaid, held = check_amounts(table, due, pools)
        source, target, start, member = (
            np.ascontiguousarray(v, dtype=np.int32) for v in (table.source, table.target, table.start, table.member)
        )
        n = unpaid.shape[0]

        def piece(low: int, high: int) -> None:
            waterfall_pass(source, target, start, member, unpaid, held, low * _ROWS, min(high * _ROWS, n))

        self._workers.run(piece, -(-n // _ROWS))
        return unpaid, held
