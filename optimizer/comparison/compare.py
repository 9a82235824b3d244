"""Variants of a case side by side: one pool of scenarios, and the figures in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from os import PathLike

import numpy as np

from ...faces import Shown
from ...kernels.backend import Backend, ScenarioStore
from ...kernels.memory.chunked import Chunked
from ...kernels.memory.split_backend import apart
from ...kernels.pause import checking
from ...kernels.tables import ProcessTable
from ...models.blocks.floors import with_floors
from ...models.reading.faults import CaseError, Fault, show
from ...models.reading.variants import apply_variant
from ...models.schema.case import Case
from .. import stops
from ..analysis.compose import Circumstances, compose, timings, unplanned
from ..analysis.lawful import lawful
from ..analysis.tidy import amounts_of, tidied
from ..cutting_planes.endings import Ending
from ..cutting_planes.progress import OutOfTime, Progress, named
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Solution, Status
from ..listening import UNCHECKED, listening
from ..parallel import together
from ..plan import Plan, Table
from ..setup import device as devices
from ..setup.arguments import as_case, checked
from ..setup.assemble import process_table, risk_limits
from ..setup.out_of_sample import evaluated, fresh_count, fresh_draws
from ..setup.own_limits import Constraints
from ..setup.prepare import Clock, PlanningProblem, prepare, same_drivers, simulated
from ..setup.risk_losses import tails
from .differences import Outcome, milestones_of, outcome, tables

OWN_CASH = "own_cash"


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Variants of one case, planned on the same scenarios.

    Attributes:
        case: the case they are variants of.
        outcomes: by variant, in the order asked for: its plan and the figures that the tables compare.
        reference: the variant whose compute the multiples refer to: `own_cash`, or the first with a plan; "" without.
        milestones: compute in service, PFLOP/s, whose dates are compared.
        tables: comparison (a row per variant), milestones, limits, cost_by_instrument.
        total_s: seconds for all of it; that of a plan leaves out the drawing of shared scenarios.
        missing: variants asked for that have no outcome, since the comparison was interrupted.
    """

    case: Case
    outcomes: Mapping[str, Outcome]
    reference: str
    milestones: tuple[float, ...]
    tables: Mapping[str, Table]
    total_s: float
    missing: tuple[str, ...] = ()

    @property
    def plans(self) -> dict[str, Plan]:
        return {name: one.plan for name, one in self.outcomes.items()}


@dataclass(frozen=True)
class _Request:
    """What all searches share. fresh: number of out-of-sample scenarios. remarks: for every plan.

    constraints: functions that add limits to each.
    """

    count: int
    seed: int
    settings: Settings
    fresh: int
    clock: Clock
    remarks: tuple[str, ...] = ()
    constraints: Constraints | None = None


@dataclass(frozen=True)
class _Drawn:
    """Scenarios that variants share. fresh: those that their plans are checked on; none where each draws its own."""

    processes: ProcessTable
    store: ScenarioStore
    fresh: list[ScenarioStore] = field(default_factory=list)


