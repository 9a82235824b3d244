"""Money in the unit of the company's size: thousands, millions or billions, the same in the whole summary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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

    def adding(self, billions: Sequence[float]) -> list[str]:
        """Amounts, each rounded up or down so that they add up to their own total as it is written."""
        step = 10.0**-self.decimals
        exact = [v * self.factor / step for v in billions]
        whole = [math.floor(v) for v in exact]
        missing = round(math.fsum(exact)) - sum(whole)
        order = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i])
        for i in order[: max(0, missing)]:
            whole[i] += 1
        return [fixed(v * step, self.decimals) for v in whole]

    def figure(self, value: float | None, unit: str, digits: int = 4) -> str:
        """A figure of this unit in significant digits: in the scale's own where it is money, else as it is."""
        if unit == BILLION and value is not None:
            value *= self.factor
        return figure(value, digits)

    def named(self, unit: str) -> str:
        """A unit as it stands beside such a figure."""
        return self.unit if unit == BILLION else unit


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
