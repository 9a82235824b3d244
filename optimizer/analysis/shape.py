"""The shape of a table as it is promised: its columns, its rows, and when it is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..table import TOTAL


@dataclass(frozen=True)
class Shape:
    """A table as it is promised.

    Attributes:
        name, meaning: of the table.
        columns: that are always there; their order is theirs.
        rows: labels in the first column, where these are the engine's own and not names of the case.
        zero: of the rows, those that are left out where they are 0 in every period.
        perhaps: rows of some cases alone; elsewhere they are unknown.
        periods: whether there is a column per period: "" none, "all", or "last" for the last period alone.
        total: whether a column `total` closes it.
        always: whether every plan has the table.
        others: in words, what columns called by names of the case stand among these; "" none.
        sometimes: columns that are there in some cases alone.
        each: in words, rows called by names of the case beside the engine's own, whose labels begin with `begins`.
    """

    name: str
    meaning: str
    columns: tuple[str, ...]
    rows: frozenset[str] = frozenset()
    zero: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    periods: str = ""
    total: bool = False
    always: bool = True
    others: str = ""
    sometimes: frozenset[str] = frozenset()
    each: str = ""
    begins: str = ""

    @property
    def labels(self) -> frozenset[str]:
        """Every label that the first column may hold; empty where these are names of the case."""
        return self.rows | self.zero | self.perhaps

    def has_row(self, label: str) -> bool:
        """Whether a row may be called so."""
        return not self.labels or label in self.labels or (bool(self.begins) and label.startswith(self.begins))

    def wanted(self, periods: Sequence[str]) -> tuple[str, ...]:
        """Its columns in order, but for the `others`; `periods`: labels of the plan's."""
        over = {"": (), "all": tuple(periods), "last": tuple(periods[-1:])}[self.periods]
        return (*self.columns, *over, *((TOTAL,) if self.total else ()))

    def in_order(self, names: Iterable[str], periods: Sequence[str]) -> bool:
        """Whether a table of these columns is one of this shape; `periods`: of the plan."""
        wanted, found = self.wanted(periods), list(names)
        if self.others:
            found = [name for name in found if name in wanted]
        return found == [name for name in wanted if name not in self.sometimes or name in found]
