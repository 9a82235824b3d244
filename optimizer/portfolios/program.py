"""A portfolio as a CVaR program: trades and gross exposure as columns beside the weights, and its figures.

Columns: the n weights w; for an asset that may be bought as well as sold, b_j >= (w_j - previous_j)⁺; for one that may
be held long as well as short, p_j >= w_j⁺. What is sold is then b_j - (w_j - previous_j), and |w_j| is 2 p_j - w_j.
Where only one direction is open, both are linear in w_j and need no column.

Why no limit can be evaded, nor missed: costs, traded amounts and gross exposure rise with b and p and stand, without an
exception, where more of them is worse (in the losses, on the low side of the return, under an upper limit). So

- any (w, b, p) that the program allows has b >= b*(w), p >= p*(w), the exact parts of w, and (w, b*, p*) is allowed
  too, with an objective that is not worse: its w is one of the portfolio, with true figures at least as good;
- any w that the portfolio allows is one of the program, with b* and p*, at the same objective.

Both problems have one optimum, and a bound for the program is one for the portfolio. Where something is free (no cost,
a limit with room), a solver may leave b or p too large; all figures are therefore taken from w alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from ...kernels.tail import tail
from ..arrays import FloatArray
from ..cvar.program import CvarProgram, CvarTerm
from .portfolio import Stated

IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Figures:
    """What weights come to, from the weights alone.

    expected_return, cvar, var: of the net return and the net loss. turnover: bought and sold together. leverage: gross.
    objective: as the portfolio's objective has it: least CVaR, or most return or utility.
    """

    expected_return: float
    cvar: float
    var: float
    turnover: float
    cost: float
    leverage: float
    objective: float


@dataclass(frozen=True, eq=False)
class Linear:
    """gradient'z + constant over the program's columns z."""

    gradient: FloatArray
    constant: float


@dataclass(frozen=True, eq=False)
class Lowering:
    """The program, its rows' names, and the constant that its objective leaves out (minimised).

    parts: of each part its asset, its column, and the weight from which on it is not 0.
    """

    program: CvarProgram
    names: tuple[str, ...]
    constant: float
    parts: tuple[tuple[int, int, float], ...]

    def returning(self, more: float) -> Lowering:
        """The same where so much more expected return is required. There must be a row for it."""
        least = np.array(self.program.row_lower)
        least[self.names.index("min_return")] += more
        return replace(self, program=replace(self.program, row_lower=least))

    def columns(self, weights: FloatArray) -> FloatArray:
        """(columns,) of weights, with the exact parts."""
        out = np.zeros(np.asarray(self.program.cost).size)
        out[: weights.size] = weights
        for j, column, at in self.parts:
            out[column] = max(0.0, float(weights[j]) - at)
        return out


def lowered(p: Stated) -> Lowering:
    """See the module's text."""
    n = p.width
    lower, upper = _reach(p)
    both_ways = (lower < p.previous) & (p.previous < upper)
    traded = np.flatnonzero(both_ways & ((p.buy + p.sell > 0.0) | math.isfinite(p.max_turnover)))
    mixed = np.flatnonzero((lower < 0.0) & (upper > 0.0)) if math.isfinite(p.max_leverage) else np.zeros(0, np.int64)
    width = n + traded.size + mixed.size
    buys = n + np.arange(traded.size)
    longs = n + traded.size + np.arange(mixed.size)

    bought, sold = _trades(p, lower, traded, buys)
    cost = _sum(width, (p.buy, bought), (p.sell, sold))
    turnover = _sum(width, (np.ones(n), bought), (np.ones(n), sold))
    mean = np.zeros(width)
    mean[:n] = p.mean
    net = Linear(mean - cost.gradient, -cost.constant)
    gross = np.zeros(width)
    gross[:n] = np.where(lower >= 0.0, 1.0, -1.0)
    gross[longs] = 2.0

    rows: list[tuple[str, FloatArray, float, float]] = []

    def row(name: str, gradient: FloatArray, least: float, most: float) -> None:
        if math.isfinite(least) or math.isfinite(most):
            rows.append((name, gradient, least, most))

    row("budget", _padded(np.ones(n), width), *p.budget)
    row("min_return", net.gradient, p.min_return - net.constant, math.inf)
    row("max_turnover", turnover.gradient, -math.inf, p.max_turnover - turnover.constant)
    row("max_leverage", gross, -math.inf, p.max_leverage)
    for group in p.groups:
        row(f"group {group.name}", _padded(group.exposures, width), group.least, group.most)
    parts = [(int(j), int(column), float(p.previous[j])) for j, column in zip(traded, buys, strict=True)]
    parts += [(int(j), int(column), 0.0) for j, column in zip(mixed, longs, strict=True)]
    low = np.concatenate([lower, np.zeros(traded.size + mixed.size)])
    high = np.concatenate([upper, np.maximum(upper - p.previous, 0.0)[traded], np.maximum(upper, 0.0)[mixed]])

    losses = np.empty((p.returns.shape[0], width))
    losses[:, n:] = 0.0
    np.negative(p.returns, out=losses[:, :n])
    losses += cost.gradient
    offset = np.full(losses.shape[0], cost.constant) if cost.constant else None
    price = {"min_cvar": 1.0, "max_return": 0.0, "utility": p.risk_aversion}[p.objective]
    limit = p.max_cvar if math.isfinite(p.max_cvar) else None
    quadratic = None
    if p.covariance is not None:
        quadratic = np.zeros((width, width))
        quadratic[:n, :n] = p.variance_aversion * p.covariance
    program = CvarProgram(
        cost=np.zeros(width) if p.objective == "min_cvar" else -net.gradient,
        quadratic=quadratic,
        tails=(CvarTerm(losses, p.level, limit=limit, price=price, offset=offset, name="CVaR"),),
        matrix=_stacked(rows, parts, width),
        row_lower=np.array([r[2] for r in rows] + [-at for *_, at in parts]),
        row_upper=np.array([r[3] for r in rows] + [math.inf] * len(parts)),
        lower=low,
        upper=high,
        weights=p.probabilities,
    )
    names = [r[0] for r in rows] + [f"trade of {p.name(int(j))}" for j in traded]
    names += [f"max_leverage, by {p.name(int(j))}" for j in mixed]
    return Lowering(program, tuple(names), 0.0 if p.objective == "min_cvar" else -net.constant, tuple(parts))


