"""The time grid: equal periods of a quarter or a month, and how dates fall on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import fields as f


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """`periods` equal steps from `start`. Period 0 is the one in which the plan is made."""

    start: str = f.text('first period, as "2026Q4" or "2026-10"')
    periods: int = f.count("number of periods planned", "periods", ge=2, le=480)
    step: str = f.choice("length of one period", ("quarter", "month"), default="quarter")

    @property
    def per_year(self) -> int:
        return 4 if self.step == "quarter" else 12

    @property
    def dt(self) -> float:
        """Length of a period in years."""
        return 1.0 / self.per_year

    @property
    def origin(self) -> int:
        """Absolute number of period 0, counted in periods from year 0."""
        return absolute_period(self.start, self.per_year)

    def label(self, t: int) -> str:
        """Name of period `t`, e.g. "2027Q1" or "2027-03"; also outside the horizon."""
        year, part = divmod(self.origin + t, self.per_year)
        return f"{year}Q{part + 1}" if self.step == "quarter" else f"{year}-{part + 1:02d}"

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.label(t) for t in range(self.periods))


def absolute_period(name: str, per_year: int) -> int:
    """Absolute period number of "2027Q1", "2027-03" or an ISO date. ValueError if it is none of these."""
    import datetime
    import re

    if m := re.fullmatch(r"(\d{4})[Qq]([1-4])", name):
        year, first_month = int(m[1]), (int(m[2]) - 1) * 3
        if per_year == 12:
            raise ValueError("a quarter cannot name a monthly period; write it as 2027-03")
    elif m := re.fullmatch(r"(\d{4})-(\d{2})", name):
        year, first_month = int(m[1]), int(m[2]) - 1
        if not 0 <= first_month < 12:
            raise ValueError("the month must lie between 01 and 12")
    else:
        day = datetime.date.fromisoformat(name)
        year, first_month = day.year, day.month - 1
    return year * per_year + first_month * per_year // 12
