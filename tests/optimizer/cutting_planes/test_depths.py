"""Limits held below their amounts: what a solve says then still bounds the program with the limits themselves."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes import in_out
from capmix.optimizer.cutting_planes.master import Infeasible, Master, Point
from capmix.optimizer.cutting_planes.progress import Monitor
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.cutting_planes.solution import Status

from .test_cuts import sample_of, some_plan
from .toy import toy


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_under_depths_is_one_without_them(seed: int) -> None:
    plan = toy(seed=seed, count=200, peak=1.0, loss=2.0)
    rows = sample_of(plan).all
    master = Master(plan.program, [r.limit for r in plan.risks], Monitor(None, None, 1e-5, 1.0))
    master.scales = (1.0, 2.0)
    rng = np.random.default_rng(seed)
    for _ in range(15):
        x = some_plan(plan, rng)
        for m, tail in enumerate(rows.tails(rows.losses(x))):
            master.add(rows.cut(m, x, tail))
    free = master.solve()
    assert free.bound == pytest.approx(master.objective(free.x), rel=1e-9)
    for depth in (1e-4, 1e-2, 0.1):
        depths = depth * rng.uniform(0.0, 1.0, 2)
        master.tighten(depths)
        held = master.solve()
        assert held.bound >= free.bound - 1e-9 * abs(free.bound)
        assert master.objective(held.x) <= free.bound + 1e-9 * abs(free.bound)
        # its own optimum, and what the prices there say of the depths
        assert held.bound == pytest.approx(master.objective(held.x) + float(held.gains @ depths), rel=1e-9)
    master.aim_primary()
    assert master.solve().bound == pytest.approx(free.bound, rel=1e-9)


def test_depths_at_which_there_is_no_plan_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = toy(seed=3, count=400, peak=0.5, loss=0.5)
    settings = Settings(gap=1e-6, polish=False)
    right = maximise(plan.program, plan.risks, get_backend("numpy"), plan.store, settings)
    refused: list[bool] = []
    solve = Master.solve

    def spy(self: Master) -> Point:
        try:
            return solve(self)
        except Infeasible:
            refused.append(bool(self._tight.any()))
            raise

    monkeypatch.setattr(Master, "solve", spy)
    monkeypatch.setattr(in_out, "DEEPEST", 1e3)
    monkeypatch.setattr(in_out, "SPENT", 1e3)
    found = maximise(plan.program, plan.risks, get_backend("numpy"), plan.store, settings)
    assert True in refused
    assert found.status is Status.CERTIFIED
    assert found.objective == pytest.approx(right.objective, rel=2e-6)
