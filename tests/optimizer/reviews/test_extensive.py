"""Plans that adapt equal the extensive form in HiGHS and Clarabel: nodes as variables, a block of rows per scenario."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix import Status, optimize
from capmix.kernels.backend import get_backend
from capmix.models.schema.case import Case
from capmix.models.schema.reviews import Review
from capmix.models.schema.rules import Covenant
from capmix.optimizer.setup.assemble import process_table

from ..cases import starter
from ..extensive import extensive, solve_clarabel, solve_highs
from ..test_extensive import lifted
from .oracle import written_out

NUMPY = get_backend("numpy")
COUNT, SEED = 400, 3

RENTAL = Review(at=4, signal="rental_let", quantiles=(0.5,), names=("weak", "strong"))
LAB = Review(at=7, signal="lab_alive", levels=(0.5,), names=("dead", "alive"), only_if="weak")
LEVERAGE = Covenant(id="leverage", kind="net_debt_to_ebitda", limit=1.2, from_period=5)
COVER = Covenant(id="life_cover", kind="llcr", limit=1.6, from_period=2)


def reviewed(*reviews: Review, covenants: tuple[Covenant, ...] = ()) -> Case:
    case = starter()
    return replace(case, review=reviews, covenant=(*case.covenant, *covenants))


def values_of(case: Case) -> np.ndarray:
    return NUMPY.simulate(process_table(case), COUNT, SEED).x(np.arange(COUNT))


@pytest.mark.parametrize(
    ("reviews", "covenants", "pooled"),
    [
        ((RENTAL,), (), False),
        ((RENTAL, LAB), (LEVERAGE,), False),
        ((replace(RENTAL, covenants="mean"), replace(LAB, covenants="mean")), (LEVERAGE,), True),
    ],
    ids=["one", "two, covenants per node", "two, covenants on the mean"],
)
def test_the_extensive_form_in_highs(reviews, covenants, pooled):
    case = reviewed(*reviews, covenants=covenants)
    plan = optimize(case, scenarios=COUNT, seed=SEED, gap=1e-7, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    form = written_out(case, values_of(case), pooled)
    program, risks = lifted(form.program, tuple(form.risks))
    oracle, _ = solve_highs(extensive(program, risks, form.values))
    assert plan.objective_value == pytest.approx(oracle, rel=1e-6)


def test_the_extensive_form_in_clarabel():
    case = reviewed(RENTAL)
    plan = optimize(case, scenarios=120, seed=SEED, gap=1e-7, out_of_sample=False)
    values = NUMPY.simulate(process_table(case), 120, SEED).x(np.arange(120))
    form = written_out(case, values)
    program, risks = lifted(form.program, tuple(form.risks))
    assert plan.objective_value == pytest.approx(solve_clarabel(extensive(program, risks, form.values)), rel=1e-6)


def test_covenants_on_the_mean_ask_for_less():
    node, mean = (reviewed(replace(RENTAL, covenants=kept), covenants=(LEVERAGE,)) for kept in ("node", "mean"))
    kept, pooled = (optimize(c, scenarios=COUNT, seed=SEED, gap=1e-6, out_of_sample=False) for c in (node, mean))
    assert pooled.certificate.upper_bound >= kept.objective_value
