"""The sampling error of the optimum: closed forms, and the spread of optima over seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.models.schema.rules import Objective
from capmix.optimizer.analysis.sampling_error import objective_error
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.run import optimize
from capmix.optimizer.setup.assemble import objective_flow, risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.out_of_sample import evaluated, fresh_draws
from capmix.optimizer.setup.prepare import prepare
from scipy import integrate
from scipy.stats import norm

from ..cases import every_loss, starter

SPREAD = 2_000  # tails of 100 scenarios: the figure is asymptotic, and twice the spread at 400


def test_one_limit_on_a_normal_loss() -> None:
    """sd of price (VaR + max(L - VaR, 0) / (1 - level)) by quadrature."""
    level, price, count = 0.9, 3.0, 10_000
    at = norm.ppf(level)
    mean = integrate.quad(lambda z: (z - at) * norm.pdf(z), at, 12)[0]
    square = integrate.quad(lambda z: (z - at) ** 2 * norm.pdf(z), at, 12)[0]
    expected = 1.959963984540054 * price / (1 - level) * (square - mean**2) ** 0.5 / count**0.5
    losses = np.random.default_rng(2).standard_normal(400_000)
    assert objective_error(None, [losses], [level], [price], count) == pytest.approx(expected, rel=0.02)


def test_limits_and_objective_are_taken_together() -> None:
    """A loss that is minus the objective in the tail adds to it; a limit without a price counts nothing."""
    rng = np.random.default_rng(3)
    x, other = rng.standard_normal((2, 50_000))
    both = objective_error(x, [-x, other], [0.5, 0.9], [1.0, 0.0], 100)
    excess = np.maximum(-x - np.sort(-x)[25_000], 0.0)
    assert both == pytest.approx(1.959963984540054 * np.std(x - 2.0 * excess) / 10.0, rel=1e-3)
    assert both > objective_error(x, [], [], [], 100) > 0.0
    assert objective_error(None, [], [], [], 100) == 0.0
    with pytest.raises(ValueError, match="at least one"):
        objective_error(None, [], [], [], 0)


def test_a_certain_objective_has_no_flow() -> None:
    ready = prepare(starter(), choose("cpu"), 200, 1)
    assert objective_flow(ready.case, ready.ledger, ready.deposit_rates) is None
    ready = prepare(every_loss(), choose("cpu"), 200, 1)
    flow = objective_flow(ready.case, ready.ledger, ready.deposit_rates)
    assert flow is not None
    solution = maximise(
        ready.program, risk_limits(ready.case, ready.losses), ready.backend, ready.store, Settings(polish=False)
    )
    assert solution.decisions is not None
    each = -ready.backend.losses(ready.store, [flow.table], [flow.matrix @ solution.decisions])[0]
    assert each.mean() == pytest.approx(solution.objective, rel=1e-9)
    assert each.std() > 0.0


@pytest.mark.parametrize("kind", ["compute", "cost"])
def test_it_is_about_the_spread_of_optima_over_seeds(kind: str) -> None:
    case = starter()
    if kind == "cost":
        case = replace(case, objective=Objective(kind="cost", target=25_000.0, at=case.horizon.periods - 1))
    optima, errors = [], []
    for seed in range(1, 13):
        ready = prepare(case, choose("cpu"), SPREAD, seed)
        limits = risk_limits(case, ready.losses)
        solution = maximise(ready.program, limits, ready.backend, ready.store, Settings(polish=False))
        assert solution.decisions is not None
        optima.append(solution.objective)
        fresh = evaluated(ready, solution, fresh_draws(ready.backend, ready.processes, 10_000, seed))
        levels, prices = [r.level for r in limits], [r.price for r in solution.risks]
        sense = 1.0 if ready.program.maximise else -1.0
        errors.append(objective_error(fresh.objective, fresh.losses, levels, [sense * p for p in prices], SPREAD))
    spread = 1.959963984540054 * float(np.std(optima, ddof=1))
    assert 0.5 < np.median(errors) / spread < 2.0


def test_plans_carry_it_where_they_are_checked_out_of_sample() -> None:
    plan = optimize(starter(), scenarios=500, seed=1, device="cpu")
    bare = optimize(starter(), scenarios=500, seed=1, device="cpu", out_of_sample=False)
    assert plan.certificate is not None
    assert plan.certificate.sampling_error is not None
    assert 0.0 < plan.certificate.sampling_error < 0.2 * plan.objective_value
    assert bare.certificate is not None
    assert bare.certificate.sampling_error is None
