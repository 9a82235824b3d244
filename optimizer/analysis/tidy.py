"""The plan as it is handed over: amounts too small to be decisions are zero, and the tax is that of its income.

Points between plans hold traces of each of them, and of the tax that each of them would have paid. Both are put right
after the search, and the plan that comes of it takes the other's place only if it holds every row, every bound and
every risk limit over all scenarios, is certified as well, and is worth no less: the certificate is then its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack
from scipy.sparse.linalg import spsolve

from ...models.blocks.tax import DEFERRED, put_off
from ...models.ledger import Account, Decision
from ...models.program import LinearProgram
from ..arrays import FloatArray
from ..cutting_planes.highs import LpStatus, Model, SolverError
from ..cutting_planes.phase_one import FEASIBLE
from ..cutting_planes.progress import relative_gap
from ..cutting_planes.scaling import apply, scale
from ..cutting_planes.solution import RiskLimit, RiskValue, Solution, Status
from ..setup.adaptive import Adaptive
from ..setup.prepare import PlanningProblem
from .adaptive_amounts import adaptive_amounts, node_amounts
from .expected import Amounts, settled

ROW = 1e-7  # in scaled units, relative: what a row may be off by
WORTH = 1e-5  # of the value: what cleaning may cost
SHOWN = 5e-7  # of the objective: what is left out of tables together comes to less
CROSSED = 1e-9  # relative: bounds that cross by less do so by rounding
PREPAID = 1e-6  # of the largest tax: tax beyond that of the income which is worth a remark


def tidied(ready: PlanningProblem, solution: Solution, limits: Sequence[RiskLimit], gap: float) -> Solution:
    """The solution with its plan put right, else as it was, with a remark where its tax is not that of its income.

    limits: of the search, in its order. gap: at which a plan counts as certified. Takes one pass over all scenarios.
    """
    if solution.columns is None or solution.decisions is None:
        return solution
    repair = solution.status is Status.CERTIFIED  # a search that was stopped has no time left for it
    for decided in _candidates(ready, solution.columns, solution.decisions, repair):
        columns = lawful_columns(ready, solution.columns, decided)
        if columns is not None and (better := _replaced(ready, solution, columns, limits, gap)) is not None:
            return better
    return replace(solution, messages=(*solution.messages, *remark(ready, solution.decisions)))


def amounts_of(ready: PlanningProblem, decided: FloatArray) -> Amounts:
    """A plan's amounts as its tables show them: what is too small to be a decision is none.

    Where all these together are worth something, as in a plan that could not be put right, they are shown: the
    objective, the certificate and the tables are then still those of one plan.
    """
    settled_plan = settled(_decisions(ready), decided)
    cost = ready.program.cost[ready.program.decisions]
    if abs(cost @ (settled_plan - decided)) > SHOWN * abs(cost @ decided):
        settled_plan = np.array(decided, dtype=np.float64)
    if ready.adaptive is not None:
        return adaptive_amounts(ready, ready.adaptive, settled_plan)
    return Amounts(
        ready.case, ready.ledger, ready.means, settled_plan, ready.deposit_rates, nothing_due=ready.nothing_due
    )


def _decisions(ready: PlanningProblem) -> Sequence[Decision]:
    """The decisions of the program, those of each node of a plan that adapts."""
    if ready.adaptive is None:
        return ready.ledger.decisions
    return [ready.ledger.decisions[j] for j in ready.adaptive.stitched.ledger_decision]


def _candidates(ready: PlanningProblem, columns: FloatArray, decided: FloatArray, repair: bool) -> Iterator[FloatArray]:
    """The decisions without traces; these with as little changed as the rows want; and the decisions as they were."""
    whole = settled(_decisions(ready), decided)
    if not np.array_equal(whole, decided):
        yield whole
        near = columns.copy()
        near[ready.program.decisions] = whole
        if repair and (repaired := _nearest(ready.program, near)) is not None:
            yield settled(_decisions(ready), repaired)
    yield decided


def _nearest(program: LinearProgram, columns: FloatArray) -> FloatArray | None:
    """(N,) the decisions nearest to these that hold the rows, those that are zero at zero; None if there are none."""
    scaling = scale(program)
    matrix = csr_array(apply(scaling, csr_array(program.matrix)))
    at = columns / scaling.columns
    up, down = program.col_upper / scaling.columns - at, at - program.col_lower / scaling.columns
    price = np.zeros(at.size)
    price[program.decisions] = 1.0 / np.maximum(1.0, np.abs(at[program.decisions]))
    nothing = np.zeros(at.size, dtype=np.bool_)
    nothing[program.decisions] = columns[program.decisions] == 0.0
    up, down = (np.where(nothing, 0.0, np.maximum(part, 0.0)) for part in (up, down))
    activity = matrix @ at
    model = Model(
        cost=np.concatenate([price, price]),
        matrix=csr_array(hstack([matrix, -matrix])),
        row_lower=program.row_lower * scaling.rows - activity,
        row_upper=program.row_upper * scaling.rows - activity,
        col_lower=np.zeros(2 * at.size),
        col_upper=np.concatenate([up, down]),
    )
    try:
        result = model.solve()
    except SolverError:
        return None
    if result.status is not LpStatus.OPTIMAL:
        return None
    moved = (result.x[: at.size] - result.x[at.size :]) * scaling.columns
    return np.asarray((columns + moved)[program.decisions])


def lawful_columns(ready: PlanningProblem, columns: FloatArray, decided: FloatArray) -> FloatArray | None:
    """(columns,) the program's columns for these decisions, tax and states made anew; None if rows leave them open."""
    program, labels = ready.program, ready.case.horizon.labels
    out = columns.copy()
    out[program.decisions] = decided
    if ready.adaptive is not None:
        return _columns_of_nodes(ready, ready.adaptive, out, decided)
    at = program.columns
    amounts = Amounts(ready.case, ready.ledger, ready.means, decided, ready.deposit_rates)
    found = amounts.assessed
    if found is not None:
        number = {d.period: program.decisions[j] for j, d in enumerate(ready.ledger.decisions) if d.block == "tax"}
        out[[number[t] for t in range(len(labels))]] = found.tax
        states = {
            "profit": np.maximum(found.income, 0.0), "loss": np.maximum(-found.income, 0.0), "loss_used": found.used,
            "loss_pool": found.pool, "cash": found.cash, "interest_carried": found.waiting,
        }  # fmt: skip
        states = {name: values for name, values in states.items() if f"{name}[{labels[0]}]" in at}
        for name, values in states.items():
            out[[at[f"{name}[{label}]"] for label in labels]] = values
        for j, d in enumerate(ready.ledger.decisions):
            if d.block == DEFERRED and ready.case.tax is not None:
                ahead = amounts.of(Account.WRITTEN_AHEAD)[-1]
                out[program.decisions[j]] = put_off(ready.case.tax, float(ahead), float(found.pool[-1]))
        done = {at[f"{name}[{label}]"] for name in states for label in labels}
    else:
        done = set()
    open_ = sorted(set(range(out.size)) - set(program.decisions.tolist()) - done)
    return out if not open_ or _solve_states(program, out, np.array(open_)) else None


