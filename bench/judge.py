"""What an answer is worth, in plain NumPy, whoever gave it: its true objective, its violations, and a proven bound.

The judge trusts no subject: it takes x, and nothing else. Its bounds come from weak duality, so any multipliers give a
valid one; which multipliers are tried decides only how close it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .instances import Array, Instance, Tail

FREE_PER_COLUMN = 8  # scenarios near the border whose weights the search for multipliers may choose, per column
FREE_PER_TAIL = 4.0  # and at most so many per scenario of the tail
MOST_COLUMNS = 1_000  # beyond, that program takes minutes, and no bound is looked for
WHOLE_SEARCH = 500_000  # entries of that block up to which every scenario's weight may be chosen
LARGEST_SEARCH = 4_000_000  # entries of the dense block of that search; beyond, no bound is looked for
BORDER = 0.02  # share of the spread of the tail's losses within which a scenario counts as near the border


@dataclass(frozen=True)
class Verdict:
    """True figures of one answer.

    Attributes:
        objective: of x as it is, whether or not it keeps the constraints.
        cvar: of each tail, with the exact weight of the scenario at the border.
        violation: the largest violation of a row, bound or limit, each relative to max(1, |its bound|).
        bound: proven lower bound on the optimum within the instance's region; -inf where none was found.
    """

    objective: float
    cvar: tuple[float, ...]
    violation: float
    bound: float


def judge(instance: Instance, x: Array, search: bool = True) -> Verdict:
    """Judge an answer. `search`: look for a bound too, which takes a small linear program.

    Raises ValueError where x has the wrong shape or a number in it is not finite.
    """
    x = np.asarray(x, dtype=np.float64)
    if x.shape != (instance.columns,):
        raise ValueError(f"the answer has the shape {x.shape}; it must be ({instance.columns},)")
    if not np.isfinite(x).all():
        raise ValueError("the answer has numbers that are not finite")
    cvar = tuple(tail_mean(t.losses @ x + t.offset, t.level, instance.weights) for t in instance.tails)
    objective = float(instance.cost @ x)
    objective += sum(t.price * value for t, value in zip(instance.tails, cvar, strict=True) if t.price)
    if instance.quadratic is not None:
        objective += 0.5 * float(x @ (instance.quadratic @ x))
    bound = lower_bound(instance, x) if search else -math.inf
    return Verdict(objective, cvar, violation(instance, x, cvar), bound)


def tail_mean(losses: Array, level: float, weights: Array | None = None) -> float:
    """CVaR: the mean over the worst 1 - level of the probability, the last scenario by its fraction.

    weights: (S,) with the sum 1, or None for equal ones.
    """
    if weights is not None:
        order = np.argsort(-losses, kind="stable")
        before = np.cumsum(weights[order]) - weights[order]
        share = np.clip(1.0 - level - before, 0.0, weights[order])
        return math.fsum(share * losses[order]) / math.fsum(share)
    weight = (1.0 - level) * losses.size
    whole = math.floor(weight + 1e-9)
    part = max(0.0, weight - whole)
    kept = min(losses.size, whole + 1)
    worst = np.sort(np.partition(losses, losses.size - kept)[losses.size - kept :])[::-1]
    total = math.fsum(worst[:whole])
    return (total + (part * float(worst[whole]) if part > 0.0 and whole < kept else 0.0)) / weight


def violation(instance: Instance, x: Array, cvar: tuple[float, ...]) -> float:
    """See `Verdict.violation`; 0 where everything is kept."""
    worst = 0.0
    activity = instance.matrix @ x
    pairs = [
        (instance.row_lower, activity),
        (-instance.row_upper, -activity),
        (instance.lower, x),
        (-instance.upper, -x),
        (-np.array([t.limit for t in instance.tails]), -np.array(cvar)),
    ]
    for bound, value in pairs:
        finite = np.isfinite(bound)
        if finite.any():
            worst = max(worst, float(np.max((bound - value)[finite] / np.maximum(1.0, np.abs(bound[finite])))))
    return worst


def gap(verdict: Verdict, bound: float) -> float:
    """(objective - bound) / |bound|: the answer's distance from the best proven bound; negative where it cheats.

    NaN where no bound is known.
    """
    return (verdict.objective - bound) / max(abs(bound), 1e-9) if math.isfinite(bound) else math.nan


def dual_bound(instance: Instance, x: Array, rows: Array, weights: list[Array]) -> float:
    """Lower bound on the optimum from multipliers, in plain NumPy.

    rows: (m,) multipliers of the rows, positive for the lower bound. weights: per tail (S,) its scenarios' weights
    times its multiplier (price and that of the limit together). Weights are repaired, never trusted: cut to what is
    allowed and scaled to the right sum, which keeps the bound valid. The quadratic is replaced by its tangent at x, and
    at the point of the region where the Lagrangian is least.
    """
    found = _lagrangian(instance, rows, weights)
    if found is None:
        return -math.inf
    constant, gradient = found
    low, high = instance.region
    if instance.quadratic is None:
        return constant + _least(gradient, low, high)
    return constant + max(_tangent(instance, gradient, z) for z in (x, _minimum(instance, gradient, x)))


def _lagrangian(instance: Instance, rows: Array, weights: list[Array]) -> tuple[float, Array] | None:
    """Constant and gradient of its linear part; None where a multiplier belongs to a bound that is infinite."""
    gradient = instance.cost - instance.matrix.T @ rows
    constant = 0.0
    for value, low, high in zip(rows, instance.row_lower, instance.row_upper, strict=True):
        side = low if value > 0.0 else high
        if value and not math.isfinite(side):
            return None
        constant += value * side if value else 0.0
    for tail, given in zip(instance.tails, weights, strict=True):
        total, share = repaired(tail, given, instance.weights)
        gradient = gradient + tail.losses.T @ share
        constant += float(tail.offset @ share)
        constant -= (total - tail.price) * tail.limit if total > tail.price else 0.0
    return constant, gradient


def _least(gradient: Array, low: Array, high: Array) -> float:
    """The minimum of a linear function over a box."""
    return float(np.minimum(gradient * low, gradient * high).sum())


def _tangent(instance: Instance, gradient: Array, z: Array) -> float:
    """Lower bound on gradient'x + x'Qx/2 over the region, from the tangent at z."""
    assert instance.quadratic is not None
    slope = instance.quadratic @ z
    return _least(gradient + slope, *instance.region) - 0.5 * float(z @ slope)


def _minimum(instance: Instance, gradient: Array, start: Array) -> Array:
    """About the minimiser of gradient'x + x'Qx/2 over the region. How near it is makes a bound good, not valid."""
    from scipy.optimize import minimize

    square, (low, high) = instance.quadratic, instance.region
    assert square is not None

    def value(z: Array) -> tuple[float, Array]:
        slope = square @ z
        return float(gradient @ z + 0.5 * (z @ slope)), gradient + slope

    found = minimize(
        value,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)),
        options={"maxiter": 500, "ftol": 1e-16, "gtol": 1e-12},
    )
    return np.asarray(found.x, dtype=np.float64)


def repaired(tail: Tail, weights: Array, probabilities: Array | None = None) -> tuple[float, Array]:
    """The multiplier of a tail and (S,) weights that add up to it, none above what a scenario may carry."""
    each = 1.0 / weights.size if probabilities is None else probabilities
    weights = np.maximum(weights, 0.0)
    total = float(weights.sum())
    if total < tail.price or not math.isfinite(tail.limit):
        total = tail.price
    cap = total / (1.0 - tail.level) * each
    share = np.minimum(weights, cap)
    missing = total - float(share.sum())
    if missing > 0.0:
        room = cap - share
        spare = float(room.sum())
        share = share + (room * (missing / spare) if spare > 0.0 else 0.0)
    elif missing < 0.0:
        share *= total / float(share.sum())
    return total, share


def lower_bound(instance: Instance, x: Array) -> float:
    """The best bound that the tail of x can prove.

    Scenarios well inside the tail carry their full weight, those well outside none; the weights of those near the
    border and all other multipliers are chosen by a small linear program: the dual, restricted to them; of a small
    instance, those of all scenarios. -inf where it would be large or does not solve.
    """
    found = _search(instance, x)
    return -math.inf if found is None else dual_bound(instance, x, *found)


def _search(instance: Instance, x: Array) -> tuple[Array, list[Array]] | None:
    """Multipliers of the rows and weights of the scenarios, or None."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    n, m = instance.columns, instance.matrix.shape[0]
    slope = instance.cost if instance.quadratic is None else instance.cost + instance.quadratic @ x
    low, high = instance.region
    if n > MOST_COLUMNS:
        return None
    p = instance.probabilities
    if n * instance.scenarios * len(instance.tails) <= WHOLE_SEARCH:
        nothing, every = np.zeros(0, dtype=np.intp), np.arange(instance.scenarios)
        split = [(nothing, every) for _ in instance.tails]
    else:
        split = [_border(t, t.losses @ x + t.offset, FREE_PER_COLUMN * n, p) for t in instance.tails]
    if n * sum(free.size for _, free in split) > LARGEST_SEARCH:
        return None
    # columns: multipliers of the rows' lower and upper bounds, reduced costs at low and at high, then per tail its
    # multiplier and the weights near the border; row i: the gradient in x_i
    columns = [instance.matrix.T, -instance.matrix.T, eye_array(n), -eye_array(n)]
    finite_low, finite_high = np.isfinite(instance.row_lower), np.isfinite(instance.row_upper)
    cost = [
        np.where(finite_low, instance.row_lower, 0.0),
        np.where(finite_high, -instance.row_upper, 0.0),
        low,
        -high,
    ]
    bounds: list[tuple[float, float | None]] = [(0.0, None if ok else 0.0) for ok in (*finite_low, *finite_high)]
    bounds += [(0.0, None)] * (2 * n)
    width = 2 * m + 2 * n
    cap_rows = []
    total = width + sum(1 + free.size for _, free in split)
    equal: list[Array] = []
    equal_to: list[float] = []
    at = width
    places = []
    for tail, (sure, free) in zip(instance.tails, split, strict=True):
        cap = p / (1.0 - tail.level)
        sure_sum = cap[sure] @ tail.losses[sure]
        columns += [-sure_sum[:, None], -tail.losses[free].T]
        cost += [np.array([float(cap[sure] @ tail.offset[sure])]), tail.offset[free]]
        limited = math.isfinite(tail.limit)
        if limited:
            cost[-2] -= tail.limit
        bounds.append((tail.price, None if limited else tail.price))
        bounds += [(0.0, None)] * free.size
        adds = np.zeros(total)
        adds[at] = float(cap[sure].sum()) - 1.0
        adds[at + 1 : at + 1 + free.size] = 1.0
        equal.append(adds)
        equal_to.append(0.0)
        entry = np.arange(free.size)
        data = np.concatenate([np.ones(free.size), -cap[free]])
        index = (np.tile(entry, 2), np.concatenate([at + 1 + entry, np.full(free.size, at)]))
        cap_rows.append(csr_array((data, index), shape=(free.size, total)))
        places.append((at, sure, free, cap))
        at += 1 + free.size
    gradient = hstack([csr_array(c) for c in columns], format="csr")
    solution = linprog(
        -np.concatenate(cost),
        A_ub=vstack(cap_rows, format="csr"),
        b_ub=np.zeros(sum(b.shape[0] for b in cap_rows)),
        A_eq=vstack([gradient, *[csr_array(row[None, :]) for row in equal]], format="csr"),
        b_eq=np.concatenate([slope, equal_to]),
        bounds=bounds,
        method="highs-ds",
        options={"time_limit": 60.0},
    )
    if solution.x is None:
        return None
    z = solution.x
    weights = []
    for place, sure, free, cap in places:
        w = np.zeros(instance.scenarios)
        w[sure] = cap[sure] * z[place]
        w[free] = z[place + 1 : place + 1 + free.size]
        weights.append(w)
    return z[:m] - z[m : 2 * m], weights


def _border(tail: Tail, losses: Array, most: int, probabilities: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Scenarios surely in the tail, and at most `most` of those near its border."""
    order = np.argsort(-losses, kind="stable")
    edge = int(np.searchsorted(np.cumsum(probabilities[order]), (1.0 - tail.level) * (1.0 + 1e-9), side="right"))
    edge = min(losses.size - 1, edge)
    most = min(most, max(16, math.ceil(FREE_PER_TAIL * max(edge, (1.0 - tail.level) * losses.size))))
    value = float(losses[order[edge]])
    spread = max(float(losses[order[0]]) - value, 1e-12 * max(1.0, abs(value)))
    near = np.flatnonzero(np.abs(losses - value) <= BORDER * spread)
    least = min(losses.size, max(4, most // 2))
    if near.size < least or near.size > most:
        size = min(losses.size, least if near.size < least else most)
        near = np.argpartition(np.abs(losses - value), size - 1)[:size]
    free = np.zeros(losses.size, dtype=np.bool_)
    free[near] = True
    inside = order[:edge]
    return inside[~free[inside]], near
