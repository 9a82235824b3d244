"""What every step of reading shares: the raw data, the faults found so far, the horizon and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any, Final

from ...errors import CapmixError
from ..schema.doubts import CaseWarning
from ..schema.horizon import Horizon
from .csvtables import CsvTables
from .document import Document
from .faults import Fault, show
from .lines import KeyPath

MAX_FAULTS = 2000

_LABELS = ("id", "investor", "kind", "accelerator")


class SkipError(CapmixError):
    """A check needs a value that is itself at fault: leave it until that one is cured."""


class _Bad:
    def __repr__(self) -> str:
        return "(at fault)"


BAD: Final = _Bad()


@dataclass
class Node:
    """A table of the case on its way to its dataclass: the values read, BAD where one is at fault."""

    cls: type
    path: KeyPath
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Value of a field. SkipError if it is at fault or holds an entry that is."""
        value = self.values[name]
        if value is BAD:
            raise SkipError
        return value

    def build(self) -> Any:
        """The dataclass, with its sub-tables. To be called when there are no faults."""
        return self.cls(**{name + "_" * iskeyword(name): _built(value) for name, value in self.values.items()})

    def walk(self) -> Iterator[Node]:
        """This table and all tables under it."""
        yield self
        for value in self.values.values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Node):
                    yield from item.walk()


def _built(value: Any) -> Any:
    if isinstance(value, Node):
        return value.build()
    if isinstance(value, tuple) and value and isinstance(value[0], Node):
        return tuple(item.build() for item in value)
    return value


@dataclass
class Context:
    """State of one reading.

    Attributes:
        names: for each table that can be referred to, its ids in the order of the file, also of entries at fault.
        nodes: entries that could be read, by table and id.
        varied: whether it is a variant of a case that was sound; what a variant takes away may leave a rule nothing.
        warnings: what is allowed but hardly meant, one per place. cells: file and line of a series' values by its path,
            where they come from a table. remarks: how tables were read that needed interpreting.
        written: former names of keys, as the file has them, by path with the present one.
        currency: of the case, where the document does not hold it, as of a variant.
        case: the whole case, set by the walk.
        horizon: None while unread or where it is at fault; then lengths and dates are not judged.
    """

    document: Document
    tables: CsvTables
    faults: list[Fault] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)
    nodes: dict[str, dict[str, Node]] = field(default_factory=dict)
    horizon: Horizon | None = None
    varied: bool = False
    warnings: dict[KeyPath, CaseWarning] = field(default_factory=dict)
    cells: dict[KeyPath, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    written: dict[KeyPath, str] = field(default_factory=dict)
    currency: str = ""
    case: Node = field(init=False)

    def fault(
        self,
        path: KeyPath,
        value: Any,
        allowed: str,
        cure: str = "",
        *,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        """Record a fault at `path`, in the case's file or at the given line of a table beside it."""
        if len(self.faults) >= MAX_FAULTS:
            return
        if file is None:
            file, line = self.document.file, self.document.lines.line(self._as_written(path))
        self.faults.append(Fault(file, line, self.key(path), show(value), allowed, cure))

    def warn(self, path: KeyPath, value: Any, usual: str, cure: str = "", *, item: int | None = None) -> None:
        """Record that the value at `path` is hardly meant; the first doubt about a place stays.

        `item` is the number of the value in a series: where that comes from a table, the doubt names its cell.
        """
        if len(self.warnings) >= MAX_FAULTS or path in self.warnings:
            return
        file, line = self.document.name, self.document.lines.line(self._as_written(path))
        if item is not None and path in self.cells:
            file, lines = self.cells[path]
            line = lines[item]
        self.warnings[path] = CaseWarning(file, line, self.key(path), show(value), usual, cure)

    def remark(self, words: str) -> None:
        """Say once how something was read that needed interpreting."""
        if words not in self.remarks:
            self.remarks.append(words)

    def key(self, path: KeyPath) -> str:
        """Dotted path; entries of arrays are counted from 1 and carry their id."""
        parts: list[str] = []
        raw: Any = self.document.raw
        for part in self._as_written(path):
            try:
                raw = raw[part] if raw is not None else None
            except (KeyError, IndexError, TypeError):
                raw = None
            if isinstance(part, str):
                shown = part if part.isascii() and part.replace("-", "_").isidentifier() else show(part)
                parts.append(("." if parts else "") + shown)
            else:
                parts.append(f"[{part + 1}]{_label(raw)}")
        return "".join(parts)

    def _as_written(self, path: KeyPath) -> KeyPath:
        """The path with former names of keys where the file has them."""
        if not self.written:
            return path
        return tuple(self.written.get(path[: i + 1], part) for i, part in enumerate(path))

    def periods(self) -> int:
        """T. SkipError while the horizon is at fault."""
        return self.time().periods

    def time(self) -> Horizon:
        """The horizon. SkipError while it is at fault."""
        if self.horizon is None:
            raise SkipError
        return self.horizon

    def entry(self, table: str, name: str) -> Node:
        """The entry `name` of `table`. SkipError if it does not exist or is at fault; that is reported elsewhere."""
        try:
            return self.nodes[table][name]
        except KeyError:
            raise SkipError from None


def _label(raw: Any) -> str:
    if isinstance(raw, Mapping):
        for name in _LABELS:
            if isinstance(raw.get(name), str):
                return f" {show(raw[name])}"
    return ""
