"""Columns of CSV tables beside a case: strict reading, and never a file outside the case's folder."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .document import read_bytes
from .faults import CaseError, Fault, show

MAX_FAULTS = 20

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class TableError(Exception):
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
    rows: tuple[tuple[int, tuple[str, ...]], ...]


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
    check_period: Callable[[int, str], str],
) -> list[tuple[int, float | None, str]] | list[Fault]:
    """Cells of one column as (line, number or None, text), or the faults that stand in the way.

    `check_period` gets row number and text of a column named `period`, and says what is wrong or "".
    """
    if column not in table.header:
        names = ", ".join(show(h) for h in table.header)
        return [Fault(table.file, 1, key, show(column), f"one of the columns {names}", "check the column's name")]
    if periods is not None and len(table.rows) != periods:
        line = table.rows[-1][0] if table.rows else 1
        return [
            Fault(table.file, line, key, f"{len(table.rows)} rows", f"{periods} rows, one per period",
                  "give exactly one row per period of the horizon")
        ]  # fmt: skip
    faults: list[Fault] = []
    if "period" in table.header:
        at = table.header.index("period")
        for i, (line, row) in enumerate(table.rows):
            if wrong := check_period(i, row[at]):
                faults.append(
                    Fault(table.file, line, key, show(row[at]), wrong, "put the rows in the order of the periods")
                )
    if faults:
        return faults[:MAX_FAULTS]
    at = table.header.index(column)
    cells: list[tuple[int, float | None, str]] = []
    for line, row in table.rows:
        text = row[at].strip()
        cells.append((line, float(text) if _NUMBER.fullmatch(text) else None, row[at]))
    return cells


def _parse(file: str, content: bytes) -> CsvTable:
    def refuse(line: int | None, value: str, allowed: str, cure: str) -> CaseError:
        return CaseError([Fault(file, line, "", value, allowed, cure)])

    if content.startswith(b"\xef\xbb\xbf"):
        raise refuse(1, "", "plain UTF-8 text", "the table begins with a byte order mark; save it without")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(line, "", "plain UTF-8 text", "save the table as UTF-8") from None
    if "\0" in text:
        raise refuse(None, "", "plain UTF-8 text", "the table holds zero bytes; save it as UTF-8")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, tuple[str, ...]]] = []
    faults: list[Fault] = []
    try:
        for cells in reader:
            rows.append((reader.line_num, tuple(cells)))
    except csv.Error as error:
        raise refuse(reader.line_num, "", "comma-separated values", show(str(error))[1:-1]) from None
    while rows and not rows[-1][1]:  # blank lines at the end
        rows.pop()
    if not rows:
        raise refuse(None, "", "a header and one row per period", "the table is empty")
    header = tuple(name.strip() for name in rows[0][1])
    if not all(header) or len(set(header)) != len(header):
        raise refuse(1, show(",".join(header)), "a header of different names, none empty", "name each column once")
    for line, row in rows[1:]:
        if len(row) != len(header):
            faults.append(
                Fault(file, line, "", f"{len(row)} cells", f"{len(header)} cells, as in the header",
                      "a cell is missing or too many; a comma inside a cell needs quotes around it")
            )  # fmt: skip
    if faults:
        raise CaseError(faults[:MAX_FAULTS])
    return CsvTable(file=file, header=header, rows=tuple(rows[1:]))
