"""Where an interior point begins: cold, from a point alone, or on the central path that an earlier one has followed.

The rows of a tail need no memory. At a given x, price and complementarity c, the central path asks of each row that
a lam = u nu = c, u - a = loss - t and lam + nu = theta share. These have one solution, by a quadratic equation, and t
follows from the sum of the lam; so rows that were not there before are as central as all others. Why a warm start
should be taken from the path and not from its end: Yildirim & Wright 2002, https://doi.org/10.1137/S1052623400369235.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..arrays import FloatArray
from .interior_program import TermRows

START = 1e-2  # first slacks, relative to the size of the losses
HALVINGS = 60  # of the interval in which t lies
UNIT = 1e-2  # of a unit of the decisions: amounts whose losses count as a spread
LOOKED_AT = 64  # rows
INNER = 0.1  # of the room that complementarity would leave: a bound is not closer at a warm start


@dataclass(eq=False)
class Term:
    """State of one term. Names as in `interior_point`: u excess over t, a slack of the row, lam and nu their
    multipliers, b slack of the limit, mu its multiplier.
    """

    rows: TermRows
    t: float
    u: FloatArray
    a: FloatArray
    lam: FloatArray
    nu: FloatArray
    b: float
    mu: float
    # of the present iteration
    d: FloatArray = field(default_factory=lambda: np.zeros(0))
    r: FloatArray = field(default_factory=lambda: np.zeros(0))
    e: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def limited(self) -> bool:
        return math.isfinite(self.rows.limit)

    @property
    def theta(self) -> float:
        return self.rows.price + self.mu

    def value(self, x: FloatArray) -> float:
        """C at x and t."""
        return value(self.rows, x, self.t, self.u)


def value(rows: TermRows, x: FloatArray, t: float, u: FloatArray) -> float:
    """C at x, t and the excesses u."""
    return (1.0 - rows.mass) * t + float(rows.linear @ x) + rows.constant + float(rows.share @ u)


def cold(rows: TermRows, x: FloatArray, size: float) -> Term:
    """A term at x with slacks of a share of its losses' spread. size: of the objective's gradient."""
    loss = rows.values @ x + rows.offset
    order = np.argsort(-loss)
    heavy = np.cumsum(rows.share[order])
    t = float(loss[order[min(int(np.searchsorted(heavy, 1.0 - rows.mass)), order.size - 1)]])
    slack = START * max(spread(rows, x), 1e-12 * max(1.0, abs(t)))
    u = np.maximum(loss - t, 0.0) + slack
    limited = math.isfinite(rows.limit)
    mu = size / max(1.0, spread(rows, x)) if limited else 0.0
    theta = rows.price + mu
    lam = theta * rows.share * (1.0 - rows.mass) / float(rows.share.sum())
    return Term(
        rows=rows,
        t=t,
        u=u,
        a=u + t - loss + slack,
        lam=lam,
        nu=theta * rows.share - lam,
        b=max(rows.limit - value(rows, x, t, u), slack) if limited else 1.0,
        mu=mu,
    )


def central(rows: TermRows, x: FloatArray, mu: float, complementarity: float) -> Term:
    """A term whose rows are on the central path at x, `complementarity` and the multiplier `mu` of its limit."""
    loss = rows.values @ x + rows.offset
    theta = rows.price + mu
    most, wanted = theta * rows.share, theta * (1.0 - rows.mass)
    low, high = float(loss.min()), float(loss.max())
    spare = min(wanted, float(most.sum()) - wanted)  # at either end of the interval the sum is wrong by less than this
    wide = 2.0 * complementarity * loss.size / max(spare, 1e-9 * wanted)
    low, high = low - wide, high + wide
    for _ in range(HALVINGS):
        t = 0.5 * (low + high)
        if float(_multipliers(loss - t, most, complementarity)[0].sum()) > wanted:
            low = t
        else:
            high = t
    t = 0.5 * (low + high)
    lam, nu = _multipliers(loss - t, most, complementarity)
    u = complementarity / nu
    limited = math.isfinite(rows.limit)
    room = rows.limit - value(rows, x, t, u) if limited else 1.0
    b = max(room, complementarity / mu) if limited else 1.0
    return Term(rows=rows, t=t, u=u, a=complementarity / lam, lam=lam, nu=nu, b=b, mu=mu)


def _multipliers(excess: FloatArray, most: FloatArray, complementarity: float) -> tuple[FloatArray, FloatArray]:
    """lam, nu > 0 with lam + nu = most and complementarity (1 / nu - 1 / lam) = excess."""
    reach = np.sqrt((2.0 * complementarity) ** 2 + (excess * most) ** 2) + 2.0 * complementarity
    # the smaller one without cancellation: most^2 - z^2 over 2 (most + |z|), with z = lam - nu = excess most^2 / reach
    larger = 0.5 * (most + np.abs(excess) * most**2 / reach)
    smaller = 2.0 * complementarity * most / reach * most / (2.0 * larger)
    above = excess > 0.0
    return np.where(above, larger, smaller), np.where(above, smaller, larger)


def within(x: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """x, moved a little inside its bounds."""
    span = np.where(np.isfinite(upper - lower), upper - lower, 1.0)
    inner = np.minimum(START * np.maximum(1.0, np.abs(x)), 0.25 * span)
    return _clipped(x, lower, upper, inner)


def kept_within(x: FloatArray, lower: FloatArray, upper: FloatArray, room: float) -> FloatArray:
    """x, at least `room` inside its bounds where they leave as much."""
    span = np.where(np.isfinite(upper - lower), upper - lower, np.inf)
    return _clipped(x, lower, upper, np.minimum(room, 0.25 * span))


def _clipped(x: FloatArray, lower: FloatArray, upper: FloatArray, inner: FloatArray) -> FloatArray:
    low = np.where(np.isfinite(lower), lower + inner, -np.inf)
    high = np.where(np.isfinite(upper), upper - inner, np.inf)
    return np.asarray(np.clip(x, np.minimum(low, high), np.maximum(low, high)), dtype=np.float64)


def spread(rows: TermRows, x: FloatArray) -> float:
    """Size of the differences between the losses of the rows, or of what a hundredth of a unit of decisions makes of
    them where that is more: at no decisions at all there may be no losses.
    """
    loss = rows.values @ x + rows.offset
    some = rows.values[:: max(1, rows.values.shape[0] // LOOKED_AT)]
    unit = UNIT * float(np.abs(some).mean(axis=0).max(initial=0.0)) if some.size else 0.0
    return max(float(np.std(loss)) if loss.size else 0.0, unit) + 1e-9 * float(np.abs(loss).max(initial=0.0)) + 1e-300
