"""What goes into the loop beside the linear program, and what comes out of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ...kernels.tables import LossTable
from ..arrays import FloatArray
from .endings import Ending
from .scaling import ScalingReport


class Status(Enum):
    """How a run ended; the exit code follows from it."""

    CERTIFIED = "certified"  # gap met: exit 0
    STOPPED = "stopped"  # feasible plan, gap not met (time limit, Ctrl-C, stall): exit 4
    INFEASIBLE = "infeasible"  # no plan meets the limits: exit 3
    UNBOUNDED = "unbounded"  # of `solve_cvar` only: the objective falls for ever along a ray


@dataclass(frozen=True)
class Passes:
    """full: passes over all scenarios. equivalent: rows visited over the number of scenarios. solves: LPs; one whose
    columns had to come back counts once.
    """

    full: int
    equivalent: float
    solves: int
    cuts: int


@dataclass(frozen=True)
class RiskLimit:
    """CVaR at `level` of the loss must not exceed `limit`.

    Attributes:
        name: how the user calls it.
        table: the loss over the exposures, E entries.
        matrix: (E, N) exposures per unit of each ledger decision.
        level: share of the scenarios outside the tail, 0 <= level < 1.
        limit: in the loss's own unit.
        relief: (N,) taken off the loss of every scenario per unit of each decision; None: nothing.
    """

    name: str
    table: LossTable
    matrix: csr_array
    level: float
    limit: float
    relief: FloatArray | None = None

    def at(self, decisions: FloatArray) -> LossTable:
        """The loss at the decisions (N,): its floor is lower by the relief there."""
        if self.relief is None:
            return self.table
        return replace(self.table, floor=self.table.floor - float(self.relief @ decisions))


@dataclass(frozen=True)
class Cut:
    """CVaR of risk limit number `limit` >= constant + gradient @ decisions, for every plan.

    slope: (E,) the same over the loss's exposures, of which the plan is only one cause: gradient = matrix' slope.
    at: (N,) the decisions at which it was taken, if they are known.
    """

    limit: int
    gradient: FloatArray
    constant: float
    slope: FloatArray
    at: FloatArray | None = None


@dataclass(frozen=True)
class Evaluation:
    """A plan and, per limit, its CVaR, quantile and share of scenarios above the limit, over all scenarios.

    x: (columns,). values, quantiles, shares: (M,); the last two are NaN where only the CVaRs are known.
    """

    x: FloatArray
    values: FloatArray
    quantiles: FloatArray
    shares: FloatArray


@dataclass(frozen=True)
class RiskValue:
    """A risk limit and the plan, evaluated on all scenarios in double precision.

    value: CVaR. var: the quantile at `level`. probability: share of the scenarios whose loss is above the limit.
    price: objective gained per unit more of the limit (>= 0).
    """

    name: str
    level: float
    limit: float
    value: float
    var: float
    probability: float
    price: float


@dataclass(frozen=True)
class Relaxation:
    """A rule that must give way. row or column: its number, the other is -1. amount: by how much, in the row's own
    unit.

    side: "upper" where a maximum has to rise, "lower" where a minimum has to fall.
    """

    name: str
    row: int
    column: int
    side: str
    amount: float


@dataclass(frozen=True)
class LeastRisk:
    """The least CVaR that any plan reaches if only this one limit counted: `least` is reached, `bound` is proven."""

    name: str
    limit: float
    least: float
    bound: float


@dataclass(frozen=True)
class Conflict:
    """Why no plan exists: the linear program's own rules (`relaxations`) or the risk limits (`least`, `joint`).

    instead: other limits of the user's that would do in place of the relaxations, each of these sets alone. proven:
    solving again with exactly the relaxations made has found a point. joint: per risk limit, limits that one plan can
    meet together: all raised by the same multiple of their scale, as little as possible. Empty where the linear program
    alone has no plan.
    """

    relaxations: tuple[Relaxation, ...] = ()
    instead: tuple[tuple[Relaxation, ...], ...] = ()
    proven: bool = False
    least: tuple[LeastRisk, ...] = ()
    joint: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Vertex:
    """A basis of the master: of its columns, of the program's rows, and the cuts that hold it."""

    columns: NDArray[np.int8]
    rows: NDArray[np.int8]
    tight: tuple[Cut, ...]


@dataclass(frozen=True, eq=False)
class WarmStart:
    """What a search has learnt that does not depend on the limits' amounts.

    cuts: valid cuts that it ended with. known: plans that hold every row of the program, evaluated on all scenarios,
    within the limits or not, the last ones last. vertex: where its last linear program ended.
    """

    cuts: tuple[Cut, ...] = ()
    known: tuple[Evaluation, ...] = ()
    vertex: Vertex | None = None


@dataclass(frozen=True)
class Solution:
    """The outcome of `maximise`.

    Attributes:
        status: certified, stopped (a feasible plan whose gap is not met, or no plan yet if `columns` is None) or
            infeasible.
        columns: (columns,) the plan, feasible for every row and every risk limit; None without one.
        decisions: (N,) its ledger decisions.
        objective: the plan's objective. upper >= true optimum >= lower, in the objective's own sense: the plan's
            objective is
            `lower` if maximised and `upper` if minimised.
        gap: (upper - lower) / max(1e-9, |objective|).
        value: the plan's secondary objective. value_bound: no plan has a higher one whose objective is within what
            polishing may cost; infinite where that was not sought.
        risks: one entry per risk limit.
        row_prices: (rows,) objective gained per unit by which a row's limit is relaxed (>= 0); for an equality, per
            unit
            more of its right-hand side (any sign). Gained means more if maximised, less if minimised.
        bound_prices: (columns,) objective gained per unit more of a column's upper bound (>= 0).
        row_duals, column_duals: change of the objective, minimised, per unit more of the active bound, any sign.
        polished: the plan is the one that polishing found.
        ending: why the search ended. messages: what people are told of it, and of all else.
        learnt: what serves the search for another plan of this program on these scenarios.
    """

    status: Status
    columns: FloatArray | None
    decisions: FloatArray | None
    objective: float
    upper: float
    lower: float
    gap: float
    value: float
    risks: tuple[RiskValue, ...]
    row_prices: FloatArray
    bound_prices: FloatArray
    row_duals: FloatArray
    column_duals: FloatArray
    passes: Passes
    evaluate_s: float
    master_s: float
    total_s: float
    scaling: ScalingReport
    conflict: Conflict | None = None
    polished: bool = False
    value_bound: float = math.inf
    messages: tuple[str, ...] = field(default=())
    ending: Ending = Ending.BY_ITSELF
    learnt: WarmStart = field(default=WarmStart(), repr=False)

    def uninterrupted(self) -> Solution:
        """This solution. KeyboardInterrupt if its search was interrupted."""
        if self.ending is Ending.INTERRUPTED:
            raise KeyboardInterrupt
        return self
