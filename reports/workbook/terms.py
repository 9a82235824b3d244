"""Formulas that know their value: the text that goes into a cell, and what is shown where nothing recalculates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_ARGUMENTS = 200
"""Of a function; spreadsheets take 255."""

_COMPARED, _SUM, _PRODUCT, _POWER, _ATOM = range(5)


def letters(column: int) -> str:
    """Name of a column counted from 0: A, B … Z, AA."""
    name, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


@dataclass(frozen=True)
class Spot:
    """A cell, or with `to` the range up to it; row and column are counted from 0. fixed: written $A$1."""

    sheet: str
    row: int
    column: int
    fixed: bool = False
    to: tuple[int, int] | None = None

    def seen_from(self, sheet: str) -> str:
        """How a formula on a sheet names it."""
        text = self._corner(self.row, self.column)
        if self.to is not None:
            text += f":{self._corner(*self.to)}"
        return text if sheet == self.sheet else f"{self.sheet}!{text}"

    def _corner(self, row: int, column: int) -> str:
        return f"${letters(column)}${row + 1}" if self.fixed else f"{letters(column)}{row + 1}"


@dataclass(frozen=True)
class Term:
    """A part of a formula, or all of it, with the value that it has."""

    parts: tuple[str | Spot, ...]
    value: float | str
    binding: int = _ATOM

    def seen_from(self, sheet: str) -> str:
        """The formula as it is written on a sheet, without the equals sign."""
        return "".join(part if isinstance(part, str) else part.seen_from(sheet) for part in self.parts)

    @property
    def number(self) -> float:
        """Its value. TypeError where that is text."""
        if isinstance(self.value, str):
            raise TypeError(f"{self.value!r} is no number")
        return self.value

    def __add__(self, other: Term) -> Term:
        return _joined(self, "+", other, _SUM, self.number + other.number)

    def __sub__(self, other: Term) -> Term:
        return _joined(self, "-", other, _SUM, self.number - other.number)

    def __mul__(self, other: Term) -> Term:
        return _joined(self, "*", other, _PRODUCT, self.number * other.number)

    def __truediv__(self, other: Term) -> Term:
        return _joined(self, "/", other, _PRODUCT, self.number / other.number)

    def __pow__(self, other: Term) -> Term:
        return Term((*_within(self, _ATOM), "^", *_within(other, _ATOM)), self.number**other.number, _POWER)

    def __neg__(self) -> Term:
        return Term(("-", *_within(self, _PRODUCT + 1)), -self.number, _SUM)


@dataclass(frozen=True)
class Cell(Term):
    """A cell that is there, as a term."""

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        spot = self.parts[0]
        assert isinstance(spot, Spot)
        return spot

    def fixed(self) -> Term:
        """The cell with both dollar signs: a constant that every column of a row refers to."""
        spot = self.spot
        return Term((Spot(spot.sheet, spot.row, spot.column, fixed=True),), self.value)


def cell(sheet: str, row: int, column: int, value: float | str) -> Cell:
    """The cell at a place, with what stands in it."""
    return Cell((Spot(sheet, row, column),), value)


def named(name: str, value: float) -> Term:
    """A defined name."""
    return Term((name,), value)


ZERO, ONE = Term(("0",), 0.0), Term(("1",), 1.0)


def _within(term: Term, least: int) -> tuple[str | Spot, ...]:
    return term.parts if term.binding >= least else ("(", *term.parts, ")")


def _joined(left: Term, sign: str, right: Term, binding: int, value: float) -> Term:
    strict = binding + 1 if sign in ("-", "/") else binding
    return Term((*_within(left, binding), sign, *_within(right, strict)), value, binding)


def _called(function: str, arguments: Sequence[Term], value: float | str) -> Term:
    parts: list[str | Spot] = [f"{function}("]
    for i, argument in enumerate(arguments):
        parts += [*([","] if i else []), *argument.parts]
    return Term((*parts, ")"), value)


def _spans(cells: Sequence[Cell]) -> list[Term]:
    """The cells as ranges: those that stand in one row or one column side by side are one."""
    found: list[Term] = []
    at = 0
    while at < len(cells):
        end = at
        for step in ((1, 0), (0, 1)):
            last = at
            while last + 1 < len(cells) and _follows(cells[last].spot, cells[last + 1].spot, step):
                last += 1
            end = max(end, last)
        first, final = cells[at].spot, cells[end].spot
        to = None if at == end else (final.row, final.column)
        found.append(Term((Spot(first.sheet, first.row, first.column, to=to),), 0.0))
        at = end + 1
    return found


def _follows(one: Spot, other: Spot, step: tuple[int, int]) -> bool:
    return one.sheet == other.sheet and (other.row - one.row, other.column - one.column) == step


def _over(function: str, cells: Sequence[Cell], value: float) -> Term:
    arguments = _spans(cells)
    while len(arguments) > MOST_ARGUMENTS:
        arguments = [
            _called(function, arguments[i : i + MOST_ARGUMENTS], 0.0) for i in range(0, len(arguments), MOST_ARGUMENTS)
        ]
    return _called(function, arguments, value)


def total(cells: Sequence[Cell]) -> Term:
    """SUM; 0 of none."""
    return _over("SUM", cells, math.fsum(c.number for c in cells)) if cells else ZERO


def greatest(cells: Sequence[Cell]) -> Term:
    """MAX over cells, of which there must be one."""
    return _over("MAX", cells, max(c.number for c in cells))


def least(cells: Sequence[Cell]) -> Term:
    """MIN over cells, of which there must be one."""
    return _over("MIN", cells, min(c.number for c in cells))


def total_where(keys: Sequence[Cell], key: Cell, values: Sequence[Cell]) -> Term:
    """SUMIF: the sum of the values whose keys are the key; keys and values stand in rows of their own."""
    ranges = [_row(keys), key, _row(values)]
    found = math.fsum(v.number for k, v in zip(keys, values, strict=True) if k.value == key.value)
    return _called("SUMIF", ranges, found)


def _row(cells: Sequence[Cell]) -> Term:
    first, last = cells[0].spot, cells[-1].spot
    return Term((Spot(first.sheet, first.row, first.column, fixed=True, to=(last.row, last.column)),), 0.0)


def larger(*terms: Term) -> Term:
    """MAX of terms."""
    return _called("MAX", terms, max(t.number for t in terms))


def smaller(*terms: Term) -> Term:
    """MIN of terms."""
    return _called("MIN", terms, min(t.number for t in terms))


def size(term: Term) -> Term:
    """ABS."""
    return _called("ABS", (term,), abs(term.number))


def where(condition: Term, then: Term, otherwise: Term) -> Term:
    """IF."""
    return _called("IF", (condition, then, otherwise), then.value if condition.number else otherwise.value)


def above(left: Term, right: Term) -> Term:
    """Whether left > right."""
    return _joined(left, ">", right, _COMPARED, float(left.number > right.number))


def equal(left: Term, right: Term) -> Term:
    """Whether left = right."""
    return _joined(left, "=", right, _COMPARED, float(left.value == right.value))


def ratio(part: Term, whole: Term) -> Term:
    """part / whole, 0 where there is nothing to be a part of."""
    value = 0.0 if whole.number == 0.0 else part.number / whole.number
    divided = Term((*_within(part, _PRODUCT), "/", *_within(whole, _ATOM)), value, _PRODUCT)
    return where(equal(whole, ZERO), ZERO, divided)


def flag(condition: Term) -> Term:
    """1 where the condition holds or cannot be told, else 0."""
    return _called("IFERROR", (where(condition, ONE, ZERO), ONE), float(bool(condition.number)))


def words(text: str) -> Term:
    """A text within a formula, of capmix's own words."""
    doubled = text.replace('"', '""')
    return Term((f'"{doubled}"',), text)
