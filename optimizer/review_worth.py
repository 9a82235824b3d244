"""What reviews are worth: the best plan with them, without them, and without limits on risk, each with its bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..models.schema.case import Case
from .cutting_planes.progress import Progress, named
from .cutting_planes.search import maximise
from .cutting_planes.settings import Settings
from .cutting_planes.solution import Status
from .listening import listening
from .setup import device as devices
from .setup.arguments import checked
from .setup.assemble import risk_limits
from .setup.prepare import Clock, Prepared, prepare
from .setup.risk_losses import tails


@dataclass(frozen=True)
class Bounded:
    """The best objective of a case, and its proof: upper >= true optimum >= lower. NaN without a plan."""

    status: Status
    objective: float
    upper: float
    lower: float


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
        return self._sense * (self.adaptive.objective - self.static.objective)

    @property
    def proven(self) -> tuple[float, float]:
        """The least and the most that the reviews can be worth on these scenarios, by the bounds of both."""
        if self.maximise:
            return self.adaptive.lower - self.static.upper, self.adaptive.upper - self.static.lower
        return self.static.lower - self.adaptive.upper, self.static.upper - self.adaptive.lower

    @property
    def cost_of_limits(self) -> float:
        """What the limits on risk cost a plan without reviews."""
        return self._sense * (self.free.objective - self.static.objective)

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
    static = replace(case, review=())
    let = tuple(replace(c, as_="report") if c.as_ == "cvar" else c for c in case.covenant)
    free = replace(static, risk=(), covenant=let)
    found: dict[str, tuple[Prepared, Bounded]] = {}
    plain = devices.steadily(backend, lambda: prepare(static, backend, count, key, clock))
    drawn = [(plain.processes, plain.store)]
    for name, one in (("without reviews", static), ("without limits on risk", free), ("with reviews", case)):
        ready = plain
        if one is not static:
            ready = devices.steadily(backend, lambda c=one: prepare(c, backend, count, key, clock, drawn))  # type: ignore[misc]
        settings = Settings(gap=gap, polish=False, time_limit=clock.left)
        solved = maximise(
            ready.program, risk_limits(one, ready.losses), ready.backend, ready.store, settings, named(name, progress)
        )
        found[name] = ready, Bounded(solved.status, solved.objective, solved.upper, solved.lower)
    ready, adaptive = found["with reviews"]
    return ReviewWorth(
        adaptive,
        found["without reviews"][1],
        found["without limits on risk"][1],
        1 if ready.adaptive is None else len(ready.adaptive.tree.leaves),
        ready.program.maximise,
        ready.program.unit,
    )
