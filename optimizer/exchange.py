"""A linear program as text that other solvers read: CPLEX LP and free MPS, with the program's own names.

LP format: https://www.ibm.com/docs/en/icos/22.1.1?topic=cplex-lp-file-format-algebraic-representation; MPS:
https://www.ibm.com/docs/en/icos/22.1.1?topic=standard-records-in-mps-format. Numbers are written so that they read back
to the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..models.program import LinearProgram

FORMATS = ("lp", "mps")
LONGEST = 200  # characters of a name; the formats allow 255
PER_LINE = 3  # older readers take 255 characters a line
OBJECTIVE, OFFSET = "objective", "objective_constant"
_UNFIT = re.compile(r"[^A-Za-z0-9_.,()!#$%&;?@{}~']")
_NUMERIC = re.compile(r"[0-9.]|[eE][0-9]|(?i:inf|nan)|[$*\\]")
_WORDS = frozenset(
    ("free", "st", "end", "bounds", "bound", "binary", "binaries", "bin", "general", "generals", "gen", "max", "min",
     "maximize", "minimize", "maximise", "minimise", "subject", "objective")
)  # fmt: skip


def fit_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that both formats read, each its own: brackets become round, other signs a low line."""
    taken: set[str] = set()
    found = []
    for name in names:
        fit = _UNFIT.sub("_", name.replace("[", "(").replace("]", ")"))[:LONGEST]
        if not fit or _NUMERIC.match(fit) or fit.lower() in _WORDS:
            fit = f"x_{fit}"
        one, number = fit, 1
        while one in taken:
            number += 1
            one = f"{fit}~{number}"
        taken.add(one)
        found.append(one)
    return tuple(found)


def as_text(program: LinearProgram, form: str, remarks: Sequence[str] = ()) -> Iterator[str]:
    """The lines of the program in a format of `FORMATS`, after the remarks as comments."""
    return _lp(program, remarks) if form == "lp" else _mps(program, remarks)


def _number(value: float) -> str:
    return repr(float(value) + 0.0)


def _terms(names: Sequence[str], columns: Sequence[int], values: Sequence[float]) -> Iterator[str]:
    """Lines of "+ 2.5 name" each."""
    parts = [f"{'-' if v < 0.0 else '+'} {_number(abs(v))} {names[j]}" for j, v in zip(columns, values, strict=True)]
    for first in range(0, len(parts), PER_LINE):
        yield " " + " ".join(parts[first : first + PER_LINE])


def _lp(program: LinearProgram, remarks: Sequence[str]) -> Iterator[str]:
    columns = fit_names((*program.column_names, OFFSET))
    rows = fit_names(program.row_names)
    yield from (f"\\ {line}" for remark in remarks for line in remark.splitlines())
    yield "maximize" if program.maximise else "minimize"
    yield f" {OBJECTIVE}:"
    used = np.flatnonzero(program.cost)
    yield from _terms(columns, used.tolist(), program.cost[used].tolist())
    yield from _terms(columns, [len(program.column_names)], [program.offset]) if program.offset else ()
    yield "subject to"
    matrix = program.matrix
    for i, row in enumerate(rows):
        some = slice(matrix.indptr[i], matrix.indptr[i + 1])
        inside = list(_terms(columns, matrix.indices[some].tolist(), matrix.data[some].tolist()))
        low, high = float(program.row_lower[i]), float(program.row_upper[i])
        for name, sign, bound in _sides(row, low, high):
            yield f" {name}:"
            yield from inside or [f" + 0.0 {columns[0]}"]
            yield f"  {sign} {_number(bound)}"
    yield "bounds"
    for j, name in enumerate(columns[:-1]):
        low, high = float(program.col_lower[j]), float(program.col_upper[j])
        if low == high:
            yield f" {name} = {_number(low)}"
        elif np.isinf(low) and np.isinf(high):
            yield f" {name} free"
        elif (low, high) != (0.0, np.inf):
            yield f" {_bound(low)} <= {name} <= {_bound(high)}"
    if program.offset:
        yield f" {columns[-1]} = 1.0"
    yield "end"


def _sides(row: str, low: float, high: float) -> list[tuple[str, str, float]]:
    """A row as one that the format has: a range is two."""
    if low == high:
        return [(row, "=", high)]
    sides = [(">=", low)] if np.isfinite(low) else []
    sides += [("<=", high)] if np.isfinite(high) else []
    return [(row if n == 0 else f"{row}~high", sign, bound) for n, (sign, bound) in enumerate(sides)]


def _bound(value: float) -> str:
    return _number(value) if np.isfinite(value) else "-inf" if value < 0.0 else "+inf"


def _mps(program: LinearProgram, remarks: Sequence[str]) -> Iterator[str]:
    columns, rows = fit_names(program.column_names), fit_names((*program.row_names, OBJECTIVE))
    goal = rows[-1]
    yield from (f"* {line}" for remark in remarks for line in remark.splitlines())
    yield f"NAME {fit_names([program.name])[0]}"
    yield "OBJSENSE"
    yield f"    {'MAX' if program.maximise else 'MIN'}"
    yield "ROWS"
    yield f" N {goal}"
    ranged = []
    bounds = list(zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True))
    for row, (low, high) in zip(rows, bounds, strict=False):
        kind = "E" if low == high else "L" if np.isfinite(high) else "G"
        if kind == "L" and np.isfinite(low):
            ranged.append((row, high - low))
        yield f" {kind} {row}"
    yield "COLUMNS"
    matrix = program.matrix.tocsc()
    for j, name in enumerate(columns):
        some = slice(matrix.indptr[j], matrix.indptr[j + 1])
        if cost := float(program.cost[j]):
            yield f" {name} {goal} {_number(cost)}"
        elif matrix.indptr[j] == matrix.indptr[j + 1]:
            yield f" {name} {goal} 0.0"
        for i, value in zip(matrix.indices[some].tolist(), matrix.data[some].tolist(), strict=True):
            yield f" {name} {rows[i]} {_number(value)}"
    yield "RHS"
    if program.offset:
        yield f" RHS {goal} {_number(-program.offset)}"
    for row, (low, high) in zip(rows, bounds, strict=False):
        if side := high if np.isfinite(high) else low:
            yield f" RHS {row} {_number(side)}"
    if ranged:
        yield "RANGES"
        yield from (f" RANGE {row} {_number(width)}" for row, width in ranged)
    yield "BOUNDS"
    for j, name in enumerate(columns):
        low, high = float(program.col_lower[j]), float(program.col_upper[j])
        if low == high:
            yield f" FX BOUND {name} {_number(low)}"
        elif np.isinf(low) and np.isinf(high):
            yield f" FR BOUND {name}"
        else:
            yield from [f" MI BOUND {name}"] if np.isinf(low) else [f" LO BOUND {name} {_number(low)}"] if low else []
            yield from [f" UP BOUND {name} {_number(high)}"] if np.isfinite(high) else []
    yield "ENDATA"
