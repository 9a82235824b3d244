"""The last look at a plan before it is handed out, in the program's own units: rows, bounds and CVaRs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, diags_array

from ...models.program import LinearProgram
from ..arrays import FloatArray
from .highs import TOLERANCE, SolverError
from .magnitudes import far_apart
from .master import Master
from .phase_one import FEASIBLE
from .solution import Evaluation, RiskLimit

BROKEN = 1e-6  # of a row's limit and of the terms that make it up
CROSSED = 1e-7  # of the objective: a plan better than its bound by no more is rounding


def crossed(objective: float, upper: float) -> bool:
    """Whether a plan is better than its bound by more than rounding."""
    return objective - upper > CROSSED * max(1e-9, abs(objective))


def in_doubt(program: LinearProgram, objective: float, upper: float) -> str:
    """What to say of a plan that is better than its bound, however the bound is found."""
    return (
        f"the plan reaches {objective:.9g}, more than the bound of {upper:.9g} that the solver proves: neither can be "
        f"trusted; {far_apart(program)}"
    )


def check_plan(master: Master, risks: Sequence[RiskLimit], plan: Evaluation) -> None:
    """SolverError if a plan breaks a row, a bound or a limit."""
    found = faults(master.program, risks, master.scales, master.sizes, plan.x, plan.values)
    worst, name = master.worst_row(plan.x)
    if worst > BROKEN and not found:
        found = [f"row '{name}' is broken by {worst:.1e} of its size"]
    if found:
        raise SolverError(f"the solver's plan does not hold: {'; '.join(found)}; {far_apart(master.program)}")


def faults(
    program: LinearProgram,
    risks: Sequence[RiskLimit],
    scales: Sequence[float],
    sizes: FloatArray,
    x: FloatArray,
    values: FloatArray,
) -> list[str]:
    """What `x` (columns,) breaks, the worst row first; nothing where it is a plan.

    values: (M,) its CVaRs; scales: (M,) sizes of the losses, in which the limits hold to within FEASIBLE. A row holds
    to within BROKEN of the sum of its terms' sizes, or of its limit where that is larger; where all of them are about
    zero, to within the solver's tolerance at `sizes` (columns,), the usual size of each column.
    """
    if not np.isfinite(x).all():
        return [f"'{program.column_names[int(np.flatnonzero(~np.isfinite(x))[0])]}' is no number"]
    found = []
    # points between plans lie beyond a bound by rounding
    room = TOLERANCE * np.maximum(sizes, _finite_size(program.col_lower, program.col_upper))
    outside = np.flatnonzero((x < program.col_lower - room) | (x > program.col_upper + room))
    if outside.size:
        j = int(outside[0])
        bounds = f"[{program.col_lower[j]:.6g}, {program.col_upper[j]:.6g}]"
        found.append(f"'{program.column_names[j]}' is {x[j]:.6g}, outside {bounds}")
    matrix = csr_array(program.matrix)
    if matrix.shape[0]:
        value, terms = matrix @ x, abs(matrix) @ np.abs(x)
        over = np.maximum(program.row_lower - value, value - program.row_upper)
        size = np.maximum(terms, _finite_size(program.row_lower, program.row_upper))
        usual = (abs(matrix) @ diags_array(sizes)).max(axis=1).toarray().ravel()
        size = np.maximum(size, 2.0 * TOLERANCE / BROKEN * usual)
        share = over / np.where(size > 0.0, size, 1.0)
        i = int(np.argmax(share))
        if share[i] > BROKEN:
            name, rule = program.row_names[i], program.rule_of(program.row_index[i])
            about = f" ({rule.title}, {rule.unit})" if rule is not None else ""
            found.append(f"row '{name}'{about} is broken by {over[i]:.3g} where its terms add up to {terms[i]:.3g}")
    for risk, scale, at in zip(risks, scales, values, strict=True):
        if not at <= risk.limit + 2.0 * FEASIBLE * scale:
            found.append(f"CVaR of '{risk.name}' is {at:.9g}, above its limit of {risk.limit:.9g}")
    return found


def _finite_size(*limits: FloatArray) -> FloatArray:
    """(n,) the larger of the finite sizes of each row's or column's two limits, 0 where it has none."""
    return np.asarray(np.max([np.where(np.isfinite(limit), np.abs(limit), 0.0) for limit in limits], axis=0))
