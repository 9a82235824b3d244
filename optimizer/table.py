"""A table of the engine: titled rows with named columns. To ask for a name that is not there is an error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..errors import UnknownName as UnknownName

Cell = str | float | int | None

BILLION = "billion"
TOTAL = "total"
"""The last column of a wide table whose periods are summed."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its unit, and `money`, `count`, `share`, `rate` … for formatting."""

    name: str
    unit: str = ""
    form: str = "text"  # text | number | money | count | share | rate

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", str(self.name))  # a member of an enumeration of names becomes plain text


class Record(dict[str, Cell]):
    """A row by column names. `record[name]` raises UnknownName for a column that the table does not have."""

    def __init__(self, table: str, cells: Iterable[tuple[str, Cell]]) -> None:
        super().__init__(cells)
        self.table = table

    def __missing__(self, name: str) -> Cell:
        raise UnknownName(f"column of {self.table}", name, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.table, tuple(self.items()))

    def text(self, name: str) -> str:
        """The cell as text, empty where there is none. UnknownName."""
        cell = self[name]
        return "" if cell is None else str(cell)

    def number(self, name: str) -> float:
        """The finite number in the cell.

        Raises:
            UnknownName: no such column.
            ValueError: the cell holds none.
        """
        return _number(self[name], f"{self.table}, column {name!r}")

    def maybe(self, name: str) -> float | None:
        """The finite number in the cell, None where it is empty. UnknownName, ValueError as `number`."""
        return None if self[name] is None else self.number(name)


@dataclass(frozen=True)
class Table:
    """A titled table with rows as tuples in the order of the columns.

    left_out: names of rows that are 0 in every period and therefore not among the rows; any other name that is no row
    is unknown.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def place(self, column: str) -> int:
        """Where a column stands. UnknownName."""
        try:
            return self.names.index(column)
        except ValueError:
            raise UnknownName(f"column of {self.name}", column, self.names) from None

    def column(self, name: str) -> tuple[Cell, ...]:
        """The cells of a column. UnknownName."""
        at = self.place(name)
        return tuple(row[at] for row in self.rows)

    def records(self) -> list[Record]:
        """The rows by column name."""
        return [Record(self.name, zip(self.names, row, strict=True)) for row in self.rows]

    def row(self, *key: str) -> Record:
        """The row whose first cell is `key`; with several, the row that begins with them.

        Raises:
            UnknownName: there is none.
            ValueError: there is more than one.
        """
        return Record(self.name, zip(self.names, self._row(key), strict=True))

    def series(self, *key: str, over: Sequence[str] | None = None) -> tuple[float, ...]:
        """The numbers of the row that begins with `key`: over the columns `over`, else over all that hold numbers, but
        for a closing total. Zeros for a row that is `left_out`.

        Raises:
            UnknownName: no such row, or no such column.
            ValueError: more than one row, or a cell without a finite number.
        """
        if over is None:
            numeric = [i for i, column in enumerate(self.columns) if column.form != "text"]
            places = [i for i in numeric if not (i == len(self.columns) - 1 and self.columns[i].name == TOTAL)]
        else:
            places = [self.place(name) for name in over]
        if len(key) == 1 and key[0] in self.left_out:
            return (0.0,) * len(places)
        row = self._row(key)
        return tuple(_number(row[i], f"{self.name}, {', '.join(key)}, {self.columns[i].name}") for i in places)

    def to_pandas(self) -> Any:
        """The table as a pandas.DataFrame; units by column in its `attrs["units"]`, the title in `attrs["title"]`.

        ImportError where pandas is not installed.
        """
        try:
            pandas = import_module("pandas")  # no dependency: whoever wants a DataFrame has it
        except ModuleNotFoundError as error:
            raise ImportError("Table.to_pandas() needs pandas: pip install pandas; records() does without") from error
        frame = pandas.DataFrame.from_records(list(self.rows), columns=list(self.names))
        for column in self.columns:
            if column.form not in ("text", "count") and frame[column.name].dtype == object:
                frame[column.name] = frame[column.name].astype("float64")  # an empty column, or one with gaps
        frame.attrs["title"] = self.title
        frame.attrs["units"] = {column.name: column.unit for column in self.columns if column.unit}
        return frame

    def _row(self, key: Sequence[str]) -> tuple[Cell, ...]:
        if not key:
            raise TypeError("give the row's first cell, or more of them")
        wanted = tuple(str(part) for part in key)
        found = [row for row in self.rows if row[: len(wanted)] == wanted]
        if not found:
            known = dict.fromkeys(", ".join(map(str, row[: len(wanted)])) for row in self.rows)
            raise UnknownName(f"row of {self.name}", ", ".join(wanted), known)
        if len(found) > 1:
            raise ValueError(f"{self.name}: {len(found)} rows begin with {', '.join(wanted)!r}; give more of the row")
        return found[0]


class Tables(dict[str, Table]):
    """Tables by name. `tables[name]` raises UnknownName for one that is not there."""

    def __missing__(self, name: str) -> Table:
        raise UnknownName("table", name, self)


def _number(cell: Cell, where: str) -> float:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        raise ValueError(f"{where}: {cell!r} where a number must stand")
    return float(cell)
