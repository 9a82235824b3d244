"""Where tests apply: a choice between "nothing is due" or "nothing is paid" and "the test is met".

A ring-fenced company's distribution passes tests or does not happen (models/blocks/entities.py), and a covenant of
cover is met or nothing is due (models/blocks/covenants.py). Each is a union of two sets, which no linear program can
state, so a calendar is chosen once, by a mixed-integer program on the expected path without risk limits: the best
objective first, then as many tests as cost nothing of it. A covenant that is kept over the scenarios is there kept on
the expected path, which it implies, and in the tail of each period as far as a few cuts say. The plan is then the best,
and certified, for this calendar: its tests are exact, while another calendar might be better once risk limits bind.
`distribution_from` and `lock_up` of an entity, `from_period` of a covenant steer it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ...models.blocks import owners, rules
from ...models.blocks.entities import SERVICE, has_tests, lock_up_of
from ...models.blocks.figures import spelled_out
from ...models.blocks.headroom import headrooms, name_of, test_of
from ...models.build import build_program
from ...models.flows import Flow, expected, trailing_window
from ...models.ledger import Ledger
from ...models.own_limits import OwnLimit
from ...models.program import LinearProgram, period_of
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..cutting_planes.highs import Unsolved
from ..cutting_planes.magnitudes import far_apart
from ..cutting_planes.switches import Switched, best_switches

Pair = tuple[str, int]

ROUNDS = 4
DUE = 1e-12


@dataclass(frozen=True)
class Calendar:
    """(entity, period) without distributions; (name of a test, period) in which nothing is due."""

    closed: frozenset[Pair] = frozenset()
    nothing_due: frozenset[Pair] = frozenset()


@dataclass(frozen=True, eq=False)
class TailCut:
    """row @ decisions <= upper: a test's headroom in the tail of its period is not negative."""

    test: Pair
    row: FloatArray
    upper: float


TailCuts = Callable[[FloatArray, Sequence[Pair]], Sequence[TailCut]]
"""Cuts that the decisions (N,) break, of the tests given."""


def calendar(
    case: Case,
    ledger: Ledger,
    means: FloatArray,
    rates: FloatArray,
    tail_cuts: TailCuts | None = None,
    time_left: float = math.inf,
    own: Sequence[OwnLimit] = (),
) -> Calendar:
    """The periods without distributions and those without tests of cover.

    Args:
        means: (A,) sample means of the ledger's atoms. rates: (T,) mean deposit rates.
        tail_cuts: what covenants that are kept over the scenarios ask beyond the expected path.
        time_left: seconds; the choice itself depends on no clock.
        own: limits that the user added.

    Raises `OutOfTime`, `Interrupted`, and `Unsolved` where HiGHS fails.
    """
    periods = case.horizon.periods
    tested = [e for e in owners.companies(case) if has_tests(e)]
    gates = [(_gate(e.id), t) for e in tested for t in range(e.distribution_from, periods)]
    optional = optional_tests(case, ledger, means, rates)
    if not gates and not optional:
        return Calendar()
    kept = replace(case, covenant=tuple(replace(c, as_="maintained") for c in case.covenant if c.as_ != "monitored"))
    program = build_program(kept, ledger, means, rates, own=own)
    without = program
    if optional:
        without = build_program(kept, ledger, means, rates, nothing_due=frozenset(optional), own=own)
    number = {pair: k for k, pair in enumerate([*gates, *optional])}
    rows, free = _switched(program, number)
    shut = [*_paid(program, number), *_nothing_due(without, number)]
    cuts: list[TailCut] = []
    choice = None
    end = time.perf_counter() + time_left
    for _ in range(ROUNDS):
        more = [_lifted(cut, number, program.decisions, program.matrix.shape[1]) for cut in cuts]
        try:
            choice = best_switches(program, free, [*rows, *more], shut, len(number), end)
        except Unsolved as fault:
            raise Unsolved(f"{fault}, made to choose when tests apply; {far_apart(program)}") from fault
        if choice is None or tail_cuts is None:
            break
        on = [pair for pair in optional if choice.on[number[pair]]]
        new = tail_cuts(choice.columns[program.decisions], on)
        if not new:
            break
        cuts += new
    if choice is None:  # no plan on the expected path: the loop says why
        return Calendar()
    off = [pair for pair, k in number.items() if not choice.on[k]]
    closed = frozenset((e.id, t) for e in tested for name, t in off if name == _gate(e.id))
    return Calendar(closed, frozenset(pair for pair in off if pair in set(optional)))


