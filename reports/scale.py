"""Money in the unit of the company's size: thousands, millions or billions, the same in the whole summary."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ..optimizer.table import BILLION
from .text import figure, fixed


@dataclass(frozen=True)
class MoneyScale:
    """How amounts in billions are written.

    Attributes:
        unit: as it stands beside a figure: "bn". word: in full: "billion".
        factor: how many of it a billion has. decimals: of every amount.
    """

    unit: str
    word: str
    factor: float
    decimals: int

    def __call__(self, billions: float | None, decimals: int | None = None) -> str:
        """An amount; a dot for nothing, so that a table's zeros do not shout."""
        value = None if billions is None else billions * self.factor
        return fixed(value, self.decimals if decimals is None else decimals)

    def scales(self, unit: str) -> bool:
        """Whether a unit is one of money: "billion", "billion per period"."""
        return unit.partition(" ")[0] == BILLION

    def adding(self, billions: Sequence[float], kept: Collection[int] = ()) -> list[str]:
        """Amounts, rounded so that they add up to their own total as it is written.

        Each to the nearest, but for as few as it takes, which are rounded the other way: those that are nearest to it.
        kept: places of amounts that are told elsewhere too, so rounded otherwise only where the rest is not enough.
        """
        step = 10.0**-self.decimals
        exact = [v * self.factor / step for v in billions]
        whole = [round(v) for v in exact]
        total = f"{math.fsum(billions) * self.factor:.{self.decimals}f}"
        missing = round(float(total) / step) - sum(whole)
        way = 1 if missing > 0 else -1
        order = sorted(range(len(exact)), key=lambda i: (i in kept, way * (whole[i] - exact[i])))
        for i in order[: abs(missing)]:
            whole[i] += way
        return [fixed(v * step, self.decimals) for v in whole]

    def figure(self, value: float | None, unit: str, digits: int = 4) -> str:
        """A figure of this unit ("billion", "billion per period", "MW") in significant digits: money in the scale's."""
        if self.scales(unit) and value is not None:
            value *= self.factor
        return figure(value, digits)

    def named(self, unit: str) -> str:
        """A unit as it stands beside such a figure."""
        return unit.replace(BILLION, self.unit, 1) if self.scales(unit) else unit


BILLIONS = MoneyScale("bn", "billion", 1.0, 2)
MILLIONS = MoneyScale("m", "million", 1e3, 1)
THOUSANDS = MoneyScale("k", "thousand", 1e6, 0)
SCALES = (BILLIONS, MILLIONS, THOUSANDS)
LEAST = 10.0  # billion, or million, from which that is the unit


def scale_for(billions: Iterable[float]) -> MoneyScale:
    """The scale in which the largest of these amounts has two digits or more."""
    size = max((abs(v) for v in billions if math.isfinite(v)), default=0.0)
    if size == 0.0 or size >= LEAST:
        return BILLIONS
    return MILLIONS if size * MILLIONS.factor >= LEAST else THOUSANDS
