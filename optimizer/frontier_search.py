"""The search for a frontier's points: ends first, then the middle of each gap, with everything learnt handed on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..models.reading.faults import CaseError, Fault, show
from . import device as devices
from .amounts import Amounts
from .frontier_points import FrontierPoint
from .holdings import funding
from .infeasible import in_words
from .least import Least, least_kept
from .loop import maximise
from .master import Infeasible, Master
from .mixture import best_mixture, greatest_depth
from .phase_one import CLEARLY
from .plan import Passes, Status
from .prepare import Clock, Prepared
from .progress import Monitor, OutOfTime, Progress
from .risk_figures import UNITS
from .settings import Settings
from .shortfalls import all_risks
from .solution import Cut, Evaluated, RiskLimit, Solution

FloatArray = NDArray[np.float64]

DEEP = 0.05  # relative to the other limits: so far inside them the search for the least risk begins, at most
FREE = 10.0  # an amount so many times what the plan without limits needs counts as none
CLOSE = 1e-9  # relative to its size: two amounts that are one
NO_WORK = Passes(0, 0.0, 0, 0)


class FrontierSearch:
    """One run over the amounts of one limit.

    Attributes:
        least: the least CVaR with all other limits kept; None until known.
        free_from: the amount from which the limit costs nothing; None where that was not sought or not found.
        passes, evaluate_s, master_s: the work so far.
    """

    def __init__(
        self,
        ready: Prepared,
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
        self._solved: dict[float, tuple[Cut, ...]] = {}
        self._known: list[Evaluated] = []
        self.least: Least | None = None
        self.free_from: float | None = None
        self.passes = NO_WORK
        self.evaluate_s = 0.0
        self.master_s = 0.0

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """All cuts known, each once."""
        return tuple({id(cut): cut for cuts in self._solved.values() for cut in cuts}.values())

    def run(self, points: int, low: float | None, high: float | None) -> tuple[FrontierPoint, ...]:
        """The points by rising limit. Only one, without a plan, where no amount of the limit has any."""
        self._clock.tell("frontier: the loose end")
        last = self._free_end() if high is None else self._point(high)
        if high is None and not last.planned:
            return (last,)
        self._clock.tell("frontier: the least possible risk")
        self._safe_end()
        grid = self._amounts(points, low, last.limit)
        found = {len(grid) - 1: last}
        for done, i in enumerate(_ends_then_middles(len(grid)), start=1):
            if i not in found:
                self._clock.tell(f"frontier: point {done} of {len(grid)}")
                found[i] = self._point(float(grid[i]))
        return tuple(found[i] for i in range(len(grid)))

    def _amounts(self, points: int, low: float | None, high: float) -> FloatArray:
        """Equal steps; where no first amount is given from one above the least possible risk, or the case's own amount
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
        exposure = np.asarray(risk.matrix @ x[ready.program.decisions], dtype=np.float64)
        losses = devices.steadily(ready.backend, lambda: ready.backend.losses(ready.store, [risk.table], [exposure]))
        need = abs(ready.backend.tail(losses[0], risk.level).cvar)
        amount = FREE * max(need, abs(risk.limit))
        # idle money would raise the CVaR at which the point stands; elsewhere the limit keeps it down
        point = self._point(amount if amount > 0.0 else 1.0, polish=True)
        if not point.planned:
            return point
        if point.price == 0.0:
            self.free_from = point.value
        self._solved = dict.fromkeys([point.value], next(iter(self._solved.values())))
        return replace(point, limit=point.value)

    def _safe_end(self) -> None:
        """Find the least possible risk, beginning from a point inside all other limits."""
        start = self._inside_others()
        if start is None:
            self._point(self._risks[self._limit].limit)
            start = self._inside_others()
        if start is None:
            return
        m, ready, begin = self._limit, self._ready, start.x
        pool = self.cuts
        settings = replace(self._settings, time_limit=self._left())
        try:
            least = devices.steadily(
                ready.backend,
                lambda: least_kept(
                    ready.program, self._risks, m, ready.backend, ready.store, begin, settings, pool, self._progress
                ),
            )
        except (OutOfTime, ValueError):
            return
        self.least = least
        self._known += least.known
        self._solved[-math.inf] = least.cuts
        self._count(least.passes, least.evaluate_s, least.master_s)

    def _inside_others(self) -> Evaluated | None:
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
        ready, m, least = self._ready, self._limit, self.least
        if least is not None and amount < least.bound:
            return FrontierPoint(amount, Status.INFEASIBLE, why=self._impossible(amount, least))
        risks = [replace(r, limit=amount) if i == m else r for i, r in enumerate(self._risks)]
        settings = replace(self._settings, time_limit=self._left(), polish=polish)
        solution = maximise(
            ready.program, risks, ready.backend, ready.store, settings, self._progress, self._pool(amount), self._known
        )
        if "interrupted" in solution.messages:
            raise KeyboardInterrupt
        self._count(solution.passes, solution.evaluate_s, solution.master_s)
        self._known += solution.known
        self._solved[amount] = solution.cuts
        return self._read(amount, solution)

    def _read(self, amount: float, solution: Solution) -> FrontierPoint:
        ready = self._ready
        if solution.decisions is None:
            why = "; ".join(solution.messages)
            if solution.status is Status.INFEASIBLE:
                asked = tuple(
                    replace(r, limit=amount) if i == self._limit else r for i, r in enumerate(all_risks(ready.case))
                )
                why = in_words(solution.conflict, ready.program, asked).reason
            return FrontierPoint(amount, solution.status, passes=solution.passes, why=why)
        amounts = Amounts(ready.case, ready.ledger, ready.means, solution.decisions, ready.deposit_rates)
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
            raised=raised.total,
            funding=raised.by_instrument,
            passes=solution.passes,
            why="; ".join(solution.messages),
        )

    def _pool(self, amount: float) -> tuple[Cut, ...]:
        """The cuts of the nearest points below and above, each once."""
        below = max((a for a in self._solved if a <= amount), default=None)
        above = min((a for a in self._solved if a >= amount), default=None)
        pool = {id(cut): cut for a in (below, above) if a is not None for cut in self._solved[a]}
        return tuple(pool.values())

    def _impossible(self, amount: float, least: Least) -> str:
        risk = all_risks(self._ready.case)[self._limit]
        unit = UNITS[risk.loss]
        kept = " with all other limits kept" if len(self._risks) > 1 else ""
        return f"the least possible{kept} is {least.value:.6g} {unit}; {amount:.6g} {unit} is below"

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


def _ends_then_middles(count: int) -> Iterator[int]:
    """0 … count-1: the last, the first, then the middle of every gap, the widest gaps first."""
    yield count - 1
    if count > 1:
        yield 0
    gaps = [(0, count - 1)]
    while gaps:
        a, b = gaps.pop(0)
        if b - a > 1:
            middle = (a + b) // 2
            yield middle
            gaps += [(a, middle), (middle, b)]
