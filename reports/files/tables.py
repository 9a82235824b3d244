"""A table as a file: RFC 4180 CSV that a spreadsheet cannot run, or Parquet.

Numbers are written so that reading them back gives the same bits. A value that is not defined (no number, not
finite) is an empty cell.
"""

from __future__ import annotations

import csv
import io
import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

from ..exits import UsageError

if TYPE_CHECKING:
    from ...optimizer.plan import Cell, Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain(cell: object) -> Cell:
    """A cell as plain Python: str, int, finite float, or None."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Integral):
        return int(cell)
    if isinstance(cell, Real):
        value = float(cell)
        return value if math.isfinite(value) else None
    return str(cell)


def guarded(text: str) -> str:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return "'" + text if text.startswith(_FORMULA) else text


def csv_bytes(table: Table) -> bytes:
    """The table as CSV: UTF-8, CRLF line ends, a header of column names."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([guarded(column.name) for column in table.columns])
    for row in table.rows:
        writer.writerow([_csv_cell(plain(cell)) for cell in row])
    return buffer.getvalue().encode("utf-8")


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    return guarded(cell) if isinstance(cell, str) else repr(cell)


def parquet_bytes(table: Table) -> bytes:
    """The table as Parquet; units stand in the fields' metadata. UsageError without pyarrow."""
    require_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields, arrays = [], []
    for i, column in enumerate(table.columns):
        cells = [plain(row[i]) for row in table.rows]
        kind, values = _typed(cells, column.form)
        data_type = {"text": pa.string(), "count": pa.int64(), "number": pa.float64()}[kind]
        fields.append(pa.field(column.name, data_type, metadata={"unit": column.unit}))
        arrays.append(pa.array(values, type=data_type))
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), buffer)
    return buffer.getvalue()


def _typed(cells: list[Cell], form: str) -> tuple[str, list[Cell]]:
    present = [c for c in cells if c is not None]
    if any(isinstance(c, str) for c in present) or (not present and form == "text"):
        return "text", [c if c is None or isinstance(c, str) else repr(c) for c in cells]
    if present and all(isinstance(c, int) for c in present):
        return "count", cells
    return "number", [None if c is None else float(c) for c in cells]


def require_parquet() -> None:
    """UsageError if Parquet cannot be written here."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise UsageError("--tables parquet needs pyarrow: pip install 'capmix[parquet]', or write --tables csv")
