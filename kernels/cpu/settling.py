"""Settlement of every scenario, for Numba: the twin of `settling`, in one pass, with the same bits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..layout import IndexArray, Program
from ..means import MEAN_GROUP
from ..settling import NOISE, Settling, Tally
from ..store import LANES, RowArray
from ..tables import FloatArray, IntArray
from .balance import carry
from .innermost import WIDTH, add_flows
from .jit import entry, inlined
from .lanes import fill, fold
from .losses import SingleArray, gather
from .waterfall import pour
from .workers import Workers

_LANES, _WIDTH, _GROUP, _NOISE = LANES, WIDTH, MEAN_GROUP, NOISE


class Rules(NamedTuple):
    """A `Settling` as arrays, `least` and `line` among them; whose balance is the first loss of the program beside it,
    and whose flows are the second.
    """

    least: FloatArray
    line: FloatArray
    fixed: FloatArray
    moving: IndexArray
    last: FloatArray
    surplus: FloatArray
    share: FloatArray
    amount: IntArray
    factor: IntArray
    source: IntArray
    target: IntArray
    start: IntArray
    member: IntArray


def _rules(table: Settling) -> Rules:
    steps = table.steps

    def doubles(values: FloatArray) -> FloatArray:
        return np.ascontiguousarray(values, dtype=np.float64)

    def whole(values: IntArray) -> IntArray:
        return np.ascontiguousarray(values, dtype=np.int32)

    return Rules(
        doubles(table.least), doubles(table.line), doubles(table.fixed), table.moving.astype(np.int64),
        doubles(table.last), doubles(table.surplus), doubles(table.share), whole(table.amount), whole(table.factor),
        whole(steps.source), whole(steps.target), whole(steps.start), whole(steps.member),
    )  # fmt: skip


@inlined
def _date(rules: Rules, flows: FloatArray, date: IndexArray, good: FloatArray) -> None:
    """date (256,): period in which each lane is settled, plus all periods where it is a shortfall.

    good (256,): 0, or nan where a flow is not finite. flows (T + moving * T, 256): running balances, then what is added
    to the moving amounts.
    """
    horizon = rules.last.size
    for i in range(_LANES):
        date[i] = horizon - 1
    for t in range(horizon - 1, -1, -1):
        least = rules.least[t]
        for i in range(_LANES):
            date[i] = t + horizon if flows[t, i] < least else date[i]
    fill(good, 0.0)
    for t in range(flows.shape[0]):
        for i in range(_LANES):
            good[i] += flows[t, i] - flows[t, i]


@inlined
def _settle(
    rules: Rules, flows: FloatArray, lane: Any, date: Any, defaulted: Any, owed: Any, held: FloatArray,
    due: FloatArray, unpaid: FloatArray, pools: FloatArray, left: FloatArray,
) -> Any:  # fmt: skip
    """Settle one lane: fill in held (R,), due and unpaid (claims,), pools and left (P,). 0, or nan for no number."""
    horizon = rules.last.size
    good = 0.0
    for r in range(held.size):
        held[r] = rules.fixed[r, date]
    for j in range(rules.moving.size):
        held[rules.moving[j]] += flows[horizon * (1 + j) + date, lane]
    for r in range(held.size):
        held[r] = max(held[r], 0.0)
    final = flows[date, lane]
    short, surplus = max(-final, 0.0), max(final, 0.0)
    drawn = min(short, rules.line[date])
    for k in range(owed):
        due[k] = held[k]
    due[owed] = drawn
    due[owed + 1] = short - drawn if defaulted else 0.0
    due[owed + 2] = rules.last[date]
    for q in range(pools.size):
        pools[q] = rules.surplus[q] * surplus
        if rules.amount[q] >= 0:
            other = held[rules.factor[q]] if rules.factor[q] >= 0 else 1.0
            pools[q] += rules.share[q] * held[rules.amount[q]] * other
    for k in range(due.size):
        unpaid[k] = due[k]
        good += due[k] - due[k]
    for q in range(pools.size):
        left[q] = pools[q]
        good += pools[q] - pools[q]
    pour(rules.source, rules.target, rules.start, rules.member, unpaid, left)
    return good


@entry
def settling_pass(
    blocks: SingleArray, p: Program, positions: IndexArray, rules: Rules, owed: int, bearers: int, count: int,
    rows: RowArray, weights: FloatArray, total: FloatArray, sums: FloatArray, hits: IndexArray, dates: IndexArray,
    low: int, high: int,
) -> None:  # fmt: skip
    """Settle the groups low..high of 64 * 256 of the first `count` rows, or of the given ones if there are any.

    weights: (n,), or none for 1 each. positions: as for `losses.loss_pass`. total: (n,), nan where a number is
    not finite. sums (groups, width + claims), hits (groups, width), dates (groups, T): zero on entry.
    """
    n = rows.size if rows.size > 0 else count
    claims, horizon = owed + 3, rules.last.size
    width = claims + bearers
    x = np.empty((positions.size if rows.size > 0 else 0, _LANES), np.float32)
    own = np.arange(positions.size)
    lane = np.empty(_LANES, np.uint64)
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    flows = np.empty((p.constant.size, _LANES))
    held, due, unpaid = np.empty(rules.fixed.shape[0]), np.empty(claims), np.empty(claims)
    pools, left = np.empty(rules.surplus.size), np.empty(rules.surplus.size)
    columns = np.empty((width + claims, _LANES))
    date, good = np.empty(_LANES, np.int64), np.empty(_LANES)
    for k in range(low, high):
        for first in range(k * _GROUP * _LANES, min((k + 1) * _GROUP * _LANES, n), _LANES):
            last = min(first + _LANES, n)
            if rows.size > 0:
                gather(x, blocks, positions, rows, lane, first, last)
                add_flows(flows, x, own, values, p, 0)
                carry(flows[:horizon], x, own, p, 0)
            else:
                add_flows(flows, blocks[first // _LANES], positions, values, p, 1)
                carry(flows[:horizon], blocks[first // _LANES], positions, p, 0)
            _date(rules, flows, date, good)
            for i in range(last - first):
                defaulted = date[i] >= horizon
                when = date[i] - horizon if defaulted else date[i]
                bad = good[i] + _settle(rules, flows, i, when, defaulted, owed, held, due, unpaid, pools, left)
                weight = weights[first + i] if weights.size > 0 else 1.0
                lost = 0.0
                for c in range(width):
                    own_pool = pools.size - width + c
                    borne = unpaid[c] if c < claims else pools[own_pool] - left[own_pool]
                    lost += borne
                    hits[k, c] += borne > _NOISE
                    columns[c, i] = borne * weight
                for c in range(claims):
                    columns[width + c, i] = due[c] * weight
                if defaulted:
                    dates[k, when] += 1
                total[first + i] = lost + bad  # bad is 0 or nan
            for c in range(width + claims):
                for i in range(last - first, _LANES):
                    columns[c, i] = 0.0
                sums[k, c] += fold(columns[c])


def settle_all(
    workers: Workers, blocks: SingleArray, count: int, p: Program, positions: IndexArray, table: Settling,
    rows: RowArray | None, weights: FloatArray | None,
) -> tuple[FloatArray, Tally]:  # fmt: skip
    """Total losses of the given rows, or of all, and their tally, as `host.HostVectors.settle` finds them.

    nan where a balance, an amount or a pool is not finite.
    """
    chosen = np.empty(0, np.int64) if rows is None else rows
    each = np.empty(0) if weights is None else weights
    n = count if rows is None else rows.size
    groups = -(-n // (LANES * MEAN_GROUP))
    rules, bearers = _rules(table), table.bearers
    total = np.empty(n)
    sums = np.zeros((groups, table.width + table.steps.claims))
    hits, dates = np.zeros((groups, table.width), np.int64), np.zeros((groups, table.periods), np.int64)
    workers.run(
        lambda low, high: settling_pass(
            blocks, p, positions, rules, table.owed, bearers, count, chosen, each, total, sums, hits, dates, low, high
        ),
        groups,
    )
    whole = np.zeros(sums.shape[1])
    for group in sums:
        whole += group
    return total, Tally(whole[: table.width], whole[table.width :], hits.sum(axis=0), dates.sum(axis=0))
