"""What a tightening step of each covenant costs: nothing where the plan keeps it as it is, else by planning again.

To first order a limit that does not bind costs nothing, however near it is, and what a step costs beyond its headroom
no price of the plan can tell. So the plan is sought again with the limit a step tighter. Cuts and the vertex of the
first search are handed on, as between the points of a frontier: the scenarios and all other losses are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter

from ...models.blocks.headroom import name_of
from ...models.schema.case import Case
from ...models.schema.rules import Covenant
from ..cutting_planes.highs import SolverError
from ..cutting_planes.master import Infeasible
from ..cutting_planes.progress import OutOfTime, Progress, named
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Solution, Status
from ..setup.assemble import risk_limits
from ..setup.prepare import PlanningProblem
from ..setup.risk_losses import all_risks
from .covenants import StepPrice, kept_when_tightened, shortfall_at, tightening
from .handed_on import handed_on
from .lawful import put_right
from .tidy import amounts_of

PROGRAMS, SHARE = 200, 4  # linear programs for all covenants together: so many, or a multiple of the search's own
ROUNDS = 10  # full passes of one search: a count, so that the same seed gives the same prices on every machine


@dataclass(frozen=True)
class _Search:
    """What the searches share: the gap of the plan and the bounds that it has proven."""

    gap: float
    middle: float
    sense: float


def step_prices(
    ready: PlanningProblem, solution: Solution, gap: float, left: float | None, progress: Progress | None = None
) -> Mapping[str, StepPrice]:
    """What a tightening step of each covenant costs, by the covenant's id. left: seconds of the run, None: no limit.

    Where the linear programs, or the time of the run, do not suffice, a covenant is not priced, and its figure says so.
    KeyboardInterrupt passes.
    """
    if solution.decisions is None:
        return {}
    amounts = amounts_of(ready, solution.decisions)
    end = math.inf if left is None else perf_counter() + left
    programs = max(PROGRAMS, SHARE * solution.passes.solves)
    search = _Search(gap, 0.5 * (solution.upper + solution.lower), 1.0 if ready.program.maximise else -1.0)
    found: dict[str, StepPrice] = {}
    for covenant in ready.case.covenant:
        if covenant.as_ == "monitored":
            found[covenant.id] = StepPrice(None, "")
        elif kept_when_tightened(amounts, ready.backend, ready.store, shortfall_at(amounts, covenant)):
            found[covenant.id] = StepPrice(0.0, "within headroom")
        else:
            room = end - perf_counter()
            told = named(f"covenant {covenant.id} a step tighter", progress)
            found[covenant.id], used = _again(ready, solution, covenant, search, room, programs, told)
            programs -= used
    return found


def _again(
    ready: PlanningProblem,
    solution: Solution,
    covenant: Covenant,
    search: _Search,
    room: float,
    programs: int,
    progress: Progress | None,
) -> tuple[StepPrice, int]:
    """The objective lost by planning with this covenant a step tighter, and the linear programs that it took.

    In at most `room` seconds and about `programs` linear programs.
    """
    not_priced = StepPrice(None, "not priced")
    if room <= 0.0 or programs <= 0 or solution.status is not Status.CERTIFIED:
        return not_priced, 0
    began = perf_counter()
    tight = _with_step(ready, covenant)
    try:
        limits = risk_limits(tight.case, tight.losses)
        changed = [m for m, risk in enumerate(all_risks(tight.case)) if risk.id == name_of(covenant)]
        learnt, _ = handed_on(tight, limits, solution.learnt, changed, search.gap, room)
        time_left = None if math.isinf(room) else max(0.0, room - (perf_counter() - began))
        settings = Settings(gap=search.gap, polish=False, time_limit=time_left, rounds=ROUNDS, solves=programs)
        other = maximise(tight.program, limits, tight.backend, tight.store, settings, progress, learnt)
        other = put_right(tight, other, limits, settings, progress)
    except Infeasible:
        return StepPrice(None, "no plan"), 1
    except (OutOfTime, SolverError):
        return not_priced, 1
    used = other.uninterrupted().passes.solves
    if other.status is Status.INFEASIBLE:
        return StepPrice(None, "no plan"), used
    if other.status is not Status.CERTIFIED:
        return not_priced, used
    lost = search.sense * (search.middle - 0.5 * (other.upper + other.lower))
    return StepPrice(max(0.0, lost), "planned again"), used


def _with_step(ready: PlanningProblem, covenant: Covenant) -> PlanningProblem:
    """The same scenarios and ledger with the covenant a step tighter."""
    limit = covenant.limit + tightening(covenant)
    case: Case = replace(
        ready.case,
        covenant=tuple(replace(c, limit=limit) if c.id == covenant.id else c for c in ready.case.covenant),
    )
    return ready.with_rows(case) if covenant.as_ == "maintained" else ready.with_losses(case)
