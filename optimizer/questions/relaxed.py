"""A case with limits relaxed or set aside, on the scenarios of a run: its program, losses and calendar made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...models.blocks import owners
from ...models.blocks.entities import has_tests
from ...models.schema.case import Case
from ..cutting_planes.highs import Unsolved
from ..setup.lockup_calendar import Calendar, calendar, optional_tests
from ..setup.prepare import Clock, PlanningProblem, prepare
from ..setup.tail_cuts import tail_cuts_of
from .limits import Limit, Own


def relaxed(
    ready: PlanningProblem,
    seed: int,
    moves: Mapping[Limit, float],
    clock: Clock,
    dates: Mapping[Limit, int] | None = None,
) -> PlanningProblem:
    """What `ready` would be where each limit is relaxed by so much of its unit; infinite: without the limit. dates: the
    limits that are put off, and to which period. seed: of the scenarios of `ready`.

    Every test applies: `rescheduled` chooses which. With reviews the same tests apply as in `ready`.

    Raises OutOfTime and Interrupted as `Clock.check`.
    """
    clock.check()
    case, own = ready.case, ready.own
    for limit, move in moves.items():
        if move > 0.0:
            case, own = limit.change(case, own, move)
    for limit, date in (dates or {}).items():
        assert limit.later is not None
        case, own = limit.later(case, own, date)
    if any(limit.ledger and move > 0.0 for limit, move in moves.items()):
        drawn = [(ready.processes, ready.store)]
        return prepare(case, ready.backend, ready.store.count, seed, clock, drawn, None, own)
    if case is ready.case and own is ready.own and not (ready.closed or ready.nothing_due):
        return ready
    every = Calendar() if ready.adaptive is None else Calendar(ready.closed, ready.nothing_due)
    return _with(ready, case, own, every)


def may_be_rescheduled(ready: PlanningProblem) -> bool:
    """Whether there are tests that need not apply."""
    if ready.adaptive is not None:
        return False
    gates = any(has_tests(entity) for entity in owners.companies(ready.case))
    return gates or bool(optional_tests(ready.case, ready.ledger, ready.means, ready.deposit_rates))


def rescheduled(ready: PlanningProblem, clock: Clock) -> PlanningProblem | None:
    """The same with a choice of the tests that apply; None where that is all of them, or no plan meets any choice."""
    case, ledger, means, rates = ready.case, ready.ledger, ready.means, ready.deposit_rates
    cuts = tail_cuts_of(case, ledger, rates, ready.backend, ready.store)
    try:
        chosen = clock.timed(lambda left: calendar(case, ledger, means, rates, cuts, left, ready.own))
    except Unsolved:  # on the very border of what is possible
        return None
    if chosen == Calendar():
        return None
    return _with(ready, case, ready.own, chosen)


def _with(ready: PlanningProblem, case: Case, own: Own, chosen: Calendar) -> PlanningProblem:
    before = replace(ready, own=own, closed=chosen.closed, nothing_due=chosen.nothing_due)
    return before.with_rows(case).with_losses(case)
