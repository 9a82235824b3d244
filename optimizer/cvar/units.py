"""Units in which a CVaR program is easy to solve: amounts, losses, rows and objective near 1, by powers of two.

The losses stay where the caller has them; only what a unit of a decision means changes, so no digit is lost and the
solution is turned back exactly. Columns and rows by the geometric mean of their smallest and largest coefficient
(Tomlin, On scaling linear programming problems, 1975, https://doi.org/10.1007/BFb0120718), a CVaR counting as a row of
its losses' typical sizes; then all amounts by what the budget, the offsets or the limits ask for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ...kernels.matrix import Part
from ..arrays import FloatArray
from .program import Checked

ROWS_LOOKED_AT = 1024  # scenarios whose losses give the sizes
PASSES = 4
LARGEST = 1000.0  # exponent


@dataclass(frozen=True, eq=False)
class Units:
    """x = columns * x_scaled. rows: (rows,) and losses: (M,) by which a row and a loss are multiplied, objective the
    same. shifts: (M,) taken off the offsets before, in the caller's units.
    """

    columns: FloatArray
    rows: FloatArray
    losses: FloatArray
    objective: float
    shifts: FloatArray


def sized(program: Checked, mean: Sequence[tuple[FloatArray, float]]) -> Checked:
    """The program with the typical losses per unit of each column, from its mean losses and some of its scenarios."""
    taken = np.unique(np.linspace(0, program.count - 1, min(program.count, ROWS_LOOKED_AT)).astype(np.int64))
    sizes = np.zeros((len(program.parts), program.width))
    for m, part in enumerate(program.parts):
        some = part.block(taken)
        most = np.abs(some).max(axis=0)
        safe = np.where(most > 0.0, most, 1.0)
        sizes[m] = np.maximum(safe * np.sqrt(np.mean((some / safe) ** 2, axis=0)) * (most > 0.0), np.abs(mean[m][0]))
    return replace(program, sizes=sizes, span=np.ones(program.width))


def units_of(program: Checked, mean: Sequence[tuple[FloatArray, float]], x: FloatArray | None = None) -> Units:
    """Units for a program as `sized` returns it. x: (n,) a point whose amounts are typical, where one is known."""
    rows = program.matrix.shape[0]
    columns, row_scale, losses = _balanced(program)
    shifts = np.array([0.0 if part.offset is None else m[1] for part, m in zip(program.parts, mean, strict=True)])
    size = _amount(program, columns, row_scale, losses, shifts)
    if x is not None:
        far = float(np.abs(x / columns).max(initial=0.0))
        size = far if far > 0.0 and math.isfinite(far) else size
    columns = columns * _power(np.array([size]))[0]
    row_scale, losses = row_scale / size, losses / size
    losses, row_scale = _power(losses), _power(row_scale) if rows else np.zeros(0)
    steep = float(np.abs(program.cost * columns).max(initial=0.0))
    steep = max([steep, *(p / g for p, g in zip(program.prices, losses, strict=True))])
    if program.quadratic is not None:
        steep = max(steep, float((np.diagonal(program.quadratic) * columns**2).max(initial=0.0)))
    objective = float(_power(np.array([1.0 / steep if steep > 0.0 else 1.0]))[0])
    return Units(columns, row_scale, losses, objective, shifts)


def scaled(program: Checked, units: Units) -> Checked:
    """The program in these units. Its losses are the caller's arrays."""
    d, f = units.columns, units.objective
    parts = []
    for part, g, shift in zip(program.parts, units.losses, units.shifts, strict=True):
        offset = None if part.offset is None else (part.offset - shift) * g
        parts.append(Part(part.values, offset, (d if part.scale is None else d * part.scale) * g))
    matrix = csr_array(program.matrix)
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    data = matrix.data * units.rows[row_of] * d[matrix.indices]
    return replace(
        program,
        cost=program.cost * d * f,
        quadratic=None if program.quadratic is None else program.quadratic * d * d[:, None] * f,
        parts=tuple(parts),
        limits=tuple(float((v - s) * g) for v, s, g in zip(program.limits, units.shifts, units.losses, strict=True)),
        prices=tuple(float(v * f / g) for v, g in zip(program.prices, units.losses, strict=True)),
        matrix=csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape),
        row_lower=program.row_lower * units.rows,
        row_upper=program.row_upper * units.rows,
        lower=program.lower / d,
        upper=program.upper / d,
        constant=f * (program.constant + float(np.array(program.prices) @ units.shifts)),
        sizes=program.sizes * units.losses[:, None] * d,
        span=np.ones(program.width),
    )


