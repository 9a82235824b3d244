"""Occupancy against NVIDIA's own worked figures, counted operations against counts by hand, and the page is current."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from capmix.kernels.backend import get_backend

from ..samples import DT, dr, processes
from . import kernel_page
from .limits import ARCHITECTURES, DIVISION, ROOT, Work, resident_warps, scenarios_per_second
from .shim import COMPILER
from .test_resources import TABLE, allowed

PAGE = Path(__file__).parents[3] / "docs" / "gpu-kernels.md"
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")


@pytest.mark.parametrize(
    ("arch", "threads", "registers", "shared", "warps"),
    [
        ("sm_80", 256, 32, 0, 64),  # 32 registers and 2,048 threads use all 65,536
        ("sm_80", 256, 33, 0, 48),  # 40 per thread: 12 warps in each quarter
        ("sm_80", 256, 255, 0, 8),
        ("sm_80", 256, 64, 0, 32),
        ("sm_86", 256, 40, 0, 48),
        ("sm_75", 256, 64, 0, 32),
        ("sm_86", 32, 16, 0, 16),  # 16 blocks of one warp
        ("sm_90", 32, 16, 0, 32),
        ("sm_90", 64, 168, 0, 12),  # 3 warps in each quarter
        ("sm_90", 128, 32, 227 * 1024, 4),
        ("sm_90", 128, 32, 113 * 1024, 8),  # and 1 KiB of the system's for each
        ("sm_90", 128, 32, 114 * 1024, 4),
        ("sm_75", 128, 32, 32 * 1024, 8),
        ("sm_90", 128, 32, 228 * 1024, 0),
    ],
)
def test_resident_warps(arch, threads, registers, shared, warps):
    assert resident_warps(ARCHITECTURES[arch], threads, registers, shared) == warps


def test_more_of_anything_never_raises_the_occupancy():
    for limits in ARCHITECTURES.values():
        for threads in (32, 64, 128, 256):
            by_registers = [resident_warps(limits, threads, r, 0) for r in range(16, 256)]
            by_shared = [resident_warps(limits, threads, 32, s) for s in range(0, limits.shared, 777)]
            for series in (by_registers, by_shared):
                assert series == sorted(series, reverse=True)
                assert 0 < series[0] <= limits.warps


def test_the_slowest_unit_decides():
    work = Work(plain=640.0, divisions=0.0, roots=0.0, conversions=16.0, wide=16.0)
    rate, by = scenarios_per_second(work, ARCHITECTURES["sm_90"], 100, 1.0)
    assert (rate, by) == (100 * 1e9 / 10.0, "double precision")
    assert scenarios_per_second(Work(0, 0, 0, 0, 1600.0), ARCHITECTURES["sm_90"], 1, 1.0) == (1e7, "integer products")
    assert Work(1.0, 2.0, 3.0, 0.0, 0.0).doubles == 1.0 + 2 * DIVISION + 3 * ROOT


@needs_compiler
def test_a_run_that_counts_gives_the_same_losses():
    one = kernel_page.case()
    exposures = [np.ones(t.entries) for t in one.tables]
    work, losses = kernel_page.counted(one.processes, one.tables, exposures)
    cpu = get_backend("numba")
    expected = cpu.losses(cpu.simulate(one.processes, kernel_page.SCENARIOS, kernel_page.SEED), one.tables, exposures)
    for found, right in zip(losses, expected, strict=True):
        assert np.array_equal(found, right)
    assert work.doubles > 1_000


@needs_compiler
def test_operations_of_a_driver_that_is_known():
    """One Vasicek driver over five periods: four steps and two Philox blocks, counted by hand."""
    table = processes([dr.vasicek_row(np.full(5, 0.04), 0.3, 0.01, 0.01, DT)], [1], [0.03])
    work, _ = kernel_page.counted(table, [kernel_page.nothing()], [np.ones(1)])
    assert work.wide == 2 * 10 * 2  # blocks, rounds, products
    central = 0.85 * 8 * 1.0
    assert work.divisions == pytest.approx(
        8 * (1.0 + 1.0 - 0.85), rel=0.1
    )  # AS 241: one, and the logarithm's in the tails
    assert work.roots == pytest.approx(8 - central, rel=0.15)


@needs_compiler
def test_the_page_is_current():
    resources = allowed()
    compiler = TABLE.read_text("utf-8").partition("\n")[0].removeprefix("# ")
    text = kernel_page.page(resources, compiler)
    if os.environ.get("CAPMIX_RESOURCES") == "renew":
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
