"""Pilots on a few scenarios, then on ten times as many: what they learn saves work and proves nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from capmix.kernels.backend import get_backend
from capmix.optimizer.cutting_planes import pilot
from capmix.optimizer.cutting_planes.master import Master
from capmix.optimizer.cutting_planes.oracle import Sample, SampleOf
from capmix.optimizer.cutting_planes.progress import Monitor, ProgressEvent
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.cutting_planes.solution import Solution, Status

from ..extensive import cvar
from .toy import Toy, toy

COUNT = 24_000
SETTINGS = Settings(gap=1e-6, polish=False, pilot=600)  # 600, then 6,000 of 24,000


@pytest.fixture(scope="module")
def plan() -> Toy:
    return toy(count=COUNT, periods=8, level=0.9, peak=0.6, loss=1.0, seed=8)


def solve(plan: Toy, settings: Settings = SETTINGS, phases: list[str] | None = None) -> Solution:
    def hear(event: ProgressEvent) -> None:
        if phases is not None:
            phases.append(event.phase)

    return maximise(plan.program, plan.risks, get_backend("numba"), plan.store, settings, hear)


def test_any_number_of_pilots_gives_the_same_plan(plan: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    none = solve(plan, dataclasses.replace(SETTINGS, pilot=0))
    two = solve(plan)
    monkeypatch.setattr(pilot, "LEVEL", 1_000)
    one = solve(plan)
    assert none.status is one.status is two.status is Status.CERTIFIED
    assert one.objective == pytest.approx(none.objective, rel=3e-6)
    assert two.objective == pytest.approx(none.objective, rel=3e-6)
    assert two.passes.full <= none.passes.full


def test_a_second_level_is_flown_where_the_scenarios_are_many(plan: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    first = SampleOf.first

    def spy(self: Sample, count: int) -> Sample:
        sizes.append(count)
        return first(self, count)

    monkeypatch.setattr(SampleOf, "first", spy)
    solve(plan)
    assert sizes == [6_000]
    solve(plan, dataclasses.replace(SETTINGS, pilot=700))  # the next level would be more than a quarter of all
    assert sizes == [6_000]


def test_a_cut_taken_again_is_the_cut_of_all_scenarios_there(plan: Toy) -> None:
    """It touches the CVaR of all scenarios at the decisions where the pilot's cut was taken; elsewhere it is below."""
    backend, monitor = get_backend("numba"), Monitor(None, None, 1e-6, 1.0)
    sample = Sample(backend, plan.store, plan.risks, monitor)
    master = Master(plan.program, [r.limit for r in plan.risks], monitor)
    at = master.decisions(master.solve().x)
    few = sample.pilot(600)
    rng = np.random.default_rng(1)
    for m, risk in enumerate(plan.risks):
        rough = few.cut(m, at, few.tail(m, few.losses(at)[m]))
        again = sample.all.retaken(rough)
        exact = cvar(risk, at, plan.values)
        assert again.constant + again.gradient @ at == pytest.approx(exact, rel=1e-9)
        assert rough.constant + rough.gradient @ at != pytest.approx(exact, rel=1e-6)
        for _ in range(3):
            x = at * rng.uniform(0.0, 2.0, at.size)
            assert again.constant + again.gradient @ x <= cvar(risk, x, plan.values) + 1e-9


def test_cuts_of_a_pilot_are_not_among_those_that_prove(plan: Toy) -> None:
    found = solve(plan)
    assert found.decisions is not None
    assert found.learnt.cuts
    for cut in found.learnt.cuts:
        risk = plan.risks[cut.limit]
        assert cut.constant + cut.gradient @ found.decisions <= cvar(risk, found.decisions, plan.values) + 1e-9
