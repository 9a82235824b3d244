"""Whole plans with the CUDA kernels, run by the emulated device, beside those of the CPU."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from capmix.kernels import cuda_start
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.device_errors import DeviceFault, DeviceLost
from capmix.kernels.memory import chunked
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import Mode, Placement
from capmix.kernels.multi_gpu.backend import Sharded
from capmix.optimizer import run
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.run import optimize
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.prepare import prepare
from capmix.optimizer.setup.risk_losses import tails

from .cases import starter

SHIM = Path(__file__).parents[1] / "kernels" / "cuda" / "shim.py"
COUNT = 2_000
DRAWN = ("mean", "5%", "50%", "95%")


@pytest.fixture(scope="module")
def shim():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("capmix_test_shim", SHIM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if module.COMPILER is None:
        pytest.skip("g++ is not installed")
    return module


def test_a_plan_on_the_emulated_device(shim, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    device = shim.ShimDevice()
    found = SimpleNamespace(name=device.name, remarks=())
    monkeypatch.setattr(
        cuda_start, "start", lambda: SimpleNamespace(backend=CudaBackend(device, chunk=16_384), found=found)
    )
    searching: list[int] = []

    def composed(*given):  # type: ignore[no-untyped-def]
        searching[:] = searching or device.downloaded
        return compose(*given)

    compose = run.compose
    monkeypatch.setattr(run, "compose", composed)
    case = starter()
    mine = optimize(case, scenarios=COUNT, device="cuda", out_of_sample=False)
    theirs = optimize(case, scenarios=COUNT, device="cpu", out_of_sample=False)
    assert mine.status is theirs.status is Status.CERTIFIED
    assert mine.device.name == "host shim"
    assert (mine.device.backend, mine.device.mode, mine.messages) == ("cuda", "resident", theirs.messages)
    assert mine.objective_value == pytest.approx(theirs.objective_value, rel=1e-6)
    for a, b in zip(mine.risk, theirs.risk, strict=True):
        assert a.value == pytest.approx(b.value, rel=1e-4)
        assert a.value <= a.limit * (1.0 + 1e-9)
    assert mine.loss_allocation is not None
    assert mine.loss_allocation.cvar == pytest.approx(theirs.loss_allocation.cvar, rel=1e-3)
    for one, other in zip(mine.tables["drivers"].records(), theirs.tables["drivers"].records(), strict=True):
        assert [one.number(c) for c in DRAWN] == pytest.approx([other.number(c) for c in DRAWN], rel=1e-6)
    # neither scenarios nor a loss of each of them come back before there is a plan
    assert 0 < max(searching) < COUNT


@pytest.mark.parametrize("mode", ["resident", "regenerating"])
def test_what_crosses_the_bus_does_not_grow_with_the_scenarios(
    shim, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:  # type: ignore[no-untyped-def]
    """From the draws to the plan: the largest copy either way is a table of the program, whatever the count."""
    largest = []
    for count in (1_000, 3_000):
        device, case = shim.ShimDevice(), starter()
        backend = Chunked(CudaBackend(device, chunk=16_384), *tails(case))
        ready = prepare(case, backend, count, 5)
        if mode == "regenerating":
            ready.store.release()
            ready.store.placement = Placement(Mode.REGENERATING, count)
        device.uploaded.clear()
        device.downloaded.clear()
        found = maximise(ready.program, risk_limits(case, ready.losses), backend, ready.store, Settings(gap=1e-4))
        assert found.status is Status.CERTIFIED
        assert ready.store.mode.value == mode
        largest.append((max(device.uploaded), max(device.downloaded)))
    small, large = largest
    assert large[0] <= 1.2 * small[0]  # exposures of another plan
    assert large[1] <= 1.2 * small[1]
    assert max(large) < 8 * 1_000  # less than one loss of each of the fewer scenarios


def test_a_plan_on_the_gpu_of_this_machine() -> None:
    """Certified, with the objective of the processor's plan within both gaps."""
    try:
        cuda_start.start()
    except DeviceFault as fault:
        if os.environ.get("CAPMIX_TEST_DEVICE") == "cuda":
            raise
        pytest.skip(f"no GPU: {fault}")
    theirs = optimize(starter(), scenarios=20_000, device="cpu")
    mine = optimize(starter(), scenarios=20_000, device="cuda")
    assert mine.device.backend == "cuda"
    assert mine.status is theirs.status is Status.CERTIFIED
    assert mine.objective_value == pytest.approx(theirs.objective_value, rel=1e-5)
    assert mine.loss_allocation is not None
    assert theirs.loss_allocation is not None
    assert mine.loss_allocation.cvar == pytest.approx(theirs.loss_allocation.cvar, rel=1e-2)


def test_a_plan_on_two_devices_is_that_of_one(shim, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Bit for bit; and where one of the two is lost on the way, the other one goes on."""
    for module in (chunked, modes):
        monkeypatch.setattr(module, "SLICE", 256)

    class Failing(shim.ShimDevice):  # type: ignore[misc, name-defined]
        name, left = "a device that fails", 12

        def launch(self, kernel, *rest):  # type: ignore[no-untyped-def]
            self.left -= kernel == "fused_losses"
            if self.left == 0:
                raise DeviceLost("the device stopped working (test); check `nvidia-smi`")
            super().launch(kernel, *rest)

    case = starter()
    found, backends = [], []
    for inner in (
        CudaBackend(shim.ShimDevice(), chunk=16_384),
        Sharded([shim.ShimDevice(), shim.ShimDevice()], chunk=16_384, least=256),
        Sharded([shim.ShimDevice(), Failing()], chunk=16_384, least=256),
    ):
        backend = Chunked(inner, *tails(case))
        ready = prepare(case, backend, 1_000, 5)
        found.append(maximise(ready.program, risk_limits(case, ready.losses), backend, ready.store, Settings(gap=1e-4)))
        backends.append(backend)
    one, two, lost = found
    assert one.status is two.status is lost.status is Status.CERTIFIED
    assert one.objective == two.objective
    assert (one.columns == two.columns).all()  # type: ignore[union-attr]
    assert [r.value for r in one.risks] == [r.value for r in two.risks]
    assert lost.objective == pytest.approx(one.objective, rel=1e-4)
    assert len(backends[2].inner.backends) == 1  # type: ignore[attr-defined]
    assert "went on on host shim" in backends[2].messages[-1]
