"""The table drivers: means and quantiles of what the scenarios hold, the same wherever they lie."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from capmix.kernels.backend import Backend
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.cpu.numpy_backend import NumpyBackend
from capmix.kernels.memory import chunked
from capmix.kernels.memory import placement as modes
from capmix.kernels.memory.chunked import Chunked
from capmix.kernels.memory.placement import Mode, Placement
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Deterministic, Vasicek
from capmix.optimizer.analysis import driver_figures
from capmix.optimizer.analysis.driver_figures import driver_table
from capmix.optimizer.setup.assemble import process_table
from capmix.optimizer.setup.driver_order import driver_order
from capmix.optimizer.table import Table

from ..cases import starter

COUNT, SEED = 3_000, 5
FAKE = Path(__file__).parents[2] / "kernels" / "fake_device.py"


def told(backend: Backend, case: Case, count: int = COUNT) -> Table:
    return driver_table(case, backend, backend.simulate(process_table(case), count, SEED))


def fake_device() -> Backend:
    """The CPU's backend with a memory of its own, into which scenarios are copied."""
    made: Backend = runpy.run_path(str(FAKE))["FakeDevice"](10**12)
    return made


def numbers(table: Table) -> np.ndarray:
    return np.array([[r.number(c) for c in ("mean", "5%", "50%", "95%")] for r in table.records()])


def with_path() -> Case:
    case = starter()
    path = tuple(0.5 + 0.25 * t for t in range(case.horizon.periods))
    return replace(case, driver=(Deterministic(id="a_path", process="deterministic", path=path), *case.driver))


def test_figures_are_those_of_the_scenarios() -> None:
    """Against the values of the store, whose drivers are stored in another order than the case's."""
    case, backend = with_path(), NumpyBackend()
    store = backend.simulate(process_table(case), COUNT, SEED)
    order, periods = driver_order(case), case.horizon.periods
    x = np.asarray(store.x(np.arange(COUNT)), dtype=np.float64).reshape(COUNT, len(order), periods)
    table = driver_table(case, backend, store)
    assert [r["driver"] for r in table.records()[::periods]] == [d.id for d in case.driver] != list(order)
    for record in table.records():
        values = x[:, order.index(record.text("driver")), case.horizon.labels.index(record.text("period"))]
        assert record.number("mean") == pytest.approx(values.mean(), rel=1e-12)
        for share in (5, 50, 95):
            assert record.number(f"{share}%") == pytest.approx(np.quantile(values, share / 100), rel=1e-12)
    for t, record in enumerate(r for r in table.records() if r["driver"] == "a_path"):
        assert numbers(replace(table, rows=(tuple(record.values()),))).tolist() == [[0.5 + 0.25 * t] * 4]


def test_a_normal_driver_has_its_closed_form() -> None:
    """Vasicek: normal, mean and variance of the exact step."""
    case = starter()
    path = (0.03,) * case.horizon.periods
    rate = Vasicek(
        id="rate", process="vasicek", start=0.03, mean=path, reversion=0.5, volatility=(0.01,) * len(path), floor=None
    )
    table = told(NumbaBackend(), replace(case, driver=(*case.driver, rate)), 40_000)
    last = [r for r in table.records() if r["driver"] == "rate"][-1]
    years = (case.horizon.periods - 1) * case.horizon.dt
    deviation = 0.01 * np.sqrt((1.0 - np.exp(-2 * 0.5 * years)) / (2 * 0.5))
    assert last.number("mean") == pytest.approx(0.03, abs=4 * deviation / np.sqrt(40_000))
    for share, z in ((5, -1.6448536), (50, 0.0), (95, 1.6448536)):
        # standard error of a quantile: sqrt(p (1 - p) / n) over the density there
        density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / deviation
        error = np.sqrt(share / 100 * (1 - share / 100) / driver_figures.DRAWS) / density
        assert last.number(f"{share}%") == pytest.approx(0.03 + z * deviation, abs=4 * error)


def test_the_same_wherever_the_scenarios_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    case, found = with_path(), {}
    for module in (chunked, modes):
        monkeypatch.setattr(module, "SLICE", 256)
    for mode in Mode:
        monkeypatch.setattr(chunked, "place", lambda *_, mode=mode: Placement(mode, 512))
        backend = Chunked(fake_device(), host_free=lambda: 10**12)
        store = backend.simulate(process_table(case), COUNT, SEED)
        found[mode] = driver_table(case, backend, store)
        assert store.mode is mode
    assert {table.rows for table in found.values()} == {told(NumbaBackend(), case).rows}
    monkeypatch.setattr(driver_figures, "CELLS", 10_000)  # a few places at a time
    assert told(NumbaBackend(), case).rows == found[Mode.RESIDENT].rows


def test_quantiles_of_the_first_scenarios_and_means_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    case, backend = starter(), NumbaBackend()
    few, all_ = numbers(told(backend, case, 512)), numbers(told(backend, case))
    monkeypatch.setattr(driver_figures, "DRAWS", 512)
    some = numbers(told(backend, case))
    assert (some[:, 1:] == few[:, 1:]).all()
    assert (some[:, 0] == all_[:, 0]).all()
    assert (few[:, 0] != all_[:, 0]).any()


def test_a_volatility_a_hundredfold_too_large_is_seen() -> None:
    case = starter()
    wild = tuple(
        replace(d, volatility=tuple(100.0 * v for v in d.volatility), floor=None) if d.id == "sofr" else d
        for d in case.driver
    )
    rates = [
        r.number("95%") for r in told(NumbaBackend(), replace(case, driver=wild)).records() if r["driver"] == "sofr"
    ]
    assert rates[-1] > 0.8
