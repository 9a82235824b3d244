"""The frontier of return and CVaR: certified points, convex, the same from warm starts as from cold ones."""

from __future__ import annotations

import numpy as np
import pytest
from capmix import Status, cvar_frontier, cvar_portfolio
from capmix.optimizer.portfolios import frontier as portfolio_frontier

from .portfolio_oracle import best


def returns(count: int, width: int, seed: int = 0) -> np.ndarray:
    """Factor returns, so that risk and return have something to trade."""
    rng = np.random.default_rng(seed)
    beta = rng.uniform(0.3, 1.6, width)
    own = rng.standard_t(4, (count, width)) * rng.uniform(0.003, 0.02, width)
    return 0.0004 + 0.0006 * beta + 0.01 * rng.standard_t(4, (count, 1)) * beta + own


STATEMENTS = {
    "plain": {},
    "with costs and turnover": {
        "previous": np.full(12, 1 / 12),
        "max_turnover": 1.2,
        "buy_costs": 0.0002,
        "sell_costs": 0.0001,
    },
    "long and short": {"long_only": False, "lower": -0.3, "max_leverage": 1.6},
    "weighted": {"scenario_weights": np.random.default_rng(4).uniform(0.1, 1.0, 800)},
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_points_are_certified_monotone_and_convex_warm_as_cold(name: str) -> None:
    r, asked = returns(800, 12), STATEMENTS[name]
    warm = cvar_frontier(r, points=7, gap=1e-6, **asked)
    cold = cvar_frontier(r, points=7, gap=1e-6, warm=False, **asked)
    for frontier in (warm, cold):
        assert frontier.success
        assert len(frontier.points) == 7
        gain = np.array([p.expected_return for p in frontier.points])
        risk = np.array([p.cvar for p in frontier.points])
        assert (np.diff(gain) > 0.0).all()
        assert (np.diff(risk) >= -1e-6 * risk[1:]).all()
        slopes = np.diff(risk) / np.diff(gain)
        room = 4e-6 * risk.max() / np.diff(gain).min()
        assert (np.diff(slopes) >= -room).all()
    for a, b in zip(warm.points, cold.points, strict=True):
        assert a.cvar == pytest.approx(b.cvar, rel=3e-6)
        assert a.certificate.lower_bound <= b.cvar * (1.0 + 1e-6)
    first, last = warm.points[0], warm.points[-1]
    assert first.cvar == pytest.approx(cvar_portfolio(r, gap=1e-6, **asked).cvar, rel=3e-6)
    for point in (warm.points[3], last):
        _, value, _ = best(r, **{**asked, "min_return": point.expected_return})
        assert point.cvar == pytest.approx(value, rel=1e-5)


def test_warm_points_come_from_cuts_and_the_rest_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cuts stall, the remaining points are solved from the start, to the same values."""
    r = returns(800, 12)
    usual = cvar_frontier(r, points=6)
    monkeypatch.setattr("capmix.optimizer.portfolios.cuts.QUERIES", 1)
    monkeypatch.setattr("capmix.optimizer.portfolios.cuts.QUERIES_PER_ASSET", 0.0)
    solves = []
    real = portfolio_frontier.solved
    monkeypatch.setattr(portfolio_frontier, "solved", lambda *given: solves.append(1) or real(*given))
    stalled = cvar_frontier(r, points=6)
    assert len(solves) == 6
    assert stalled.success
    for a, b in zip(usual.points, stalled.points, strict=True):
        assert a.cvar == pytest.approx(b.cvar, rel=3e-5)
    monkeypatch.undo()
    monkeypatch.setattr(portfolio_frontier, "solved", lambda *given: solves.append(1) or real(*given))
    solves.clear()
    cvar_frontier(r, points=6)
    assert len(solves) == 1  # the first


def test_the_greatest_return_ends_the_frontier() -> None:
    r = returns(400, 8)
    frontier = cvar_frontier(r, points=4)
    assert frontier.points[-1].expected_return == pytest.approx(r.mean(axis=0).max(), rel=1e-5)
    capped = cvar_frontier(r, points=4, max_cvar=1.3 * frontier.points[0].cvar)
    assert capped.success
    assert capped.points[-1].cvar == pytest.approx(1.3 * frontier.points[0].cvar, rel=1e-4)


def test_a_frontier_of_one_asset_is_a_point() -> None:
    frontier = cvar_frontier(returns(300, 1), points=3)
    assert len({round(p.cvar, 9) for p in frontier.points}) == 1


def test_no_portfolio_and_no_end_are_said() -> None:
    r = returns(300, 5)
    none = cvar_frontier(r, points=4, upper=0.1)
    assert [p.status for p in none.points] == [Status.INFEASIBLE]
    assert not none.success
    endless = cvar_frontier(r, points=4, long_only=False)
    assert [p.success for p in endless.points] == [True, False]
    assert endless.points[1].weights is None
    assert endless.points[1].status is Status.UNBOUNDED
    assert "has no limit" in endless.points[1].messages[0]
    with pytest.raises(ValueError, match="at least 2"):
        cvar_frontier(r, points=1)
    with pytest.raises(ValueError, match="variance_aversion"):
        cvar_frontier(r, variance_aversion=1.0, covariance=np.eye(5))


def test_as_a_table() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    r = pandas.DataFrame(returns(400, 4), columns=["A", "B", "C", "D"])
    frontier = cvar_frontier(r, points=3)
    table = frontier.to_pandas()
    assert list(table["weights"].columns) == ["A", "B", "C", "D"]
    np.testing.assert_allclose(table["weights"].sum(axis=1), 1.0, atol=1e-6)
    assert list(table["figures"]["status"]) == ["certified"] * 3
    np.testing.assert_array_equal(table["figures"]["cvar"], [p.cvar for p in frontier.points])
    assert repr(frontier).startswith("<CvarFrontier 3 of 3 certified")
