"""Which rows of a tail are in doubt: those near its border. The rest is in it, or out of it, and needs no variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...kernels.tail import HostTail
from ..arrays import FloatArray

IndexArray = NDArray[np.int64]

SPARE = 64.0  # rows beyond the band, for tails of a few rows


@dataclass(frozen=True, eq=False)
class Split:
    """Positions in a set of rows. near: in doubt. sure: taken to lie in the tail."""

    near: IndexArray
    sure: IndexArray

    def surprises(self, index: IndexArray | None, tail: HostTail, count: int) -> IndexArray:
        """The scenarios that a tail of all `count` shows to have been misplaced: in it but left out, or sure but not.

        index: scenarios of the rows, or None where the rows are all scenarios.
        """
        place = np.zeros(count, dtype=np.int8)
        place[self.near if index is None else index[self.near]] = 1
        place[self.sure if index is None else index[self.sure]] = 2
        inside = np.zeros(count, dtype=np.bool_)
        inside[tail.rows] = True
        return np.flatnonzero((inside & (place == 0)) | (~inside & (place == 2)))


def split_rows(losses: FloatArray, weights: FloatArray, mass: float, band: float, doubtful: IndexArray) -> Split:
    """The rows by their losses at a point.

    Args:
        weights: (r,) of the rows; the tail's sum to `mass`.
        band: the rows from (1 - band) to (1 + band) of the tail's mass are in doubt, and so are those `doubtful`.
    """
    order = np.argsort(-losses)
    heavy = np.cumsum(weights[order])
    sure, near = np.zeros(losses.size, dtype=np.bool_), np.zeros(losses.size, dtype=np.bool_)
    inner = heavy <= (1.0 - band) * mass
    sure[order[inner]] = True
    # by what is before a row: one that outweighs the whole band is in doubt
    near[order[~inner & (heavy - weights[order] < (1.0 + band) * mass + SPARE)]] = True
    near[doubtful], sure[doubtful] = True, False
    return Split(np.flatnonzero(near), np.flatnonzero(sure))


def changed(old: HostTail, new: HostTail) -> float:
    """Share of a tail's rows that another does not have."""
    return 1.0 - float(np.isin(new.rows, old.rows, assume_unique=True).mean())
