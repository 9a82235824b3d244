"""Simulation of blocks of scenarios in one fused pass, for Numba: the twin of `paths`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..draws import Stream
from ..drivers import Process
from ..store import LANES
from ..tables import FloatArray, IntArray
from . import drivers as step
from .draws import fill_uniforms, to_normals
from .jit import entry, inlined
from .lanes import fill

_LANES = LANES
_NORMAL, _UNIFORM = np.uint64(Stream.NORMAL), np.uint64(Stream.UNIFORM)
_DETERMINISTIC, _SURVIVAL = int(Process.DETERMINISTIC), int(Process.SURVIVAL)


@inlined
def _shock(z: FloatArray, weights: FloatArray, e: FloatArray, driver: Any, word: Any) -> None:
    """z = sum_j weights[j] e[j, word] over non-zero weights in ascending j."""
    fill(z, 0.0)
    for j in range(driver + 1):
        w = weights[j]
        if w != 0.0:
            for i in range(z.size):
                z[i] += w * e[j, word, i]


@entry
def simulate_blocks(
    out: NDArray[np.float32], first: Any, chosen: NDArray[np.uint64], seed: Any, sample: Any, kind: IntArray,
    params: FloatArray, state0: FloatArray, level0: FloatArray, start: FloatArray, depends_on: IntArray,
    cholesky: FloatArray, used: NDArray[np.bool_], own_word: NDArray[np.uint64], finite: NDArray[np.bool_], low: int,
    high: int,
) -> None:  # fmt: skip
    """Fill the blocks low..high of out (blocks, D, T, 256), whose first scenario is `first`, or whose scenarios are
    `chosen` (blocks * 256,), if that is not empty.

    finite: (blocks,) whether all values are. state0, level0: (D,) states and shown values in period 0. used: (D,) as
    from `paths.used_shocks`. own_word: (D,) the drivers' words in the counter.
    """
    _, count, periods, _ = out.shape
    e = np.empty((count, 4, _LANES))
    u = np.empty((count, 4, _LANES))
    z = np.empty(_LANES)
    state = np.empty((count, _LANES))
    level = np.empty((count, _LANES))
    second = np.empty((count, _LANES))
    numbers = np.empty(_LANES, np.uint64)
    place = np.empty(_LANES, np.int64)
    limit = np.empty(_LANES)
    for i in range(low, high):
        for lane in range(_LANES):
            at = i * _LANES + lane
            numbers[lane] = chosen[at] if chosen.size > 0 else first + np.uint64(at)
        for d in range(count):
            fill(state[d], state0[d])
            fill(level[d], level0[d])
            fill(second[d], params[d, 0, 6])
            for lane in range(_LANES):
                out[i, d, 0, lane] = np.float32(level0[d])
        for quad in range((periods + 3) // 4):
            q = np.uint64(quad)
            for d in range(count):
                if used[d]:
                    fill_uniforms(e[d], numbers, q, own_word[d], _NORMAL, seed, sample)
                    to_normals(e[d])
                if step.draws_uniform(kind[d]):
                    fill_uniforms(u[d], numbers, q, own_word[d], _UNIFORM, seed, sample)
            for word in range(max(1 - 4 * quad, 0), min(4, periods - 4 * quad)):
                t = 4 * quad + word
                # survivals first: they look at the other drivers' levels before this period's step
                for d in range(count):
                    if kind[d] == _SURVIVAL:
                        row = params[d, t]
                        _shock(z, cholesky[d], e, d, word)
                        other = depends_on[d]
                        if other < 0 or row[2] == 0.0:
                            step.survival(row, state[d], z, level[d])
                        else:
                            step.survival_wrong_way(
                                row, state[d], z, level[other], start[other], level[d], place, limit
                            )
                for d in range(count):
                    k = kind[d]
                    row = params[d, t]
                    if k == _DETERMINISTIC:
                        fill(level[d], row[0])
                    elif step.shows(k):
                        step.show(k, row, level[depends_on[d]], level[d])
                    elif k != _SURVIVAL:
                        _shock(z, cholesky[d], e, d, word)
                        step.move(
                            k, row, state[d], second[d], z, u[d], level[d], place, numbers, q, word, own_word[d],
                            seed, sample,
                        )  # fmt: skip
                    for lane in range(_LANES):
                        out[i, d, t, lane] = np.float32(level[d, lane])
        good = True
        for d in range(count):
            for t in range(periods):
                for lane in range(_LANES):
                    good &= np.isfinite(out[i, d, t, lane])
        finite[i] = good
