"""A plan's figures computed again from its amounts alone: the rows, the objective, each CVaR and all tables.

Nothing of the search takes part: the scenarios are drawn anew by seed and number, the linear program is built anew,
and the plan's tables are made from the amounts. What this cannot show again is the bound, which only another
search proves (`searched_again`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...models.own_limits import OwnLimit
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..cutting_planes.final_check import faults
from ..cutting_planes.scaling import scale
from ..cutting_planes.search import maximise
from ..cutting_planes.settings import Settings
from ..cutting_planes.solution import Passes, RiskLimit, RiskValue, Solution, Status
from ..plan import Evidence, Funding, Interval, Plan
from ..setup import device as devices
from ..setup.assemble import risk_limits
from ..setup.out_of_sample import cvar_interval, evaluated, fresh_count, fresh_draws, fresh_losses
from ..setup.prepare import PlanningProblem, prepare
from ..setup.risk_losses import all_risks, tails
from .compose import Circumstances, compose
from .covenants import StepPrice
from .evidence import evidence, in_order
from .funding_tables import funding
from .lawful import put_right
from .replicate import again, contradictions
from .replications import with_replications
from .statements import StatementError
from .tidy import amounts_of

__all__ = [
    "Again",
    "Claim",
    "Evidence",
    "Reached",
    "evidence",
    "planned_again",
    "prepared",
    "reached",
    "searched_again",
]


LIMIT_SHARE = 1e-6  # of a loss's size: within it a limit counts as kept, as in the search


@dataclass(frozen=True)
class Claim:
    """What a run says of a plan and what cannot be computed from its amounts.

    bound: the objective that no plan betters. prices: change of the objective per unit more of each risk limit.
    fresh: it was checked out of sample. most: wealth that no plan as good betters. replications: asked for.
    """

    status: Status
    bound: float
    tolerance: float
    prices: Sequence[float]
    fresh: bool
    most: float = math.inf
    replications: int = 0


@dataclass(frozen=True)
class Again:
    """The plan as it is computed again, None where its amounts are none of this program; what it breaks."""

    plan: Plan | None
    faults: tuple[str, ...]


def prepared(
    case: Case,
    scenarios: int,
    seed: int,
    device: str = "auto",
    like: PlanningProblem | None = None,
    own: tuple[OwnLimit, ...] = (),
) -> PlanningProblem:
    """The case on the scenarios of a run, with the limits that were added to it; the scenarios of `like` are used again
    where they are the same.

    Raises:
        CaseError, DeviceError, SolverError: as `optimize`.
    """
    if like is None:
        backend = devices.choose(device, *tails(case))
        return devices.steadily(backend, lambda: prepare(case, backend, scenarios, seed, own=own))
    drawn = [(like.processes, like.store)]
    return devices.steadily(like.backend, lambda: prepare(case, like.backend, scenarios, seed, drawn=drawn, own=own))


def planned_again(ready: PlanningProblem, seed: int, found: Evidence, claim: Claim) -> Again:
    """The whole plan from its amounts."""
    solution, broken = _solution(ready, found, claim)
    if solution is None:
        return Again(None, tuple(broken))
    fresh = None
    count = fresh_count(ready.store.count)
    try:
        if claim.fresh and ready.losses:
            fresh = devices.steadily(
                ready.backend,
                lambda: evaluated(ready, solution, fresh_draws(ready.backend, ready.processes, count, seed)),
            )
        steps = {covenant: StepPrice(*step) for covenant, step in found.steps.items()}
        about = Circumstances(seed, claim.tolerance, fresh, (), steps or None, found.without)
        plan = devices.steadily(ready.backend, lambda: compose(ready, solution, about))
        if claim.replications:
            others = devices.steadily(
                ready.backend, lambda: again(ready, solution, found.replications, ready.store.count)
            )
            plan = with_replications(plan, ready, solution, claim.replications, others)
            broken += contradictions(found.replications, seed, claim.replications, claim.tolerance)
    except (StatementError, ArithmeticError) as error:
        return Again(None, (*broken, f"its tables cannot be made: {error}"))
    limits = [(f.name, f.value, f.limit) for f in plan.risk]
    return Again(plan, (*broken, *_exceeded(ready, solution, limits)))


@dataclass(frozen=True)
class Reached:
    """What a plan of a frontier reaches: objective, CVaRs in the order of the limits, money raised, the CVaR of the
    limit that moves out of sample, and what the plan breaks.
    """

    objective: float
    risks: tuple[RiskValue, ...]
    raised: Funding
    fresh: Interval | None
    decisions: FloatArray | None
    faults: tuple[str, ...]


def reached(ready: PlanningProblem, seed: int, found: Evidence, number: int, amount: float, fresh: bool) -> Reached:
    """A frontier's plan from its amounts, where risk limit `number` stands at `amount`."""
    claim = Claim(Status.STOPPED, math.nan, 0.0, [0.0] * len(ready.losses), fresh)
    solution, broken = _solution(ready, found, claim)
    if solution is None or solution.decisions is None:
        return Reached(math.nan, (), Funding({}, {}, 0.0, 0.0), None, None, tuple(broken))
    backend, risks = ready.backend, all_risks(ready.case)
    exposures = [loss.matrix @ solution.decisions for loss in ready.losses]
    losses = backend.losses(ready.store, [loss.table for loss in ready.losses], exposures)
    figures = []
    for i, (risk, loss) in enumerate(zip(risks, losses, strict=True)):
        result, limit = backend.tail(loss, risk.level), amount if i == number else risk.limit
        share = backend.above(loss, limit)
        figures.append(RiskValue(risk.id, risk.level, limit, result.cvar, result.var, share, 0.0))
    interval = None
    if fresh:
        draws = fresh_draws(backend, ready.processes, fresh_count(ready.store.count), seed)
        drawn = fresh_losses(backend, draws, [ready.losses[number].table], [np.asarray(exposures[number])])
        interval = cvar_interval(drawn[0], risks[number].level)
    amounts = amounts_of(ready, solution.decisions)
    limits = [(f.name, f.value, f.limit) for f in figures]
    broken += _exceeded(ready, solution, limits)
    return Reached(solution.objective, tuple(figures), funding(amounts), interval, solution.decisions, tuple(broken))


