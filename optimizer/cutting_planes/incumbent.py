"""The plans that the loop has found: the best one evaluated, a deep interior one, and one that convexity proves
feasible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...kernels.vectors import LossVector
from ..arrays import FloatArray
from .highs import SolverError
from .master import Master
from .mixtures import best_mixture, greatest_depth
from .oracle import Rows, Sample
from .phase_one import CLEARLY, FEASIBLE, violations
from .polish import inner_share
from .progress import Monitor
from .solution import Evaluation, RiskLimit

LOSS_SHARE = 1e-2  # of a tail's mean size: the scale of a loss whose limit is near zero


class Incumbent:
    """State that is whole between any two statements, so that the search may be cut off anywhere.

    Attributes:
        plan: the best evaluated feasible plan.
        deep: a point meant to lie well inside the limits; deep_values: its CVaRs over all scenarios, None until
            measured.
        known: plans evaluated over all scenarios, within the limits or not.
    """

    def __init__(
        self, risks: Sequence[RiskLimit], master: Master, sample: Sample, monitor: Monitor, goal: float, depth: float
    ) -> None:
        self._risks = risks
        self._master = master
        self._sample = sample
        self._monitor = monitor
        self._goal = goal
        self._depth = depth
        self._mix: FloatArray | None = None
        self._scaled = False
        self.plan: Evaluation | None = None
        self.deep: FloatArray | None = None
        self.deep_values: FloatArray | None = None
        self.known: list[Evaluation] = []

    @property
    def closed(self) -> bool:
        """The bounds meet to within the goal."""
        return self._monitor.gap <= self._goal

    def evaluate(self, x: FloatArray) -> list[LossVector]:
        """A full pass at x, with its cuts: x becomes the plan if it is feasible and better, else a point on the way
        from the interior to x may. Returns the losses per limit.
        """
        master, everything = self._master, self._sample.all
        decisions = master.decisions(x)
        losses = everything.losses(decisions)
        self.set_scales(everything, losses)
        tails = everything.tails(losses)
        values = np.array([t.cvar for t in tails])
        self._remember(x, values)
        over = violations(master, values)
        for m in np.flatnonzero(over > -self._depth):
            master.add(everything.cut(int(m), decisions, tails[m]))
        if float(over.max()) <= FEASIBLE:
            self.accept(x, losses)
        else:
            self._between(x, values, float(over.max()))
        self._monitor.tell("full pass")
        return losses

    def adopt(self, plans: Sequence[Evaluation]) -> FloatArray | None:
        """From mixtures of plans known on these scenarios, which convexity proves feasible: the deep point, and the
        best point, which is returned. None where no mixture is feasible.
        """
        master = self._master
        over = np.array([violations(master, plan.values) for plan in plans])
        objective = np.array([master.primary(plan.x) for plan in plans])
        best = best_mixture(plans, objective, over, 0.0)
        depth = min(0.5 * greatest_depth(over), self._depth)
        deep = best_mixture(plans, objective, over, depth) if depth > CLEARLY else None
        if deep is not None:
            self.deep, self.deep_values = deep.x, deep.values
        return None if best is None else best.x

    def accept(self, x: FloatArray, losses: Sequence[LossVector]) -> None:
        """Make a feasible plan the present one if it is better."""
        value = self._master.primary(x)
        if self.plan is None or value > self._master.primary(self.plan.x):
            self.plan = self.measured(x, losses)
            self._monitor.lower = max(self._monitor.lower, value)

    def measured(self, x: FloatArray, losses: Sequence[LossVector]) -> Evaluation:
        tails = self._sample.all.tails(losses)
        return Evaluation(
            x=x,
            values=np.array([t.cvar for t in tails]),
            quantiles=np.array([t.var for t in tails]),
            shares=np.array([self._sample.all.above(v, r.limit) for v, r in zip(losses, self._risks, strict=True)]),
        )

    def feasible(self, plan: Evaluation) -> bool:
        return float(violations(self._master, plan.values).max(initial=-math.inf)) <= FEASIBLE

    def measure_deep(self) -> bool:
        """Know the CVaRs of an interior point: the plan's if it is one, else by a full pass at the deep point.

        A deep point that turns out not to be inside is dropped. Returns whether there is one.
        """
        if self.deep is not None and self.deep_values is not None:
            return True
        if self.plan is not None and float(violations(self._master, self.plan.values).max()) < -CLEARLY:
            self.deep, self.deep_values = self.plan.x, self.plan.values
        elif self.deep is not None:
            losses = self._sample.all.losses(self._master.decisions(self.deep))
            values = np.array([t.cvar for t in self._sample.all.tails(losses)])
            self._remember(self.deep, values)
            if float(violations(self._master, values).max()) < -CLEARLY:
                self.deep_values = values
                self.accept(self.deep, losses)
            else:
                self.deep = None
        return self.deep is not None

    def settle(self) -> None:
        """Evaluate the point that convexity proves feasible, so that it may become the plan."""
        if self._mix is None:
            return
        mix, self._mix = self._mix, None
        losses = self._sample.all.losses(self._master.decisions(mix))
        if not self.feasible(self.measured(mix, losses)):
            raise SolverError(
                "a point between two plans exceeds a risk limit that convexity says it must hold: a loss is not convex"
            )
        self.accept(mix, losses)

    def _remember(self, x: FloatArray, values: FloatArray) -> None:
        unknown = np.full_like(values, np.nan)
        self.known.append(Evaluation(x, values, unknown, unknown))

    def forget(self) -> None:
        """After an error of the device: only what was evaluated counts."""
        self._mix = None
        self._monitor.lower = -math.inf if self.plan is None else self._master.primary(self.plan.x)

    def rescue(self) -> None:
        """After a stop: evaluate what may be feasible and has not been evaluated."""
        if self.plan is None:
            self.measure_deep()
        if self.plan is None or self._monitor.lower > self._master.primary(self.plan.x):
            self.settle()

    def set_scales(self, rows: Rows, losses: Sequence[LossVector]) -> None:
        """Size of each loss, set once: its limit, or for limits near zero a share of the tail's mean size."""
        if self._scaled:
            return
        scales = []
        for m, (loss, risk) in enumerate(zip(losses, self._risks, strict=True)):
            size = max(abs(risk.limit), LOSS_SHARE * rows.size(loss, rows.tail(m, loss)))
            scales.append(size if size > 0.0 else 1.0)
        self._master.scales = tuple(scales)
        self._scaled = True

    def _between(self, x: FloatArray, values: FloatArray, over: float) -> None:
        """The best point from the interior point towards x that convexity proves feasible; evaluated if it closes the
        gap.

        The interior point is measured only once it promises a gap near the goal.
        """
        master, monitor = self._master, self._monitor
        if self.deep is None:
            return
        if self.deep_values is None:
            value = master.primary(x)
            loss = over / (over + self._depth) * max(0.0, value - master.primary(self.deep))
            if monitor.upper - (value - loss) > 3.0 * self._goal * abs(value) or not self.measure_deep():
                return
        if self.deep is None or self.deep_values is None:
            return
        mix = self.deep + inner_share(values, self.deep_values, np.asarray(master.limits)) * (x - self.deep)
        mix = np.clip(mix, np.minimum(self.deep, x), np.maximum(self.deep, x))  # rounding must not break a bound
        if master.primary(mix) > monitor.lower:
            self._mix = mix
            monitor.lower = master.primary(mix)
        if self.closed:
            self.settle()
