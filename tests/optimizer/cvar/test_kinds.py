"""Kinds of programs that have been answered wrongly or not at all, each with its right value from another solver."""

from __future__ import annotations

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from capmix import CvarProgram, CvarTerm, Status, solve_cvar
from capmix.bench.certificate_oracle import clarabel, cvar_of, highs
from threadpoolctl import threadpool_info

RNG = np.random.default_rng(0)
RETURNS = 0.0005 + 0.01 * RNG.standard_t(4, (500, 10))
LOSSES = -RETURNS
EVEN = cvar_of(LOSSES.mean(axis=1), 0.95)


def program(losses: np.ndarray = LOSSES, level: float = 0.95, **given: Any) -> CvarProgram:
    """Of one tail: its CVaR is minimised where nothing else is said, under a budget of 1."""
    n = losses.shape[1]
    tail = {k: given.pop(k) for k in ("limit", "price", "offset") if k in given} or {"price": 1.0}
    rows = {"matrix": np.ones((1, n)), "row_lower": np.ones(1), "row_upper": np.ones(1)}
    if given.pop("no_budget", False):
        rows = {}
    given = {"cost": np.zeros(n), "lower": np.zeros(n), "upper": np.full(n, np.inf), **rows, **given}
    for side in ("lower", "upper"):
        given[side] = np.broadcast_to(np.asarray(given[side], dtype=float), n)
    for side in ("row_lower", "row_upper"):
        if side in given:
            given[side] = np.atleast_1d(given[side])
    return CvarProgram(tails=[CvarTerm(losses, level, **tail)], **given)


def right(p: CvarProgram) -> float:
    """The optimum by HiGHS, or by Clarabel where it is quadratic."""
    answer = clarabel(p) if p.quadratic is not None else highs(p)
    assert answer.x is not None
    return answer.objective


def agrees(p: CvarProgram, best: float | None = None, engine: str = "auto", gap: float = 1e-6) -> None:
    """Certified, and both bounds on either side of the right value."""
    best = right(p) if best is None else best
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = solve_cvar(p, gap=gap, engine=engine)
    assert found.status is Status.CERTIFIED
    size = 1e-7 * abs(best) + 1e-12
    assert found.lower <= best + size
    assert best - size <= found.objective <= best + gap * abs(best) + size
    assert found.lower <= found.upper


def big(count: int = 1_000, width: int = 60) -> np.ndarray:
    return -(0.0005 + 0.01 * np.random.default_rng(1).standard_t(4, (count, width)))


WIDE = big()
MOST = cvar_of(WIDE.mean(axis=1), 0.95)
SQUARE = 5 * np.cov(WIDE.T)


@pytest.mark.parametrize("engine", ["auto", "direct", "newton"])
@pytest.mark.parametrize(
    "kind",
    [
        {"lower": -np.inf},
        {"lower": -1.0, "upper": 1.0},
        {"cost": LOSSES.mean(axis=0), "limit": EVEN, "lower": -np.inf},
        {"row_lower": 100.0, "row_upper": 100.0},
        {"cost": LOSSES.mean(axis=0), "limit": 1e6 * EVEN, "row_lower": 1e6, "row_upper": 1e6},
        {"cost": LOSSES.mean(axis=0), "limit": 1.0, "no_budget": True},
        {"lower": 0.1, "upper": 0.1},
        {"lower": -0.3, "upper": 0.4, "row_lower": 0.0, "row_upper": 0.0, "limit": 0.02, "cost": LOSSES.mean(axis=0)},
    ],
    ids=["free", "shorts", "free, limit", "percent", "million", "no budget", "all fixed", "dollar neutral"],
)
def test_small_programs_by_each_engine(kind: dict[str, Any], engine: str) -> None:
    agrees(program(**kind), engine=engine, gap=1e-5)


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"cost": WIDE.mean(axis=0), "limit": MOST},
        {"cost": WIDE.mean(axis=0), "limit": MOST, "quadratic": SQUARE},
        {"cost": WIDE.mean(axis=0), "limit": MOST, "quadratic": SQUARE, "lower": -np.inf, "upper": np.inf},
    ],
    ids=["minimum", "limit", "mean-variance", "mean-variance, free"],
)
def test_long_short_programs_that_are_not_small(kind: dict[str, Any]) -> None:
    agrees(program(WIDE, **{"lower": -0.5, "upper": 0.5, **kind}), gap=1e-5)


