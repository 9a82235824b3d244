"""Losses, balances and the adjoint sweep over blocks of 256 scenarios, for Numba: the twin of `losses` and `terms`.

Single precision is what is stored; all arithmetic is in double. Sums over lanes fold by halves and sums over blocks run
in fixed groups, so results do not depend on the number of threads. A pass works on the blocks (or groups) low..high.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..layout import IndexArray, Program
from ..store import LANES, RowArray
from ..tables import FloatArray
from .balance import adjoint, carry, largest
from .innermost import WIDTH, add_flows, folded_product, prefetch_lanes
from .jit import entry, inlined
from .lanes import fill, fold

_LANES = LANES
_WIDTH = WIDTH
_AHEAD = 4  # positions by which memory is asked for before it is read

SingleArray = NDArray[np.float32]
LaneArray = NDArray[np.uint64]


@inlined
def _copy(to: FloatArray, values: FloatArray) -> None:
    for i in range(_LANES):
        to[i] = values[i]


@inlined
def gather(
    x: SingleArray, blocks: SingleArray, positions: IndexArray, rows: RowArray, lane: LaneArray, low: Any, high: Any
) -> None:
    """x (n, 256): values at n flat positions of rows low..high in the first lanes, 0 in the others. lane is scratch."""
    for k in range(low, high):
        lane[k - low] = np.uint64(rows[k]) % np.uint64(_LANES)
    i = low
    while i < high:  # rows of one block at a time, so that its memory is read in order
        block = rows[i] // _LANES
        end = i + 1
        while end < high and rows[end] // _LANES == block:
            end += 1
        place = lane[i - low : end - low]
        for f in range(positions.size):
            if f + _AHEAD < positions.size:
                prefetch_lanes(blocks[block, positions[f + _AHEAD]])
            held, to = blocks[block, positions[f]], x[f, i - low : end - low]
            for k in range(place.size):
                to[k] = held[place[k]]
        i = end
    for f in range(x.shape[0]):
        for k in range(high - low, _LANES):
            x[f, k] = 0.0


@entry
def loss_pass(blocks: SingleArray, p: Program, positions: IndexArray, out: FloatArray, low: int, high: int) -> None:
    """out (M, blocks, 256): all losses in one pass over blocks (blocks, F, 256). positions: as for `gradient_pass`."""
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    flows = np.empty((p.constant.size, _LANES))
    for b in range(low, high):
        add_flows(flows, blocks[b], positions, values, p, 1)
        for m in range(p.kind.size):
            balance = flows[p.table[m] : p.table[m + 1]]
            carry(balance, blocks[b], positions, p, m)
            largest(out[m, b : b + 1], balance, blocks[b], positions, p, m)


@entry
def balance_pass(
    blocks: SingleArray, p: Program, positions: IndexArray, rows: RowArray, out: FloatArray, low: int, high: int
) -> None:
    """out (n, periods): balances of the first loss in the given rows. positions: as for `gradient_pass`."""
    x = np.empty((positions.size, _LANES), np.float32)
    own = np.arange(positions.size)
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    lane = np.empty(_LANES, np.uint64)
    balance = np.empty((out.shape[1], _LANES))
    for b in range(low, high):
        first, last = b * _LANES, min((b + 1) * _LANES, rows.size)
        gather(x, blocks, positions, rows, lane, first, last)
        add_flows(balance, x, own, values, p, 0)
        carry(balance, x, own, p, 0)
        for t in range(out.shape[1]):
            for i in range(last - first):
                out[first + i, t] = balance[t, i]


@entry
def whole_balance_pass(
    blocks: SingleArray, p: Program, positions: IndexArray, out: FloatArray, low: int, high: int
) -> None:
    """out (n, periods): balances of the first loss in the first n rows. positions: as for `gradient_pass`."""
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    balance = np.empty((out.shape[1], _LANES))
    for b in range(low, high):
        add_flows(balance, blocks[b], positions, values, p, 1)
        carry(balance, blocks[b], positions, p, 0)
        for i in range(min(_LANES, out.shape[0] - b * _LANES)):
            for t in range(out.shape[1]):
                out[b * _LANES + i, t] = balance[t, i]


@entry
def gather_pass(blocks: SingleArray, rows: RowArray, out: SingleArray, low: int, high: int) -> None:
    """out (blocks', F, 256): the given rows in blocks of their own."""
    lane = np.empty(_LANES, np.uint64)
    positions = np.arange(blocks.shape[1])
    for b in range(low, high):
        gather(out[b], blocks, positions, rows, lane, b * _LANES, min((b + 1) * _LANES, rows.size))


@inlined
def _accumulate(
    gradient: FloatArray, fixed: FloatArray, slope: FloatArray, work: FloatArray, x: SingleArray, p: Program
) -> None:
    """Add one block's gradient by the entries, in the program's order, and by each period's constant."""
    for t in range(slope.shape[0]):
        _copy(work[0], slope[t])
        fixed[t] += fold(work[0])
        for g in range(p.group[t], p.group[t + 1]):
            _copy(work[1], slope[t])
            for r in range(p.rest.shape[1]):
                f = p.rest[g, r]
                if f >= 0:
                    for i in range(_LANES):
                        work[1, i] *= x[f, i]
            for e in range(p.entry[g], p.entry[g + 1]):
                gradient[e] += folded_product(work[1], x[p.factor[e]])


@entry
def gradient_pass(
    blocks: SingleArray, p: Program, positions: IndexArray, rows: RowArray, weights: FloatArray, gradient: FloatArray,
    fixed: FloatArray, lines: FloatArray, total: FloatArray, low: int, high: int,
) -> None:  # fmt: skip
    """Weighted loss and gradient of one loss over the given rows, 256 at a time.

    positions: the flat positions to which those of `p` refer by their rank (`layout.compact`).
    gradient (n, entries), fixed and lines (n, periods), total (n, 1): zero on entry; the caller adds up.
    """
    x = np.empty((positions.size, _LANES), np.float32)
    own = np.arange(positions.size)
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    lane = np.empty(_LANES, np.uint64)
    balance = np.empty((fixed.shape[1], _LANES))
    slope = np.empty((fixed.shape[1], _LANES))
    by_line = np.empty((fixed.shape[1], _LANES))
    work = np.empty((2, _LANES))
    weight = np.empty(_LANES)
    for k in range(low, high):
        first, last = k * _LANES, min((k + 1) * _LANES, rows.size)
        gather(x, blocks, positions, rows, lane, first, last)
        fill(weight, 0.0)
        for i in range(last - first):
            weight[i] = weights[first + i]
        add_flows(balance, x, own, values, p, 0)
        carry(balance, x, own, p, 0)
        largest(work, balance, x, own, p, 0)
        adjoint(slope, by_line, work, balance, x, own, p, 0)
        for i in range(_LANES):
            work[0, i] *= weight[i]
        total[k, 0] += fold(work[0])
        for t in range(slope.shape[0]):
            for i in range(_LANES):
                slope[t, i] *= weight[i]
                by_line[t, i] *= weight[i]
            lines[k, t] += fold(by_line[t])
        _accumulate(gradient[k], fixed[k], slope, work, x, p)


@entry
def add_groups(whole: FloatArray, blocks: FloatArray, size: int) -> None:
    """Add (blocks, n) sums to (n,): those of a group of `size` one after the other, and then group after group."""
    for first in range(0, blocks.shape[0], size):
        for e in range(whole.size):
            group = 0.0
            for k in range(first, min(first + size, blocks.shape[0])):
                group += blocks[k, e]
            whole[e] += group
