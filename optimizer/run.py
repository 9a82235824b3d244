"""One run: a case in, a plan with its proof out."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike

from ..kernels.pause import checking
from ..models.schema.case import Case
from . import stops
from .analysis.compose import Circumstances, compose, timings, unplanned
from .analysis.lawful import lawful
from .analysis.replicate import replicate
from .analysis.replications import with_replications
from .analysis.review_worth import planned_without
from .analysis.tidy import tidied
from .analysis.tightened import step_prices
from .cutting_planes.endings import Ending
from .cutting_planes.progress import OutOfTime, Progress
from .cutting_planes.search import maximise
from .cutting_planes.settings import Settings
from .cutting_planes.solution import Solution
from .listening import UNCHECKED, listening
from .plan import Bounded, Plan, Timings
from .questions.infeasible import why_no_plan
from .setup import device as devices
from .setup.arguments import as_case, checked, checked_replications
from .setup.assemble import risk_limits
from .setup.out_of_sample import OutOfSample, evaluated, fresh_count, fresh_draws
from .setup.own_limits import Constraints
from .setup.prepare import Clock, PlanningProblem, prepare
from .setup.risk_losses import tails


@listening
def optimize(
    case: Case | str | PathLike[str],
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    gap: float = 1e-5,
    time_limit: float | None = None,
    progress: Progress | None = None,
    out_of_sample: bool = True,
    replications: int = 0,
    constraints: Constraints | None = None,
    review_worth: bool = True,
) -> Plan:
    """The best plan of a case under its limits, with its certificate.

    Args:
        case: as `load_case` reads it, or what is given to `load_case`: a path or the name of a shipped case.
        scenarios: scenarios simulated; the case's own count where left out.
        seed: of the random numbers, 0 to 2^64 - 1; the case's own where left out. Same seed, same plan.
        device: "auto" (a CUDA device if one works), "cpu", "cuda", or "numpy" for the slow definition of them.
        gap: relative gap between the bounds at which the plan counts as certified.
        time_limit: seconds after which the best plan found so far is returned; none where there was no time to make
            one, which a message says.
        progress: called with a `ProgressEvent` now and then.
        out_of_sample: check each risk limit on out-of-sample scenarios.
        replications: plan again on so many further sets of scenarios, each certified, with the seeds that follow, and
            put the plan on them: `Plan.replications` says what the choice of scenarios does to the optimum, to each
            limit and to its price. 0, or 2 to 1,000. Those that are done when the time is up, or when somebody asks to
            stop, are kept.
        constraints: limits of your own: a function that is given a `Handle` of named amounts and returns linear rows, a
            `PyomoRows`, or several of these (docs/own-limits.md). The bound and the certificate are with them.
        review_worth: plan a case with reviews without them too, and without limits on risk: the table `review_worth`.

    Returns:
        a plan whose status is certified, stopped (the gap was not met), or infeasible with the reason. Ctrl-C, or
        `stops.request`, ends the search with the best plan so far; a plan that has been found is kept.

    Raises:
        KeyboardInterrupt: interrupted before the search had begun, or twice.
        CaseError: an argument is outside its range, a tail holds less than one scenario, or a driver overflows.
        UnknownName, OwnLimitError: `constraints` name an amount that is not there, or give what is no linear row.
        DeviceError: the device cannot be used.
        SolverError: the solver failed.
    """
    case = as_case(case)
    clock = Clock(progress, time_limit)
    asked = checked_replications(replications)
    count, key = checked(case, scenarios, seed, gap, time_limit, constraints)
    backend = devices.choose(device, *tails(case))
    try:
        ready = devices.steadily(backend, lambda: prepare(case, backend, count, key, clock, (), constraints))
    except OutOfTime as late:
        plan = unplanned(case, backend, count, key, *backend.messages, str(late))
        return replace(plan, timings=Timings(0.0, 0.0, 0.0, clock.elapsed))
    settings = Settings(gap=gap, time_limit=clock.left, asked=time_limit)
    limits = risk_limits(case, ready.losses)
    solution = maximise(ready.program, limits, ready.backend, ready.store, settings, progress)
    fresh = None
    messages: tuple[str, ...] = ()
    ending = Ending.BY_ITSELF  # of what follows the search
    try:
        found = solution
        solution = devices.steadily(backend, lambda: tidied(ready, found, limits, gap))
        rest = replace(settings, time_limit=clock.left)
        tidy = solution
        solution = devices.steadily(backend, lambda: lawful(ready, tidy, limits, rest, progress))
    except KeyboardInterrupt:
        messages, ending = ("interrupted before traces of amounts were cleared",), Ending.INTERRUPTED
    if out_of_sample and solution.decisions is not None and ready.losses:
        try:
            seen = stops.number()
            clock.tell("checking the plan out of sample")
            with checking(lambda: stops.check(seen)):
                fresh = devices.steadily(backend, lambda: _on_fresh(ready, solution, fresh_count(count), key))
        except KeyboardInterrupt:
            messages, ending = (*messages, UNCHECKED), Ending.INTERRUPTED
    steps = None
    if solution.decisions is not None and ready.case.covenant:
        left = None if time_limit is None else max(0.0, time_limit - clock.elapsed)
        try:
            clock.tell("pricing a tightening step of each covenant")
            stops.check()
            settled = solution
            steps = devices.steadily(backend, lambda: step_prices(ready, settled, gap, left, progress))
        except KeyboardInterrupt:
            messages = (*messages, "interrupted before steps of covenants were priced by planning again")
            ending = Ending.INTERRUPTED
    without: list[Bounded] = []
    if review_worth and ready.adaptive is not None and solution.decisions is not None:
        try:
            clock.tell("planning without the reviews")
            stops.check()
            plain = planned_without(case, backend, count, key, gap, clock, progress, constraints)
            without = devices.steadily(backend, lambda: [one for one, _ in plain])
        except (KeyboardInterrupt, OutOfTime):
            messages = (*messages, "what the reviews are worth is not told: there was no time to plan without them")
    about = Circumstances(key, gap, fresh, messages, steps, tuple(without))
    plan = devices.steadily(backend, lambda: compose(ready, solution, about))
    none = plan.infeasibility
    if none is not None:
        try:
            stops.check()
            why = devices.steadily(backend, lambda: why_no_plan(ready, none, key, clock.left, progress))
            plan = replace(plan, infeasibility=why)
        except KeyboardInterrupt:
            plan = replace(plan, messages=(*plan.messages, "interrupted before all conflicts of limits were found"))
            ending = Ending.INTERRUPTED
    planned = clock.elapsed
    if asked and solution.decisions is not None:
        ready = ready.without_scenarios()
        made = replicate(ready, solution, count, key, asked, gap, clock.left, progress)
        plan = with_replications(plan, ready, solution, asked, made.each, made.messages)
        ending = made.ending if made.ending is Ending.INTERRUPTED else ending
    if stops.requested() and Ending.INTERRUPTED not in (ending, plan.ending):
        ending = Ending.INTERRUPTED
        plan = replace(plan, messages=(*plan.messages, "interrupted when the plan had been found; it is whole"))
    plan = replace(plan, messages=(*backend.messages, *plan.messages, *map(str, case.doubts)))
    plan = plan if ending is Ending.BY_ITSELF else replace(plan, ending=ending)
    others = 0.0 if plan.replications is None else clock.elapsed - planned
    return replace(plan, timings=replace(timings(ready, solution, clock.elapsed), replications_s=others))


def _on_fresh(ready: PlanningProblem, solution: Solution, count: int, seed: int) -> OutOfSample:
    return evaluated(ready, solution, fresh_draws(ready.backend, ready.processes, count, seed))
