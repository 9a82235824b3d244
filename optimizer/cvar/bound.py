"""The linear program of the cuts of a CVaR program: its multipliers are the evidence for a bound."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, hstack

from ..arrays import FloatArray
from ..cutting_planes.highs import SMALLEST_COEFFICIENT, LpStatus, Model
from ..cutting_planes.progress import Monitor, OutOfTime
from .program import Checked
from .proof import Evidence, combined

Cut = tuple[int, FloatArray, float]  # term, gradient (n,), constant

TINY = 10.0 * SMALLEST_COEFFICIENT
BOX = 1e4  # times the amounts: columns without a bound are held within it, so that the program has an optimum


def without_tiny(matrix: csr_array) -> csr_array:
    """The matrix without the coefficients that HiGHS would drop."""
    kept = csr_array(matrix)
    kept.data = np.where(np.abs(kept.data) > TINY, kept.data, 0.0)
    kept.eliminate_zeros()
    return kept


class CutBound:
    """One persistent model of a scaled program. Columns: x, one per priced term, one for the quadratic."""

    def __init__(self, program: Checked, monitor: Monitor, seed: int, reach: float) -> None:
        p = self.program = program
        self._monitor = monitor
        n, rows = p.width, p.matrix.shape[0]
        self._priced = {m: n + i for i, m in enumerate(m for m, price in enumerate(p.prices) if price > 0.0)}
        self._square = n + len(self._priced)
        width = self._square + 1
        cost = np.zeros(width)
        cost[:n] = p.cost
        low, high = np.full(width, -np.inf), np.full(width, np.inf)
        box = BOX * max(1.0, reach)
        low[:n], high[:n] = (
            np.maximum(p.lower, np.minimum(-box, p.upper)),
            np.minimum(p.upper, np.maximum(box, p.lower)),
        )
        for m, column in self._priced.items():
            cost[column] = p.prices[m]
            high[column] = p.limits[m]
        low[self._square], cost[self._square] = 0.0, float(p.quadratic is not None)
        high[self._square] = math.inf if p.quadratic is not None else 0.0
        matrix = without_tiny(csr_array(hstack([p.matrix, csr_array((rows, width - n))])))
        self._model = Model(cost, matrix, p.row_lower, p.row_upper, low, high, seed)
        self._rows = rows
        self._cuts: list[Cut] = []
        self._tangents: list[tuple[int, FloatArray]] = []  # place among the cuts, and where it touches

    def add(self, cuts: Sequence[Cut], at: FloatArray) -> None:
        """Add cuts, and the tangent of the quadratic `at` a point (n,)."""
        p = self.program
        new = []
        for m, gradient, constant in cuts:
            column = self._priced.get(m)
            index = np.flatnonzero(np.abs(gradient) > TINY)  # what is left out here stays in the evidence
            value = gradient[index]
            if column is not None:
                index, value = np.append(index, column), np.append(value, -1.0)
            most = (0.0 if column is not None else p.limits[m]) - constant
            new.append((-math.inf, most, index.astype(np.int32), value))
            self._cuts.append((m, gradient, constant))
        if p.quadratic is not None:
            slope = p.quadratic @ at
            index = np.append(np.flatnonzero(np.abs(slope) > TINY), self._square)
            value = np.append(slope[index[:-1]], -1.0)
            self._tangents.append((len(self._cuts), np.array(at)))
            new.append((-math.inf, 0.5 * float(at @ slope), index.astype(np.int32), value))
            self._cuts.append((-1, slope, 0.0))
        self._model.add_rows(new)

    def solve(self) -> tuple[FloatArray, Evidence] | None:
        """The vertex (n,) and its multipliers. None where the cuts and the rows have no point, or HiGHS fails.

        Raises `OutOfTime`.
        """
        self._monitor.check()
        with self._monitor.solving():
            result = self._model.solve(self._monitor.left)
        if result.status is LpStatus.OUT_OF_TIME:
            raise OutOfTime
        if result.status is not LpStatus.OPTIMAL:
            return None
        p, n = self.program, self.program.width
        pi = np.maximum(0.0, -result.row_dual[self._rows :])
        at = np.zeros(n)
        share = sum(pi[i] for i, _ in self._tangents)
        for i, point in self._tangents:
            at += point * (pi[i] / share if share > 0.0 else 1.0 / len(self._tangents))
        held = [i for i, cut in enumerate(self._cuts) if cut[0] >= 0]
        rows = np.array(result.row_dual[: self._rows])
        cuts = [self._cuts[i] for i in held]
        return result.x[:n], combined(len(p.parts), n, cuts, pi[held], rows, at)
