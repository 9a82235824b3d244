"""Reading a plan for the summary: numbers period by period or year by year, titles, and words for names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...optimizer.table import BILLION, UnknownName

if TYPE_CHECKING:
    from ...optimizer.plan import Plan
    from ...optimizer.table import Record

SHOWN_PERIODS = 24

T = TypeVar("T")


@dataclass(frozen=True)
class Steps:
    """The columns of a schedule: every period, or years where there are more than 24 periods."""

    labels: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]  # first and last period of each column

    def sums(self, values: Sequence[float]) -> list[float]:
        return [math.fsum(values[a : b + 1]) for a, b in self.spans]

    def ends(self, values: Sequence[Any]) -> list[Any]:
        return [values[b] for _, b in self.spans]


def steps(labels: Sequence[str]) -> Steps:
    if len(labels) <= SHOWN_PERIODS:
        return Steps(tuple(labels), tuple((t, t) for t in range(len(labels))))
    years = list(dict.fromkeys(label[:4] for label in labels))
    spans = []
    for year in years:
        inside = [t for t, label in enumerate(labels) if label[:4] == year]
        spans.append((inside[0], inside[-1]))
    return Steps(tuple(years), tuple(spans))


def has_plan(plan: Plan) -> bool:
    """Whether there is a plan at all: not where there is none, nor where the search was stopped before it found one."""
    return plan.infeasibility is None and math.isfinite(plan.objective_value)


def with_own_limits(plan: Plan) -> bool:
    """Whether the user added limits of his own."""
    return plan.evidence is not None and bool(plan.evidence.own)


def by_period(plan: Plan, table: str, row: str) -> tuple[float, ...]:
    """The numbers of a row of a wide table, one per period.

    UnknownName: no such table, row or period; ValueError: a cell without a number.
    """
    return plan.tables[table].series(row, over=plan.case.horizon.labels)


def numbers(row: Record, labels: Sequence[str]) -> list[float]:
    """The numbers of a row of a wide table over these periods. UnknownName, ValueError as `by_period`."""
    return [row.number(label) for label in labels]


def found(entries: Mapping[str, T], name: str, kind: str) -> T:
    """An entry by its name. UnknownName where there is none; `kind`: what it would be."""
    if name not in entries:
        raise UnknownName(kind, name, entries)
    return entries[name]


def titles(entries: Sequence[Any]) -> dict[str, str]:
    """Title of each entry of the case by its id; the id where it has none."""
    return {entry.id: entry.title or entry.id for entry in entries}


def words(name: str) -> str:
    """A name as text: without underscores."""
    return name.replace("_", " ")


def short_unit(unit: str) -> str:
    """A unit as it stands in a table."""
    return unit.replace(BILLION, "bn").replace(" per ", "/")
