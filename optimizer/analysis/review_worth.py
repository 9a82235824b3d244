"""What reviews are worth: the best plan with them, without them, and without limits on risk, each with its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...kernels.backend import Backend
from ...models.schema.case import Case
from ..cutting_planes.progress import Progress, named
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Solution
from ..plan import Bounded
from ..setup.assemble import risk_limits
from ..setup.own_limits import Constraints
from ..setup.prepare import Clock, PlanningProblem, prepare
from ..table import Cell, Column, Table
from .lawful import put_right
from .review_names import FREE, REVIEW_WORTH, WITH, WITHOUT, ReviewWorth
from .tabulate import long


def without_reviews(case: Case) -> Case:
    """The case whose decisions are one schedule fixed today."""
    return replace(case, review=())


def without_limits(case: Case) -> Case:
    """The same without limits on risk; covenants that are kept over the scenarios are such."""
    let = tuple(replace(c, as_="monitored") if c.as_ == "cvar" else c for c in case.covenant)
    return replace(without_reviews(case), risk=(), covenant=let)


def bounded(name: str, solution: Solution) -> Bounded:
    """What a search says of a case."""
    if solution.decisions is None:
        return Bounded(name, solution.status, None, None, None)
    return Bounded(name, solution.status, solution.objective, solution.upper, solution.lower)


def planned_without(
    case: Case,
    backend: Backend,
    count: int,
    seed: int,
    gap: float,
    clock: Clock,
    progress: Progress | None = None,
    constraints: Constraints | None = None,
) -> Iterator[tuple[Bounded, PlanningProblem]]:
    """The case without its reviews, then without limits on risk as well, on the same scenarios.

    OutOfTime and KeyboardInterrupt pass.
    """
    plain: PlanningProblem | None = None
    for name, one in ((WITHOUT, without_reviews(case)), (FREE, without_limits(case))):
        clock.check()
        drawn = [] if plain is None else [(plain.processes, plain.store)]
        ready = prepare(one, backend, count, seed, clock, drawn, constraints)
        plain = ready
        yield bounded(name, searched(ready, gap, clock, named(name, progress))), ready


def searched(ready: PlanningProblem, gap: float, clock: Clock, progress: Progress | None) -> Solution:
    """The best objective of a prepared case, its tax that of its income. KeyboardInterrupt if it was asked to stop."""
    limits = risk_limits(ready.case, ready.losses)
    settings = Settings(gap=gap, polish=False, time_limit=clock.left)
    found = maximise(ready.program, limits, ready.backend, ready.store, settings, progress)
    return put_right(ready, found.uninterrupted(), limits, replace(settings, time_limit=clock.left), progress)


def worth_table(own: Bounded, without: tuple[Bounded, ...], unit: str) -> Table:
    """The table review_worth: the plan's own search, and the others."""
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.status.value, one.objective, one.lower, one.upper) for one in (own, *without)
    ]
    columns = (
        Column(ReviewWorth.CASE),
        Column(ReviewWorth.STATUS),
        *(Column(name, unit, "number") for name in (ReviewWorth.OBJECTIVE, ReviewWorth.LOWER, ReviewWorth.UPPER)),
    )
    return long(REVIEW_WORTH, "What the reviews are worth, on the same scenarios", columns, rows)


def with_plan(solution: Solution) -> Bounded:
    """The row of the plan itself."""
    return bounded(WITH, solution)
