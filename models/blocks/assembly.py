"""The linear program under construction: its columns in order, and the rows of each rule as sparse blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from ..arrays import FloatArray
from ..ledger import LEAST, Account, Ledger, reach
from ..program import Index, Rule
from ..schema.case import Case

BoolArray = NDArray[np.bool_]
Terms = Iterable[tuple[int, int, float]]


@dataclass(frozen=True)
class DeclaredColumn:
    """A decision of the ledger, or a state: lower <= x <= upper. rule: of its upper bound, or ""."""

    index: Index
    name: str
    lower: float
    upper: float
    unit: str
    tags: Mapping[str, str]
    rule: str = ""
    decided: bool = False


@dataclass(frozen=True, eq=False)
class DeclaredRows:
    """Rows of one rule: lower <= matrix @ x <= upper, over the columns that were there when a block declared them.

    block: name of the block, as its file in models/blocks.
    """

    block: str
    rule: Rule
    index: tuple[Index, ...]
    names: tuple[str, ...]
    matrix: csr_array
    lower: FloatArray
    upper: FloatArray


class Assembly:
    """What the blocks need to add their rows; what they have declared is the one source of arrays and of Pyomo models.

    Columns 0 … N-1 are the ledger's decisions, in its order; blocks add states behind them. Rows are given as sparse
    matrices over the decisions, plus terms (row, column, coefficient) on states.

    Args:
        case: the case.
        ledger: its ledger.
        means: (A,) sample means of the ledger's atoms.
        rates: (T,) expected deposit rate per period.

    Attributes:
        declared: the rows so far, in order.
        broken: rows without any amount whose bounds do not hold 0: no plan keeps them. They follow all others.
        held: lower and upper limit of rows without any amount that every plan keeps.
    """

    def __init__(self, case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray) -> None:
        self.case, self.ledger, self.means, self.rates = case, ledger, means, rates
        self.labels = case.horizon.labels
        self.periods = case.horizon.periods
        self.number = {label: t for t, label in enumerate(self.labels)}
        self.period = np.array([d.period for d in ledger.decisions], dtype=np.int64)
        self.rules: dict[str, Rule] = {}
        self.block = ""
        self.columns: list[DeclaredColumn] = [
            DeclaredColumn(Index.read(d.key, self.number), d.key, d.lower, d.upper, d.unit, d.tags, d.rule, True)
            for d in ledger.decisions
        ]
        self.declared: list[DeclaredRows] = []
        self.broken: list[DeclaredRows] = []
        self.held: dict[Index, tuple[float, float]] = {}
        self._expected: dict[tuple[Account, ...], csr_array] = {}
        self._states: dict[tuple[str, str], int] = {}
        self._names: set[str] = set()
        self._reach = np.zeros(0)

    def state(self, name: str, of: str = "", lower: float | None = 0.0, unit: str = "billion", kind: str = "of") -> int:
        """Add a state per period, from `lower` up, named name[t] or name[of,t]; its column in period 0.

        kind: what `of` is, e.g. "instrument".
        """
        first = len(self.columns)
        least = -np.inf if lower is None else float(lower)
        for t, label in enumerate(self.labels):
            index = Index(name, (*of.split(","), label) if of else (label,), t)
            tags = {kind: of, "period": label} if of else {"period": label}
            self.columns.append(DeclaredColumn(index, index.name, least, np.inf, unit, tags))
        self._states[name, of] = first
        return first

    def fix(self, column: int) -> None:
        """Hold a decision at 0. ValueError once rows are declared, which may hold coefficients of it."""
        if self.declared or self.broken:
            raise ValueError(f"{self.columns[column].name} is fixed after rows have been declared")
        self.columns[column] = replace(self.columns[column], upper=0.0, rule="")
        if column < self._reach.size:
            self._reach[column] = 0.0

    def first(self, name: str, of: str = "") -> int | None:
        """Column of a state in period 0; None where there is no such state."""
        return self._states.get((name, of))

    def mask(self, **tags: str) -> BoolArray:
        """(N,) which decisions carry these tags; `block` counts as one."""
        return self.ledger.mask(**tags)

    def expected(self, accounts: Sequence[Account], where: BoolArray | None = None) -> csr_array:
        """(T, N) expected amount per period and unit of decision, of the decisions in `where` only."""
        key = tuple(accounts)
        if key not in self._expected:
            self._expected[key] = csr_array(self.ledger.expected(accounts, self.means))
        return self._expected[key] if where is None else only(self._expected[key], where)

    def fixed(self, matrix: csr_array) -> FloatArray:
        """(T,) what the opening balance sheet and exogenous flows contribute to a matrix over the decisions."""
        return np.asarray(matrix @ self.mask(block="fixed").astype(np.float64))

    def selector(self, where: BoolArray, times: Sequence[int]) -> csr_array:
        """(times, N) ones at the decisions in `where` that are taken in each of the periods `times`."""
        return csr_array((where[None, :] & (self.period[None, :] == np.array(times)[:, None])).astype(np.float64))

    def use_rule(self, rule: Rule) -> None:
        """Register the rule of an upper bound."""
        self.rules[rule.name] = rule

    def rows(
        self,
        rule: Rule,
        index: Sequence[str],
        matrix: csr_array | None,
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        terms: Terms = (),
    ) -> None:
        """Add rows lower <= matrix @ x + terms <= upper, named rule[index].

        An index is its keys, joined by commas, and its period's label last where it has one. Coefficients that no plan
        could show, as `Ledger.without_negligible` has it, are left out.

        Raises ValueError if a number is not finite or a name is taken.
        """
        self.rules[rule.name] = rule
        count = len(index)
        low = np.broadcast_to(np.asarray(lower, dtype=np.float64), (count,))
        high = np.broadcast_to(np.asarray(upper, dtype=np.float64), (count,))
        block = self._combined(matrix, terms, count)
        if not np.isfinite(block.data).all() or np.isnan(low).any() or np.isnan(high).any():
            raise ValueError(f"rows {rule.name} hold a number that is not finite")
        empty = np.diff(block.indptr) == 0
        block = nonzero_rows(block, self.reach)
        said = [Index.read(f"{rule.name}[{label}]", self.number) for label in index]
        names = [f"{rule.name}[{label}]" for label in index]
        bounded = np.isfinite(low) | np.isfinite(high)
        kept = np.flatnonzero(~empty & bounded)
        never = np.flatnonzero(empty & ((low > 0.0) | (high < 0.0)))
        kept_anyway = np.flatnonzero(empty & (low <= 0.0) & (high >= 0.0)).tolist()
        self.held |= {said[i]: (float(low[i]), float(high[i])) for i in kept_anyway}
        for some, into in ((kept, self.declared), (never, self.broken)):
            if some.size:
                self._declare(
                    into,
                    DeclaredRows(
                        block=self.block,
                        rule=rule,
                        index=tuple(said[i] for i in some.tolist()),
                        names=tuple(names[i] for i in some.tolist()),
                        matrix=block if some.size == count else csr_array(block[some]),
                        lower=low[some],
                        upper=high[some],
                    ),
                )

    def add(self, rows: DeclaredRows) -> None:
        """Add rows as they are, without leaving anything out. ValueError if a name is taken."""
        self._declare(self.declared, rows)

    def _declare(self, into: list[DeclaredRows], rows: DeclaredRows) -> None:
        for name in rows.names:
            if name in self._names:
                raise ValueError(f"rows {rows.rule.name} have the same name twice: {name}")
            self._names.add(name)
        into.append(rows)

    @property
    def reach(self) -> FloatArray:
        """(columns,) how large each column may be."""
        new = self.columns[self._reach.size :]
        if new:
            bounds = np.array([(c.lower, c.upper) for c in new], dtype=np.float64)
            self._reach = np.append(self._reach, reach(bounds[:, 0], bounds[:, 1]))
        return self._reach

    def _combined(self, matrix: csr_array | None, terms: Terms, count: int) -> csr_array:
        shape = (count, len(self.columns))
        block = csr_array(shape)
        if listed := list(terms):
            rows, columns, values = zip(*listed, strict=True)
            block = csr_array(coo_array((values, (rows, columns)), shape=shape))
        if matrix is not None:
            wide = csr_array(matrix)
            if wide.shape[0] != count:
                raise ValueError(f"{wide.shape[0]} rows for {count} names")
            wide = csr_array((wide.data, wide.indices, wide.indptr), shape=shape)
            block = csr_array(block + wide)
        block.sum_duplicates()
        block.eliminate_zeros()
        return block


def nonzero_rows(matrix: csr_array, size: FloatArray) -> csr_array:
    """The rows without coefficients that no plan could show, `size` being how large each column may be: what is left of
    sums that cancel, and shares of nearly nothing. As `Ledger.without_negligible`, and with its argument.
    """
    kept = csr_array(matrix, copy=True)
    kept.data = without_negligible(kept.data, size[kept.indices])
    kept.eliminate_zeros()
    return kept


def without_negligible(coefficient: FloatArray, size: FloatArray) -> FloatArray:
    """Coefficients of amounts of these sizes, 0 where no plan could show them."""
    return np.where(np.abs(coefficient) * size < LEAST, 0.0, coefficient)


def only(matrix: csr_array, where: BoolArray) -> csr_array:
    """The matrix with the columns outside `where` emptied."""
    keep = where[matrix.indices]
    kept = np.concatenate([[0], np.cumsum(keep)])
    return csr_array((matrix.data[keep], matrix.indices[keep], kept[matrix.indptr]), shape=matrix.shape)


def cumulative(matrix: csr_array) -> csr_array:
    """Running sums over the rows (periods)."""
    count = matrix.shape[0]
    return csr_array(csr_array(np.tril(np.ones((count, count)))) @ matrix)


def trailing(matrix: csr_array, span: int) -> csr_array:
    """Sums over the last `span` rows; where fewer are there, scaled up to `span`."""
    count = matrix.shape[0]
    grid = np.tril(np.ones((count, count))) - np.tril(np.ones((count, count)), -span)
    grid *= span / grid.sum(axis=1, keepdims=True)
    return csr_array(csr_array(grid) @ matrix)
