"""CVaR out of sample: the interval covers the truth about as often as it says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from capmix import optimize
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.setup import out_of_sample
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.out_of_sample import cvar_interval, fresh_count, fresh_draws, fresh_losses
from capmix.optimizer.setup.prepare import prepare
from scipy.stats import norm

from ..cases import every_loss, starter


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_interval_covers_the_cvar_of_a_normal_loss(level: float) -> None:
    truth = norm.pdf(norm.ppf(level)) / (1.0 - level)
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        interval = cvar_interval(rng.standard_normal(8_000), level)
        hits += interval.ci_low <= truth <= interval.ci_high
    assert 0.91 <= hits / 400 <= 0.985


def test_interval_covers_the_plans_own_cvar_for_most_seeds() -> None:
    case = every_loss()
    ready = prepare(case, choose("cpu"), 2_000, 1)
    solution = maximise(ready.program, risk_limits(case, ready.losses), ready.backend, ready.store, Settings())
    assert solution.decisions is not None
    tables = [loss.table for loss in ready.losses]
    exposures = [loss.matrix @ solution.decisions for loss in ready.losses]
    many = fresh_losses(
        ready.backend, fresh_draws(ready.backend, ready.processes, 500_000, seed=99, sample=2), tables, exposures
    )
    truths = [cvar_interval(losses, risk.level).value for losses, risk in zip(many, case.risk, strict=True)]
    hits = 0
    for seed in range(10):
        fresh = fresh_losses(
            ready.backend, fresh_draws(ready.backend, ready.processes, 10_000, seed=seed), tables, exposures
        )
        for losses, risk, truth in zip(fresh, case.risk, truths, strict=True):
            interval = cvar_interval(losses, risk.level)
            hits += interval.ci_low <= truth <= interval.ci_high
    assert hits >= 25  # of 30


def test_fresh_losses_do_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    case = starter()
    ready = prepare(case, choose("cpu"), 500, 1)
    ones = np.ones(len(ready.ledger.decisions))
    tables, exposures = [loss.table for loss in ready.losses], [loss.matrix @ ones for loss in ready.losses]
    draws = partial(fresh_draws, ready.backend, ready.processes, 1_000, seed=1)
    whole = fresh_losses(ready.backend, draws(), tables, exposures)
    monkeypatch.setattr(out_of_sample, "CHUNK", 300)
    parts = fresh_losses(ready.backend, draws(), tables, exposures)
    for a, b in zip(whole, parts, strict=True):
        assert np.array_equal(a, b)
    inside = ready.backend.losses(ready.store, tables, exposures)
    assert not np.isin(whole[1], inside[1]).any()  # fresh draws are not the plan's own


def test_the_number_of_fresh_draws() -> None:
    assert fresh_count(1) == 20_000
    assert fresh_count(100_000) == 100_000
    assert fresh_count(10**8) == 250_000


def test_a_plan_fitted_to_few_scenarios_says_so() -> None:
    plan = optimize(starter(), scenarios=60, seed=2)
    over = [r for r in plan.risk if r.out_of_sample is not None and r.out_of_sample.ci_low > r.limit]
    assert over
    assert all(any(r.name in message for message in plan.messages) for r in over)
    assert optimize(starter(), scenarios=60, seed=2, out_of_sample=False).risk[0].out_of_sample is None


def test_amounts_of_nothing_are_nothing() -> None:
    ready = prepare(replace(starter(), risk=()), choose("cpu"), 300, 1)
    amounts = Amounts(ready.case, ready.ledger, ready.means, np.zeros(len(ready.ledger.decisions)), ready.deposit_rates)
    assert not amounts.table.any()
    assert amounts.prepaid == 0.0
