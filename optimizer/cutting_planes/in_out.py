"""In-out cutting planes on a set of rows: bounds that close from both sides.

Each step solves the master problem (x_out, an upper bound) and goes from an interior point towards it, and towards a
running mean of the vertices so far, which swing about the optimum. Losses are convex, so along a segment they lie
below the straight line between its ends; where the CVaR of that straight line meets the limit, the point is feasible.
Cuts are taken there on the way to the mean, and at x_out; the interior point then moves part of that way.
Ben-Ameur & Neto 2007, Acceleration of cutting-plane and column generation algorithms,
https://doi.org/10.1002/net.20137.

The master holds each limit a little below its amount, by a depth that costs a share of the gap at the limit's price:
cheap limits, which vertices exceed by much for next to nothing, are held far below. The optimum is concave in the
limits, so the prices there bound what the depths have cost, and the bound is that of the limits themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.backend import SealedTail
from ...kernels.vectors import LossVector
from ..arrays import FloatArray
from .master import Infeasible, Master
from .oracle import Rows

MOVE = 0.25  # share of the way to the boundary that the interior point moves
NEWEST = 0.4  # of the last vertex in the running mean of vertices, at least
EXACT = 1e-11  # relative to a limit's scale: no violation
CLOSE = 0.05  # where the boundary is this close, the interior point lies on it: it goes back
BACK = 0.3  # this share of the way to where it started
REFRESH_EVERY = 8  # solves after which the interior point's losses are evaluated anew
STILL = 100  # solves without a narrower gap after which cuts count as exhausted
PURGE_EVERY = 10  # solves after which slack cuts go
NEWTON_STEPS = 30
PULL = 0.6  # how far at least an interior point goes towards the last plan at the start of a round
KEEP_BACK = 3.0  # so many gaps below the last plan's objective it stays at most
SPENT = 0.5  # of the gap: what the depths at which the limits are held may cost by their prices
DEEPEST = 0.1  # such a depth at most, relative to the limit's scale
FADE = 0.7  # of a limit's price from solve to solve, where the new one is lower


@dataclass(frozen=True)
class Inside:
    """A point within the limits, with losses per limit and row that are at least its true ones."""

    x: FloatArray
    losses: tuple[LossVector, ...]


@dataclass(frozen=True)
class InOut:
    """best: (columns,) the best point feasible on the rows. bound: no point is better. inside: the last interior
    point.
    """

    best: FloatArray
    lower: float
    bound: float
    inside: Inside
    converged: bool


def between(start: Inside, end: Inside, share: float) -> Inside:
    """The point at `share` of the way from start to end; its losses are at least the true ones, by convexity."""
    return Inside(
        start.x + share * (end.x - start.x),
        tuple(a + (b - a) * share for a, b in zip(start.losses, end.losses, strict=True)),
    )


@dataclass(frozen=True)
class Crossing:
    """Where the segment leaves a limit: at `share` of the way, with the tail that counts there."""

    limit: int
    share: float
    tail: SealedTail


def crossings(
    rows: Rows, master: Master, start: Sequence[LossVector], end: Sequence[LossVector], tails: Sequence[SealedTail]
) -> list[Crossing]:
    """Per limit that is exceeded at `end`, whose tails are `tails`: the largest share t, as far as Newton's method
    finds it, such that the CVaR of (1-t) start + t end is within the limit; 0 if `start` is not inside.
    """
    found = []
    for m, (inner, outer) in enumerate(zip(start, end, strict=True)):
        limit, exact = master.limits[m], EXACT * master.scales[m]
        if tails[m].cvar <= limit + exact:
            continue
        t, here = 1.0, tails[m]
        for _ in range(NEWTON_STEPS):
            low, high = rows.mean(m, inner, here), rows.mean(m, outer, here)
            if low >= limit or high <= low:
                t = 0.0
                break
            t = min(t, (limit - low) / (high - low))
            here = rows.tail(m, inner + (outer - inner) * t)
            if here.cvar <= limit + exact:
                break
        else:
            t = 0.0
        found.append(Crossing(m, t, here))
    return found


def _leaving(
    rows: Rows, master: Master, start: Inside, end: Inside, tails: Sequence[SealedTail]
) -> tuple[list[Crossing], float]:
    """The crossings of a segment, and the share of it that lies within every limit."""
    found = crossings(rows, master, start.losses, end.losses, tails)
    return found, min((crossing.share for crossing in found), default=1.0)


def pulled(master: Master, rows: Rows, inside: Inside, towards: FloatArray, gap: float) -> Inside:
    """`inside`, moved most of the way to where the segment to the plan `towards` leaves the limits: the nearer, the
    narrower the relative `gap` of that plan.
    """
    losses = rows.losses(master.decisions(towards))
    end = Inside(towards, tuple(losses))
    _, share = _leaving(rows, master, inside, end, rows.tails(losses))
    low, high = master.primary(inside.x), master.primary(towards)
    rise, room = share * (high - low), KEEP_BACK * gap * abs(high)
    pull = PULL if room >= (1.0 - PULL) * rise else 1.0 - room / rise
    return between(inside, end, pull * share)


def in_out(
    master: Master,
    rows: Rows,
    inside: Inside,
    gap: float,
    solves: int,
    tell: Callable[[float], bool | None],
    deep: bool = True,
) -> InOut:
    """Maximise the master's aim over the plans whose CVaR on `rows` is within every limit, to the relative `gap`.

    tell: called with the upper bound after each solve; true where the bound is as low as it has to be. deep: hold
    limits at depths, which make programs fewer and dearer: a search that begins with cuts near its end does without.
    Not converged: `solves` were not enough, or cuts no longer move the bound.
    """
    best, lower = inside.x, master.objective(inside.x)
    begin, mean, bound, narrowest, still = inside, inside, np.inf, np.inf, 0
    gains, depths, most = np.zeros(len(master.limits)), np.zeros(len(master.limits)), DEEPEST
    for step in range(solves):
        if step and deep:
            spare = SPENT * max(0.0, bound - lower) / gains.size
            depths = np.minimum(most, spare / np.maximum(gains, 1e-300))
        master.tighten(depths)
        try:
            point = master.solve()
        except Infeasible:  # no plan lies so deep
            if not depths.any():
                raise
            most, depths = 0.5 * most, np.zeros(depths.size)
            master.tighten(depths)
            point = master.solve()
        gains = np.maximum(FADE * gains, point.gains)
        bound = min(bound, point.bound)
        if tell(bound) or bound - lower <= gap * max(1e-9, abs(lower)):
            return InOut(best, lower, bound, inside, True)
        if bound - lower < 0.99 * narrowest:
            narrowest, still = bound - lower, 0
        elif (still := still + 1) > STILL:
            break
        if (step + 1) % PURGE_EVERY == 0:
            master.purge()
        decisions = master.decisions(point.x)
        losses = rows.losses(decisions)
        tails = rows.tails(losses)
        if step % REFRESH_EVERY == REFRESH_EVERY - 1:
            inside = Inside(inside.x, tuple(rows.losses(master.decisions(inside.x))))
        out = Inside(point.x, tuple(losses))
        mean = between(mean, out, max(NEWEST, 1.0 / (step + 1.0)))
        leave, share = _leaving(rows, master, inside, out, tails)
        exits, t = _leaving(rows, master, inside, mean, rows.tails(mean.losses))
        here = inside.x + t * (mean.x - inside.x)
        for x in (here, inside.x + share * (point.x - inside.x)):
            if (value := master.objective(x)) > lower:
                best, lower = x, value
        kept = {crossing.limit for crossing in leave if crossing.share > 0.5 * (1.0 + share)}
        below = False
        for m, tail in enumerate(tails):
            if tail.cvar > master.limits[m] + (EXACT - depths[m]) * master.scales[m]:
                below = True
                if m not in kept:
                    master.add(rows.cut(m, decisions, tail))
        if not (leave or below or depths.any()):
            return InOut(best, lower, bound, inside, True)
        first = min(exits, key=lambda crossing: crossing.share, default=None)
        if first is not None and first.share > 0.0:
            master.add(rows.cut(first.limit, master.decisions(here), first.tail))
        inside = between(inside, mean, MOVE * t)
        if t < CLOSE:
            inside = between(inside, begin, BACK)
    return InOut(best, lower, bound, inside, False)
