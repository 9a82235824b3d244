"""Variants of a case side by side: one pool of scenarios, cuts handed on, and the figures in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..kernels.apart import apart
from ..kernels.backend import Backend, Held
from ..kernels.tables import ProcessTable
from ..models.reading.faults import CaseError, Fault, show
from ..models.reading.variants import apply_variant
from ..models.schema.case import Case
from . import device as devices
from .amounts import Amounts
from .arguments import checked
from .assemble import risk_limits
from .carry import carried
from .compose import Circumstances, compose
from .differences import Outcome, milestones_of, outcome, tables
from .loop import maximise
from .out_of_sample import fresh_count, fresh_losses_of
from .plan import Plan, Table, Timings
from .prepare import Clock, Prepared, prepare
from .progress import Progress, named
from .settings import Settings
from .shortfalls import tails
from .solution import Cut, Solution
from .together import together

FloatArray = NDArray[np.float64]

OWN_CASH = "own_cash"


@dataclass(frozen=True)
class Comparison:
    """Variants of one case, planned on the same scenarios.

    Attributes:
        case: the case they are variants of.
        outcomes: by variant, in the order asked for: its plan and the figures that the tables compare.
        reference: the variant whose compute the multiples refer to: `own_cash`, or the first with a plan; "" without.
        milestones: compute in service, PFLOP/s, whose dates are compared.
        tables: comparison (a row per variant), milestones, limits, cost_by_instrument.
        total_s: seconds for all of it.
    """

    case: Case
    outcomes: Mapping[str, Outcome]
    reference: str
    milestones: tuple[float, ...]
    tables: Mapping[str, Table]
    total_s: float

    @property
    def plans(self) -> dict[str, Plan]:
        return {name: one.plan for name, one in self.outcomes.items()}


@dataclass(frozen=True)
class _Told:
    """What all searches are told. fresh: number of fresh draws to check the plans on."""

    count: int
    seed: int
    settings: Settings
    fresh: int
    clock: Clock


def compare(
    case: Case,
    variants: Sequence[str] | None = None,
    scenarios: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    gap: float = 1e-5,
    time_limit: float | None = None,
    progress: Progress | None = None,
    out_of_sample: bool = True,
    milestones: Sequence[float] | None = None,
) -> Comparison:
    """Plan several variants of a case on one pool of scenarios.

    Args:
        case: as `load_case` reads it.
        variants: their names; all of the case's where left out.
        milestones: compute in service, PFLOP/s; where left out, three round figures between today's and the largest.
        time_limit: seconds for all of them together.
        scenarios, seed, device, gap, progress, out_of_sample: as for `optimize`.

    Returns:
        one outcome per variant. A variant without a feasible plan is among them, with the reason.

    Raises:
        CaseError, DeviceError, SolverError: as `optimize`; also for a name that is no variant of the case.
    """
    clock = Clock(progress)
    names = _names(case, variants)
    count, key = checked(case, scenarios, seed, gap, time_limit)
    _check_milestones(milestones)
    cases = {name: apply_variant(case, name) for name in names}
    backend = devices.choose(device, *tails(*cases.values()))
    told = _Told(
        count, key, Settings(gap=gap, time_limit=time_limit), fresh_count(count) if out_of_sample else 0, clock
    )
    ready, plans = _plans(cases, backend, told, progress)
    outcomes: dict[str, Outcome] = {}
    for name in names:
        one, (solution, plan) = ready[name], plans[name]
        plan = replace(
            plan,
            device=devices.describe(backend, one.store),
            timings=_timings(one, solution),
            messages=(*backend.messages, *plan.messages),
        )
        amounts = None
        if solution.decisions is not None:
            amounts = Amounts(one.case, one.ledger, one.means, solution.decisions, one.deposit_rates)
        outcomes[name] = outcome(name, _title(case, name), plan, amounts)
    reference = _reference(outcomes)
    marks = tuple(milestones) if milestones is not None else milestones_of(list(outcomes.values()))
    compared = tables(case, list(outcomes.values()), reference, marks)
    return Comparison(case, outcomes, reference, marks, compared, clock.elapsed)


def _plans(
    cases: Mapping[str, Case], backend: Backend, told: _Told, progress: Progress | None
) -> tuple[dict[str, Prepared], dict[str, tuple[Solution, Plan]]]:
    """Every variant prepared, and planned: that with the most instruments first, while the others are prepared; then
    these beside each other, from its cuts.

    What a variant begins with does not depend on how many run at a time, so neither does its plan.
    """
    first, *others = sorted(cases, key=lambda name: -len(cases[name].instrument))
    leading = devices.steadily(backend, partial(prepare, cases[first], backend, told.count, told.seed, told.clock))
    ready = {first: leading}
    solutions: list[Solution] = []

    def lead(backend: Backend, progress: Progress | None) -> None:
        solutions.append(_searched(first, leading, (), told, backend, progress))

    def follow(part: Backend, _: Progress | None) -> None:
        ready.update(_prepare({name: cases[name] for name in others}, leading, told, part))

    together([lead, follow], [backend, *apart(backend, [leading.store], 2)[1:]], progress)
    ready = {name: replace(one, backend=backend) for name, one in ready.items()}
    tasks: list[Callable[[Backend, Progress | None], tuple[Solution, Plan]]] = []
    for name in others:
        pool = carried(solutions[0].cuts, leading, ready[name])
        tasks.append(partial(_planned, name, ready[name], pool, told))
    tasks.append(partial(_written, leading, solutions[0], told))
    stores = list({id(one.store): one.store for one in ready.values()}.values())
    plans = together(tasks, apart(backend, stores, len(tasks)), progress)
    return ready, dict(zip([*others, first], plans, strict=True))


def _prepare(cases: Mapping[str, Case], leading: Prepared, told: _Told, backend: Backend) -> dict[str, Prepared]:
    """Variants ready for the search; those with the same drivers share the scenarios."""
    drawn: list[tuple[ProcessTable, Held]] = [(leading.processes, leading.store)]
    ready: dict[str, Prepared] = {}
    for name, case in cases.items():
        make = partial(prepare, case, backend, told.count, told.seed, Clock(None), drawn)
        ready[name] = one = devices.steadily(backend, make)
        if not any(store is one.store for _, store in drawn):
            drawn.append((one.processes, one.store))
    return ready


def _planned(
    name: str, ready: Prepared, pool: Sequence[Cut], told: _Told, backend: Backend, progress: Progress | None
) -> tuple[Solution, Plan]:
    return _written(ready, _searched(name, ready, pool, told, backend, progress), told, backend, progress)


def _searched(
    name: str, ready: Prepared, pool: Sequence[Cut], told: _Told, backend: Backend, progress: Progress | None
) -> Solution:
    """One variant's best decisions, in what is left of the time for all. KeyboardInterrupt if it was interrupted."""
    settings = told.settings
    if settings.time_limit is not None:
        settings = replace(settings, time_limit=max(0.0, settings.time_limit - told.clock.elapsed))
    limits = risk_limits(ready.case, ready.losses)
    progress = named(f"variant {name}", progress)
    solution = maximise(ready.program, limits, backend, ready.store, settings, progress, pool)
    if "interrupted" in solution.messages:
        raise KeyboardInterrupt
    return solution


def _written(
    ready: Prepared, solution: Solution, told: _Told, backend: Backend, progress: Progress | None
) -> tuple[Solution, Plan]:
    """The plan with its papers, checked on fresh draws where they are wanted."""
    del progress
    here = replace(ready, backend=backend)

    def write() -> Plan:
        fresh = None
        if told.fresh and solution.decisions is not None and ready.losses:
            fresh = fresh_losses_of(here, solution, told.fresh, told.seed)
        return compose(here, solution, Circumstances(told.seed, told.settings.gap, fresh, ()))

    return solution, devices.steadily(backend, write)


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


def _timings(ready: Prepared, solution: Solution) -> Timings:
    return Timings(
        simulate_s=ready.simulate_s,
        evaluate_s=ready.evaluate_s + solution.evaluate_s,
        master_s=solution.master_s,
        total_s=ready.build_s + ready.simulate_s + ready.evaluate_s + solution.total_s,
        build_s=ready.build_s,
    )
