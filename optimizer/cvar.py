"""CVaR programs over explicit scenario matrices as a library call: the engine of the plans, one period, n columns.

Two engines, both with a proof. `newton` (`cvar_newton`): an interior point on the rows near the tail. `cuts`
(`loop.maximise`): in-out cutting planes on the rows that matter, for very many columns and sparse optima.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..kernels.matrix_backend import MatrixBackend
from ..models.program import LinearProgram
from .cvar_newton import NewtonSearch
from .cvar_program import Checked, CvarProgram, CvarTerm, Lowered, checked, lower_program, means
from .elastic import relaxations
from .loop import maximise
from .master import Infeasible
from .plan import Passes, Status
from .progress import Enough, Monitor, OutOfTime, Progress, ProgressEvent, relative_gap, time_is_up
from .settings import Settings
from .solution import Conflict, LeastRisk, Solution

__all__ = ["CvarProgram", "CvarResult", "CvarTerm", "solve_cvar"]

FloatArray = NDArray[np.float64]

ENGINES = ("auto", "newton", "cuts")
NEWTON_COLUMNS = 5_000  # above this a Newton matrix of all columns is dear, and cutting planes go first
LEAST_GAP = 1e-4  # accuracy of the least risk that is reported for a limit that cannot be met
STALL_SOLVES = 150  # linear programs after which cutting planes must promise an end
STALL_MORE = 300  # most further ones that count as promising


@dataclass(frozen=True, eq=False)
class CvarResult:
    """The outcome of `solve_cvar`.

    Attributes:
        status: certified, stopped (feasible, gap not met; or no point yet if `x` is None) or infeasible.
        x: (n,) the decisions.
        objective: at x, with the true CVaRs. lower, upper: proven bounds on the optimum; upper is the objective of x.
        gap: (upper - lower) / max(1e-9, |upper|).
        cvar, var: (M,) of each term at x, on all scenarios, in double precision.
        row_duals: (rows,) change of the optimum per unit more of the row's active bound. bound_duals: (n,) the same for
            the bounds of x. limit_duals: (M,) objective saved per unit more of a term's limit, >= 0.
        passes: full and equivalent passes over the scenarios, programs solved, cuts.
        seconds: wall time. engine: the one that found x.
    """

    status: Status
    x: FloatArray | None
    objective: float
    lower: float
    upper: float
    gap: float
    cvar: FloatArray
    var: FloatArray
    row_duals: FloatArray
    bound_duals: FloatArray
    limit_duals: FloatArray
    passes: Passes
    seconds: float
    engine: str
    messages: tuple[str, ...] = ()


def solve_cvar(
    program: CvarProgram,
    *,
    gap: float = 1e-5,
    time_limit: float | None = None,
    engine: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> CvarResult:
    """Solve a CVaR program to a proven relative gap.

    Args:
        engine: "auto" takes the one that suits the size and changes to the other where the gap stalls; "newton" or
            "cuts" takes only that one.
        threads: of the passes; all cores if left out. The result has the same bits for any number.
        progress: called with a `ProgressEvent` as the search goes on.

    Raises:
        ValueError: every fault of the program at once, or settings that make no sense.
        SolverError: the objective has no limit, or HiGHS fails.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}; allowed: {', '.join(ENGINES)}")
    begin = time.perf_counter()
    settings = Settings(gap=gap, time_limit=time_limit, polish=False, seed=seed)
    call = _Call(checked(program), MatrixBackend(threads), settings, progress, begin)
    if engine == "cuts" or (call.program.quadratic is None and engine == "auto" and call.wide):
        result = call.cuts(engine == "auto")
        if engine == "auto" and result.status is Status.STOPPED and call.left > 0.0:
            result = _better(result, call.newton())
    else:
        result = call.newton()
        if engine == "auto" and result.status is Status.STOPPED and call.left > 0.0 and call.program.quadratic is None:
            result = _better(result, call.cuts(False))
    return replace(result, seconds=time.perf_counter() - begin)


