"""The tail of a set of losses with exactly the asked mass, and its mean (CVaR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .store import RowArray
from .tables import FloatArray
from .vectors import LossVector, RowVector

_SNAP = 1e-9
_FEW, _SAMPLE = 1 << 15, 4096


R = TypeVar("R", bound=RowVector, covariant=True)
V = TypeVar("V", bound=LossVector, covariant=True)


@dataclass(frozen=True, eq=False)
class Tail(Generic[R, V]):
    """The worst scenarios.

    Attributes:
        rows: (n,) rows in ascending order.
        weights: (n,) their weights; the row at the border has the fraction that makes the sum right.
        var: loss of the row at the border (value at risk).
        cvar: weighted mean of the tail's losses.
    """

    rows: R
    weights: V
    var: float
    cvar: float

    @property
    def mass(self) -> float:
        return float(self.weights.sum())


HostTail: TypeAlias = Tail[RowArray, FloatArray]


def tail_mass(total: float, level: float) -> float:
    """(1 - level) * total, whole where it is whole but for rounding: (1 - 0.95) * 100,000 is 5,000."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1; got {level}")
    mass = total - level * total
    whole = float(round(mass))
    return whole if whole > 0.0 and abs(mass - whole) <= _SNAP * max(whole, 1.0) else mass


def tail(losses: ArrayLike, level: float, weights: ArrayLike | None = None, mass: float | None = None) -> HostTail:
    """The worst rows with weights that sum to (1 - level) times the total weight.

    Args:
        losses: (n,) finite losses.
        level: confidence level, strictly between 0 and 1.
        weights: (n,) weight of each row, not negative; 1 each if left out.
        mass: the tail's mass where it does not follow from these rows: for a subset of the rows, that of all rows. The
            mean of a subset's tail of the same mass never exceeds that of all rows.

    Equal losses at the border enter lowest row first. Rockafellar & Uryasev (2002), doi:10.1016/S0378-4266(02)00271-6.

    Raises:
        ValueError: a loss or weight is not finite, the level is outside (0, 1), or mass exceeds the total weight.
    """
    loss = np.ascontiguousarray(losses, dtype=np.float64)
    if loss.ndim != 1 or loss.size == 0:
        raise ValueError(f"losses must have the shape (scenarios,); got {loss.shape}")
    if not np.isfinite(loss).all():
        raise ValueError(f"loss of row {int(np.flatnonzero(~np.isfinite(loss))[0])} is not finite")
    each = None if weights is None else np.asarray(weights, dtype=np.float64)
    if each is not None and (each.shape != loss.shape or not np.isfinite(each).all() or (each < 0.0).any()):
        raise ValueError(f"weights must be finite, not negative and of shape {loss.shape}; got {each.shape}")
    total = float(loss.size) if each is None else float(each.sum())
    wanted = tail_mass(total, level) if mass is None else float(mass)
    if not 0.0 < wanted <= total * (1.0 + 1e-12):
        raise ValueError(f"the tail's mass must be above 0 and at most the total weight {total:g}; got {wanted:g}")
    rows, share = _equal(loss, wanted) if each is None else _weighted(loss, each, wanted)
    held = loss[rows]
    cvar = float(np.sum(share * held) / np.sum(share))
    return Tail(rows, share, float(held.min()), cvar)


def _equal(loss: FloatArray, mass: float) -> tuple[RowArray, FloatArray]:
    n = min(int(np.ceil(mass)), loss.size)
    border = _largest(loss, n)
    rows = np.flatnonzero(loss >= border)
    at = np.flatnonzero(loss[rows] == border)
    held = n - (rows.size - at.size)
    if held < at.size:
        rows = np.delete(rows, at[held:])
    share = np.ones(n)
    share[at[held - 1]] = mass - (n - 1)
    return rows, share


def _largest(loss: FloatArray, n: int) -> float:
    """The n-th largest loss; of many, sought between two that a sorted sample shows on either side of it."""
    if loss.size <= _FEW:
        return float(np.partition(loss, loss.size - n)[loss.size - n])
    sample = np.sort(loss[:: max(1, loss.size // _SAMPLE)])
    share = n / loss.size
    place = round((1.0 - share) * sample.size)
    around = 8 + int(4.0 * (sample.size * share * (1.0 - share)) ** 0.5)
    low, high = sample[max(place - around, 0)], sample[min(place + around, sample.size - 1)]
    near = loss[(loss >= low) & (loss <= high)]
    from_top = n - int(np.count_nonzero(loss > high))
    if not 1 <= from_top <= near.size:  # the sample misled
        near, from_top = loss, n
    return float(np.partition(near, near.size - from_top)[near.size - from_top])


def _weighted(loss: FloatArray, each: FloatArray, mass: float) -> tuple[RowArray, FloatArray]:
    order = np.argsort(-loss, kind="stable")
    order = order[each[order] > 0.0]
    before = np.concatenate(([0.0], np.cumsum(each[order])[:-1]))
    rows = order[before < mass]
    share = np.minimum(each[rows], mass - before[: rows.size])
    by_row = np.argsort(rows)
    return rows[by_row], share[by_row]
