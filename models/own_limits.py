"""Limits that a user adds to a case's linear program: linear rows over its decisions and states, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from .blocks.assembly import Assembly, DeclaredRows
from .program import OWN, Index, Rule

PREFIX = "own_"


@dataclass(frozen=True)
class OwnLimit:
    """lower <= sum of terms <= upper.

    Attributes:
        name: in the user's words; several limits may have it if `period` tells them apart.
        terms: coefficient of each column by its name.
        lower, upper: infinite where there is none.
        unit: of both; "" where the columns have different ones.
        period: label of the period that all the columns belong to, or "".
    """

    name: str
    terms: Mapping[str, float] = field(hash=False)
    lower: float
    upper: float
    unit: str = ""
    period: str = ""

    @property
    def rule(self) -> str:
        """Name of the rule of its row."""
        return f"{PREFIX}{self.name}"

    @property
    def row(self) -> str:
        """Name of its row."""
        return f"{self.rule}[{self.period}]" if self.period else self.rule


def add_own(a: Assembly, own: Sequence[OwnLimit]) -> None:
    """Declare the rows of a user's limits behind all others. KeyError for a column that is not there."""
    at = {column.name: j for j, column in enumerate(a.columns)}
    for limit in own:
        unknown = [name for name in limit.terms if name not in at]
        if unknown:
            raise KeyError(f"own limit {limit.name!r}: the linear program has no {unknown[0]!r}")
        rule = Rule(limit.rule, f"own limit {limit.name}", limit.unit, 1.0, OWN)
        a.rules.setdefault(rule.name, rule)
        columns = [at[name] for name in limit.terms]
        data = np.array(list(limit.terms.values()), dtype=np.float64)
        matrix = csr_array((data, (np.zeros(data.size, dtype=np.int64), columns)), shape=(1, len(a.columns)))
        matrix.sum_duplicates()
        parts = (limit.period,) if limit.period else ()
        index = Index(rule.name, parts, a.number[limit.period] if limit.period else None)
        lower, upper = np.array([limit.lower]), np.array([limit.upper])
        a.add(DeclaredRows(a.block, rule, (index,), (index.name,), matrix, lower, upper))
