"""Variants of a case side by side: one pool of scenarios, cuts handed on, and the figures in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from .out_of_sample import fresh_count, fresh_losses
from .plan import Plan, Table, Timings
from .prepare import Clock, Prepared, prepare, same_drivers
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
class _Solved:
    ready: Prepared
    solution: Solution


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
    ready = _prepare(cases, backend, count, key, clock)
    stores = list({id(one.store): one.store for one in ready.values()}.values())
    beside = apart(backend, stores, len(names))
    solved = _solve(ready, backend, beside, Settings(gap=gap, time_limit=time_limit), clock, progress)
    fresh: dict[str, list[FloatArray]] = {}
    if out_of_sample:
        clock.tell("checking the plans on fresh draws")
        fresh = devices.steadily(backend, lambda: _fresh(solved, backend, fresh_count(count), key))
    clock.tell("writing the plans' papers")
    about = {name: Circumstances(key, gap, fresh.get(name), ()) for name in names}
    papers = together([partial(_composed, solved[name], about[name]) for name in names], beside)
    outcomes: dict[str, Outcome] = {}
    for name, plan in zip(names, papers, strict=True):
        one = solved[name]
        plan = replace(
            plan,
            device=devices.describe(backend, one.ready.store),
            timings=_timings(one.ready, one.solution),
            messages=(*backend.messages, *plan.messages),
        )
        amounts = None
        if one.solution.decisions is not None:
            amounts = Amounts(
                one.ready.case, one.ready.ledger, one.ready.means, one.solution.decisions, one.ready.deposit_rates
            )
        outcomes[name] = outcome(name, _title(case, name), plan, amounts)
    reference = _reference(outcomes)
    marks = tuple(milestones) if milestones is not None else milestones_of(list(outcomes.values()))
    compared = tables(case, list(outcomes.values()), reference, marks)
    return Comparison(case, outcomes, reference, marks, compared, clock.elapsed)


def _prepare(cases: Mapping[str, Case], backend: Backend, count: int, seed: int, clock: Clock) -> dict[str, Prepared]:
    """Every variant ready for the search; those with the same drivers share the scenarios."""
    drawn: list[tuple[ProcessTable, Held]] = []
    ready: dict[str, Prepared] = {}
    for name, case in cases.items():
        one = devices.steadily(backend, partial(prepare, case, backend, count, seed, clock, drawn))
        if not any(store is one.store for _, store in drawn):
            drawn.append((one.processes, one.store))
        ready[name] = one
    return ready


def _solve(
    ready: Mapping[str, Prepared],
    backend: Backend,
    beside: Sequence[Backend],
    settings: Settings,
    clock: Clock,
    progress: Progress | None,
) -> dict[str, _Solved]:
    """Every variant planned: that with the most decisions first, then the others beside each other, from its cuts.

    What a variant begins with does not depend on how many run at a time, so neither does its plan.
    """
    first, *others = sorted(ready, key=lambda n: -len(ready[n].ledger.decisions))
    leading = _searched(first, ready[first], (), settings, clock, backend, progress)
    tasks = []
    for name in others:
        pool = carried(leading.solution.cuts, leading.ready, ready[name])
        tasks.append(partial(_searched, name, ready[name], pool, settings, clock))
    return {first: leading, **dict(zip(others, together(tasks, beside, progress), strict=True))}


def _searched(
    name: str,
    ready: Prepared,
    pool: Sequence[Cut],
    settings: Settings,
    clock: Clock,
    backend: Backend,
    progress: Progress | None,
) -> _Solved:
    """One variant planned in what is left of the time for all. KeyboardInterrupt if it was interrupted."""
    if settings.time_limit is not None:
        settings = replace(settings, time_limit=max(0.0, settings.time_limit - clock.elapsed))
    limits = risk_limits(ready.case, ready.losses)
    solution = maximise(ready.program, limits, backend, ready.store, settings, named(f"variant {name}", progress), pool)
    if "interrupted" in solution.messages:
        raise KeyboardInterrupt
    return _Solved(ready, solution)


def _composed(one: _Solved, about: Circumstances, backend: Backend, progress: Progress | None) -> Plan:
    del progress
    ready = replace(one.ready, backend=backend)
    return devices.steadily(backend, lambda: compose(ready, one.solution, about))


def _fresh(solved: Mapping[str, _Solved], backend: Backend, count: int, seed: int) -> dict[str, list[FloatArray]]:
    """Losses of every plan on fresh draws, which plans with the same drivers share."""
    waiting = {n: s for n, s in solved.items() if s.solution.decisions is not None and s.ready.losses}
    fresh: dict[str, list[FloatArray]] = {}
    while waiting:
        processes = next(iter(waiting.values())).ready.processes
        group = {n: s for n, s in waiting.items() if same_drivers(s.ready.processes, processes)}
        together = [(n, loss, s) for n, s in group.items() for loss in s.ready.losses]
        losses = fresh_losses(
            backend,
            processes,
            [loss.table for _, loss, _ in together],
            [np.asarray(loss.matrix @ s.solution.decisions) for _, loss, s in together],
            count,
            seed,
        )
        for (name, _, _), found in zip(together, losses, strict=True):
            fresh.setdefault(name, []).append(found)
        waiting = {n: s for n, s in waiting.items() if n not in group}
    return fresh


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
