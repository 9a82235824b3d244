"""Series over the periods for stacked charts: the largest by name, the rest together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...optimizer.table import Column, Table
from ..text import safe
from .theme import MOST, OTHER

Series = Mapping[str, Sequence[float]]


def largest(series: Series, most: int = MOST) -> dict[str, list[float]]:
    """The `most` series with the largest sums of sizes, in the order given, the others summed as `other`."""
    ranked = sorted(series, key=lambda name: -math.fsum(map(abs, series[name])))
    kept = set(ranked if len(ranked) <= most else ranked[: most - 1])
    out = {name: list(series[name]) for name in series if name in kept}
    rest = [series[name] for name in series if name not in kept]
    if rest:
        out[OTHER] = [math.fsum(values) for values in zip(*rest, strict=True)]
    return out


def grouped(rows: Iterable[tuple[str, Sequence[float]]]) -> dict[str, list[float]]:
    """Rows of the same name summed, in the order of their first."""
    out: dict[str, list[float]] = {}
    for name, values in rows:
        known = out.get(name)
        out[name] = list(values) if known is None else [a + b for a, b in zip(known, values, strict=True)]
    return out


def long(series: Series, labels: Sequence[str]) -> list[dict[str, Any]]:
    """A row per series and period for Altair; `order` keeps the series' order in a stack."""
    return [
        {"series": safe(name), "period": label, "amount": value, "order": number}
        for number, (name, values) in enumerate(series.items())
        for label, value in zip(labels, values, strict=True)
    ]


def wide(name: str, title: str, series: Series, labels: Sequence[str], unit: str, form: str, head: str) -> Table:
    """The series as a table with a column per period and, where they add up, their sum as the last row."""
    columns = (Column(head), *(Column(label, unit, form) for label in labels))
    rows: list[tuple[str | float, ...]] = [(key, *values) for key, values in series.items()]
    if form == "money" and len(series) > 1:
        rows.append(("total", *(math.fsum(values) for values in zip(*series.values(), strict=True))))
    return Table(name, title, columns, tuple(rows))