def test_small_losses_beside_a_quadratic() -> None:
    kind = {"cost": 0.01 * LOSSES.mean(axis=0), "quadratic": 0.01 * np.cov(RETURNS.T), "limit": 0.01 * EVEN}
    plain = program(cost=LOSSES.mean(axis=0), quadratic=np.cov(RETURNS.T), limit=EVEN)
    agrees(program(0.01 * LOSSES, **kind), 0.01 * right(plain))


@pytest.mark.parametrize("budget", [1.0, 100.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("engine", ["auto", "cuts"])
def test_the_budget_is_only_a_unit(budget: float, engine: str) -> None:
    losses = -(0.001 + 0.02 * np.random.default_rng(0).standard_t(4, (2_000, 20)))
    p = program(losses, cost=losses.mean(axis=0), limit=0.03 * budget, row_lower=budget, row_upper=budget)
    one = right(program(losses, cost=losses.mean(axis=0), limit=0.03))
    agrees(p, one * budget, engine=engine, gap=1e-5)


def test_pieces_of_very_different_size() -> None:
    rng = np.random.default_rng(28)
    gains = 0.001 + 0.02 * rng.standard_t(4, (200, 2))
    pieces = 10.0 ** rng.uniform(-6, 6, 2)
    dollars = program(-gains, cost=-gains.mean(axis=0), limit=0.06)
    given = program(
        -gains * pieces, cost=-(gains * pieces).mean(axis=0), limit=0.06, matrix=pieces[None, :], row_lower=1.0,
        row_upper=1.0,
    )  # fmt: skip
    for engine in ("auto", "newton", "cuts"):
        agrees(given, right(dollars), engine=engine)


def test_a_hedge_of_a_large_liability() -> None:
    g = np.random.default_rng(1)
    factor = g.standard_normal((1000, 1))
    liability = 1e5 * (factor[:, 0] + 0.3 * g.standard_normal(1000))
    agrees(program(-factor, cost=np.array([0.05]), price=1.0, offset=liability, no_budget=True))


@pytest.mark.parametrize("notional", [1.0, 1e6])
@pytest.mark.parametrize("lower", [-np.inf, 0.0])
def test_hedges_of_options_at_any_notional(notional: float, lower: float) -> None:
    rng = np.random.default_rng(99)
    spot = 100 * np.exp(0.2 * rng.standard_normal((1_500, 3)) - 0.02)
    pay = np.hstack([spot, np.maximum(95 - spot, 0), np.maximum(spot - 105, 0)])
    liability = notional * np.maximum(spot - 110, 0).sum(axis=1)
    agrees(program(-(pay - pay.mean(0)), price=1.0, offset=liability, lower=lower, no_budget=True), gap=1e-5)


@pytest.mark.parametrize("tau", [0.5, 0.9, 0.99])
def test_quantile_regression_on_predictors_in_any_unit(tau: float) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((1_500, 6))
    y = 3.0 + x @ rng.standard_normal(6) + 0.5 * rng.standard_t(4, 1_500)
    best = right(program(-x, tau, cost=x.mean(axis=0), price=1.0, offset=y, lower=-np.inf, no_budget=True))
    unit = np.array([1.0, 1e-6, 1e6, 1e3, 1.0, 1e-3])
    given = program(
        -x * unit, tau, cost=(x * unit).mean(axis=0), price=1.0, offset=1e5 * y, lower=-np.inf, no_budget=True
    )
    agrees(given, 1e5 * best, gap=1e-7)


def test_a_riskless_gain_has_no_end_and_the_ray_says_where() -> None:
    gain = np.column_stack([LOSSES, np.full(500, -0.001)])
    steep = program(cost=-10 * RETURNS.mean(0), price=1.0, lower=-np.inf, no_budget=True)
    for p in (program(gain, no_budget=True), steep):
        found = solve_cvar(p)
        assert found.status is Status.UNBOUNDED
        slope = float(np.asarray(p.cost) @ found.ray) + cvar_of(p.tails[0].losses @ found.ray, 0.95)
        assert slope < -1e-6 * np.abs(found.ray).max()
        assert (found.ray >= np.where(np.isfinite(p.lower), 0.0, -np.inf)).all()
        assert found.lower == -math.inf
        assert math.isfinite(found.objective)


def test_two_limits_that_only_together_cannot_be_met() -> None:
    tails = [CvarTerm(LOSSES + 0.5, 0.8, limit=0.1), CvarTerm(-LOSSES - 0.5, 0.9, limit=-0.4)]
    p = CvarProgram(np.zeros(10), tails=tails, matrix=np.ones((1, 10)), row_lower=0, row_upper=1, lower=0)
    for engine in ("auto", "newton", "cuts"):
        found = solve_cvar(p, engine=engine)
        assert found.status is Status.INFEASIBLE
        assert "not all together" in " ".join(found.messages)


def weights_of(kind: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    if kind == "decaying":
        return 0.99 ** np.arange(count)[::-1]
    if kind == "lognormal":
        return np.exp(rng.normal(0.0, 1.7, count))
    if kind == "first ones zero":
        return np.where(np.arange(count) < 0.3 * count, 0.0, 1.0)
    if kind == "crisis":
        return np.where(np.arange(count) == 10, 0.03, 0.97 / (count - 1))
    return np.where(np.arange(count) == 3, 1.0, 1e-6 if kind == "one" else 1e-9)


@pytest.mark.parametrize("engine", ["auto", "newton", "cuts"])
@pytest.mark.parametrize("kind", ["decaying", "lognormal", "first ones zero", "crisis", "one", "all but one"])
def test_weights_of_any_kind(kind: str, engine: str) -> None:
    losses = LOSSES.copy()
    losses[10] = 0.1
    agrees(program(losses, weights=weights_of(kind, 500)), engine=engine, gap=1e-5)


def test_equal_weights_are_none() -> None:
    losses = big(20_000, 40)
    none, ones = (solve_cvar(program(losses, weights=w)) for w in (None, np.ones(20_000)))
    assert none.status is Status.CERTIFIED
    assert ones.x.tobytes() == none.x.tobytes()
    assert ones.passes == none.passes


@pytest.mark.parametrize("engine", ["auto", "newton", "cuts"])
def test_a_tail_of_less_than_one_scenario_is_the_worst_case(engine: str) -> None:
    p = program(LOSSES[:10], weights=np.arange(1.0, 11.0))
    agrees(p, engine=engine, gap=1e-5)
    few = program(LOSSES[:5], 0.9, weights=np.array([0.3, 0.15, 0.2, 0.2, 0.15]))
    many = program(np.repeat(LOSSES[:5], [300, 150, 200, 200, 150], axis=0), 0.9)
    agrees(few, right(many), engine=engine, gap=1e-5)
    found = solve_cvar(few, engine=engine)
    assert found.cvar[0] == pytest.approx((LOSSES[:5] @ found.x).max(), rel=1e-12)


@pytest.mark.parametrize(("count", "width"), [(50, 100), (100, 400), (150, 300)])
def test_more_columns_than_scenarios(count: int, width: int) -> None:
    g = np.random.default_rng([1, count, width])
    gains = 0.02 + g.standard_t(4, (count, 5)) @ g.normal(0, 0.5, (5, width)) + g.standard_t(4, (count, width))
    agrees(program(-gains, 0.9))
    agrees(program(-gains, 0.9), engine="newton")


def test_discrete_losses_with_ties_and_repeated_columns_and_rows() -> None:
    rng = np.random.default_rng(7)
    losses = np.where(rng.random((400, 12)) < 0.05, 0.6, -0.02)
    losses = np.hstack([losses, losses[:, :6]])
    kind = {"matrix": np.ones((2, 18)), "row_lower": np.ones(2), "row_upper": np.ones(2), "upper": 0.3}
    for low in (0.0, -0.1):
        agrees(program(losses, 0.95, lower=low, **kind))
        agrees(program(losses, 0.95, lower=low, **kind), engine="newton", gap=1e-5)


def test_an_optimum_of_nothing() -> None:
    """Nothing is bought, and nothing is at stake."""
    found = solve_cvar(program(LOSSES + 0.5, no_budget=True))
    assert found.status is Status.CERTIFIED
    assert found.objective == 0.0
    assert found.gap <= 1e-5


def test_small_programs_have_no_fixed_cost_beyond_one_linear_program() -> None:
    for count, width in ((50, 10), (252, 20)):
        found = solve_cvar(program(big(count, width)))
        assert found.engine == "direct"
        assert found.passes.solves == 1
        assert found.passes.full == 1


def test_certificates_are_kept_in_the_programs_own_units() -> None:
    """Two risks 1e9 apart, fixed columns and rows: all exact or to 1e-9, the gap as asked for."""
    rng = np.random.default_rng(8)
    one, two = rng.standard_normal((400, 8)), 1e9 * rng.standard_normal((400, 8))
    even = np.full(8, 1 / 8)
    tails = [
        CvarTerm(one, 0.9, limit=1.1 * cvar_of(one @ even, 0.9)),
        CvarTerm(two, 0.8, limit=1.1 * cvar_of(two @ even, 0.8), price=1e-9),
    ]
    low, high = np.full(8, -0.5), np.full(8, 0.7)
    low[2] = high[2] = 0.0714285714
    rows = {"matrix": np.vstack([np.ones(8), 1e6 * np.arange(8)]), "row_lower": np.array([1.0, -np.inf])}
    p = CvarProgram(one.mean(0), tails=tails, lower=low, upper=high, row_upper=np.array([1.0, 3e6]), **rows)
    for engine in ("auto", "newton", "cuts"):
        found = solve_cvar(p, gap=1e-7, engine=engine)
        assert found.status is Status.CERTIFIED or engine == "cuts"
        assert found.x[2] == 0.0714285714
        assert abs(found.x.sum() - 1.0) <= 1e-12
        assert 1e6 * np.arange(8) @ found.x <= 3e6 * (1 + 1e-9)
        for term in tails:
            assert cvar_of(np.asarray(term.losses) @ found.x, term.level) <= term.limit * (1 + 1e-9)
        if found.status is Status.CERTIFIED:
            assert found.gap <= 1e-7
            assert found.objective == pytest.approx(right(p), rel=2e-7)


def test_threads_that_solve_at_once_leave_blas_as_it_was() -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: solve_cvar(program(WIDE), threads=1), range(8)))
    assert threads() == before
    assert len({f.x.tobytes() for f in found}) == 1


def test_arrays_that_are_no_real_numbers_are_refused_all_at_once() -> None:
    dates = np.full((500, 10), "2027-01-01", dtype="datetime64[D]")
    bad = CvarProgram(
        np.zeros(10) + 1j,
        tails=[
            CvarTerm(np.ma.masked_less(LOSSES, 0.0), 0.9, price=None),
            CvarTerm(LOSSES + 0j, np.array(0.95), price=1.0),
            CvarTerm(dates, "0.9", price=math.nan, limit="none"),
        ],
        lower=np.ma.masked_invalid(np.full(10, np.nan)),
        matrix=np.ones((1, 10)) * 1j,
        weights=["a"] * 500,
    )  # fmt: skip
    with pytest.raises(ValueError, match="the CVaR program has faults") as raised:
        solve_cvar(bad)
    for part in (
        "cost: it holds complex128", "tails[0].losses: it has masked entries", "tails[0].price is None",
        "tails[1].losses: it holds complex128", "tails[1].level is array(0.95); it must be one number",
        "tails[2].losses: it holds datetime64[D]", "tails[2].level is '0.9'", "tails[2].limit is 'none'",
        "tails[2].price is nan", "lower: it has masked entries", "matrix: it holds complex128", "weights: it holds",
    ):  # fmt: skip
        assert part in str(raised.value)
    for tails in (CvarTerm(LOSSES, 0.9, price=1.0), None, [LOSSES]):
        with pytest.raises(ValueError, match="tails"):
            solve_cvar(CvarProgram(np.zeros(10), tails=tails))
    with pytest.raises(ValueError, match="takes no quadratic"):
        solve_cvar(program(quadratic=np.eye(10)), engine="direct")
    plain = np.ma.array(LOSSES)
    assert solve_cvar(program(plain)).objective == solve_cvar(program(LOSSES)).objective
