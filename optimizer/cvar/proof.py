"""What is proven of a CVaR program from its own arrays: a lower bound by multipliers, and the check of a point.

For weights of the tails that are admissible (0 <= w_s <= p_s / (1 - level), sum w = 1) the weighted mean loss is
nowhere above the CVaR. So prices theta_m of the CVaRs and y of the rows give, by Lagrange, an affine function below the
objective at every feasible point; its least value over the columns' bounds is a lower bound on the optimum, whatever
solver the multipliers come from, and however inexact they are (Neumaier & Shcherbina 2004,
https://doi.org/10.1007/s10107-003-0433-3). With all costs 0, a bound above 0 proves that there is no feasible point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from ..arrays import FloatArray
from .blas import one_thread
from .program import Checked
from .units import Units

ROUNDING = 8.0 * np.finfo(np.float64).eps  # of the sum of a sum's terms: what its rounding may be
FREE = 1e-9  # of its terms: a reduced cost that counts as 0, of a column that has no bound on that side
REACH = 100.0  # times the largest amount: what such a reduced cost is charged for
ROW_TOLERANCE = 1e-9  # of the size of a row's bound, by which a point may exceed it
LIMIT_TOLERANCE = 1e-9  # the same of a limit
GROSS = 1e-3  # of the sum of the sizes of the terms: a bound is not taken to be smaller than this
SETTLINGS = 3  # of the tangent of a quadratic
MOST_SETTLED = 1_000  # columns that take part in it
INFEASIBLE = 1e-9  # of its terms: a bound on 0 that must be exceeded for a proof that there is no point


@dataclass(frozen=True, eq=False)
class Evidence:
    """Multipliers. prices: (M,) of each CVaR, that of its limit included. gradient: (M, n) and constant: (M,) of the
    priced CVaR's weighted mean loss, each times its price. rows: (rows,) of the rows, above 0 for a lower bound. at:
    (n,) where the tangent of the quadratic is taken.
    """

    prices: FloatArray
    gradient: FloatArray
    constant: FloatArray
    rows: FloatArray
    at: FloatArray


@dataclass(frozen=True, eq=False)
class Bounded:
    """value: no feasible point has a smaller objective; -inf where the multipliers prove nothing. reduced: (n,) reduced
    costs. leaning: what of the value rests on the reach of columns without bounds. size: sum of the sizes of its terms.
    """

    value: float
    reduced: FloatArray
    leaning: float
    size: float


def bound(program: Checked, evidence: Evidence, x: FloatArray) -> Bounded:
    """The lower bound that multipliers prove. x: (n,) a point; its amounts say how far columns without bounds reach."""
    e, p = evidence, program
    rows, prices = _usable(p, e)
    limits = np.array(p.limits)
    matrix = csr_array(p.matrix)
    quadratic = np.zeros(p.width) if p.quadratic is None else p.quadratic @ e.at
    terms = [p.cost, quadratic, *(e.gradient * prices[1][:, None]), -(matrix.T @ rows)]
    reduced = np.sum(terms, axis=0)
    size = np.sum(np.abs(terms), axis=0) + abs(matrix).T @ np.abs(rows) - np.abs(matrix.T @ rows)
    typical = size + (prices[0] @ p.sizes if p.sizes.size else 0.0)
    amount = np.maximum(np.abs(x), p.span * float(np.abs(x / p.span).max(initial=0.0)))
    amount = np.maximum(amount, p.span)
    side = np.where(reduced > 0.0, p.lower, p.upper)
    nothing = np.abs(reduced) <= FREE * typical
    # a bound that is far beyond all amounts is none, or the rounding of a reduced cost would weigh more than all else
    open_side = (np.isinf(side) | (nothing & (np.abs(side) > REACH * amount))) & (reduced != 0.0)
    if not nothing[open_side].all() or not np.isfinite(reduced).all():
        return Bounded(-math.inf, reduced, 0.0, math.inf)
    leaning = float(np.sum(np.abs(reduced[open_side]) * REACH * amount[open_side]))
    held = ~open_side & (reduced != 0.0)
    extra = np.maximum(prices[0] - np.array(p.prices), 0.0)
    limited = np.isfinite(limits) & (extra > 0.0)
    side_rows = np.where(rows > 0.0, p.row_lower, p.row_upper)
    pieces = np.concatenate((
        reduced[held] * side[held],
        (rows * np.where(rows != 0.0, side_rows, 0.0)),
        e.constant * prices[1],
        -(extra * np.where(limited, limits, 0.0)),
        [p.constant, -0.5 * float(e.at @ quadratic), -leaning],
    ))  # fmt: skip
    total = float(np.abs(pieces).sum())
    # the rounding of reduced costs counts where their columns may be
    far = np.where(np.isfinite(side), np.abs(side), amount)
    slip = ROUNDING * (total + float(size @ np.minimum(far, np.maximum(amount, 0.0))))
    value = math.fsum(pieces) - slip
    return Bounded(value if math.isfinite(value) else -math.inf, reduced, leaning, total)


def settled(program: Checked, evidence: Evidence) -> Evidence:
    """The evidence with the tangent of the quadratic moved to where no column without a bound has a reduced cost that
    would fall for ever: there the Lagrangian is least.
    """
    p, e = program, evidence
    if p.quadratic is None:
        return e
    rows, prices = _usable(p, e)
    fixed = p.cost + (e.gradient * prices[1][:, None]).sum(axis=0) - csr_array(p.matrix).T @ rows
    at, some = np.array(e.at), np.zeros(p.width, dtype=np.bool_)
    for _ in range(SETTLINGS):
        reduced = fixed + p.quadratic @ at
        wrong = (np.isinf(p.lower) & (reduced > 0.0)) | (np.isinf(p.upper) & (reduced < 0.0))
        if not wrong.any():
            break
        some |= wrong
        held = np.flatnonzero(some)
        if held.size > MOST_SETTLED:
            break
        unit = np.sqrt(np.maximum(np.diagonal(p.quadratic)[held], 1e-300))
        square = p.quadratic[np.ix_(held, held)] / unit / unit[:, None]
        with one_thread():
            at[held] -= np.linalg.lstsq(square, reduced[held] / unit, rcond=1e-13)[0] / unit
    return replace(e, at=at)


def _usable(p: Checked, e: Evidence) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Multipliers with the signs that they must have: of the rows; the prices, and the factors that make them so."""
    rows = np.where((e.rows > 0.0) & np.isinf(p.row_lower), 0.0, e.rows)
    rows = np.where((rows < 0.0) & np.isinf(p.row_upper), 0.0, rows)
    given = np.array(p.prices)
    wanted = np.where(np.isfinite(np.array(p.limits)), np.maximum(e.prices, given), given)
    factor = np.divide(wanted, e.prices, out=np.zeros_like(wanted), where=e.prices > 0.0)
    if (wanted[e.prices <= 0.0] > 0.0).any():
        factor = np.where((e.prices <= 0.0) & (wanted > 0.0), np.nan, factor)
    return rows, (wanted, factor)


