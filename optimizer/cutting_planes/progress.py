"""What the loop tells its caller while it runs, and the counters and the clock behind it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ...errors import CapmixError
from ...kernels.pause import checking
from .. import stops


@dataclass(frozen=True)
class ProgressEvent:
    """One moment of the search.

    upper, lower, gap: bounds on the objective in its own sense (infinite while unknown). full, equivalent: passes
    over all scenarios, and rows visited over the number of scenarios. solves: linear programs. elapsed, eta: seconds;
    eta is None while there is nothing to estimate it from.
    """

    phase: str
    upper: float
    lower: float
    gap: float
    full: int
    equivalent: float
    solves: int
    elapsed: float
    eta: float | None


NOTHING = 1e-9

Progress = Callable[[ProgressEvent], None]


def named(name: str, progress: Progress | None) -> Progress | None:
    """A progress whose phases say which of several searches they belong to."""
    return progress and (lambda event: progress(replace(event, phase=f"{name}, {event.phase}")))


class Enough(CapmixError):
    """Raised by a progress callback to end the search with the best plan so far; its text becomes a message."""


class OutOfTime(CapmixError):
    """The time limit has passed. Never leaves the engine: what was found by then is the result."""


def time_is_up(limit: float | None) -> str:
    """What to say where a search ends at its time limit, seconds."""
    return "the time limit has passed" if limit is None else f"the time limit of {limit:g} s has passed"


class Monitor:
    """Clock, counters and bounds of one run.

    `upper` and `lower` bound the maximised objective; `sense` is -1 where the user minimises, so that events show his
    signs.
    """

    def __init__(self, callback: Progress | None, time_limit: float | None, tolerance: float, sense: float) -> None:
        self._callback = callback
        self._limit = math.inf if time_limit is None else time_limit
        self.heard = 0
        self._tolerance = tolerance
        self._sense = sense
        self._begin = time.perf_counter()
        self._trail: list[tuple[float, float]] = []
        self.floor = NOTHING  # of the objective's size where a gap is related to it
        self.upper = math.inf
        self.lower = -math.inf
        self.full = 0
        self.rows = 0.0
        self.solves = 0
        self.cuts = 0
        self.evaluate_s = 0.0
        self.master_s = 0.0

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._begin

    @property
    def left(self) -> float:
        return self._limit - self.elapsed

    @property
    def gap(self) -> float:
        return relative_gap(self.upper, self.lower, self.floor)

    def check(self) -> None:
        """Raise `OutOfTime` once the time limit has passed, `Interrupted` once somebody has asked to stop."""
        stops.check(self.heard)
        if self.left <= 0.0:
            raise OutOfTime

    def lift(self) -> None:
        """Forget the time limit and the requests to stop so far: what remains is to evaluate what was found."""
        self._limit = math.inf
        self.heard = stops.number()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """A pass over scenarios, which ends as `check` does."""
        begin = time.perf_counter()
        try:
            with checking(self.check):
                yield
        finally:
            self.evaluate_s += time.perf_counter() - begin

    @contextmanager
    def solving(self) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.master_s += time.perf_counter() - begin
            self.solves += 1

    def tell(self, phase: str) -> None:
        """Send an event. What the callback raises is the caller's business and passes through."""
        if self._callback is None:
            return
        gap = self.gap
        if math.isfinite(gap) and gap > 0.0:
            self._trail.append((self.elapsed, math.log(gap)))
        low, high = self.lower * self._sense, self.upper * self._sense
        self._callback(
            ProgressEvent(
                phase=phase,
                upper=max(low, high),
                lower=min(low, high),
                gap=gap,
                full=self.full,
                equivalent=self.rows,
                solves=self.solves,
                elapsed=self.elapsed,
                eta=self._eta(),
            )
        )

    def _eta(self) -> float | None:
        """Time left if the gap goes on shrinking at its average rate since it was first known."""
        if len(self._trail) < 2:
            return None
        (t0, g0), (t1, g1) = self._trail[0], self._trail[-1]
        goal = math.log(self._tolerance)
        if g1 <= goal:
            return 0.0
        return (g1 - goal) * (t1 - t0) / (g0 - g1) if g0 > g1 else None


def relative_gap(upper: float, lower: float, floor: float = NOTHING) -> float:
    """(upper - lower) / max(floor, |lower|), never negative; infinite while a bound is unknown."""
    if not (math.isfinite(upper) and math.isfinite(lower)):
        return math.inf
    return max(0.0, upper - lower) / max(floor, abs(lower))
