"""Warm-started cutting planes along a frontier: what one point has learnt of the CVaR, the next ones know.

For weights v of the scenarios with 0 <= v <= 1, of the tail's mass, the mean of the losses under v is not above the
CVaR, whatever the portfolio: a cut that stays valid along the whole frontier, and that may be taken on a working set
of scenarios. The linear program under all cuts is a bound. Queries lie between the best portfolio and the program's
(Ben-Ameur and Neto 2007, https://doi.org/10.1002/net.20165); the best one is measured on all scenarios in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from ...kernels.tail import tail, tail_mass
from ..arrays import FloatArray
from ..cutting_planes.highs import LpStatus, Model
from .portfolio import Stated
from .program import Lowering

IndexArray = NDArray[np.int64]

TAILS = 3.0  # scenarios in the first working set, as a multiple of the tail
MORE = 1.5  # the same of those that join it after a point
SPARE = 50  # and so many more
SHARE = 0.5  # of the gap, for the program on the working set
STEP = 0.5  # how far from the best portfolio towards the program's the next query lies
TINY = 1e-11  # smaller coefficients do not reach HiGHS
ROW_TOLERANCE = 1e-7
ROUNDS = 4  # working sets per point
QUERIES = 150  # per point, and so many more per asset: beyond, the optimum is not of the kind that cuts find
QUERIES_PER_ASSET = 1.0


class WarmCuts:
    """The least CVaR of one lowered portfolio at ever other required returns. `check` is called before each query."""

    def __init__(self, p: Stated, lowering: Lowering, scale: float, check: Callable[[], None]) -> None:
        program = lowering.program
        (term,) = program.tails
        self.losses: FloatArray = term.losses
        self.offset: float = 0.0 if term.offset is None else float(term.offset[0])
        self.each = p.probabilities
        self.level = p.level
        total = float(self.losses.shape[0]) if self.each is None else float(self.each.sum())
        self.mass = tail_mass(total, p.level)
        self.scale = 2.0 ** -round(math.log2(scale)) if scale > 0.0 else 1.0
        self.check = check
        self.returning = lowering.names.index("min_return")
        self.width = self.losses.shape[1]
        self.matrix: csr_array = csr_array(program.matrix)
        self.row_lower: FloatArray = np.asarray(program.row_lower)
        self.row_upper: FloatArray = np.asarray(program.row_upper)
        rows = self.matrix.shape[0]
        self.own = rows
        self.model = Model(
            np.append(np.zeros(self.width), 1.0),
            csr_array(hstack([self.matrix, csr_array((rows, 1))], format="csr")),
            self.row_lower,
            self.row_upper,
            np.append(np.asarray(program.lower), -np.inf),
            np.append(np.asarray(program.upper), np.inf),
        )
        reach = np.maximum(np.abs(np.asarray(program.lower)), np.abs(np.asarray(program.upper)))
        self.sizes: FloatArray = reach
        self.rows: IndexArray = np.zeros(0, dtype=np.int64)
        self.values: FloatArray = np.zeros((0, self.width))
        self.limit = QUERIES + math.ceil(QUERIES_PER_ASSET * p.width)

    def join(self, x: FloatArray, multiple: float = TAILS) -> None:
        """Let the scenarios with the largest losses at x join the working set, and cut there."""
        loss = self.losses @ x
        size = min(loss.size, math.ceil(multiple * (1.0 - self.level) * loss.size) + SPARE)
        worst = np.argpartition(-loss, size - 1)[:size]
        if self.each is not None:
            worst = np.union1d(worst, tail(loss, self.level, self.each).rows)
        new = np.setdiff1d(worst, self.rows)
        self.rows = np.concatenate([self.rows, new])
        self.values = np.concatenate([self.values, self.losses[new]])
        self.cut(x)

    def cut(self, x: FloatArray) -> float:
        """The CVaR at x on the working set, scaled; its cut enters the program."""
        each = None if self.each is None else self.each[self.rows]
        worst = tail(self.values @ x, self.level, each, self.mass)
        gradient = self.scale * (worst.weights @ self.values[worst.rows]) / self.mass
        # HiGHS drops what is tiny; left out here, the cut gives way by as much as it could have mattered
        tiny = np.abs(gradient) < TINY
        lost = tiny & (gradient != 0.0)
        slack = float(np.abs(gradient[lost]) @ self.sizes[lost])
        if math.isfinite(slack):
            kept = np.append(np.flatnonzero(~tiny), self.width)
            shift = slack - self.scale * self.offset
            self.model.add_rows([(-math.inf, shift, kept, np.append(gradient[~tiny], -1.0))])
        return self.scale * (worst.cvar + self.offset)

    def solve(self, more: float, start: FloatArray, gap: float) -> tuple[FloatArray, float] | None:
        """The columns of a portfolio of least CVaR where `more` return is required, and a bound; None where they do
        not meet in a reasonable number of queries.

        start: columns of a portfolio that has the return.
        """
        self.model.change_row_bounds(self.returning, float(self.row_lower[self.returning]) + more, math.inf)
        best, queries = start, 0
        for _ in range(ROUNDS):
            value = self.cut(best)
            while True:
                self.check()
                result = self.model.solve()
                if result.status is not LpStatus.OPTIMAL:
                    return None
                bound, target = result.objective, result.x[: self.width]
                if value - bound <= SHARE * gap * abs(value):
                    break
                queries += 1
                if queries > self.limit:
                    return None
                query = best + STEP * (target - best)
                found = self.cut(query)
                if found < value:
                    best, value = query, found
            whole = self.scale * (tail(self.losses @ best, self.level, self.each).cvar + self.offset)
            if whole - bound <= gap * abs(whole):
                self._forget()
                return (best, bound / self.scale) if self._kept(best, more) else None
            self.join(best, MORE)
        return None

    def _kept(self, x: FloatArray, more: float) -> bool:
        """Whether x keeps the rows: it is a mean of points that do, so only rounding could speak against it."""
        activity, least = self.matrix @ x, self.row_lower.copy()
        least[self.returning] += more
        size = np.maximum(1.0, np.abs(np.where(np.isfinite(least), least, 0.0)))
        over = np.maximum(least - activity, activity - self.row_upper)
        return bool((over <= ROW_TOLERANCE * size).all())

    def _forget(self) -> None:
        """Drop the cuts that did not bind at the last optimum."""
        loose = np.flatnonzero(self.model.basic_rows())
        self.model.delete_rows([int(i) for i in loose[loose >= self.own]])
