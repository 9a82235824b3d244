"""Tables that drive the kernels: which processes to simulate, which products to form, which loss to take.

Plain frozen arrays. Nothing here knows money or decisions; the engine compiles these tables from a case
and its ledger and hands them over. Index conventions: S scenarios, D drivers, T periods, A atoms
(products of driver values), E entries (an atom paid in a period).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
WordArray = NDArray[np.uint64]

MAX_FACTORS = 4


@dataclass(frozen=True)
class ProcessTable:
    """Drivers to simulate.

    Attributes:
        kind: (D,) `drivers.Process` numbers.
        params: (D, T, P) float64 parameters per driver and period; the meaning of each slot stands beside
            the process in `kernels/drivers.py`.
        start: (D,) values in period 0.
        depends_on: (D,) index of the driver that moves a survival hazard, or that is shown, or -1. It must be
            neither a survival nor a driver that shows another, and stand before the one that shows it.
        cholesky: (D, D) lower-triangular factor of the correlation of the shocks.
        word: (D,) each driver's word in the counter of its draws, all different. It comes from the driver's name, so
            that a driver's draws depend neither on its place nor on the drivers beside it.
        dt: length of a period in years.
    """

    kind: IntArray
    params: FloatArray
    start: FloatArray
    depends_on: IntArray
    cholesky: FloatArray
    word: WordArray
    dt: float

    @property
    def drivers(self) -> int:
        return int(self.kind.shape[0])

    @property
    def periods(self) -> int:
        return int(self.params.shape[1])


@dataclass(frozen=True)
class TermTable:
    """Flows per scenario and period as sums of exposures times products of driver values.

    flow[s, t] = sum over entries e of period t of exposure[e] * product_i x[s, factors[atom[e], i]]

    Attributes:
        periods: T of the flow (1 for losses that are one linear sum).
        factors: (A, MAX_FACTORS) flat positions driver * T_drivers + period, or -1 for an empty slot. A row of
            -1 only is the constant 1.
        atom: (E,) atom of each entry.
        start: (periods + 1,) entries of period t are start[t]:start[t + 1].
    """

    periods: int
    factors: IntArray
    atom: IntArray
    start: IntArray

    @property
    def entries(self) -> int:
        return int(self.atom.shape[0])


class LossKind(IntEnum):
    """How flows become one loss per scenario; the numbers are shared with the CUDA sources."""

    PEAK = 0  # largest shortfall of the running balance under its floor, over the periods
    WORST = 1  # largest of (floor[t] - flow[t]) over the periods; with one period: a linear loss


@dataclass(frozen=True)
class LossTable:
    """One loss: a term table and the rule that turns its flows into a number.

    PEAK: b[-1] = opening; b[t] = b[t-1] * (1 + r[t]) + flow[t] with r[t] the period's surplus rate if b[t-1] >= 0,
    else its deficit rate; loss = max_t (floor[t] - b[t]). Rates per period: dt * (x[rate_driver, t-1] + margin),
    the surplus rate never below 0, the deficit rate never below the surplus rate; at t = 0, and where
    rate_driver is -1, the driver counts as x[rate_driver, 0] resp. 0. Because deficit rate >= surplus rate, b is
    concave and the loss convex in the exposures.

    With `revolver` (PEAK only) a committed line C[t] stands behind the balance: the exposure has `periods` more
    numbers, C[0], C[1], ..., none negative, after those of the terms. With C[-1] = 0 and y = max(-b[t-1], 0), a deficit
    costs rev[t] min(y, C[t-1]) + deficit[t] max(y - C[t-1], 0) instead of deficit[t] y, and only what the line does not
    cover is a loss: max_t (floor[t] - C[t] - b[t]). rev[t] = dt (x[rate_driver, t-1] + revolver_margin), never below
    the surplus rate, and the deficit rate is never below it. So b stays concave, now in exposures and line together:
    the cost is max(rev y, rev C + deficit (y - C)) for y > 0.

    With `others` (PEAK only) several balances stand side by side, of as many periods each: the first `span` periods are
    those of the first, which begins with `opening`, the next those of the second, and so on. Each is carried alone, and
    the loss is the largest shortfall of any of them, so it stays convex. Period t of each sees the rate of period t.

    WORST: loss = max_t (floor[t] - flow[t]).
    """

    kind: LossKind
    terms: TermTable
    floor: FloatArray
    opening: float = 0.0
    rate_driver: int = -1
    surplus_margin: float = 0.0
    deficit_margin: float = 0.0
    dt: float = 0.0
    revolver: bool = False
    revolver_margin: float = 0.0
    others: tuple[float, ...] = ()

    @property
    def span(self) -> int:
        """Periods of each balance."""
        return self.terms.periods // (1 + len(self.others))

    @property
    def within(self) -> NDArray[np.int64]:
        """(periods,) the period of each number of the flow within its balance."""
        return np.arange(self.terms.periods, dtype=np.int64) % self.span

    @property
    def entries(self) -> int:
        """Length of an exposure: E, and one line per period with a revolver."""
        return self.terms.entries + (self.terms.periods if self.revolver else 0)

    def least(self, exposure: FloatArray) -> FloatArray:
        """(periods,) the balance or flow below which a loss begins: the floor, less the revolver's line."""
        return self.floor - exposure[self.terms.entries :] if self.revolver else self.floor
