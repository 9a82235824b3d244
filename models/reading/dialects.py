"""How a table is written: the sign between its cells, and its decimal sign; each found from the whole file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

POINT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
COMMA = re.compile(r"[+-]?(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_THOUSANDS = {",": re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+", re.ASCII),
              ".": re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+", re.ASCII)}  # fmt: skip
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[ \u00a0\u202f'’][0-9]{3})+(?:[.,][0-9]+)?|"
                      r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+")  # fmt: skip
_BOTH = {",": re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+", re.ASCII),
         ".": re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+", re.ASCII)}  # fmt: skip
_SEP_LINE = re.compile(r"\ufeff?sep=(.)\r?\n", re.IGNORECASE)
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

Row = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class Dialect:
    """Signs of a table: between cells, and before decimals; `unsure` where grouped thousands would look the same."""

    separator: str
    decimal: str = "."
    unsure: bool = False

    @property
    def foreign(self) -> bool:
        """Whether it differs from comma and point."""
        return self.separator != ","

    def __str__(self) -> str:
        point = "decimal commas" if self.decimal == "," else "decimal points"
        return f"{NAMES[self.separator]} between cells, {point}"

    def number(self, text: str) -> float | None:
        """The number that a cell holds; None if it holds none for certain."""
        text = text.strip()
        if not (COMMA if self.decimal == "," else POINT).fullmatch(text):
            return None
        if self.unsure and _THOUSANDS[self.decimal].fullmatch(text):
            return None
        return float(text.replace(",", "."))

    def cure(self, text: str) -> str:
        """What to write instead of a cell that holds no number."""
        shown = text.strip()
        lower = shown.lower()
        if not shown:
            return "the cell is empty: give a number, 0 if none"
        if lower in ("na", "n/a", "#n/a", "nan", "null", "none", "-"):
            return "there is no missing value: give a number"
        if lower.startswith("#"):
            return "the spreadsheet could not compute this cell: give a number"
        plain = "give a plain number"
        if _GROUPED.fullmatch(shown):
            return f"{plain}, without signs between thousands: write {self._plain(shown)}"
        other = "," if self.decimal == "." else "."
        for sign in (self.decimal, other) if self.unsure else (other,):
            if _THOUSANDS[sign].fullmatch(shown):
                whole = re.sub(r"[.,]", "", shown)
                decimal = f"{shown.replace(sign, self.decimal)}0"
                return f"{plain}: write {whole}, or {decimal} if the {sign} stands before decimals"
        if (COMMA if other == "," else POINT).fullmatch(shown):
            mark = "point" if self.decimal == "." else "comma"
            return f"{plain}: this table has a decimal {mark}; write {shown.replace(other, self.decimal)}"
        if shown.endswith("%"):
            value = Dialect(self.separator, self.decimal).number(shown[:-1])
            if value is not None:
                return f"{plain}: write {f'{value / 100:.10g}'.replace('.', self.decimal)}"
        return f"{plain}, e.g. 0{self.decimal}08"

    def _plain(self, shown: str) -> str:
        """A number with grouped thousands, without them."""
        last = max(shown.rfind("."), shown.rfind(","))
        if last < 0:
            return re.sub(r"[^0-9+-]", "", shown)
        return re.sub(r"[^0-9+-]", "", shown[:last]) + self.decimal + shown[last + 1 :]


def rows_of(text: str) -> tuple[Dialect, list[Row]]:
    """The table's signs and its rows with their lines, blank ones at the end and blank columns at the right left out.

    csv.Error, with the line as its second argument, for quotes that do not close.
    """
    first = 1
    separator = ""
    if m := _SEP_LINE.match(text):  # a hint for spreadsheets
        separator, text, first = m[1], text[m.end() :], 2
    if separator not in NAMES:
        separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    rows: list[Row] = []
    try:
        for cells in reader:
            rows.append((reader.line_num + first - 1, tuple(cells)))
    except csv.Error as error:
        raise csv.Error(str(error), reader.line_num + first - 1) from None
    while rows and not any(cell.strip() for cell in rows[-1][1]):
        rows.pop()
    if rows:
        width = len(rows[0][1])
        rows = [(line, _cut(cells, width)) for line, cells in rows]
        while width > 1 and not any(cells[width - 1].strip() for _, cells in rows if len(cells) >= width):
            width -= 1
            rows = [(line, cells[:width] if len(cells) == width + 1 else cells) for line, cells in rows]
    return Dialect(separator, *_decimal(separator, rows)), rows


def _cut(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    """A row without blank cells beyond the header, which spreadsheets leave."""
    return cells[:width] if len(cells) > width and not any(cell.strip() for cell in cells[width:]) else cells


def _separator(text: str) -> str:
    """The first of comma, semicolon, tab and bar in the header that no quotes enclose."""
    quoted = False
    for sign in text.lstrip("\r\n").split("\n", 1)[0]:
        if sign == '"':
            quoted = not quoted
        elif sign in NAMES and not quoted:
            return sign
    return ","


def _decimal(separator: str, rows: list[Row]) -> tuple[str, bool]:
    """Decimal sign of a whole table, and whether it could as well be a sign between thousands."""
    if separator == ",":
        return ".", False
    cells = [cell.strip() for _, row in rows[1:] for cell in row]
    commas = [c for c in cells if ("," in c and COMMA.fullmatch(c)) or _BOTH[","].fullmatch(c)]
    points = [c for c in cells if ("." in c and POINT.fullmatch(c)) or _BOTH["."].fullmatch(c)]
    sign, seen = (",", commas) if commas else (".", points)
    if commas and points:  # 1,5 beside 1.234: what has no other reading decides, and the rest is refused cell by cell
        sign = "," if any(not _THOUSANDS[","].fullmatch(c) for c in commas) else "."
        seen = commas if sign == "," else points
    return sign, bool(seen) and all(_THOUSANDS[sign].fullmatch(c) for c in seen)
