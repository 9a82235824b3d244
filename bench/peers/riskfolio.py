"""Riskfolio-Lib, on long-only portfolios with a linear objective."""

from __future__ import annotations

import math
import time

import numpy as np

from ..instances import Instance
from .adapter import Answer, CannotState, Options, required_mean, returns_of


def solve(instance: Instance, options: Options) -> Answer:
    import pandas as pd
    import riskfolio

    returns = returns_of(instance)
    tail = instance.tails[0]
    if instance.quadratic is not None:
        raise CannotState("its utility has the standard deviation, not the variance")
    mean = returns.mean(axis=0)
    begin = time.perf_counter()
    frame = pd.DataFrame(returns, columns=[f"a{j}" for j in range(returns.shape[1])])
    portfolio = riskfolio.Portfolio(returns=frame, alpha=1.0 - tail.level)
    portfolio.assets_stats(method_mu="hist", method_cov="hist")
    portfolio.solvers = ["CLARABEL"]
    tolerance = 1e-3 * options.tolerance
    settings = {"tol_gap_rel": tolerance, "tol_gap_abs": tolerance, "tol_feas": tolerance}
    portfolio.sol_params = {"CLARABEL": {**settings, "time_limit": options.time_limit, "max_threads": options.threads}}
    if tail.price == 1.0 and not instance.cost.any() and math.isinf(tail.limit):
        portfolio.lowerret = required_mean(instance, returns)
        objective = "MinRisk"
    elif tail.price == 0.0 and np.allclose(instance.cost, -mean, rtol=1e-12, atol=1e-12):
        portfolio.upperCVaR = tail.limit
        objective = "MaxRet"
    else:
        raise CannotState("it takes least CVaR for a mean return, or the greatest mean under a CVaR limit")
    built = time.perf_counter()
    weights = portfolio.optimization(model="Classic", rm="CVaR", obj=objective, rf=0.0, hist=True)
    phases = {"build": built - begin, "solve": time.perf_counter() - built}
    if weights is None:
        return Answer(None, "no solution", phases=phases)
    return Answer(weights["weights"].to_numpy(dtype=np.float64), "solved", phases=phases)
