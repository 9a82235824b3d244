"""Portfolios with costs, turnover, leverage and groups against an independent model, and what a statement promises."""

from __future__ import annotations

import math
from typing import Any

import capmix
import numpy as np
import pytest
from capmix import Portfolio, Status, cvar_portfolio

from .portfolio_oracle import best, measured

FIGURES = ("cost", "turnover", "leverage", "expected_return", "cvar")


def returns(count: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.002 * rng.standard_normal(width) + 0.02 * rng.standard_t(4, (count, width))


def drawn(seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Returns and a statement with every option now and then."""
    rng = np.random.default_rng(seed)
    n, count = int(rng.integers(2, 9)), int(rng.integers(40, 200))
    r = 0.002 * rng.standard_normal(n) + 0.02 * rng.standard_t(4, (count, n))
    asked: dict[str, Any] = {"level": float(rng.choice([0.8, 0.9, 0.95]))}
    asked["objective"] = str(rng.choice(["min_cvar", "max_return", "utility"]))
    if rng.random() < 0.5:
        asked |= {"long_only": False, "lower": -float(rng.uniform(0.1, 0.6))}
    if rng.random() < 0.4:
        asked["upper"] = float(rng.uniform(0.5, 1.0))
    if rng.random() < 0.4:
        asked["max_leverage"] = float(rng.uniform(1.0, 1.6))
    if rng.random() < 0.5:
        asked["previous"] = rng.dirichlet(np.ones(n))
        if rng.random() < 0.6:
            asked["max_turnover"] = float(rng.uniform(0.1, 1.0))
    if rng.random() < 0.5:
        asked |= {"buy_costs": float(rng.choice([0.0, 0.001, 0.003])), "sell_costs": rng.uniform(0.0, 0.003, n)}
    if rng.random() < 0.3:
        asked["budget"] = (float(rng.uniform(0.5, 1.0)), 1.0)
    if rng.random() < 0.3:
        asked["groups"] = {"pair": ([0, 1], None, float(rng.uniform(0.3, 0.9)))}
    if rng.random() < 0.3:
        asked["scenario_weights"] = rng.uniform(0.0, 1.0, count)
    if rng.random() < 0.3:
        asked |= {"variance_aversion": float(rng.uniform(0.5, 3.0)), "covariance": np.cov(r.T)}
    if asked["objective"] == "utility":
        asked["risk_aversion"] = float(rng.uniform(0.05, 1.0))
    if asked["objective"] == "max_return" or rng.random() < 0.2:
        asked["max_cvar"] = float(rng.uniform(0.02, 0.05))
    if rng.random() < 0.2:
        asked["min_return"] = float(rng.uniform(-0.001, 0.002))
    return r, asked


@pytest.mark.parametrize("seed", range(40))
def test_any_statement_has_the_optimum_of_an_independent_model(seed: int) -> None:
    r, asked = drawn(seed)
    status, value, _ = best(r, **asked)
    found = cvar_portfolio(r, **asked)
    if status == "infeasible":
        assert found.status is Status.INFEASIBLE
        assert found.weights is None
        assert found.messages
        return
    assert status == "optimal"
    assert found.success
    assert found.gap <= 1e-5
    size = max(1e-9, abs(value))
    assert found.objective == pytest.approx(value, abs=1.1e-5 * size)
    if asked["objective"] == "min_cvar":
        assert found.certificate.lower_bound <= value + 1e-6 * size
        assert found.certificate.upper_bound == found.objective
    else:
        assert found.certificate.upper_bound >= value - 1e-6 * size
        assert found.certificate.lower_bound == found.objective
    own = measured(r, found.weights, **asked)
    for name in FIGURES:
        assert getattr(found, name) == pytest.approx(own[name], abs=1e-12)
    for limit, name in (("max_leverage", "leverage"), ("max_turnover", "turnover"), ("max_cvar", "cvar")):
        if limit in asked:
            assert own[name] <= asked[limit] * (1.0 + 2e-7)
    assert own["expected_return"] >= asked.get("min_return", -math.inf) - 1e-8
    assert (found.weights >= asked.get("lower", 0.0)).all()


def test_free_trades_and_spare_leverage_leave_no_trace_in_the_figures() -> None:
    """Buying and selling the same asset, or holding it long and short, costs nothing here and must not be reported."""
    r, even = returns(300, 6), np.full(6, 1 / 6)
    found = cvar_portfolio(r, long_only=False, lower=-1.0, max_leverage=5.0, previous=even, max_turnover=8.0)
    assert found.success
    assert found.leverage == pytest.approx(float(np.abs(found.weights).sum()), abs=1e-15)
    assert found.turnover == pytest.approx(float(np.abs(found.weights - even).sum()), abs=1e-15)
    assert found.cost == 0.0
    loose = cvar_portfolio(r, long_only=False, lower=-1.0)
    assert found.cvar == pytest.approx(loose.cvar, rel=3e-5)


def test_costs_that_no_gain_is_worth_leave_everything_as_it_was() -> None:
    r, even = returns(300, 6), np.full(6, 1 / 6)
    still = cvar_portfolio(r, previous=even, buy_costs=1.0, sell_costs=1.0)
    assert still.success
    assert still.turnover == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(still.weights, even, atol=1e-6)


def test_turnover_is_a_price_for_what_is_moved_and_zero_forbids_moving() -> None:
    r, even = returns(300, 6), np.full(6, 1 / 6)
    risks = []
    for most in (0.0, 0.1, 0.3, 2.0):
        found = cvar_portfolio(r, previous=even, max_turnover=most)
        assert found.success
        assert found.turnover <= most + 1e-7
        risks.append(found.cvar)
    assert risks[0] == pytest.approx(measured(r, even)["cvar"], rel=1e-6)
    assert risks[0] > risks[1] > risks[2] > risks[3]
    assert risks[3] == pytest.approx(cvar_portfolio(r).cvar, rel=3e-5)


def test_a_cost_is_paid_in_every_scenario() -> None:
    """Bought from nothing, the weights are those without costs, and every figure moves by the cost."""
    r = returns(300, 6)
    free, dear = cvar_portfolio(r, gap=1e-8), cvar_portfolio(r, gap=1e-8, buy_costs=0.01)
    assert dear.cost == pytest.approx(0.01, rel=1e-9)
    assert dear.cvar == pytest.approx(free.cvar + 0.01, rel=1e-7)
    assert dear.expected_return == pytest.approx(free.expected_return - 0.01, abs=1e-6)


def test_groups_by_label_position_mask_and_exposure() -> None:
    r = returns(200, 5)
    mask = np.array([True, True, False, False, False])
    for members in ([0, 1], mask, mask.astype(float), np.array([0, 1])):
        found = cvar_portfolio(r, groups={"first two": (members, 0.6, 0.7)})
        assert found.success
        assert 0.6 - 1e-7 <= found.weights[:2].sum() <= 0.7 + 1e-7
    half = cvar_portfolio(r, groups={"beta": (np.array([0.5, 1.0, 1.5, 2.0, 0.0]), None, 0.8)})
    assert half.weights @ [0.5, 1.0, 1.5, 2.0, 0.0] <= 0.8 + 1e-7


def test_limits_that_contradict_each_other_are_called_by_their_names() -> None:
    r = returns(200, 5)
    found = cvar_portfolio(r, upper=0.3, groups={"tech": ([0, 1], 0.7, None)})
    assert found.status is Status.INFEASIBLE
    assert not found.success
    assert found.weights is None
    assert math.isnan(found.objective)
    assert any("group tech" in message for message in found.messages)
    risky = cvar_portfolio(r, objective="max_return", max_cvar=1e-6)
    assert risky.status is Status.INFEASIBLE
    assert any("CVaR" in message for message in risky.messages)


def test_every_fault_of_a_statement_is_named_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        cvar_portfolio(
            np.array([[0.1, np.nan], [0.0, 0.0]]),
            objective="most",
            level=1.5,
            lower=-0.1,
            buy_costs=-1.0,
            groups={"a": ([7], None, 0.2), "b": ([0], 0.4, 0.2)},
            max_turnover=-0.1,
            variance_aversion=1.0,
            previous=[0.5, 0.25, 0.25],
            budget=(1.0, 0.5),
        )
    words = str(caught.value)
    parts = ("returns[0, 1] is nan", "objective is 'most'", "level is 1.5", "long_only=False", "buy_costs[0] is -1")
    parts += ("groups['a']: 7 is no asset", "groups['b']", "max_turnover is -0.1", "covariance", "previous", "budget")
    for part in parts:
        assert part in words
    r = returns(20, 2)
    bad = {"returns": r * 1j, "lower": np.ma.masked_less(np.zeros(2), 1.0), "covariance": [["a", "b"], ["c", "d"]]}
    with pytest.raises(ValueError) as caught:
        cvar_portfolio(bad.pop("returns"), variance_aversion=1.0, **bad)
    for part in ("returns: it holds complex128", "lower: it has masked entries", "covariance: it holds <U1"):
        assert part in str(caught.value)
    for sigma, words in (([[1.0, 2.0], [0.0, 1.0]], "not symmetric"), ([[1.0, 2.0], [2.0, 1.0]], "eigenvalue -1")):
        with pytest.raises(ValueError, match=words):
            cvar_portfolio(r, covariance=sigma, variance_aversion=1.0)
    with pytest.raises(ValueError, match="max_return needs it"):
        cvar_portfolio(returns(20, 2), objective="max_return")


def test_a_statement_can_be_kept_and_changed() -> None:
    r = returns(200, 5)
    held = Portfolio(r, upper=0.4)
    assert repr(held) == "<Portfolio min_cvar at 0.95: returns 200 x 5>"
    assert cvar_portfolio(held, level=0.9).cvar == pytest.approx(cvar_portfolio(r, upper=0.4, level=0.9).cvar)
    with pytest.raises(TypeError):
        cvar_portfolio(r, no_such_option=1)


def test_results_are_short_in_a_list_and_readable_when_printed() -> None:
    found = cvar_portfolio(returns(200, 5))
    assert repr(found).startswith("<PortfolioResult certified: return ")
    assert "\n" not in repr(found)
    assert len(repr(found)) < 160
    for word in ("status", "CVaR", "VaR", "turnover", "leverage", "weights"):
        assert word in str(found)
    nothing = cvar_portfolio(returns(200, 5), budget=3.0, upper=0.1)
    assert "no weights" in repr(nothing)
    assert "infeasible" in str(nothing)
    assert capmix.PortfolioResult is type(found)


def test_an_objective_without_a_limit_is_an_answer_and_no_exception() -> None:
    r = returns(300, 6)
    found = cvar_portfolio(r, budget=None, long_only=False, objective="utility", risk_aversion=0.001)
    assert found.status is Status.UNBOUNDED
    assert not found.success
    assert found.weights is None
    assert any("no limit" in message for message in found.messages)
    estimator = capmix.CvarPortfolio(budget=None, long_only=False, objective="utility", risk_aversion=0.001)
    with pytest.raises((ValueError, RuntimeError), match="no portfolio"):
        estimator.fit(r)


def test_a_dollar_neutral_portfolio() -> None:
    r = returns(300, 6)
    asked = {"budget": 0.0, "long_only": False, "lower": -1.0, "max_leverage": 2.0, "min_return": 0.001}
    found = cvar_portfolio(r, gap=1e-6, **asked)
    _, value, _ = best(r, **asked)
    assert found.success
    assert found.objective == pytest.approx(value, rel=3e-6)
    assert found.weights.sum() == pytest.approx(0.0, abs=1e-7)
