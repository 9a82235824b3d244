"""The linear program of a plan that adapts: the case's own program on each node's conditional means, stitched together.

A column of period t stands once per node that decides in t; a row of period t once per such node, with that node's
means. What is expected (cash, balances) is looked at from each node over its whole past: a node in which rentals are
weak has earned less before it was known. docs/mathematics-reviews.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from ...models.blocks.rules import DEFINED
from ...models.ledger import Ledger
from ...models.program import Index, LinearProgram, period_of
from ..arrays import FloatArray
from .tree import Tree, index_in

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NONE = -1


@dataclass(frozen=True, eq=False)
class Places:
    """Where the columns and rows of a static program belong.

    Attributes:
        column: (columns,) period of each; 0 where it has none.
        seen: (columns,) whether it is a state that follows from decisions, which each node sees in its own way.
        row: (rows,) period of each row, NONE where it has none.
        defines: (rows,) whether it defines such a state.
        covenant: (rows,) whether it is a test of a covenant on the expected path.
        own: (rows,) whether the user added it himself.
    """

    column: IntArray
    seen: BoolArray
    row: IntArray
    defines: BoolArray
    covenant: BoolArray
    own: BoolArray


def places(program: LinearProgram, ledger: Ledger) -> Places:
    """The periods of columns and rows by their indices."""
    count = len(ledger.decisions)
    column = np.zeros(len(program.column_names), dtype=np.int64)
    seen = np.zeros(column.size, dtype=np.bool_)
    column[:count] = [0 if d.block == "fixed" else d.period for d in ledger.decisions]
    for j in range(count, column.size):
        column[j], seen[j] = period_of(program.column_index[j]), program.column_index[j].rule in DEFINED
        if seen[j] != np.isneginf(program.col_lower[j]):  # balances may be of either sign, what is chosen may not
            raise ValueError(f"it is not known whether {program.column_names[j]} is chosen, or follows from decisions")
    defining = set(DEFINED.values())
    return Places(
        column, seen,
        np.array([NONE if i.period is None else i.period for i in program.row_index], dtype=np.int64),
        np.array([i.rule in defining for i in program.row_index], dtype=np.bool_),
        np.array([bool(program.tests(i)) for i in program.row_index], dtype=np.bool_),
        np.array([i.rule in program.own for i in program.row_index], dtype=np.bool_),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stitched:
    """The program of a plan that adapts.

    Attributes:
        program: its decisions are those of all nodes, the root's first, each node's in the ledger's order.
        decisions: (nodes, N) where each node sees each decision of the ledger among the program's decisions; NONE where
            that is decided behind it.
        states: (nodes, columns - N) the same of the static program's states, among the program's columns; NONE also
            where no row asks for what is seen of the past.
        state_names: (columns - N,) of the static program.
    """

    program: LinearProgram
    decisions: IntArray
    states: IntArray
    state_names: tuple[str, ...]

    @property
    def ledger_decision(self) -> IntArray:
        """(decisions,) number of the ledger's decision that each one is."""
        out = np.zeros(self.program.decisions.size, dtype=np.int64)
        for row in self.decisions:
            known = np.flatnonzero(row >= 0)
            out[row[known]] = known
        return out


def stitch(tree: Tree, programs: Sequence[LinearProgram], ledger: Ledger) -> Stitched:
    """The programs of all nodes, in their order, as one.

    Rows without a period hold for each leaf's whole plan, a user's own ones where their last column is decided. A row
    with columns of later periods than its own holds for each plan that comes by, where they are decided; a covenant's,
    which looks ahead, in the mean of what may come.
    """
    base, count = programs[0], len(ledger.decisions)
    where = [places(program, ledger) for program in programs]
    columns = _columns(tree, programs, where[0], count)
    rows = _Rows(tree, programs, where, columns.view)
    matrix, low, high, index = rows.stacked(columns.size)
    cost, value, offset, value_offset = _objective(tree, programs, columns.view, columns.size)
    program = LinearProgram(
        matrix=matrix,
        cost=cost,
        offset=offset,
        maximise=base.maximise,
        value=value,
        value_offset=value_offset,
        row_lower=low,
        row_upper=high,
        col_lower=columns.lower,
        col_upper=columns.upper,
        decisions=np.arange(columns.decisions, dtype=np.int32),
        row_names=tuple(i.name for i in index),
        column_names=columns.names,
        bound_rules=columns.rules,
        rules={name: rule for p in programs for name, rule in p.rules.items()},
        name=base.name,
        unit=base.unit,
        row_index=index,
        column_index=columns.index,
        held={index_in(i, n.name): v for n, p in zip(tree.nodes, programs, strict=True) for i, v in p.held.items()}
        | dict.fromkeys(rows.free, (-np.inf, np.inf)),
    )
    return _slim(
        Stitched(program, columns.view[:, :count], columns.view[:, count:], base.column_names[count:]),
        tree,
        where[0],
        count,
    )


@dataclass(frozen=True, eq=False)
class _Columns:
    """view: (nodes, columns) where each node sees each column of the static program."""

    view: IntArray
    decisions: int
    lower: FloatArray
    upper: FloatArray
    names: tuple[str, ...]
    index: tuple[Index, ...]
    rules: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.names)