def _columns_of_nodes(
    ready: PlanningProblem, whole: Adaptive, out: FloatArray, decided: FloatArray
) -> FloatArray | None:
    """The same where the plan adapts: node by node, each after the one before it. Fills `out`."""
    program, tree, stitched = ready.program, whole.tree, whole.stitched
    found = node_amounts(ready, whole, decided)
    done: set[int] = set()
    if ready.case.tax is not None:
        place = {name: j for j, name in enumerate(stitched.state_names)}
        taxes = {d.period: j for j, d in enumerate(ready.ledger.decisions) if d.block == "tax"}
        for node, amounts in zip(tree.nodes, found, strict=True):
            of = amounts.law
            assert of is not None
            states = {
                "profit": np.maximum(of.income, 0.0), "loss": np.maximum(-of.income, 0.0), "loss_used": of.used,
                "loss_pool": of.pool, "cash": of.cash, "interest_carried": of.waiting,
            }  # fmt: skip
            for t, label in enumerate(ready.case.horizon.labels[: node.end]):
                if t >= node.start:
                    out[program.decisions[stitched.decisions[node.number, taxes[t]]]] = of.tax[t]
                for name, values in states.items():
                    if f"{name}[{label}]" not in place:
                        continue
                    j = int(stitched.states[node.number, place[f"{name}[{label}]"]])
                    if j >= 0 and (t >= node.start or name == "cash"):
                        out[j] = values[t]
                        done.add(j)
            for k, d in enumerate(ready.ledger.decisions):
                if d.block == DEFERRED and node.number in tree.leaves:
                    ahead = amounts.of(Account.WRITTEN_AHEAD)[-1]
                    j = int(program.decisions[stitched.decisions[node.number, k]])
                    out[j] = put_off(ready.case.tax, float(ahead), float(of.pool[-1]))
    open_ = sorted(set(range(out.size)) - set(program.decisions.tolist()) - done)
    return out if not open_ or _solve_states(program, out, np.array(open_)) else None


def _solve_states(program: LinearProgram, columns: FloatArray, open_: NDArray[np.int64]) -> bool:
    """Set the open columns in place from the equalities that define them; False if these do not."""
    matrix = csr_array(program.matrix)
    equal = np.flatnonzero(program.row_lower == program.row_upper)
    inside = csc_array(matrix[equal])[:, open_]
    rows = equal[np.flatnonzero(np.diff(csr_array(inside).indptr))]
    if rows.size != open_.size:
        return False
    columns[open_] = 0.0
    right = program.row_lower[rows] - matrix[rows] @ columns
    found = np.atleast_1d(spsolve(csc_array(csc_array(matrix[rows])[:, open_]), right))
    columns[open_] = found
    return bool(np.isfinite(found).all())


