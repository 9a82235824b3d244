"""More families of programs: shorts, free columns, hedges, budgets, wide and weighted ones, trees, several tails."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .instance import Array, Instance, Tail, blocks, generator, portfolio

FREE = 20.0  # region of free columns, in budgets
SHORT = 0.5  # largest position of either side


def returns_of(family: str, scenarios: int, assets: int, seed: int) -> Array:
    """(S, n) returns in percent, as of the family factor: Student t factors with 3.5 degrees of freedom, own noise."""
    rng = generator(family, scenarios, assets, seed)
    sectors = max(1, assets // 10)
    loadings = np.zeros((assets, 1 + sectors))
    loadings[:, 0] = rng.uniform(0.5, 1.5, assets)
    loadings[np.arange(assets), 1 + rng.integers(0, sectors, assets)] = rng.uniform(0.2, 0.8, assets)
    own = rng.uniform(0.4, 2.0, assets)
    premium = 0.02 + 0.05 * loadings[:, 0] + 0.02 * own + rng.normal(0.0, 0.02, assets)
    out = np.empty((scenarios, assets))
    for rows in blocks(scenarios):
        factors = rng.standard_t(3.5, (rows.stop - rows.start, 1 + sectors))
        out[rows] = premium + factors @ loadings.T + own * rng.standard_t(4.0, (rows.stop - rows.start, assets))
    return out


def least(family: str, seed: int, returns: Array, level: float = 0.95, weights: Array | None = None) -> Instance:
    """Least CVaR of a long-only portfolio for a mean 60 % of the way from that of all assets to that of the best."""
    mean = returns.mean(axis=0) if weights is None else weights @ returns
    required = float(mean.mean() + 0.6 * (mean.max() - mean.mean()))
    tail = Tail(-returns, np.zeros(returns.shape[0]), level, price=1.0)
    base = portfolio(family, seed, np.zeros(mean.size), None, tail, mean, required)
    return replace(base, weights=weights)


def within(instance: Instance, lower: float, upper: float, region: float) -> Instance:
    """The same with other bounds of the weights, looked for in a box of `region` on both sides."""
    n = instance.columns
    low, high = np.full(n, lower), np.full(n, upper)
    box = np.array([np.maximum(low, -region), np.minimum(high, region)])
    return replace(instance, lower=low, upper=high, region=box)


def long_short(scenarios: int, assets: int, seed: int) -> Instance:
    """Least CVaR for a mean return where every weight lies between -0.5 and 0.5."""
    base = least("long-short", seed, returns_of("long-short", scenarios, assets, seed))
    return within(base, -SHORT, SHORT, SHORT)


def free(scenarios: int, assets: int, seed: int) -> Instance:
    """Least CVaR at 90 % of weights without bounds that add up to 1. Region: 20 budgets on both sides."""
    base = least("free", seed, returns_of("free", scenarios, assets, seed), level=0.9)
    only = replace(base, matrix=base.matrix[:1], row_lower=base.row_lower[:1], row_upper=base.row_upper[:1])
    return within(only, -math.inf, math.inf, FREE)


def hedge(scenarios: int, instruments: int, seed: int) -> Instance:
    """Least price plus CVaR of a liability of 1,000 basket calls, hedged with shares and options, none sold short.

    Lognormal underlyings, one per ten instruments, with a common factor; per underlying its share, then calls and puts
    at strikes from 70 to 130 % of it. Each costs 2 % more than its mean payoff, so no amount above
    (CVaR - mean of the liability) / (2 % of its mean payoff) can pay: the region.
    """
    rng = generator("hedge", scenarios, instruments, seed)
    shares = max(1, instruments // 10)
    common = rng.standard_normal((scenarios, 1))
    prices = np.exp(-0.02 + 0.2 * (0.6 * common + 0.8 * rng.standard_normal((scenarios, shares))))
    payoffs = np.empty((scenarios, instruments))
    for j in range(instruments):
        price, turn = prices[:, j % shares], j // shares
        strike = 0.7 + 0.6 * ((0.37 * turn) % 1.0)
        gain = price - strike
        payoffs[:, j] = price if turn == 0 else np.maximum(gain if turn % 2 else -gain, 0.0)
    liability = 1_000.0 * np.maximum(prices.mean(axis=1) - 1.0, 0.0)
    mean = payoffs.mean(axis=0)
    worst = np.sort(liability)[-max(1, round(0.05 * scenarios)) :].mean()
    most = (worst - liability.mean()) / np.maximum(0.02 * mean, 1e-6)
    return Instance(
        family="hedge",
        seed=seed,
        cost=1.02 * mean + 1e-6,
        quadratic=None,
        tails=(Tail(-payoffs, liability, 0.95, price=1.0),),
        matrix=np.zeros((0, instruments)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        lower=np.zeros(instruments),
        upper=np.full(instruments, np.inf),
        region=np.array([np.zeros(instruments), most]),
    )


def large_budget(scenarios: int, assets: int, seed: int) -> Instance:
    """Least CVaR for a mean return of a long-only portfolio of 10⁶ dollars: the answer of one dollar, times 10⁶."""
    base = least("large-budget", seed, returns_of("large-budget", scenarios, assets, seed))
    return replace(base, row_lower=1e6 * base.row_lower, row_upper=1e6 * base.row_upper, region=1e6 * base.region)


def wide(scenarios: int, assets: int, seed: int) -> Instance:
    """Least CVaR for a mean return with no more than a tenth in one asset; meant for more assets than scenarios."""
    base = least("wide", seed, returns_of("wide", scenarios, assets, seed))
    most = max(0.1, 2.0 / assets)
    mean = base.matrix[1]
    reached = float(np.sort(mean)[-math.ceil(1.0 / most) :].mean())  # the best mean that the bound leaves
    required = float(mean.mean() + 0.6 * (reached - mean.mean()))
    base = replace(base, row_lower=np.array([1.0, required]))
    return within(base, 0.0, most, 1.0)


def weighted(scenarios: int, assets: int, seed: int) -> Instance:
    """Least CVaR for a mean return; weights fall by half over a third of the scenarios, times lognormal ones."""
    rng = generator("weights", scenarios, assets, seed)
    each = 0.5 ** (3.0 * np.arange(scenarios)[::-1] / scenarios) * np.exp(rng.standard_normal(scenarios))
    returns = returns_of("weighted", scenarios, assets, seed)
    return least("weighted", seed, returns, weights=each / each.sum())


def tree(scenarios: int, columns: int, seed: int) -> Instance:
    """Two periods on a scenario tree: buy at the root, trade at each of the nodes, CVaR of the loss at the leaves.

    Nodes share the leaves and have probabilities of their own. Columns: the assets at the root, then at each node;
    what a node holds is worth what the root's assets have become there. At most a half of the wealth is in one asset.
    A column of a node counts in its own leaves only, so the losses are sparse.
    """
    rng = generator("tree", scenarios, columns, seed)
    nodes = max(1, min(9, columns // 2 - 1))
    assets = columns // (1 + nodes)
    spare = columns - assets * (1 + nodes)  # more of the root's assets, so that the size is the one asked for
    root = assets + spare
    drift, size = rng.uniform(0.0, 0.01, root), rng.uniform(0.02, 0.08, root)
    first = 1.0 + drift + size * (0.5 * rng.standard_normal((nodes, 1)) + rng.standard_normal((nodes, root)))
    chance = rng.uniform(0.5, 1.5, nodes)
    node = np.arange(scenarios) % nodes
    second = 1.0 + drift + size * (0.5 * rng.standard_t(4.0, (scenarios, 1)) + rng.standard_t(4.0, (scenarios, root)))
    losses = np.zeros((scenarios, columns))
    rows, right = [np.zeros(columns)], [1.0]
    rows[0][:root] = 1.0
    for k in range(nodes):
        held = root + k * assets + np.arange(assets)
        losses[np.ix_(node == k, held)] = -second[node == k, :assets]
        funded = np.zeros(columns)
        funded[held], funded[:root] = 1.0, -first[k]
        rows.append(funded)
        right.append(0.0)
    each = chance[node] * np.exp(0.3 * rng.standard_normal(scenarios))
    most = np.full(columns, max(0.5, 1.5 / max(1, assets)))
    return Instance(
        family="tree",
        seed=seed,
        cost=np.zeros(columns),
        quadratic=None,
        tails=(Tail(losses, np.ones(scenarios), 0.9, price=1.0),),
        matrix=np.array(rows),
        row_lower=np.array(right),
        row_upper=np.array(right),
        lower=np.zeros(columns),
        upper=2.0 * most,
        region=np.array([np.zeros(columns), 2.0 * most]),
        weights=each / each.sum(),
    )


def several_tails(scenarios: int, assets: int, seed: int) -> Instance:
    """Most mean return less a price on the CVaR at 99 %, under limits on that at 90 % and on that of stressed returns.

    Limits: half-way between even weights and the asset of the highest mean.
    """
    returns = returns_of("tails", scenarios, assets, seed)
    rng = generator("stress", scenarios, assets, seed)
    stressed = 1.5 * returns - 0.3 * np.abs(rng.standard_t(4.0, (scenarios, 1))) * rng.uniform(0.5, 1.5, assets)
    mean = returns.mean(axis=0)
    best = np.zeros(assets)
    best[int(mean.argmax())] = 1.0
    base = least("tails", seed, returns)

    def limited(values: Array, level: float) -> Tail:
        count = max(1, round((1.0 - level) * scenarios))
        worst = [float(np.sort(-values @ x)[-count:].mean()) for x in (np.full(assets, 1.0 / assets), best)]
        return Tail(-values, np.zeros(scenarios), level, limit=0.5 * (worst[0] + worst[1]))

    extreme = Tail(-returns, np.zeros(scenarios), 0.99 if scenarios >= 100 else 0.95, price=0.002)
    tails = (limited(returns, 0.9), limited(stressed, 0.95), extreme)
    rows = {"matrix": base.matrix[:1], "row_lower": base.row_lower[:1], "row_upper": base.row_upper[:1]}
    return replace(base, cost=-mean, tails=tails, **rows)


FAMILIES: dict[str, Callable[[int, int, int], Instance]] = {
    "long-short": long_short,
    "free": free,
    "hedge": hedge,
    "large-budget": large_budget,
    "wide": wide,
    "weighted": weighted,
    "tree": tree,
    "tails": several_tails,
}
