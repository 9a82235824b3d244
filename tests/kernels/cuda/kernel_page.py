"""docs/gpu-kernels.md: occupancy of every kernel on every architecture, and the arithmetic limit of the draws.

`CAPMIX_RESOURCES=renew pytest tests/kernels/cuda` writes it, with the table of resources that it is made from.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from capmix.kernels.backend import get_backend
from capmix.kernels.cuda.backend import CudaBackend
from capmix.kernels.cuda.source import flattened
from capmix.kernels.tables import LossKind, LossTable, ProcessTable, TermTable
from capmix.models.reading.load import load_case
from capmix.optimizer.setup.prepare import prepare

from . import limits
from .limits import ARCHITECTURES, MODELS, Work
from .shim import ShimDevice, compiled

CASE = "hyperscaler"
SCENARIOS = 256
SEED = 1


@dataclass(frozen=True)
class Case:
    """What the kernels are given for a shipped case."""

    processes: ProcessTable
    tables: tuple[LossTable, ...]

    @property
    def factors(self) -> int:
        return self.processes.drivers * self.processes.periods


@cache
def case() -> Case:
    ready = prepare(load_case(CASE), get_backend("numpy"), 512, SEED)
    return Case(ready.processes, tuple(loss.table for loss in ready.losses))


@cache
def counting_library():
    return compiled(f'#include "counting.h"\n{flattened("drawn_losses")}', ["drawn_losses"])


def counted(processes: ProcessTable, tables, exposures) -> tuple[Work, list[np.ndarray]]:
    """Operations per scenario of drawing and evaluating in one kernel, and the losses that came out."""
    library = counting_library()
    take, counts = library.take_operations, (ctypes.c_longlong * 5)()
    backend = CudaBackend(ShimDevice(kernels=library))
    store = backend.regenerating(processes, SCENARIOS, SEED)
    take(counts)
    losses = [loss.host() for loss in backend.losses(store, tables, exposures)]
    take(counts)
    return Work.of(np.array(counts[:]), SCENARIOS), losses


def nothing() -> LossTable:
    """A loss of one value, so that there is next to nothing but the draw."""
    terms = TermTable(1, np.array([[0]], np.int32), np.zeros(1, np.int32), np.array([0, 1], np.int32))
    return LossTable(LossKind.WORST, terms, np.zeros(1))


@cache
def works() -> tuple[Work, Work]:
    """Of the draw, and of all losses of the case with every term in use."""
    one = case()
    drawn = counted(one.processes, [nothing()], [np.ones(1)])[0]
    whole = counted(one.processes, one.tables, [np.ones(t.entries) for t in one.tables])[0]
    return drawn, whole - drawn


def occupancy(resources: Mapping[tuple[str, str], tuple[int, ...]]) -> list[str]:
    """Rows of the table: registers, then resident warps and their share of the most, per architecture."""
    rows = [
        "| kernel | threads | " + " | ".join(ARCHITECTURES) + " |",
        "| --- | --- | " + " | ".join("---" for _ in ARCHITECTURES) + " |",
    ]
    for kernel in sorted({k for k, _ in resources}):
        cells = []
        threads, dynamic = limits.launched(kernel)
        for arch, limit in ARCHITECTURES.items():
            registers, *_, fixed = resources[kernel, arch]
            warps = limits.resident_warps(limit, threads, registers, fixed + dynamic)
            shared = f", {(fixed + dynamic) / 1024:.1f} KiB" if fixed + dynamic else ""
            cells.append(f"{registers}{shared}: {warps} ({warps / limit.warps:.0%})")
        rows.append(f"| `{kernel}` | {threads} | " + " | ".join(cells) + " |")
    return rows


def arithmetic() -> list[str]:
    drawn, lost = works()
    rows = [
        "| per scenario | double precision | of these divisions, roots | conversions | 32-bit products of Philox |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {name} | {w.doubles:,.0f} | {w.divisions:,.0f}, {w.roots:,.0f} | {w.conversions:,.0f} | {w.products:,.0f} |"
        for name, w in (("draw", drawn), (f"{len(case().tables)} losses", lost))
    ]
    rows += [
        "",
        "| GPU | architecture | multiprocessors, GHz | draws, million/s | draws and losses, million/s | limited by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    whole = drawn - (Work(0, 0, 0, 0, 0) - lost)
    for name, arch, processors, clock in MODELS:
        alone, _ = limits.scenarios_per_second(drawn, ARCHITECTURES[arch], processors, clock)
        both, by = limits.scenarios_per_second(whole, ARCHITECTURES[arch], processors, clock)
        rows.append(f"| {name} | {arch} | {processors}, {clock:.3f} | {alone / 1e6:.1f} | {both / 1e6:.1f} | {by} |")
    return rows


HEAD = """# Kernels on each GPU generation

Made by `CAPMIX_RESOURCES=renew pytest tests/kernels/cuda` from what the compilers say, the published limits of
each compute capability and a counting run on the host; a test holds the page to them. What was measured on a GPU
is in [bench/RESULTS.md](../bench/RESULTS.md).

## Occupancy

Per kernel and architecture: registers per thread and shared memory per block ({compiler}; no kernel spills or
has a stack frame), then the warps that one multiprocessor holds at once and their share of the most it can
hold. Threads are those of a block. Shared memory that follows from a plan is that of {dates} dates of a covenant.
"""
LIMITS = """
Limits: [technical specifications per compute
capability](https://docs.nvidia.com/cuda/cuda-c-programming-guide/); 65,536 registers, a quarter of them for
each quarter of the warps, in units of 256 per warp; 1 KiB of shared memory per block for the system from 8.0
on. No pass over scenarios copies them to shared memory: forms that did were held to few warps by it, and on an
H100 they took 1.4 times (draws), 2.3 times (draws and losses in one) and 2.9 times as long (losses) as these, whose
threads read global memory through the caches.

## The arithmetic limit of drawing anew

Operations were counted while the kernel's own source drew {scenarios} scenarios of {case} on the host, whatever
way each of them took. Double precision: additions, multiplications and comparisons as one instruction,
divisions and square roots as {division}, which is what their fast way takes in machine code. Conversions: from
and to 64-bit types, and rounding. Products: 32-bit multiplications, four for a 64-bit product with both its
halves, as Philox needs it. Loads, addresses, shuffles and branches are left out, and units that differ are
taken to work at the same time: a kernel can only be slower. Losses with every term in use; a plan uses fewer.
"""
TAIL = """
Results per clock and multiprocessor: the Guide's throughput of native arithmetic instructions (double precision
2, 32, 2, 2, 64, 64, 2 from sm_75 to sm_120); multiprocessors and boost clocks from NVIDIA's data sheets. Cards
with two double-precision units per multiprocessor draw slowly: there, let the scenarios be resident.
"""


def page(resources: Mapping[tuple[str, str], tuple[int, ...]], compiler: str) -> str:
    """The whole page, in Markdown."""
    words = {
        "compiler": compiler, "case": CASE, "dates": limits.DATES, "scenarios": SCENARIOS, "division": limits.DIVISION,
    }  # fmt: skip
    parts = (HEAD.format(**words), *occupancy(resources), LIMITS.format(**words), *arithmetic(), TAIL.rstrip())
    return "\n".join(parts) + "\n"
