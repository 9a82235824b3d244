"""Questions to the engine about one case: is there a plan without these limits, and how far must those be relaxed?"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ...errors import CapmixError
from ..cutting_planes.highs import SolverError
from ..cutting_planes.least_violation import OFFSET, Violation, Yielding, least_sum, least_violation
from ..cutting_planes.progress import OutOfTime, Progress
from ..cutting_planes.settings import Settings
from ..setup.assemble import risk_limits
from ..setup.prepare import Clock, PlanningProblem
from ..setup.risk_losses import all_risks
from .border import REACHED, border
from .limits import Limit
from .relaxed import may_be_rescheduled, relaxed, rescheduled

GAP = 1e-4  # of the move, or of the limit's size where that is larger, at first
LEAST_GAP = 1e-7
SEARCHES = 160  # for one case: a count, so that the same seed gives the same answer on every machine
NARROW = 1e-3  # relative: a move is known so well
ROUNDS = 12  # full passes of one search
ROOM = 1.0 + 1e-6  # for rounding, where a move is known to be enough
FAILS = 1e-3  # of the largest amount by which a limit fails in a period


class TooMany(CapmixError):
    """So many searches have been made that the rest is left open. Never leaves this room."""


class Undecided(CapmixError):
    """A search could neither find a plan nor prove that there is none. Never leaves this room."""


@dataclass(frozen=True)
class Least:
    """By how much limits must be relaxed, as a multiple of their scales: a plan exists at `value`, none at `bound`."""

    value: float
    bound: float


class Inquiry:
    """Searches on the scenarios of one run. Each may raise `OutOfTime`, `TooMany`, `Undecided` or KeyboardInterrupt.

    A search that decides nothing counts as one without a plan, and proves nothing.

    Attributes:
        searches: how many have been made.
    """

    def __init__(self, ready: PlanningProblem, seed: int, clock: Clock, progress: Progress | None = None) -> None:
        self._ready = ready
        self._clock = clock
        self._seed = seed
        self._progress = progress
        self._known: dict[frozenset[Limit], bool] = {}
        self._choosable = may_be_rescheduled(ready)
        self.searches = 0

    def plan_exists(self, aside: Collection[Limit]) -> bool:
        """Whether there is a plan where these limits are set aside."""
        key = frozenset(aside)
        if key not in self._known:
            found = self._violation(dict.fromkeys(aside, math.inf), {})
            if not (found.decided or math.isfinite(found.value)):
                raise Undecided
            self._known[key] = math.isfinite(found.value)
        return self._known[key]

    def latest(self, limit: Limit, aside: Collection[Limit] = ()) -> int | None:
        """The first period to which a limit would have to be put off, all else as it is; None where none is enough."""
        if limit.date is None:
            return None
        out = {other: math.inf for other in aside if other is not limit}
        low, high = limit.date, self._ready.case.horizon.periods - 1
        if high <= low or not self._with_date(out, limit, high):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._with_date(out, limit, middle) else (middle, high)
        return high

    def _with_date(self, out: Mapping[Limit, float], limit: Limit, date: int) -> bool:
        return math.isfinite(self._violation(out, {}, 0.0, {limit: date}).value)

    def failing(self, limit: Limit, move: float, aside: Collection[Limit] = ()) -> tuple[int, ...]:
        """Periods in which a limit fails where all others are kept: as little of it in all as there is a plan for.

        move: with which there is one, in its unit.
        """
        ready = self._moved({other: math.inf for other in aside if other is not limit})
        rows = [i for i, index in enumerate(ready.program.row_index) if limit.owns(index)]
        if not rows:
            return ()
        risks = [
            replace(risk, limit=risk.limit + (move * ROOM if risk.name in limit.risks else 0.0))
            for risk in risk_limits(ready.case, ready.losses)
        ]
        self._count()
        most = move * ROOM if limit.additive else math.inf
        try:
            given = least_sum(
                ready.program, risks, ready.backend, ready.store, self._settings(), rows, most, self._progress
            )
        except SolverError:
            return ()
        if given is None:
            return ()
        usual = FAILS * float(given.max(initial=0.0))
        periods = {ready.program.row_index[i].period for i, amount in zip(rows, given, strict=True) if amount > usual}
        return tuple(sorted(t for t in periods if t is not None))

    def least(self, scales: Mapping[Limit, float], aside: Collection[Limit] = ()) -> Least | None:
        """By which multiple of their scales these limits must be relaxed together, where those are set aside. None
        where no relaxation is enough. A scale of 0 keeps its limit as it is.
        """
        scales = {limit: scale for limit, scale in scales.items() if scale > 0.0}
        if not scales:
            return None
        out = dict.fromkeys(aside, math.inf)
        most = min(limit.most / scale for limit, scale in scales.items())
        if most <= 0.0:
            return None
        first = self._violation(out, scales)
        known = yielding(self._moved(out), scales)
        if not math.isfinite(first.value) and first.decided and known and not any(limit.hint for limit in scales):
            return None
        if first.decided and all(limit.additive for limit in scales) and first.value <= min(_even(scales), most):
            near = _near(scales, first.value)
            if first.value - first.bound > near:
                first = self._violation(out, scales, gap=max(near / (OFFSET + first.value), LEAST_GAP))
            return Least(first.value, first.bound)
        found = border(
            lambda multiple: self._at(out, scales, multiple),
            first.value,
            most,
            lambda multiple: _near(scales, multiple),
        )
        return None if found is None else Least(*found)

    def _at(self, out: Mapping[Limit, float], scales: Mapping[Limit, float], multiple: float) -> Violation:
        """What is missing, or to spare, where the limits are relaxed by a multiple of their scales."""
        moves = {**out, **{limit: min(multiple * scale, limit.most) for limit, scale in scales.items()}}
        return self._violation(moves, scales, -1.0)

    def _violation(
        self,
        moves: Mapping[Limit, float],
        scales: Mapping[Limit, float],
        least: float = 0.0,
        dates: Mapping[Limit, int] | None = None,
        gap: float = GAP,
    ) -> Violation:
        """What is missing where these limits are moved, in multiples of the scales of those that are relaxed."""
        found = self._searched(ready := self._moved(moves, dates), scales, least, gap)
        if found.value <= REACHED or not self._choosable:
            return found
        other = rescheduled(ready, self._clock)
        if other is None:
            return found
        again = self._searched(other, scales, least, gap)
        return again if again.value < found.value else found

    def _searched(self, ready: PlanningProblem, scales: Mapping[Limit, float], least: float, gap: float) -> Violation:
        self._count()
        limits, give = risk_limits(ready.case, ready.losses), yielding(ready, scales)
        try:
            found = least_violation(
                ready.program, limits, ready.backend, ready.store, self._settings(gap), give, least, self._progress
            )
        except SolverError:  # on the very border of what is possible
            return Violation(math.inf, least, False)
        if not found.decided and self._clock.left == 0.0:
            raise OutOfTime
        return found

    def _moved(self, moves: Mapping[Limit, float], dates: Mapping[Limit, int] | None = None) -> PlanningProblem:
        return relaxed(self._ready, self._seed, moves, self._clock, dates)

    def _settings(self, gap: float = GAP) -> Settings:
        return Settings(gap=gap, time_limit=self._clock.left, rounds=ROUNDS)

    def _count(self) -> None:
        if self.searches >= SEARCHES:
            raise TooMany
        self.searches += 1


def _near(scales: Mapping[Limit, float], multiple: float) -> float:
    """The width of an interval of multiples that is narrow: beside each move, and beside each amount reached."""
    return min(NARROW * limit.beside(multiple * scale) / scale for limit, scale in scales.items())


def _even(scales: Mapping[Limit, float]) -> float:
    """The multiple up to which series are lowered evenly, none of them to 0."""
    return min(
        (min(limit.asked) / scale for limit, scale in scales.items() if len(limit.asked) > 1 and limit.at_least),
        default=math.inf,
    )


def yielding(ready: PlanningProblem, scales: Mapping[Limit, float]) -> Yielding:
    """The rows, bounds and risk limits of these limits, each with its scale as its weight.

    A ratio's rows are in billions: how many a move is worth depends on the plan. They are relaxed by their scale too,
    which measures how near a plan is, but is no move.
    """
    rows: dict[int, float] = {}
    columns: dict[int, float] = {}
    risks: dict[int, float] = {}
    program = ready.program
    for limit, scale in scales.items():
        weight = scale if limit.additive else 1.0
        for i, index in enumerate(program.row_index):
            if limit.owns(index):
                rows[i] = rows.get(i, 0.0) + weight
        for m, risk in enumerate(all_risks(ready.case)):
            if risk.id in limit.risks:
                risks[m] = risks.get(m, 0.0) + weight
        if limit.column in program.column_names:
            columns[program.columns[limit.column]] = 1.0
    return Yielding(rows, columns, risks)
