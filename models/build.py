"""From a case to its ledger, and from both to the linear program as plain arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from .blocks import (
    budget,
    cash,
    circularity,
    covenants,
    entities,
    financing,
    funding_limits,
    hardware,
    objective,
    opening,
    revenue,
    revolver,
    rules,
    sites,
    tax,
)
from .blocks.assembly import Assembly
from .blocks.floors import with_floors
from .ledger import LEAST, Ledger, LedgerBuilder, reach
from .program import LinearProgram
from .schema.case import Case

FloatArray = NDArray[np.float64]


def _go_on() -> None:
    """What happens between the blocks where nobody asks to stop."""


def build_ledger(case: Case, between: Callable[[], None] = _go_on) -> Ledger:
    """All decisions of a case with their postings.

    `between` is called between the blocks; what it raises passes through.

    Price columns are the case's drivers, its products of drivers, and `one`; factors count the drivers in the order of
    `with_floors(case)`: the case's, then those that floored coupons need. Raises ValueError if an instrument's terms do
    not make a schedule.
    """
    case = with_floors(case)
    columns = {d.id: (d.id,) for d in case.driver} | {c.id: c.drivers for c in case.column}
    builder = LedgerBuilder(columns, [d.id for d in case.driver], case.horizon.periods)
    for block in (opening, hardware, sites, revenue, financing, revolver, tax, entities):
        between()
        block.declare(case, builder)
    between()
    return builder.freeze()


def build_program(
    case: Case,
    ledger: Ledger,
    means: FloatArray,
    deposit_rates: FloatArray,
    closed: entities.Calendar = (),
    nothing_due: entities.Calendar = (),
    between: Callable[[], None] = _go_on,
) -> LinearProgram:
    """The linear program of a case on its expected path, modelled in Pyomo and compiled once.

    Args:
        case: the case.
        ledger: `build_ledger(case)`.
        means: (A,) sample means of the ledger's atoms.
        deposit_rates: (T,) expected interest on a surplus, per period (not per year).
        closed: (entity, period) in which an entity's tests of distributions are not met, so that it pays none.
        nothing_due: (name of a covenant's tests or of a lock-up, period) in which nothing is due, so that it is not
            tested.
        between: called between the blocks; what it raises passes through.

    Raises ValueError if shapes do not match or a number is not finite.
    """
    means = np.asarray(means, dtype=np.float64)
    rates = np.asarray(deposit_rates, dtype=np.float64)
    if means.shape != (ledger.factors.shape[0],) or rates.shape != (case.horizon.periods,):
        raise ValueError(f"{means.shape} means and {rates.shape} rates do not fit the ledger and the horizon")
    if not (np.isfinite(means).all() and np.isfinite(rates).all()):
        raise ValueError("the means of the price columns or the deposit rates are not all finite")
    from pyomo.common.gc_manager import PauseGC

    with PauseGC():
        a = Assembly(case, ledger, means, rates)
        for layer in rules.PACE.values():
            a.use_rule(layer)
        cash.constrain(a)
        entities.constrain(a, closed, nothing_due)
        for block in (hardware, sites, revenue, funding_limits, revolver, circularity, budget, tax):
            between()
            block.constrain(a)
        between()
        covenants.constrain(a, nothing_due)
        between()
        return _compiled(a, objective.primary(a), objective.value(a))


def _compiled(a: Assembly, goal: objective.Goal, value: objective.Goal) -> LinearProgram:
    """Compile the Pyomo model and put its columns back into the assembly's order, unused ones included."""
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    a.goal("objective", goal.cost, goal.offset, goal.maximise)
    a.goal("value", value.cost, value.offset, value.maximise)
    info = LinearStandardFormCompiler().write(a.model, mixed_form=True, set_sense=None)
    number = {id(v): j for j, v in enumerate(a.columns)}
    at = np.array([number[id(v)] for v in info.columns], dtype=np.int64)
    matrix = coo_array(info.A)
    costs = np.zeros((2, len(a.columns)))
    costs[:, at] = info.c.toarray()
    extra = a.constant_rows
    rows = len(info.rows) + len(extra)
    kind = np.array([r.bound_type for r in info.rows], dtype=np.int64)
    right = np.asarray(info.rhs, dtype=np.float64)
    lower = np.where(kind > 0, -np.inf, right)
    upper = np.where(kind < 0, np.inf, right)
    names = [str(r.constraint.index()) for r in info.rows]
    limits = np.array([v.bounds for v in a.columns], dtype=np.float64)  # None becomes nan
    col_lower = np.where(np.isnan(limits[:, 0]), -np.inf, limits[:, 0])
    col_upper = np.where(np.isnan(limits[:, 1]), np.inf, limits[:, 1])
    size = reach(col_lower, col_upper)
    whole = csr_array((matrix.data, (matrix.row, at[matrix.col])), shape=(rows, len(a.columns)))
    program = LinearProgram(
        matrix=_told(whole, size),
        cost=_shown(costs[0], size),
        offset=float(info.c_offset[0]),
        maximise=goal.maximise,
        value=_shown(costs[1], size),
        value_offset=float(info.c_offset[1]),
        row_lower=np.concatenate([lower, [low for _, low, _ in extra]]),
        row_upper=np.concatenate([upper, [high for _, _, high in extra]]),
        col_lower=col_lower,
        col_upper=col_upper,
        decisions=np.arange(len(a.ledger.decisions), dtype=np.int32),
        row_names=(*names, *(name for name, _, _ in extra)),
        column_names=tuple(a.column_names),
        bound_rules=tuple(a.bound_rules),
        rules=dict(a.rules),
        name=a.case.case.name,
        unit=goal.unit,
    )
    if not all(np.isfinite(v).all() for v in (program.matrix.data, program.cost, program.value)):
        raise ValueError("the linear program holds a number that is not finite")
    return program


def _told(matrix: csr_array, size: FloatArray) -> csr_array:
    """The rows without coefficients that no plan could show, `size` being how large each column may be: what is left of
    sums that cancel, and shares of nearly nothing. As `Ledger.told`, and with its argument.
    """
    kept = csr_array(matrix, copy=True)
    kept.data = _shown(kept.data, size[kept.indices])
    kept.eliminate_zeros()
    return kept


def _shown(coefficient: FloatArray, size: FloatArray) -> FloatArray:
    return np.where(np.abs(coefficient) * size < LEAST, 0.0, coefficient)