def _columns(tree: Tree, programs: Sequence[LinearProgram], where: Places, count: int) -> _Columns:
    """Decisions of all nodes, then their states."""
    width, base = where.column.size, programs[0]
    view = np.full((len(tree.nodes), width), NONE, dtype=np.int64)
    order: list[tuple[int, int]] = []
    lower: list[float] = []
    upper: list[float] = []
    decisions = 0
    for part in (range(count), range(count, width)):
        for node in tree.nodes:
            for j in part:
                t = int(where.column[j])
                mine = node.start <= t < node.end
                hindsight = bool(where.seen[j]) and t < node.start
                if mine or hindsight:
                    view[node.number, j] = len(order)
                    order.append((node.number, j))
                    lower.append(-np.inf if hindsight else float(programs[node.number].col_lower[j]))
                    upper.append(np.inf if hindsight else float(programs[node.number].col_upper[j]))
                elif node.parent >= 0 and t < node.start:
                    view[node.number, j] = view[node.parent, j]
        decisions = decisions or len(order)
    index = tuple(index_in(base.column_index[j], tree.nodes[k].name) for k, j in order)
    rules = tuple(programs[k].bound_rules[j] for k, j in order)
    return _Columns(view, decisions, np.array(lower), np.array(upper), tuple(i.name for i in index), index, rules)


def _objective(
    tree: Tree, programs: Sequence[LinearProgram], view: IntArray, size: int
) -> tuple[FloatArray, FloatArray, float, float]:
    """Cost, value and their constants: the mean of the leaves' own, by their probabilities."""
    cost, value, offset, value_offset = np.zeros(size), np.zeros(size), 0.0, 0.0
    for leaf, share in zip(tree.leaves, tree.shares.tolist(), strict=True):
        p = programs[leaf]
        np.add.at(cost, view[leaf], share * p.cost)
        np.add.at(value, view[leaf], share * p.value)
        offset += share * p.offset
        value_offset += share * p.value_offset
    return cost, value, offset, value_offset


@dataclass(frozen=True, eq=False)
class _Part:
    """A row of a node's program, times a weight; NONE where it is one of those that hold no amount, within `held`."""

    node: int
    row: int
    weight: float = 1.0
    held: tuple[float, float] = (0.0, 0.0)


class _Rows:
    """Chooses the rows that each node has to hold, and writes them over the columns of all nodes."""

    def __init__(self, tree: Tree, programs: Sequence[LinearProgram], where: Sequence[Places], view: IntArray) -> None:
        self._tree, self._programs, self._where, self._view = tree, programs, where, view
        self._matrix = [csr_array(p.matrix) for p in programs]
        self._number = [{index: i for i, index in enumerate(p.row_index)} for p in programs]
        self._latest = [_latest(m, w.column) for m, w in zip(self._matrix, where, strict=True)]
        self.free: list[Index] = []  # covenants' rows of several nodes together that hold no amount in any

    def stacked(self, size: int) -> tuple[csr_array, FloatArray, FloatArray, tuple[Index, ...]]:
        """Matrix, lower and upper limits, and indices of all rows."""
        found = [*self._own(), *self._tested(), *self._whole()]
        lines, cols, data = [], [], []
        low, high = np.zeros(len(found)), np.zeros(len(found))
        for i, (_, parts) in enumerate(found):
            for part in parts:
                if part.row == NONE:
                    low[i] += part.weight * part.held[0]
                    high[i] += part.weight * part.held[1]
                    continue
                p, m = self._programs[part.node], self._matrix[part.node]
                at = slice(m.indptr[part.row], m.indptr[part.row + 1])
                here = self._view[part.node, m.indices[at]]
                lines.append(np.full(here.size, i))
                cols.append(here)
                data.append(part.weight * m.data[at])
                low[i] += part.weight * p.row_lower[part.row]
                high[i] += part.weight * p.row_upper[part.row]
        where = (np.concatenate(lines), np.concatenate(cols))
        if (where[1] < 0).any():
            raise ValueError(f"row {found[int(where[0][np.argmin(where[1])])][0].name} reaches behind its node")
        matrix = csr_array(coo_array((np.concatenate(data), where), shape=(len(found), size)))
        return matrix, low, high, tuple(index for index, _ in found)

    def _own(self) -> list[tuple[Index, list[_Part]]]:
        """Rows of a period, once for each node that decides then; definitions of what is seen, for its past too."""
        found = []
        for node in self._tree.nodes:
            where, latest = self._where[node.number], self._latest[node.number]
            last = np.maximum(where.row, latest)
            dated = (where.row != NONE) | where.own
            defined = where.defines & (where.row < node.end)
            held = dated & ~where.defines & ~where.covenant & (node.start <= last) & (last < node.end)
            for row in np.flatnonzero(defined | held).tolist():
                index = index_in(self._programs[node.number].row_index[row], node.name)
                found.append((index, [_Part(node.number, row)]))
        return found

    def _tested(self) -> list[tuple[Index, list[_Part]]]:
        """Covenants' rows: in each node, or in the mean of several; one that looks ahead in the mean of the leaves."""
        tree, groups = self._tree, dict[tuple[int, Index], list[_Part]]()
        for node in tree.nodes:
            where, latest = self._where[node.number], self._latest[node.number]
            mine = where.covenant & (node.start <= where.row) & (where.row < node.end)
            own = self._programs[node.number]
            ahead = {own.row_index[row]: bool(latest[row] >= node.end) for row in np.flatnonzero(mine).tolist()}
            for index in own.held:
                if own.tests(index) and node.start <= period_of(index) < node.end:
                    ahead[index] = any(index in self._number[tree.leaves[i]] for i in tree.below(node.number))
            pool = tree.pooled_in(node.number)
            total = float(tree.nodes[pool].count)
            for index, later in sorted(ahead.items(), key=lambda pair: pair[0].name):
                parts = groups.setdefault((pool, index), [])
                for number in [tree.leaves[i] for i in tree.below(node.number)] if later else [node.number]:
                    parts.append(self._part(number, index, tree.nodes[number].count / total))
        found = [(index_in(index, tree.nodes[pool].name), parts) for (pool, index), parts in groups.items()]
        empty = [all(part.row == NONE for part in parts) for _, parts in found]
        self.free = [index for (index, _), nothing in zip(found, empty, strict=True) if nothing]
        return [one for one, nothing in zip(found, empty, strict=True) if not nothing]

    def _part(self, node: int, index: Index, weight: float) -> _Part:
        """The row of this index in a node's program, whether or not it holds an amount there."""
        row = self._number[node].get(index, NONE)
        held = self._programs[node].held.get(index)
        return _Part(node, row, weight) if held is None else _Part(node, NONE, weight, held)

    def _whole(self) -> list[tuple[Index, list[_Part]]]:
        """Rows without a period, of each leaf's whole plan; where they are the same for all, once."""
        tree, seen = self._tree, dict[Index, dict[bytes, _Part]]()
        for leaf in tree.leaves:
            p, m = self._programs[leaf], self._matrix[leaf]
            for row in np.flatnonzero((self._where[leaf].row == NONE) & ~self._where[leaf].own).tolist():
                at = slice(m.indptr[row], m.indptr[row + 1])
                said = (self._view[leaf, m.indices[at]], m.data[at], p.row_lower[row], p.row_upper[row])
                key = b"|".join(np.asarray(part).tobytes() for part in said)
                seen.setdefault(p.row_index[row], {}).setdefault(key, _Part(leaf, row))
        return [
            (index if len(parts) == 1 else index_in(index, tree.nodes[part.node].name), [part])
            for index, parts in seen.items()
            for part in parts.values()
        ]