class _Call:
    """One program and what is known of it."""

    def __init__(
        self, program: Checked, backend: MatrixBackend, settings: Settings, progress: Progress | None, begin: float
    ) -> None:
        self.program = program
        self.backend = backend
        self.settings = settings
        self.progress = progress
        self.begin = begin
        self.lowered: Lowered = lower_program(program, means(program, backend))

    @property
    def wide(self) -> bool:
        return self.program.width > NEWTON_COLUMNS

    @property
    def left(self) -> float:
        """Seconds left of the time limit."""
        limit = self.settings.time_limit
        return math.inf if limit is None else limit - (time.perf_counter() - self.begin)

    def newton(self) -> CvarResult:
        monitor = Monitor(self.progress, None if math.isinf(self.left) else self.left, self.settings.gap, -1.0)
        search = NewtonSearch(self.program, self.lowered, self.backend, monitor, self.settings.gap, self.settings.seed)
        try:
            search.run()
        except Infeasible:
            return self._infeasible(monitor)
        except KeyboardInterrupt:
            search.messages.append("interrupted")
        except Enough as reason:
            search.messages.append(str(reason) or "stopped by its caller")
        except OutOfTime:
            search.messages.append(time_is_up(self.settings.asked))
        best, many = search.best, len(self.program.parts)
        messages = list(search.messages)
        if search.boxed:
            messages.append(f"columns without a bound: the gap is proven within {search.box:.3g} of 0")
        reached = relative_gap(monitor.upper, monitor.lower)
        empty = np.full(many, math.nan)
        return CvarResult(
            status=Status.CERTIFIED if best is not None and reached <= self.settings.gap else Status.STOPPED,
            x=None if best is None else best.x,
            objective=math.nan if best is None else best.objective,
            lower=-monitor.upper,
            upper=math.inf if best is None else best.objective,
            gap=reached,
            cvar=empty if best is None else best.cvar,
            var=empty if best is None else best.var,
            row_duals=search.row_duals,
            bound_duals=search.bound_duals,
            limit_duals=search.limit_duals,
            passes=Passes(monitor.full, monitor.rows, monitor.solves, monitor.cuts),
            seconds=monitor.elapsed,
            engine="newton",
            messages=tuple(messages),
        )

    def _infeasible(self, monitor: Monitor) -> CvarResult:
        """The rows contradict each other, or valid cuts contradict the rows: say by how much what must give way."""
        p = self.program
        nothing = np.full(len(p.parts), math.nan)
        conflict = Conflict(relaxations(self._without_limits(), monitor, self.settings.seed))
        if not conflict.relaxations:
            conflict = Conflict(
                least=tuple(self._least(m, monitor) for m, v in enumerate(p.limits) if math.isfinite(v))
            )
        words = _conflict(conflict)
        if conflict.least and all(r.least <= r.limit for r in conflict.least):
            words += ("each limit can be met alone, but not all together",)
        rows, n = p.matrix.shape
        return CvarResult(
            status=Status.INFEASIBLE,
            x=None,
            objective=math.nan,
            lower=math.inf,
            upper=math.inf,
            gap=math.inf,
            cvar=nothing,
            var=nothing,
            row_duals=np.zeros(rows),
            bound_duals=np.zeros(n),
            limit_duals=np.zeros(len(p.parts)),
            passes=Passes(monitor.full, monitor.rows, monitor.solves, monitor.cuts),
            seconds=monitor.elapsed,
            engine="newton",
            messages=words,
        )

    def _without_limits(self) -> LinearProgram:
        program = self.lowered.program
        upper = program.col_upper.copy()
        upper[[c for c in self.lowered.tails if c >= 0]] = np.inf
        return replace(program, col_upper=upper)

    def _least(self, m: int, monitor: Monitor) -> LeastRisk:
        """The least CVaR of one term, whatever the objective and the other limits."""
        p = self.program
        alone = replace(
            p,
            cost=np.zeros(p.width),
            quadratic=None,
            parts=p.parts[m : m + 1],
            names=p.names[m : m + 1],
            levels=p.levels[m : m + 1],
            limits=(math.inf,),
            prices=(1.0,),
        )
        lowered = lower_program(alone, means(alone, self.backend))
        search = NewtonSearch(alone, lowered, self.backend, Monitor(None, None, LEAST_GAP, -1.0), LEAST_GAP, 0)
        search.run()
        monitor.full += search.monitor.full
        least = math.inf if search.best is None else search.best.objective
        return LeastRisk(p.names[m], p.limits[m], least, -search.monitor.upper)

    def cuts(self, may_stall: bool) -> CvarResult:
        if self.program.quadratic is not None:
            raise ValueError("engine 'cuts' takes no quadratic; use 'newton' or 'auto'")
        p, lowered = self.program, self.lowered
        settings = self.settings if math.isinf(self.left) else replace(self.settings, time_limit=max(0.0, self.left))
        watch = _Watch(self.progress, settings.gap) if may_stall else self.progress
        found = maximise(
            lowered.program, lowered.risks, self.backend, lowered.store, settings, watch, weights=p.weights
        )
        n, many = p.width, len(p.parts)
        rows = p.matrix.shape[0]
        cvar = var = np.full(many, math.nan)
        objective = math.nan
        if found.columns is not None:
            shift = np.array([found.columns[c] if c >= 0 else 0.0 for c in lowered.tails])
            cvar = shift + np.array([r.value for r in found.risks])
            var = shift + np.array([r.var for r in found.risks])
            objective = float(p.cost @ found.columns[:n]) + float(np.array(p.prices) @ cvar)
        return CvarResult(
            status=found.status,
            x=None if found.columns is None else found.columns[:n],
            objective=objective,
            lower=found.lower,
            upper=found.upper if found.columns is None else objective,
            gap=found.gap if found.columns is None else relative_gap(-found.lower, -objective),
            cvar=cvar,
            var=var,
            row_duals=found.row_duals[:rows],
            bound_duals=found.column_duals[:n],
            limit_duals=self._limit_duals(found),
            passes=found.passes,
            seconds=found.total_s,
            engine="cuts",
            messages=found.messages + (() if found.conflict is None else _conflict(found.conflict)),
        )

    def _limit_duals(self, found: Solution) -> FloatArray:
        duals = np.zeros(len(self.program.parts))
        for m, column in enumerate(self.lowered.tails):
            if column >= 0:
                duals[m] = max(0.0, -float(found.column_duals[column]))
            elif found.risks:
                duals[m] = found.risks[m].price
        return duals


