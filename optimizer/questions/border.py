"""The border between multiples of a move with which there is no plan and those with which there is one."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..cutting_planes.least_violation import Violation

REACHED = 1e-9  # of the scales: nothing is missing
STEPS = 40  # searches for one border
FARTHEST = 1e6  # times a limit's size: a move beyond is none
WIDER = 4.0  # from multiple to multiple, until one is enough
STUCK = 2  # halves that moved the same end
PATIENCE = 2  # steps that did not halve the interval
CLOSE = 0.9  # of the width that is narrow: nearest to an end that is looked at, so that the interval may end there


def border(
    at: Callable[[float], Violation], missing: float, most: float, narrow: Callable[[float], float]
) -> tuple[float, float] | None:
    """A multiple with which there is a plan, and one up to which it is proven that there is none.

    None where no multiple is enough.

    By false position with the shares of Anderson & Bjorck (1973, https://doi.org/10.1007/BF01951936), by halves where
    nothing can be measured or that does not get on, and beside the end that halves have not moved. Where the end
    without a plan has moved twice, what it foretells counts: what is missing may jump at the border.

    Args:
        at: what is missing at a multiple, not increasing; below 0 what is to spare, -1 at the least.
        missing: the same at 0, above 0. most: the largest multiple that makes sense. narrow: width of an interval that
            ends at a multiple and needs no narrowing.
    """
    low, proven, high, steps, short = 0.0, 0.0, min(1.0, most), 1, missing
    while (there := at(high)).value > REACHED:
        if high >= most or high > FARTHEST or steps >= STEPS:
            return None
        low, proven, short = high, high if there.bound > 0.0 else proven, there.value
        high, steps = min(WIDER * high, most), steps + 1
    spare, side, same, most_spare, before = there.value, 0, 0, there.value <= -1.0, (0.0, missing)
    widths = [high - low]
    while high - low > (near := narrow(high)) and steps < STEPS:
        measured = math.isfinite(short) and spare < -REACHED and not most_spare
        slow = len(widths) > PATIENCE and widths[-1] > 0.5 * widths[-1 - PATIENCE]
        middle = low + (high - low) * (short / (short - spare) if measured and not slow else 0.5)
        if slow:
            widths = []
        elif measured and side < 0 and same >= STUCK:
            middle = max(middle, _root(before, (low, there.value)))
        elif not measured and same >= STUCK:
            middle, same = (high if side < 0 else low), 0
        middle = min(max(middle, low + CLOSE * near), high - CLOSE * near)
        there, steps, last = at(middle), steps + 1, side
        if there.value > REACHED:
            side = -1
            spare = spare * _share(there.value, short) if side == last else spare
            before = (low, short)
            low, proven, short = middle, middle if there.bound > 0.0 else proven, there.value
        else:
            side = 1
            short = short * _share(there.value, spare) if side == last else short
            high, spare, most_spare = middle, there.value, there.value <= -1.0
        same = same + 1 if side == last else 1
        widths.append(high - low)
    return high, proven


def _share(new: float, old: float) -> float:
    """Of what stands at the other end, where an end has moved twice: Anderson & Bjorck's."""
    share = 1.0 - new / old if math.isfinite(old) and old != 0.0 else 0.5
    return share if share > 0.0 else 0.5


def _root(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Where the line through two points (multiple, missing) is 0; -inf where it does not fall."""
    (x, above), (y, below) = one, other
    return y + below * (y - x) / (above - below) if math.isfinite(above) and above > below else -math.inf
