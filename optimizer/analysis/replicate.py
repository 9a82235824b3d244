"""The case planned again on other scenarios, as many and independent: what the choice of scenarios does to a plan.

Each replication is the case's plan with the next seed. Its search begins at what the run has learnt: the cuts that hold
the plan are taken again on the new scenarios, where they are valid, so the certificate there is as good as any. The
run's own plan is then put on the same scenarios, its states (cash, tax) made anew. How far it is from the optimum v
there is measured at the replication's own prices: y of the rows, pi of the risk limits,

    gap = v - [ f(x) - sum over rows y_i (excess over b_i)+ - sum over limits pi_m (CVaR_m(x) - limit_m)+ ]  >=  0

never negative by weak duality, since the Lagrangian credits what is left of a limit besides. For a plan that keeps all
rows and limits it is v - f(x) with common random numbers, the gap of Mak, Morton & Wood (1999, Operations Research
Letters 24, 47-56, doi:10.1016/S0167-6377(98)00054-6). What that proves, and what it does not where limits are sampled
too, stands in docs/mathematics-loop.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import CapmixError
from .. import stops
from ..arrays import FloatArray
from ..cutting_planes.endings import Ending, ended_by
from ..cutting_planes.highs import SolverError
from ..cutting_planes.master import Infeasible, Master
from ..cutting_planes.oracle import Sample
from ..cutting_planes.progress import Monitor, OutOfTime, Progress, relative_gap
from ..cutting_planes.progress import named as phased
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Evaluation, RiskLimit, Solution, Status, WarmStart
from ..plan import Replication
from ..setup import device as devices
from ..setup.arguments import MOST_SEED
from ..setup.assemble import risk_limits
from ..setup.out_of_sample import evaluated
from ..setup.prepare import Clock, PlanningProblem, prepare
from ..setup.risk_losses import all_risks
from .shadow_prices import limits_of, named, prices_by_name
from .tidy import lawful_columns

_FAILURES = (CapmixError, RuntimeError, ValueError, ArithmeticError, MemoryError)


@dataclass(frozen=True)
class Made:
    """The replications that ended by themselves, and remarks on those that did not. ending: of all of them."""

    each: tuple[Replication, ...]
    messages: tuple[str, ...]
    ending: Ending = Ending.BY_ITSELF


def seeds(seed: int, count: int) -> list[int]:
    """Seeds of the replications of a run: those that follow its own."""
    return [(seed + number) % (MOST_SEED + 1) for number in range(1, count + 1)]


def replicate(
    ready: PlanningProblem,
    solution: Solution,
    scenarios: int,
    seed: int,
    count: int,
    gap: float,
    left: float | None = None,
    progress: Progress | None = None,
) -> Made:
    """Plan the case again on `count` further sets of scenarios, one after the other.

    Args:
        ready: of the run; its scenarios are not looked at.
        solution: of the run, with a plan.
        scenarios: how many each set has.
        seed: of the run.
        gap: at which a replication counts as certified.
        left: seconds for all of them; None: no limit.

    Returns:
        what ended before the time did, or before somebody asked to stop; a message says what is missing.
    """
    each: list[Replication] = []
    messages: list[str] = []
    clock = Clock(None, left)
    ending = Ending.BY_ITSELF
    for number, other in enumerate(seeds(seed, count), 1):
        told = phased(f"replication {number} of {count}", progress)
        try:
            clock.check()
            found = devices.steadily(
                ready.backend,
                lambda other=other, told=told: _one(ready, solution, scenarios, other, gap, clock.left, told),  # type: ignore[misc]
            )
        except (KeyboardInterrupt, OutOfTime) as error:
            ending, why = ended_by(error)
            messages.append(f"{why}: {len(each)} of {count} replications are done")
            break
        except _FAILURES as error:  # the plan itself is made, and kept
            words = " ".join(str(error).split()) or "not enough memory"
            messages.append(f"the replication with seed {other} failed: {words}")
            continue
        each.append(found)
    return Made(tuple(each), tuple(messages), ending)


def _one(
    ready: PlanningProblem,
    solution: Solution,
    scenarios: int,
    seed: int,
    gap: float,
    left: float | None,
    progress: Progress | None,
) -> Replication:
    """KeyboardInterrupt and OutOfTime where the search did not end by itself."""
    clock = Clock(progress, left)
    other = elsewhere_prepared(ready, scenarios, seed, clock)
    limits = risk_limits(other.case, other.losses)
    learnt = _learnt(other, limits, ready, solution, gap, clock.left)
    settings = Settings(gap=gap, polish=False, time_limit=clock.left)
    found = maximise(other.program, limits, other.backend, other.store, settings, progress, learnt)
    if found.status is Status.STOPPED:
        stops.check()
        found.uninterrupted()
        if clock.left == 0.0:
            raise OutOfTime
    clock.tell("the plan on these scenarios")
    objective, cvars = elsewhere(ready, solution, other)
    planned = found.columns is not None
    return Replication(
        seed=seed,
        status=found.status,
        lower=found.lower if planned else None,
        upper=found.upper if planned else None,
        objective=objective,
        gap=plan_gap(other, found, limits, columns_in(ready, solution, other)) if planned else None,
        cvars=cvars,
        prices=prices_of(other, found) if planned else {},
    )


def elsewhere_prepared(
    ready: PlanningProblem, scenarios: int, seed: int, clock: Clock | None = None
) -> PlanningProblem:
    """The case on other scenarios. Reviews stand at the levels of the run, which are its rule.

    ValueError where the other scenarios leave a band of a review empty that the run's do not, or the other way round.
    """
    if ready.adaptive is None:
        return prepare(ready.case, ready.backend, scenarios, seed, clock, own=ready.own)
    tree = ready.adaptive.tree
    other = prepare(replace(ready.case, review=tree.reviews), ready.backend, scenarios, seed, clock, own=ready.own)
    there = () if other.adaptive is None else tuple(node.name for node in other.adaptive.tree.nodes)
    if there != tuple(node.name for node in tree.nodes):
        raise ValueError("its scenarios come by other nodes; take more scenarios, or reviews with fewer bands")
    return other


def elsewhere(ready: PlanningProblem, solution: Solution, other: PlanningProblem) -> tuple[float, tuple[float, ...]]:
    """The run's plan on other scenarios: its objective there, and its CVaRs in the order of the limits.

    The losses are those that the run has limited, as in its check out of sample; prices are those of the scenarios.
    """
    columns = columns_in(ready, solution, other)
    program = other.program
    cvars: tuple[float, ...] = ()
    if ready.losses:
        fresh = evaluated(ready, solution, [other.store])
        levels = [risk.level for risk in all_risks(ready.case)]
        cvars = tuple(ready.backend.tail(v, level).cvar for v, level in zip(fresh.losses, levels, strict=True))
    return float(program.cost @ columns) + program.offset, cvars


def columns_in(ready: PlanningProblem, solution: Solution, other: PlanningProblem) -> FloatArray:
    """(columns,) the run's plan as columns of the program that other scenarios make: the same decisions, with tax and
    states as they follow there, where rows do not leave them open. ValueError without a plan.
    """
    if solution.columns is None:
        raise ValueError("there is no plan to put on other scenarios")
    columns = solution.columns
    if other.program.column_names != ready.program.column_names:
        amounts = dict(zip(ready.program.column_names, columns.tolist(), strict=True))
        columns = np.array([amounts.get(name, 0.0) for name in other.program.column_names])
    following = lawful_columns(other, columns, columns[other.program.decisions])
    return columns if following is None else following


def plan_gap(other: PlanningProblem, found: Solution, limits: Sequence[RiskLimit], columns: FloatArray) -> float:
    """How far a plan is from the optimum that `found` proves, what it breaks charged at the prices there; never
    negative but by rounding.

    columns: (columns,) any plan, whether or not it holds rows, limits and the columns' bounds.
    """
    program, backend = other.program, other.backend
    sense = 1.0 if program.maximise else -1.0
    duals = found.row_duals  # of the minimised objective per unit more of the active bound
    active = np.where(duals > 0.0, program.row_lower, program.row_upper)
    priced = np.flatnonzero(duals)
    broken = duals[priced] * (active[priced] - np.asarray(program.matrix @ columns)[priced])
    equal = program.row_lower[priced] == program.row_upper[priced]
    charged = float(np.where(equal, np.abs(broken), np.maximum(broken, 0.0)).sum())
    under = np.minimum(columns - program.col_lower, 0.0)
    above = np.maximum(columns - program.col_upper, 0.0)
    reduced = found.column_duals
    charged -= float(np.maximum(reduced, 0.0) @ under) + float(np.minimum(reduced, 0.0) @ above)
    if limits:
        exposures = [one.matrix @ columns[program.decisions] for one in limits]
        losses = backend.losses(other.store, [one.table for one in limits], exposures)
        for one, value, loss in zip(limits, found.risks, losses, strict=True):
            charged += value.price * max(0.0, backend.tail(loss, one.level).cvar - one.limit)
    penalised = -sense * (float(program.cost @ columns) + program.offset) + charged  # minimised
    bound = -found.upper if program.maximise else found.lower
    return penalised - bound


def prices_of(ready: PlanningProblem, found: Solution) -> Mapping[str, float]:
    """Change of the objective per unit more of every limit that binds, by name; a risk limit's is "risk[NAME]"."""
    sense = 1.0 if ready.program.maximise else -1.0
    own = prices_by_name(limits_of(ready.program, found), ready.case.horizon.labels)
    return own | {named("risk", (value.name,)): sense * value.price for value in found.risks}


