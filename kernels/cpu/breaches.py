"""How often flows fall short of their floors, for Numba: the twin of `breaches`, in one pass that keeps no flows."""

from __future__ import annotations

import numpy as np

from ..breaches import Breached
from ..layout import IndexArray, Program
from ..store import LANES
from ..tables import FloatArray, IntArray
from .innermost import WIDTH, add_flows
from .jit import entry
from .lanes import fill
from .losses import SingleArray
from .workers import Workers

_LANES, _WIDTH = LANES, WIDTH


@entry
def breach_pass(
    blocks: SingleArray, count: int, p: Program, positions: IndexArray, dates: IndexArray, rounding: float,
    worst: FloatArray, anywhere: IndexArray, first: IndexArray, low: int, high: int,
) -> None:  # fmt: skip
    """worst (blocks * 256,): least flow minus floor, nan where a flow is not finite.

    positions: as for `losses.loss_pass`. dates (periods,): the date of each period. anywhere, first (blocks, K):
    numbers of scenarios as in `breaches.Breached`.
    """
    values = np.empty((positions.size + 1, _WIDTH), np.float32)
    flows = np.empty((dates.size, _LANES))
    room = np.empty((first.shape[1], _LANES))
    seen = np.empty(_LANES, np.int64)
    for b in range(low, high):
        add_flows(flows, blocks[b], positions, values, p, 1)
        least = worst[b * _LANES : (b + 1) * _LANES]
        fill(least, np.inf)
        for d in range(first.shape[1]):
            fill(room[d], np.inf)
        for t in range(dates.size):
            floor, here = p.floor[t], room[dates[t]]
            for i in range(_LANES):
                above = flows[t, i] - floor
                here[i] = above if above < here[i] else here[i]
        for i in range(_LANES):
            seen[i] = 0
        lanes = min(_LANES, count - b * _LANES)
        for d in range(first.shape[1]):
            for i in range(_LANES):
                least[i] = room[d, i] if room[d, i] < least[i] else least[i]
            short, new = np.int64(0), np.int64(0)
            for i in range(lanes):
                below = np.int64(room[d, i] < -rounding)
                short += below
                new += below & ~seen[i]
                seen[i] |= below
            anywhere[b, d], first[b, d] = short, new
        for t in range(dates.size):
            for i in range(_LANES):
                least[i] += flows[t, i] - flows[t, i]


def count_breaches(
    workers: Workers, blocks: SingleArray, count: int, p: Program, positions: IndexArray, dates: IntArray,
    rounding: float,
) -> tuple[FloatArray, Breached]:  # fmt: skip
    """As `breaches.breaches`, with nan for a scenario whose flows are not all finite."""
    worst = np.empty(blocks.shape[0] * LANES)
    shape = (blocks.shape[0], int(dates.max()) + 1)
    anywhere, first = np.empty(shape, np.int64), np.empty(shape, np.int64)
    when: IndexArray = dates.astype(np.int64)
    workers.run(
        lambda low, high: breach_pass(
            blocks, count, p, positions, when, rounding, worst, anywhere, first, low, high
        ),
        blocks.shape[0],
    )  # fmt: skip
    return worst[:count], Breached(anywhere.sum(axis=0), first.sum(axis=0))
