"""Numbers of a linear program that make no sense, or lie too far apart, and the rules that they come from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from ...models.program import LinearProgram
from ..arrays import FloatArray
from .answers import SolverError


def check(program: LinearProgram) -> None:
    """Raise `SolverError` naming the first row or column whose numbers make no sense."""
    matrix = csr_array(program.matrix)
    rows, columns = matrix.shape
    for name, names, count in (("row", program.row_names, rows), ("column", program.column_names, columns)):
        if len(names) != count:
            raise SolverError(f"'{program.name}' has {count} {name}s and {len(names)} {name} names")
    bad = np.flatnonzero(~np.isfinite(matrix.data))
    if bad.size:
        row = int(np.searchsorted(matrix.indptr, bad[0], side="right") - 1)
        column = program.column_names[int(matrix.indices[bad[0]])]
        raise SolverError(f"row '{program.row_names[row]}': the coefficient of '{column}' is {matrix.data[bad[0]]}")
    for name, values in (("objective", program.cost), ("value", program.value)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise SolverError(f"the {name}'s coefficient of '{program.column_names[int(bad[0])]}' is not finite")
    for kind, names, low, high in (
        ("row", program.row_names, program.row_lower, program.row_upper),
        ("column", program.column_names, program.col_lower, program.col_upper),
    ):
        bad = np.flatnonzero(np.isnan(low) | np.isnan(high) | (low > high) | (low == np.inf) | (high == -np.inf))
        if bad.size:
            i = int(bad[0])
            raise SolverError(f"{kind} '{names[i]}' has the bounds [{low[i]}, {high[i]}]; no number lies between them")


def far_apart(program: LinearProgram) -> str:
    """The largest and the smallest number that is not zero, each with its row or column and rule, and the cure."""
    found = [(abs(value), what) for value, what in _extremes(program)]
    if not found:
        return ""
    (small, least), (large, most) = min(found), max(found)
    return (
        f"its numbers lie {large / small:.0e} apart: the largest is {large:.3g}, {most}; the smallest is {small:.3g}, "
        f"{least}. Bring the amounts of the case behind them closer together, or set the small one to 0"
    )


def _extremes(program: LinearProgram) -> Iterator[tuple[float, str]]:
    """Smallest and largest number of each kind, and what each is."""
    matrix = csr_array(program.matrix)
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    for k in _ends(matrix.data):
        column = program.column_names[int(matrix.indices[k])]
        yield float(matrix.data[k]), f"the coefficient of '{column}' in {_row(program, int(row_of[k]))}"
    for j in _ends(program.cost):
        yield float(program.cost[j]), f"the coefficient of '{program.column_names[j]}' in the objective"
    for side in (program.row_lower, program.row_upper):
        for i in _ends(side):
            yield float(side[i]), f"the limit of {_row(program, i)}"
    for side in (program.col_lower, program.col_upper):
        for j in _ends(side):
            yield float(side[j]), f"a bound of '{program.column_names[j]}'"


def _ends(values: FloatArray) -> list[int]:
    size = np.abs(values)
    places = np.flatnonzero(np.isfinite(size) & (size > 0.0))
    return [int(places[np.argmin(size[places])]), int(places[np.argmax(size[places])])] if places.size else []


def _row(program: LinearProgram, i: int) -> str:
    name, rule = program.row_names[i], program.rule_of(program.row_index[i])
    return f"row '{name}'" + (f" ({rule.title})" if rule is not None else "")
