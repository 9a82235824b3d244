"""Simulation of all drivers for given scenario numbers: the definition, in NumPy."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from . import drivers as dr
from .draws import Stream, normals, uniforms
from .tables import FloatArray, ProcessTable


def used_shocks(table: ProcessTable) -> NDArray[np.bool_]:
    """(D,) whether a driver's own normal enters the shock of any driver that has one."""
    random = np.isin(table.kind, [p for p, definition in dr.DEFINITIONS.items() if definition.shock])
    return np.asarray((table.cholesky[random] != 0.0).any(axis=0))


def shocks(cholesky: FloatArray, e: list[FloatArray | None], driver: int) -> FloatArray | float:
    """z = sum_j L[driver, j] e_j in ascending j; empty weights are skipped, so that every backend adds alike."""
    z: FloatArray | float = 0.0
    for j in range(driver + 1):
        own = e[j]
        if cholesky[driver, j] != 0.0 and own is not None:
            z = z + cholesky[driver, j] * own
    return z


def simulate(table: ProcessTable, scenarios: NDArray[np.uint64], seed: int, sample: int) -> FloatArray:
    """(n, D, T) values of all drivers, float64, for the scenarios given by number."""
    count, n = table.drivers, scenarios.shape[0]
    kinds, word = [int(k) for k in table.kind], [int(w) for w in table.word]
    out = np.empty((n, count, table.periods))
    state = [np.full(n, dr.initial_state(k, table.params[d, 0], table.start[d])) for d, k in enumerate(kinds)]
    second = [np.full(n, table.params[d, 0, 6] != 0.0) for d in range(count)]
    level = [np.full(n, dr.initial_level(k, table.params[d, 0], table.start[d])) for d, k in enumerate(kinds)]
    out[:, :, 0] = np.stack(level, axis=1)
    used = used_shocks(table)
    for t in range(1, table.periods):
        e = [normals(scenarios, t, word[d], Stream.NORMAL, seed, sample) if used[d] else None for d in range(count)]
        before = list(level)
        for d, kind in enumerate(kinds):
            row, other, definition = table.params[d, t], int(table.depends_on[d]), dr.DEFINITIONS[dr.Process(kind)]
            if definition.step is None:  # the driver that it shows stands before it and has made its step
                state[d] = level[d] = definition.shown(row, level[other])
            else:
                draw = (scenarios, t, word[d])
                seen = dr.Seen(
                    z=np.zeros(n) + (shocks(table.cholesky, e, d) if definition.shock else 0.0),
                    uniform=partial(uniforms, *draw, Stream.UNIFORM, seed, sample),
                    size=partial(normals, *draw, Stream.JUMP_SIZE, seed, sample),
                    second=second[d],
                    ratio=None if other < 0 else before[other] / table.start[other],
                )
                state[d], second[d] = definition.step(row, state[d], seen)
                level[d] = definition.shown(row, state[d])
            out[:, d, t] = level[d]
    return out
