"""What a risk limit costs: the best plan at each of many amounts of it, from the minimum to where it is free.

One set of scenarios and one pool of cuts serve all points, since a cut does not depend on the limit. The ends come
first, then the middle of each gap: between two plans convexity proves their mixture feasible, and where the cuts
prove that no plan does better by more than the gap, a point costs one linear program and one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from ...faces import Shown
from ...kernels.backend import Backend
from ...kernels.pause import checking
from ...models.schema.case import Case
from .. import stops
from ..analysis.compose import OBJECTIVES, unplanned
from ..analysis.risk_figures import UNITS
from ..cutting_planes.progress import OutOfTime, Progress
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Passes, Status
from ..listening import UNCHECKED, listening
from ..plan import Device, Plan, ScenarioInfo, Table, Timings
from ..setup import device as devices
from ..setup.arguments import as_case, checked, checked_frontier
from ..setup.assemble import risk_limits
from ..setup.out_of_sample import cvar_interval, fresh_count, fresh_draws, fresh_losses
from ..setup.own_limits import Constraints
from ..setup.prepare import Clock, PlanningProblem, prepare
from ..setup.risk_losses import all_risks, tails
from .points import FrontierPoint, frontier_tables
from .search import FrontierSearch


@dataclass(frozen=True, repr=False)
class Frontier(Shown):
    """The best objective as a function of one risk limit, all else as the case has it.

    Attributes:
        case: the case.
        limit: the risk limit that moves; level, unit: its own; asked: its amount in the case.
        points: by rising limit. A point without a plan says why.
        minimum: the smallest CVaR of this loss that any plan reaches with all other limits kept; minimum_bound: it is
            proven not to be below. None where it is not known.
        free_from: where the limit no longer costs anything; None where it was not sought or not found.
        objective_name, objective_unit: of all points.
        tables: frontier (a row per point), frontier_funding (point × instrument).
        messages: remarks on the run.
        interrupted: it was ended before all points were found.
        tolerance: the gap at which a point counts as certified.
    """

    case: Case
    limit: str
    level: float
    unit: str
    asked: float
    points: tuple[FrontierPoint, ...]
    minimum: float | None
    minimum_bound: float | None
    free_from: float | None
    objective_name: str
    objective_unit: str
    scenarios: ScenarioInfo
    device: Device
    passes: Passes
    timings: Timings
    tables: Mapping[str, Table]
    messages: tuple[str, ...] = ()
    interrupted: bool = False
    tolerance: float = 1e-5


@listening
def frontier(
    case: Case | str | PathLike[str],
    limit: str = "liquidity",
    points: int = 20,
    low: float | None = None,
    high: float | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    gap: float = 1e-5,
    time_limit: float | None = None,
    progress: Progress | None = None,
    out_of_sample: bool = True,
    constraints: Constraints | None = None,
) -> Frontier:
    """The best plan at each of `points` amounts of a risk limit, each with its certificate.

    Args:
        case: as `load_case` reads it, or what is given to `load_case`: a path or the name of a shipped case.
        limit: name of the risk limit that moves; "covenant NAME" for a covenant that is kept over the scenarios.
        points: how many amounts, 2 to 1,000, in equal steps.
        low: the first amount, in the limit's own unit; left out, a step above the minimum.
        high: the last amount; left out, where the limit no longer costs anything.
        scenarios: as for `optimize`, and so are seed, device, gap, progress, out_of_sample and constraints.
        time_limit: seconds for all points together.

    Returns:
        the points by rising limit. One that no plan can meet is among them, with the minimum risk. Ctrl-C, or
        `stops.request`, ends it with the points that are done or have a plan.

    Raises:
        KeyboardInterrupt: interrupted before any point had a plan, or twice.
        UnknownName, OwnLimitError: as `optimize`.
        CaseError, DeviceError, SolverError: as `optimize`; also for a limit that the case does not have, and for
            amounts out of order.
    """
    case = as_case(case)
    clock = Clock(progress, time_limit)
    count, key = checked(case, scenarios, seed, gap, time_limit, constraints)
    number = checked_frontier(case, limit, points, low, high)
    backend = devices.choose(device, *tails(case))
    try:
        ready = devices.steadily(backend, lambda: prepare(case, backend, count, key, clock, (), constraints))
    except OutOfTime as late:
        plan = unplanned(case, backend, count, key, *backend.messages, str(late))
        return _unplanned(plan, number, points, low, high, clock.elapsed)
    settings = Settings(gap=gap, time_limit=time_limit)
    search = FrontierSearch(ready, risk_limits(case, ready.losses), number, settings, clock, progress)
    found = search.run(points, low, high)
    messages = []
    if search.interrupted:
        planned = sum(point.planned for point in found)
        messages.append(f"interrupted: {planned} of {max(points, len(found))} points have a plan")
    if out_of_sample:
        try:
            seen = stops.number()
            clock.tell("checking the plans out of sample")
            with checking(lambda: stops.check(seen)):
                found = devices.steadily(
                    backend, lambda: _on_fresh(found, ready, ready.backend, number, fresh_count(count), key)
                )
        except KeyboardInterrupt:
            messages.append(UNCHECKED.replace("plan was", "plans were"))
    risk, least = all_risks(case)[number], search.least
    return Frontier(
        case=case,
        limit=risk.id,
        level=risk.level,
        unit=UNITS[risk.loss],
        asked=risk.limit,
        points=found,
        minimum=None if least is None else least.value,
        minimum_bound=None if least is None else least.bound,
        free_from=search.free_from,
        objective_name=OBJECTIVES[case.objective.kind],
        objective_unit=ready.program.unit,
        scenarios=ScenarioInfo(ready.store.count, key, ready.store.nbytes),
        device=devices.describe(backend, ready.store),
        passes=search.passes,
        timings=Timings(
            simulate_s=ready.simulate_s,
            evaluate_s=ready.evaluate_s + search.evaluate_s,
            master_s=search.master_s,
            total_s=clock.elapsed,
            build_s=ready.build_s,
        ),
        tables=frontier_tables(risk, ready.program.unit, found),
        messages=(*backend.messages, *messages, *map(str, case.doubts)),
        interrupted=search.interrupted,
        tolerance=gap,
    )


def _unplanned(plan: Plan, number: int, points: int, low: float | None, high: float | None, seconds: float) -> Frontier:
    """What is left where there was no time for any point: those asked for, or the case's own amount, all stopped."""
    risk = all_risks(plan.case)[number]
    amounts = [risk.limit] if low is None or high is None else np.linspace(low, high, points).tolist()
    found = tuple(FrontierPoint(amount, Status.STOPPED, why=plan.messages[-1]) for amount in amounts)
    return Frontier(
        case=plan.case,
        limit=risk.id,
        level=risk.level,
        unit=UNITS[risk.loss],
        asked=risk.limit,
        points=found,
        minimum=None,
        minimum_bound=None,
        free_from=None,
        objective_name=plan.objective_name,
        objective_unit=plan.objective_unit,
        scenarios=plan.scenarios,
        device=plan.device,
        passes=plan.passes,
        timings=replace(plan.timings, total_s=seconds),
        tables=frontier_tables(risk, plan.objective_unit, found),
        messages=plan.messages[:-1],
    )


def _on_fresh(
    points: Sequence[FrontierPoint], ready: PlanningProblem, backend: Backend, limit: int, count: int, seed: int
) -> tuple[FrontierPoint, ...]:
    """The points with the CVaR of the loss that is limited on out-of-sample scenarios, which all of them share."""
    planned = [p for p in points if p.decisions is not None]
    if not planned:
        return tuple(points)
    loss, level = ready.losses[limit], all_risks(ready.case)[limit].level
    exposures = [np.asarray(loss.matrix @ p.decisions) for p in planned]
    draws = fresh_draws(backend, ready.processes, count, seed)
    losses = fresh_losses(backend, draws, [loss.table] * len(planned), exposures)
    fresh = {p.limit: cvar_interval(found, level) for p, found in zip(planned, losses, strict=True)}
    return tuple(replace(p, out_of_sample=fresh.get(p.limit)) for p in points)
