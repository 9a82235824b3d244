"""Conflicts and moves against HiGHS on the extensive form, which has a block of rows per scenario and knows no cuts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import highspy
import numpy as np
import pytest
import scipy.sparse as sp
from capmix import Status, optimize
from capmix.models.schema.case import Case
from capmix.optimizer.cutting_planes.least_violation import Yielding, least_violation
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.questions.catalogue import limits_of
from capmix.optimizer.questions.limits import OBLIGATION, OPENING_CASH, Limit
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..cases import starter, with_risk
from ..extensive import Extensive, extensive
from ..test_extensive import lifted
from .cases import blamed, with_cash

COUNT, SEED = 40, 3


def ready_for(case: Case) -> PlanningProblem:
    return prepare(case, choose("numpy"), COUNT, SEED)


def form_of(ready: PlanningProblem) -> Extensive:
    values = ready.backend.values(ready.store, np.arange(COUNT))
    risks = risk_limits(ready.case, ready.losses)
    return extensive(*(lifted(ready.program, risks) if risks else (ready.program, ())), values)


def solved(form: Extensive, cost: np.ndarray | None = None) -> float | None:
    """The minimum of `cost`, of nothing where it is left out; None where there is no point."""
    h = highspy.Highs()
    h.silent()
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = form.matrix.shape
    lp.col_cost_ = np.zeros(lp.num_col_) if cost is None else cost
    lp.col_lower_, lp.col_upper_, lp.row_lower_, lp.row_upper_ = form.low, form.high, form.lower, form.upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = form.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = form.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = form.matrix.data
    assert h.passModel(lp) == highspy.HighsStatus.kOk
    h.run()
    status = h.getModelStatus()
    assert status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible), status
    infeasible = status == highspy.HighsModelStatus.kInfeasible
    return None if infeasible else float(h.getInfo().objective_function_value)


def without(case: Case, limits: Collection[Limit]) -> Case:
    for limit in limits:
        case = limit.change(case, (), np.inf)[0]
    return case


@pytest.mark.parametrize(
    "name", ["net worth against loss", "budget", "loss of a target", "loan to value", "cash of one quarter"]
)
def test_a_conflict_needs_each_of_its_limits(name: str) -> None:
    """By brute force: what is named has no plan though nothing else is asked for, and one without any part of it."""
    case = blamed()[name].case
    plan = optimize(case, scenarios=COUNT, seed=SEED, out_of_sample=False)
    assert plan.status is Status.INFEASIBLE
    assert plan.infeasibility is not None
    every = [limit for limit in limits_of(case, ()) if limit.kind not in (OBLIGATION, OPENING_CASH)]
    for conflict in plan.infeasibility.conflicts:
        named = {limit.key for limit in conflict.limits}
        others = [limit for limit in every if limit.key not in named]
        bare = without(case, others)
        assert solved(form_of(ready_for(bare))) is None
        for limit in (limit for limit in every if limit.key in named):
            assert solved(form_of(ready_for(without(bare, [limit])))) is not None


@pytest.mark.parametrize("name", ["net_loss", "liquidity"])
def test_a_limit_gives_way_by_as_much_as_in_the_extensive_form(name: str) -> None:
    case = with_risk(starter(), name, limit=-3.0)
    ready = ready_for(case)
    risks = risk_limits(case, ready.losses)
    number = [risk.name for risk in risks].index(name)
    found = least_violation(
        ready.program, risks, ready.backend, ready.store, Settings(gap=1e-6), Yielding(limits={number: 0.5})
    )
    form = form_of(ready)
    (row,) = np.flatnonzero(form.upper == -3.0)
    assert _least(form, [row], [-0.5]) == pytest.approx(found.value, rel=1e-5)
    assert found.decided
    assert found.bound <= found.value <= found.bound + 1e-4


def test_rows_and_a_limit_give_way_together_as_in_the_extensive_form() -> None:
    case = with_risk(with_cash(3.0), "liquidity", limit=0.05)
    ready = ready_for(case)
    risks = risk_limits(case, ready.losses)
    rows = [i for i, index in enumerate(ready.program.row_index) if index.rule == "minimum_cash"]
    give = Yielding(rows=dict.fromkeys(rows, 1.0), limits={0: 2.0})
    found = least_violation(ready.program, risks, ready.backend, ready.store, Settings(gap=1e-6), give)
    form = form_of(ready)
    (row,) = np.flatnonzero(form.upper == 0.05)
    least = _least(form, [*rows, row], [*[1.0] * len(rows), -2.0])
    assert least == pytest.approx(found.value, rel=1e-5)
    assert found.bound <= least * (1.0 + 1e-6)


def test_own_rows_with_two_limits_give_way_on_both_sides() -> None:
    ready = ready_for(starter())
    row = ready.program.rows["minimum_cash[2027Q2]"]
    for amount in (5.0, -5.0):
        lower, upper = ready.program.row_lower.copy(), ready.program.row_upper.copy()
        lower[row] = upper[row] = amount
        program = replace(ready.program, row_lower=lower, row_upper=upper)
        found = least_violation(program, (), ready.backend, ready.store, Settings(gap=1e-7), Yielding(rows={row: 1.0}))
        bare = extensive(program, (), np.zeros((1, 1, 1)))
        out = [_least(bare, [row], [weight]) for weight in (1.0, -1.0)]
        assert found.value == pytest.approx(min(v for v in out if v is not None), rel=1e-5)


def _least(form: Extensive, rows: list[int], weights: list[float]) -> float | None:
    """The least v >= 0 such that there is a point where these rows give way by their weights."""
    count, width = form.matrix.shape
    v = sp.csr_array((weights, (rows, np.zeros(len(rows), dtype=int))), shape=(count, 1))
    wide = replace(
        form,
        matrix=sp.csr_array(sp.hstack([form.matrix, v])),
        low=np.append(form.low, 0.0),
        high=np.append(form.high, np.inf),
    )
    return solved(wide, np.append(np.zeros(width), 1.0))
