"""The best point and the best bound known of a CVaR program, each checked in the caller's own units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ...kernels.cpu.matrix_backend import MatrixBackend
from ...kernels.tail import tail
from ..arrays import FloatArray
from .program import Checked
from .proof import LIMIT_TOLERANCE, ROW_TOLERANCE, Bounded, Evidence, bound, broken, objective
from .repair import kept

FLOOR = 1e-6  # of the amounts at stake: an objective is not taken to be smaller where a gap is related to it
CROSSED = 1e-9  # of the amounts at stake: by which a bound may lie above a point for rounding


@dataclass(frozen=True, eq=False)
class Known:
    """A point that keeps all it must. x: (n,). cvar, var: (M,)."""

    x: FloatArray
    cvar: FloatArray
    var: FloatArray
    objective: float
    engine: str


@dataclass(eq=False)
class Book:
    """program: in the caller's units, sized. goal: the relative gap wanted. nothing: what an objective is not taken
    to be below, where nothing is at stake.
    """

    program: Checked
    backend: MatrixBackend
    goal: float
    nothing: float = 0.0
    best: Known | None = None
    proof: Bounded | None = None
    evidence: Evidence | None = None
    passes: int = 0
    crossed: bool = False
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = self.program.parts
        self._offsets = np.array([0.0 if p.offset is None else float(np.abs(p.offset).mean()) for p in parts])

    @property
    def lower(self) -> float:
        return -math.inf if self.proof is None else self.proof.value

    @property
    def upper(self) -> float:
        return math.inf if self.best is None else self.best.objective

    @property
    def gap(self) -> float:
        """(upper - lower) over |upper|, or over a millionth of the amounts at stake where that is more: an optimum
        may be 0.
        """
        if self.best is None or not math.isfinite(self.lower):
            return math.inf
        apart = self.upper - self.lower
        size = max(abs(self.upper), FLOOR * self.stake(self.best.x), self.nothing)
        return 0.0 if apart <= 0.0 else apart / size if size > 0.0 else math.inf

    @property
    def met(self) -> bool:
        return self.gap <= self.goal

    def stake(self, x: FloatArray) -> float:
        """Sum of the sizes of what the objective adds up at x."""
        p = self.program
        size = float(np.abs(p.cost) @ np.abs(x)) + abs(p.constant)
        return size + float(np.array(p.prices) @ (p.sizes @ np.abs(x) + self._offsets))

    def measure(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """CVaR and value at risk of each term, over all scenarios."""
        p = self.program
        cvar, var = np.zeros(len(p.parts)), np.zeros(len(p.parts))
        for m, part in enumerate(p.parts):
            loss = self.backend.product(part, x)
            if part.offset is not None:
                loss = loss + part.offset
            found = tail(loss, p.levels[m], p.weights)
            cvar[m], var[m] = found.cvar, found.var
        self.passes += 1
        return cvar, var

    def point(self, x: FloatArray, engine: str, measured: tuple[FloatArray, FloatArray] | None = None) -> bool:
        """Take a point if it keeps its bounds, rows and limits; whether it does. measured: its CVaRs and values at
        risk, if they were computed from the same numbers.
        """
        if not np.isfinite(x).all():
            return False
        moved = kept(self.program, x)
        if measured is None or not np.array_equal(moved, x):
            x, measured = moved, self.measure(moved)
        check = broken(self.program, x, measured[0])
        if check.row > ROW_TOLERANCE or check.limit > LIMIT_TOLERANCE:
            return False
        value = objective(self.program, x, measured[0])
        if math.isfinite(value) and value < self.upper:
            self.best = Known(x, *measured, value, engine)
            self._cross()
        return True

    def bound(self, evidence: Evidence | None, x: FloatArray) -> None:
        """Take a bound if it is better. x: (n,) a point whose amounts are typical."""
        if evidence is None:
            return
        found = bound(self.program, evidence, x)
        if found.value > self.lower or self.proof is None:
            self.proof, self.evidence = found, evidence
            self._cross()

    def _cross(self) -> None:
        """Bounds that cross are a fault: of the multipliers, since a point is checked in plain figures."""
        if self.best is None or self.proof is None:
            return
        if self.lower > self.upper + CROSSED * max(abs(self.upper), self.stake(self.best.x)):
            self.crossed = True
            self.messages.append(
                f"a bound of {self.lower:.9g} lay above the objective {self.upper:.9g} of a feasible point; dropped"
            )
            self.proof = self.evidence = None
