"""Random CVaR programs by family: a program in plain units whose outcome is known, and the same in units of its own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from capmix import CvarProgram, CvarTerm

from .certificate_oracle import cvar_of

Rng = np.random.Generator

MOST_CELLS = 120_000  # scenarios × columns of most programs
UNITS = ("plain", "plain", "columns", "budget", "losses", "everything")


@dataclass(frozen=True)
class Drawn:
    """plain, program: the same program, the second as it is handed in: x = columns * x of the plain one. kind: optimal,
    infeasible or unbounded.
    """

    family: str
    kind: str
    units: str
    plain: CvarProgram
    program: CvarProgram
    columns: np.ndarray

    @property
    def scenarios(self) -> int:
        return int(np.asarray(self.program.tails[0].losses).shape[0])

    @property
    def cells(self) -> int:
        return self.scenarios * np.size(self.program.cost) * len(self.program.tails)


def draw(seed: int, family: str | None = None, most: int | None = None) -> Drawn:
    """The program of a seed. most: scenarios × columns at most."""
    rng = np.random.default_rng([20_261_130, seed])
    names = list(FAMILIES)
    name = names[seed % len(names)] if family is None else family
    cap = MOST_CELLS if most is None else most
    n = math.ceil(2 * 150 ** rng.uniform())
    count = math.ceil(20 * 250 ** rng.uniform())
    while n * count > cap:
        n, count = max(2, math.ceil(n * 0.8)), max(20, math.ceil(count * 0.8))
    plain, kind = FAMILIES[name](rng, count, n)
    if kind == "optimal" and rng.random() < 0.2:  # bounds that are meant to be none
        none = float(rng.choice([1e6, 1e9]))
        plain = dataclasses.replace(plain, lower=np.maximum(plain.lower, -none), upper=np.minimum(plain.upper, none))
    units = UNITS[int(rng.integers(len(UNITS)))]
    program, columns = _in_units(rng, plain, units)
    return Drawn(name, kind, units, plain, program, columns)


def _in_units(rng: Rng, p: CvarProgram, units: str) -> tuple[CvarProgram, np.ndarray]:
    n, rows = np.size(p.cost), 0 if p.matrix is None else p.matrix.shape[0]
    columns, row, loss, objective = np.ones(n), np.ones(rows), np.ones(len(p.tails)), 1.0
    if units in ("columns", "everything"):
        columns = 10.0 ** rng.uniform(-6, 6, n)
    if units in ("budget", "everything"):
        columns = columns * 10.0 ** rng.uniform(0, 9)
    if units in ("losses", "everything"):
        loss, objective = 10.0 ** rng.uniform(-6, 6, len(p.tails)), 10.0 ** rng.uniform(-6, 6)
        row = 10.0 ** rng.uniform(-6, 6, rows)
    tails = [
        CvarTerm(
            np.asarray(t.losses) / columns * g,
            t.level,
            limit=None if t.limit is None else t.limit * g,
            price=t.price * objective / g,
            offset=None if t.offset is None else np.asarray(t.offset) * g,
        )
        for t, g in zip(p.tails, loss, strict=True)
    ]
    given = CvarProgram(
        np.asarray(p.cost) / columns * objective,
        quadratic=None if p.quadratic is None else np.asarray(p.quadratic) / columns / columns[:, None] * objective,
        tails=tails,
        matrix=None if p.matrix is None else np.asarray(p.matrix) * row[:, None] / columns,
        row_lower=None if p.matrix is None else np.broadcast_to(p.row_lower, rows) * row,
        row_upper=None if p.matrix is None else np.broadcast_to(p.row_upper, rows) * row,
        lower=np.asarray(p.lower) * columns,
        upper=np.asarray(p.upper) * columns,
        weights=p.weights,
    )
    return given, columns


def _level(rng: Rng) -> float:
    return float(rng.choice([0.5, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99, 0.999, rng.uniform(0.5, 0.99)]))


def returns(rng: Rng, count: int, n: int) -> np.ndarray:
    """(S, n) normal, Student or factor returns."""
    kind = rng.integers(4)
    mean = rng.uniform(0.0, 0.002, n)
    if kind == 0:
        return mean + 0.01 * rng.standard_normal((count, n))
    if kind == 1:
        return mean + 0.01 * rng.standard_t(4, (count, n))
    size = rng.uniform(0.3, 3.0, n) if kind == 2 else 10.0 ** rng.uniform(-2, 0.5, n)
    factors = rng.standard_t(4, (count, 3)) @ rng.normal(0.0, 0.01, (3, n))
    return mean + (factors + 0.005 * rng.standard_t(5, (count, n))) * size


def _program(cost: np.ndarray, tails: list[CvarTerm], low: float, high: float, **rest: object) -> CvarProgram:
    n = cost.size
    return CvarProgram(cost, tails=tails, lower=np.full(n, low), upper=np.full(n, high), **rest)  # type: ignore[arg-type]


def _budget(n: int) -> dict[str, object]:
    return {"matrix": np.ones((1, n)), "row_lower": np.ones(1), "row_upper": np.ones(1)}


def _long_only(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    losses = -returns(rng, count, n)
    tail = CvarTerm(losses, _level(rng), price=1.0)
    return _program(rng.choice([0.0, 1.0]) * losses.mean(0), [tail], 0.0, math.inf, **_budget(n)), "optimal"


def _long_short(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    losses = -returns(rng, count, n)
    wide = float(rng.choice([0.5, 1.0, 3.0])) if n > 2 else 1.0
    tail = CvarTerm(losses, _level(rng), price=1.0)
    return _program(np.zeros(n), [tail], -wide, wide, **_budget(n)), "optimal"


def _free(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    count = max(count, 40 * n)  # with few scenarios a free portfolio gains in each of them for ever
    losses = -(returns(rng, count, n))
    losses = losses - losses.mean(0)
    return _program(np.zeros(n), [CvarTerm(losses, 0.9, price=1.0)], -math.inf, math.inf, **_budget(n)), "optimal"


def _limit(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    losses, level = -returns(rng, count, n), _level(rng)
    most = cvar_of(losses.mean(1), level)
    low = float(rng.choice([0.0, -0.5]))
    tail = CvarTerm(losses, level, limit=most + 0.05 * abs(most))
    return _program(losses.mean(0), [tail], low, math.inf if low == 0.0 else 0.5 + 1.0 / n, **_budget(n)), "optimal"


def _hedge(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    spot = 100.0 * np.exp(0.2 * rng.standard_normal((count, n)) - 0.02)
    strike = rng.uniform(80.0, 120.0, n)
    pay = np.where(rng.random(n) < 0.5, np.maximum(spot - strike, 0.0), np.maximum(strike - spot, 0.0))
    pay = pay - pay.mean(0)
    liability = np.maximum(spot - 100.0, 0.0) @ rng.uniform(0.5, 2.0, n) * 10.0 ** float(rng.choice([0.0, 3.0, 6.0]))
    tail = CvarTerm(-pay, _level(rng), price=1.0, offset=liability)
    return _program(np.full(n, 0.02), [tail], 0.0, math.inf), "optimal"


def _regression(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    count = max(count, 10 * n)
    x = rng.standard_normal((count, n))
    y = x @ rng.standard_normal(n) + 0.3 * rng.standard_t(4, count) + float(rng.choice([0.0, 1e3]))
    tau = float(rng.choice([0.5, 0.8, 0.9]))
    tail = CvarTerm(-x, tau, price=1.0 - tau, offset=y)
    return _program((1.0 - tau) * x.mean(0), [tail], -math.inf, math.inf), "optimal"


def _quadratic(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    r, level = returns(rng, count, n), _level(rng)
    most = cvar_of(-r.mean(1), level)
    low = float(rng.choice([0.0, -0.5, -math.inf]))
    square = float(rng.choice([0.5, 5.0])) * np.atleast_2d(np.cov(r.T))
    if low == -math.inf:
        square += 1e-6 * np.eye(n)
    tail = CvarTerm(-r, level, limit=most + 0.1 * abs(most))
    return _program(-r.mean(0), [tail], low, math.inf, quadratic=square, **_budget(n)), "optimal"


def _several(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    one, two = -returns(rng, count, n), -returns(rng, count, n)
    even = np.full(n, 1.0 / n)
    offset = 0.01 * rng.standard_normal(count)
    tails = []
    for losses, level, off in ((one, 0.95, None), (two, 0.8, offset), (one, 0.5, None)):
        most = cvar_of(losses @ even + (0.0 if off is None else off), level)
        limit = most + 0.1 * abs(most) if rng.random() < 0.7 else None
        price = float(rng.choice([0.0, 0.1, 1.0])) if limit is not None else 0.5
        tails.append(CvarTerm(losses, level, limit=limit, price=price, offset=off))
    rows = {"matrix": np.vstack([np.ones(n), -one.mean(0)]), "row_lower": np.array([0.9, -1.0]),
            "row_upper": np.array([1.0, math.inf])}  # fmt: skip
    return _program(one.mean(0), tails, 0.0, math.inf, **rows), "optimal"


def _weighted(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    kind = int(rng.integers(5))
    weights = np.ones(count)
    if kind == 0:
        weights = 0.97 ** np.arange(count)[::-1]
    elif kind == 1:
        weights = np.exp(rng.normal(0.0, 1.7, count))
    elif kind == 2:
        weights[: count // 3] = 0.0
    elif kind == 3:
        weights = np.full(count, 1e-6)
        weights[int(rng.integers(count))] = 1.0
    plain, outcome = (_long_only if rng.random() < 0.5 else _long_short)(rng, count, n)
    return dataclasses.replace(plain, weights=weights), outcome


def _tree(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    del count
    few = int(rng.integers(3, 30))
    plain, outcome = _long_only(rng, few, min(n, 40))
    weights = None if rng.random() < 0.3 else rng.dirichlet(np.ones(few))
    return dataclasses.replace(plain, weights=weights), outcome


def _discrete(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    default = rng.random((count, n)) < rng.uniform(0.01, 0.2, n)
    losses = np.where(default, rng.choice([0.4, 0.6, 1.0], n), -0.02)
    half = max(1, n // 2)
    losses = np.hstack([losses, losses[:, :half]])
    losses = np.vstack([losses, losses[: max(1, count // 4)]])
    rows = {"matrix": np.ones((2, losses.shape[1])), "row_lower": np.ones(2), "row_upper": np.ones(2)}
    low = float(rng.choice([0.0, -0.2]))
    tail = CvarTerm(losses, _level(rng), price=1.0)
    return _program(losses.mean(0), [tail], low, 1.0, **rows), "optimal"


def _wide(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    count, n = min(count, 150), 40 + n
    return _long_only(rng, max(20, min(count, n // 2)), n)


def _scale_free(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    losses, level = -returns(rng, count, n), 0.9
    losses = losses - losses.mean(0) - 1e-4
    return _program(losses.mean(0), [CvarTerm(losses, level, limit=1.0)], 0.0, 1e3), "optimal"


def _mixed(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    """Of everything something, around a point that keeps it all."""
    losses = [-returns(rng, count, n) for _ in range(int(rng.integers(1, 4)))]
    x = np.where(rng.random(n) < 0.5, 0.0, rng.normal(0.0, 1.0, n))
    kind = rng.integers(5, size=n)
    lower = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [np.minimum(x, 0.0), x - 1.0, x, x - 10.0], x)
    upper = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [x + 5.0, x + 1.0, x, x], np.maximum(x, 0.0) + 2.0)
    rows = int(rng.integers(0, min(n, 12) + 1))
    matrix = rng.choice([0.0, 0.0, 1.0, -1.0, 0.37], (rows, n))
    if rows > 1:
        matrix[1] = matrix[0]
    sides = matrix @ x
    tight = rng.random(rows) < 0.4
    low = np.where(tight, sides, np.where(rng.random(rows) < 0.5, -math.inf, sides - 0.1))
    high = np.where(tight, sides, np.where(np.isinf(low), sides + 0.2, math.inf))
    weights = rng.dirichlet(np.full(count, 0.5)) + 1e-9 if rng.random() < 0.3 else None
    tails = []
    for loss in losses:
        offset = rng.normal(0.0, 0.01, count) * float(rng.choice([1.0, 1e3])) if rng.random() < 0.4 else None
        level = _level(rng)
        most = cvar_of(loss @ x + (0.0 if offset is None else offset), level, weights)
        limit = most + 0.02 * abs(most) if rng.random() < 0.5 else None
        price = float(rng.choice([0.0, 0.3, 2.0])) if limit is not None else 1.0
        tails.append(CvarTerm(loss, level, limit=limit, price=price, offset=offset))
    square = None
    if rng.random() < 0.4:
        factor = rng.normal(0.0, 0.1, (n, int(rng.integers(1, n + 1))))
        square = factor @ factor.T
    cost = rng.normal(0.0, 0.01, n) * rng.choice([0.0, 1.0, 10.0])
    return (
        CvarProgram(
            cost, quadratic=square, tails=tails, matrix=matrix if rows else None, row_lower=low if rows else None,
            row_upper=high if rows else None, lower=lower, upper=upper, weights=weights,
        ),
        "optimal",
    )  # fmt: skip


def _jointly(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    """Two limits of which each can be met, but not both: what one loses the other gains."""
    losses = -returns(rng, count, n)
    tails = [CvarTerm(losses + 0.5, 0.8, limit=0.1), CvarTerm(-losses - 0.5, 0.9, limit=-0.4)]
    most = {"matrix": np.ones((1, n)), "row_lower": np.zeros(1), "row_upper": np.ones(1)}
    return _program(losses.mean(0), tails, 0.0, math.inf, **most), "infeasible"


def _infeasible(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    losses = -returns(rng, count, n)
    if rng.random() < 0.3:
        rows = {"matrix": np.ones((2, n)), "row_lower": np.array([1.0, -1.0]), "row_upper": np.array([1.0, 0.5])}
        return _program(losses.mean(0), [CvarTerm(losses, 0.9, price=1.0)], 0.0, math.inf, **rows), "infeasible"
    shifted = losses + 0.5  # each column loses about 0.5 on average, so no portfolio of sum 1 loses less than 0.4
    return _program(losses.mean(0), [CvarTerm(shifted, 0.9, limit=0.4)], 0.0, math.inf, **_budget(n)), "infeasible"


def _unbounded(rng: Rng, count: int, n: int) -> tuple[CvarProgram, str]:
    losses = -returns(rng, count, n)
    if rng.random() < 0.5:
        gain = np.column_stack([losses, np.full(count, -0.001)])
        return _program(np.zeros(n + 1), [CvarTerm(gain, 0.95, price=1.0)], 0.0, math.inf), "unbounded"
    return _program(np.full(n, -1.0), [CvarTerm(losses, 0.9, price=1.0)], -math.inf, math.inf), "unbounded"


FAMILIES: dict[str, Callable[[Rng, int, int], tuple[CvarProgram, str]]] = {
    "long-only": _long_only,
    "long-short": _long_short,
    "free weights": _free,
    "limit": _limit,
    "hedge": _hedge,
    "regression": _regression,
    "quadratic": _quadratic,
    "several tails": _several,
    "weighted": _weighted,
    "tree": _tree,
    "discrete": _discrete,
    "wide": _wide,
    "scale-free": _scale_free,
    "mixed": _mixed,
    "infeasible": _infeasible,
    "jointly infeasible": _jointly,
    "unbounded": _unbounded,
}
