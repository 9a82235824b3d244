"""A workbook's file read back by its XML alone: cells with formula and cached value, names, and the parts of a page."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
Value = float | str | bool | None


@dataclass(frozen=True)
class Read:
    """A cell: its formula without the equals sign, None where it has none, and its value."""

    formula: str | None
    value: Value


@dataclass(frozen=True)
class File:
    """Cells by sheet and place, such as "B7"; defined names."""

    sheets: dict[str, dict[str, Read]]
    names: dict[str, str]

    @property
    def formulas(self) -> dict[tuple[str, str], Read]:
        return {(sheet, at): cell for sheet, cells in self.sheets.items() for at, cell in cells.items() if cell.formula}


def read(content: bytes) -> File:
    """The workbook. Fails where a part of it is no XML or is not there."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, part in parts.items():
        if name.endswith((".xml", ".rels", ".vml")):
            ElementTree.fromstring(part)
    strings = [
        "".join(t.text or "" for t in item.iter(f"{MAIN}t"))
        for item in ElementTree.fromstring(parts.get("xl/sharedStrings.xml", b"<sst/>"))
    ]
    book = ElementTree.fromstring(parts["xl/workbook.xml"])
    targets = {r.attrib["Id"]: r.attrib["Target"] for r in ElementTree.fromstring(parts["xl/_rels/workbook.xml.rels"])}
    sheets = {}
    for sheet in book.iter(f"{MAIN}sheet"):
        target = targets[sheet.attrib[f"{RELATION}id"]].removeprefix("/xl/")
        sheets[sheet.attrib["name"]] = dict(_cells(ElementTree.fromstring(parts[f"xl/{target}"]), strings))
    names = {d.attrib["name"]: d.text or "" for d in book.iter(f"{MAIN}definedName")}
    return File(sheets, names)


def _cells(page, strings):
    for cell in page.iter(f"{MAIN}c"):
        formula, found = cell.find(f"{MAIN}f"), cell.find(f"{MAIN}v")
        value: Value = None
        if found is not None and found.text is not None:
            kind = cell.attrib.get("t", "n")
            value = found.text
            if kind == "s":
                value = strings[int(found.text)]
            elif kind == "b":
                value = found.text == "1"
            elif kind == "n":
                value = float(found.text)
        if formula is not None or value is not None:
            yield cell.attrib["r"], Read(None if formula is None else formula.text, value)


def forgotten(content: bytes) -> bytes:
    """The same workbook without the results of its formulas: whoever shows any has computed them."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name.startswith("xl/worksheets/sheet"):
                part = re.sub(rb"</f><v>[^<]*</v>", b"</f>", part)
            new.writestr(name, part)
    return target.getvalue()
