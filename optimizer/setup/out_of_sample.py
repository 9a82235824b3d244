"""The plan's CVaR on fresh draws, with its confidence interval.

For independent losses L_1 … L_n with quantile q = VaR at level a, the estimator q + mean(max(L - q, 0)) / (1 - a)
is asymptotically normal with variance Var(max(L - q, 0)) / (n (1 - a)^2) (Trindade, Uryasev, Shapiro & Zrazhevsky 2007,
"Financial prediction with constrained tail risk", J. Banking & Finance 31, doi:10.1016/j.jbankfin.2007.04.014).
The plan is fixed before the draws are made, so its own fitting to the sample does not bias the figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.tables import LossTable, ProcessTable
from ...kernels.tail import tail
from ..arrays import FloatArray
from ..cutting_planes.solution import Solution
from ..plan import Interval
from .assemble import objective_flow
from .prepare import PlanningProblem

LEAST, MOST = 20_000, 250_000
CHUNK = 1 << 17
Z95 = 1.959963984540054


def fresh_count(count: int) -> int:
    """Fresh scenarios for a plan made on `count`: as many, but at least 20,000 and at most 250,000."""
    return min(max(count, LEAST), MOST)


def fresh_draws(
    backend: Backend, table: ProcessTable, count: int, seed: int, sample: int = 1
) -> Iterator[ScenarioStore]:
    """Scenarios 0 … count-1 of `sample` in chunks, each drawn when it is asked for."""
    for first in range(0, count, CHUNK):
        yield backend.simulate(table, min(CHUNK, count - first), seed, sample=sample, first=first)


def fresh_losses(
    backend: Backend, draws: Iterable[ScenarioStore], tables: Sequence[LossTable], exposures: Sequence[FloatArray]
) -> list[FloatArray]:
    """Losses of each table on all scenarios of `draws`, which are dropped one by one if nobody else keeps them."""
    parts: list[list[FloatArray]] = [[] for _ in tables]
    for store in draws:
        for part, losses in zip(parts, backend.losses(store, tables, exposures), strict=True):
            part.append(backend.host(losses))
    return [np.concatenate(part) for part in parts]


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """A plan on n out-of-sample scenarios.

    Attributes:
        losses: (n,) of each risk limit.
        objective: (n,) what the scenario's prices make of the objective, up to a constant; None where it is certain.
    """

    losses: list[FloatArray]
    objective: FloatArray | None


def evaluated(ready: PlanningProblem, solution: Solution, draws: Iterable[ScenarioStore]) -> OutOfSample:
    """A plan on the scenarios of `draws`."""
    moving = objective_flow(ready.case, ready.ledger, ready.deposit_rates)
    sums = [*ready.losses, *(() if moving is None else (ready.spread(moving),))]
    exposures = [np.asarray(loss.matrix @ solution.decisions) for loss in sums]
    found = fresh_losses(ready.backend, draws, [loss.table for loss in sums], exposures)
    return OutOfSample(found[: len(ready.losses)], None if moving is None else -found[-1])


def cvar_interval(losses: FloatArray, level: float) -> Interval:
    """CVaR of the losses with its asymptotic 95 % confidence interval."""
    result = tail(losses, level)
    excess = np.maximum(losses - result.var, 0.0)
    error = float(np.std(excess)) / ((1.0 - level) * losses.size**0.5)
    return Interval(result.cvar, result.cvar - Z95 * error, result.cvar + Z95 * error)
