"""Mixtures of known plans: the best one against a fine grid, and the depth against it too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from capmix.optimizer.cutting_planes.mixtures import best_mixture, greatest_depth
from capmix.optimizer.cutting_planes.solution import Evaluation


def plans(values: np.ndarray) -> list[Evaluation]:
    unknown = np.full(values.shape[1], np.nan)
    return [Evaluation(np.eye(len(values))[i], v, unknown, unknown) for i, v in enumerate(values)]


def grid(count: int, steps: int) -> np.ndarray:
    """All shares of `count` plans in whole steps."""
    return np.array([s for s in itertools.product(range(steps + 1), repeat=count) if sum(s) == steps]) / steps


@pytest.mark.parametrize("seed", range(4))
def test_no_mixture_on_a_grid_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    over = rng.normal(size=(4, 2))
    over[0] = (-0.5, -0.3)  # one plan inside
    objective = rng.normal(size=4) + 10.0
    for depth in (0.0, 0.1):
        best = best_mixture(plans(over), objective, over, depth)
        assert best is not None
        assert best.x.sum() == pytest.approx(1.0)
        assert (best.x >= 0.0).all()
        assert np.allclose(best.values, best.x @ over)
        assert (best.values <= -depth + 1e-9).all()
        shares = grid(4, 40)
        held = (shares @ over <= -max(depth, 1e-8)).all(axis=1)
        assert best.x @ objective >= (shares[held] @ objective).max() - 1e-9
    deepest = -(grid(4, 40) @ over).max(axis=1).min()
    assert deepest - 1e-9 <= greatest_depth(over) <= deepest + 0.1


def test_none_where_all_lie_outside_one_limit() -> None:
    over = np.array([[0.1, -3.0], [0.2, -1.0]])
    assert best_mixture(plans(over), np.ones(2), over, 0.0) is None
    assert greatest_depth(over) == pytest.approx(-0.1)


def test_no_plans_and_no_limits() -> None:
    assert best_mixture([], np.zeros(0), np.zeros((0, 1)), 0.0) is None
    free = np.zeros((3, 0))
    best = best_mixture(plans(free), np.array([1.0, 3.0, 2.0]), free, 0.0)
    assert best is not None
    assert best.x.tolist() == [0.0, 1.0, 0.0]
    assert greatest_depth(free) == np.inf
