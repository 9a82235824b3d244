"""skfolio's MeanRisk, on portfolios: least CVaR for a mean return, or mean and variance under a limit."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ..instances import Instance
from .adapter import Answer, CannotState, Options, portfolio_of, required_mean


def solve(instance: Instance, options: Options) -> Answer:
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    portfolio = portfolio_of(instance)
    returns = portfolio.returns
    tail = instance.tails[0]
    tolerance = 1e-3 * options.tolerance
    common: dict[str, Any] = {
        "cvar_beta": tail.level,
        "budget": portfolio.budget,
        "min_weights": None if np.isinf(portfolio.lower).all() else portfolio.lower,
        "max_weights": None if np.isinf(portfolio.upper).all() else portfolio.upper,
        "solver": "CLARABEL",
        "solver_params": {
            "tol_gap_rel": tolerance,
            "tol_gap_abs": tolerance,
            "tol_feas": tolerance,
            "time_limit": options.time_limit,
            "max_threads": options.threads,
        },
    }
    mean = returns.mean(axis=0)
    if tail.price == 1.0 and not instance.cost.any() and instance.quadratic is None and math.isinf(tail.limit):
        least = required_mean(instance, returns)
        model = MeanRisk(ObjectiveFunction.MINIMIZE_RISK, RiskMeasure.CVAR, min_return=least, **common)
    elif tail.price == 0.0 and np.allclose(instance.cost, -mean, rtol=1e-12, atol=1e-12):
        if instance.quadratic is None:
            model = MeanRisk(ObjectiveFunction.MAXIMIZE_RETURN, RiskMeasure.CVAR, max_cvar=tail.limit, **common)
        else:
            model = MeanRisk(
                ObjectiveFunction.MAXIMIZE_UTILITY,
                RiskMeasure.VARIANCE,
                risk_aversion=0.5,
                max_cvar=tail.limit,
                **common,
            )
    else:
        raise CannotState("it takes least CVaR for a mean return, or mean and variance under a CVaR limit")
    begin = time.perf_counter()
    model.fit(returns)
    phases = {"build": 0.0, "solve": time.perf_counter() - begin}
    return Answer(np.asarray(model.weights_, dtype=np.float64), "fitted", phases=phases)
