"""Small helpers that make the plan's tables: wide tables with a column per period, and long ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import numpy as np

from ..arrays import FloatArray
from ..table import TOTAL, Cell, Column, Table

NEGLIGIBLE = 1e-9


def clean(values: FloatArray, noise: float = NEGLIGIBLE) -> tuple[float, ...]:
    """Plain floats; what is below `noise` of the largest, or of one, is zero (solver noise, and no -0.0)."""
    scale = max(1.0, float(np.max(np.abs(values), initial=0.0)))
    return tuple(float(v) if abs(v) > noise * scale else 0.0 for v in values)


def rounded_off(value: float, *sizes: float) -> float:
    """The value, or 0 where it is rounding beside numbers of these sizes, as a difference of them may be."""
    return value if abs(value) > NEGLIGIBLE * max(1.0, *map(abs, sizes)) else 0.0


def wide(
    name: str,
    title: str,
    heads: Sequence[str],
    rows: Iterable[tuple[tuple[str, ...], FloatArray]],
    labels: Sequence[str],
    unit: str,
    form: str,
    total: bool = False,
    left_out: Iterable[str] = (),
    noise: float = NEGLIGIBLE,
) -> Table:
    """A table with text columns `heads`, then one column per period; with `total` the sum in the last column.

    left_out: names of rows that are 0 in every period and not among `rows`. noise: as in `clean`.
    """
    columns = [Column(h) for h in heads] + [Column(label, unit, form) for label in labels]
    if total:
        columns.append(Column(TOTAL, unit, form))
    body: list[tuple[Cell, ...]] = []
    for head, values in rows:
        cells: list[Cell] = [*map(str, head), *clean(values, noise)]
        if total:
            cells.append(float(sum(clean(values, noise))))
        body.append(tuple(cells))
    return Table(name, title, tuple(columns), tuple(body), frozenset(left_out))


def long(name: str, title: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table of these rows; a member of an enumeration of names becomes plain text."""
    plain = (tuple(str(cell) if isinstance(cell, StrEnum) else cell for cell in row) for row in rows)
    return Table(name, title, tuple(columns), tuple(plain))


def name_of(entry: object) -> str:
    """The entry's title, or its id where it has none."""
    return str(getattr(entry, "title", "") or getattr(entry, "id", entry))
