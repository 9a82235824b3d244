"""The plan of a whole case equals the extensive form: one linear program with a block of rows per scenario."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from capmix import Status, optimize
from capmix.models.program import LinearProgram
from capmix.optimizer.cutting_planes.solution import RiskLimit
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare

from .cases import every_loss
from .extensive import extensive, solve_highs

COUNT, SEED = 2_000, 1


def lifted(program: LinearProgram, risks: tuple[RiskLimit, ...]) -> tuple[LinearProgram, list[RiskLimit]]:
    """The same problem with every exposure as a column of its own, so that the rows per scenario are short."""
    matrices = [sp.csr_array(r.matrix) for r in risks]
    sizes = [m.shape[0] for m in matrices]
    total, (rows, width) = sum(sizes), program.matrix.shape
    spread = sp.csr_array(
        (np.ones(program.decisions.size), (np.arange(program.decisions.size), program.decisions)),
        shape=(program.decisions.size, width),
    )
    define = sp.hstack([sp.vstack(matrices) @ spread, -sp.eye_array(total)])
    first = np.concatenate([[0], np.cumsum(sizes)])
    wide = replace(
        program,
        matrix=sp.csr_array(sp.vstack([sp.hstack([program.matrix, sp.csr_array((rows, total))]), define])),
        cost=np.append(program.cost, np.zeros(total)),
        value=np.append(program.value, np.zeros(total)),
        row_lower=np.append(program.row_lower, np.zeros(total)),
        row_upper=np.append(program.row_upper, np.zeros(total)),
        col_lower=np.append(program.col_lower, np.full(total, -np.inf)),
        col_upper=np.append(program.col_upper, np.full(total, np.inf)),
        decisions=np.arange(width, width + total, dtype=np.int32),
    )
    eye = sp.eye_array(total, format="csr")
    return wide, [replace(r, matrix=eye[first[i] : first[i + 1]]) for i, r in enumerate(risks)]


def test_plan_equals_the_extensive_form_with_every_loss() -> None:
    case = every_loss()
    plan = optimize(case, scenarios=COUNT, seed=SEED, gap=1e-7, out_of_sample=False)
    assert plan.status is Status.CERTIFIED

    ready = prepare(case, choose("numpy"), COUNT, SEED)
    risks = risk_limits(case, ready.losses)
    oracle, _ = solve_highs(
        extensive(*lifted(ready.program, risks), ready.backend.values(ready.store, np.arange(COUNT)))
    )
    assert plan.objective_value == pytest.approx(oracle, rel=1e-6)
    for risk in plan.risk:
        assert risk.value <= risk.limit * (1.0 + 1e-6)
        assert risk.price > 0.0  # every kind of loss binds
