"""Losses, balances and the adjoint sweep over blocks of 256 scenarios, for Numba: the twin of `losses` and `terms`.

Single precision is what is stored; all arithmetic is in double. Sums over lanes fold by halves and sums over blocks run
in fixed groups, so results do not depend on the number of threads. A pass works on the blocks (or groups) low..high.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .flow_numba import WIDTH, add_flows
from .folding_numba import folded_product
from .jit import entry, inlined
from .layout import IndexArray, Program
from .prefetch_numba import prefetch_lanes
from .store import LANES, RowArray
from .tables import FloatArray, LossKind

_LANES = LANES
_PEAK = int(LossKind.PEAK)
_WIDTH = WIDTH
_AHEAD = 4  # positions by which memory is asked for before it is read

SingleArray = NDArray[np.float32]
LaneArray = NDArray[np.uint64]


@inlined
def fill(values: FloatArray, number: Any) -> None:
    """values[:] = number. Written as a loop: Numba's slice assignment takes seconds to compile."""
    for i in range(values.size):
        values[i] = number


@inlined
def _copy(to: FloatArray, values: FloatArray) -> None:
    for i in range(_LANES):
        to[i] = values[i]


@inlined
def flow_all(flows: FloatArray, values: SingleArray, x: SingleArray, positions: IndexArray, p: Program) -> None:
    """flows (periods, 256) of all losses. positions: rows of x to which those of `p` refer by their places.

    values: (positions + 1, WIDTH) scratch.
    """
    add_flows(
        flows, x, positions, values, p.constant, p.group, p.rest, p.entry, p.factor, p.exposure, 0, p.constant.size
    )


@inlined
def _rate(x: SingleArray, positions: IndexArray, p: Program, m: Any, t: Any) -> Any:
    """The rate of loss m seen in period t in all lanes."""
    return x[positions[p.rate[m] + max(t - 1, 0)]]


@inlined
def _growth(
    surplus: FloatArray, deficit: FloatArray, x: SingleArray, positions: IndexArray, p: Program, m: Any, t: Any
) -> None:
    """1 + surplus rate and 1 + deficit rate of period t in all lanes."""
    dt, low, high = p.dt[m], p.surplus[m], p.deficit[m]
    if p.rate[m] < 0:
        fill(surplus, 1.0 + max(dt * low, 0.0))
        fill(deficit, 1.0 + max(dt * high, dt * low, 0.0))
        return
    rate = _rate(x, positions, p, m, t)
    for i in range(_LANES):
        s = max(dt * (rate[i] + low), 0.0)
        surplus[i] = 1.0 + s
        deficit[i] = 1.0 + max(dt * (rate[i] + high), s)


@inlined
def _drawing(
    drawn: FloatArray, surplus: FloatArray, deficit: FloatArray, x: SingleArray, positions: IndexArray, p: Program,
    m: Any, t: Any,
) -> None:  # fmt: skip
    """1 + revolver rate of period t, at least the surplus one; raises the deficit rate to it."""
    dt, margin = p.dt[m], p.drawn[m]
    if p.rate[m] < 0:
        fill(drawn, 1.0 + dt * (0.0 + margin))
    else:
        rate = _rate(x, positions, p, m, t)
        for i in range(_LANES):
            drawn[i] = 1.0 + dt * (rate[i] + margin)
    for i in range(_LANES):
        drawn[i] = max(drawn[i], surplus[i])
        deficit[i] = max(deficit[i], drawn[i])


@inlined
def carry(balance: FloatArray, work: FloatArray, x: SingleArray, positions: IndexArray, p: Program, m: Any) -> None:
    """balance (periods, 256) of loss m: from flows to running balances where it is PEAK. work (5, 256) is scratch."""
    if p.kind[m] != _PEAK:
        return
    low = p.table[m]
    for t in range(p.table[m + 1] - low):
        _growth(work[2], work[3], x, positions, p, m, t)
        if t == 0:
            fill(work[0], p.opening[m])
        else:
            _copy(work[0], balance[t - 1])
        if p.revolver[m] != 0:
            _drawing(work[4], work[2], work[3], x, positions, p, m, t)
            line = 0.0 if t == 0 else p.line[low + t - 1]
            for i in range(_LANES):
                before = work[0, i]
                carried = work[2, i] if before >= 0.0 else work[4, i]
                dearer = 0.0
                if before < -line:
                    carried = work[3, i]
                    dearer = line * (work[3, i] - work[4, i])
                balance[t, i] = before * carried + dearer + balance[t, i]
            continue
        for i in range(_LANES):
            carried = work[2, i] if work[0, i] >= 0.0 else work[3, i]
            balance[t, i] = work[0, i] * carried + balance[t, i]


