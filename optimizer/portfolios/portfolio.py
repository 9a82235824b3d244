"""A portfolio as its manager states it: returns, an objective, and limits on risk, trades, leverage and groups.

    R_s = Σ_j r_sj w_j - cost(w)                                the net return of scenario s, of wealth 1
    cost(w) = Σ_j buy_j (w_j - previous_j)⁺ + sell_j (previous_j - w_j)⁺
    min_cvar     least CVaR(-R) + variance_aversion w'Σw / 2
    max_return   most  E R - variance_aversion w'Σw / 2, with CVaR(-R) <= max_cvar
    utility      most  E R - risk_aversion CVaR(-R) - variance_aversion w'Σw / 2

Rockafellar and Uryasev 2000, https://doi.org/10.21314/JOR.2000.038; proportional costs as in Lobo, Fazel and Boyd 2007,
https://doi.org/10.1007/s10479-006-0145-1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import FloatArray
from ..cvar.check import real
from ..cvar.labels import Axis, Labels, is_pandas, matrix, vector

OBJECTIVES = ("min_cvar", "max_return", "utility")


@dataclass(frozen=True, eq=False)
class Portfolio:
    """What is asked for. Amounts are shares of wealth: 0.1 is ten percent of it, and a return of 0.01 is one percent.

    Arrays may be NumPy, lists, or DataFrames and Series of pandas, whose labels are then aligned and kept.

    Attributes:
        returns: (S, n) simple return of each asset in each scenario, over the horizon that is planned.
        level: share of the scenarios outside the tail, 0 < level < 1.
        objective: min_cvar, max_return or utility; see the module's text.
        risk_aversion: weight of the CVaR in the utility, not negative.
        max_cvar: most that the CVaR of the net loss may be. min_return: least expected net return.
        budget: what the weights add up to: a number, a pair (least, most), or None for no rule.
        long_only: no weight below 0.
        lower, upper: (n,) or one number, of each weight.
        max_leverage: most gross exposure, Σ|w_j|.
        previous: (n,) weights held before; without it, 0 of each.
        max_turnover: most that is traded, buys and sells together, Σ|w_j - previous_j|: twice the one-way figure.
        buy_costs, sell_costs: (n,) or one number, cost per unit bought and sold, not negative; paid in every scenario.
        groups: name → (members, least, most) of the members' weights together; None where there is no limit. Members
            are labels or positions, or (n,) exposures of every asset as Booleans or floats.
        expected_returns: (n,) instead of the mean of `returns`.
        covariance: (n, n) symmetric, positive semidefinite; variance_aversion: weight of w'Σw / 2, not negative.
        scenario_weights: (S,) relative probabilities, or None for equal ones.
    """

    returns: Any
    level: float = 0.95
    objective: str = "min_cvar"
    risk_aversion: float = 1.0
    max_cvar: float | None = None
    min_return: float | None = None
    budget: float | tuple[float | None, float | None] | None = 1.0
    long_only: bool = True
    lower: Any = None
    upper: Any = None
    max_leverage: float | None = None
    previous: Any = None
    max_turnover: float | None = None
    buy_costs: Any = 0.0
    sell_costs: Any = 0.0
    groups: Mapping[str, tuple[Any, float | None, float | None]] = field(default_factory=dict)
    expected_returns: Any = None
    covariance: Any = None
    variance_aversion: float = 0.0
    scenario_weights: Any = None

    def __repr__(self) -> str:
        shape = np.shape(self.returns)
        size = " x ".join(f"{n:,}" for n in shape)
        limits = ("max_cvar", "min_return", "max_leverage", "max_turnover")
        given = "".join(f", {name} {getattr(self, name)}" for name in limits if getattr(self, name) is not None)
        return f"<Portfolio {self.objective} at {self.level}: returns {size}{given}>"


@dataclass(frozen=True, eq=False)
class Group:
    """least <= exposures' w <= most. exposures: (n,)."""

    name: str
    exposures: FloatArray
    least: float
    most: float


@dataclass(frozen=True, eq=False)
class Stated:
    """A portfolio whose numbers have been looked at, as arrays; see `Portfolio`. Missing limits are infinite.

    probabilities: (S,) with the sum 1, or None. labels: of the assets, or None.
    """

    returns: FloatArray
    level: float
    objective: str
    risk_aversion: float
    max_cvar: float
    min_return: float
    budget: tuple[float, float]
    lower: FloatArray
    upper: FloatArray
    max_leverage: float
    previous: FloatArray
    max_turnover: float
    buy: FloatArray
    sell: FloatArray
    groups: tuple[Group, ...]
    mean: FloatArray
    covariance: FloatArray | None
    variance_aversion: float
    probabilities: FloatArray | None
    labels: Labels | None

    @property
    def width(self) -> int:
        return int(self.returns.shape[1])

    def name(self, j: int) -> str:
        """What an asset is called."""
        return f"asset {j}" if self.labels is None else str(self.labels.columns[j])


