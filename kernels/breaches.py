"""How often flows fall short of their floors, date by date, and by how much at worst. The definition, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .checks import need
from .tables import FloatArray, IntArray, LossKind, LossTable


@dataclass(frozen=True, eq=False)
class Breached:
    """Numbers of scenarios.

    Attributes:
        any: (K,) with a flow below its floor at each date. first: (K,) of which it is the first such date.
    """

    any: NDArray[np.int64]
    first: NDArray[np.int64]

    def __add__(self, other: Breached) -> Breached:
        return Breached(self.any + other.any, self.first + other.first)


def check_dates(table: LossTable, dates: IntArray) -> int:
    """Number of dates K. ValueError unless `dates` gives each period of a WORST table one, and none is left out."""
    need(table.kind == LossKind.WORST, "breaches are of a WORST loss")
    need(
        dates.shape == (table.terms.periods,), f"dates must have the shape ({table.terms.periods},); got {dates.shape}"
    )
    count = int(dates.max()) + 1
    need(np.array_equal(np.unique(dates), np.arange(count)), "dates must be 0, 1, ..., none of them left out")
    return count


def by_date(dates: IntArray) -> tuple[IntArray, IntArray]:
    """Periods in the order of their dates, and (K + 1,) where each date's begin."""
    order = np.argsort(dates, kind="stable").astype(np.int32)
    return order, np.searchsorted(dates[order], np.arange(int(dates.max()) + 2)).astype(np.int32)


def breaches(table: LossTable, dates: IntArray, flows: FloatArray, rounding: float) -> tuple[FloatArray, Breached]:
    """(n,) least flow minus floor of each scenario, and how many are below -rounding.

    dates: (periods,) the date 0 .. K - 1 of each period. flows: (n, periods).
    """
    room = np.full((flows.shape[0], int(dates.max()) + 1), np.inf)
    for j, date in enumerate(dates):
        np.minimum(room[:, date], flows[:, j] - table.floor[j], out=room[:, date])
    below = room < -rounding
    first = below[below.any(axis=1)].argmax(axis=1)
    counts = np.bincount(first, minlength=room.shape[1]).astype(np.int64)
    return np.asarray(room.min(axis=1)), Breached(below.sum(axis=0).astype(np.int64), counts)
