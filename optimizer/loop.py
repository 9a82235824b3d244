"""Maximise a linear program under limits on CVaR, and prove how good the plan is.

The loop of docs/mathematics-loop.md: relaxed program, pilot, interior point, rounds of in-out cutting planes on the scenarios
that matter with one full pass each, polish, certificate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.backend import Backend
from ..kernels.store import Store
from ..models.program import LinearProgram
from .elastic import relaxations
from .highs import SolverError
from .in_out import Inside, between, boundary, in_out
from .master import Infeasible, Master, Prices
from .phase_one import CLEARLY, FEASIBLE, deepest, least_alone, least_risk, violations
from .plan import Passes, Status
from .polish import inner_share, polish
from .progress import Monitor, OutOfTime, Progress, ProgressEvent, relative_gap
from .sample import Rows, Sample
from .settings import Settings
from .solution import Conflict, Cut, LeastRisk, Relaxation, RiskLimit, RiskValue, Solution

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

FloatArray = NDArray[np.float64]

PILOT_TAIL = 50.0  # scenarios in the pilot's smallest tail, at least
PILOT_GAP = 1e-3
FIRST_ROWS = 1.3  # the first working set is larger by this factor
FIRST_GAP = 1e-4
POLISH_ROUNDS = 3
LOSS_SHARE = 1e-2
ROW_TOLERANCE = 1e-6
PULL = 0.6  # how far the interior point goes towards the last plan at the start of a round


@dataclass(frozen=True)
class Evaluated:
    """A plan and, per limit, its CVaR, quantile and share of scenarios above the limit, over all scenarios."""

    x: FloatArray
    values: FloatArray
    quantiles: FloatArray
    shares: FloatArray


def maximise(
    program: LinearProgram,
    risks: Sequence[RiskLimit],
    backend: Backend,
    store: Store,
    settings: Settings | None = None,
    progress: Progress | None = None,
    pool: Sequence[Cut] = (),
) -> Solution:
    """Optimise `program` (in its own sense) such that CVaR of every risk is within its limit over the scenarios of `store`.

    `pool`: cuts that are valid for these risks and scenarios, from the search for another plan; they save most of the work.
    Returns the best feasible plan with its certificate, the prices of all limits, or why there is no plan. Ctrl-C and the time
    limit end the search with the best plan so far (status stopped; `columns` is None if there is none yet).

    Raises `SolverError` for numbers that are not finite, crossed bounds, an objective without limit, or a solver that fails;
    ValueError for a risk limit that makes no sense with these scenarios.
    """
    return _Search(program, tuple(risks), backend, store, settings or Settings(), progress, pool).run()


class _Search:
    """One run. Plans enter `plan` only whole and evaluated, so that the search may be cut off between any two statements."""

    def __init__(
        self,
        program: LinearProgram,
        risks: tuple[RiskLimit, ...],
        backend: Backend,
        store: Store,
        settings: Settings,
        progress: Progress | None,
        pool: Sequence[Cut],
    ) -> None:
        self.program = program
        self.pool = tuple(pool)
        self.risks = risks
        self.settings = settings
        sense = 1.0 if program.maximise else -1.0
        self.monitor = Monitor(progress, settings.time_limit, settings.gap, sense)
        self.sample = Sample(backend, store, risks, self.monitor)
        limits = [r.limit for r in risks]
        self.master = Master(program, limits, self.monitor, settings.seed)
        self.plan: Evaluated | None = None
        self.deep: FloatArray | None = None
        self.deep_values: FloatArray | None = None
        self.mix: FloatArray | None = None  # feasible by convexity, not evaluated yet
        self.conflict: Conflict | None = None
        self.prices: Prices | None = None
        self.rows = self.sample.all
        self.scaled = False
        self.polished = False
        self.messages: list[str] = []

    def run(self) -> Solution:
        """Search, and whatever happens return what is known."""
        stopped = ""
        try:
            self._search()
        except KeyboardInterrupt:
            stopped = "interrupted"
        except OutOfTime:
            stopped = "the time limit has passed"
        self.monitor.lift()
        if stopped:
            self.messages.append(stopped)
            try:
                self._rescue()
            except KeyboardInterrupt:
                self.messages.append("interrupted again: the last evaluated plan is kept")
        return self._result()

    # the search

    def _search(self) -> None:
        monitor, master = self.monitor, self.master
        try:
            relaxed = master.solve()
        except Infeasible:
            self.conflict = Conflict(relaxations(self.program, monitor, self.settings.seed))
            return
        monitor.upper = relaxed.bound
        monitor.tell("relaxed")
        if self.risks:
            try:
                self._rounds(self._warm(relaxed.x) if self.pool else self._pilot(relaxed.x))
            except Infeasible:
                raise SolverError(
                    "cuts and rows contradict each other within rounding; see the scaling report"
                ) from None
            if self.conflict is not None:
                return
        else:
            self._accept(relaxed.x, [])
        self.prices = master.prices()
        if self.settings.polish and self.plan is not None and self.program.value.any():
            self._polish()

    def _pilot(self, relaxed: FloatArray) -> FloatArray:
        """A good plan on the first scenarios alone, or the relaxed one where a pilot does not pay or finds none."""
        count, settings = self.settings.pilot, self.settings
        tail = min((1.0 - r.level) * max(count, 1) for r in self.risks)
        small = count == 0 or self.sample.count < 4 * count or tail < PILOT_TAIL
        rows = self.sample.all if small else self.sample.pilot(count)
        decisions = self.master.decisions(relaxed)
        if small:
            return relaxed
        self._set_scales(rows, rows.losses(decisions))
        found = deepest(
            self.master, rows, -2.0 * settings.depth, 1e-6, range(len(self.risks)), self.monitor, "pilot: interior"
        )
        start = relaxed
        if found.violation < -CLEARLY:
            self.deep = found.inside.x
            self.master.aim_primary()
            result = in_out(
                self.master, rows, found.inside, PILOT_GAP, settings.solves, lambda _: self.monitor.tell("pilot")
            )
            start = result.best
        self.master.drop_all()
        return start

    def _warm(self, relaxed: FloatArray) -> FloatArray:
        """The best plan by the cuts of the pool, which stay; without one, the search begins as if there were no pool."""
        rows = self.sample.pilot(min(self.sample.count, max(1, self.settings.pilot)))
        if any(k < 1.0 for k in rows.weights):
            return self._pilot(relaxed)
        self._set_scales(rows, rows.losses(self.master.decisions(relaxed)))
        for cut in self.pool:
            self.master.add(cut)
        try:
            return self.master.solve().x
        except Infeasible:
            self.master.drop_all()
            return self._pilot(relaxed)

    def _rounds(self, start: FloatArray) -> None:
        master, monitor, settings = self.master, self.monitor, self.settings
        losses = self._evaluate(start, first=True)
        if self._closed():
            return
        rows = self.rows = self.sample.worst(losses, FIRST_ROWS * settings.tail_multiple)
        last = start
        gap = FIRST_GAP
        for _ in range(settings.rounds):
            inside = self._inside(rows)
            if inside is None:
                return
            inside = self._pulled(rows, inside, last)
            master.aim_primary()
            goal = max(0.3 * self._goal, min(gap, 0.1 * monitor.gap))
            before = monitor.upper
            result = in_out(master, rows, inside, goal, settings.solves, self._tell_bound)
            losses = self._evaluate(result.best)
            if self._closed():
                return
            rows = self.rows = self.sample.worst(losses, settings.tail_multiple, rows)
            if not result.converged and monitor.upper >= before:
                self.messages.append("the bounds stopped moving before they met")
                return
            last, gap = result.best, 0.0
        self.messages.append(f"the bounds did not meet in {settings.rounds} rounds")

    def _inside(self, rows: Rows) -> Inside | None:
        """A point within the limits on `rows`: the deep one if it still is, else a new one. None: proven that there is none."""
        master = self.master
        if self.deep is not None:
            losses = rows.losses(master.decisions(self.deep))
            worst = violations(master, [t.cvar for t in rows.tails(losses)])
            if float(worst.max()) < -CLEARLY:
                return Inside(self.deep, tuple(losses))
        depth = -2.0 * self.settings.depth
        found = deepest(master, rows, depth, 1e-9, range(len(self.risks)), self.monitor, "interior")
        if found.violation > FEASIBLE:
            if found.bound > 0.0:
                self._explain(rows)
            else:
                self.messages.append("whether any plan meets the risk limits could not be decided")
            return None
        self.deep, self.deep_values = found.inside.x, None
        return found.inside

    def _pulled(self, rows: Rows, inside: Inside, towards: FloatArray) -> Inside:
        """`inside`, moved most of the way to where the segment to `towards` leaves the limits."""
        losses = rows.losses(self.master.decisions(towards))
        t, _, _ = boundary(rows, self.master, inside.losses, losses, rows.tails(losses))
        return between(inside, Inside(towards, tuple(losses)), PULL * t)

    def _evaluate(self, x: FloatArray, first: bool = False) -> list[FloatArray]:
        """A full pass at x: cuts, and x as plan if it is feasible, else the best point on the way to the interior."""
        master, everything = self.master, self.sample.all
        decisions = master.decisions(x)
        losses = everything.losses(decisions)
        if first:
            self._set_scales(everything, losses)
        tails = everything.tails(losses)
        values = np.array([t.cvar for t in tails])
        over = violations(master, values)
        for m in np.flatnonzero(over > -self.settings.depth):
            master.add(everything.cut(int(m), decisions, tails[m]))
        if float(over.max()) <= FEASIBLE:
            self._accept(x, losses)
        else:
            self._mix(x, values, float(over.max()))
        self.monitor.tell("full pass")
        return losses

    def _mix(self, x: FloatArray, values: FloatArray, over: float) -> None:
        """The best point between the interior point and x that convexity proves feasible; evaluated if it may close the gap."""
        if self.deep is None:
            return
        master, monitor = self.master, self.monitor
        value, inner = master.primary(x), master.primary(self.deep)
        loss = over / (over + self.settings.depth) * max(0.0, value - inner)
        if self.deep_values is None:
            if monitor.upper - (value - loss) > 3.0 * self._goal * abs(value):
                return  # not worth a full pass yet
            self._measure_deep()
            if self.deep_values is None:
                return
        mix = self.deep + inner_share(values, self.deep_values, np.asarray(master.limits)) * (x - self.deep)
        if master.primary(mix) > monitor.lower:
            self.mix = mix
            monitor.lower = master.primary(mix)
        if self._closed():
            self._settle()

    def _measure_deep(self) -> None:
        """A full pass at the interior point: it becomes the plan if there is none better, or is dropped if not feasible."""
        if self.deep is None:
            return
        losses = self.sample.all.losses(self.master.decisions(self.deep))
        values = np.array([t.cvar for t in self.sample.all.tails(losses)])
        if float(violations(self.master, values).max()) < -CLEARLY:
            self.deep_values = values
            self._accept(self.deep, losses)
        else:
            self.deep = None

    def _settle(self) -> None:
        """Evaluate the point that convexity proves feasible, so that it may become the plan."""
        if self.mix is None:
            return
        mix, self.mix = self.mix, None
        losses = self.sample.all.losses(self.master.decisions(mix))
        values = [t.cvar for t in self.sample.all.tails(losses)]
        if float(violations(self.master, values).max()) > FEASIBLE:
            raise SolverError("a point between two plans exceeds a limit that both ends respect: a loss is not convex")
        self._accept(mix, losses)

    def _polish(self) -> None:
        """Replace the certified plan by one of higher value whose gap is still met, if there is one."""
        master, settings, monitor, certified = self.master, self.settings, self.monitor, self.plan
        if certified is None:
            return
        objective = master.primary(certified.x)
        size = max(1e-9, abs(objective))
        slack = size * min(settings.polish_slack, settings.gap - relative_gap(monitor.upper, objective))
        if slack <= 0.1 * settings.polish_slack * size:
            return
        if self.risks and self.deep_values is None:
            if float(violations(master, certified.values).max()) < -CLEARLY:
                self.deep, self.deep_values = certified.x, certified.values
            else:
                self._measure_deep()
            if self.deep is None or self.deep_values is None:
                self.messages.append("not polished: the plan has no room inside its risk limits")
                return
        deep, depths = (self.deep, self.deep_values) if self.deep_values is not None else (certified.x, np.zeros(0))
        assert deep is not None
        rows, worth = self.rows, float(self.program.value @ certified.x)
        for _ in range(POLISH_ROUNDS):
            found = polish(
                master, rows, certified.x, deep, depths, slack, settings.polish_gap, settings.solves, monitor
            )
            if not found.moved:
                return
            losses = self.sample.all.losses(master.decisions(found.x))
            candidate = self._measured(found.x, losses)
            feasible = float(violations(master, candidate.values).max(initial=-math.inf)) <= FEASIBLE
            met = relative_gap(monitor.upper, master.primary(found.x)) <= settings.gap
            if feasible and met and float(self.program.value @ found.x) > worth:
                self.plan, self.polished = candidate, True
                return
            if feasible:
                return
            rows = self.sample.worst(losses, settings.tail_multiple, rows)

    # plans

    def _accept(self, x: FloatArray, losses: Sequence[FloatArray]) -> None:
        """Make a feasible plan the present one if it is better."""
        master = self.master
        if self.plan is None or master.primary(x) > master.primary(self.plan.x):
            self.plan = self._measured(x, losses)
            self.monitor.lower = max(self.monitor.lower, master.primary(x))

    def _measured(self, x: FloatArray, losses: Sequence[FloatArray]) -> Evaluated:
        tails = self.sample.all.tails(losses)
        return Evaluated(
            x=x,
            values=np.array([t.cvar for t in tails]),
            quantiles=np.array([t.var for t in tails]),
            shares=np.array([float(np.mean(v > r.limit)) for v, r in zip(losses, self.risks, strict=True)]),
        )

    def _set_scales(self, rows: Rows, losses: Sequence[FloatArray]) -> None:
        """Size of each loss: its limit, or for limits near zero a share of the tail's mean size at the first plan."""
        if self.scaled:
            return
        scales = []
        for m, loss in enumerate(losses):
            worst = rows.tail(m, loss)
            size = max(abs(self.risks[m].limit), LOSS_SHARE * float(np.abs(loss[worst.rows]).mean()))
            scales.append(size if size > 0.0 else 1.0)
        self.master.scales = tuple(scales)
        self.scaled = True

    @property
    def _goal(self) -> float:
        """The gap to reach before polishing, which needs its share."""
        gap = self.settings.gap
        polishing = self.settings.polish and bool(self.program.value.any())
        return max(0.5 * gap, gap - 1.1 * self.settings.polish_slack) if polishing else gap

    def _closed(self) -> bool:
        return self.monitor.gap <= self._goal

    def _tell_bound(self, bound: float) -> None:
        self.monitor.upper = min(self.monitor.upper, bound)
        self.monitor.tell("cutting planes")

    # the end

    def _explain(self, rows: Rows) -> None:
        """Why no plan meets the risk limits: what they could be together, and the least of each alone."""
        settings, master = self.settings, self.master
        multiple = settings.tail_multiple
        _, values, _ = least_risk(
            master, self.sample, rows, range(len(self.risks)), settings.least_gap, multiple, self.monitor
        )
        excess = max(0.0, float(violations(master, values).max()))
        joint = tuple(r.limit + excess * s for r, s in zip(self.risks, master.scales, strict=True))
        least = []
        for m, risk in enumerate(self.risks):
            alone = Master(self.program, master.limits, self.monitor, settings.seed)
            alone.scales = master.scales
            least.append(
                least_alone(alone, self.sample, rows, m, risk.name, settings.least_gap, multiple, self.monitor)
            )
        self.conflict = Conflict(least=tuple(least), joint=joint)

    def _rescue(self) -> None:
        """After a stop: evaluate what is feasible but has not been evaluated."""
        if self.conflict is not None:
            return
        if self.plan is None and self.deep is not None:
            self._measure_deep()
        if self.plan is None or (self.mix is not None and self.monitor.lower > self.master.primary(self.plan.x)):
            self._settle()

    def _result(self) -> Solution:
        master, monitor, program, plan = self.master, self.monitor, self.program, self.plan
        sense = 1.0 if program.maximise else -1.0
        prices = self.prices or master.prices()
        objective = math.nan if plan is None else master.primary(plan.x)
        gap = math.inf if plan is None else relative_gap(monitor.upper, objective)
        bounds = (sense * monitor.upper, sense * objective if plan is not None else -sense * math.inf)
        status = Status.CERTIFIED if gap <= self.settings.gap else Status.STOPPED
        risks: tuple[RiskValue, ...] = ()
        if plan is not None:
            self._check_rows(plan.x)
            risks = tuple(
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
        monitor.tell("done")
        return Solution(
            status=Status.INFEASIBLE if self.conflict is not None else status,
            columns=None if plan is None else plan.x,
            decisions=None if plan is None else master.decisions(plan.x),
            objective=sense * objective,
            upper=max(bounds),
            lower=min(bounds),
            gap=gap,
            value=math.nan if plan is None else float(program.value @ plan.x) + program.value_offset,
            risks=risks,
            row_prices=prices.rows,
            bound_prices=prices.bounds,
            passes=Passes(full=monitor.full, equivalent=monitor.rows, solves=monitor.solves, cuts=monitor.cuts),
            evaluate_s=monitor.evaluate_s,
            master_s=monitor.master_s,
            total_s=monitor.elapsed,
            scaling=master.report,
            conflict=self.conflict,
            polished=self.polished,
            messages=tuple(self.messages),
            cuts=master.pool,
        )

    def _check_rows(self, x: FloatArray) -> None:
        """The plan holds every row of the program, up to rounding."""
        worst, name = self.master.worst_row(x)
        if worst > ROW_TOLERANCE:
            raise SolverError(f"the plan breaks row '{name}' by {worst:.1e} of its size; please report the case")
