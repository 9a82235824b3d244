"""A plan with a revolver, shut markets, covenants over the scenarios and bearers, however its scenarios are held."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from capmix.kernels import cuda_start
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.placement import SLICE, Costs
from capmix.models.schema.case import Case
from capmix.models.schema.rules import Covenant
from capmix.models.schema.variants import Variant
from capmix.optimizer.comparison.compare import compare
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Plan
from capmix.optimizer.run import optimize
from capmix.optimizer.setup import device as devices

from ..setup.test_devices import FakeDevice
from ..test_market import market

COUNT = SLICE + 4_000
LITTLE = 200_000_000  # bytes: fewer than the case's scenarios and their tails are made to need


def strict() -> Case:
    """Covenants of every way of keeping them."""
    held = (
        Covenant(id="cover", kind="interest_cover", limit=2.0, as_="cvar", level=0.9, from_period=6),
        Covenant(id="watched", kind="net_debt_to_ebitda", limit=2.0, as_="monitored", from_period=6),
    )
    case = market()
    return replace(case, covenant=(*case.covenant, *held))


@pytest.fixture(scope="module")
def resident() -> Plan:
    plan = optimize(strict(), scenarios=COUNT, device="cpu", out_of_sample=False)
    assert plan.device.mode == "resident"
    assert plan.status is Status.CERTIFIED
    return plan


def same(plan: Plan, resident: Plan) -> None:
    """Not one bit of the plan or its tables is another."""
    assert plan.objective_value == resident.objective_value
    assert plan.decisions == resident.decisions
    assert plan.risk == resident.risk
    assert plan.loss_allocation == resident.loss_allocation
    assert plan.tables == resident.tables
    for name in ("covenant_risk", "covenant_breaches", "loss_by_holder", "loss_by_limit", "default_dates"):
        assert plan.tables[name].rows


def test_the_case_asks_for_everything(resident: Plan) -> None:
    assert resident.loss_allocation is not None
    assert resident.loss_allocation.cvar > 0.0
    assert {r.name for r in resident.risk} >= {"covenant cover"}
    breached = {row[0]: row[5] for row in resident.tables["covenant_risk"].rows}
    assert 0.0 < breached["watched"] < 1.0


def test_drawn_anew_in_every_pass(monkeypatch: pytest.MonkeyPatch, resident: Plan) -> None:
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e4)
    monkeypatch.setattr(devices, "memory_available", lambda: LITTLE)
    plan = optimize(strict(), scenarios=COUNT, device="cpu", out_of_sample=False)
    assert plan.device.mode == "regenerating"
    same(plan, resident)


def test_chunks_from_the_host(monkeypatch: pytest.MonkeyPatch, resident: Plan) -> None:
    device = FakeDevice(10**12)
    found = SimpleNamespace(name="NVIDIA Test", remarks=())
    monkeypatch.setattr(cuda_start, "start", lambda: SimpleNamespace(backend=device, found=found))
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e4)
    monkeypatch.setattr(device, "free", lambda: LITTLE)
    monkeypatch.setattr(devices.Chunked, "_measured", lambda *_: Costs(draw=1.0, copy=0.5))
    plan = optimize(strict(), scenarios=COUNT, device="cuda", out_of_sample=False)
    assert plan.device.mode == "chunked from host"
    assert device.copied > 2
    same(plan, resident)


def test_variants_share_scenarios_that_are_not_held(monkeypatch: pytest.MonkeyPatch, resident: Plan) -> None:
    case = replace(strict(), variant=(Variant(id="whole"), Variant(id="plain", remove=("instrument.notes",))))
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e4)
    monkeypatch.setattr(devices, "memory_available", lambda: LITTLE)
    found = compare(case, scenarios=COUNT, device="cpu", out_of_sample=False)
    for plan in found.plans.values():
        assert plan.device.mode == "regenerating"
        assert any("drawn anew in every pass" in message for message in plan.messages)
        assert plan.loss_allocation is not None
    assert found.plans["whole"].objective_value == resident.objective_value
    assert found.plans["plain"].objective_value <= resident.objective_value * (1.0 + 1e-5)
