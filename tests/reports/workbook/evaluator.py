"""A spreadsheet's formulas computed from their text alone: what stands in the cells between says nothing here.

Small on purpose: it knows the few functions that the workbook uses, and refuses any other. It shares no code with the
workbook's own terms, and LibreOffice confirms it where that is installed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from .xlsx import File, Value

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:E[+-]?\d+)?)|(?P<text>"(?:[^"]|"")*")
    |(?P<call>[A-Z]+)\((?=.)|(?P<cell>(?:[A-Za-z_]+!)?\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)
    |(?P<name>[A-Za-z_]+)|(?P<sign><>|<=|>=|[-+*/^<>=(),&]))""",
    re.VERBOSE,
)
ORDER = ({"=", "<>", "<", ">", "<=", ">="}, {"&"}, {"+", "-"}, {"*", "/"}, {"^"})


class Fault(Exception):
    """An error value, such as #DIV/0!."""


class Evaluator:
    """Every cell of a workbook, computed."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.known: dict[tuple[str, str], Value] = {}

    def cell(self, sheet: str, at: str) -> Value:
        """The value of a cell; None of one in which nothing stands."""
        key = (sheet, at)
        if key not in self.known:
            found = self.file.sheets[sheet].get(at)
            formula = None if found is None else found.formula
            self.known[key] = found and found.value if formula is None else self.formula(formula, sheet)
        return self.known[key]

    def formula(self, text: str, sheet: str) -> Value:
        parser = _Parser(text, sheet, self)
        value = parser.operation(0)()
        parser.end()
        if isinstance(value, list):
            raise Fault("a range where one value must stand")
        return 0.0 if value is None else value

    def area(self, text: str, home: str) -> list[Value] | Value:
        sheet, _, places = text.rpartition("!")
        sheet = sheet or home
        first, _, last = places.replace("$", "").partition(":")
        if not last:
            return self.cell(sheet, first)
        return [self.cell(sheet, at) for at in _between(first, last)]


def _between(first: str, last: str) -> Iterator[str]:
    (a, i), (b, j) = (re.fullmatch(r"([A-Z]+)(\d+)", corner).groups() for corner in (first, last))  # type: ignore[union-attr]
    for row in range(int(i), int(j) + 1):
        for column in range(_number(a), _number(b) + 1):
            yield f"{_letters(column)}{row}"


def _number(letters: str) -> int:
    return sum((ord(c) - 64) * 26**k for k, c in enumerate(reversed(letters)))


def _letters(number: int) -> str:
    return _letters((number - 1) // 26) + chr(65 + (number - 1) % 26) if number else ""


class _Parser:
    def __init__(self, text: str, sheet: str, book: Evaluator) -> None:
        self.text, self.sheet, self.book, self.at = text, sheet, book, 0

    def peek(self) -> re.Match[str] | None:
        return TOKEN.match(self.text, self.at)

    def take(self) -> re.Match[str]:
        found = self.peek()
        if found is None:
            raise SyntaxError(f"{self.text!r} at {self.at}")
        self.at = found.end()
        return found

    def end(self) -> None:
        if self.text[self.at :].strip():
            raise SyntaxError(f"{self.text!r} goes on at {self.at}")

    def operation(self, level: int) -> Callable[[], object]:
        if level == len(ORDER):
            return self.single()
        left = self.operation(level + 1)
        while (found := self.peek()) is not None and found["sign"] in ORDER[level]:
            self.take()
            left = _applied(found["sign"], left, self.operation(level + 1))
        return left

    def single(self) -> Callable[[], object]:
        found = self.take()
        if found["number"]:
            return lambda: float(found["number"])
        if found["text"]:
            return lambda: found["text"][1:-1].replace('""', '"')
        if found["cell"]:
            return lambda: self.book.area(found["cell"], self.sheet)
        if found["name"]:
            return lambda: self.book.area(self.book.file.names[found["name"]], self.sheet)
        if found["call"]:
            return self.call(found["call"])
        if found["sign"] == "-":
            inner = self.single()
            return lambda: -_amount(inner())
        if found["sign"] == "(":
            inner = self.operation(0)
            assert self.take()["sign"] == ")"
            return inner
        raise SyntaxError(f"{self.text!r}: {found[0]!r}")

    def call(self, name: str) -> Callable[[], object]:
        arguments = [self.operation(0)]
        while (sign := self.take()["sign"]) == ",":
            arguments.append(self.operation(0))
        assert sign == ")", self.text
        return lambda: FUNCTIONS[name](*arguments)


def _applied(sign: str, left: Callable[[], object], right: Callable[[], object]) -> Callable[[], object]:
    def result() -> object:
        a, b = left(), right()
        if sign == "&":
            return f"{a}{b}"
        if isinstance(a, str) and isinstance(b, str) and sign == "=":
            return a == b
        x, y = _amount(a), _amount(b)
        if sign == "/" and y == 0.0:
            raise Fault("#DIV/0!")
        return {
            "+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y, "^": lambda: x**y,
            "=": lambda: x == y,
            "<>": lambda: x != y, "<": lambda: x < y, ">": lambda: x > y, "<=": lambda: x <= y, ">=": lambda: x >= y,
        }[sign]()  # fmt: skip

    return result


def _amount(value: object) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    raise Fault(f"#VALUE! {value!r}")


def _numbers(arguments: tuple[Callable[[], object], ...]) -> list[float]:
    """Text and empty cells of a range are passed over, as spreadsheets do."""
    found: list[float] = []
    for argument in arguments:
        value = argument()
        if isinstance(value, list):
            found += [float(v) for v in value if isinstance(v, int | float)]
        elif value is not None:
            found.append(_amount(value))
    return found


def _if(condition, then, otherwise):
    return then() if _amount(condition()) else otherwise()


def _if_error(value, otherwise):
    try:
        return value()
    except Fault:
        return otherwise()


def _sum_if(keys, key, values):
    wanted = key()
    return math.fsum(_amount(v) for k, v in zip(keys(), values(), strict=True) if k == wanted)


FUNCTIONS: dict[str, Callable[..., object]] = {
    "SUM": lambda *a: math.fsum(_numbers(a)),
    "MAX": lambda *a: max(_numbers(a), default=0.0),
    "MIN": lambda *a: min(_numbers(a), default=0.0),
    "ABS": lambda a: abs(_amount(a())),
    "IF": _if,
    "IFERROR": _if_error,
    "SUMIF": _sum_if,
}


def differing(file: File, values: Callable[[str, str], Value], relative: float = 1e-9) -> list[str]:
    """Formulas whose cached value is not what `values` computes, relative to its size or 1e-3 of the unit."""
    found = []
    for (sheet, at), cell in file.formulas.items():
        try:
            computed = values(sheet, at)
        except Fault as fault:
            computed = str(fault)
        if isinstance(computed, bool):
            computed = float(computed)
        same = computed == cell.value
        if isinstance(computed, int | float) and isinstance(cell.value, int | float):
            same = abs(computed - cell.value) <= relative * max(1e-3, abs(computed), abs(cell.value))
        if not same:
            found.append(f"{sheet}!{at}: {cell.value!r} is written, {computed!r} computed from {cell.formula}")
    return found
