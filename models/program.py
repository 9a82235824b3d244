"""The linear program as plain arrays: what the models hand to the engine's solver."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from difflib import get_close_matches
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .arrays import FloatArray

IntArray = NDArray[np.int32]

_NAME = re.compile(r"([^\[]+)(?:\[(.*)\])?\Z")


@dataclass(frozen=True)
class Rule:
    """A family of rows (or of upper bounds) and how to talk about it.

    Attributes:
        name: prefix of the row names, e.g. "site_power".
        title: what it is, in the user's words, e.g. "power at a site".
        unit: unit of its right-hand side, e.g. "MW".
        per: amount of that unit for which shadow prices are quoted, e.g. 100.0.
        link: link of the compute chain ("power", "supply" …) or kind of limit on money ("depth", "collateral" …); ""
            for the rows that only keep accounts. models/blocks/rules.py lists both.
        identity: whether it holds the model together: no number of the case stands behind it that a user could change.
        covenant: id of the covenant that it tests, or "". untested: of the one that it says is not tested, as nothing
            is due, or "".
    """

    name: str
    title: str
    unit: str
    per: float = 1.0
    link: str = ""
    identity: bool = False
    covenant: str = ""
    untested: str = ""


OWN = "own"
"""Link of the limits that a user adds to the program himself."""


@dataclass(frozen=True, slots=True)
class Index:
    """Which row or column of the program: its family, and the keys and the period within the family.

    Attributes:
        rule: family, e.g. "site_power" of rows or "order" of columns.
        parts: everything that tells it apart within the family, in order, a period by its label.
        period: number of the period that the last part names; None where it names none.
    """

    rule: str
    parts: tuple[str, ...] = ()
    period: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The parts without the period."""
        return self.parts if self.period is None else self.parts[:-1]

    @property
    def name(self) -> str:
        return f"{self.rule}[{','.join(self.parts)}]" if self.parts else self.rule

    @classmethod
    def read(cls, name: str, periods: Mapping[str, int] | None = None) -> Index:
        """The index that a name "rule[part,part]" stands for. periods: number of each period's label."""
        match = _NAME.match(name)
        if match is None:
            return cls(name)
        parts = tuple(part.strip() for part in (match[2] or "").split(",") if part.strip())
        return cls(match[1], parts, (periods or {}).get(parts[-1]) if parts else None)


def period_of(index: Index) -> int:
    """The period of a row or column that has one; ValueError for others."""
    if index.period is None:
        raise ValueError(f"{index.name} belongs to no period")
    return index.period


@dataclass(frozen=True)
class LinearProgram:
    """maximise or minimise c'x + offset, row_lower <= A x <= row_upper, col_lower <= x <= col_upper.

    Attributes:
        matrix: (rows, columns) sparse.
        cost: (columns,) primary objective; `maximise` says its sense.
        value: (columns,) secondary objective, always maximised: expected net present value, billion.
        decisions: (N,) column of each ledger decision, in ledger order.
        row_names: "rule[index]" per row. column_names likewise.
        rules: rule of each row-name prefix and of each column-bound prefix.
        unit: unit of the primary objective. scale of `cost` is that unit.
        bound_rules: per column, the name of the rule its upper bound stands for, or "".
        row_index, column_index: family, keys and period of each row and column. Programs made or widened by hand may
            leave them out: then they are read from the names, without periods.
        held: lower and upper limit of rows that were declared but hold no amount, so that every plan keeps them: they
            are not among the rows.
    """

    matrix: csr_array
    cost: FloatArray
    offset: float
    maximise: bool
    value: FloatArray
    value_offset: float
    row_lower: FloatArray
    row_upper: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    decisions: IntArray
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    bound_rules: tuple[str, ...]
    rules: Mapping[str, Rule]
    name: str
    unit: str
    row_index: tuple[Index, ...] = ()
    column_index: tuple[Index, ...] = ()
    held: Mapping[Index, tuple[float, float]] = made(default_factory=dict)

    def __post_init__(self) -> None:
        for field, names in (("row_index", self.row_names), ("column_index", self.column_names)):
            if len(getattr(self, field)) != len(names):
                object.__setattr__(self, field, tuple(map(Index.read, names)))

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the rules that a user added himself."""
        return tuple(rule.name for rule in self.rules.values() if rule.link == OWN)

    def rule_of(self, index: Index) -> Rule | None:
        """The rule of a row, or None: programs made by hand may have none."""
        return self.rules.get(index.rule)

    def tests(self, index: Index) -> str:
        """Id of the covenant that a row tests, or ""."""
        rule = self.rule_of(index)
        return "" if rule is None else rule.covenant

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Number of each column by its name; KeyError names what is there instead."""
        return Places(self.column_names)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Number of each row by its name; KeyError names what is there instead."""
        return Places(self.row_names)


class Places(dict[str, int]):
    """Number of each name. A name that is not there is an error that tells the nearest ones, never a default."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(zip(names, range(len(names)), strict=True))
        if len(self) != len(names):
            twice = next(name for i, name in enumerate(names) if self[name] != i)
            raise ValueError(f"two rows or columns are named {twice!r}")

    def __missing__(self, name: str) -> int:
        near = get_close_matches(name, self, 3)
        raise KeyError(f"the linear program has no {name!r}" + (f"; there is {', '.join(near)}" if near else ""))


def split(name: str) -> tuple[str, tuple[str, ...]]:
    """("site_power", ("texas", "2027Q1")) of "site_power[texas,2027Q1]"."""
    match = _NAME.match(name)
    if match is None:
        return name, ()
    return match[1], tuple(part.strip() for part in (match[2] or "").split(",") if part.strip())
