"""A linear program with rows that can be switched off: which of them to keep, by a mixed-integer program.

A switch that is on keeps its rows; off, they may be missed, while its `shut` rows hold: what they count must then be
zero. The best objective comes first, then as many switches on as cost nothing of it. The constants that switch a row
off decide only on the choice: what is chosen is stated exactly by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from ..models.program import LinearProgram

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SECONDS = 20.0
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
    seconds: float = SECONDS,
) -> Choice | None:
    """The best switches of `count`; None where there is no plan even without the switched rows.

    All are off where the mixed-integer program finds nothing.

    Args:
        program: columns, objective and the rows numbered in `free`, which always hold.
        rows: hold while all their switches are on. shut: hold while their switch is off.
        seconds: time for the search; where it ends first, the best that was found.
    """
    sense = -1.0 if program.maximise else 1.0
    cost = sense * program.cost
    bounds = np.column_stack([program.col_lower, program.col_upper])
    always = [_of(program, free)]
    loose = _solved(cost, always, bounds)
    if loose is None:
        return None
    every = _solved(cost, [*always, _stack(rows)], bounds) if rows else loose
    if every is not None and cost @ every <= cost @ loose + SAME * max(1.0, abs(float(cost @ loose))):
        return Choice(np.ones(count, dtype=np.bool_), every)
    seen = [loose] if every is None else [loose, every]
    found = _mixed(cost, always[0], rows, shut, count, seen, (program.col_lower, program.col_upper), seconds)
    if every is not None and (found is None or cost @ every <= cost @ found.columns):
        return Choice(np.ones(count, dtype=np.bool_), every)
    return Choice(np.zeros(count, dtype=np.bool_), loose) if found is None else found


def _mixed(
    cost: FloatArray,
    always: LinearConstraint,
    rows: Sequence[Switched],
    shut: Sequence[Switched],
    count: int,
    seen: Sequence[FloatArray],
    bounds: tuple[FloatArray, FloatArray],
    seconds: float,
) -> Choice | None:
    """With binaries z: row @ x <= upper + most Σ (1 - z), and row @ x <= upper + most z of the shut rows.

    seen: the plans without the rows and, where there is one, with all of them, which is to be bettered.
    """
    width = cost.size
    kept = _switch(rows, _most(rows, seen), count, 1.0)
    closed = _switch(shut, _most(shut, seen), count, -1.0)
    wide = hstack([always.A, csr_array((always.A.shape[0], count))], format="csr")
    limits = [LinearConstraint(wide, always.lb, always.ub), *(x for x in (kept, closed) if x is not None)]
    padded = np.append(cost, np.zeros(count))
    box = Bounds(np.append(bounds[0], np.zeros(count)), np.append(bounds[1], np.ones(count)))
    whole = np.append(np.zeros(width), np.ones(count))
    if len(seen) > 1:
        limits.append(LinearConstraint(csr_array(padded[None, :]), -np.inf, float(cost @ seen[1])))
    options = {"time_limit": seconds, "mip_rel_gap": SAME}
    best = milp(padded, integrality=whole, bounds=box, constraints=limits, options=options)
    if best.x is None:
        return None
    ceiling = float(best.fun) + SAME * max(1.0, abs(float(best.fun)))
    as_good = LinearConstraint(csr_array(padded[None, :]), -np.inf, ceiling)
    most = milp(-whole, integrality=whole, bounds=box, constraints=[*limits, as_good], options=options)
    found = best.x if most.x is None else most.x
    return Choice(np.asarray(found[width:] > 0.5), np.asarray(found[:width]))


def _most(rows: Sequence[Switched], seen: Sequence[FloatArray]) -> FloatArray:
    """(rows,) by how much each may be missed: a multiple of the most that was seen."""
    if not rows:
        return np.zeros(0)
    over = np.array([max(float((r.row @ x)[0]) - r.upper for x in seen) for r in rows])
    return np.asarray(ROOM * np.maximum(over, max(LEAST, SHARE * float(over.max()))))


def _switch(rows: Sequence[Switched], most: FloatArray, count: int, sign: float) -> LinearConstraint | None:
    if not rows:
        return None
    at = [(i, k) for i, r in enumerate(rows) for k in r.by]
    i, k = (np.array(x, dtype=np.int64) for x in zip(*at, strict=True))
    links = csr_array((sign * most[i], (i, k)), shape=(len(rows), count))
    upper = np.array([r.upper for r in rows])
    if sign > 0.0:
        upper = upper + most * np.array([len(r.by) for r in rows])
    return LinearConstraint(hstack([vstack([r.row for r in rows]), links], format="csr"), -np.inf, upper)


def _stack(rows: Sequence[Switched]) -> LinearConstraint:
    return LinearConstraint(vstack([r.row for r in rows], format="csr"), -np.inf, np.array([r.upper for r in rows]))


def _of(program: LinearProgram, rows: NDArray[np.int64]) -> LinearConstraint:
    return LinearConstraint(program.matrix[rows], program.row_lower[rows], program.row_upper[rows])


def _solved(cost: FloatArray, limits: Sequence[LinearConstraint], bounds: FloatArray) -> FloatArray | None:
    """The best columns of a linear program; None where there are none."""
    matrix = vstack([x.A for x in limits], format="csr")
    low = np.concatenate([np.broadcast_to(x.lb, x.A.shape[0]) for x in limits])
    high = np.concatenate([np.broadcast_to(x.ub, x.A.shape[0]) for x in limits])
    same = low == high
    above, below = np.isfinite(high) & ~same, np.isfinite(low) & ~same
    found = linprog(
        cost,
        A_eq=matrix[same],
        b_eq=high[same],
        A_ub=vstack([matrix[above], -matrix[below]], format="csr"),
        b_ub=np.concatenate([high[above], -low[below]]),
        bounds=bounds,
        method="highs",
    )
    return np.asarray(found.x) if found.status == 0 else None