def _latest(matrix: csr_array, period: IntArray) -> IntArray:
    """(rows,) the latest period of a column in each row; NONE in an empty one."""
    out = np.full(matrix.shape[0], NONE, dtype=np.int64)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if filled.size:
        out[filled] = np.maximum.reduceat(period[matrix.indices], matrix.indptr[filled])
    return out


def _slim(whole: Stitched, tree: Tree, where: Places, count: int) -> Stitched:
    """Without what is seen of a past that no row asks for."""
    program = whole.program
    matrix = csr_array(program.matrix)
    past = np.zeros(matrix.shape[1], dtype=np.bool_)
    for node in tree.nodes:
        hindsight = where.seen & (where.column < node.start)
        past[whole.states[node.number][hindsight[count:]]] = True
    defining = _defining(program, matrix, past)
    asked = ~past
    while True:
        kept = defining < 0
        kept |= asked[np.maximum(defining, 0)]
        more = asked.copy()
        more[csr_array(matrix[np.flatnonzero(kept)]).indices] = True
        if np.array_equal(more, asked):
            break
        asked = more
    if asked.all():
        return whole
    rows, columns = np.flatnonzero(kept), np.flatnonzero(asked)
    place = np.full(asked.size + 1, NONE, dtype=np.int64)
    place[columns] = np.arange(columns.size)
    slim = replace(
        program,
        matrix=csr_array(csr_array(matrix[rows])[:, columns]),
        cost=program.cost[columns],
        value=program.value[columns],
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
        col_lower=program.col_lower[columns],
        col_upper=program.col_upper[columns],
        row_names=tuple(program.row_names[i] for i in rows),
        row_index=tuple(program.row_index[i] for i in rows),
        column_index=tuple(program.column_index[j] for j in columns),
        column_names=tuple(program.column_names[j] for j in columns),
        bound_rules=tuple(program.bound_rules[j] for j in columns),
    )
    return Stitched(slim, whole.decisions, place[whole.states], whole.state_names)


def _defining(program: LinearProgram, matrix: csr_array, past: BoolArray) -> IntArray:
    """(rows,) the state of the past that a row defines, NONE for other rows: of its equality the one named like it."""
    state = {rule: name for name, rule in DEFINED.items()}
    out = np.full(matrix.shape[0], NONE, dtype=np.int64)
    for i, index in enumerate(program.row_index):
        if index.rule in state:
            j = program.columns[replace(index, rule=state[index.rule]).name]
            out[i] = j if past[j] else NONE
    return out
