"""Limits held below their amounts: what a solve says then still bounds the program with the limits themselves."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.optimizer.master import Master
from capmix.optimizer.progress import Monitor

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
