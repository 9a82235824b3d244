"""Maximise a linear program under limits on CVaR, and prove how good the plan is.

The loop of docs/mathematics-loop.md: relaxed program, pilot, interior point, rounds of in-out cutting planes on the
scenarios that matter with one full pass each, polish, certificate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...kernels.backend import Evaluator, ScenarioStore
from ...models.program import LinearProgram
from ..arrays import FloatArray
from .elastic import explained
from .endings import ENDS, Ending, ended_by
from .final_check import check_plan, crossed, in_doubt
from .highs import SolverError
from .in_out import Inside, in_out, pulled
from .incumbent import Incumbent
from .master import Infeasible, Master, Prices
from .oracle import Rows, Sample
from .phase_one import CLEARLY, FEASIBLE, deepest, good_inside, least_alone, least_risk, violations
from .pilot import Pilot, retake
from .polish import polished
from .progress import Monitor, Progress, ProgressEvent, relative_gap
from .settings import Settings
from .solution import (
    Conflict,
    Evaluation,
    LeastRisk,
    Passes,
    Relaxation,
    RiskLimit,
    RiskValue,
    Solution,
    Status,
    Vertex,
    WarmStart,
)

__all__ = [
    "Conflict",
    "LeastRisk",
    "ProgressEvent",
    "Relaxation",
    "RiskLimit",
    "RiskValue",
    "Settings",
    "Solution",
    "SolverError",
    "maximise",
]


FIRST_ROWS = 1.3  # the first working set is larger by this factor
NEAR_ROWS = 0.8  # or smaller, where a pilot or other searches have been near: the plan moves little
FIRST_GAP = 2e-4  # a narrower one is not worthwhile before a full pass, unless a pilot has been near
ROUND_SHARE = 0.8  # of the gap wanted that a round on the working set leaves


def maximise(
    program: LinearProgram,
    risks: Sequence[RiskLimit],
    backend: Evaluator,
    store: ScenarioStore,
    settings: Settings | None = None,
    progress: Progress | None = None,
    learnt: WarmStart | None = None,
    weights: FloatArray | None = None,
) -> Solution:
    """Optimise `program` (in its own sense) such that CVaR of every risk is within its limit over the scenarios of
    `store`.

    `learnt`: by searches for other amounts of the limits, with the same program, risks and scenarios; the best mixture
    of the plans known there is where this one begins. `weights`: (S,) relative weights of the scenarios, not negative;
    None: all the same.

    Returns the best feasible plan with its certificate, the prices of all limits, or why there is no plan. Ctrl-C, the
    time limit and a callback that raises `Enough` end the search with the best plan so far (status stopped; `columns`
    is None if there is none).

    Raises `SolverError` for numbers that are not finite, crossed bounds, an objective without limit, or a solver that
    fails; ValueError for a risk limit that makes no sense with these scenarios.
    """
    return _Search(program, tuple(risks), backend, store, settings or Settings(), progress, learnt, weights).run()


class _Search:
    """One run."""

    def __init__(
        self,
        program: LinearProgram,
        risks: tuple[RiskLimit, ...],
        backend: Evaluator,
        store: ScenarioStore,
        settings: Settings,
        progress: Progress | None,
        learnt: WarmStart | None,
        weights: FloatArray | None,
    ) -> None:
        self.program = program
        self.before = learnt or WarmStart()
        self.vertex: Vertex | None = None
        self.risks = risks
        self.settings = settings
        self.monitor = Monitor(progress, settings.time_limit, settings.gap, 1.0 if program.maximise else -1.0)
        self.sample = Sample(backend, store, risks, self.monitor, weights, worst_case=settings.worst_case)
        self.master = Master(program, [r.limit for r in risks], self.monitor, settings.seed)
        self.polishing = settings.polish and bool(program.value.any())
        # polishing needs its share of the gap
        goal = max(0.5 * settings.gap, settings.gap - 1.1 * settings.polish_slack) if self.polishing else settings.gap
        self.goal = goal
        self.found = Incumbent(risks, self.master, self.sample, self.monitor, goal, settings.depth)
        self.pilot = Pilot(self.master, self.sample, risks, self.found, settings, self.monitor)
        self.rows = self.sample.all
        self.conflict: Conflict | None = None
        self.prices: Prices | None = None
        self.piloted = False
        self.polished = False
        self.value_bound = math.inf
        self.mixed = False
        self.messages: list[str] = []
        self.ending = Ending.BY_ITSELF

    def run(self) -> Solution:
        """Search, and whatever happens return what is known."""
        try:
            self._steady(self._search)
            self.monitor.tell("done")
        except ENDS as error:
            self.ending, stopped = ended_by(error, self.settings.asked)
            self.messages.append(stopped)
            self.monitor.lift()
            try:
                if self.conflict is None:
                    self._steady(self.found.rescue)
            except KeyboardInterrupt:
                self.messages.append("interrupted again: the last evaluated plan is kept")
        return self._result()

    def _steady(self, step: Callable[[], None]) -> None:
        """Do a step; where a device gives way and the backend gets over it, once more from the cuts found so far."""
        while True:
            try:
                return step()
            except Exception as error:
                if not self.sample.recover(error):
                    raise
            self.rows = self.sample.all
            self.found.forget()

    def _search(self) -> None:
        if not self.piloted:
            self.master.drop_all()  # cuts of a pilot that was cut short are not valid
        self.master.aim_primary()
        start = None if self.piloted else self._warm()
        if start is None:
            try:
                relaxed = self.master.solve()
            except Infeasible:
                self.conflict = Conflict()
                if self.settings.explain:
                    self.conflict = explained(self.program, self.monitor, self.settings.seed)
                return
            self.monitor.upper = min(self.monitor.upper, relaxed.bound)
            self.monitor.tell("relaxed")
            if not self.risks:
                self.found.accept(relaxed.x, [])
        if self.risks:
            try:
                if start is None:
                    start = self._cold(relaxed.x)
                self.piloted = True
                self._rounds(start)
            except Infeasible:
                raise SolverError("cuts and rows contradict each other; see the scaling report") from None
            if self.conflict is not None:
                return
        self.prices, self.vertex = self.master.prices(), self.master.vertex()
        if self.polishing and not self.mixed:
            self._polish()

    def _cold(self, relaxed: FloatArray) -> FloatArray:
        """Where a search begins that knows of no other: at its plan so far, or at a pilot's."""
        if self.found.plan is not None:
            return self.found.plan.x
        return relaxed if self.piloted else self.pilot.run(relaxed)

    def _warm(self) -> FloatArray | None:
        """The best mixture of the plans known before, or the best plan by the cuts learnt, which stay. None where the
        search begins as if nothing were known.
        """
        before = self.before
        if not (self.risks and before.cuts and before.known):
            return None
        rows = self.sample.pilot(min(self.sample.count, max(1, self.settings.pilot)))
        if any(k < 1.0 for k in rows.weights):
            return None
        self.found.set_scales(rows, rows.losses(self.master.decisions(before.known[0].x)))
        for cut in before.cuts:
            self.master.add(cut)
        if before.vertex is not None:
            self.master.begin(before.vertex)
        try:
            point = self.master.solve()
        except Infeasible:
            self.master.drop_all()
            return None
        self._tell_bound(point.bound)
        self.master.purge()
        mixed = self.found.adopt(before.known)
        self.mixed = mixed is not None
        return point.x if mixed is None else mixed

    def _rounds(self, start: FloatArray) -> None:
        """Full passes, each followed by cutting planes on the rows that matter, until the bounds meet or stop
        moving.
        """
        found, monitor, settings = self.found, self.monitor, self.settings
        losses = found.evaluate(start)
        # a mixture of plans is not polished, which leaves it the whole gap
        self.mixed = self.mixed and monitor.gap <= settings.gap
        if found.closed or self.mixed:
            found.settle()
            return
        factor = NEAR_ROWS if self.pilot.cuts or self.before.cuts else FIRST_ROWS
        self.rows = self.sample.worst(losses, max(1.0, factor * settings.tail_multiple))
        retake(self.master, self.rows, self.pilot.cuts)
        last, gap = start, 0.0 if self.pilot.cuts else FIRST_GAP
        for _ in range(settings.rounds):
            inside = self._inside(self.rows)
            if inside is None:
                return
            inside = pulled(self.master, self.rows, inside, last, monitor.gap)
            self.master.aim_primary()
            before = (monitor.upper, monitor.lower)
            goal = max(ROUND_SHARE * self.goal, min(gap, 0.1 * monitor.gap))
            result = in_out(
                self.master, self.rows, inside, goal, settings.solves, self._tell_bound, not self.before.cuts
            )
            if found.closed:
                found.settle()
                return
            losses = found.evaluate(result.best)
            if found.closed:
                return
            self.rows = self.sample.worst(losses, settings.tail_multiple, self.rows)
            if not result.converged and (monitor.upper, monitor.lower) == before:
                self.messages.append("the bounds stopped moving before they met")
                return
            last, gap = result.best, 0.0
        self.messages.append(f"the bounds did not meet in {settings.rounds} rounds")

    def _inside(self, rows: Rows) -> Inside | None:
        """A point within the limits on `rows`: the deep one if it still is, else a new one. None if none is found."""
        master, deep = self.master, self.found.deep
        if deep is not None:
            losses = rows.losses(master.decisions(deep))
            if float(violations(master, [t.cvar for t in rows.tails(losses)]).max()) < -CLEARLY:
                return Inside(deep, tuple(losses))
        good = good_inside(master, rows, self.settings.depth, self.monitor, "interior")
        if good is not None:
            self.found.deep, self.found.deep_values = good.x, None
            return good
        everything = range(len(self.risks))
        least = deepest(master, rows, -2.0 * self.settings.depth, FEASIBLE, everything, self.monitor, "interior")
        if least.violation <= FEASIBLE:
            self.found.deep, self.found.deep_values = least.inside.x, None
            return least.inside
        if least.bound > FEASIBLE:
            self._explain(rows)
        else:
            self.messages.append("whether any plan meets the risk limits could not be decided")
        return None

    def _tell_bound(self, bound: float) -> bool:
        """Take an upper bound; whether it meets the lower one."""
        self.monitor.upper = min(self.monitor.upper, bound)
        self.monitor.tell("cutting planes")
        return self.found.closed

    def _polish(self) -> None:
        """Replace the certified plan by one of higher value whose gap is still met, if there is one."""
        better = polished(self.master, self.sample, self.rows, self.found, self.settings, self.monitor)
        self.value_bound = better.value_bound
        if better.plan is not None:
            self.found.plan, self.polished = better.plan, True
        self.messages += better.messages

    def _explain(self, rows: Rows) -> None:
        """Why no plan meets the risk limits: what they could be together, and the least of each alone."""
        self.conflict = Conflict()
        if not self.settings.explain:
            return
        settings, master, least = self.settings, self.master, []
        gap, multiple = settings.least_gap, settings.tail_multiple
        _, values, _ = least_risk(master, self.sample, rows, range(len(self.risks)), gap, multiple, self.monitor)
        excess = max(0.0, float(violations(master, values).max()))
        joint = tuple(r.limit + excess * s for r, s in zip(self.risks, master.scales, strict=True))
        for m, risk in enumerate(self.risks):
            alone = Master(self.program, master.limits, self.monitor, settings.seed)
            alone.scales = master.scales
            least.append(least_alone(alone, self.sample, rows, m, risk.name, gap, multiple, self.monitor))
            self.conflict = Conflict(least=tuple(least), joint=joint)

    def _result(self) -> Solution:
        master, monitor, program = self.master, self.monitor, self.program
        plan = self.found.plan if self.conflict is None else None
        sense = 1.0 if program.maximise else -1.0
        objective = -math.inf if plan is None else master.primary(plan.x)
        if plan is not None:
            self._check(plan, objective)
        prices = self.prices or master.prices()
        gap = relative_gap(max(monitor.upper, objective), min(monitor.upper, objective))
        bounds = sorted((sense * monitor.upper, sense * objective))
        if self.conflict is not None:
            status = Status.INFEASIBLE
        else:
            status = Status.CERTIFIED if gap <= self.settings.gap else Status.STOPPED
        return Solution(
            status=status,
            columns=None if plan is None else plan.x,
            decisions=None if plan is None else master.decisions(plan.x),
            objective=math.nan if plan is None else sense * objective,
            upper=bounds[1],
            lower=bounds[0],
            gap=gap,
            value=math.nan if plan is None else float(program.value @ plan.x) + program.value_offset,
            value_bound=self.value_bound,
            risks=() if plan is None else self._risk_values(plan, prices),
            row_prices=prices.rows,
            bound_prices=prices.bounds,
            row_duals=prices.row_duals,
            column_duals=prices.column_duals,
            passes=Passes(full=monitor.full, equivalent=monitor.rows, solves=monitor.solves, cuts=monitor.cuts),
            evaluate_s=monitor.evaluate_s,
            master_s=monitor.master_s,
            total_s=monitor.elapsed,
            scaling=master.report,
            conflict=self.conflict,
            polished=self.polished,
            messages=tuple(self.messages),
            ending=self.ending,
            learnt=WarmStart(master.pool, (*self.found.known, *(() if plan is None else (plan,))), self.vertex),
        )

    def _check(self, plan: Evaluation, objective: float) -> None:
        """Look at a plan and its bound for the last time. SolverError if it breaks a row, a bound or a limit, or is
        better than the bound: then one of the two is false, and so would be the certificate.
        """
        master, monitor = self.master, self.monitor
        check_plan(master, self.risks, plan)
        if not crossed(objective, monitor.upper):
            return
        self.messages.append("the bounds crossed: the linear program was solved again from scratch")
        if not self.piloted:
            master.drop_all()
        monitor.lift()
        master.aim_primary()
        monitor.upper = master.afresh().bound
        self.prices = master.prices()
        if crossed(objective, monitor.upper):
            raise SolverError(in_doubt(self.program, objective, monitor.upper))

    def _risk_values(self, plan: Evaluation, prices: Prices) -> tuple[RiskValue, ...]:
        return tuple(
            RiskValue(
                name=r.name,
                level=r.level,
                limit=r.limit,
                value=float(plan.values[m]),
                var=float(plan.quantiles[m]),
                probability=float(plan.shares[m]),
                price=float(prices.limits[m]),
            )
            for m, r in enumerate(self.risks)
        )
