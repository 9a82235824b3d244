"""What the CI job measures: kernels, draws, a plan, and small CVaR programs beside HiGHS."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .instances import make
from .runner import Plan, one, settle

TIME_LIMIT = 60.0


@dataclass(frozen=True)
class Measured:
    """seconds: of each round. figures: ratios and counts by name, the ones that thresholds speak of."""

    name: str
    seconds: tuple[float, ...]
    figures: dict[str, float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Figure:
    """A benchmark: what measures it, and the names of its figures."""

    run: Callable[[str, Yardstick], list[Measured]]
    figures: tuple[str, ...]


class Yardstick:
    """Seconds of a plain copy of so many bytes, and the arrays that the benchmarks share."""

    def __init__(self) -> None:
        from .machine import copy_bandwidth

        self.copied = copy_bandwidth(400_000_000, 5)  # bytes read and written per second

    def copies(self, seconds: float, nbytes: float) -> float:
        """A time in plain copies of `nbytes`."""
        return seconds / (2.0 * nbytes / self.copied)


def measure(names: Sequence[str]) -> Iterator[Measured]:
    """The benchmarks in order, each with all its rounds."""
    yardstick = Yardstick()
    done: set[str] = set()
    for name in names:
        if name in done:
            continue
        for result in FIGURES[name].run(name, yardstick):
            if result.name in names and result.name not in done:
                done.add(result.name)
                yield result


def rounds(call: Callable[[], object], count: int) -> tuple[float, ...]:
    """Wall seconds of each of `count` calls after one that does not count."""
    call()
    found = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return tuple(found)


def _kernel(name: str, yardstick: Yardstick) -> list[Measured]:
    """The loss pass over an explicit matrix: its bytes at most once, against a copy's read and written."""
    from capmix.kernels.cpu.matrix_backend import MatrixBackend
    from capmix.kernels.matrix import Part

    instance = make("factor", 100_000, 100)
    backend, part = MatrixBackend(), Part(instance.tails[0].losses, None)
    x = np.full(instance.columns, 1.0 / instance.columns)
    seconds = rounds(lambda: backend.product(part, x), 15)
    return [_pass(name, seconds, instance.nbytes, yardstick)]


def _fused(name: str, yardstick: Yardstick) -> list[Measured]:
    """The loss pass of a case, all its losses at once, at exposures that any plan may have."""
    import capmix
    from capmix.kernels.backend import get_backend
    from capmix.optimizer.setup.prepare import prepare

    backend = get_backend()
    ready = prepare(capmix.load_case("hyperscaler"), backend, 200_000, 1)
    x = np.full(len(ready.ledger.decisions), 0.1)
    tables, exposures = [m.table for m in ready.losses], [m.matrix @ x for m in ready.losses]
    seconds = rounds(lambda: backend.losses(ready.store, tables, exposures), 15)
    return [_pass(name, seconds, ready.store.nbytes, yardstick)]


def _pass(name: str, seconds: tuple[float, ...], nbytes: int, yardstick: Yardstick) -> Measured:
    rate = nbytes / statistics.median(seconds)
    return Measured(name, seconds, {"share_of_copy": rate / yardstick.copied, "GB_per_s": rate / 1e9})


def _tail(name: str, yardstick: Yardstick) -> list[Measured]:
    from capmix.kernels.tail import tail

    losses = np.random.default_rng(1).standard_t(3.5, 1_000_000)
    seconds = rounds(lambda: tail(losses, 0.95), 15)
    return [Measured(name, seconds, {"copies": yardstick.copies(statistics.median(seconds), losses.nbytes)})]


def _draws(name: str, yardstick: Yardstick) -> list[Measured]:
    import capmix
    from capmix.kernels.backend import get_backend
    from capmix.optimizer.setup.prepare import prepare

    case = capmix.load_case("hyperscaler")
    backend = get_backend()
    prepare(case, backend, 1_000, 1)
    ready = [prepare(case, backend, 100_000, 1) for _ in range(3)]
    seconds = tuple(r.simulate_s for r in ready)
    copies = yardstick.copies(statistics.median(seconds), ready[0].store.nbytes)
    return [Measured(name, seconds, {"copies": copies})]


def _plan(name: str, _: Yardstick) -> list[Measured]:
    import capmix

    case = capmix.load_case("neocloud")
    capmix.optimize(case, scenarios=1_000, out_of_sample=False)
    begin = time.perf_counter()
    plan = capmix.optimize(case, scenarios=20_000, out_of_sample=False, time_limit=TIME_LIMIT)
    seconds = time.perf_counter() - begin
    gap = math.inf if plan.certificate is None else plan.certificate.gap
    share = plan.timings.master_s / seconds
    figures = {"gap": gap, "full_passes": float(plan.passes.full), "equivalents": plan.passes.equivalent}
    return [Measured(name, (seconds,), figures | {"solves": float(plan.passes.solves), "master_share": share})]


def _programs(family: str, scenarios: int, columns: int) -> Callable[[str, Yardstick], list[Measured]]:
    def run(_: str, yardstick: Yardstick) -> list[Measured]:
        instance = make(family, scenarios, columns)
        plan = Plan((family,), ((scenarios, columns),), (), time_limit=TIME_LIMIT)
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            instance.save(Path(place))
            records = [one(instance, Path(place), key, plan) for key in PROGRAM_SUBJECTS]
        settle(records, plan.tolerance)
        base = records[-1]["seconds"]
        results = []
        for record in records:
            if record["seconds"] is None:
                continue
            figures = {"copies": yardstick.copies(record["seconds"], instance.nbytes)}
            for key in ("gap", "violation"):
                figures[key] = math.inf if record[key] is None else record[key]
            if base is not None:
                figures["times_highs"] = record["seconds"] / base
            figures |= {key: float(value) for key, value in record["counts"].items() if key in ("passes", "equivalent")}
            name = f"program: {record['subject']} {family} {scenarios}x{columns}"
            results.append(Measured(name, tuple(record["runs"]), figures))
        return results

    return run


PROGRAM_SUBJECTS = ("capmix", "highs-dual-simplex")
PROGRAMS = (("factor", 1_000, 100), ("factor", 10_000, 100), ("quantile", 10_000, 50))
PROGRAM_FIGURES = ("gap", "violation", "times_highs", "copies", "passes", "equivalent")

FIGURES: dict[str, Figure] = {
    "kernel: factor losses 100000x100": Figure(_kernel, ("share_of_copy", "GB_per_s")),
    "kernel: hyperscaler losses 200000": Figure(_fused, ("share_of_copy", "GB_per_s")),
    "kernel: tail 1000000": Figure(_tail, ("copies",)),
    "draws: hyperscaler 100000": Figure(_draws, ("copies",)),
    "plan: neocloud 20000": Figure(_plan, ("gap", "full_passes", "equivalents", "solves", "master_share")),
    **{
        f"program: {subject} {family} {scenarios}x{columns}": Figure(
            _programs(family, scenarios, columns), PROGRAM_FIGURES
        )
        for family, scenarios, columns in PROGRAMS
        for subject in PROGRAM_SUBJECTS
    },
}