def _balanced(program: Checked) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Factors of the columns, the rows and the losses that bring all coefficients near 1."""
    many, n = program.sizes.shape
    rows = program.matrix.shape[0]
    matrix = csr_array(program.matrix)
    extra = [*program.sizes]
    if program.quadratic is not None:
        extra.append(np.sqrt(np.abs(np.diagonal(program.quadratic))))
    if not any(e.any() for e in extra) or not program.sizes.any():
        extra.append(np.abs(program.cost))
    row_of = [np.repeat(np.arange(rows), np.diff(matrix.indptr))]
    column_of, size = [matrix.indices.astype(np.int64)], [np.abs(matrix.data)]
    for k, e in enumerate(extra):
        row_of.append(np.full(n, rows + k))
        column_of.append(np.arange(n))
        size.append(e)
    at, to, value = np.concatenate(row_of), np.concatenate(column_of), np.concatenate(size)
    kept = value > 0.0
    at, to, log = at[kept], to[kept], np.log2(value[kept])
    total = rows + len(extra)
    r, c = np.zeros(total), np.zeros(n)
    for _ in range(PASSES):
        r = -_middle(log + c[to], at, total)
        c = -_middle(log + r[at], to, n)
    columns = _power(np.exp2(np.clip(c, -LARGEST, LARGEST)))
    # what the columns make of each row: its largest entry is 1 then
    top = np.full(total, -np.inf)
    np.maximum.at(top, at, log + np.log2(columns)[to])
    scale = np.exp2(-np.clip(np.where(np.isfinite(top), top, 0.0), -LARGEST, LARGEST))
    return columns, scale[:rows], scale[rows : rows + many]


def _amount(program: Checked, columns: FloatArray, rows: FloatArray, losses: FloatArray, shifts: FloatArray) -> float:
    """How large the amounts are likely to be, in the columns' units."""
    low, high = program.row_lower * rows, program.row_upper * rows
    sides = np.abs(np.concatenate((low, high)))
    equal = np.abs(low[program.row_lower == program.row_upper])
    offsets = np.array(
        [float(np.std(p.offset - s)) * g for p, s, g in zip(program.parts, shifts, losses, strict=True)
         if p.offset is not None]
    )  # fmt: skip
    limits = np.abs((np.array(program.limits) - shifts) * losses)
    bounds = np.abs(np.concatenate((program.lower / columns, program.upper / columns)))
    for found, pick in ((equal, np.max), (offsets, np.max), (sides, np.max), (limits, np.min), (bounds, np.median)):
        some = found[np.isfinite(found) & (found > 0.0)]
        if some.size:
            return float(pick(some))
    return 1.0


def _middle(log: FloatArray, group: NDArray[np.int64], count: int) -> FloatArray:
    """Half the sum of the smallest and the largest logarithm in each group; 0 for an empty one."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, group, log)
    np.maximum.at(high, group, log)
    empty = low > high
    return np.where(empty, 0.0, 0.5 * (np.where(empty, 0.0, low) + np.where(empty, 0.0, high)))


def _power(size: FloatArray) -> FloatArray:
    """The powers of two nearest to sizes above 0."""
    return np.asarray(np.exp2(np.clip(np.round(np.log2(size)), -LARGEST, LARGEST)), dtype=np.float64)
