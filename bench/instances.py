"""The programs that every subject gets: a minimum or a limit over explicit scenarios, made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from . import families
from .instance import Array, Instance, Tail, blocks, generator, portfolio

__all__ = ["FAMILIES", "Array", "Instance", "Tail", "make", "with_limits"]


def factor_portfolio(scenarios: int, assets: int, seed: int) -> Instance:
    """Least CVaR at 95 % of a long-only portfolio with heavy-tailed factors, for a mean return.

    Returns in percent: mean + loadings @ factors + own noise. One market and about an asset's tenth as many sector
    factors, all Student t with 3.5 degrees of freedom, and own noise with 4: fourth moments do not exist, as in daily
    returns (Cont 2001, https://doi.org/10.1080/713665670). Required: a mean of 60 % of the way from the mean of all
    assets to that of the best. The optimum holds few assets.
    """
    rng = generator("factor", scenarios, assets, seed)
    sectors = max(1, assets // 10)
    loadings = np.zeros((assets, 1 + sectors))
    loadings[:, 0] = rng.uniform(0.5, 1.5, assets)
    loadings[np.arange(assets), 1 + rng.integers(0, sectors, assets)] = rng.uniform(0.2, 0.8, assets)
    own = rng.uniform(0.4, 2.0, assets)
    premium = 0.02 + 0.05 * loadings[:, 0] + 0.02 * own + rng.normal(0.0, 0.02, assets)
    losses = np.empty((scenarios, assets))
    for rows in blocks(scenarios):
        factors = rng.standard_t(3.5, (rows.stop - rows.start, 1 + sectors))
        noise = rng.standard_t(4.0, (rows.stop - rows.start, assets))
        losses[rows] = -(premium + factors @ loadings.T + noise * own)
    mean = -losses.mean(axis=0)
    required = float(mean.mean() + 0.6 * (mean.max() - mean.mean()))
    tail = Tail(losses, np.zeros(scenarios), 0.95, price=1.0)
    return portfolio("factor", seed, np.zeros(assets), None, tail, mean, required)


def factor_limit(scenarios: int, assets: int, seed: int) -> Instance:
    """The greatest mean return of the same portfolio under a CVaR limit: half-way between even weights and the asset of
    the highest mean, so that the limit binds.
    """
    base = factor_portfolio(scenarios, assets, seed)
    losses = base.tails[0].losses
    mean = -losses.mean(axis=0)
    count = max(1, round(0.05 * scenarios))
    even = np.full(assets, 1.0 / assets)
    best = np.zeros(assets)
    best[int(mean.argmax())] = 1.0
    worst = [float(np.sort(losses @ x)[-count:].mean()) for x in (even, best)]
    tail = Tail(losses, base.tails[0].offset, 0.95, limit=0.5 * (worst[0] + worst[1]))
    return portfolio("factor-limit", seed, -mean, None, tail, None, None)


def mixture_portfolio(scenarios: int, assets: int, seed: int) -> Instance:
    """Mean-variance portfolio with a CVaR limit of the CVQP paper: minimise x'Σx/2 - μ'x, 1'x = 1, x >= 0, CVaR <= 0.3.

    Returns: N(0.2, 1) in the first 80 % of the scenarios, N(-0.2, 4) under stress, independent between assets; μ and
    Σ are the sample's own. Level 95 %. The optimum holds nearly all assets. Luxenberg, Pérez-Piñeiro, Diamond and Boyd
    2025, https://arxiv.org/abs/2504.10814, section on portfolios; Σ in full at every size, where the authors take its
    diagonal from a million scenarios on. With fewer than about 700 assets nobody keeps 0.3: there the limit is
    2 % above the CVaR of even weights.
    """
    rng = generator("mixture", scenarios, assets, seed)
    calm = int(0.8 * scenarios)
    losses = np.empty((scenarios, assets))
    for rows in blocks(scenarios):
        stress = np.arange(rows.start, rows.stop)[:, None] >= calm
        draws = rng.standard_normal((rows.stop - rows.start, assets))
        losses[rows] = -np.where(stress, -0.2 + 2.0 * draws, 0.2 + draws)
    mean = losses.mean(axis=0)
    covariance = (losses.T @ losses - scenarios * np.outer(mean, mean)) / (scenarios - 1)
    count = max(1, round(0.05 * scenarios))
    even = float(np.sort(losses.mean(axis=1))[-count:].mean())
    tail = Tail(losses, np.zeros(scenarios), 0.95, limit=max(0.3, 1.02 * even))
    return portfolio("mixture", seed, mean, 0.5 * (covariance + covariance.T), tail, None, None)


def quantile_regression(scenarios: int, features: int, seed: int) -> Instance:
    """The 90 % quantile of y given X, a linear regression: minimise CVaR_τ(y - X b) + mean(X) b over free b.

    With the intercept c at its best, E ρ_τ(y - X b - c) = (1 - τ) (CVaR_τ(y - X b) - mean(y - X b)): Rockafellar,
    Uryasev and Zabarankin 2008, https://doi.org/10.1287/moor.1080.0322. Draws as in the CVQP paper (arXiv 2504.10814):
    X standard normal, b_j standard normal over √(1 + j), noise 0.1 times Student t with 5 degrees of freedom. The
    objective here leaves out the constant mean(y). Region: |b_j| <= 20, where true coefficients are below 5.
    """
    rng = generator("quantile", scenarios, features, seed)
    true = rng.standard_normal(features) / np.sqrt(1.0 + np.arange(features))
    losses = np.empty((scenarios, features))
    offset = np.empty(scenarios)
    for rows in blocks(scenarios):
        x = rng.standard_normal((rows.stop - rows.start, features))
        offset[rows] = x @ true + 0.1 * rng.standard_t(5.0, x.shape[0])
        losses[rows] = -x
    free = np.full(features, np.inf)
    return Instance(
        family="quantile",
        seed=seed,
        cost=-losses.mean(axis=0),
        quadratic=None,
        tails=(Tail(losses, offset, 0.9, price=1.0),),
        matrix=np.zeros((0, features)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        lower=-free,
        upper=free,
        region=np.array([np.full(features, -20.0), np.full(features, 20.0)]),
    )


FAMILIES: dict[str, Callable[[int, int, int], Instance]] = {
    "factor": factor_portfolio,
    "factor-limit": factor_limit,
    "mixture": mixture_portfolio,
    "quantile": quantile_regression,
    **families.FAMILIES,
}


def make(family: str, scenarios: int, columns: int, seed: int = 1) -> Instance:
    """Raises ValueError for an unknown family or a size without meaning."""
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}; allowed: {', '.join(FAMILIES)}")
    if scenarios < 20 or columns < 2:
        raise ValueError(f"{family}: {scenarios:,} x {columns:,} is too small; at least 20 scenarios and 2 columns")
    return FAMILIES[family](scenarios, columns, seed)


def with_limits(instance: Instance, limits: tuple[float, ...]) -> Instance:
    """The same program with other CVaR limits."""
    pairs = zip(instance.tails, limits, strict=True)
    return replace(instance, tails=tuple(replace(tail, limit=limit) for tail, limit in pairs))