@listening
def compare(
    case: Case | str | PathLike[str],
    variants: Sequence[str] | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    gap: float = 1e-5,
    time_limit: float | None = None,
    progress: Progress | None = None,
    out_of_sample: bool = True,
    milestones: Sequence[float] | None = None,
    constraints: Constraints | None = None,
) -> Comparison:
    """Plan several variants of a case on one pool of scenarios.

    Args:
        case: as `load_case` reads it, or what is given to `load_case`: a path or the name of a shipped case.
        variants: their names; all of the case's where left out.
        milestones: compute in service, PFLOP/s; where left out, three round figures between today's and the largest.
        time_limit: seconds for all of them together.
        scenarios: as for `optimize`, and so are seed, device, gap, progress and out_of_sample.
        constraints: as for `optimize`; asked anew for each variant, since each has amounts of its own.

    Returns:
        one outcome per variant. A variant without a feasible plan is among them, with the reason. Ctrl-C, or
        `stops.request`, ends the comparison with the variants that are done or have a plan.

    Raises:
        KeyboardInterrupt: interrupted before any variant had a plan, or twice.
        UnknownName, OwnLimitError: as `optimize`.
        CaseError, DeviceError, SolverError: as `optimize`; also for a name that is no variant of the case.
    """
    case = as_case(case)
    clock = Clock(progress, time_limit)
    names = _names(case, variants)
    count, key = checked(case, scenarios, seed, gap, time_limit, constraints)
    _check_milestones(milestones)
    cases = {name: apply_variant(case, name) for name in names}
    backend = devices.choose(device, *tails(*cases.values()))
    fresh = fresh_count(count) if out_of_sample else 0
    request = _Request(count, key, Settings(gap=gap, time_limit=time_limit), fresh, clock, constraints=constraints)
    try:
        outcomes = _outcomes(case, cases, backend, request, progress)
    except OutOfTime as late:
        plans = {name: unplanned(one, backend, count, key, str(late)) for name, one in cases.items()}
        outcomes = {name: outcome(name, _title(case, name), plan, None) for name, plan in plans.items()}
    reference = _reference(outcomes)
    marks = tuple(milestones) if milestones is not None else milestones_of(list(outcomes.values()))
    compared = tables(case, list(outcomes.values()), reference, marks)
    missing = tuple(name for name in names if name not in outcomes)
    return Comparison(case, outcomes, reference, marks, compared, clock.elapsed, missing)


def _outcomes(
    whole: Case, cases: Mapping[str, Case], backend: Chunked, request: _Request, progress: Progress | None
) -> dict[str, Outcome]:
    """Every variant prepared and planned concurrently: first all searches, longest first, then their tables.

    What a variant begins with does not depend on how many run at a time, so neither does its plan. Interrupted, those
    that are proven or have a plan get their tables and the others are left out; KeyboardInterrupt if there are none.
    """
    names = sorted(cases, key=lambda name: -len(cases[name].instrument))
    drawn = _drawn(cases.values(), backend, request)
    parts = apart(backend, [one.store for one in drawn], len(names))
    found: dict[str, tuple[PlanningProblem, Solution]] = {}
    outcomes: dict[str, Outcome] = {}

    def search(name: str, part: Backend, progress: Progress | None) -> None:
        known = [(one.processes, one.store) for one in drawn]
        make = partial(prepare, cases[name], part, request.count, request.seed, Clock(None), known, request.constraints)
        ready = devices.steadily(part, make)
        solution = _searched(name, ready, request, progress)
        found[name] = ready, solution
        solution.uninterrupted()

    def draw(part: Backend, _: Progress | None) -> None:
        stops.check()
        if request.fresh and len(parts) > 1:  # there is memory to spare
            for one in drawn:
                one.fresh.extend(devices.steadily(part, partial(_all_fresh, part, one.processes, request)))

    def write(name: str, part: Backend, _: Progress | None) -> None:
        stops.check()
        write_up(name, part, request)

    def write_up(name: str, part: Backend, request: _Request) -> None:
        ready, solution = found[name]
        fresh = next(one.fresh for one in drawn if same_drivers(one.processes, ready.processes))
        ready = ready.on(part)
        plan = _written(ready, solution, [ready.kept(store) for store in fresh], request)
        amounts = None
        if solution.decisions is not None:
            amounts = amounts_of(ready, solution.decisions)
        outcomes[name] = outcome(name, _title(whole, name), plan, amounts)

    tasks: list[Callable[[Backend, Progress | None], None]]
    tasks = [*(partial(search, name) for name in names), draw, *(partial(write, name) for name in names)]
    after = [() for _ in names] + [()] + [(number, len(names)) for number, _ in enumerate(names)]
    try:
        together(tasks, parts, progress, after)
    except KeyboardInterrupt:
        done = [n for n, (_, s) in found.items() if s.decisions is not None or s.status is Status.INFEASIBLE]
        if not done:
            raise
        unchecked = replace(request, fresh=0, remarks=(UNCHECKED,)) if request.fresh else request
        for name in done:
            if name not in outcomes:
                write_up(name, backend, unchecked)
    return {name: _with_device(outcomes[name], backend, found[name][0].store) for name in cases if name in outcomes}


