"""Columns of CSV tables beside a case: strict reading, and never a file outside the case's folder."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from ...errors import CapmixError
from .dialects import NAMES, Dialect, Row, rows_of
from .document import read_bytes
from .encoding import EncodingError, text_of
from .faults import CaseError, Fault, show

MAX_FAULTS = 20

Cell = tuple[int, float | None, str]
"""Line, number if it holds one, and text of a cell."""

PERIODS = (
    "period",
    "quarter",
    "month",
    "date",
    "periode",
    "quartal",
    "monat",
    "datum",
    "zeitraum",
    "période",
    "trimestre",
)
"""Headers of the column that names the rows' periods, whatever their case."""


class TableError(CapmixError):
    """A table that cannot be used: what is allowed instead and the cure."""

    def __init__(self, allowed: str, cure: str) -> None:
        super().__init__(allowed, cure)
        self.allowed = allowed
        self.cure = cure


@dataclass(frozen=True)
class CsvTable:
    """A parsed table: header and rows of equal length, each with its line in the file."""

    file: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    dialect: Dialect

    def periods(self, looks_like_one: Callable[[str], bool], apart: str) -> int | None:
        """Index of the column that names the rows' periods, `apart` excepted; None if there is none.

        That is the column with such a name, with nearly such a name, or else the first one if all its cells look like
        periods.
        """
        names = [name.casefold() if name != apart else "" for name in self.header]
        for known in PERIODS:
            if known in names:
                return names.index(known)
        for i, name in enumerate(names):
            if name and difflib.get_close_matches(name, PERIODS, n=1, cutoff=0.8):
                return i
        cells = [row[0] for _, row in self.rows]
        return 0 if names[0] and cells and all(looks_like_one(cell) for cell in cells) else None


class CsvTables:
    """The tables of one case, each read once. `contents` holds their bytes by name, for the case's hash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, CsvTable | CaseError] = {}
        self.contents: dict[str, bytes] = {}

    def get(self, name: str) -> CsvTable:
        """Table `name`, relative to the case's folder.

        TableError if the name leads outside or nowhere; CaseError with every fault of the table's own form.
        """
        if name not in self._read:
            path = self._inside(name)
            try:
                content = read_bytes(path, name)
                self.contents[name] = content
                self._read[name] = _parse(name, content)
            except CaseError as error:
                self._read[name] = error
        table = self._read[name]
        if isinstance(table, CaseError):
            raise table
        return table

    def _inside(self, name: str) -> Path:
        allowed = "a CSV file in the folder of the case"
        pure = PurePosixPath(name)
        if not name.isprintable() or "\\" in name or ":" in name or pure.is_absolute() or ".." in pure.parts:
            raise TableError(
                allowed, 'give a path relative to the case, with /, without "..", e.g. "tables/supply.csv"'
            )
        if pure.suffix.lower() != ".csv":
            raise TableError(allowed, "the name of a table ends in .csv")
        try:
            path = (self._folder / pure).resolve()
            folder = self._folder.resolve()
            inside, exists = path.is_relative_to(folder), path.exists()
        except (OSError, ValueError, RuntimeError):
            raise TableError(allowed, "this name cannot be a file") from None
        if not inside:
            raise TableError(allowed, "the file is a link that leads out of the case's folder; copy it there")
        if not exists:
            raise TableError(allowed, "no such file beside the case")
        return path


def read_column(
    table: CsvTable,
    column: str,
    periods: int | None,
    key: str,
    check_periods: Callable[[list[Row]], list[tuple[int, str, str, str]]],
    looks_like_one: Callable[[str], bool],
) -> list[Cell] | list[Fault]:
    """Cells of one column as (line, number or None, text), or the faults that stand in the way.

    `check_periods` gets the rows' lines with their periods' cells, and returns what is wrong: line, value, allowed and
    cure. `looks_like_one` says whether a text could be a period.
    """
    if column not in table.header:
        near = {name.casefold(): name for name in reversed(table.header)}
        found = difflib.get_close_matches(column.casefold(), list(near), n=1, cutoff=0.6)
        cure = f"did you mean {show(near[found[0]])}?" if found else "check the column's name"
        names = ", ".join(show(h) for h in table.header)
        return [Fault(table.file, 1, key, show(column), f"one of the columns {names}", cure)]
    at = table.periods(looks_like_one, column)
    wrong = [] if at is None else check_periods([(line, (row[at],)) for line, row in table.rows])
    if wrong:
        return [Fault(table.file, line, key, *words) for line, *words in wrong[:MAX_FAULTS]]
    if periods is not None and len(table.rows) != periods:
        line = table.rows[-1][0] if table.rows else 1
        return [
            Fault(table.file, line, key, f"{len(table.rows)} rows", f"{periods} rows, one per period",
                  "give exactly one row per period of the horizon")
        ]  # fmt: skip
    at = table.header.index(column)
    return [(line, table.dialect.number(row[at]), row[at]) for line, row in table.rows]


def _parse(file: str, content: bytes) -> CsvTable:
    def refuse(line: int | None, value: str, allowed: str, cure: str) -> CaseError:
        return CaseError([Fault(file, line, "", value, allowed, cure)])

    try:
        text = text_of(content, "save the table as CSV in UTF-8 (in Excel: CSV UTF-8)")
    except EncodingError as error:
        raise refuse(error.line, "", "plain UTF-8 text", error.cure) from None
    try:
        dialect, rows = rows_of(text)
    except csv.Error as error:
        said, line = error.args
        raise refuse(line, "", "comma-separated values", show(str(said))[1:-1]) from None
    faults: list[Fault] = []
    if not rows:
        raise refuse(None, "", "a header and one row per period", "the table is empty")
    header = tuple(name.strip() for name in rows[0][1])
    if not all(header) or len(set(header)) != len(header):
        raise refuse(1, show(",".join(header)), "a header of different names, none empty", "name each column once")
    for line, row in rows[1:]:
        if len(row) != len(header):
            allowed = f"{len(header)} cells, as in the header, with {NAMES[dialect.separator]} between them"
            faults.append(Fault(file, line, "", f"{len(row)} cells", allowed, _ragged(row, header, dialect)))
    if faults:
        raise CaseError(faults[:MAX_FAULTS])
    return CsvTable(file=file, header=header, rows=tuple(rows[1:]), dialect=dialect)


def _ragged(row: tuple[str, ...], header: tuple[str, ...], dialect: Dialect) -> str:
    """The cure for a row with more or fewer cells than the header."""
    if not any(cell.strip() for cell in row):
        return "take the empty row out"
    other = next((s for s in NAMES if s != dialect.separator and any(s in cell for cell in row)), None)
    if len(row) < len(header) and other is not None and sum(c.count(other) for c in row) >= len(header) - len(row):
        signs = f"the header has {NAMES[dialect.separator]} between its cells, this row {NAMES[other]}"
        return f"{signs}: write the same in both"
    if len(row) < len(header):
        return "a cell is missing: give it, or 0 if there is none"
    digits = [cell.strip().lstrip("+-").isdecimal() for cell in row]
    if dialect.separator == "," and any(a and b for a, b in pairwise(digits)):
        return "if a comma stands before decimals, write a point instead; else take the cell that is too many out"
    mark = NAMES[dialect.separator].removesuffix("s")
    return f"a cell is too many: take it out, or put quotes around a cell that holds a {mark}"
