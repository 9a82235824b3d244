"""Why a linear program has no plan: the rules that must give way, and by how much at least.

Elastic programming: every row, and every upper bound that stands for a rule, may be violated at a price; the cheapest
violation names the rules in conflict (Chinneck 2008, Feasibility and Infeasibility in Optimization, ch. 6,
https://doi.org/10.1007/978-0-387-74932-7). Rows that only define an amount (equalities) are dear, so that limits give
way first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array, hstack, vstack

from ..models.program import LinearProgram
from .highs import LpStatus, Model, SolverError, Unsolved
from .magnitudes import far_apart
from .progress import Monitor, OutOfTime
from .scaling import apply, scale
from .solution import Relaxation

FloatArray = NDArray[np.float64]

EQUALITY_PRICE = 1e3
SMALLEST = 1e-7  # scaled amounts below are rounding
LARGEST = 1e5  # scaled limits above are the unit of all others


def relaxations(program: LinearProgram, monitor: Monitor, seed: int = 0) -> tuple[Relaxation, ...]:
    """The cheapest set of relaxations that gives `program` a plan, largest relative amount first.

    Raises `SolverError` if relaxing all rows and ruled bounds is not enough: then bounds on columns without a rule
    conflict.
    """
    scaling = scale(program)
    rows, columns = program.matrix.shape
    ruled = np.flatnonzero([bool(rule) for rule in program.bound_rules] & np.isfinite(program.col_upper))
    matrix = apply(scaling, csr_array(program.matrix))
    lower = np.append(program.row_lower * scaling.rows, np.full(ruled.size, -np.inf))
    upper = np.append(program.row_upper * scaling.rows, program.col_upper[ruled] / scaling.columns[ruled])
    # amounts are counted in the largest limit where that is huge: beside it the solver's tolerances are nothing
    unit = max(1.0, _largest(lower, upper, program.col_lower / scaling.columns) / LARGEST)
    lower, upper = lower / unit, upper / unit
    picks = csr_array((np.ones(ruled.size), (np.arange(ruled.size), ruled)), shape=(ruled.size, columns))
    total = rows + ruled.size
    whole = hstack([vstack([matrix, picks]), eye_array(total), -eye_array(total)])
    with np.errstate(invalid="ignore"):
        size = np.maximum(1.0, np.where(np.isfinite(lower), np.abs(lower), 0.0))
        size = np.maximum(size, np.where(np.isfinite(upper), np.abs(upper), 0.0))
    price = np.where(lower == upper, EQUALITY_PRICE, 1.0) / size
    free = np.where(np.isin(np.arange(columns), ruled), np.inf, program.col_upper / scaling.columns / unit)
    model = Model(
        cost=np.concatenate([np.zeros(columns), price, price]),
        matrix=csr_array(whole),
        row_lower=lower,
        row_upper=upper,
        col_lower=np.append(program.col_lower / scaling.columns / unit, np.zeros(2 * total)),
        col_upper=np.concatenate(
            [free, np.where(np.isfinite(lower), np.inf, 0.0), np.where(np.isfinite(upper), np.inf, 0.0)]
        ),
        seed=seed,
    )
    with monitor.solving():
        try:
            result = model.solve(monitor.left, monitor.heard)
        except Unsolved as fault:
            raise Unsolved(f"{fault}, made to say why '{program.name}' has no plan; {far_apart(program)}") from fault
    if result.status is LpStatus.OUT_OF_TIME:
        raise OutOfTime
    if result.status is not LpStatus.OPTIMAL:
        raise SolverError(
            f"'{program.name}' has no plan even with every rule relaxed ({result.status.value}): "
            "bounds on amounts contradict the rules' definitions"
        )
    raised, lowered = result.x[columns + total :], result.x[columns : columns + total]
    found = []
    for side, amounts in (("upper", raised), ("lower", lowered)):
        for i in map(int, np.flatnonzero(amounts > SMALLEST * size)):
            amount = float(amounts[i]) * unit
            if i < rows:
                entry = Relaxation(program.row_names[i], i, -1, side, amount / float(scaling.rows[i]))
            else:
                j = int(ruled[i - rows])
                entry = Relaxation(program.column_names[j], -1, j, side, amount * float(scaling.columns[j]))
            found.append((amount * float(price[i]), entry))
    found.sort(key=lambda pair: (-pair[0], pair[1].name))
    return tuple(entry for _, entry in found)


def _largest(*arrays: FloatArray) -> float:
    size = np.abs(np.concatenate(arrays))
    return float(size.max(where=np.isfinite(size), initial=0.0))
