"""What goes into the interior point, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.sparse import csr_array

from ..arrays import FloatArray


@dataclass(frozen=True, eq=False)
class TermRows:
    """The rows of one CVaR that take part.

    values: (r, n). offset: (r,). share: (r,) most that a row may weigh in the tail, weight / k; they sum to more than
    1 - mass. price: of the CVaR in the objective, >= 0. limit: inf where there is none. linear: (n,), constant, mass:
    of the rows that lie in the tail for sure.
    """

    values: FloatArray
    offset: FloatArray
    share: FloatArray
    price: float
    limit: float
    linear: FloatArray
    constant: float
    mass: float


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The program's part without scenarios. matrix: (rows, n) sparse. quadratic: (n, n) symmetric, or None. constant:
    of the objective.
    """

    cost: FloatArray
    quadratic: FloatArray | None
    matrix: csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    constant: float = 0.0


@dataclass(frozen=True, eq=False)
class Centre:
    """A point near the central path. x: (n,). equal: multipliers of the equalities. limits: (terms,) of the limits.
    complementarity: the mean product of a slack and its multiplier.
    """

    x: FloatArray
    equal: FloatArray
    limits: tuple[float, ...]
    complementarity: float


@dataclass(frozen=True, eq=False)
class Interior:
    """Where the interior point ended.

    x: (n,). weights: per term (r,) of the tail, within 0 and share, summing to 1 - mass. gap: what complementarity
    leaves of the objective. converged: the tolerance is met. prices: of each term's CVaR, that of its limit included.
    rows: (rows,) multipliers of the rows, the objective's change per unit more of the active bound. centre: where a
    like program may begin.
    """

    x: FloatArray
    weights: tuple[FloatArray, ...]
    gap: float
    iterations: int
    converged: bool
    prices: tuple[float, ...]
    rows: FloatArray
    centre: Centre
