"""The efficient frontier of expected return and CVaR in one call, each point with a proof.

The least CVaR as a function of the required return is convex and does not fall beyond its least point (Rockafellar and
Uryasev 2000, https://doi.org/10.21314/JOR.2000.038; Krokhmal, Palmquist and Uryasev 2002,
https://doi.org/10.21314/JOR.2002.057). Points are in equal steps of return.

The point of least CVaR comes first. The others are found from the greatest return down, where few assets are held, by
cutting planes that keep what they have learnt (module `cuts`); where those stall, that point and all further ones
are solved from the start, as in `cvar_portfolio`. Either way a point is certified on all scenarios.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import FloatArray
from ..cutting_planes.highs import LpStatus, Model
from ..cutting_planes.progress import OutOfTime, Progress, named
from ..cutting_planes.solution import Status
from .cuts import TAILS, WarmCuts
from .portfolio import Portfolio, Stated, stated
from .program import Lowering, lowered
from .result import CvarFrontier, PortfolioResult
from .solve import Effort, endless, judged, solved

TOP = 1e-6  # of the range of returns: so far below the greatest one lies the last point, to leave it some room
MOST_ENTRIES = 5e5  # of the first working set: where a query reads more, the engine is faster from the start


def cvar_frontier(
    returns: Any,
    *,
    points: int = 20,
    gap: float = 1e-5,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    warm: bool = True,
    **statement: Any,
) -> CvarFrontier:
    """The least CVaR at each of `points` expected returns, from the portfolio of least CVaR to that of most return.

    Args:
        returns: (S, n), or a whole `Portfolio`, whose objective plays no part; its `min_return` and `max_cvar` are kept
            and cut the frontier off.
        points: 2 or more. gap: relative, of each point's CVaR. time_limit: seconds for all points together.
        warm: False solves every point from the start.
        statement: the other fields of `Portfolio`.

    Where there is no portfolio at all, the frontier has one point, which says why; where the expected return has no
    limit, the last point says so.

    Raises:
        ValueError: every fault of the statement at once.
        SolverError: HiGHS fails.
    """
    if not isinstance(points, int | np.integer) or isinstance(points, bool) or points < 2:
        raise ValueError(f"points is {points!r}; a frontier has at least 2")
    begin = time.perf_counter()
    base = returns if isinstance(returns, Portfolio) else Portfolio(returns)
    asked = stated(replace(base, **statement, objective="min_cvar"))
    if asked.variance_aversion > 0.0:
        raise ValueError(f"variance_aversion is {asked.variance_aversion}; a frontier of return and CVaR takes none")
    found = _Search(asked, Effort(gap, time_limit, threads, progress), begin, warm).run(int(points))
    return CvarFrontier(found, time.perf_counter() - begin)


@dataclass(frozen=True, eq=False)
class End:
    """Weights (n,) and the expected return that they have."""

    weights: FloatArray
    gain: float


class _Search:
    """One frontier."""

    def __init__(self, asked: Stated, effort: Effort, begin: float, warm: bool) -> None:
        self.asked = asked
        self.effort = effort
        self.begin = begin
        self.warm = warm

    def run(self, points: int) -> tuple[PortfolioResult, ...]:
        first = solved(self.asked, lowered(self.asked), self._effort("point 1"))
        if not first.success:
            return (first,)
        low = End(np.asarray(first.weights), first.expected_return)
        top = self._most()
        if isinstance(top, PortfolioResult):
            return (first, top)
        # a limit on CVaR has cut the returns off; below that, the least CVaR keeps it by itself
        loose = replace(self.asked, max_cvar=math.inf, min_return=low.gain)
        lowering = lowered(loose)
        steps = np.linspace(0.0, max(0.0, top.gain - low.gain), points)
        steps[-1] *= 1.0 - TOP
        cuts = self._cuts(loose, lowering, abs(first.cvar), (low, top))
        found = [first]
        for k in range(points - 1, 0, -1):
            point = None if cuts is None else self._warm(loose, lowering, cuts, float(steps[k]), low, top)
            if point is None:
                cuts = None
                point = solved(loose, lowering.returning(float(steps[k])), self._effort(f"point {k + 1}"))
            if point.weights is not None:
                top = End(np.asarray(point.weights), point.expected_return)
            found.insert(1, point)
        return tuple(found)

    def _effort(self, name: str) -> Effort:
        return replace(self.effort, time_limit=self._left(), progress=named(name, self.effort.progress))

    def _left(self) -> float | None:
        limit = self.effort.time_limit
        return None if limit is None else max(0.0, limit - (time.perf_counter() - self.begin))

    def _check(self) -> None:
        if self._left() == 0.0:
            raise OutOfTime

    def _most(self) -> End | PortfolioResult:
        """The greatest expected return and a portfolio that has it; or a result that says why there is none."""
        asked = replace(self.asked, objective="max_return")
        lowering = lowered(asked)
        if math.isfinite(asked.max_cvar):
            best = solved(asked, lowering, self._effort("greatest return"))
            return End(np.asarray(best.weights), best.expected_return) if best.success else best
        program = lowering.program
        rows = (np.asarray(program.row_lower), np.asarray(program.row_upper))
        bounds = (np.asarray(program.lower), np.asarray(program.upper))
        result = Model(np.asarray(program.cost), program.matrix, *rows, *bounds).solve()
        if result.status is LpStatus.OPTIMAL:
            return End(result.x[: asked.width], -(result.objective + lowering.constant))
        words = "the expected return has no limit, the frontier no end: give lower and upper, max_leverage or max_cvar"
        return endless(asked, self.effort.gap, words)

    def _cuts(self, p: Stated, lowering: Lowering, scale: float, ends: tuple[End, End]) -> WarmCuts | None:
        if not self.warm or TAILS * (1.0 - p.level) * p.returns.size > MOST_ENTRIES:
            return None
        cuts = WarmCuts(p, lowering, scale, self._check)
        for end in ends:
            cuts.join(lowering.columns(end.weights))
        return cuts

    def _warm(
        self, p: Stated, lowering: Lowering, cuts: WarmCuts, step: float, low: End, above: End
    ) -> PortfolioResult | None:
        """A point from the cuts, begun between the first point and the one above; None where they do not find it."""
        begin = time.perf_counter()
        far = above.gain - low.gain
        share = min(1.0, step / far) if far > 0.0 else 1.0
        start = (1.0 - share) * low.weights + share * above.weights
        try:
            solution = cuts.solve(step, lowering.columns(start), self.effort.gap)
        except OutOfTime:
            return None
        if solution is None:
            return None
        x, bound = solution
        weights = np.clip(x[: p.width], p.lower, p.upper)
        answer = judged(p, weights, bound, Status.CERTIFIED, self.effort.gap, ())
        return replace(answer, seconds=time.perf_counter() - begin) if answer.success else None
