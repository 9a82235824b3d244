"""The engines of CVaR programs one after the other, until one program's point and bound meet or a reason is proven why
they cannot.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...kernels.backend import sealed_evaluator
from ...kernels.cpu.matrix_backend import MatrixBackend
from ..arrays import FloatArray
from ..cutting_planes.endings import ENDS, ended_by
from ..cutting_planes.highs import LpStatus, SolverError
from ..cutting_planes.master import Infeasible
from ..cutting_planes.progress import Enough, Monitor, OutOfTime, Progress, ProgressEvent, time_is_up
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Status
from .book import Book
from .bound import Cut, CutBound
from .direct import cells, solve_direct
from .newton import NewtonSearch
from .program import Checked, Lowered, lower_program, means
from .proof import Evidence, in_units
from .units import Units, scaled, sized, units_of

NEWTON_COLUMNS = 5_000  # above this a Newton matrix of all columns is dear, and cutting planes go first
DIRECT_CELLS = 10_000  # numbers in an extensive form that HiGHS solves within some hundredths of a second
DIRECT_MOST = 1_000_000  # the same where everything else has failed
ENTIRE_CELLS = 30_000_000  # numbers of a program that an interior point may take whole
AT_LEAST = 1e-8  # in scaled units: an objective is not taken to be smaller where a gap is related to it
LARGE = 1e15  # amounts in scaled units from which no units are taken
STALL_SOLVES = 150  # linear programs after which cutting planes must promise an end
STALL_MORE = 300  # most further ones that count as promising


@dataclass
class Work:
    """What a search has cost. full, equivalent: passes. solves: programs. cuts."""

    full: int = 0
    equivalent: float = 0.0
    solves: int = 0
    cuts: int = 0

    def add(self, full: int, equivalent: float, solves: int, cuts: int) -> None:
        self.full, self.equivalent = self.full + full, self.equivalent + equivalent
        self.solves, self.cuts = self.solves + solves, self.cuts + cuts


class Search:
    """One program. `no_optimum` is set where it is proven that it has none; `ray` says where it falls for ever."""

    def __init__(
        self,
        program: Checked,
        backend: MatrixBackend,
        settings: Settings,
        engine: str = "auto",
        progress: Progress | None = None,
        begin: float | None = None,
        nested: bool = False,
        nothing: float = AT_LEAST,
    ) -> None:
        self.mean = means(program, backend)
        self.program = sized(program, self.mean)
        units = units_of(self.program, self.mean)
        self.program = replace(self.program, span=units.columns)
        self.backend = backend
        self.settings = settings
        self.engine = engine
        self.nested = nested
        self.nothing = nothing  # in scaled units: see `Book`
        self.begin = time.perf_counter() if begin is None else begin
        self.book = Book(self.program, backend, settings.gap, nothing / units.objective)
        self.work = Work()
        self.no_optimum: Status | None = None
        self.ray: FloatArray | None = None
        self.hint: LpStatus | None = None  # what an engine says of the program, without proof
        self.last: FloatArray | None = None  # where the interior point ended
        self._progress = progress
        self._set_units(units)

    def _set_units(self, units: Units) -> None:
        self.units = units
        self.scaled = scaled(self.program, units)
        self._lowered: Lowered | None = None

    @property
    def lowered(self) -> Lowered:
        """The scaled program as the loop takes it."""
        if self._lowered is None:
            self._lowered = lower_program(self.scaled, self.means)
        return self._lowered

    @property
    def means(self) -> list[tuple[FloatArray, float]]:
        """Per term the mean loss of the scaled program as (gradient, constant)."""
        u = self.units
        return [
            (gradient * u.columns * g, (constant - shift) * g)
            for (gradient, constant), g, shift in zip(self.mean, u.losses, u.shifts, strict=True)
        ]

    @property
    def left(self) -> float:
        """Seconds left of the time limit."""
        limit = self.settings.time_limit
        return math.inf if limit is None else limit - (time.perf_counter() - self.begin)

    def run(self) -> Search:
        """Search; whatever happens, what is known is in `book`."""
        from .failure import diagnose

        messages = self.book.messages
        try:
            for step in self._steps():
                if self.left <= 0.0:
                    raise OutOfTime
                step()
                if self.book.met:
                    break
                diagnose(self)
                if self.no_optimum is not None or self.book.met:
                    break
        except ENDS as error:
            messages.append(ended_by(error, self.settings.asked).message)
        self.work.full += self.book.passes
        return self

    def _steps(self) -> Iterator[Callable[[], None]]:
        """The engines in the order in which they are worth trying."""
        p = self.program
        linear, size = p.quadratic is None, cells(p)
        if self.engine == "direct":
            yield self._direct
        elif self.engine == "newton":
            yield self._newton
            yield from self._again(size)
        elif self.engine == "cuts":
            yield lambda: self._cuts(False)
        else:
            small, wide = linear and size <= DIRECT_CELLS, linear and p.width > NEWTON_COLUMNS
            if small:
                yield self._direct
            if wide:
                yield lambda: self._cuts(True)
            yield self._newton
            yield from self._again(size)
            if linear and not small and size <= DIRECT_MOST:
                yield self._direct
            if linear and not wide:
                yield lambda: self._cuts(False)

    def _again(self, size: int) -> Iterator[Callable[[], None]]:
        """The interior point once more, in units from the best point, on the whole program."""
        if size <= ENTIRE_CELLS:
            yield lambda: self._newton(entire=True)

    # the engines

    def _monitor(self) -> Monitor:
        progress = None if self._progress is None else _in_units(self._progress, self.units.objective)
        monitor = Monitor(progress, None if math.isinf(self.left) else self.left, self.settings.gap, -1.0)
        monitor.floor = self.nothing
        return monitor

    def _add(self, monitor: Monitor) -> None:
        self.work.add(monitor.full, monitor.rows, monitor.solves, monitor.cuts)

    def _direct(self) -> None:
        try:
            found = solve_direct(self.scaled, self.backend, self.left)
            self.work.solves += 1
            if found.status is LpStatus.OPTIMAL and not self._take(found.x, "direct"):
                # HiGHS keeps limits to its tolerance only
                tighter = 3e-9 * max(1.0, *(abs(v) if math.isfinite(v) else 0.0 for v in self.scaled.limits))
                self._take(solve_direct(self.scaled, self.backend, self.left, tighter=tighter).x, "direct")
        except SolverError as fault:
            self.book.messages.append(str(fault))
            return
        if found.status is LpStatus.OUT_OF_TIME:
            raise OutOfTime
        self.hint = None if found.status is LpStatus.OPTIMAL else found.status
        if found.evidence is not None:
            self._prove(found.evidence, found.x)

    def _take(self, x: FloatArray, engine: str) -> bool:
        return x.size == self.program.width and self.book.point(x * self.units.columns, engine)

    def _prove(self, evidence: Evidence, x: FloatArray) -> None:
        self.book.bound(in_units(evidence, self.units), x * self.units.columns)

    def _prove_by(self, cuts: list[Cut], x: FloatArray) -> None:
        """Take the bound that cuts prove, and those of the mean losses, which no CVaR is below."""
        try:
            bound = CutBound(self.scaled, self._monitor(), self.settings.seed, float(np.abs(x).max(initial=0.0)))
            bound.add(cuts + [(m, gradient, constant) for m, (gradient, constant) in enumerate(self.means)], x)
            proof = bound.solve()
        except SolverError as fault:
            self.book.messages.append(str(fault))
            return
        if proof is not None:
            self._prove(proof[1], x)

    def _newton(self, entire: bool = False) -> None:
        typical = self.last if self.book.best is None else self.book.best.x
        if entire and typical is not None:
            self._set_units(units_of(self.program, self.mean, typical))
        monitor = self._monitor()
        search = NewtonSearch(
            self.scaled, self.lowered, self.backend, monitor, self.settings.gap, self.settings.seed, entire
        )
        try:
            search.run()
        except Infeasible:
            self.hint = LpStatus.INFEASIBLE
        except (SolverError, FloatingPointError, np.linalg.LinAlgError) as fault:
            self.book.messages.append(f"interior point: {fault}")
        finally:
            self._add(monitor)
            if search.last is not None and float(np.abs(search.last).max(initial=0.0)) < LARGE:
                self.last = search.last * self.units.columns
            self.book.messages += search.messages
            if search.best is not None:
                b, u = search.best, self.units
                exact = all(part.offset is None for part in self.program.parts)
                self.book.point(b.x * u.columns, "newton", (b.cvar / u.losses, b.var / u.losses) if exact else None)
                if not exact:
                    self.book.passes -= 1  # the same point once more
            if search.evidence is not None and search.last is not None and np.isfinite(search.last).all():
                self._prove(search.evidence, search.last if search.best is None else search.best.x)

    def _cuts(self, may_stall: bool) -> None:
        n, units = self.program.width, self.units
        left = None if math.isinf(self.left) else max(0.0, self.left)
        settings = replace(self.settings, time_limit=left, worst_case=True)
        progress = None if self._progress is None else _in_units(self._progress, units.objective)
        watch = Watch(progress, settings.gap) if may_stall else progress
        try:
            found = maximise(
                self.lowered.program, self.lowered.risks, sealed_evaluator(self.backend), self.lowered.store, settings,
                watch, weights=self.program.weights,
            )  # fmt: skip
        except (SolverError, Infeasible, FloatingPointError) as fault:
            self.book.messages.append(f"cutting planes: {fault}")
            return
        self.work.add(found.passes.full, found.passes.equivalent, found.passes.solves, found.passes.cuts)
        self.book.messages += [m for m in found.messages if m != time_is_up(self.settings.asked)]
        self.hint = LpStatus.INFEASIBLE if found.status is Status.INFEASIBLE else None
        x = np.zeros(n) if found.columns is None else found.columns[:n]
        if found.columns is not None:
            self._take(x, "cuts")
        learnt = found.learnt
        pool = learnt.vertex.tight if learnt.vertex is not None else learnt.cuts
        if found.status is not Status.INFEASIBLE:
            cuts = [(c.limit, c.gradient[:n], c.constant + float(c.gradient[n])) for c in pool]
            self._prove_by(cuts, x)
        if self.left <= 0.0:
            raise OutOfTime


class Watch:
    """A progress callback that ends cutting planes whose gap will not close in a reasonable number of programs."""

    def __init__(self, progress: Progress | None, goal: float) -> None:
        self.last: FloatArray | None = None  # where the interior point ended
        self._progress = progress
        self._goal = math.log(goal)
        self._trail: list[tuple[int, float]] = []

    def __call__(self, event: ProgressEvent) -> None:
        if self._progress is not None:
            self._progress(event)
        height = math.log(event.gap) if math.isfinite(event.gap) and event.gap > 0.0 else math.inf
        self._trail.append((event.solves, height))
        if event.solves < STALL_SOLVES:
            return
        past = next((h for s, h in reversed(self._trail) if s <= event.solves - STALL_SOLVES), math.inf)
        if height <= self._goal:
            return
        fell = past - height
        if math.isinf(height) or not fell > 0.0 or (height - self._goal) * STALL_SOLVES > STALL_MORE * fell:
            raise Enough(f"cutting planes stall at a gap of {event.gap:.1e} after {event.solves} programs")


def _in_units(progress: Progress, factor: float) -> Progress:
    """A progress that is told bounds in the caller's units."""
    return lambda event: progress(replace(event, upper=event.upper / factor, lower=event.lower / factor))
