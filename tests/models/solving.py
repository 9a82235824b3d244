"""Solve the plain arrays of a program with SciPy, apart from the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from capmix.models.build import build_ledger, build_program
from capmix.models.ledger import Ledger
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from scipy.optimize import linprog
from scipy.sparse import vstack

from .tiny import PERIODS, known_means

RATE = 0.005
"""Interest on cash per period in the tests: 2 % a year."""


@dataclass(frozen=True)
class Solved:
    """An optimal point; status 2 means infeasible and leaves x empty."""

    status: int
    objective: float
    x: np.ndarray
    lp: LinearProgram
    ledger: Ledger
    means: np.ndarray

    def of(self, prefix: str) -> float:
        """Sum of the columns whose name starts so."""
        return float(sum(v for v, n in zip(self.x, self.lp.column_names, strict=True) if n.startswith(prefix)))

    def state(self, name: str) -> np.ndarray:
        """Values of a state over the periods."""
        return np.array([v for v, n in zip(self.x, self.lp.column_names, strict=True) if n.startswith(f"{name}[")])


def sample_means(ledger: Ledger, paths: np.ndarray) -> np.ndarray:
    """Means of the atoms over scenarios (S, D, T) of the drivers."""
    flat = np.concatenate([paths.reshape(len(paths), -1), np.ones((len(paths), 1))], axis=1)
    return np.asarray(flat[:, ledger.factors].prod(axis=2).mean(axis=0))


def assemble(
    case: Case, rates: np.ndarray | None = None, paths: np.ndarray | None = None
) -> tuple[Ledger, np.ndarray, LinearProgram]:
    """The program of known paths, or of scenarios (S, D, T) of the drivers."""
    ledger = build_ledger(case)
    means = known_means(case, ledger) if paths is None else sample_means(ledger, paths)
    rates = np.full(case.horizon.periods, RATE) if rates is None else rates
    return ledger, means, build_program(case, ledger, means, rates)


def solve(
    case: Case, *, value: bool = False, rates: np.ndarray | None = None, paths: np.ndarray | None = None
) -> Solved:
    """Solve for the primary objective, or for the expected value alone."""
    ledger, means, lp = assemble(case, rates, paths)
    cost, offset, maximise = (lp.value, lp.value_offset, True) if value else (lp.cost, lp.offset, lp.maximise)
    high, low = np.isfinite(lp.row_upper), np.isfinite(lp.row_lower)
    sign = -1.0 if maximise else 1.0
    result = linprog(
        sign * cost,
        A_ub=vstack([lp.matrix[high], -lp.matrix[low]]),
        b_ub=np.concatenate([lp.row_upper[high], -lp.row_lower[low]]),
        bounds=np.column_stack([lp.col_lower, lp.col_upper]),
        method="highs",
    )
    assert result.status in (0, 2), result.message
    if result.status == 2:
        return Solved(2, np.nan, np.empty(0), lp, ledger, means)
    return Solved(0, float(sign * result.fun + offset), result.x, lp, ledger, means)


__all__ = ["PERIODS", "RATE", "Solved", "assemble", "solve"]
