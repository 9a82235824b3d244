"""The search for a frontier's points: ends first, then the middle of each gap, with what was learnt handed on.

A point begins as soon as its neighbours are known, beside others. It is handed what they have learnt, and what those
before them had, and nothing else: so it does not depend on how many run at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from ...kernels.backend import Backend
from ...kernels.memory.split_backend import apart
from ...kernels.vectors import LossVector
from ...models.reading.faults import CaseError, Fault, show
from .. import stops
from ..analysis.evidence import evidence
from ..analysis.funding_tables import funding
from ..analysis.infeasible import in_words
from ..analysis.lawful import put_right
from ..analysis.risk_figures import UNITS
from ..analysis.tidy import amounts_of
from ..arrays import FloatArray
from ..cutting_planes.least_risk import Least, least_kept
from ..cutting_planes.master import Infeasible, Master
from ..cutting_planes.mixtures import best_mixture, greatest_depth
from ..cutting_planes.phase_one import CLEARLY
from ..cutting_planes.progress import Monitor, OutOfTime, Progress, named
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Cut, Evaluation, Passes, RiskLimit, Solution, Status, WarmStart
from ..parallel import together
from ..setup import device as devices
from ..setup.prepare import Clock, PlanningProblem
from ..setup.risk_losses import all_risks
from .points import FrontierPoint

DEEP = 0.05  # relative to the other limits: so far inside them the search for the least risk begins, at most
FREE = 10.0  # an amount so many times what the plan without limits needs counts as none
CLOSE = 1e-9  # relative to its size: two amounts that are one
NO_WORK = Passes(0, 0.0, 0, 0)

T = TypeVar("T")


class FrontierSearch:
    """One run over the amounts of one limit.

    Attributes:
        least: the least CVaR with all other limits kept; None until known.
        free_from: the amount from which the limit costs nothing; None where that was not sought or not found.
        passes, evaluate_s, master_s: the work so far.
        interrupted: it was ended before all points were found.
    """

    def __init__(
        self,
        ready: PlanningProblem,
        risks: Sequence[RiskLimit],
        limit: int,
        settings: Settings,
        clock: Clock,
        progress: Progress | None,
    ) -> None:
        self._ready = ready
        self._risks = tuple(risks)
        self._limit = limit
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._solved: dict[float, WarmStart] = {}
        self._known: list[Evaluation] = []
        self._found: dict[float, FrontierPoint] = {}
        self._ended: dict[float, Solution] = {}
        self._wanted: list[float] = []
        self.interrupted = False
        self.least: Least | None = None
        self.free_from: float | None = None
        self.passes = NO_WORK
        self.evaluate_s = 0.0
        self.master_s = 0.0

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """All cuts known, each once."""
        return _once(*(one.cuts for one in self._solved.values()))

    def run(self, points: int, low: float | None, high: float | None) -> tuple[FrontierPoint, ...]:
        """The points by rising limit. Only one, without a plan, where no amount of the limit has any.

        Interrupted, those known so far, the others without a plan; KeyboardInterrupt where none has a plan.
        """
        try:
            return self._traced(points, low, high)
        except KeyboardInterrupt:
            self.interrupted = True
            for amount, solution in sorted(self._ended.items()):
                self._found[amount] = self._read(amount, solution)
            if not any(point.planned for point in self._found.values()):
                raise
            for amount in self._wanted:
                self._found.setdefault(amount, self._unplanned(amount))
            return tuple(self._found[amount] for amount in sorted(self._found))

    def _unplanned(self, amount: float) -> FrontierPoint:
        """A point that was not come to."""
        if self.least is not None and amount < self.least.bound:
            return self._impossible(amount, self.least)
        return FrontierPoint(amount, Status.STOPPED, why="interrupted before it began")

    def _traced(self, points: int, low: float | None, high: float | None) -> tuple[FrontierPoint, ...]:
        self._clock.tell("frontier: the loose end")
        last = self._free_end() if high is None else self._point(high)
        if high is None and not last.planned:
            return (last,)
        self._found[last.limit] = last
        self._clock.tell("frontier: the minimum risk")
        self._safe_end(low if low is not None and low < last.limit else None)
        self._wanted = self._amounts(points, low, last.limit)[:-1].tolist()
        return (*self._between(self._wanted), last)

    def _amounts(self, points: int, low: float | None, high: float) -> FloatArray:
        """Equal steps; where no first amount is given from one above the minimum risk, or the case's own amount
        where that is not known. A single amount where the limit costs nothing anywhere.
        """
        if low is not None:
            if not low < high:
                allowed = f"an amount below {high:.6g}, from where the limit costs nothing"
                raise CaseError([Fault("arguments", None, "low", show(low), allowed, "lower it, or give high")])
            return np.linspace(low, high, points)
        safe = self._risks[self._limit].limit if self.least is None else self.least.value
        if high - safe <= CLOSE * max(1.0, abs(high)):
            return np.array([high])
        return np.linspace(safe, high, points + 1)[1:]

    def _free_end(self) -> FrontierPoint:
        """The plan where the limit is so high that it costs nothing; the point stands at the CVaR it has."""
        ready, m = self._ready, self._limit
        monitor = Monitor(None, None, 1.0, 1.0)
        try:
            x = Master(ready.program, [r.limit for r in self._risks], monitor, self._settings.seed).solve().x
        except Infeasible:
            return self._point(self._risks[m].limit)
        risk = self._risks[m]
        need = abs(ready.backend.tail(self._losses(x[ready.program.decisions]), risk.level).cvar)
        amount = FREE * max(need, abs(risk.limit))
        # idle money would raise the CVaR at which the point stands; elsewhere the limit keeps it down
        point = self._point(amount if amount > 0.0 else 1.0, polish=True)
        if not point.planned:
            return point
        if point.price == 0.0:
            self.free_from = point.value
        self._solved = dict.fromkeys([point.value], next(iter(self._solved.values())))
        return self._standing_at(point.value, point)

    def _standing_at(self, amount: float, point: FrontierPoint) -> FrontierPoint:
        """The point with the limit at another amount, above which other scenarios lie."""
        if point.decisions is None:
            return replace(point, limit=amount)
        share = self._ready.backend.above(self._losses(point.decisions), amount)
        own = replace(point.risks[self._limit], limit=amount, probability=share)
        risks = tuple(own if m == self._limit else risk for m, risk in enumerate(point.risks))
        return replace(point, limit=amount, risks=risks)

    def _losses(self, decisions: FloatArray) -> LossVector:
        """(S,) the loss that is limited, of a plan."""
        ready, risk = self._ready, self._risks[self._limit]
        exposure = np.asarray(risk.matrix @ decisions, dtype=np.float64)
        return devices.steadily(ready.backend, lambda: ready.backend.losses(ready.store, [risk.table], [exposure]))[0]

    def _safe_end(self, first: float | None) -> None:
        """Find the minimum risk, beginning from a point inside all other limits; beside it, the best plan at the
        `first` amount where that is known.
        """
        start = self._inside_others()
        if start is None:
            self._point(self._risks[self._limit].limit)
            start = self._inside_others()
        ready = self._ready
        tasks: list[Callable[[Backend, Progress | None], Least | Solution | None]] = []
        if start is not None:
            tasks.append(partial(self._safest, start.x, self.cuts))
        if first is not None:
            tasks.append(partial(self._searched, first, self._before(first, self._solved, self._known), False))
        beside = apart(ready.backend, [ready.store], len(tasks))
        for found in together(tasks, beside, self._progress):
            if isinstance(found, Solution) and first is not None:
                self._found[first] = self._read(first, found)
            elif isinstance(found, Least):
                self.least = found
                self._known += found.known
                self._solved[-math.inf] = WarmStart(found.cuts)
                self._count(found.passes, found.evaluate_s, found.master_s)

    def _safest(
        self, begin: FloatArray, pool: Sequence[Cut], backend: Backend, progress: Progress | None
    ) -> Least | None:
        """The minimum risk, None where it is not found."""
        ready, told = self._ready, named("frontier: the minimum risk", progress)
        settings = replace(self._settings, time_limit=self._left())
        try:
            return devices.steadily(
                backend,
                lambda: least_kept(
                    ready.program, self._risks, self._limit, backend, ready.store, begin, settings, pool, told
                ),
            )
        except (OutOfTime, ValueError):
            return None

    def _inside_others(self) -> Evaluation | None:
        """The safest mixture of the plans known that lies clearly inside every other limit."""
        if not self._known:
            return None
        m, limits = self._limit, np.array([r.limit for r in self._risks])
        size = np.maximum(np.abs(limits), 1e-9)
        values = np.array([plan.values for plan in self._known])
        over = np.delete((values - limits) / size, m, axis=1)
        depth = min(DEEP, 0.5 * greatest_depth(over))
        return best_mixture(self._known, -values[:, m] / size[m], over, depth) if depth > CLEARLY else None

    def _point(self, amount: float, polish: bool = False) -> FrontierPoint:
        """The best plan at one amount of the limit, from the cuts of its neighbours and all plans known."""
        if self.least is not None and amount < self.least.bound:
            return self._impossible(amount, self.least)
        before = self._before(amount, self._solved, self._known)
        solution = self._searched(amount, before, polish, self._ready.backend, self._progress)
        return self._read(amount, solution)

    def _before(self, amount: float, solved: Mapping[float, WarmStart], known: Sequence[Evaluation]) -> WarmStart:
        """What the nearest points below and above have learnt: the cuts of both, and the vertex of the nearer."""
        below = max((a for a in solved if a <= amount), default=-math.inf)
        above = min((a for a in solved if a >= amount), default=math.inf)
        near = [solved[a] for a in sorted((below, above), key=lambda a: abs(amount - a)) if a in solved]
        vertex = next((one.vertex for one in near if one.vertex is not None), None)
        return WarmStart(_once(*(one.cuts for one in near)), tuple(known), vertex)

    def _between(self, amounts: Sequence[float]) -> list[FrontierPoint]:
        """The best plans at rising amounts below the last, which is known already."""
        least, solved, known = self.least, dict(self._solved), tuple(self._known)
        points = dict(self._found)
        points |= {a: self._impossible(a, least) for a in amounts if least is not None and a < least.bound}
        open_ = [a for a in amounts if a not in points]
        learnt: dict[int, WarmStart] = {}

        def search(i: int, neighbours: Sequence[int], backend: Backend, progress: Progress | None) -> Solution:
            amount, near = open_[i], [learnt[j] for j in neighbours]
            plans = _once(known, *(one.known for one in near))
            before = self._before(amount, solved | {open_[j]: learnt[j] for j in neighbours}, plans)
            solution = self._searched(amount, before, False, backend, progress)
            learnt[i] = replace(solution.learnt, known=_once(plans, solution.learnt.known))
            return solution

        order = list(_bisection(len(open_)))
        place = {i: k for k, (i, _) in enumerate(order)}
        after = [[place[j] for j in neighbours] for _, neighbours in order]
        beside = apart(self._ready.backend, [self._ready.store], len(order))
        solutions = together([partial(search, *one) for one in order], beside, self._progress, after)
        points |= {open_[i]: self._read(open_[i], one) for (i, _), one in zip(order, solutions, strict=True)}
        return [points[a] for a in amounts]

    def _searched(
        self,
        amount: float,
        before: WarmStart,
        polish: bool,
        backend: Backend,
        progress: Progress | None,
    ) -> Solution:
        """The search at one amount. KeyboardInterrupt if it was interrupted; what it found is kept."""
        stops.check()
        ready = self._ready
        risks = [replace(r, limit=amount) if i == self._limit else r for i, r in enumerate(self._risks)]
        settings = replace(self._settings, time_limit=self._left(), polish=polish)
        told = named(f"frontier: {amount:.6g}", progress)
        solution = maximise(ready.program, risks, backend, ready.store, settings, told, before)
        solution = put_right(replace(ready, backend=backend), solution, risks, settings, told)
        self._ended[amount] = solution
        return solution.uninterrupted()

    def _read(self, amount: float, solution: Solution) -> FrontierPoint:
        """The point of a search, which counts from now on."""
        ready = self._ready
        self._ended.pop(amount, None)
        self._count(solution.passes, solution.evaluate_s, solution.master_s)
        self._known += solution.learnt.known
        self._solved[amount] = solution.learnt
        if solution.decisions is None:
            why = "; ".join(solution.messages)
            if solution.status is Status.INFEASIBLE:
                asked = tuple(
                    replace(r, limit=amount) if i == self._limit else r for i, r in enumerate(all_risks(ready.case))
                )
                why = in_words(solution.conflict, ready.program, asked).reason
            return FrontierPoint(amount, solution.status, passes=solution.passes, why=why)
        amounts = amounts_of(ready, solution.decisions)
        raised = funding(amounts)
        own = solution.risks[self._limit]
        return FrontierPoint(
            limit=amount,
            status=solution.status,
            objective=solution.objective,
            upper=solution.upper,
            lower=solution.lower,
            gap=solution.gap,
            value=own.value,
            price=own.price if ready.program.maximise else -own.price,
            risks=solution.risks,
            decisions=solution.decisions,
            evidence=evidence(ready.program, solution),
            raised=raised.total,
            funding=raised.by_instrument,
            passes=solution.passes,
            why="; ".join(solution.messages),
        )

    def _impossible(self, amount: float, least: Least) -> FrontierPoint:
        risk = all_risks(self._ready.case)[self._limit]
        unit = UNITS[risk.loss]
        kept = " with all other limits kept" if len(self._risks) > 1 else ""
        why = f"the minimum{kept} is {least.value:.6g} {unit}; {amount:.6g} {unit} is below"
        return FrontierPoint(amount, Status.INFEASIBLE, why=why)

    def _left(self) -> float | None:
        limit = self._settings.time_limit
        return None if limit is None else max(0.0, limit - self._clock.elapsed)

    def _count(self, passes: Passes, evaluate_s: float, master_s: float) -> None:
        was = self.passes
        self.passes = Passes(
            was.full + passes.full,
            was.equivalent + passes.equivalent,
            was.solves + passes.solves,
            was.cuts + passes.cuts,
        )
        self.evaluate_s += evaluate_s
        self.master_s += master_s


def _bisection(count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """0 … count-1: the first, then the middle of every gap, the widest gaps first; each with those before it that are
    nearest to it on both sides.
    """
    if count == 0:
        return
    yield 0, ()
    gaps = [(0, count)]
    for a, b in gaps:  # which grow
        middle = (a + b) // 2
        if middle > a:
            whole = b - a == count  # the first middle need not wait for the first
            yield middle, () if whole else tuple(i for i in (a, b) if i < count)
            gaps += [(a, middle), (middle, b)]


def _once(*parts: Sequence[T]) -> tuple[T, ...]:
    """Everything in the parts, without repetition."""
    return tuple({id(one): one for part in parts for one in part}.values())