def stated(portfolio: Portfolio) -> Stated:
    """Raise ValueError that names every fault of the statement at once."""
    p, faults = portfolio, list[str]()
    scenarios, assets = Axis("scenarios"), Axis("assets")
    if is_pandas(p.returns):
        scenarios.see("returns", p.returns.index)
        if p.returns.ndim == 2:
            assets.see("returns", p.returns.columns)
    returns = _returns(faults, matrix(faults, "returns", p.returns, scenarios, assets))
    count, n = returns.shape

    def entries(name: str, value: Any, infinite: bool = False) -> FloatArray:
        if is_pandas(value) and value.ndim == 1:
            assets.see(name, value.index)
        return _vector(faults, name, vector(faults, name, value, assets), n, infinite)

    lower = entries("lower", (0.0 if p.long_only else -math.inf) if p.lower is None else p.lower, infinite=True)
    upper = entries("upper", math.inf if p.upper is None else p.upper, infinite=True)
    if p.long_only and (lower < 0.0).any():
        faults.append(f"lower[{int(np.argmin(lower))}] is {lower.min():g}; give long_only=False for short positions")
    if (lower > upper).any():
        j = int(np.flatnonzero(lower > upper)[0])
        faults.append(f"lower[{j}] is {lower[j]:g} and upper[{j}] is {upper[j]:g}; no weight lies between them")
    previous = entries("previous", 0.0 if p.previous is None else p.previous)
    buy, sell = entries("buy_costs", p.buy_costs), entries("sell_costs", p.sell_costs)
    for name, costs in (("buy_costs", buy), ("sell_costs", sell)):
        if (costs < 0.0).any():
            faults.append(f"{name}[{int(np.argmin(costs))}] is {costs.min():g}; a cost must not be negative")
    probabilities = None
    if p.scenario_weights is not None:
        found = vector(faults, "scenario_weights", p.scenario_weights, scenarios)
        probabilities = _vector(faults, "scenario_weights", found, count)
        if (probabilities < 0.0).any() or not probabilities.any():
            faults.append("scenario_weights: they must not be negative, and not all 0")
        else:
            probabilities = probabilities / probabilities.max()
            probabilities = probabilities / probabilities.sum()
    mean = _mean(returns, probabilities)
    if p.expected_returns is not None:
        mean = entries("expected_returns", p.expected_returns)
    covariance = None
    if p.covariance is not None:
        if is_pandas(p.covariance):
            assets.see("covariance", p.covariance.index)
        covariance = _covariance(faults, matrix(faults, "covariance", p.covariance, assets, assets))
        _semidefinite(faults, covariance, n)
    groups = tuple(_group(faults, str(name), value, n, assets) for name, value in p.groups.items())
    _settings(faults, p)
    if faults:
        raise ValueError("the portfolio has faults:\n  " + "\n  ".join(faults))
    return Stated(
        returns=returns,
        level=float(p.level),
        objective=p.objective,
        risk_aversion=float(p.risk_aversion),
        max_cvar=_or(p.max_cvar, math.inf),
        min_return=_or(p.min_return, -math.inf),
        budget=_budget(p.budget),
        lower=lower,
        upper=upper,
        max_leverage=_or(p.max_leverage, math.inf),
        previous=previous,
        max_turnover=_or(p.max_turnover, math.inf),
        buy=buy,
        sell=sell,
        groups=groups,
        mean=mean,
        covariance=covariance if p.variance_aversion > 0.0 else None,
        variance_aversion=float(p.variance_aversion),
        probabilities=probabilities,
        labels=None if assets.labels is None else Labels(assets.labels, None),
    )


def _settings(faults: list[str], p: Portfolio) -> None:
    if p.objective not in OBJECTIVES:
        faults.append(f"objective is {p.objective!r}; allowed: {', '.join(OBJECTIVES)}")
    if not (_number(p.level) and 0.0 < p.level < 1.0):
        faults.append(f"level is {p.level}; it must lie strictly between 0 and 1")
    for name in ("risk_aversion", "variance_aversion", "max_leverage", "max_turnover"):
        value = getattr(p, name)
        if value is not None and not (_number(value) and 0.0 <= value < math.inf):
            faults.append(f"{name} is {value}; it must be finite and not negative")
    for name in ("max_cvar", "min_return"):
        value = getattr(p, name)
        if value is not None and not (_number(value) and math.isfinite(value)):
            faults.append(f"{name} is {value}; it must be finite, or None for no limit")
    pair = p.budget if isinstance(p.budget, tuple | list) else (p.budget,)
    if (isinstance(p.budget, tuple | list) and len(pair) != 2) or not all(b is None or _number(b) for b in pair):
        faults.append(f"budget is {p.budget}; give a number, a pair (least, most), or None")
    elif _budget(p.budget)[0] > _budget(p.budget)[1]:
        faults.append(f"budget is {p.budget}; no number lies between them")
    if p.objective == "max_return" and p.max_cvar is None:
        faults.append("max_cvar: max_return needs it; give a limit, or take the objective utility")
    if p.objective == "utility" and p.risk_aversion == 0.0 and p.max_cvar is None:
        faults.append("risk_aversion is 0 and there is no max_cvar: nothing looks at the tail; give one of them")
    if _number(p.variance_aversion) and p.variance_aversion > 0.0 and p.covariance is None:
        faults.append("covariance: variance_aversion needs it")


