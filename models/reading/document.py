"""From a name or a path to TOML data: find the file, read it within limits, decode and parse it."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePath
from typing import Any

from .encoding import EncodingError, text_of
from .faults import CaseError, Fault, foreign, show
from .lines import KeyPath, LineIndex, TooDeepError

MAX_BYTES = 16 * 2**20
MAX_KEYS = 100_000  # keys, and brackets of tables and lists
MAX_VALUES = 500_000  # in lists

_NEW = "`capmix new` writes a commented starter case"
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class LiteralFloat(float):
    """A float that remembers how it was written, so that 1e400 is not reported as inf."""

    literal: str

    def __new__(cls, literal: str) -> LiteralFloat:
        made = super().__new__(cls, literal)
        made.literal = literal
        return made


@dataclass(frozen=True)
class Document:
    """A parsed case file. `file` is the name used in faults, `path` where it lies."""

    file: str
    path: Path
    content: bytes
    raw: dict[str, Any]
    lines: LineIndex

    @property
    def name(self) -> str:
        """Name of the file without its folder, which plans are not to depend on."""
        return PurePath(self.file).name


def shipped_cases() -> tuple[str, ...]:
    """Names of the cases that come with the package."""
    return tuple(sorted(path.stem for path in _shipped_folder().glob("*.toml")))


def read_document(name_or_path: str | os.PathLike[str]) -> Document:
    """Read and parse a case file. CaseError if it is missing, unreadable, not UTF-8 or not TOML."""
    path = _find(name_or_path)
    file = path.name if path.parent == _shipped_folder() else _printable(str(path))
    content = read_bytes(path, file)
    _weigh(content, file)
    text = _decode(content, file)
    try:
        lines = LineIndex(text)
    except TooDeepError as error:
        raise _refuse(file, "tables and arrays nested a few levels deep", "flatten it", error.line) from None
    raw = _parse(text, lines, file)
    if not raw:
        raise _refuse(file, "a case", f"the file is empty; {_NEW}")
    return Document(file=file, path=path, content=content, raw=raw, lines=lines)


def read_bytes(path: Path, file: str) -> bytes:
    """Content of a regular file of at most MAX_BYTES. CaseError otherwise."""
    try:
        if not path.is_file():
            raise _refuse(file, "a regular file", "give a file, not a device or a pipe")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it cannot be opened"
        raise _refuse(file, "a readable file", f"{reason}: check its permissions") from None
    if len(content) > MAX_BYTES:
        raise _refuse(file, f"at most {MAX_BYTES // 2**20} MiB", "move long series into tables beside the case")
    return content


_REMARKS = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)


def _weigh(content: bytes, file: str) -> None:
    """Refuse what would take minutes to parse, by counting signs: no case that is written by people comes near."""
    rest = _REMARKS.sub(b"", content)
    for signs, most, what in (
        (b"=", MAX_KEYS, "keys"),
        (b"[", MAX_KEYS, "tables"),
        (b",", MAX_VALUES, "values in lists"),
    ):
        if (count := rest.count(signs)) > most:
            cure = f"it has about {count:,}; move long series into tables beside the case"
            raise _refuse(file, f"at most {most:,} {what}", cure)


def _shipped_folder() -> Path:
    return Path(str(resources.files(f"{__name__.split('.')[0]}.cases")))


def _find(name_or_path: str | os.PathLike[str]) -> Path:
    name = os.fsdecode(name_or_path)
    path = Path(name)
    plain = isinstance(name_or_path, str) and path.name == name and not name.endswith(".toml")
    shipped = shipped_cases()
    if plain and name in shipped:
        return _shipped_folder() / f"{name}.toml"
    try:
        if path.is_dir():
            raise _refuse(show(name), "a TOML file", f"this is a folder; name the file in it. {_offer(name, shipped)}")
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        raise _refuse(show(name), "a file, or the name of a shipped case", f"no such file. {_offer(name, shipped)}")
    return path


def _printable(name: str) -> str:
    return name if name.isprintable() else show(name)


def _offer(name: str, shipped: tuple[str, ...]) -> str:
    if not shipped:
        return _NEW
    near = difflib.get_close_matches(Path(name).name.removesuffix(".toml"), shipped, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}shipped cases: {', '.join(shipped)}; {_NEW}"


def _decode(content: bytes, file: str) -> str:
    try:
        text = text_of(content, "save it as UTF-8")
    except EncodingError as error:
        raise _refuse(file, "plain UTF-8 text", error.cure, error.line) from None
    if not text.strip():
        raise _refuse(file, "a case", f"the file is empty; {_NEW}")
    return text


def _parse(text: str, lines: LineIndex, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=LiteralFloat)
    except RecursionError:
        raise _refuse(file, "tables and arrays nested a few levels deep", "flatten it") from None
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        if lines.repeated:
            raise CaseError([_repeated(file, *found) for found in lines.repeated]) from None
        line = _line(str(error), text)
        odd = _odd_key(text, line)
        raise _refuse(file, "valid TOML", odd or _cure(str(error)), line) from None


def _repeated(file: str, path: KeyPath, line: int, first: int) -> Fault:
    key = ".".join(f"[{part + 1}]" if isinstance(part, int) else part for part in path)
    return Fault(
        file, line, show(key)[1:-1], "", "each key and table once", f"already given in line {first}; keep one of them"
    )


def _line(message: str, text: str) -> int | None:
    if match := _AT_LINE.search(message):
        return int(match[1])
    return text.count("\n") + 1 if "end of document" in message else None


def _odd_key(text: str, line: int | None) -> str:
    """The cure for a key with letters that are none of a to z, which TOML takes in quotes only; "" elsewhere."""
    lines = text.split("\n")
    row = lines[line - 1] if line is not None and line <= len(lines) else ""
    key = re.match(r"\s*\[{0,2}([^\s=\"'#\]]+)", row)
    return foreign(key[1]) if key else ""


def _cure(message: str) -> str:
    said = _AT_LINE.sub("", message).strip()
    if "date or datetime" in said:
        return "there is no such day in the calendar"
    if "digits" in said:
        return "a whole number of thousands of digits; no field takes one"
    if "Cannot" in said or "Duplicate" in said:
        return f"{said}: give each key and table once"
    if "Invalid value" in said:
        return "not a TOML value: text needs quotes, truth is true or false, numbers look like 0.08"
    return f"TOML says: {show(said)[1:-1]}"


def _refuse(file: str, allowed: str, cure: str, line: int | None = None) -> CaseError:
    return CaseError([Fault(file=file, line=line, key="", value="", allowed=allowed, cure=cure)])
