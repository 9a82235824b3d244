"""Linear rows as a user writes them: sums of amounts, and comparisons of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import NoReturn

from ..errors import CapmixError

SHOWN = 12  # terms of a sum in a message
_NAME = re.compile(r"[^\[\]]{1,80}")


class OwnLimitError(CapmixError, ValueError):
    """A limit of the user's own that cannot be one; the message names it."""


class Expression:
    """A sum of amounts times numbers, plus a number. +, -, * and / give others; <=, >= and == give rows."""

    __slots__ = ("constant", "terms")
    __array_ufunc__ = None  # so that numpy's numbers leave the arithmetic to this class
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: Mapping[str, float], constant: float = 0.0) -> None:
        self.terms = dict(terms)
        self.constant = constant

    def __repr__(self) -> str:
        parts = [f"{value:g} {name}" for name, value in list(self.terms.items())[:SHOWN]]
        parts += ["…"] if len(self.terms) > SHOWN else []
        return " + ".join([*parts, f"{self.constant:g}"] if self.constant or not parts else parts)

    def __add__(self, other: Expression | float) -> Expression:
        that = _expression(other)
        terms = dict(self.terms)
        for name, value in that.terms.items():
            terms[name] = terms.get(name, 0.0) + value
        return Expression(terms, self.constant + that.constant)

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return self * -1.0

    def __sub__(self, other: Expression | float) -> Expression:
        return self + -_expression(other)

    def __rsub__(self, other: Expression | float) -> Expression:
        return -self + other

    def __mul__(self, factor: float) -> Expression:
        if isinstance(factor, Expression):
            raise OwnLimitError(f"({self!r}) × ({factor!r}) is not linear: multiply amounts by numbers only")
        by = _number(factor)
        return Expression({name: value * by for name, value in self.terms.items()}, self.constant * by)

    __rmul__ = __mul__

    def __truediv__(self, factor: float) -> Expression:
        if isinstance(factor, Expression):
            raise OwnLimitError(f"({self!r}) / ({factor!r}) is not linear: divide amounts by numbers only")
        by = _number(factor)
        if by == 0.0:
            raise OwnLimitError(f"({self!r}) is divided by 0")
        return self * (1.0 / by)

    def __rtruediv__(self, other: object) -> NoReturn:
        raise OwnLimitError(f"{other} / ({self!r}) is not linear: an amount may not be divided by")

    def __le__(self, other: Expression | float) -> Row:
        return _row(self - other, -math.inf, 0.0)

    def __ge__(self, other: Expression | float) -> Row:
        return _row(self - other, 0.0, math.inf)

    def __eq__(self, other: object) -> Row:  # type: ignore[override]
        return _row(self - _expression(other), 0.0, 0.0)

    def __ne__(self, other: object) -> NoReturn:
        raise OwnLimitError(f"({self!r}) != {other}: a linear program has no such rows")

    def __lt__(self, other: object) -> NoReturn:
        raise OwnLimitError(f"({self!r}) < {other}: write <=; a linear program has no strict limits")

    def __gt__(self, other: object) -> NoReturn:
        raise OwnLimitError(f"({self!r}) > {other}: write >=; a linear program has no strict limits")


@dataclass(frozen=True)
class Row:
    """lower <= sum of terms <= upper. name: "" until it has one, then the limit's in all reports."""

    terms: Mapping[str, float]
    lower: float
    upper: float
    name: str = ""
    unit: str | None = None

    def named(self, name: str, unit: str | None = None) -> Row:
        """The same row under a name; `unit` of its right-hand side, where it is not that of its amounts."""
        return replace(self, name=_checked_name(name), unit=unit)

    def __bool__(self) -> NoReturn:
        raise TypeError("a row is neither true nor false; write 1 <= x <= 2 as two rows, and join rows in a list")


def rows_in(returned: object) -> Iterator[Row]:
    """The rows in what a user's function returned. OwnLimitError for what is none."""
    if returned is None:
        return
    if isinstance(returned, Row):
        yield returned
    elif isinstance(returned, Mapping):
        for name, value in returned.items():
            yield from (row.named(str(name), row.unit) for row in rows_in(value))
    elif isinstance(returned, Iterable) and not isinstance(returned, str | bytes):
        for one in returned:
            yield from rows_in(one)
    else:
        raise OwnLimitError(
            f"{returned!r} is no row: compare amounts with <=, >= or ==, and return the rows"
            + (", not what comparing two numbers gives" if isinstance(returned, bool) else "")
        )


def _row(difference: Expression, lower: float, upper: float) -> Row:
    return Row(difference.terms, lower - difference.constant, upper - difference.constant)


def _expression(value: object) -> Expression:
    return value if isinstance(value, Expression) else Expression({}, _number(value))


def _number(value: object) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise OwnLimitError(f"{value!r} is no number")
    if not math.isfinite(value):
        raise OwnLimitError(f"{value!r} is not finite")
    return float(value)


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not name.isprintable() or name != name.strip():
        raise OwnLimitError(f"{name!r} is no name of a limit: one to 80 characters without square brackets")
    return name