def _learnt(
    other: PlanningProblem,
    limits: Sequence[RiskLimit],
    ready: PlanningProblem,
    solution: Solution,
    gap: float,
    left: float | None,
) -> WarmStart | None:
    """What the run's search says on other scenarios: the cuts that hold its plan, taken again there, and the best plan
    by them. None where it says nothing.
    """
    vertex = solution.learnt.vertex
    cuts = () if vertex is None else tuple(cut for cut in vertex.tight if cut.at is not None)
    same = ready.ledger.decisions == other.ledger.decisions
    if not (limits and cuts and same) or solution.decisions is None:
        return None
    program = other.program
    monitor = Monitor(None, left, gap, 1.0 if program.maximise else -1.0)
    master = Master(program, [one.limit for one in limits], monitor)
    sample = Sample(other.backend, other.store, limits, monitor)
    losses = sample.all.losses(solution.decisions)
    rows = sample.worst(losses, Settings().tail_multiple)
    taken = tuple(rows.retaken(cut) for cut in cuts)
    for cut in taken:
        master.add(cut)
    try:
        x = master.solve().x
    except (Infeasible, SolverError):
        return None
    values = np.array([tail.cvar for tail in sample.all.tails(sample.all.losses(master.decisions(x)))])
    nothing = np.full(values.size, math.nan)
    return WarmStart(taken, (Evaluation(x, values, nothing, nothing),), master.vertex())


