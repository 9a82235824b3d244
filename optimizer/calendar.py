"""In which periods each ring-fenced company may distribute: a choice that no linear program can make by itself.

A distribution passes tests (cash above the reserve, debt service cover at the lock-up level) or does not happen; see
models/blocks/entities.py. The calendar is chosen once, by a mixed-integer program on the expected path without risk
limits, with one binary per company and period: the best objective first, then as many open periods as cost nothing of
it. The plan is then the best, and certified, for this calendar: its tests are exact, while another calendar might be
better once risk limits bind. `distribution_from` and `lock_up` of an entity steer it.
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

from ..models.blocks import owners, rules
from ..models.blocks.entities import has_tests
from ..models.build import build_program
from ..models.ledger import Ledger
from ..models.program import LinearProgram
from ..models.schema.case import Case
from .explain import split
from .highs import LpResult, LpStatus, Model, Unsolved, solve_whole
from .magnitudes import far_apart
from .progress import OutOfTime

FloatArray = NDArray[np.float64]
Positions = NDArray[np.int64]

NODES = 20_000
"""Most nodes of the search tree; the best calendar found by then is taken."""
SAME = 1e-7
"""Share of the objective that counts as nothing."""
ROOM = 10.0
"""A test that is switched off may be missed by this many times what the plan without tests needs."""
TESTS = (rules.RESERVE.name, rules.LOCK_UP.name)


def closed_periods(
    case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray, time_left: float = math.inf
) -> frozenset[tuple[str, int]]:
    """(entity, period) without distributions, since their tests could only be met at a loss, or not at all.

    Raises `OutOfTime`, `Interrupted`, and `Unsolved` where HiGHS fails.
    """
    tested = [e for e in owners.companies(case) if has_tests(e) and e.distribution_from < case.horizon.periods]
    if not tested:
        return frozenset()
    pairs = [(e.id, t) for e in tested for t in range(e.distribution_from, case.horizon.periods)]
    program = build_program(case, ledger, means, rates)
    try:
        opened = _opened(program, pairs, case.horizon.labels, time.perf_counter() + time_left)
    except Unsolved as fault:
        raise Unsolved(f"{fault}, made to choose when entities distribute; {far_apart(program)}") from fault
    return frozenset(pair for pair, is_open in zip(pairs, opened, strict=True) if not is_open)


def _opened(
    program: LinearProgram, pairs: list[tuple[str, int]], labels: tuple[str, ...], end: float
) -> NDArray[np.bool_]:
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
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    lower[rows], upper[rows] = -np.inf, np.inf
    cost = (-1.0 if program.maximise else 1.0) * program.cost
    matrix = csr_array(program.matrix)
    loose = Model(cost, matrix, lower, upper, program.col_lower, program.col_upper).solve(_left(end))
    if not _answered(loose):  # the case has no plan even without tests; the loop says why
        return np.ones(len(pairs), dtype=np.bool_)
    short = np.max(np.abs(program.row_lower[rows] - loose.row_value[rows]), initial=0.0)
    most = ROOM * max(1e-3, float(short), float(np.max(loose.x[paid], initial=0.0)))
    of = np.array(list(where.values()), dtype=np.int64)
    return _switched(program, rows, of, np.array(paid, dtype=np.int64), most, end)


def _switched(
    program: LinearProgram, rows: Positions, of: Positions, paid: Positions, most: float, end: float
) -> NDArray[np.bool_]:
    """Solve with binaries z: test >= bound - most (1 - z), distribution <= most z. All closed if there is no plan."""
    width, count = program.matrix.shape[1], paid.size
    lift = np.zeros(len(program.row_names))
    lift[rows] = most
    of_row = csr_array((np.full(rows.size, -most), (rows, of)), shape=(len(program.row_names), count))
    tie = csr_array((np.ones(count), (np.arange(count), paid)), shape=(count, width))
    switch = csr_array((np.full(count, -most), (np.arange(count), np.arange(count))), shape=(count, count))
    matrix = csr_array(vstack([hstack([program.matrix, of_row]), hstack([tie, switch])], format="csr"))
    low = np.append(program.row_lower - lift, np.full(count, -np.inf))
    high = np.append(program.row_upper, np.zeros(count))
    cost = np.append((-1.0 if program.maximise else 1.0) * program.cost, np.zeros(count))
    bounds = (np.append(program.col_lower, np.zeros(count)), np.append(program.col_upper, np.ones(count)))
    whole = np.append(np.zeros(width, dtype=np.bool_), np.ones(count, dtype=np.bool_))
    best = solve_whole(cost, matrix, (low, high), bounds, whole, SAME, NODES, _left(end))
    if not _answered(best) or not best.x.size:
        return np.zeros(count, dtype=np.bool_)
    ceiling = best.objective + SAME * max(1.0, abs(best.objective))
    matrix = csr_array(vstack([matrix, csr_array(cost[None, :])], format="csr"))
    as_good = (np.append(low, -np.inf), np.append(high, ceiling))
    openest = solve_whole(-whole.astype(np.float64), matrix, as_good, bounds, whole, SAME, NODES, _left(end))
    found = openest if _answered(openest) and openest.x.size else best
    return np.asarray(found.x[width:] > 0.5)


def _left(end: float) -> float:
    return end - time.perf_counter()


def _answered(result: LpResult) -> bool:
    """Whether there is a plan. OutOfTime where the time did not reach for an answer."""
    if result.status is LpStatus.OUT_OF_TIME:
        raise OutOfTime
    return result.status is LpStatus.OPTIMAL
