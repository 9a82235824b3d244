"""The generators: the same bits from the same seed, and the distributions that they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from capmix.bench.instances import FAMILIES, Instance, make


def arrays(instance: Instance) -> list[np.ndarray]:
    found = [instance.cost, instance.matrix, instance.row_lower, instance.row_upper, instance.lower, instance.upper]
    found += [instance.region] + ([] if instance.quadratic is None else [instance.quadratic])
    found += [] if instance.weights is None else [instance.weights]
    return found + [a for t in instance.tails for a in (t.losses, t.offset)]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seed_decides_every_bit_and_another_seed_other_ones(family):
    one, again, other = make(family, 400, 12, 7), make(family, 400, 12, 7), make(family, 400, 12, 8)
    for a, b in zip(arrays(one), arrays(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.tails[0].limit == again.tails[0].limit
    assert not np.array_equal(one.tails[0].losses, other.tails[0].losses)


BLOCKS = sorted(set(FAMILIES) - {"hedge", "tree"})  # drawn in one piece


@pytest.mark.parametrize("family", BLOCKS)
def test_blocks_of_draws_do_not_show(family):
    """20,000 scenarios are drawn in two blocks: the second must not repeat the first."""
    losses = make(family, 20_000, 4).tails[0].losses
    assert not np.isclose(losses[: 20_000 - 16_384], losses[16_384:], rtol=1e-12, atol=0.0).any(axis=None)


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_it_is_the_same(family, tmp_path):
    before = make(family, 60, 5, 3)
    before.save(tmp_path / "instance")
    after = Instance.load(tmp_path / "instance")
    for a, b in zip(arrays(before), arrays(after), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (after.family, after.seed, after.name) == (before.family, before.seed, before.name)
    assert [(t.level, t.limit, t.price) for t in after.tails] == [(t.level, t.limit, t.price) for t in before.tails]


def test_mixture_has_the_moments_of_the_paper():
    instance = make("mixture", 40_000, 30)
    returns = -instance.tails[0].losses
    calm, stress = returns[:32_000], returns[32_000:]
    # standard errors: sd / √(rows × assets)
    assert abs(calm.mean() - 0.2) < 5 * 1.0 / math.sqrt(calm.size)
    assert abs(stress.mean() + 0.2) < 5 * 2.0 / math.sqrt(stress.size)
    assert abs(calm.std() - 1.0) < 5 / math.sqrt(2 * calm.size)
    assert abs(stress.std() - 2.0) < 10 / math.sqrt(2 * stress.size)
    np.testing.assert_allclose(instance.quadratic, np.cov(returns.T), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(instance.cost, -returns.mean(axis=0), rtol=1e-12)


def test_mixture_with_many_assets_has_the_limit_of_the_paper():
    assert make("mixture", 2_000, 1_500).tails[0].limit == 0.3


def test_quantile_regression_is_the_pinball_loss_at_the_best_intercept():
    """E ρ_τ(y - X b - c) minimised over c by brute force, against the instance's objective at the same b."""
    instance = make("quantile", 500, 6)
    tail = instance.tails[0]
    x, y, tau = -tail.losses, tail.offset, tail.level
    b = np.random.default_rng(5).normal(size=6)
    residual = y - x @ b
    pinball = min(np.mean(np.where(residual > c, tau * (residual - c), (1 - tau) * (c - residual))) for c in residual)
    worst = np.sort(residual)[-50:].mean()
    objective = instance.cost @ b + worst
    assert pinball == pytest.approx((1 - tau) * (objective - y.mean()), rel=1e-12)


def test_the_required_mean_of_a_portfolio_can_be_had_and_binds_something():
    instance = make("factor", 2_000, 20)
    mean = instance.matrix[1]
    assert mean.mean() < instance.row_lower[1] < mean.max()
    np.testing.assert_allclose(mean, -instance.tails[0].losses.mean(axis=0))


@pytest.mark.parametrize(
    "arguments, word", [(("nothing", 100, 10), "unknown family 'nothing'"), (("factor", 5, 10), "too small")]
)
def test_what_cannot_be_made_is_named(arguments, word):
    with pytest.raises(ValueError, match=word):
        make(*arguments)
