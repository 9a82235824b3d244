"""The extensive form: one block of variables per scenario. An independent oracle for the cutting-plane loop.

CVaR by Rockafellar & Uryasev (2000): eta + sum_s u_s / k <= limit, u_s >= loss_s - eta, u_s >= 0. The PEAK recursion
as inequalities: b_t <= (1 + surplus) b_{t-1} + flow_t and b_t <= (1 + deficit) b_{t-1} + flow_t, whose largest solution
is the recursion itself because a higher balance never hurts; with a revolver a third one, (1 + deficit) b_{t-1} +
(deficit - revolver) line_{t-1} + flow_t, and the line counts beside the balance. Flows are formed here from the driver
values, without the kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np
import scipy.sparse as sp
from capmix.kernels.tables import LossKind, LossTable
from capmix.models.program import LinearProgram
from capmix.optimizer.cutting_planes.solution import RiskLimit


@dataclass(frozen=True)
class Extensive:
    """maximise cost @ z + offset, lower <= matrix @ z <= upper, low <= z <= high.

    The first `columns` of z are the program's.
    """

    cost: np.ndarray
    offset: float
    matrix: sp.csr_array
    lower: np.ndarray
    upper: np.ndarray
    low: np.ndarray
    high: np.ndarray
    columns: int


def flow_matrices(table: LossTable, values: np.ndarray) -> np.ndarray:
    """(S, periods, E) flow per unit of each exposure. values: (S, D, T)."""
    terms = table.terms
    flat = values.reshape(values.shape[0], -1)
    out = np.zeros((values.shape[0], terms.periods, terms.entries))
    for t in range(terms.periods):
        for e in range(terms.start[t], terms.start[t + 1]):
            product = np.ones(values.shape[0])
            for f in terms.factors[terms.atom[e]]:
                if f >= 0:
                    product = product * flat[:, f]
            out[:, t, e] = product
    return out


def rates(table: LossTable, values: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(S,) surplus, revolver and deficit rate of period t; without a revolver the second is the third."""
    x = values[:, table.rate_driver, max(t - 1, 0)] if table.rate_driver >= 0 else np.zeros(values.shape[0])
    surplus = np.maximum(0.0, table.dt * (x + table.surplus_margin))
    deficit = np.maximum(surplus, table.dt * (x + table.deficit_margin))
    drawn = np.maximum(surplus, table.dt * (x + table.revolver_margin)) if table.revolver else deficit
    return surplus, drawn, np.maximum(drawn, deficit)


def extensive(program: LinearProgram, risks: Sequence[RiskLimit], values: np.ndarray) -> Extensive:
    """The whole problem over the scenarios `values` (S, D, T) as one linear program."""
    count = values.shape[0]
    columns = program.matrix.shape[1]
    blocks: list[list[sp.sparray | None]] = []
    lower, upper = [program.row_lower], [program.row_upper]
    low, high = [program.col_lower], [program.col_upper]
    widths = [columns]
    rows: list[tuple[sp.sparray, list[tuple[int, sp.sparray]]]] = [(sp.csr_array(program.matrix), [])]
    for risk in risks:
        table, k = risk.table, (1.0 - risk.level) * count
        periods = table.terms.periods
        flow = flow_matrices(table, values)
        picks = sp.csr_array(
            (np.ones(program.decisions.size), (np.arange(program.decisions.size), program.decisions)),
            shape=(program.decisions.size, columns),
        )
        decide = sp.csr_array(risk.matrix) @ picks  # (E, columns)
        eye = sp.eye_array(count, format="csr")
        here = len(widths)  # blocks of this limit: eta, u, b_0 ... b_{T-1} (PEAK)
        widths += [1, count]
        low += [np.array([-np.inf]), np.zeros(count)]
        high += [np.array([np.inf]), np.full(count, np.inf)]
        eta, u = here, here + 1
        ones = sp.csr_array(np.ones((count, 1)))
        terms = table.terms.entries
        nothing = sp.csr_array((1, columns))
        # (S, columns) in each period
        lines = [ones @ (decide[[terms + t]] if table.revolver else nothing) for t in range(periods)]
        for t in range(periods):
            here_flow = sp.csr_array(flow[:, t, :]) @ decide[:terms]  # (S, columns)
            if table.kind == LossKind.WORST:  # u + eta + flow >= floor
                rows.append((here_flow, [(eta, ones), (u, eye)]))
                lower.append(np.full(count, table.floor[t]))
                upper.append(np.full(count, np.inf))
                continue
            widths.append(count)
            low.append(np.full(count, -np.inf))
            high.append(np.full(count, np.inf))
            b = len(widths) - 1
            rows.append((sp.csr_array(lines[t]), [(eta, ones), (u, eye), (b, eye)]))
            lower.append(np.full(count, table.floor[t]))
            upper.append(np.full(count, np.inf))
            surplus, drawn, deficit = rates(table, values, t)
            for rate in (surplus, drawn, deficit) if table.revolver else (surplus, deficit):
                grow = sp.diags_array(1.0 + rate, format="csr")
                if t == 0:  # the opening balance is known: only its own side applies
                    side = surplus if table.opening >= 0.0 else deficit
                    rows.append((here_flow, [(b, -eye)]))
                    lower.append(-(1.0 + side) * table.opening)
                else:
                    dearer = sp.diags_array(deficit - drawn) @ lines[t - 1] if rate is deficit else 0.0 * here_flow
                    rows.append((sp.csr_array(here_flow + dearer), [(b - 1, grow), (b, -eye)]))
                    lower.append(np.zeros(count))
                upper.append(np.full(count, np.inf))
        rows.append(
            (sp.csr_array((1, columns)), [(eta, sp.csr_array([[1.0]])), (u, sp.csr_array(np.full((1, count), 1 / k)))])
        )
        lower.append(np.array([-np.inf]))
        upper.append(np.array([risk.limit]))
    for first, others in rows:
        line: list[sp.sparray | None] = [first] + [sp.csr_array((first.shape[0], w)) for w in widths[1:]]
        for where, block in others:
            line[where] = block
        blocks.append(line)
    sense = 1.0 if program.maximise else -1.0
    return Extensive(
        cost=np.append(sense * program.cost, np.zeros(sum(widths[1:]))),
        offset=sense * program.offset,
        matrix=sp.csr_array(sp.block_array(blocks, format="csr")),
        lower=np.concatenate(lower),
        upper=np.concatenate(upper),
        low=np.concatenate(low),
        high=np.concatenate(high),
        columns=columns,
    )


