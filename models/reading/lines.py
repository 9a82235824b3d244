"""Where each key of a TOML text stands: `tomllib` gives values, this index gives their lines."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from ...errors import CapmixError

KeyPath = tuple[str | int, ...]

MAX_DEPTH = 24

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*+"')
_LITERAL = re.compile(r"'[^'\n]*'")
_BASIC_END = re.compile(r'\\.|"{3,5}', re.DOTALL)
_LITERAL_END = re.compile(r"'{3,5}")
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


class TooDeepError(CapmixError, ValueError):
    """Tables or arrays nested deeper than any case needs; `line` says where."""

    def __init__(self, line: int) -> None:
        super().__init__(f"nested deeper than {MAX_DEPTH} levels in line {line}")
        self.line = line


class _NotTomlError(CapmixError):
    pass


class LineIndex:
    """Lines of tables, keys and array elements of a TOML text.

    Text that is not TOML is indexed up to its first mistake: `tomllib` names that one. Raises TooDeepError where
    nesting passes MAX_DEPTH, before any recursive parser sees the text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks = [m.start() for m in re.finditer("\n", text)]
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._entries: dict[KeyPath, int] = {}
        self._first: dict[KeyPath, int] = {}
        self.repeated: list[tuple[KeyPath, int, int]] = []  # path, line of the repetition, line of the first
        try:
            self._document()
        except _NotTomlError:
            pass

    def line(self, path: KeyPath) -> int | None:
        """Line of `path`, or of the nearest table around it; None if neither is in the text."""
        for length in range(len(path), 0, -1):
            if (found := self._lines.get(path[:length])) is not None:
                return found
        return None

    def _here(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self._text, self._at)
        if match is None or match.end() == self._at:
            return False
        self._at = match.end()
        return True

    def _take(self, token: str) -> bool:
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise _NotTomlError

    def _document(self) -> None:
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            line = self._here()
            if self._take("[["):
                array = self._resolve(self._key(), line)
                self._expect("]]")
                index = self._entries.get(array, -1) + 1
                self._entries[array] = index
                table = (*array, index)
                self._lines[table] = line
            elif self._take("["):
                table = self._resolve(self._key(), line)
                self._expect("]")
                self._once(table, line)
                self._lines[table] = line
            else:
                self._pair(table, 0)

    def _resolve(self, parts: tuple[str, ...], line: int) -> KeyPath:
        """Header `a.b.c` as a path: each prefix that is an array of tables stands for its last entry."""
        path: KeyPath = ()
        for i, part in enumerate(parts):
            path = (*path, part)
            self._lines.setdefault(path, line)
            if i + 1 < len(parts) and path in self._entries:
                path = (*path, self._entries[path])
        return path

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            start = self._at
            if self._skip(_BARE):
                parts.append(self._text[start : self._at])
            elif self._skip(_BASIC) or self._skip(_LITERAL):
                try:
                    parts.append(str(tomllib.loads("k = " + self._text[start : self._at])["k"]))
                except tomllib.TOMLDecodeError:
                    raise _NotTomlError from None
            else:
                raise _NotTomlError
            if len(parts) > MAX_DEPTH:
                raise TooDeepError(self._here())
            self._skip(_SPACE)
            if not self._take("."):
                return tuple(parts)

    def _once(self, path: KeyPath, line: int) -> None:
        first = self._first.setdefault(path, line)
        if first != line:
            self.repeated.append((path, line, first))

    def _pair(self, table: KeyPath, depth: int) -> None:
        line = self._here()
        path = table
        for part in self._key():
            path = (*path, part)
            if len(path) > 2 * MAX_DEPTH:
                raise TooDeepError(line)
            self._lines.setdefault(path, line)
        self._once(path, line)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path, line, depth)

    def _value(self, path: KeyPath, line: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise TooDeepError(line)
        if self._take("["):
            self._array(path, line, depth)
        elif self._take("{"):
            self._inline(path, depth)
        elif self._take('"""'):
            self._close(_BASIC_END)
        elif self._take("'''"):
            self._close(_LITERAL_END)
        elif not (self._skip(_BASIC) or self._skip(_LITERAL) or self._skip(_SCALAR)):
            raise _NotTomlError

    def _close(self, end: re.Pattern[str]) -> None:
        while match := end.search(self._text, self._at):
            self._at = match.end()
            if not match.group().startswith("\\"):
                return
        raise _NotTomlError

    def _array(self, path: KeyPath, array_line: int, depth: int) -> None:
        index = 0
        while True:
            self._skip(_BLANK)
            if self._take("]"):
                return
            line = self._here()
            if line != array_line:  # elements on the array's own line are found through their parent
                self._lines[(*path, index)] = line
            self._value((*path, index), line, depth + 1)
            index += 1
            self._skip(_BLANK)
            if not self._take(","):
                self._expect("]")
                return

    def _inline(self, path: KeyPath, depth: int) -> None:
        self._skip(_BLANK)
        if self._take("}"):
            return
        while True:
            self._skip(_BLANK)
            self._pair(path, depth + 1)
            self._skip(_BLANK)
            if not self._take(","):
                self._expect("}")
                return