def _replaced(
    ready: PlanningProblem, solution: Solution, columns: FloatArray, limits: Sequence[RiskLimit], gap: float
) -> Solution | None:
    """The solution with these columns as its plan, if they are as good in every respect; else None."""
    program, before = ready.program, solution.columns
    assert before is not None
    sense = 1.0 if program.maximise else -1.0
    objective = float(program.cost @ columns) + program.offset
    value = float(program.value @ columns) + program.value_offset
    bound = solution.upper if program.maximise else solution.lower
    if sense * (objective - bound) > CROSSED * max(1e-9, abs(objective)):
        return None  # better than anything can be: something is wrong with it
    reached = relative_gap(sense * bound, sense * objective)
    bound = sense * max(sense * bound, sense * objective)
    certified = reached <= gap or (solution.status is not Status.CERTIFIED and reached <= solution.gap * (1.0 + 1e-6))
    worth = value >= solution.value - WORTH * max(1.0, abs(solution.value))
    if not (certified and worth and worst_violation(program, columns) <= max(ROW, worst_violation(program, before))):
        return None
    decided = columns[program.decisions]
    risks = _risks(ready, solution.risks, limits, decided)
    for new, old in zip(risks, solution.risks, strict=True):
        if new.value > max(new.limit + FEASIBLE * abs(new.limit), old.value):
            return None
    upper, lower = (bound, objective) if program.maximise else (objective, bound)
    return replace(
        solution,
        columns=columns, decisions=decided, objective=objective, value=value, upper=upper, lower=lower, gap=reached,
        risks=risks,
    )  # fmt: skip


def worst_violation(program: LinearProgram, columns: FloatArray) -> float:
    """The largest violation of a row or a bound, in scaled units relative to max(1, |limit|)."""
    scaling = scale(program)
    activity = (program.matrix @ columns) * scaling.rows
    x = columns / scaling.columns
    worst = 0.0
    for value, low, high in (
        (activity, program.row_lower * scaling.rows, program.row_upper * scaling.rows),
        (x, program.col_lower / scaling.columns, program.col_upper / scaling.columns),
    ):
        under = (low - value) / np.maximum(1.0, np.abs(np.where(np.isfinite(low), low, 0.0)))
        above = (value - high) / np.maximum(1.0, np.abs(np.where(np.isfinite(high), high, 0.0)))
        worst = max(worst, float(np.max(under, initial=0.0)), float(np.max(above, initial=0.0)))
    return worst


def _risks(
    ready: PlanningProblem, before: Sequence[RiskValue], limits: Sequence[RiskLimit], decided: FloatArray
) -> tuple[RiskValue, ...]:
    if not limits:
        return ()
    backend = ready.backend
    losses = backend.losses(ready.store, [one.table for one in limits], [one.matrix @ decided for one in limits])
    found = []
    for old, one, loss in zip(before, limits, losses, strict=True):
        tail = backend.tail(loss, one.level)
        found.append(replace(old, value=tail.cvar, var=tail.var, probability=backend.above(loss, one.limit)))
    return tuple(found)


def tax_off(ready: PlanningProblem, decided: FloatArray) -> str:
    """What to say of a plan whose tax is not that of its income: a limit on the path is met by it. Else nothing."""
    worst, said = 0.0, ""
    for where, amounts, owed in _taxed(ready, decided):
        paid = -amounts.of(Account.TAX)
        early = np.cumsum(paid) - np.cumsum(owed)
        t = int(np.argmax(np.abs(early)))
        by = abs(early[t])
        if by <= max(worst, PREPAID * max(float(np.max(np.abs(paid))), float(np.max(owed)), 1e-3)):
            continue
        worst = by
        said = (
            f"{where}up to {amounts.labels[t]} the plan pays {by:.4g} billion {'more' if early[t] > 0.0 else 'less'} "
            "tax than its income owes by then"
        )
    return said


def _taxed(ready: PlanningProblem, decided: FloatArray) -> Iterator[tuple[str, Amounts, FloatArray]]:
    """The plan, or each leaf of one that adapts: where it is, its amounts, and (T,) the tax that its income owes."""
    if ready.adaptive is not None:
        tree, each = ready.adaptive.tree, node_amounts(ready, ready.adaptive, decided)
        for leaf in tree.leaves:
            if (law := each[leaf].law) is not None:
                yield f"in {tree.nodes[leaf].name} ", each[leaf], law.tax
        return
    amounts = Amounts(ready.case, ready.ledger, ready.means, decided, ready.deposit_rates)
    if (found := amounts.assessed) is not None:
        yield "", amounts, found.tax


def remark(ready: PlanningProblem, decided: FloatArray) -> tuple[str, ...]:
    """`tax_off` of a plan that stays so."""
    said = tax_off(ready, decided)
    return (f"{said}: with the tax of its income a limit would not be met",) if said else ()