def _returns(faults: list[str], values: Any) -> FloatArray:
    try:
        found = np.asarray(real(values), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        why = fault if isinstance(fault, TypeError) else "it is not a matrix of numbers"
        faults.append(f"returns: {why}")
        return np.zeros((1, 1))
    if found.ndim != 2 or not found.size:
        faults.append(f"returns has the shape {found.shape}; it must be (scenarios, assets)")
        return np.zeros((1, 1))
    bad = ~np.isfinite(found)
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        faults.append(f"returns[{i}, {j}] is {found[i, j]}; it must be finite: fill or drop the scenario")
        return np.where(bad, 0.0, found)
    return found


def _covariance(faults: list[str], values: Any) -> FloatArray:
    try:
        return np.asarray(real(values), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        faults.append(f"covariance: {fault if isinstance(fault, TypeError) else 'it is not a matrix of numbers'}")
        return np.zeros((0, 0))


def _semidefinite(faults: list[str], covariance: FloatArray, n: int) -> None:
    if covariance.shape != (n, n):
        faults.append(f"covariance has the shape {covariance.shape}; it must be ({n}, {n})")
        return
    if not np.isfinite(covariance).all():
        faults.append("covariance: it holds a number that is not finite")
        return
    size = float(np.abs(covariance).max())
    if float(np.abs(covariance - covariance.T).max()) > 1e-9 * size:
        faults.append("covariance is not symmetric; give (Σ + Σ') / 2")
        return
    least = float(np.linalg.eigvalsh(covariance)[0])
    if least < -1e-9 * n * size:
        faults.append(f"covariance has the eigenvalue {least:.3g}; it must be positive semidefinite")


def _vector(faults: list[str], name: str, value: Any, size: int, infinite: bool = False) -> FloatArray:
    try:
        found = np.asarray(real(value), dtype=np.float64)
    except (TypeError, ValueError) as fault:
        faults.append(f"{name}: {fault if isinstance(fault, TypeError) else 'it is not a list of numbers'}")
        return np.zeros(size)
    if found.ndim == 0:
        found = np.full(size, float(found))
    if found.shape != (size,):
        faults.append(f"{name} has the shape {found.shape}; it must be ({size},)")
        return np.zeros(size)
    bad = np.isnan(found) if infinite else ~np.isfinite(found)
    if bad.any():
        j = int(np.flatnonzero(bad)[0])
        faults.append(f"{name}[{j}] is {found[j]}; it must be {'a number' if infinite else 'finite'}")
    return np.where(bad, 0.0, found)


def _mean(returns: FloatArray, probabilities: FloatArray | None) -> FloatArray:
    found: FloatArray = returns.mean(axis=0) if probabilities is None else probabilities @ returns
    return found


def _group(faults: list[str], name: str, value: Any, n: int, assets: Axis) -> Group:
    where, nothing = f"groups[{name!r}]", Group(name, np.zeros(n), -math.inf, math.inf)
    if not isinstance(value, tuple | list) or len(value) != 3:
        faults.append(f"{where}: give (members, least, most)")
        return nothing
    members, least, most = value
    if not all(b is None or _number(b) for b in (least, most)):
        faults.append(f"{where}: its limits are {least} and {most}; give numbers, or None for no limit")
        return nothing
    low, high = _or(least, -math.inf), _or(most, math.inf)
    if low > high:
        faults.append(f"{where}: its limits are {low:g} and {high:g}; no number lies between them")
    if is_pandas(members):
        return Group(name, _vector(faults, where, vector(faults, where, members, assets), n), low, high)
    listed: Sequence[Any] = [members] if isinstance(members, str | int) else list(members)
    array = np.asarray(listed) if not any(isinstance(m, str) for m in listed) else None
    if array is not None and array.shape == (n,) and array.dtype.kind in "bf":
        return Group(name, _vector(faults, where, array, n), low, high)
    exposures = np.zeros(n)
    for member in listed:
        at = _position(member, n, assets)
        if at is None:
            faults.append(f"{where}: {member!r} is no asset")
        else:
            exposures[at] = 1.0
    return Group(name, exposures, low, high)


def _position(member: Any, n: int, assets: Axis) -> int | None:
    """An asset's position by its label, or by a whole number where labels are no numbers themselves."""
    if assets.index is not None:
        found = np.flatnonzero([bool(label == member) for label in assets.index])
        if found.size == 1:
            return int(found[0])
        if any(isinstance(label, int | np.integer) for label in assets.index):
            return None
    whole = isinstance(member, int | np.integer) and not isinstance(member, bool)
    return int(member) if whole and 0 <= member < n else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not math.isnan(float(value))


def _or(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _budget(value: Any) -> tuple[float, float]:
    least, most = value if isinstance(value, tuple | list) else (value, value)
    return _or(least, -math.inf), _or(most, math.inf)