def solve_highs(form: Extensive, **options: str) -> tuple[float, np.ndarray]:
    """(objective, columns of the program) by HiGHS with its options. AssertionError if it does not end optimal."""
    h = highspy.Highs()
    h.silent()
    for name, value in options.items():
        assert h.setOptionValue(name, value) == highspy.HighsStatus.kOk
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = form.matrix.shape
    lp.col_cost_ = -form.cost
    lp.col_lower_, lp.col_upper_ = form.low, form.high
    lp.row_lower_, lp.row_upper_ = form.lower, form.upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = form.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = form.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = form.matrix.data
    assert h.passModel(lp) == highspy.HighsStatus.kOk
    assert h.run() == highspy.HighsStatus.kOk
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal, h.getModelStatus()
    x = np.array(h.getSolution().col_value)
    return -h.getInfo().objective_function_value + form.offset, x[: form.columns]


def solve_clarabel(form: Extensive) -> float:
    """Objective by Clarabel, an interior-point solver, through CVXPY."""
    import cvxpy as cp

    z = cp.Variable(form.cost.size)
    limits = []
    for rows, bound, sign in (
        (form.matrix, form.lower, -1.0),
        (form.matrix, form.upper, 1.0),
        (sp.eye_array(form.cost.size, format="csr"), form.low, -1.0),
        (sp.eye_array(form.cost.size, format="csr"), form.high, 1.0),
    ):
        keep = np.flatnonzero(np.isfinite(bound))
        if keep.size:
            limits.append((sign * rows[keep]) @ z <= sign * bound[keep])
    problem = cp.Problem(cp.Maximize(form.cost @ z), limits)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    assert problem.status == cp.OPTIMAL, problem.status
    return float(problem.value) + form.offset


def least_cvar(program: LinearProgram, risk: RiskLimit, values: np.ndarray) -> float:
    """The least CVaR of one loss over the program, by HiGHS on the extensive form."""
    form = extensive(program, [risk], values)
    row = form.matrix[[-1]].toarray().ravel()  # eta + sum u / k
    free = np.append(form.upper[:-1], np.inf)
    return -solve_highs(replace(form, cost=-row, offset=0.0, upper=free))[0]


def cvar(risk: RiskLimit, decisions: np.ndarray, values: np.ndarray) -> float:
    """CVaR of one loss at given decisions, simulated here scenario by scenario in plain loops over periods."""
    table = risk.table
    exposure = risk.matrix @ decisions
    flow = flow_matrices(table, values) @ exposure[: table.terms.entries]
    line = exposure[table.terms.entries :] if table.revolver else np.zeros(table.terms.periods)
    if table.kind == LossKind.WORST:
        loss = (table.floor - flow).max(axis=1)
    else:
        balance = np.full(values.shape[0], table.opening)
        loss = np.full(values.shape[0], -np.inf)
        for t in range(table.terms.periods):
            surplus, drawn, deficit = rates(table, values, t)
            within = -np.minimum(np.maximum(-balance, 0.0), line[t - 1] if t else 0.0)
            beyond = np.minimum(balance, 0.0) - within
            balance = balance + np.maximum(balance, 0.0) * surplus + within * drawn + beyond * deficit + flow[:, t]
            loss = np.maximum(loss, table.floor[t] - line[t] - balance)
    worst = np.sort(loss)[::-1]
    k = (1.0 - risk.level) * loss.size
    whole = int(k + 1e-9)
    part = k - whole
    return float((worst[:whole].sum() + (part * worst[whole] if part > 1e-9 else 0.0)) / k)