def _gate(entity: str) -> str:
    """Name of the switch that lets an entity distribute."""
    return f"distribution {entity}"


def closed_periods(
    case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray, time_left: float = math.inf
) -> frozenset[Pair]:
    """(entity, period) without distributions, since their tests could only be met at a loss, or not at all."""
    return calendar(case, ledger, means, rates, None, time_left).closed


def optional_tests(case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray) -> list[Pair]:
    """Tests of cover of periods in which something may be due but need not be: no opening debt is served there."""
    fixed = ledger.mask(block="fixed").astype(np.float64)
    found: list[Pair] = []
    for covenant in case.covenant:
        for test in headrooms(case, ledger, covenant) if covenant.as_ != "monitored" else ():
            if test.due is not None:
                flows = spelled_out(case, ledger, covenant.entity, test.due, rates).flows
                due = expected(ledger, flows, means, test.times) @ fixed
                tested = set(test.tested)
                found += [
                    (name_of(covenant), t) for t, d in zip(test.times, due, strict=True) if t in tested and d <= DUE
                ]
    year = trailing_window(ledger.periods, case.horizon.per_year)
    for entity in owners.companies(case):
        if entity.lock_up is not None:
            share = owners.share_of(case, ledger, entity.id)
            service = expected(ledger, [Flow(SERVICE, -1.0, share, year)], means, range(ledger.periods))
            due, there = service @ fixed, np.diff(service.indptr) > 0
            times = range(entity.distribution_from, ledger.periods)
            found += [(lock_up_of(entity), t) for t in times if there[t] and due[t] <= DUE]
    return found


def _switched(program: LinearProgram, number: Mapping[Pair, int]) -> tuple[list[Switched], NDArray[np.int64]]:
    """The rows of tests that a switch governs, and the numbers of all others."""
    found: list[Switched] = []
    free = np.ones(len(program.row_names), dtype=np.bool_)
    for i, row in enumerate(program.row_index):
        prefix = row.rule
        if prefix in (rules.RESERVE.name, rules.LOCK_UP.name):
            entity, t = row.keys[0], period_of(row)
            keys = [(_gate(entity), t)] + ([(f"lock-up {entity}", t)] if prefix == rules.LOCK_UP.name else [])
        elif tested := program.tests(row):
            keys = [(test_of(tested), period_of(row))]
        else:
            continue
        by = tuple(number[key] for key in keys if key in number)
        if by:
            free[i] = False
            found.append(_at_most(program, i, by))
    return found, np.flatnonzero(free)


def _paid(program: LinearProgram, number: Mapping[Pair, int]) -> list[Switched]:
    """Distributions are zero while their switch is off."""
    width, found = program.matrix.shape[1], []
    for j, column in enumerate(program.column_index):
        if column.rule == "distribution" and (gate := (_gate(column.keys[0]), period_of(column))) in number:
            row = csr_array(([1.0], ([0], [j])), shape=(1, width))
            found.append(Switched(row, 0.0, (number[gate],)))
    return found


def _nothing_due(program: LinearProgram, number: Mapping[Pair, int]) -> list[Switched]:
    """What is due is zero while a test of cover is off."""
    found = []
    for i, row in enumerate(program.row_index):
        if row.rule == rules.NOTHING_DUE.name:
            found.append(_at_most(program, i, (number[f"lock-up {row.keys[0]}", period_of(row)],)))
        elif (rule := program.rule_of(row)) is not None and rule.untested:
            found.append(_at_most(program, i, (number[test_of(rule.untested), period_of(row)],)))
    return found


def _at_most(program: LinearProgram, i: int, by: tuple[int, ...]) -> Switched:
    """Row i of the program as one with an upper bound."""
    row = csr_array(program.matrix[[i]])
    if np.isfinite(program.row_upper[i]):
        return Switched(row, float(program.row_upper[i]), by)
    return Switched(csr_array(-row), -float(program.row_lower[i]), by)


def _lifted(cut: TailCut, number: Mapping[Pair, int], decisions: NDArray[np.int32], width: int) -> Switched:
    """A cut over the decisions as a row over the columns."""
    used = np.flatnonzero(cut.row)
    at = (np.zeros(used.size, dtype=np.int64), decisions[used])
    return Switched(csr_array((cut.row[used], at), shape=(1, width)), cut.upper, (number[cut.test],))
