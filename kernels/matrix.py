"""Scenarios given as matrices: a row per scenario, a column per decision, and the loss tables that read them.

An explicit matrix is the case of one period in which every column is a driver. It is kept as the caller gave it, row
by row, in single or double precision: nothing is copied, and what is computed from it is in double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .store import RowArray, checked_rows
from .tables import MAX_FACTORS, FloatArray, LossKind, LossTable, TermTable

Values = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """Losses linear in the decisions: values @ (scale * x) + offset.

    Attributes:
        values: (S, n) contiguous float32 or float64.
        offset: (S,) float64, or None for 0.
        scale: (n,) what a unit of each decision is of that of its column, or None for 1. Powers of two round nothing.
    """

    values: Values
    offset: FloatArray | None = None
    scale: FloatArray | None = None

    def __post_init__(self) -> None:
        values, offset = self.values, self.offset
        kept = values.dtype in (np.float32, np.float64) and values.flags.c_contiguous
        if values.ndim != 2 or values.size == 0 or not kept:
            raise ValueError(
                f"values must be contiguous floats (scenarios, columns); got {values.dtype} {values.shape}"
            )
        if offset is not None and (offset.shape != values.shape[:1] or offset.dtype != np.float64):
            raise ValueError(f"offset must be float64 of shape {values.shape[:1]}; got {offset.dtype} {offset.shape}")
        if self.scale is not None and self.scale.shape != values.shape[1:]:
            raise ValueError(f"scale must have the shape {values.shape[1:]}; got {self.scale.shape}")

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    def block(self, rows: RowArray, columns: RowArray | None = None) -> FloatArray:
        """(rows, columns) of values * scale in double precision; None: all columns."""
        taken = np.take(self.values, rows, axis=0)
        found = np.asarray(taken if columns is None else np.ascontiguousarray(taken[:, columns]), dtype=np.float64)
        if self.scale is not None:
            found *= self.scale if columns is None else self.scale[columns]
        return found

    @property
    def entries(self) -> int:
        """Length of an exposure: the columns, the offset and the constant 1."""
        return self.width + 2


class ScenarioMatrix:
    """Parts over the same scenarios, or some of their rows, which are gathered when a part is first read."""

    periods = 1

    def __init__(self, parts: Sequence[Part], rows: RowArray | None = None) -> None:
        counts = {part.values.shape[0] for part in parts}
        if len(counts) != 1:
            raise ValueError(f"parts must be over the same scenarios; got {sorted(counts)} rows")
        self._parts = tuple(parts)
        self._rows = rows
        self._gathered: dict[int, Part] = {}
        self.count = int(rows.size) if rows is not None else int(counts.pop())

    @property
    def drivers(self) -> int:
        return sum(part.entries for part in self._parts)

    @property
    def nbytes(self) -> int:
        """Bytes of these rows in all parts."""
        return sum(self.count * part.width * part.values.itemsize for part in self._parts)

    def part(self, m: int) -> Part:
        """Part m, these rows only."""
        if self._rows is None:
            return self._parts[m]
        if m not in self._gathered:
            whole, rows = self._parts[m], self._rows
            offset = None if whole.offset is None else whole.offset[rows]
            self._gathered[m] = Part(whole.values[rows], offset, whole.scale)
        return self._gathered[m]

    def subset(self, rows: ArrayLike) -> ScenarioMatrix:
        """The given rows, in their order."""
        r = self.checked(rows)
        return ScenarioMatrix(self._parts, r if self._rows is None else self._rows[r])

    def checked(self, rows: ArrayLike) -> RowArray:
        """Rows as int64. IndexError if one does not exist, TypeError if they are not whole numbers."""
        return checked_rows(rows, self.count)

    def scenario(self, row: int) -> int:
        """Row of the whole matrix that a row stands for."""
        return row if self._rows is None else int(self._rows[row])

    def read_by(self, table: LossTable) -> int:
        """The part that a loss table reads. ValueError if it is none of `matrix_losses`."""
        first, start = int(table.terms.factors[0, 0]) if table.terms.factors.size else -1, 0
        for m, part in enumerate(self._parts):
            if first == start and table.kind == LossKind.WORST and table.entries == part.entries:
                return m
            start += part.entries
        raise ValueError("the loss table reads no part of these scenarios")


def matrix_losses(widths: Sequence[int]) -> tuple[LossTable, ...]:
    """Per part of so many columns its loss, minus the sum of exposure times value.

    An exposure has width + 2 entries: the columns, the offset and the constant 1.
    """
    tables, first = [], 0
    for width in widths:
        entries = width + 2
        factors = np.full((entries, MAX_FACTORS), -1, dtype=np.int32)
        factors[: entries - 1, 0] = first + np.arange(entries - 1)
        atom = np.arange(entries, dtype=np.int32)
        terms = TermTable(1, factors, atom, np.array([0, entries], dtype=np.int32))
        tables.append(LossTable(LossKind.WORST, terms, np.zeros(1)))
        first += entries
    return tuple(tables)