def contradictions(told: Sequence[Replication], seed: int, asked: int, tolerance: float) -> list[str]:
    """What cannot be true of the replications of a run with this seed."""
    out = []
    left = iter(seeds(seed, asked))
    if not all(one.seed in left for one in told):  # in this order, some left out
        out.append(f"replications: the seeds are not among the {asked} that follow {seed}")
    for one in told:
        known = one.lower is not None and one.upper is not None
        proven = {Status.CERTIFIED: True, Status.INFEASIBLE: False}.get(one.status, known)
        if known != proven or known != (one.gap is not None):
            out.append(f"replication with seed {one.seed}: {one.status.value} with such bounds contradicts itself")
        if one.lower is not None and one.upper is not None:
            reached = relative_gap(one.upper, one.lower)
            if one.upper < one.lower or (one.status is Status.CERTIFIED and reached > tolerance * (1.0 + 1e-6)):
                out.append(f"replication with seed {one.seed}: {one.status.value} with a gap of {reached:.1e}")
    return out


def again(
    ready: PlanningProblem, solution: Solution, told: Sequence[Replication], scenarios: int
) -> tuple[Replication, ...]:
    """Replications as a run tells them, with what follows from its plan alone computed again: the scenarios are drawn
    by seed, and the plan is put on them. Bounds, gaps and prices follow from a search and stay as they are told.
    """
    out = []
    for one in told:
        other = elsewhere_prepared(ready, scenarios, one.seed)
        objective, cvars = elsewhere(ready, solution, other)
        out.append(replace(one, objective=objective, cvars=cvars))
    return tuple(out)
