"""A linear program with rows that can be switched off: which of them to keep, by a mixed-integer program.

A switch that is on keeps its rows; off, they may be missed, while its `shut` rows hold: what they count must then be
zero. The best objective comes first, then as many switches on as cost nothing of it. The constants that switch a row
off decide only on the choice: what is chosen is stated exactly by the caller.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

from ...models.program import LinearProgram
from ..arrays import FloatArray
from .highs import LpResult, LpStatus, Model, solve_whole
from .progress import OutOfTime

BoolArray = NDArray[np.bool_]
Rows = tuple[csr_array, FloatArray, FloatArray]
"""A matrix with the lower and upper bounds of its rows."""

NODES = 2_000
"""Most nodes of the search tree; the best choice found by then is taken, whatever the machine."""
SAME = 1e-7
"""Share of the objective that counts as nothing."""
ROOM = 10.0
"""A row that is switched off may be missed by this many times what the plan without the switched rows needs."""
LEAST, SHARE = 0.1, 0.1
"""What counts as seen in any case: billion, and a share of the most that was seen of any row."""


@dataclass(frozen=True, eq=False)
class Switched:
    """One row, row @ columns <= upper, of switches.

    by: the switches that must all be on for it to hold; for a `shut` row the one that must be off.
    """

    row: csr_array
    upper: float
    by: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """on: (switches,). columns: the plan that it was found with."""

    on: BoolArray
    columns: FloatArray


def best_switches(
    program: LinearProgram,
    free: NDArray[np.int64],
    rows: Sequence[Switched],
    shut: Sequence[Switched],
    count: int,
    end: float,
) -> Choice | None:
    """The best switches of `count`; None where there is no plan even without the switched rows.

    All are off where the mixed-integer program finds nothing. The same call gives the same choice.

    Args:
        program: columns, objective and the rows numbered in `free`, which always hold.
        rows: hold while all their switches are on. shut: hold while their switch is off.
        end: time of the performance counter at which to give up.

    Raises:
        OutOfTime: at `end`. Unsolved, Interrupted: as `Model.solve`.
    """
    cost = (-1.0 if program.maximise else 1.0) * program.cost
    bounds = (program.col_lower, program.col_upper)
    always = (program.matrix[free], program.row_lower[free], program.row_upper[free])
    loose = _solved(cost, always, bounds, end)
    if loose is None:
        return None
    every = _solved(cost, _joined([always, _stack(rows)]), bounds, end) if rows else loose
    if every is not None and cost @ every <= cost @ loose + SAME * max(1.0, abs(float(cost @ loose))):
        return Choice(np.ones(count, dtype=np.bool_), every)
    seen = [loose] if every is None else [loose, every]
    found = _mixed(cost, always, rows, shut, count, seen, bounds, end)
    if every is not None and (found is None or cost @ every <= cost @ found.columns):
        return Choice(np.ones(count, dtype=np.bool_), every)
    return Choice(np.zeros(count, dtype=np.bool_), loose) if found is None else found


def _mixed(
    cost: FloatArray,
    always: Rows,
    rows: Sequence[Switched],
    shut: Sequence[Switched],
    count: int,
    seen: Sequence[FloatArray],
    bounds: tuple[FloatArray, FloatArray],
    end: float,
) -> Choice | None:
    """With binaries z: row @ x <= upper + most Σ (1 - z), and row @ x <= upper + most z of the shut rows.

    seen: the plans without the rows and, where there is one, with all of them, which is to be bettered.
    """
    width = cost.size
    wide = hstack([always[0], csr_array((always[0].shape[0], count))], format="csr")
    parts = [(csr_array(wide), always[1], always[2])]
    parts += [_switch(rows, _most(rows, seen), count, 1.0)] if rows else []
    parts += [_switch(shut, _most(shut, seen), count, -1.0)] if shut else []
    padded = np.append(cost, np.zeros(count))
    if len(seen) > 1:
        parts.append(_at_most(padded, float(cost @ seen[1])))
    box = (np.append(bounds[0], np.zeros(count)), np.append(bounds[1], np.ones(count)))
    whole = np.append(np.zeros(width, dtype=np.bool_), np.ones(count, dtype=np.bool_))
    best = _whole(padded, _joined(parts), box, whole, end)
    if best is None:
        return None
    parts.append(_at_most(padded, best.objective + SAME * max(1.0, abs(best.objective))))
    most = _whole(-whole.astype(np.float64), _joined(parts), box, whole, end)
    found = best.x if most is None else most.x
    return Choice(np.asarray(found[width:] > 0.5), np.asarray(found[:width]))


def _most(rows: Sequence[Switched], seen: Sequence[FloatArray]) -> FloatArray:
    """(rows,) by how much each may be missed: a multiple of the most that was seen."""
    over = np.array([max(float((r.row @ x)[0]) - r.upper for x in seen) for r in rows])
    return np.asarray(ROOM * np.maximum(over, max(LEAST, SHARE * float(over.max()))))


def _switch(rows: Sequence[Switched], most: FloatArray, count: int, sign: float) -> Rows:
    at = [(i, k) for i, r in enumerate(rows) for k in r.by]
    i, k = (np.array(x, dtype=np.int64) for x in zip(*at, strict=True))
    links = csr_array((sign * most[i], (i, k)), shape=(len(rows), count))
    upper = np.array([r.upper for r in rows])
    if sign > 0.0:
        upper = upper + most * np.array([len(r.by) for r in rows])
    matrix = hstack([vstack([r.row for r in rows]), links], format="csr")
    return csr_array(matrix), np.full(len(rows), -np.inf), upper


def _stack(rows: Sequence[Switched]) -> Rows:
    matrix = vstack([r.row for r in rows], format="csr")
    return csr_array(matrix), np.full(len(rows), -np.inf), np.array([r.upper for r in rows])


def _at_most(cost: FloatArray, ceiling: float) -> Rows:
    return csr_array(cost[None, :]), np.array([-np.inf]), np.array([ceiling])


def _joined(parts: Sequence[Rows]) -> Rows:
    matrix = vstack([matrix for matrix, _, _ in parts], format="csr")
    return csr_array(matrix), np.concatenate([low for _, low, _ in parts]), np.concatenate([x for _, _, x in parts])


def _solved(cost: FloatArray, rows: Rows, bounds: tuple[FloatArray, FloatArray], end: float) -> FloatArray | None:
    """The best columns of a linear program; None where there are none."""
    found = Model(cost, *rows, *bounds).solve(end - time.perf_counter())
    return found.x if _answered(found) else None


def _whole(
    cost: FloatArray, rows: Rows, bounds: tuple[FloatArray, FloatArray], whole: BoolArray, end: float
) -> LpResult | None:
    """The best point found with whole numbers; None where there is none, or the nodes were not enough for any."""
    matrix, low, high = rows
    found = solve_whole(cost, matrix, (low, high), bounds, whole, SAME, NODES, end - time.perf_counter())
    return found if _answered(found) and found.x.size else None


def _answered(result: LpResult) -> bool:
    if result.status is LpStatus.OUT_OF_TIME:
        raise OutOfTime
    return result.status is LpStatus.OPTIMAL
