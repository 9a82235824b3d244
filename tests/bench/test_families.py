"""The further families: what their programs say, and an optimum of each that the judge can prove."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.bench import worker
from capmix.bench.families import FAMILIES
from capmix.bench.instances import make
from capmix.bench.judge import gap, judge, tail_mean
from capmix.bench.peers import SUBJECTS
from capmix.bench.peers.adapter import Options

OPTIONS = Options(tolerance=1e-5, time_limit=60.0, threads=1)
SIZES = {"wide": (60, 90)}


@pytest.mark.parametrize("family", FAMILIES)
def test_both_forms_of_highs_and_clarabel_agree_and_the_judge_proves_it(family):
    instance = make(family, *SIZES.get(family, (120, 12)))
    verdicts, points = {}, {}
    for key in ("highs-primal-simplex", "highs-dual-simplex", "clarabel"):
        found = worker.solve(SUBJECTS[key], instance, OPTIONS)
        assert found.x is not None, found.status
        verdicts[key], points[key] = judge(instance, found.x), found.x
        assert found.claimed == pytest.approx(verdicts[key].objective, rel=1e-6)
    best = max(v.bound for v in verdicts.values())
    for key, verdict in verdicts.items():
        assert abs(gap(verdict, best)) <= 1e-6
        assert key == "clarabel" or verdict.violation <= 1e-8
    low, high = instance.region
    x, room = points["highs-primal-simplex"], 1e-8 * (high - low)
    assert (low - room <= x).all()
    assert (x <= high + room).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_bound_is_above_the_optimum_from_wherever_it_is_sought(family):
    instance = make(family, *SIZES.get(family, (80, 8)))
    optimum = judge(instance, worker.solve(SUBJECTS["highs-dual-simplex"], instance, OPTIONS).x, search=False).objective
    rng = np.random.default_rng(2)
    for _ in range(3):
        x = instance.region[0] + rng.random(instance.columns) * (instance.region[1] - instance.region[0])
        assert judge(instance, x).bound <= optimum + 1e-8 * max(1.0, abs(optimum))


@pytest.mark.parametrize("family", FAMILIES)
def test_capmix_is_right_on_every_family(family):
    instance = make(family, *SIZES.get(family, (120, 12)))
    reference = judge(instance, worker.solve(SUBJECTS["highs-primal-simplex"], instance, OPTIONS).x)
    found = worker.solve(SUBJECTS["capmix"], instance, OPTIONS)
    assert found.status.startswith("certified")
    verdict = judge(instance, found.x)
    assert abs(gap(verdict, reference.bound)) <= 1e-5
    assert verdict.violation <= 1e-7


def test_the_weighted_tail_mean_is_that_of_scenarios_repeated():
    rng = np.random.default_rng(0)
    losses, counts = rng.standard_normal(40), rng.integers(1, 6, 40)
    for level in (0.5, 0.9, 0.97):
        one = tail_mean(losses, level, counts / counts.sum())
        assert one == pytest.approx(tail_mean(np.repeat(losses, counts), level), rel=1e-12)


def test_a_tree_only_pays_for_what_its_own_node_holds():
    instance = make("tree", 90, 20)
    (tail,) = instance.tails
    assert (np.count_nonzero(tail.losses, axis=1) == 2).all()
    assert instance.weights.sum() == pytest.approx(1.0)
    assert instance.columns == 20


def test_a_large_budget_is_a_small_one_in_other_units():
    rich = make("large-budget", 120, 12)
    x = worker.solve(SUBJECTS["highs-dual-simplex"], rich, OPTIONS).x
    assert x.sum() == pytest.approx(1e6)
