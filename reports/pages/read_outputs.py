"""What a reader sees of a run: figures as they stand in its summary, its page and its workbook."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?%?"


@dataclass(frozen=True)
class Shown:
    """A figure as it is shown, and half of its last digit."""

    value: float
    half: float = 0.0

    def agrees(self, exact: float) -> bool:
        return abs(self.value - exact) <= self.half * (1.0 + 1e-6) + 1e-9 * max(1.0, abs(exact))


def shown(text: str) -> Shown:
    """A figure from its text, such as "1,234.5", "12.3%" or "7.4e-06"; "-" and "·" are nothing. ValueError."""
    bare = text.strip().removesuffix(" bn").replace(",", "")
    if bare in ("-", "·", "–", ""):
        return Shown(0.0, 0.5e-2)
    share = bare.endswith("%")
    bare = bare.removesuffix("%")
    mantissa, _, power = bare.partition("e")
    digits = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(power or 0) - digits) * (0.01 if share else 1.0)
    return Shown(float(bare) * (0.01 if share else 1.0), 0.5 * unit)


def in_text(text: str, pattern: str) -> Shown:
    """The figure that a pattern finds in its first group; NUMBER stands for any. LookupError."""
    found = re.search(pattern.replace("NUMBER", f"({NUMBER})"), text, re.MULTILINE)
    if found is None:
        raise LookupError(f"nothing in the summary is like {pattern!r}")
    return shown(found[1])


@dataclass
class Page(HTMLParser):
    """A report: its facts, each with value and remark, and its tables: rows of cells by caption."""

    text: str
    facts: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._at: list[str] = []
        self._words, self._fact = "", ""
        self._rows: list[list[str]] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag in ("dt", "dd", "caption", "th", "td"):
            self._words = ""
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        words = " ".join(self._words.split())
        if tag == "dt":
            self._fact = words
        elif tag == "dd":
            self.facts.setdefault(self._fact, []).append(words)
        elif tag == "caption":
            self.tables.setdefault(words, self._rows)
        elif tag in ("th", "td"):
            self._rows[-1].append(words)

    def fact(self, name: str, part: int = 0, pattern: str = "NUMBER") -> Shown:
        """The figure of a fact, or one in its remark (part 1). LookupError."""
        return in_text(self.facts[name][part], pattern)

    def table(self, begins: str) -> list[list[str]]:
        """The rows of the one table whose caption begins so, its head first. LookupError."""
        found = [rows for caption, rows in self.tables.items() if caption.startswith(begins)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} tables of the page begin with {begins!r}")
        return found[0]

    def row(self, begins: str, *names: str) -> list[str]:
        """The cells of the row that begins with these. LookupError."""
        for row in self.table(begins):
            if row[: len(names)] == list(names):
                return row
        raise LookupError(f"the table {begins!r} has no row {', '.join(names)!r}")

    def column(self, begins: str, head: str) -> list[str]:
        """The cells below a head that begins so, without the row of totals. LookupError."""
        heads, *rows = self.table(begins)
        places = [i for i, name in enumerate(heads) if name.startswith(head)]
        if not places:
            raise LookupError(f"the table {begins!r} has no column {head!r}")
        return [row[places[0]] for row in rows if row[0] != "total"]


@dataclass(frozen=True)
class Line:
    """A row of a sheet: its total and its last period."""

    total: float | None
    last: float | None


def workbook_lines(content: bytes) -> dict[tuple[str, str, str], Line]:
    """Rows of a workbook by sheet, heading and label: results as they lie in the file beside the formulas."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    strings = [
        "".join(t.text or "" for t in item.iter(f"{MAIN}t"))
        for item in ElementTree.fromstring(parts["xl/sharedStrings.xml"])
    ]
    targets = {r.attrib["Id"]: r.attrib["Target"] for r in ElementTree.fromstring(parts["xl/_rels/workbook.xml.rels"])}
    found: dict[tuple[str, str, str], Line] = {}
    for sheet in ElementTree.fromstring(parts["xl/workbook.xml"]).iter(f"{MAIN}sheet"):
        page = ElementTree.fromstring(parts["xl/" + targets[sheet.attrib[f"{RELATION}id"]]])
        heading = ""
        for row in page.iter(f"{MAIN}row"):
            cells = {re.sub(r"\d", "", c.attrib["r"]): value for c in row if (value := _value(c, strings)) is not None}
            label = cells.pop("A", None)
            if not isinstance(label, str):
                continue
            if not cells:
                heading = label
                continue
            total = cells.get("D")
            periods = [value for at, value in cells.items() if at not in "BCDE" and not isinstance(value, str)]
            line = Line(None if isinstance(total, str) else total, periods[-1] if periods else None)
            found.setdefault((sheet.attrib["name"], heading, label), line)
    return found


def _value(cell: ElementTree.Element, strings: list[str]) -> float | str | None:
    found = cell.find(f"{MAIN}v")
    if found is None or found.text is None:
        return None
    kind = cell.attrib.get("t", "n")
    if kind == "s":
        return strings[int(found.text)]
    return found.text if kind == "str" else float(found.text)
