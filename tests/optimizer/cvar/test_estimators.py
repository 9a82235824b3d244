"""Estimators: scikit-learn's conventions without scikit-learn, and quantile regression against other solvers of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from capmix import CvarPortfolio, QuantileRegressor, quantile_regression
from capmix.optimizer.cvar.quantile_regression import pinball, weighted_quantile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog


def data(count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4))
    y = 3.0 + x @ [1.0, -2.0, 0.5, 0.0] + (1.0 + 0.3 * np.abs(x[:, 0])) * rng.standard_t(3, count)
    return x, y, rng.uniform(0.0, 2.0, count)


def least_loss(x: np.ndarray, y: np.ndarray, quantile: float, constant: bool, weights: np.ndarray | None) -> float:
    """The least mean pinball loss by HiGHS, on the linear program of Koenker and Bassett."""
    count = x.shape[0]
    p = np.full(count, 1.0 / count) if weights is None else weights / weights.sum()
    wide = np.hstack([x, np.ones((count, 1))]) if constant else x
    cost = np.concatenate([np.zeros(wide.shape[1]), quantile * p, (1.0 - quantile) * p])
    rows = np.hstack([wide, np.eye(count), -np.eye(count)])
    bounds = [(None, None)] * wide.shape[1] + [(0.0, None)] * (2 * count)
    found = linprog(cost, A_eq=rows, b_eq=y, bounds=bounds, method="highs")
    assert found.status == 0
    return float(found.fun)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_regression_is_that_of_its_linear_program(quantile: float, constant: bool, weighted: bool) -> None:
    x, y, w = data()
    weights = w if weighted else None
    fit = QuantileRegressor(quantile=quantile, fit_intercept=constant, gap=1e-6).fit(x, y, weights)
    value = least_loss(x, y, quantile, constant, weights)
    assert fit.result_.success
    assert fit.result_.loss == pytest.approx(value, rel=3e-6)
    assert fit.result_.lower <= value * (1.0 + 1e-6)
    assert pinball(y - fit.predict(x), quantile, weights) == pytest.approx(fit.result_.loss, rel=1e-12)
    assert (fit.intercept_ != 0.0) == constant


def test_units_of_the_predictors_do_not_matter() -> None:
    x, y, _ = data(400, 2)
    one = QuantileRegressor(quantile=0.8, gap=1e-7).fit(x, y)
    size, shift = np.array([1e-6, 1.0, 1e6, 1e3]), np.array([0.0, 2_000.0, 3e6, -50.0])
    other = QuantileRegressor(quantile=0.8, gap=1e-7).fit(x * size + shift, 1e4 * y)
    assert other.result_.success
    assert other.result_.loss == pytest.approx(1e4 * one.result_.loss, rel=1e-6)
    np.testing.assert_allclose(other.coef_ * size / 1e4, one.coef_, atol=1e-3)


def test_a_fit_without_residuals_is_exact() -> None:
    x, _, _ = data(50)
    fit = quantile_regression(x, x @ [1.0, 2.0, 3.0, 4.0] + 5.0, quantile=0.7)
    assert fit.success
    np.testing.assert_allclose(fit.coefficients, [1.0, 2.0, 3.0, 4.0], atol=1e-6)
    assert fit.intercept == pytest.approx(5.0, abs=1e-6)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 3.0)), min_size=1, max_size=30), st.floats(0.05, 0.95))
def test_the_weighted_quantile_minimises_the_pinball_loss(pairs: list[tuple[float, float]], quantile: float) -> None:
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    at = weighted_quantile(values, quantile, weights)
    here = pinball(values - at, quantile, weights)
    assert here <= min(pinball(values - v, quantile, weights) for v in values) + 1e-9


def test_faults_of_the_data_are_named_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        quantile_regression([[1.0], [np.nan]], [1.0, 2.0, 3.0], quantile=1.0, sample_weight=[-1.0, 1.0])
    for part in ("X[1, 0] is nan", "y has the shape (3,)", "quantile is 1.0", "must not be negative"):
        assert part in str(caught.value)


def test_parameters_are_kept_as_given_and_unknown_ones_named() -> None:
    upper = np.array([0.5, 0.5, 0.5])
    one = CvarPortfolio(level=0.9, upper=upper)
    assert one.get_params()["upper"] is upper
    assert one.set_params(level=0.8) is one
    assert one.level == 0.8
    assert repr(CvarPortfolio(level=0.9)) == "CvarPortfolio(level=0.9)"
    with pytest.raises(ValueError, match="no parameter 'levl'"):
        one.set_params(levl=0.9)


def test_a_portfolio_is_learnt_used_and_scored() -> None:
    rng = np.random.default_rng(1)
    r = 0.001 + 0.02 * rng.standard_t(4, (500, 6))
    fit = CvarPortfolio(level=0.9, upper=0.4).fit(r[:300], sample_weight=np.linspace(1.0, 2.0, 300))
    assert fit.result_.success
    assert fit.weights_.sum() == pytest.approx(1.0, abs=1e-7)
    gains = fit.predict(r[300:])
    np.testing.assert_allclose(gains, r[300:] @ fit.weights_, rtol=1e-12)
    assert fit.score(r[300:]) == pytest.approx(gains.mean() / gains.std())
    with pytest.raises(ValueError, match="5 features; the fit had 6"):
        fit.predict(r[:, :5])
    with pytest.raises(ValueError, match="not fitted"):
        CvarPortfolio().predict(r)
    with pytest.raises(ValueError, match="no portfolio"):
        CvarPortfolio(upper=0.1).fit(r)


def test_scikit_learn_clones_tunes_and_pipes_them() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.base import clone, is_regressor
    from sklearn.linear_model import QuantileRegressor as Theirs
    from sklearn.metrics import d2_pinball_score
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    rng = np.random.default_rng(1)
    r = 0.001 + 0.02 * rng.standard_t(4, (240, 4))
    again = clone(CvarPortfolio(level=0.9, upper=np.full(4, 0.5)))
    assert again.level == 0.9
    grid: Any = GridSearchCV(CvarPortfolio(), {"level": [0.8, 0.9], "upper": [0.4, 1.0]}, cv=TimeSeriesSplit(3))
    grid.fit(r)
    assert set(grid.best_params_) == {"level", "upper"}
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()
    piped = make_pipeline(FunctionTransformer(), CvarPortfolio()).fit(r)
    assert piped.predict(r).shape == (240,)
    assert np.isfinite(piped.score(r))
    x, y, _ = data(200)
    assert is_regressor(QuantileRegressor())
    search: Any = GridSearchCV(
        make_pipeline(StandardScaler(), QuantileRegressor(quantile=0.8)),
        {"quantileregressor__fit_intercept": [True, False]},
        cv=3,
        error_score="raise",
    )
    search.fit(x, y)
    assert search.best_params_ == {"quantileregressor__fit_intercept": True}
    ours = QuantileRegressor(quantile=0.8, gap=1e-7).fit(x, y)
    theirs = Theirs(quantile=0.8, alpha=0.0, solver="highs").fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-3)
    assert ours.score(x, y) == pytest.approx(d2_pinball_score(y, ours.predict(x), alpha=0.8), rel=1e-9)


def test_names_of_features_are_remembered() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    x, y, _ = data(200)
    frame = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    fit = QuantileRegressor(quantile=0.8).fit(frame, pd.Series(y))
    assert list(fit.feature_names_in_) == ["a", "b", "c", "d"]
    np.testing.assert_allclose(fit.predict(frame), fit.predict(x))
    with pytest.raises(ValueError, match="not those of the fit"):
        fit.predict(frame[["b", "a", "c", "d"]])
