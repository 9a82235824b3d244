"""The arithmetic on a device, step by step, beside a copy within its memory; and its answers beside the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import capmix
import numpy as np
from capmix.kernels.backend import Backend, get_backend
from capmix.kernels.memory.placement import SLICE
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from .machine import median_time
from .passes import amounts_of

REPEATS = 7


@dataclass(frozen=True)
class Work:
    """A case prepared on a few scenarios, and the exposures of its plan: what the passes are measured with."""

    ready: PlanningProblem
    tables: list[Any]
    exposures: list[Any]
    seed: int = 1

    @property
    def row_bytes(self) -> int:
        return 4 * self.ready.processes.drivers * self.ready.processes.periods


def work(case_name: str) -> Work:
    """Exposures of the certified plan at 20,000 scenarios."""
    case = capmix.load_case(case_name)
    plan = capmix.optimize(case, scenarios=20_000, out_of_sample=False, device="cpu")
    amounts = amounts_of(plan)
    ready = prepare(case, get_backend(), 20_000, 1)
    x = np.array([amounts.get(d.key, 0.0) for d in ready.ledger.decisions])
    return Work(ready, [m.table for m in ready.losses], [m.matrix @ x for m in ready.losses])


def step(name: str, call: Callable[[], object], moved: float, copied: float, whole: float = 0.0) -> str:
    """One row: median time, GB/s of the bytes to be moved, share of the copy, share of a pass of `whole` seconds."""
    call()
    seconds = median_time(call, REPEATS)
    rate = moved / seconds
    speed = f"{rate / 1e9:,.1f} | {rate / copied:.0%}" if moved else "|"
    share = f"{seconds / whole:.0%} of its pass" if whole else ""
    return f"| {name} | {1e3 * seconds:.3f} | {speed} | {share} |"


def table(job: Work, backend: Backend, count: int, copied: float) -> list[str]:
    """Markdown rows of a resident store. copied: bytes read plus written per second by a plain copy in the same run."""
    case, processes = job.ready.case, job.ready.processes
    store = backend.simulate(processes, count, job.seed)
    lines = [
        f"{case.case.name}, {count:,} scenarios of {job.row_bytes} bytes, resident; "
        f"copy {copied / 1e9:,.1f} GB/s read and written.",
        "",
        "| step | ms | GB/s | share of copy | |",
        "| --- | --- | --- | --- | --- |",
    ]
    drawing = median_time(lambda: backend.simulate(processes, count, job.seed), 3)
    lines.append(f"| draw and store | {1e3 * drawing:.3f} | | | {count / drawing:,.0f} scenarios/s |")
    losses = backend.losses(store, job.tables, job.exposures)
    moved = store.nbytes + 8.0 * count * len(losses)
    fused = lambda: backend.losses(store, job.tables, job.exposures)  # noqa: E731
    lines.append(step(f"loss pass, {len(losses)} losses fused", fused, moved, copied))
    for risk, values, loss, exposure in zip(case.risk, losses, job.tables, job.exposures, strict=True):
        alone = lambda loss=loss, exposure=exposure: backend.losses(store, [loss], [exposure])  # noqa: E731
        alone()
        whole = median_time(alone, REPEATS)
        lines.append(step(f"loss pass, {risk.id}", alone, store.nbytes + 8.0 * count, copied))
        select = lambda values=values, risk=risk: backend.tail(values, risk.level)  # noqa: E731
        lines.append(step(f"tail selection, {risk.id}", select, 0.0, copied, whole))
        worst = select()
        back = lambda loss=loss, exposure=exposure, worst=worst: backend.pull_back(  # noqa: E731
            store, loss, exposure, worst.rows, worst.weights
        )
        rows = worst.rows.size
        lines.append(step(f"pull-back, {risk.id}, {rows:,} rows", back, rows * (job.row_bytes + 16.0), copied))
    lines.append(step("means", lambda: backend.means(store, job.ready.ledger.factors), store.nbytes, copied))
    return lines


def regenerating(job: Work, backend: Backend, count: int) -> list[str]:
    """Scenarios per second where none is kept: drawn and evaluated in one kernel, or chunk by chunk on the CPU."""
    processes = job.ready.processes
    fused: Any = getattr(backend, "regenerating", None)

    def in_chunks() -> None:
        for first in range(0, count, SLICE):
            part = backend.simulate(processes, min(SLICE, count - first), job.seed, first=first)
            backend.losses(part, job.tables, job.exposures)

    def in_one() -> None:
        backend.losses(fused(processes, count, job.seed), job.tables, job.exposures)

    call = in_chunks if fused is None else in_one
    call()
    seconds = median_time(call, 3)
    how = "one kernel" if fused is not None else f"chunks of {SLICE:,}"
    values = count * processes.drivers * (processes.periods - 1)
    return [
        "| regenerating | ms | scenarios/s | driver steps/s |",
        "| --- | --- | --- | --- |",
        f"| {count:,} scenarios, {how} | {1e3 * seconds:.3f} | {count / seconds:,.0f} | {values / seconds:,.0f} |",
    ]


def parity(job: Work, backend: Backend, count: int) -> list[str]:
    """What differs between a backend and the CPU's compiled one; the draws and the losses must not."""
    cpu, processes = get_backend("numba"), job.ready.processes
    mine, theirs = backend.simulate(processes, count, job.seed), cpu.simulate(processes, count, job.seed)
    rows = np.arange(count)
    drawn = float(np.mean(mine.x(rows) == theirs.x(rows)))
    lines = ["| against the CPU | value |", "| --- | --- |", f"| drivers with the same bits | {drawn:.6%} |"]
    ours = backend.losses(mine, job.tables, job.exposures)
    right = cpu.losses(theirs, job.tables, job.exposures)
    for i, (a, b) in enumerate(zip(ours, right, strict=True)):
        values = backend.host(a)
        same, far = float(np.mean(values == b)), float(np.max(np.abs(values - b) / np.maximum(np.abs(b), 1.0)))
        lines.append(f"| losses {i} with the same bits; largest relative difference | {same:.4%}; {far:.1e} |")
        one, two = backend.tail(a, 0.95), cpu.tail(b, 0.95)
        lines.append(f"| CVaR {i}, relative difference | {abs(one.cvar - two.cvar) / max(abs(two.cvar), 1e-9):.1e} |")
        slope = backend.pull_back(mine, job.tables[i], job.exposures[i], one.rows, one.weights)[1]
        other = cpu.pull_back(theirs, job.tables[i], job.exposures[i], two.rows, two.weights)[1]
        apart = float(np.max(np.abs(slope - other)) / max(float(np.max(np.abs(other))), 1e-300))
        lines.append(f"| gradient {i}, largest difference over the largest entry | {apart:.1e} |")
    return lines
