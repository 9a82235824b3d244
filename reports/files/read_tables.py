"""A table of a run folder read again: its cells as they lie in the file, and as the plan held them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .tables import guarded

if TYPE_CHECKING:
    from ...optimizer.table import Cell, Column, Table


def read_table(name: str, content: bytes) -> tuple[list[str], list[list[Cell]]]:
    """Column names and rows of a table as it is written: CSV as text, Parquet typed. ValueError."""
    if name.endswith(".parquet"):
        return _parquet(name, content)
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is no CSV: {error}") from None
    if not lines or any(len(line) != len(lines[0]) for line in lines):
        raise ValueError(f"{name}: its rows are not all as long as its header")
    return [_unguarded(text) for text in lines[0]], [list(line) for line in lines[1:]]


def _parquet(name: str, content: bytes) -> tuple[list[str], list[list[Cell]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
        columns = [column.to_pylist() for column in table.columns]
    except Exception as error:  # what a garbled file can raise is not documented
        raise ValueError(f"{name} is no Parquet: {error}") from None
    return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]


def number_of(found: Cell) -> float | None:
    """The finite number that a cell of a file holds, if it holds one."""
    try:
        value = float(found) if isinstance(found, str | int | float) else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def as_planned(name: str, content: bytes, index: Mapping[str, Any], periods: Sequence[str]) -> Table:
    """The table of a plan in a file; `index`: its entry in plan.json, `periods`: of the plan.

    Numbers have the bits that they had, in CSV an empty text is "" where it may have been nothing. Held to what
    `optimizer/analysis/declared.py` promises: ValueError, UnknownName for a table, column or row that it does not know,
    one that it misses, or a cell that is not of its column.
    """
    from ...optimizer.table import Column, Table

    columns = tuple(Column(c["name"], c["unit"], c["form"]) for c in index["columns"])
    cells = as_written(name, content, columns)
    if len(cells) != index["rows"]:
        raise ValueError(f"{name}: {len(cells)} rows; plan.json lists {index['rows']}")
    table = Table(index["name"], index["title"], columns, cells)
    return _promised(table, periods)


def as_written(name: str, content: bytes, columns: Sequence[Column]) -> tuple[tuple[Cell, ...], ...]:
    """The rows of a file whose columns are these, typed. ValueError where they are others, or a cell is not of its
    column.
    """
    head, rows = read_table(name, content)
    wanted, typed = [column.name for column in columns], name.endswith(".parquet")
    if head != wanted:
        raise ValueError(f"{name}: its columns are {', '.join(head)}; plan.json lists {', '.join(wanted)}")
    return tuple(
        tuple(_cell(f"{name}, row {i}", cell, column, typed) for cell, column in zip(row, columns, strict=True))
        for i, row in enumerate(rows, 1)
    )


def _promised(table: Table, periods: Sequence[str]) -> Table:
    """The table as it was declared, with the rows that are left out as they are 0."""
    import dataclasses

    from ...optimizer.analysis.declared import shape_of
    from ...optimizer.table import UnknownName

    shape = shape_of(table.name)
    wanted = shape.wanted(periods)
    for column in wanted:
        if column not in shape.sometimes:
            table.place(column)
    if not shape.in_order(table.names, periods):
        raise ValueError(f"{table.name}: its columns are {', '.join(table.names)}, not {', '.join(wanted)}")
    if not shape.labels:
        return table
    labels = [str(row[0]) for row in table.rows]
    for label in labels:
        if not shape.has_row(label):
            raise UnknownName(f"row of {table.name}", label, shape.labels)
    for label in sorted(shape.rows.difference(labels)):
        raise UnknownName(f"row of {table.name}", label, labels)
    return dataclasses.replace(table, left_out=shape.zero.difference(labels))


def _cell(where: str, cell: Cell, column: Column, typed: bool) -> Cell:
    """typed: the file tells nothing from an empty text, and guards no text."""
    if column.form == "text":
        return cell if cell is None or typed else _unguarded(str(cell))
    if cell in ("", None):
        return None
    value = number_of(cell)
    if value is None:
        raise ValueError(f"{where}, {column.name}: {cell!r} where a number must stand")
    whole = isinstance(cell, int) or (isinstance(cell, str) and cell.lstrip("-").isdecimal())
    return int(cell) if whole else value


def _unguarded(text: str) -> str:
    """Text without the apostrophe that keeps a spreadsheet from running it."""
    bare = text.removeprefix("'")
    return bare if guarded(bare) == text else text