@inlined
def _largest(worst: FloatArray, balance: FloatArray, p: Program, m: Any) -> None:
    """worst = max_t (floor[t] - line[t] - balance[t]) in all lanes; nan where a balance is not finite."""
    low = p.table[m]
    fill(worst, -np.inf)
    for t in range(p.table[m + 1] - low):
        floor = p.floor[low + t] - p.line[low + t]
        for i in range(_LANES):
            short = floor - balance[t, i]
            if not abs(short) < np.inf:
                worst[i] = np.nan
            elif short > worst[i]:
                worst[i] = short


@inlined
def fold(values: FloatArray) -> Any:
    """Sum of 256 values by halves; overwrites them."""
    half = _LANES // 2
    while half > 0:
        for i in range(half):
            values[i] += values[i + half]
        half //= 2
    return values[0]


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
    """out (M, blocks * 256): all losses in one pass over blocks (blocks, F, 256). positions: as for `gradient_pass`."""
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    flows = np.empty((p.constant.size, _LANES))
    work = np.empty((5, _LANES))
    for b in range(low, high):
        flow_all(flows, values, blocks[b], positions, p)
        for m in range(p.kind.size):
            balance = flows[p.table[m] : p.table[m + 1]]
            carry(balance, work, blocks[b], positions, p, m)
            _largest(out[m, b * _LANES : (b + 1) * _LANES], balance, p, m)


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
    work = np.empty((5, _LANES))
    for b in range(low, high):
        first, last = b * _LANES, min((b + 1) * _LANES, rows.size)
        gather(x, blocks, positions, rows, lane, first, last)
        flow_all(balance, values, x, own, p)
        carry(balance, work, x, own, p, 0)
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
    work = np.empty((5, _LANES))
    for b in range(low, high):
        flow_all(balance, values, blocks[b], positions, p)
        carry(balance, work, blocks[b], positions, p, 0)
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
def _adjoint(
    slope: FloatArray, by_line: FloatArray, balance: FloatArray, work: FloatArray, x: SingleArray,
    positions: IndexArray, p: Program,
) -> None:  # fmt: skip
    """slope, by_line (periods, 256): derivatives of the first loss by each flow and line, at the first worst period."""
    periods = slope.shape[0]
    _largest(work[0], balance, p, 0)
    fill(work[1], 0.0)
    for t in range(periods):
        for i in range(_LANES):
            hit = work[1, i] == 0.0 and (p.floor[t] - p.line[t]) - balance[t, i] == work[0, i]
            slope[t, i] = -1.0 if hit else 0.0
            by_line[t, i] = slope[t, i]
            if hit:
                work[1, i] = 1.0
    if p.kind[0] == _PEAK:
        for t in range(periods - 1, 0, -1):
            _growth(work[2], work[3], x, positions, p, 0, t)
            if p.revolver[0] != 0:
                _drawing(work[4], work[2], work[3], x, positions, p, 0, t)
                for i in range(_LANES):
                    carried = work[2, i] if balance[t - 1, i] >= 0.0 else work[4, i]
                    if balance[t - 1, i] < -p.line[t - 1]:
                        carried = work[3, i]
                        by_line[t - 1, i] += slope[t, i] * (work[3, i] - work[4, i])
                    slope[t - 1, i] += slope[t, i] * carried
                continue
            for i in range(_LANES):
                carried = work[2, i] if balance[t - 1, i] >= 0.0 else work[3, i]
                slope[t - 1, i] += slope[t, i] * carried


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
    work = np.empty((5, _LANES))
    weight = np.empty(_LANES)
    for k in range(low, high):
        first, last = k * _LANES, min((k + 1) * _LANES, rows.size)
        gather(x, blocks, positions, rows, lane, first, last)
        fill(weight, 0.0)
        for i in range(last - first):
            weight[i] = weights[first + i]
        flow_all(balance, values, x, own, p)
        carry(balance, work, x, own, p, 0)
        _largest(work[0], balance, p, 0)
        for i in range(_LANES):
            work[0, i] *= weight[i]
        total[k, 0] += fold(work[0])
        _adjoint(slope, by_line, balance, work, x, own, p)
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
