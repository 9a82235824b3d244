"""What the solver of a linear program answers, how it fails, and what it is never asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...errors import CapmixError
from ..arrays import FloatArray


class SolverError(CapmixError, RuntimeError):
    """The linear program could not be solved, or was refused because its numbers make no sense."""


class Unsolved(SolverError):
    """HiGHS ended without an answer, however it was asked."""


class Unbounded(SolverError):
    """The objective has no limit."""


class LpStatus(Enum):
    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True)
class LpResult:
    """Result of one solve. All arrays are empty unless `status` is optimal.

    x: (columns,). objective: minimised. row_dual, column_dual: change of the objective per unit more of the active
    row or column bound. row_value: (rows,) activity. iterations: simplex iterations.
    """

    status: LpStatus
    x: FloatArray
    objective: float
    row_dual: FloatArray
    column_dual: FloatArray
    row_value: FloatArray
    iterations: int


def finite(what: str, values: FloatArray) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise SolverError(f"{what} {int(bad[0])} is {values[bad[0]]}; it must be finite")


def ordered(what: str, lower: FloatArray, upper: FloatArray) -> None:
    wrong = np.isnan(lower) | np.isnan(upper) | (lower > upper) | (lower == np.inf) | (upper == -np.inf)
    bad = np.flatnonzero(wrong)
    if bad.size:
        i = int(bad[0])
        raise SolverError(f"{what} {i} has the bounds [{lower[i]}, {upper[i]}]; the lower must not exceed the upper")
