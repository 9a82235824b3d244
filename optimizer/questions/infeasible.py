"""Why a case has no plan: which of the user's own limits would have to be relaxed, to amounts with which one exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...errors import CapmixError
from ..cutting_planes.progress import Progress, named
from ..plan import Infeasibility, LimitConflict, LimitInConflict
from ..setup.prepare import Clock, PlanningProblem
from .catalogue import limits_of
from .conflicts import Conflict, find_conflicts, together
from .inquiry import Inquiry, Least
from .limits import Limit
from .words import outward, told

SPARE = 5e-4  # more than what is just enough: a plan on the very border is hard to find
PHASE = "why there is no plan"


@dataclass
class _Known:
    """What has been found so far."""

    conflicts: list[Conflict] = field(default_factory=list)
    periods: dict[Limit, tuple[int, ...]] = field(default_factory=dict)
    later: dict[Limit, int] = field(default_factory=dict)
    together: Mapping[Limit, Least] = field(default_factory=dict)
    whole: bool = False


def why_no_plan(
    ready: PlanningProblem,
    before: Infeasibility,
    seed: int,
    time_left: float | None = None,
    progress: Progress | None = None,
) -> Infeasibility:
    """`before` with the conflicts of the user's own limits and a reason in words, as far as time suffices.

    seed: of the run's scenarios. time_left: seconds; None: no limit. Raises KeyboardInterrupt.
    """
    clock = Clock(progress, time_left)
    clock.tell(PHASE)
    inquiry = Inquiry(ready, seed, clock, progress=named(PHASE, progress))
    known = _Known()
    try:
        _ask(inquiry, limits_of(ready.case, ready.own), known)
    except CapmixError:
        pass  # what was found by then is told
    if not known.conflicts:
        return replace(before, whole=known.whole)
    conflicts = tuple(_written(conflict, known, ready.case.horizon.labels) for conflict in known.conflicts)
    return replace(before, reason=told(conflicts, known.whole), conflicts=conflicts, whole=known.whole)


def _ask(inquiry: Inquiry, limits: Sequence[Limit], known: _Known) -> None:
    find_conflicts(inquiry, limits, known.conflicts)
    for conflict in known.conflicts:
        for limit in conflict.limits:
            least = conflict.alone[limit]
            if least is not None:
                known.periods[limit] = inquiry.failing(limit, least.value * limit.size, conflict.aside)
    known.together = together(inquiry, known.conflicts) or {}
    for conflict in known.conflicts:
        date = inquiry.latest(conflict.limits[0], conflict.aside)
        if date is not None:
            known.later[conflict.limits[0]] = date
    known.whole = True


def _written(conflict: Conflict, known: _Known, labels: Sequence[str]) -> LimitConflict:
    return LimitConflict(tuple(_limit(limit, conflict, known, labels) for limit in conflict.limits))


def _limit(limit: Limit, conflict: Conflict, known: _Known, labels: Sequence[str]) -> LimitInConflict:
    least = conflict.alone.get(limit)
    periods = known.periods.get(limit, ())
    worst = _worst(limit, periods)
    both = known.together.get(limit)

    def amount(multiple: float) -> float:
        return limit.relaxed(min(multiple * limit.size, limit.most), worst)

    def enough(found: Least) -> float:
        move = found.value * limit.size
        return outward(amount(found.value + SPARE * limit.beside(move) / limit.size), limit.at_least)

    refused = None if least is None or least.bound <= 0.0 else amount(least.bound)
    date = known.later.get(limit)
    return LimitInConflict(
        key=limit.key,
        kind=limit.kind,
        title=limit.title,
        asked=limit.amount(worst),
        unit=limit.unit,
        at_least=limit.at_least,
        varies=min(limit.asked) != max(limit.asked),
        first=labels[periods[0]] if periods else "",
        last=labels[periods[-1]] if periods else "",
        alone=None if least is None else enough(least),
        move=None if least is None else least.value * limit.size,
        refused=refused,
        together=None if both is None else enough(both),
        later="" if date is None else labels[date],
        asked_alone=limit in conflict.alone,
    )


def _worst(limit: Limit, periods: Sequence[int]) -> int | None:
    """Of the periods in which it fails, the one with the strictest amount; None where all have the same."""
    if len(limit.asked) == 1 or not periods:
        return None
    return (max if limit.at_least else min)(periods, key=lambda t: limit.asked[t])
