"""The tail against its definition as a linear program and against the Rockafellar-Uryasev minimum."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.tail import tail
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

losses_with_ties = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=40)
levels = st.floats(0.001, 0.999)


def minimum(loss, weights, mass):
    """min over eta of eta + sum w (loss - eta)+ / mass; the minimum is attained at one of the losses."""
    eta = loss[:, None]
    return (eta[:, 0] + weights @ np.maximum(loss[:, None] - loss[None, :], 0.0) / mass).min()


@given(losses_with_ties, levels)
def test_cvar_is_the_rockafellar_uryasev_minimum(values, level):
    loss = np.array(values)
    found = tail(loss, level)
    mass = (1.0 - level) * loss.size
    assert found.weights.sum() == pytest.approx(mass, rel=1e-9)
    assert found.cvar == pytest.approx(minimum(loss, np.ones(loss.size), mass), rel=1e-9, abs=1e-9)
    assert (found.weights > 0.0).all()
    assert (found.weights <= 1.0 + 1e-9).all()
    assert (np.diff(found.rows) > 0).all()
    outside = np.setdiff1d(np.arange(loss.size), found.rows)
    assert (loss[outside] <= found.var).all()
    assert found.var == loss[found.rows].min()


@given(losses_with_ties, levels, st.integers(0, 1000))
def test_weighted_cvar(values, level, seed):
    loss = np.array(values)
    weights = np.random.default_rng(seed).integers(0, 4, loss.size) + 0.0
    weights[0] = 1.5
    found = tail(loss, level, weights)
    mass = (1.0 - level) * weights.sum()
    assert found.mass == pytest.approx(mass, rel=1e-9)
    assert found.cvar == pytest.approx(minimum(loss, weights, mass), rel=1e-9, abs=1e-9)
    assert (found.weights <= weights[found.rows] + 1e-12).all()


def test_weights_solve_the_linear_program():
    rng = np.random.default_rng(5)
    loss, level = rng.standard_normal(200), 0.937
    found = tail(loss, level)
    mass = (1.0 - level) * 200
    best = linprog(-loss, A_eq=np.ones((1, 200)), b_eq=[mass], bounds=(0, 1), method="highs")
    weights = np.zeros(200)
    weights[found.rows] = found.weights
    assert weights == pytest.approx(best.x, abs=1e-9)
    assert found.cvar == pytest.approx(-best.fun / mass, rel=1e-12)


def test_unit_weights_change_nothing():
    loss = np.random.default_rng(6).integers(0, 9, 500) + 0.0
    plain, weighted = tail(loss, 0.913), tail(loss, 0.913, np.ones(500))
    assert (plain.rows == weighted.rows).all()
    assert plain.weights == pytest.approx(weighted.weights, abs=1e-9)


@pytest.mark.parametrize("mass", [1.0, 1999.5, 39_999.0])
def test_many_losses_in_whatever_order(mass):
    """Also where every so many rows, which are looked at first, say nothing of the others."""
    rng = np.random.default_rng(11)
    spread = rng.standard_normal(40_000)
    misleading = np.where(np.arange(40_000) % 9 == 0, 100.0, spread)
    for loss in (spread, np.sort(spread), -np.sort(spread), np.round(spread), np.zeros(40_000), misleading):
        found, order = tail(loss, 0.5, mass=mass), np.argsort(-loss, kind="stable")
        assert (found.rows == np.sort(order[: int(np.ceil(mass))])).all()
        assert found.var == loss[order[int(np.ceil(mass)) - 1]]


def test_ties_enter_lowest_row_first():
    found = tail([2.0, 5.0, 2.0, 2.0, 1.0], 0.5)
    assert found.rows.tolist() == [0, 1, 2]
    assert found.weights.tolist() == [1.0, 1.0, 0.5]


def test_the_mass_is_whole_where_it_should_be():
    loss = np.random.default_rng(7).standard_normal(100_000)
    found = tail(loss, 0.95)
    assert found.rows.size == 5000
    assert (found.weights == 1.0).all()


def test_level_near_zero_is_the_mean():
    loss = np.random.default_rng(8).standard_normal(1000)
    assert tail(loss, 1e-12).cvar == pytest.approx(loss.mean(), abs=1e-10)


def test_one_scenario_is_the_maximum_and_less_than_one_too():
    loss = np.random.default_rng(9).standard_normal(1000)
    one = tail(loss, 0.999)
    assert one.rows.tolist() == [int(loss.argmax())]
    assert one.weights.tolist() == [1.0]
    less = tail(loss, 0.9997)
    assert less.rows.tolist() == [int(loss.argmax())]
    assert less.weights == pytest.approx([0.3])
    assert one.cvar == less.cvar == one.var == loss.max()


@given(losses_with_ties, st.floats(0.5, 0.99), st.integers(0, 10**6))
def test_a_subset_never_shows_a_higher_tail_mean(values, level, seed):
    loss = np.array(values)
    full = tail(loss, level)
    mass = (1.0 - level) * loss.size
    size = np.random.default_rng(seed).integers(int(np.ceil(mass)), loss.size + 1)
    rows = np.random.default_rng(seed).permutation(loss.size)[: max(size, 1)]
    part = tail(loss[rows], level, mass=min(mass, float(rows.size)))
    assert part.cvar <= full.cvar + 1e-9


def test_a_subset_that_holds_the_tail_shows_the_same():
    loss = np.random.default_rng(10).standard_normal(5000)
    full = tail(loss, 0.95)
    keep = np.flatnonzero(loss > np.quantile(loss, 0.9))
    part = tail(loss[keep], 0.95, mass=full.mass)
    assert (keep[part.rows] == full.rows).all()
    assert part.cvar == full.cvar


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, np.nan])
def test_level_outside_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        tail([1.0, 2.0], level)


@pytest.mark.parametrize(
    "arguments, word",
    [
        (([1.0, np.nan], 0.5), "row 1"),
        (([np.inf, 1.0], 0.5), "row 0"),
        (([], 0.5), "shape"),
        (([1.0, 2.0], 0.5, [1.0]), "weights"),
        (([1.0, 2.0], 0.5, [1.0, -1.0]), "weights"),
        (([1.0, 2.0], 0.5, [0.0, 0.0]), "mass"),
        (([1.0, 2.0], 0.5, None, 3.0), "mass"),
        (([1.0, 2.0], 0.5, None, 0.0), "mass"),
    ],
)
def test_bad_input_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        tail(*arguments)