def in_units(evidence: Evidence, units: Units) -> Evidence:
    """Multipliers of the scaled program as those of the caller's program."""
    f, d, g = units.objective, units.columns, units.losses
    prices = evidence.prices * g / f
    return Evidence(
        prices=prices,
        gradient=evidence.gradient / (f * d),
        constant=evidence.constant / f + prices * units.shifts,
        rows=evidence.rows * units.rows / f,
        at=evidence.at * d,
    )


def farkas(program: Checked, evidence: Evidence) -> bool:
    """Whether multipliers prove that the program has no feasible point."""
    zero = np.zeros(program.width)
    nothing = replace(program, cost=zero, quadratic=None, prices=(0.0,) * len(program.prices), constant=0.0)
    found = bound(nothing, replace(evidence, at=zero), program.span)
    return bool(found.value > INFEASIBLE * found.size and found.value > found.leaning)


@dataclass(frozen=True, eq=False)
class Broken:
    """By how much a point exceeds what it must keep, relative to sizes. row, limit: the largest; named: which."""

    row: float
    limit: float
    named: str


def broken(program: Checked, x: FloatArray, cvar: FloatArray) -> Broken:
    """The check of a point within its bounds, by its rows and limits."""
    matrix = csr_array(program.matrix)
    rows, named, limit = 0.0, "", 0.0
    if matrix.shape[0]:
        activity = matrix @ x
        size = abs(matrix) @ np.abs(x)
        over = np.maximum(program.row_lower - activity, activity - program.row_upper)
        side = np.where(
            program.row_lower - activity > activity - program.row_upper, program.row_lower, program.row_upper
        )
        relative = np.maximum(over, 0.0) / np.maximum.reduce([GROSS * size, np.abs(side), np.full(over.size, 1e-300)])
        worst = int(np.argmax(relative))
        rows, named = float(relative[worst]), f"row[{worst}]"
    for m, most in enumerate(program.limits):
        if math.isfinite(most):
            gross = GROSS * float(program.sizes[m] @ np.abs(x)) if program.sizes.size else 0.0
            share = float((cvar[m] - most) / max(abs(most), abs(cvar[m]), gross, 1e-300))
            if share > limit:
                limit, named = share, named if rows > ROW_TOLERANCE else program.names[m]
    return Broken(rows, limit, named)


def objective(program: Checked, x: FloatArray, cvar: FloatArray) -> float:
    """The objective of a point and its CVaRs, summed without rounding of the sum."""
    pieces = [*(program.cost * x), *(np.array(program.prices) * cvar), program.constant]
    if program.quadratic is not None:
        pieces.append(0.5 * float(x @ (program.quadratic @ x)))
    return math.fsum(pieces)


def combined(
    terms: int, width: int, cuts: Sequence[tuple[int, FloatArray, float]], multipliers: FloatArray, rows: FloatArray,
    at: FloatArray,
) -> Evidence:  # fmt: skip
    """The evidence of cuts (term, gradient (n,), constant) with multipliers (cuts,) >= 0."""
    prices, gradient, constant = np.zeros(terms), np.zeros((terms, width)), np.zeros(terms)
    for (m, slope, offset), pi in zip(cuts, multipliers, strict=True):
        if pi > 0.0:
            prices[m] += pi
            gradient[m] += pi * slope
            constant[m] += pi * offset
    return Evidence(prices, gradient, constant, rows, at)
