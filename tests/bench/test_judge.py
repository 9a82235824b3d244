"""The judge against formulas and solvers of others: it must find the truth, and find a lie."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from capmix.bench.instances import FAMILIES, Instance, Tail, make
from capmix.bench.judge import dual_bound, gap, judge, tail_mean
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40),
    st.floats(0.01, 0.99),
)
def test_the_tail_mean_is_the_minimum_of_rockafellar_and_uryasev(values, level):
    """min over t of t + E[loss - t]+ / (1 - level): convex and piecewise linear, so a loss itself is a minimiser."""
    losses = np.array(values)
    expected = min(t + np.maximum(losses - t, 0.0).mean() / (1.0 - level) for t in losses)
    assert tail_mean(losses, level) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_tail_mean_of_a_whole_number_of_scenarios_is_a_plain_mean():
    losses = np.random.default_rng(1).normal(size=1_000)
    for level, count in ((0.9, 100), (0.95, 50), (0.99, 10)):
        assert tail_mean(losses, level) == pytest.approx(np.sort(losses)[-count:].mean(), rel=1e-13)


def optimum(instance: Instance) -> tuple[np.ndarray, float]:
    """By SciPy, on an extensive form written here: x, t, and an excess per scenario."""
    (tail,) = instance.tails
    n, count = instance.columns, instance.scenarios
    share = 1.0 / ((1.0 - tail.level) * count)
    risk = np.concatenate([np.zeros(n), [1.0], np.full(count, share)])
    cost = np.concatenate([instance.cost, np.zeros(1 + count)]) + tail.price * risk
    above = np.hstack([tail.losses, -np.ones((count, 1)), -np.eye(count)])
    rows, right = [above], [-tail.offset]
    wide = np.hstack([instance.matrix, np.zeros((instance.matrix.shape[0], 1 + count))])
    for sign, side in ((1.0, instance.row_upper), (-1.0, instance.row_lower)):
        kept = np.isfinite(side)
        rows.append(sign * wide[kept])
        right.append(sign * side[kept])
    if math.isfinite(tail.limit):
        rows.append(risk[None, :])
        right.append(np.array([tail.limit]))
    bounds = list(zip(instance.lower, instance.upper, strict=True)) + [(None, None)] + [(0.0, None)] * count
    found = linprog(cost, A_ub=np.vstack(rows), b_ub=np.concatenate(right), bounds=bounds, method="highs")
    assert found.status == 0
    return found.x[:n], float(found.fun)


LINEAR = ["factor", "factor-limit", "quantile"]


@pytest.mark.parametrize("family", LINEAR)
def test_at_the_optimum_the_proven_bound_meets_the_objective(family):
    instance = make(family, 300, 8)
    x, value = optimum(instance)
    verdict = judge(instance, x)
    assert verdict.objective == pytest.approx(value, rel=1e-8)
    assert verdict.violation < 1e-8
    assert verdict.bound <= value + 1e-9
    assert gap(verdict, verdict.bound) < 1e-7


@pytest.mark.parametrize("family", LINEAR)
def test_no_bound_is_ever_above_the_optimum_wherever_it_is_looked_for(family):
    instance = make(family, 300, 8)
    _, value = optimum(instance)
    rng = np.random.default_rng(3)
    for _ in range(10):
        x = rng.dirichlet(np.ones(8)) if family != "quantile" else rng.normal(size=8)
        assert judge(instance, x).bound <= value + 1e-9
        multipliers = rng.normal(size=instance.matrix.shape[0])
        weights = [rng.exponential(size=300) * rng.choice([0.0, 0.01, 1.0])]
        assert dual_bound(instance, x, multipliers, weights) <= value + 1e-9


def test_with_a_quadratic_the_bound_meets_an_optimum_found_by_projected_gradients():
    """A wide limit leaves a quadratic program over a simplex, solved here by exponentiated gradients."""
    instance = make("mixture", 400, 6)
    wide = replace(instance, tails=(replace(instance.tails[0], limit=100.0),))
    x = np.full(6, 1.0 / 6.0)
    for _ in range(20_000):
        x = x * np.exp(-0.1 * (wide.cost + wide.quadratic @ x))
        x /= x.sum()
    verdict = judge(wide, x)
    assert verdict.violation < 1e-12
    assert abs(gap(verdict, verdict.bound)) < 1e-7


def test_a_lie_shows_as_violation_and_not_as_gain():
    instance = make("factor-limit", 300, 8)
    x, value = optimum(instance)
    greedy = np.zeros(8)
    greedy[instance.cost.argmin()] = 1.0
    verdict = judge(instance, greedy)
    assert verdict.objective < value
    assert verdict.violation > 1e-2
    off = judge(instance, 1.01 * x)
    assert off.violation >= 0.0099


@pytest.mark.parametrize("family", FAMILIES)
def test_violations_are_those_of_each_constraint(family):
    instance = make(family, 200, 6)
    x = np.full(6, -0.3)
    verdict = judge(instance, x, search=False)
    parts = [0.0]
    for value, low, high in [
        *zip(instance.matrix @ x, instance.row_lower, instance.row_upper, strict=True),
        *zip(x, instance.lower, instance.upper, strict=True),
        (verdict.cvar[0], -math.inf, instance.tails[0].limit),
    ]:
        parts += [(low - value) / max(1.0, abs(low))] if math.isfinite(low) else []
        parts += [(value - high) / max(1.0, abs(high))] if math.isfinite(high) else []
    assert verdict.violation == pytest.approx(max(parts), abs=1e-14)


def test_two_tails_one_priced_and_one_limited():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(200, 4)), rng.normal(size=(200, 4))
    instance = Instance(
        family="two",
        seed=0,
        cost=np.zeros(4),
        quadratic=None,
        tails=(Tail(first, np.zeros(200), 0.9, price=1.0), Tail(second, np.zeros(200), 0.8, limit=0.75)),
        matrix=np.ones((1, 4)),
        row_lower=np.ones(1),
        row_upper=np.ones(1),
        lower=np.zeros(4),
        upper=np.full(4, np.inf),
        region=np.array([np.zeros(4), np.ones(4)]),
    )
    # by a fine search over the simplex
    steps = np.arange(0, 41) / 40.0
    points = [np.array([a, b, c, 1 - a - b - c]) for a in steps for b in steps for c in steps if a + b + c <= 1 + 1e-12]
    best = math.inf
    for x in points:
        if tail_mean(second @ x, 0.8) <= 0.75:
            value = tail_mean(first @ x, 0.9)
            if value < best:
                best, at = value, x
    verdict = judge(instance, at)
    assert verdict.violation == 0.0
    assert verdict.bound <= best + 1e-12
    assert gap(verdict, verdict.bound) < 0.05


@pytest.mark.parametrize("x, word", [(np.zeros(3), "shape"), (np.array([np.nan] + [0.0] * 7), "finite")])
def test_answers_that_are_none_are_refused(x, word):
    with pytest.raises(ValueError, match=word):
        judge(make("factor", 100, 8), x)
