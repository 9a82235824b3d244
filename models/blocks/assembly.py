"""The linear program under construction: a Pyomo model, its columns in order, and its rows as sparse blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from ..ledger import Account, Ledger
from ..program import Rule
from ..schema.case import Case

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Terms = Iterable[tuple[int, int, float]]


class Assembly:
    """What the blocks need to add their rows.

    Columns 0 … N-1 are the ledger's decisions, in its order; blocks add states behind them. Rows are given as sparse
    matrices over the decisions, plus terms (row, column, coefficient) on states.

    Args:
        case: the case.
        ledger: its ledger.
        means: (A,) sample means of the ledger's atoms.
        rates: (T,) expected deposit rate per period.
    """

    def __init__(self, case: Case, ledger: Ledger, means: FloatArray, rates: FloatArray) -> None:
        import pyomo.environ as pyo
        from pyomo.core.expr.numeric_expr import LinearExpression

        self.case, self.ledger, self.means, self.rates = case, ledger, means, rates
        self.labels = case.horizon.labels
        self.periods = case.horizon.periods
        self.period = np.array([d.period for d in ledger.decisions], dtype=np.int64)
        self.model: Any = pyo.ConcreteModel(name=case.case.name)
        self.columns: list[Any] = []
        self.column_names: list[str] = []
        self.bound_rules: list[str] = []
        self.rules: dict[str, Rule] = {}
        self.constant_rows: list[tuple[str, float, float]] = []
        self._pyo, self._linear = pyo, LinearExpression
        self._expected: dict[tuple[Account, ...], csr_array] = {}
        self._states: dict[tuple[str, str], int] = {}
        self._add_decisions()

    def _add_decisions(self) -> None:
        decisions = self.ledger.decisions
        bounds = [(d.lower, None if np.isinf(d.upper) else d.upper) for d in decisions]
        self.model.x = self._pyo.Var(range(len(decisions)), bounds=lambda _, j: bounds[j])
        self.columns += [self.model.x[j] for j in range(len(decisions))]
        self.column_names += [d.key for d in decisions]
        self.bound_rules += [d.rule for d in decisions]

    def state(self, name: str, of: str = "", lower: float | None = 0.0) -> int:
        """Add a state per period, from `lower` up, named name[t] or name[of,t]; its column in period 0."""
        first = len(self.columns)
        var = self._pyo.Var(range(self.periods), bounds=(lower, None))
        self.model.add_component(f"{name}_{of}" if of else name, var)
        self.columns += [var[t] for t in range(self.periods)]
        self.column_names += [f"{name}[{of},{label}]" if of else f"{name}[{label}]" for label in self.labels]
        self.bound_rules += [""] * self.periods
        self._states[name, of] = first
        return first

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
        """Add rows lower <= matrix @ x + terms <= upper, named rule[index]. ValueError if a number is not finite."""
        self.rules[rule.name] = rule
        count = len(index)
        low = np.broadcast_to(np.asarray(lower, dtype=np.float64), (count,))
        high = np.broadcast_to(np.asarray(upper, dtype=np.float64), (count,))
        block = self._combined(matrix, terms, count)
        if not np.isfinite(block.data).all() or np.isnan(low).any() or np.isnan(high).any():
            raise ValueError(f"rows {rule.name} hold a number that is not finite")
        full: list[tuple[str, tuple[Any, Any, Any]]] = []
        for i, label in enumerate(index):
            start, stop = block.indptr[i], block.indptr[i + 1]
            if start == stop:
                if low[i] > 0.0 or high[i] < 0.0:
                    self.constant_rows.append((f"{rule.name}[{label}]", float(low[i]), float(high[i])))
                continue
            body = self._linear(
                constant=0.0,
                linear_coefs=block.data[start:stop].tolist(),
                linear_vars=[self.columns[j] for j in block.indices[start:stop]],
            )
            bounds = (None if np.isinf(low[i]) else float(low[i]), None if np.isinf(high[i]) else float(high[i]))
            if bounds != (None, None):
                full.append((f"{rule.name}[{label}]", (bounds[0], body, bounds[1])))
        names = [name for name, _ in full]
        made = dict(full)
        if len(made) != len(names):
            raise ValueError(f"rows {rule.name} have the same name twice")
        component = self._pyo.Constraint(names, rule=lambda _, name: made[name])
        self.model.add_component(self._free_name(rule.name), component)

    def goal(self, name: str, cost: FloatArray, offset: float, maximise: bool) -> None:
        """Add an objective over all columns."""
        used = np.flatnonzero(cost)
        body = self._linear(
            constant=offset, linear_coefs=cost[used].tolist(), linear_vars=[self.columns[j] for j in used]
        )
        sense = self._pyo.maximize if maximise else self._pyo.minimize
        self.model.add_component(name, self._pyo.Objective(expr=body, sense=sense))

    def _free_name(self, name: str) -> str:
        """Rules may add rows several times; Pyomo wants each component under its own name."""
        number = 0
        while self.model.component(f"row_{name}_{number}") is not None:
            number += 1
        return f"row_{name}_{number}"

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