class _Watch:
    """A progress callback that ends cutting planes whose gap will not close in a reasonable number of programs."""

    def __init__(self, progress: Progress | None, goal: float) -> None:
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


def _better(one: CvarResult, two: CvarResult) -> CvarResult:
    """Of two runs on one program: the better point with the better bound, and the work of both."""
    passes = Passes(
        *(getattr(one.passes, f) + getattr(two.passes, f) for f in ("full", "equivalent", "solves", "cuts"))
    )
    if two.status is Status.INFEASIBLE:
        return replace(two, passes=passes, messages=one.messages + two.messages)
    best = two if one.x is None or (two.x is not None and two.objective <= one.objective) else one
    lower = max(one.lower, two.lower)
    gap = relative_gap(-lower, -best.upper)
    status = Status.CERTIFIED if Status.CERTIFIED in (one.status, two.status) else Status.STOPPED
    return replace(best, lower=lower, gap=gap, status=status, passes=passes, messages=one.messages + two.messages)


def _conflict(conflict: Conflict) -> tuple[str, ...]:
    """Why there is no point, in words."""
    words = [f"{r.name}: its {r.side} bound must give way by {r.amount:.6g}" for r in conflict.relaxations]
    words += [
        f"{r.name}: the least CVaR possible is {r.least:.6g} (proven: not below {r.bound:.6g}); asked for {r.limit:.6g}"
        for r in conflict.least
    ]
    return tuple(words)