def trading_cost(p: Stated, weights: FloatArray) -> float:
    """See `portfolio`. weights: (n,)."""
    return float(p.buy @ np.maximum(weights - p.previous, 0.0) + p.sell @ np.maximum(p.previous - weights, 0.0))


def net_losses(p: Stated, weights: FloatArray) -> FloatArray:
    """(S,) loss of each scenario after costs."""
    found: FloatArray = trading_cost(p, weights) - p.returns @ weights
    return found


def figures(p: Stated, weights: FloatArray) -> Figures:
    """The one definition of every figure. weights: (n,)."""
    cost = trading_cost(p, weights)
    worst = tail(net_losses(p, weights), p.level, p.probabilities)
    expected = float(p.mean @ weights) - cost
    spread = 0.0
    if p.covariance is not None:
        spread = 0.5 * p.variance_aversion * float(weights @ (p.covariance @ weights))
    value = {
        "min_cvar": worst.cvar + spread,
        "max_return": expected - spread,
        "utility": expected - p.risk_aversion * worst.cvar - spread,
    }[p.objective]
    return Figures(
        expected_return=expected,
        cvar=worst.cvar,
        var=worst.var,
        turnover=float(np.abs(weights - p.previous).sum()),
        cost=cost,
        leverage=float(np.abs(weights).sum()),
        objective=value,
    )


def _reach(p: Stated) -> tuple[FloatArray, FloatArray]:
    """(n,) bounds of the weights, with those that the other limits imply: a finite column is easier to prove."""
    lower, upper = p.lower, p.upper
    if math.isfinite(p.max_leverage):
        lower, upper = np.maximum(lower, -p.max_leverage), np.minimum(upper, p.max_leverage)
    if math.isfinite(p.max_turnover):
        lower = np.maximum(lower, p.previous - p.max_turnover)
        upper = np.minimum(upper, p.previous + p.max_turnover)
    if math.isfinite(p.budget[1]) and np.isfinite(lower).all():
        upper = np.minimum(upper, lower + (p.budget[1] - float(lower.sum())))
    crossed = lower > upper  # no weights keep these limits together: the rows will say which
    return np.where(crossed, p.lower, lower), np.where(crossed, p.upper, upper)


def _trades(p: Stated, lower: FloatArray, traded: IndexArray, buys: IndexArray) -> tuple[Parts, Parts]:
    """What is bought and sold of each asset, over the columns."""
    n = p.width
    own = np.zeros(n)  # what is bought, per unit of the weight: 1 where an asset can only be bought
    own[(lower >= p.previous)] = 1.0
    own[traded] = 0.0
    column = np.full(n, -1, dtype=np.int64)
    column[traded] = buys
    bought = Parts(own, column, -own * p.previous)
    return bought, Parts(own - 1.0, column, (1.0 - own) * p.previous)


@dataclass(frozen=True, eq=False)
class Parts:
    """Per asset: own × its weight + its part's column (if it is not -1) + constant."""

    own: FloatArray
    column: IndexArray
    constant: FloatArray


def _sum(width: int, *priced: tuple[FloatArray, Parts]) -> Linear:
    """The sum of prices times parts, over all columns."""
    gradient, constant = np.zeros(width), 0.0
    for price, part in priced:
        gradient[: price.size] += price * part.own
        held = part.column >= 0
        gradient[part.column[held]] += price[held]
        constant += float(price @ part.constant)
    return Linear(gradient, constant)


def _padded(values: FloatArray, width: int) -> FloatArray:
    return np.concatenate([values, np.zeros(width - values.size)])


def _stacked(
    rows: Sequence[tuple[str, FloatArray, float, float]], parts: Sequence[tuple[int, int, float]], width: int
) -> csr_array:
    """The rows, then a row `part - weight` for each part."""
    whole = csr_array(np.array([r[1] for r in rows]).reshape(len(rows), width))
    count = len(parts)
    entry = np.repeat(np.arange(count), 2)
    at = np.array([k for j, column, _ in parts for k in (j, column)], dtype=np.int64)
    split = csr_array((np.tile([-1.0, 1.0], count), (entry, at)), shape=(count, width))
    return csr_array(vstack([whole, split], format="csr"))