def _with_device(one: Outcome, backend: Chunked, store: ScenarioStore) -> Outcome:
    """The outcome with what is known of the device once all is done."""
    messages = (*backend.messages, *one.plan.messages, *map(str, one.plan.case.doubts))
    return replace(one, plan=replace(one.plan, device=devices.describe(backend, store), messages=messages))


def _drawn(cases: Iterable[Case], backend: Backend, request: _Request) -> list[_Drawn]:
    """The scenarios; variants with the same drivers share them."""
    drawn: list[_Drawn] = []
    request.clock.tell(f"drawing {request.count:,} scenarios")
    with checking(request.clock.check):
        for case in cases:
            processes = process_table(with_floors(case))
            if not any(same_drivers(processes, one.processes) for one in drawn):
                make = partial(simulated, case, processes, backend, request.count, request.seed)
                drawn.append(_Drawn(processes, devices.steadily(backend, make)))
    return drawn


def _all_fresh(backend: Backend, processes: ProcessTable, request: _Request) -> list[ScenarioStore]:
    return list(fresh_draws(backend, processes, request.fresh, request.seed))


def _searched(name: str, ready: PlanningProblem, request: _Request, progress: Progress | None) -> Solution:
    """One variant's best decisions, in what is left of the time for all."""
    settings = request.settings
    if settings.time_limit is not None:
        settings = replace(settings, time_limit=max(0.0, settings.time_limit - request.clock.elapsed))
    limits = risk_limits(ready.case, ready.losses)
    progress = named(f"variant {name}", progress)
    solution = maximise(ready.program, limits, ready.backend, ready.store, settings, progress)
    if solution.ending is Ending.INTERRUPTED:
        return solution
    tidy = devices.steadily(ready.backend, lambda: tidied(ready, solution, limits, settings.gap))
    return devices.steadily(ready.backend, lambda: lawful(ready, tidy, limits, settings, progress))


def _written(ready: PlanningProblem, solution: Solution, fresh: Sequence[ScenarioStore], request: _Request) -> Plan:
    """The plan with its tables, checked out of sample where that is wanted."""

    def write() -> Plan:
        losses = None
        if request.fresh and solution.decisions is not None and ready.losses:
            draws = fresh or fresh_draws(ready.backend, ready.processes, request.fresh, request.seed)
            losses = evaluated(ready, solution, draws)
        return compose(ready, solution, Circumstances(request.seed, request.settings.gap, losses, request.remarks))

    total = ready.build_s + ready.simulate_s + ready.evaluate_s + solution.total_s
    return replace(devices.steadily(ready.backend, write), timings=timings(ready, solution, total))


def _names(case: Case, variants: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(v.id for v in case.variant) if variants is None else tuple(variants)
    where = case.path or "the case"
    if not names:
        cure = "add [variant.NAME] tables with remove, keep or set"
        raise CaseError([Fault(where, None, "variant", "(missing)", "at least one variant to compare", cure)])
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise CaseError([Fault(where, None, "variants", show(twice[0]), "each variant once", "name it once")])
    return names


def _check_milestones(milestones: Sequence[float] | None) -> None:
    for value in milestones or ():
        if not (np.isfinite(value) and value > 0.0):
            fault = Fault("arguments", None, "milestones", show(value), "compute in service above 0, PFLOP/s", "")
            raise CaseError([fault])


def _title(case: Case, name: str) -> str:
    return next(v.title or v.id for v in case.variant if v.id == name)


def _reference(outcomes: Mapping[str, Outcome]) -> str:
    planned = [name for name, one in outcomes.items() if one.capacity is not None]
    return OWN_CASH if OWN_CASH in planned else planned[0] if planned else ""
