"""By how much chosen rows and risk limits have to give way so that a plan exists, with proof of both sides.

One column v is added: each chosen row and each chosen limit gives way by v times its weight, and v is minimised under
all other rows and limits by the search itself. So its value is a plan's, evaluated on every scenario, and its bound is
the certificate's. A limit's loss is lower by v times the weight in every scenario alike, which lowers its CVaR by as
much (translation invariance, Artzner et al. 1999, https://doi.org/10.1111/1467-9965.00068).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from ...kernels.backend import Evaluator, ScenarioStore
from ...models.program import Index, LinearProgram
from ..arrays import FloatArray
from .progress import Progress
from .search import maximise
from .settings import Settings
from .solution import RiskLimit, Status

COLUMN = "violation"
OFFSET = 2.0  # the objective is this and v, so that its size is that of 1 where v is about 0


@dataclass(frozen=True)
class Yielding:
    """What gives way, and its weight: by so much of its own unit per unit of v.

    rows: by number. columns: lower bounds, by the number of the column. limits: by the number of the risk limit.
    """

    rows: Mapping[int, float] = field(default_factory=dict)
    columns: Mapping[int, float] = field(default_factory=dict)
    limits: Mapping[int, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows or self.columns or self.limits)


@dataclass(frozen=True)
class Violation:
    """No plan gives way by less than `bound`; one gives way by `value`, infinite where none does or none was found.

    decided: the search came to its end. columns: (columns,) the plan, without v.
    """

    value: float
    bound: float
    decided: bool
    columns: FloatArray | None = None


def least_violation(
    program: LinearProgram,
    risks: Sequence[RiskLimit],
    evaluator: Evaluator,
    store: ScenarioStore,
    settings: Settings,
    yielding: Yielding,
    least: float = 0.0,
    progress: Progress | None = None,
) -> Violation:
    """Minimise v >= `least`, which is -1 or more.

    Where nothing gives way it is asked whether there is a plan at all: then the value is 0 or infinite.

    Raises KeyboardInterrupt where the search was interrupted; SolverError as `maximise`.
    """
    wide = _widened(program, yielding, least)
    limits = [_relieved(risk, yielding.limits.get(m, 0.0), wide.decisions.size) for m, risk in enumerate(risks)]
    found = maximise(wide, limits, evaluator, store, replace(settings, polish=False, explain=False), progress)
    found = found.uninterrupted()
    if found.status is Status.INFEASIBLE:
        return Violation(math.inf, math.inf, True)
    if found.columns is None:
        return Violation(math.inf, least, False)
    value, bound = found.upper - OFFSET, found.lower - OFFSET
    return Violation(value, max(bound, least), found.status is Status.CERTIFIED, found.columns[:-1])


def least_sum(
    program: LinearProgram,
    risks: Sequence[RiskLimit],
    evaluator: Evaluator,
    store: ScenarioStore,
    settings: Settings,
    rows: Sequence[int],
    most: float,
    progress: Progress | None = None,
) -> FloatArray | None:
    """(rows,) by how much each of these rows gives way, `most` at most, in its own unit, where their sum is least.

    None where no plan was found. Raises as `least_violation`.
    """
    count, width = program.matrix.shape
    many = len(rows)
    each = np.arange(many)
    upper = np.isfinite(program.row_upper[list(rows)])
    give = csr_array((np.where(upper, -1.0, 1.0), (list(rows), each)), shape=(count, many))
    names = [f"{program.row_names[i]} {COLUMN}" for i in rows]
    wide = replace(
        program,
        matrix=csr_array(hstack([program.matrix, give])),
        cost=np.append(np.zeros(width), np.ones(many)),
        offset=OFFSET,
        maximise=False,
        value=np.zeros(width + many),
        value_offset=0.0,
        col_lower=np.append(program.col_lower, np.zeros(many)),
        col_upper=np.append(program.col_upper, np.full(many, most)),
        column_names=(*program.column_names, *names),
        bound_rules=(*program.bound_rules, *[""] * many),
        column_index=(*program.column_index, *map(Index, names)),
    )
    found = maximise(wide, risks, evaluator, store, replace(settings, polish=False, explain=False), progress)
    found = found.uninterrupted()
    return None if found.columns is None else found.columns[width:]


def _relieved(risk: RiskLimit, weight: float, count: int) -> RiskLimit:
    """The limit over one decision more, v."""
    entries = risk.matrix.shape[0]
    matrix = csr_array(hstack([risk.matrix, csr_array((entries, 1))]))
    if weight == 0.0:
        return replace(risk, matrix=matrix)
    relief = np.zeros(count)
    relief[-1] = weight
    return replace(risk, matrix=matrix, relief=relief)


def _widened(program: LinearProgram, yielding: Yielding, least: float) -> LinearProgram:
    """The program with the column v, which alone costs."""
    count, width = program.matrix.shape
    rows, lower, upper = sorted(yielding.rows), program.row_lower.copy(), program.row_upper.copy()
    low, columns = program.col_lower.copy(), sorted(yielding.columns)
    matrix = csr_array(hstack([program.matrix, csr_array((count, 1))]))
    names = []
    if rows:
        both = [i for i in rows if math.isfinite(lower[i]) and math.isfinite(upper[i])]
        side = {i: -1.0 if math.isfinite(upper[i]) else 1.0 for i in rows}
        data = [side[i] * yielding.rows[i] for i in rows]
        matrix = csr_array(matrix + csr_array((data, (rows, [width] * len(rows))), shape=matrix.shape))
        give = csr_array(
            (2.0 * np.array([yielding.rows[i] for i in both]), (range(len(both)), [width] * len(both))),
            shape=(len(both), width + 1),
        )
        matrix = csr_array(vstack([matrix, csr_array(matrix[both]) + give]))
        lower, upper = np.append(lower, lower[both]), np.append(upper, np.full(len(both), math.inf))
        lower[both] = -math.inf
        names += [f"lower limit of {program.row_names[i]}" for i in both]
    if columns:
        each = np.arange(len(columns))
        own = csr_array((np.ones(len(columns)), (each, columns)), shape=(len(columns), width + 1))
        give = csr_array(
            ([yielding.columns[j] for j in columns], (each, np.full(len(columns), width))), shape=own.shape
        )
        matrix = csr_array(vstack([matrix, own + give]))
        lower, upper = np.append(lower, low[columns]), np.append(upper, np.full(len(columns), math.inf))
        low[columns] = np.minimum(low[columns], 0.0)
        names += [f"lower bound of {program.column_names[j]}" for j in columns]
    return replace(
        program,
        matrix=matrix,
        cost=np.append(np.zeros(width), 1.0),
        offset=OFFSET,
        maximise=False,
        value=np.zeros(width + 1),
        value_offset=0.0,
        row_lower=lower,
        row_upper=upper,
        col_lower=np.append(low, least if yielding else 0.0),
        col_upper=np.append(program.col_upper, math.inf if yielding else 0.0),
        decisions=np.append(program.decisions, np.int32(width)),
        row_names=(*program.row_names, *names),
        column_names=(*program.column_names, COLUMN),
        bound_rules=(*program.bound_rules, ""),
        row_index=(*program.row_index, *map(Index, names)),
        column_index=(*program.column_index, Index(COLUMN)),
    )
