"""Conflicts of limits in sentences, with amounts, units and dates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ..plan import LimitConflict, LimitInConflict
from .limits import COVENANT, OPENING_CASH, RATIO, RISK

DIGITS = 4
UNFINISHED = "Not every question about this was answered: time or searches did not suffice."


def outward(amount: float, at_least: bool) -> float:
    """The amount with few digits, rounded to where it is easier to keep."""
    if amount == 0.0 or not math.isfinite(amount):
        return amount
    exact = Decimal(amount)
    step = Decimal(1).scaleb(exact.adjusted() - DIGITS + 1)
    return float(exact.quantize(step, ROUND_FLOOR if at_least else ROUND_CEILING))


def shown(amount: float, unit: str) -> str:
    """An amount with its unit."""
    if unit == RATIO:
        return f"{amount:.4g}x"
    if unit == "fraction":
        return f"{100.0 * amount:.4g} %"
    number = f"{amount:,.0f}" if abs(amount) >= 10_000.0 else f"{amount:.4g}"
    return f"{number} {unit}".rstrip()


def told(conflicts: Sequence[LimitConflict], whole: bool = True) -> str:
    """All conflicts, then what is enough for all of them at once."""
    many = len(conflicts)
    parts = [f"{many} conflicts, each of which must be resolved."] if many > 1 else []
    for number, conflict in enumerate(conflicts, 1):
        said = _single(conflict.limits[0]) if len(conflict.limits) == 1 else _several(conflict)
        parts.append(f"({number}) {said}" if many > 1 else said)
    every = [limit for conflict in conflicts for limit in conflict.limits]
    if len(every) > 1 and all(limit.together is not None for limit in every):
        amounts = _joined([f"{name(limit)} {shown(limit.together or 0.0, limit.unit)}" for limit in every])
        parts.append(f"If all are relaxed at once, these are enough: {amounts}.")
    if not whole:
        parts.append(UNFINISHED)
    return " ".join(parts)


def name(limit: LimitInConflict) -> str:
    """Its title without what stands in brackets."""
    return limit.title.partition(" (")[0]


def when(limit: LimitInConflict) -> str:
    if not limit.first:
        return ""
    return f"in {limit.first}" if limit.first == limit.last else f"from {limit.first} to {limit.last}"


def _asked(limit: LimitInConflict) -> str:
    side = "at least" if limit.at_least else "at most"
    return f"{limit.title} of {side} {shown(limit.asked, limit.unit)}"


def _single(limit: LimitInConflict) -> str:
    if limit.kind == OPENING_CASH and limit.alone is not None:
        there = shown(limit.asked, limit.unit)
        return f"Opening cash of {there} does not suffice: it would have to be {shown(limit.alone, limit.unit)}."
    said = _capital(f"{_asked(limit)} cannot be kept {when(limit)}".rstrip())
    if not limit.asked_alone:
        return f"{said}."
    if limit.alone is None:
        return f"{said}: no other amount is enough{_put_off(limit, ', but it could ')}."
    return f"{said}: it would have to be {_cure(limit)}."


def _cure(limit: LimitInConflict) -> str:
    """The amount with which there is a plan; of a series also by how much that is easier in every period."""
    said = shown(limit.alone or 0.0, limit.unit)
    if limit.varies and limit.move is not None:
        said += (
            f", {shown(outward(limit.move, False), limit.unit)} {'less' if limit.at_least else 'more'} in each period"
        )
    return said + _put_off(limit, ", or ")


def _put_off(limit: LimitInConflict, before: str) -> str:
    if not limit.later:
        return ""
    return f"{before}{'be tested from' if limit.kind == COVENANT else 'be met in'} {limit.later}" + (
        " on" if limit.kind == COVENANT else ""
    )


def _several(conflict: LimitConflict) -> str:
    kinds = {limit.kind for limit in conflict.limits}
    verb = "fight each other" if len(conflict.limits) == 2 and kinds == {RISK, COVENANT} else "cannot be kept together"
    listed = _joined([f"{_asked(limit)} {when(limit)}".rstrip() for limit in conflict.limits])
    cures = [f"{name(limit)} {_cure(limit)}" for limit in conflict.limits if limit.alone is not None]
    said = _capital(f"{listed} {verb}")
    useless = [name(limit) for limit in conflict.limits if limit.alone is None and limit.asked_alone]
    if not cures and not useless:
        return f"{said}."
    if not cures:
        return f"{said}; relaxing one of them alone is not enough, by whatever amount."
    said += f". Enough would be {' or '.join(cures)}, all else as it is"
    if useless:
        said += f"; relaxing {' or '.join(useless)} alone is not enough"
    return f"{said}."


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
