"""From what the blocks have declared to the linear program as plain arrays: one stack of rows."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from .blocks.assembly import Assembly, without_negligible
from .blocks.objective import Goal
from .program import LinearProgram


def stacked(a: Assembly, goal: Goal, value: Goal) -> LinearProgram:
    """The program of an assembly: rows in the order in which they were declared, those that nothing can keep last.

    Raises ValueError if a number is not finite.
    """
    blocks = [*a.declared, *a.broken]
    width = len(a.columns)
    data = np.concatenate([np.zeros(0), *(b.matrix.data for b in blocks)])
    indices = np.concatenate([np.zeros(0, dtype=np.int32), *(b.matrix.indices for b in blocks)])
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(np.diff(b.matrix.indptr) for b in blocks)])
    rows = counts.size - 1
    matrix = csr_array((data, indices.astype(np.int32), np.cumsum(counts).astype(np.int32)), shape=(rows, width))
    size = a.reach
    program = LinearProgram(
        matrix=matrix,
        cost=without_negligible(goal.cost, size),
        offset=float(goal.offset),
        maximise=goal.maximise,
        value=without_negligible(value.cost, size),
        value_offset=float(value.offset),
        row_lower=np.concatenate([np.zeros(0), *(b.lower for b in blocks)]),
        row_upper=np.concatenate([np.zeros(0), *(b.upper for b in blocks)]),
        col_lower=np.array([c.lower for c in a.columns], dtype=np.float64),
        col_upper=np.array([c.upper for c in a.columns], dtype=np.float64),
        decisions=np.arange(len(a.ledger.decisions), dtype=np.int32),
        row_names=tuple(name for b in blocks for name in b.names),
        column_names=tuple(c.name for c in a.columns),
        bound_rules=tuple(c.rule for c in a.columns),
        rules=dict(a.rules),
        name=a.case.case.name,
        unit=goal.unit,
        row_index=tuple(index for b in blocks for index in b.index),
        column_index=tuple(c.index for c in a.columns),
        held=dict(a.held),
    )
    if not all(np.isfinite(v).all() for v in (program.matrix.data, program.cost, program.value)):
        raise ValueError("the linear program holds a number that is not finite")
    return program
