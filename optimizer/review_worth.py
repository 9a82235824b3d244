"""What reviews are worth: the best plan with them, without them, and without limits on risk, each with its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..models.schema.case import Case
from .analysis.review_names import WITH
from .analysis.review_worth import planned_without, searched, with_plan
from .cutting_planes.progress import Progress, named
from .listening import listening
from .plan import Bounded
from .setup import device as devices
from .setup.arguments import checked
from .setup.prepare import Clock, prepare
from .setup.risk_losses import tails


@dataclass(frozen=True)
class ReviewWorth:
    """A case with its reviews, without them, and without reviews or any limit on risk, on the same scenarios.

    Attributes:
        adaptive, static, free: their optima.
        leaves: of the tree; 1 where the reviews part nothing.
        maximise: whether more of the objective is better.
        unit: of the objective.
    """

    adaptive: Bounded
    static: Bounded
    free: Bounded
    leaves: int
    maximise: bool
    unit: str

    @property
    def gain(self) -> float:
        """What the reviews improve the objective by."""
        return self._sense * (_figure(self.adaptive.objective) - _figure(self.static.objective))

    @property
    def proven(self) -> tuple[float, float]:
        """The least and the most that the reviews can be worth on these scenarios, by the bounds of both."""
        better, worse = (self.adaptive, self.static) if self.maximise else (self.static, self.adaptive)
        return _figure(better.lower) - _figure(worse.upper), _figure(better.upper) - _figure(worse.lower)

    @property
    def cost_of_limits(self) -> float:
        """What the limits on risk cost a plan without reviews."""
        return self._sense * (_figure(self.free.objective) - _figure(self.static.objective))

    @property
    def _sense(self) -> float:
        return 1.0 if self.maximise else -1.0


@listening
def review_worth(
    case: Case,
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    gap: float = 1e-5,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> ReviewWorth:
    """What a case's reviews are worth. Arguments and errors: as `optimize`; time_limit is for all three plans.

    Covenants over the scenarios count as limits on risk. A case without reviews has the same optimum with and without.
    """
    clock = Clock(progress, time_limit)
    count, key = checked(case, scenarios, seed, gap, time_limit)
    backend = devices.choose(device, *tails(case))
    found = devices.steadily(
        backend, lambda: [one for one, _ in planned_without(case, backend, count, key, gap, clock, progress)]
    )
    ready = devices.steadily(backend, lambda: prepare(case, backend, count, key, clock))
    adaptive = with_plan(searched(ready, gap, clock, named(WITH, progress)))
    leaves = 1 if ready.adaptive is None else len(ready.adaptive.tree.leaves)
    return ReviewWorth(adaptive, found[0], found[1], leaves, ready.program.maximise, ready.program.unit)


def _figure(value: float | None) -> float:
    return math.nan if value is None else value
