"""CVaR portfolios and quantile regression as estimators that scikit-learn can clone, tune and put into pipelines.

They follow its conventions (https://scikit-learn.org/stable/developers/develop.html) and need nothing of it: parameters
are stored as given, what is learnt ends in an underscore.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

import numpy as np

from ...errors import CapmixError
from ..arrays import FloatArray
from ..cvar.labels import is_pandas
from ..cvar.quantile_regression import QuantileFit, quantile_regression
from .result import PortfolioResult
from .solve import cvar_portfolio


class NotFitted(CapmixError, ValueError, AttributeError):
    """An estimator was asked before it was fitted; what scikit-learn's own error is derived from as well."""


class _Estimator:
    """Parameters by the names of the constructor's arguments."""

    _kind = ""

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """The parameters as they were given."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **parameters: Any) -> Any:
        """Change parameters; gives the estimator itself. ValueError names an unknown one."""
        names = self._names()
        unknown = [name for name in parameters if name not in names]
        if unknown:
            raise ValueError(f"{type(self).__name__} has no parameter {unknown[0]!r}; it has {', '.join(names)}")
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {k: v.default for k, v in inspect.signature(type(self).__init__).parameters.items()}
        changed = [(n, v) for n, v in self.get_params().items() if v is not defaults[n] and not _same(v, defaults[n])]
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in changed)})"

    def __sklearn_tags__(self) -> Any:
        """Asked for by scikit-learn only, so it is loaded."""
        utils = sys.modules["sklearn.utils"]
        regressor = utils.RegressorTags() if self._kind == "regressor" else None
        target = utils.TargetTags(required=self._kind == "regressor")
        return utils.Tags(estimator_type=self._kind or None, target_tags=target, regressor_tags=regressor)

    def _matrix(self, X: Any, fitting: bool) -> Any:
        """X with its features checked against those of the fit."""
        names = np.array(X.columns, dtype=object) if is_pandas(X) and X.ndim == 2 else None
        values = X if fitting else np.asarray(X, dtype=np.float64)
        shape = np.shape(values)
        if len(shape) != 2:
            raise ValueError(f"X has the shape {shape}; it must be (samples, features)")
        if fitting:
            self.n_features_in_ = int(shape[1])
            if names is not None and all(isinstance(name, str) for name in names):
                self.feature_names_in_ = names
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            return values
        if not hasattr(self, "n_features_in_"):
            raise NotFitted(f"this {type(self).__name__} is not fitted; call fit first")
        if shape[1] != self.n_features_in_:
            raise ValueError(f"X has {shape[1]} features; the fit had {self.n_features_in_}")
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(names) != list(known):
            wrong = [str(a) for a, b in zip(names, known, strict=True) if a != b]
            raise ValueError(f"X's columns are not those of the fit, in their order: {', '.join(wrong[:5])} differ")
        return values


class CvarPortfolio(_Estimator):
    """A portfolio of least CVaR, most return or most utility, learnt from returns.

    Parameters are those of `Portfolio`, and `gap` and `time_limit` of `cvar_portfolio`.

    Attributes:
        weights_: (n,). result_: `PortfolioResult`, with the certificate. n_features_in_, feature_names_in_: assets.
    """

    def __init__(
        self,
        *,
        level: float = 0.95,
        objective: str = "min_cvar",
        risk_aversion: float = 1.0,
        max_cvar: float | None = None,
        min_return: float | None = None,
        budget: Any = 1.0,
        long_only: bool = True,
        lower: Any = None,
        upper: Any = None,
        max_leverage: float | None = None,
        previous: Any = None,
        max_turnover: float | None = None,
        buy_costs: Any = 0.0,
        sell_costs: Any = 0.0,
        groups: Any = None,
        covariance: Any = None,
        variance_aversion: float = 0.0,
        gap: float = 1e-5,
        time_limit: float | None = None,
    ) -> None:
        self.level = level
        self.objective = objective
        self.risk_aversion = risk_aversion
        self.max_cvar = max_cvar
        self.min_return = min_return
        self.budget = budget
        self.long_only = long_only
        self.lower = lower
        self.upper = upper
        self.max_leverage = max_leverage
        self.previous = previous
        self.max_turnover = max_turnover
        self.buy_costs = buy_costs
        self.sell_costs = sell_costs
        self.groups = groups
        self.covariance = covariance
        self.variance_aversion = variance_aversion
        self.gap = gap
        self.time_limit = time_limit

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> CvarPortfolio:  # noqa: ARG002
        """Learn the weights.

        Args:
            X: (samples, assets) returns. y: ignored. sample_weight: (samples,) relative probabilities.

        Raises:
            ValueError: faults of the parameters or X; or no portfolio keeps the limits.
            RuntimeError: the search was stopped before it had a portfolio.
        """
        returns = self._matrix(X, fitting=True)
        statement = self.get_params()
        statement["groups"] = self.groups or {}
        result = cvar_portfolio(returns, scenario_weights=sample_weight, **statement)
        if result.weights is None:
            words = "; ".join(result.messages) or "no point was found"
            error = RuntimeError if result.status.value == "stopped" else ValueError
            raise error(f"no portfolio ({result.status.value}): {words}")
        self.result_: PortfolioResult = result
        self.weights_: FloatArray = np.asarray(result.weights)
        return self

    def predict(self, X: Any) -> FloatArray:
        """(samples,) return of the portfolio on each row of X, before costs."""
        values = self._matrix(X, fitting=False)
        found: FloatArray = values @ self.weights_
        return found

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: ARG002
        """Mean over standard deviation of the portfolio's returns on X (Sharpe 1994), more is better.

        It asks the same of every setting of the parameters, as a search over them needs; for another measure give a
        search its `scoring`.
        """
        gains = self.predict(X)
        p = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        mean = float(np.average(gains, weights=p))
        spread = float(np.sqrt(np.average((gains - mean) ** 2, weights=p)))
        return mean / spread if spread > 0.0 else 0.0


class QuantileRegressor(_Estimator):
    """Linear regression for a quantile of y, with a proven gap of its mean pinball loss.

    Koenker and Bassett 1978, https://doi.org/10.2307/1913643; see `quantile_regression` for its form as a CVaR program.

    Parameters:
        quantile: strictly between 0 and 1. fit_intercept: with a constant. gap: relative, of the mean pinball loss.
        time_limit: seconds.

    Attributes:
        coef_: (features,). intercept_: 0 without one. result_: `QuantileFit`. n_features_in_, feature_names_in_.
    """

    _kind = "regressor"

    def __init__(
        self,
        *,
        quantile: float = 0.5,
        fit_intercept: bool = True,
        gap: float = 1e-5,
        time_limit: float | None = None,
    ) -> None:
        self.quantile = quantile
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.time_limit = time_limit

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> QuantileRegressor:
        """Learn the coefficients.

        Args:
            X: (samples, features). y: (samples,). sample_weight: (samples,) relative weights, not negative.

        Raises:
            ValueError: every fault of the data at once.
            RuntimeError: the search was stopped before it had coefficients.
        """
        values = self._matrix(X, fitting=True)
        found = quantile_regression(
            values,
            y,
            quantile=self.quantile,
            fit_intercept=self.fit_intercept,
            sample_weight=sample_weight,
            gap=self.gap,
            time_limit=self.time_limit,
        )
        if found.coefficients is None:
            raise RuntimeError(f"no coefficients ({found.status.value}): {'; '.join(found.messages)}")
        self.result_: QuantileFit = found
        self.coef_: FloatArray = np.asarray(found.coefficients)
        self.intercept_ = found.intercept
        return self

    def predict(self, X: Any) -> FloatArray:
        """(samples,) the quantile on each row of X."""
        values = self._matrix(X, fitting=False)
        found: FloatArray = values @ self.coef_ + self.intercept_
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """D²: 1 minus the pinball loss over that of the best constant; 1 is perfect, more is better.

        Koenker and Machado 1999, https://doi.org/10.1080/01621459.1999.10473882.
        """
        from ..cvar.quantile_regression import pinball, weighted_quantile

        target = np.asarray(y, dtype=np.float64)
        p = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        constant = weighted_quantile(target, self.quantile, p)
        loss = pinball(target - self.predict(X), self.quantile, p)
        reference = pinball(target - constant, self.quantile, p)
        if reference > 0.0:
            return 1.0 - loss / reference
        return 1.0 if loss == 0.0 else 0.0


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and isinstance(a, str | int | float | bool) and bool(a == b)
