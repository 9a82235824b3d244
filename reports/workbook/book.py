"""What the sheets of a workbook share: the plan, each other's rows, units, and how two figures are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...optimizer.plan import Plan
from ...optimizer.table import BILLION
from ..text import safe
from .grid import Chart, Each, Row, Sheet
from .terms import ONE, Cell, Term, above, flag, larger, named, size

TIMELINE, MASTER_CHECK = "Timeline", "Master_check"
TOLERANCE, MONEY_TOLERANCE = "Tolerance", "Money_tolerance"

WITHIN = 1e-6
"""By how much two figures that should be one may differ, relative; also `statements.CLOSING` of the engine."""


@dataclass
class Book:
    """A workbook in the making.

    Attributes:
        plan: what it shows.
        sheets: by name, in the order in which they are made.
        rows: rows that other sheets refer to, by sheet and key.
        names: defined names and the cells that they stand for; for `Timeline` the first and the last one.
        sides: the rows of sources, and of uses.
        charts: to be drawn.
    """

    plan: Plan
    sheets: dict[str, Sheet] = field(default_factory=dict)
    rows: dict[tuple[str, ...], Row] = field(default_factory=dict)
    names: dict[str, tuple[Cell, Cell]] = field(default_factory=dict)
    sides: dict[str, list[Row]] = field(default_factory=dict)
    charts: list[Chart] = field(default_factory=list)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the periods."""
        return self.plan.case.horizon.labels

    @property
    def money(self) -> str:
        """The unit of money."""
        return f"{safe(self.plan.case.case.currency)} bn"

    def unit(self, unit: str) -> str:
        """A unit of the engine as it is shown."""
        return safe(unit).replace(BILLION, self.money)

    def sheet(self, name: str, purpose: str) -> Sheet:
        """A new sheet."""
        self.sheets[name] = Sheet(name, purpose, len(self.labels))
        return self.sheets[name]

    def keep(self, row: Row, *key: str) -> Row:
        """Let other sheets refer to a row."""
        self.rows[key] = row
        return row

    def row(self, *key: str) -> Row:
        """A row that was kept. KeyError."""
        return self.rows[key]

    def defined(self, name: str) -> Term:
        """A defined name as a term."""
        return named(name, self.names[name][0].number)

    # ---------------------------------------------------------------------------------------------------- checks
    def same_money(self, one: Each, other: Each) -> Each:
        """1 in each period in which two amounts differ."""
        return lambda t: self.differs_in_money(one(t), other(t))

    def differs_in_money(self, one: Term | None, other: Term | None) -> Term | None:
        """1 where two amounts differ by more than the tolerance of money."""
        if one is None or other is None:
            return None
        return flag(above(size(one - other), self.defined(MONEY_TOLERANCE)))

    def exceeds_in_money(self, one: Term | None, most: Term | None) -> Term | None:
        """1 where an amount is above another by more than the tolerance of money."""
        if one is None or most is None:
            return None
        return flag(above(one - most, self.defined(MONEY_TOLERANCE)))

    def differs(self, one: Term | None, other: Term | None) -> Term | None:
        """1 where two figures differ by more than the tolerance, relative to the larger one or to 1."""
        if one is None or other is None:
            return None
        reach = self.defined(TOLERANCE) * larger(ONE, size(one), size(other))
        return flag(above(size(one - other), reach))

    def exceeds(self, one: Term | None, most: Term | None) -> Term | None:
        """1 where a figure is above another by more than the tolerance, relative to the latter or to 1."""
        if one is None or most is None:
            return None
        return flag(above(one - most, self.defined(TOLERANCE) * larger(ONE, size(most))))
