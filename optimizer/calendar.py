"""In which periods each ring-fenced company may distribute: a choice that no linear program can make by itself.

A distribution passes tests (cash above the reserve, debt service cover at the lock-up level) or does not happen; see
models/blocks/entities.py. The calendar is chosen once, by a mixed-integer program on the expected path without risk
limits, with one binary per company and period: the best objective first, then as many open periods as cost nothing of
it. The plan is then the best, and certified, for this calendar: its tests are exact, while another calendar might be
better once risk limits bind. `distribution_from` and `lock_up` of an entity steer it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from ..models.blocks import owners, rules
from ..models.blocks.entities import has_tests
from ..models.build import build_program
from ..models.ledger import Ledger
from ..models.program import LinearProgram
from ..models.schema.case import Case
from .explain import split

FloatArray = NDArray[np.float64]
Positions = NDArray[np.int64]

SECONDS = 20.0
SAME = 1e-7
"""Share of the objective that counts as nothing."""
ROOM = 10.0
"""A test that is switched off may be missed by this many times what the plan without tests needs."""
TESTS = (rules.RESERVE.name, rules.LOCK_UP.name)


def closed_periods(case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray) -> frozenset[tuple[str, int]]:
    """(entity, period) without distributions, since their tests could only be met at a loss, or not at all."""
    tested = [e for e in owners.companies(case) if has_tests(e) and e.distribution_from < case.horizon.periods]
    if not tested:
        return frozenset()
    pairs = [(e.id, t) for e in tested for t in range(e.distribution_from, case.horizon.periods)]
    program = build_program(case, ledger, means, rates)
    opened = _opened(program, pairs, case.horizon.labels)
    return frozenset(pair for pair, is_open in zip(pairs, opened, strict=True) if not is_open)


def _opened(program: LinearProgram, pairs: list[tuple[str, int]], labels: tuple[str, ...]) -> NDArray[np.bool_]:
    """(pairs,) where the best plan with tests as switches has them on, or meets them anyway."""
    number = {pair: k for k, pair in enumerate(pairs)}
    period = {label: t for t, label in enumerate(labels)}
    where: dict[int, int] = {}
    for i, name in enumerate(program.row_names):
        prefix, index = split(name)
        if prefix in TESTS:
            where[i] = number[index[0], period[index[1]]]
    columns = {name: j for j, name in enumerate(program.column_names)}
    paid = [columns[f"distribution[{entity},{labels[t]}]"] for entity, t in pairs]
    rows = np.array(list(where), dtype=np.int64)
    free = np.setdiff1d(np.arange(len(program.row_names)), rows)
    sense = -1.0 if program.maximise else 1.0
    loose = linprog(
        sense * program.cost, **_rows(program, free), bounds=np.column_stack([program.col_lower, program.col_upper])
    )
    if loose.status != 0:  # the case has no plan even without tests; the loop says why
        return np.ones(len(pairs), dtype=np.bool_)
    activity = program.matrix @ loose.x
    short = np.max(np.abs(program.row_lower[rows] - activity[rows]), initial=0.0)
    most = ROOM * max(1e-3, float(short), float(np.max(loose.x[paid], initial=0.0)))
    of = np.array(list(where.values()), dtype=np.int64)
    return _switched(program, rows, of, np.array(paid, dtype=np.int64), most)


def _switched(
    program: LinearProgram, rows: Positions, of: Positions, paid: Positions, most: float
) -> NDArray[np.bool_]:
    """Solve with binaries z: test >= bound - most (1 - z), distribution <= most z. All closed if there is no plan."""
    width, count = program.matrix.shape[1], paid.size
    lift = np.zeros(len(program.row_names))
    lift[rows] = most
    of_row = csr_array((np.full(rows.size, -most), (rows, of)), shape=(len(program.row_names), count))
    tie = csr_array((np.ones(count), (np.arange(count), paid)), shape=(count, width))
    switch = csr_array((np.full(count, -most), (np.arange(count), np.arange(count))), shape=(count, count))
    matrix = vstack([hstack([program.matrix, of_row]), hstack([tie, switch])], format="csr")
    limits = [
        LinearConstraint(
            matrix,
            np.append(program.row_lower - lift, np.full(count, -np.inf)),
            np.append(program.row_upper, np.zeros(count)),
        )
    ]
    cost = np.append((-1.0 if program.maximise else 1.0) * program.cost, np.zeros(count))
    bounds = Bounds(np.append(program.col_lower, np.zeros(count)), np.append(program.col_upper, np.ones(count)))
    whole = np.append(np.zeros(width), np.ones(count))
    options = {"time_limit": SECONDS, "mip_rel_gap": SAME}
    best = milp(cost, integrality=whole, bounds=bounds, constraints=limits, options=options)
    if best.x is None:
        return np.zeros(count, dtype=np.bool_)
    ceiling = float(best.fun) + SAME * max(1.0, abs(float(best.fun)))
    as_good = LinearConstraint(csr_array(cost[None, :]), -np.inf, ceiling)
    openest = milp(-whole, integrality=whole, bounds=bounds, constraints=[*limits, as_good], options=options)
    found = best if openest.x is None else openest
    return np.asarray(found.x[width:] > 0.5)


def _rows(program: LinearProgram, rows: Positions) -> dict[str, object]:
    matrix, low, high = program.matrix[rows], program.row_lower[rows], program.row_upper[rows]
    same = low == high
    above, below = np.isfinite(high) & ~same, np.isfinite(low) & ~same
    return {
        "A_eq": matrix[same],
        "b_eq": high[same],
        "A_ub": vstack([matrix[above], -matrix[below]], format="csr"),
        "b_ub": np.concatenate([high[above], -low[below]]),
        "method": "highs",
    }
