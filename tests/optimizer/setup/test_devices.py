"""The choice of a device, what is said where it cannot be had, and plans that outlive theirs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from capmix.kernels import cuda_start
from capmix.kernels import device_errors as faults
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import SLICE
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Plan
from capmix.optimizer.run import optimize
from capmix.optimizer.setup import device as devices
from capmix.optimizer.setup.device import DeviceError

from ..cases import starter

COUNT = 20_000

path = Path(__file__).parents[2] / "kernels" / "fake_device.py"
spec = importlib.util.spec_from_file_location("fake_device", path)
assert spec is not None
assert spec.loader is not None
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
CUDARuntimeError, FakeDevice = fakes.CUDARuntimeError, fakes.FakeDevice


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Callable[[faults.DeviceFault], None]:
    def give(error: faults.DeviceFault) -> None:
        def start() -> None:
            raise error

        monkeypatch.setattr(cuda_start, "start", start)
        monkeypatch.setattr(cuda_start, "worth_trying", lambda: True)

    return give


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def give(device: object) -> None:
        found = SimpleNamespace(name="NVIDIA Test", remarks=("compiled kernels cannot be kept",))
        monkeypatch.setattr(cuda_start, "start", lambda: SimpleNamespace(backend=device, found=found))
        monkeypatch.setattr(cuda_start, "worth_trying", lambda: True)

    return give


@pytest.fixture(scope="module")
def on_the_cpu() -> Plan:
    return optimize(starter(), scenarios=COUNT, device="cpu")


def equal(plan: Plan, other: Plan) -> None:
    assert plan.status is other.status is Status.CERTIFIED
    assert plan.objective_value == pytest.approx(other.objective_value, rel=1e-5)
    for mine, theirs in zip(plan.risk, other.risk, strict=True):
        assert mine.value <= mine.limit * (1.0 + 1e-9)
        assert mine.limit == theirs.limit


@pytest.mark.parametrize("error", [faults.NoCupy("CuPy is not installed; do this"), faults.OldDriver("old; do that")])
def test_cuda_that_cannot_be_had(fault: Callable[[faults.DeviceFault], None], error: faults.DeviceFault) -> None:
    fault(error)
    with pytest.raises(DeviceError, match=f"device 'cuda' cannot be used: {error}"):
        optimize(starter(), scenarios=COUNT, device="cuda")


def test_auto_falls_back_and_says_so(fault: Callable[[faults.DeviceFault], None], on_the_cpu: Plan) -> None:
    fault(faults.OldDriver("the driver is too old; install another"))
    plan = optimize(starter(), scenarios=COUNT)
    assert "planned on the CPU: the driver is too old; install another" in plan.messages
    assert plan.device == on_the_cpu.device
    assert plan.objective_value == on_the_cpu.objective_value


def test_a_machine_without_a_driver_hears_nothing_of_it(fault: Callable[[faults.DeviceFault], None]) -> None:
    fault(faults.NoDriver("no NVIDIA driver is loaded; install one"))
    assert devices.choose("auto").messages == []


def test_a_machine_without_cuda_hears_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_start, "worth_trying", lambda: False)
    assert devices.choose("auto").messages == []


def test_a_plan_on_a_device(fake: Callable[[object], None], on_the_cpu: Plan) -> None:
    fake(FakeDevice(10**12))
    plan = optimize(starter(), scenarios=COUNT, device="cuda")
    assert (plan.device.backend, plan.device.name, plan.device.mode) == ("cuda", "NVIDIA Test", "resident")
    assert plan.objective_value == on_the_cpu.objective_value
    assert plan.messages[0] == "compiled kernels cannot be kept"


@pytest.mark.parametrize("name, call", [("losses", 3), ("tail", 9), ("tail", 40), ("pull_back", 5), ("subset", 2)])
def test_a_device_lost_on_the_way(fake: Callable[[object], None], on_the_cpu: Plan, name: str, call: int) -> None:
    seen: list[int] = []

    def fail(at: str, number: int) -> None:
        if at == name:
            seen.append(number)
            if len(seen) == call:
                raise CUDARuntimeError("cudaErrorIllegalAddress: an illegal memory access was encountered")

    fake(FakeDevice(10**12, fail))
    plan = optimize(starter(), scenarios=COUNT, device="cuda")
    assert len(seen) == call
    equal(plan, on_the_cpu)
    assert plan.device.backend == "numba"
    assert any("went on on the CPU" in message for message in plan.messages)


def test_memory_that_runs_out_between_passes(fake: Callable[[object], None], on_the_cpu: Plan) -> None:
    seen: list[int] = []

    def fail(at: str, number: int) -> None:
        if at == "tail":
            seen.append(number)
            if len(seen) == 20:
                raise MemoryError

    fake(FakeDevice(10**12, fail))
    plan = optimize(starter(), scenarios=COUNT, device="cuda")
    equal(plan, on_the_cpu)
    assert plan.device.backend == "cuda"
    assert plan.device.mode == "regenerating"


def test_a_plan_whose_scenarios_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a slice of scenarios, drawn anew in every pass: the plan has the same bits."""
    count, case = SLICE + 4_000, starter()
    held = optimize(case, scenarios=count, device="cpu", out_of_sample=False)
    monkeypatch.setattr(modes, "TAIL_COPIES", 1e4)
    monkeypatch.setattr(devices, "memory_available", lambda: 200_000_000)
    plan = optimize(case, scenarios=count, device="cpu", out_of_sample=False)
    assert plan.device.mode == "regenerating"
    assert held.device.mode == "resident"
    assert plan.objective_value == held.objective_value
    assert plan.decisions == held.decisions
    assert plan.risk == held.risk
    assert any("drawn anew in every pass" in message for message in plan.messages)


def test_an_error_of_ours_is_not_hidden() -> None:
    backend = Chunked(NumbaBackend(), spare=NumbaBackend)

    def step() -> None:
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        devices.steadily(backend, step)