def searched_again(
    ready: PlanningProblem, gap: float, number: int | None = None, amount: float = math.nan
) -> tuple[Status, float, float]:
    """Status, and lower and upper bound, of another search; risk limit `number`, if any, stands at `amount`."""
    limits: list[RiskLimit] = list(risk_limits(ready.case, ready.losses))
    if number is not None:
        limits[number] = replace(limits[number], limit=amount)
    settings = Settings(gap=gap)
    found = maximise(ready.program, limits, ready.backend, ready.store, settings)
    found = put_right(ready, found, limits, settings)
    return found.status, found.lower, found.upper


def _solution(ready: PlanningProblem, found: Evidence, claim: Claim) -> tuple[Solution | None, list[str]]:
    program = ready.program
    x, strangers = in_order(program.column_names, found.columns)
    rows, more = in_order(program.row_names, found.row_prices)
    bounds, most = in_order(program.column_names, found.bound_prices)
    if strangers or more or most:
        return None, [f"the linear program has no {name!r}" for name in (*strangers, *more, *most)[:3]]
    scaling = scale(program)
    broken = faults(program, (), (), scaling.columns, x, np.zeros(0))
    objective = float(program.cost @ x) + program.offset
    lower, upper = (objective, claim.bound) if program.maximise else (claim.bound, objective)
    nothing = Passes(0, 0.0, 0, 0)
    solution = Solution(
        status=claim.status,
        columns=x,
        decisions=x[program.decisions],
        objective=objective,
        upper=upper,
        lower=lower,
        gap=(upper - lower) / max(1e-9, abs(objective)),
        value=float(program.value @ x) + program.value_offset,
        risks=tuple(
            RiskValue(risk.id, risk.level, risk.limit, math.nan, math.nan, math.nan, price)
            for risk, price in zip(all_risks(ready.case), _signed(program.maximise, claim.prices), strict=True)
        ),
        row_prices=rows,
        bound_prices=bounds,
        row_duals=np.zeros(rows.size),
        column_duals=np.zeros(x.size),
        passes=nothing,
        evaluate_s=0.0,
        master_s=0.0,
        total_s=0.0,
        scaling=scaling.report,
        value_bound=claim.most,
    )
    return solution, broken


def _signed(maximise: bool, prices: Sequence[float]) -> list[float]:
    """Prices as the search gives them: gained, whatever the sense."""
    return [price if maximise else -price for price in prices]


def _exceeded(ready: PlanningProblem, solution: Solution, limits: Sequence[tuple[str, float, float]]) -> list[str]:
    """The risk limits that the plan does not keep: name, CVaR and limit of each."""
    found = []
    for loss, (name, value, limit) in zip(ready.losses, limits, strict=True):
        size = abs(limit)
        if value > limit + LIMIT_SHARE * size:
            exposure = loss.matrix @ solution.decisions
            losses = ready.backend.host(ready.backend.losses(ready.store, [loss.table], [exposure])[0])
            size = max(size, float(np.abs(losses).mean()))
        if value > limit + LIMIT_SHARE * size:
            found.append(f"CVaR of {name!r} is {value:.9g}, above its limit of {limit:.9g}")
    return found
