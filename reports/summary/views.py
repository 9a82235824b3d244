"""Reading a plan's tables: rows by name, and the numbers of wide tables period by period or year by year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...optimizer.plan import Plan, Table

SHOWN_PERIODS = 24


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


@dataclass(frozen=True)
class Series:
    """A row of a wide table: its text cells, and one number per period."""

    heads: tuple[str, ...]
    values: tuple[float, ...]
    unit: str

    @property
    def total(self) -> float:
        return math.fsum(self.values)


def series(plan: Plan, name: str) -> list[Series]:
    """The rows of a wide table; none if the plan has no such table."""
    table = plan.tables.get(name)
    if table is None:
        return []
    labels = plan.case.horizon.labels
    at = {column.name: i for i, column in enumerate(table.columns)}
    if any(label not in at for label in labels):
        raise ValueError(f"table {name} lacks a column per period")
    places = [at[label] for label in labels]
    heads = [i for i in range(len(table.columns)) if i < min(places)]
    unit = table.columns[places[0]].unit
    return [
        Series(tuple(str(row[i]) for i in heads), tuple(amount(row[i]) for i in places), unit) for row in table.rows
    ]


def has_plan(plan: Plan) -> bool:
    """Whether there is a plan at all: not where there is none, nor where the search was stopped before it found one."""
    return plan.infeasibility is None and math.isfinite(plan.objective_value)


def line(plan: Plan, name: str, first: str) -> tuple[float, ...]:
    """The numbers of the row of a wide table that begins with `first`; zeros if there is none."""
    for row in series(plan, name):
        if row.heads[0] == first:
            return row.values
    return (0.0,) * plan.case.horizon.periods


def records(plan: Plan, name: str) -> list[dict[str, Any]]:
    """The rows of a long table by column name; none if the plan has no such table."""
    table: Table | None = plan.tables.get(name)
    if table is None:
        return []
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def amount(cell: object) -> float:
    """The number in a cell; zero where there is none."""
    return float(cell) if isinstance(cell, (int, float)) and math.isfinite(cell) else 0.0


def numbers(rows: Sequence[dict[str, Any]], *keys: str) -> list[list[float]]:
    """The rows in which every one of the columns holds a number, as lists of those numbers."""
    found = [[row.get(key) for key in keys] for row in rows]
    return [
        [float(c) for c in cells if c is not None]
        for cells in found
        if all(isinstance(c, (int, float)) and math.isfinite(c) for c in cells)
    ]


def titles(entries: Sequence[Any]) -> dict[str, str]:
    """Title of each entry of the case by its id; the id where it has none."""
    return {entry.id: entry.title or entry.id for entry in entries}
