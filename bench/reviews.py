"""`python -m bench.reviews`: plans that adapt by leaves, and passes with leaves over passes without, in one run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import capmix
import numpy as np
from capmix.kernels.memory.leaves import LeafBackend
from capmix.models.schema.reviews import Review
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare

LEAVES = (1, 4, 16)
DATES = {1: (), 2: ("2027Q4",), 4: ("2027Q4", "2028Q4"), 8: ("2027Q4", "2028Q3", "2029Q2")}
PASS_SCENARIOS, TRIES = 100_000, 7


def passes() -> list[str]:
    """Pass with tails, and pass with tails and a cut of each loss, of neocloud: leaves at random, over no leaves.

    Ratios are of processor seconds of the whole process, the least of some tries.
    """
    ready = prepare(capmix.load_case("neocloud"), choose("cpu"), PASS_SCENARIOS, 1)
    losses = [loss.table for loss in ready.losses]
    exposures = [np.asarray(loss.matrix @ np.ones(loss.matrix.shape[1])) for loss in ready.losses]
    random = np.random.default_rng(1)
    alone = [_best(partial(_pass, ready.backend, ready.store, losses, exposures, cut)) for cut in (False, True)]
    lines = ["| leaves | pass | pass and cuts |", "| --- | --- | --- |"]
    for count in LEAVES:
        leaf = random.integers(0, count, PASS_SCENARIOS).astype(np.uint8)
        backend = LeafBackend(ready.backend, lambda _, __, leaf=leaf: leaf, count)
        store, wide = backend.parted(ready.store), [np.tile(e, count) for e in exposures]
        found = [_best(partial(_pass, backend, store, losses, wide, cut)) for cut in (False, True)]
        ratios = " | ".join(f"{f / a:.2f}" for f, a in zip(found, alone, strict=True))
        lines.append(f"| {count} | {ratios} |")
    return lines


def _pass(backend: Any, store: Any, losses: list[Any], exposures: list[Any], cut: bool) -> None:
    for table, exposure, value in zip(losses, exposures, backend.losses(store, losses, exposures), strict=True):
        worst = backend.tail(value, 0.95)
        if cut:
            backend.pull_back(store, table, exposure, worst.rows, worst.weights)


def _best(work: Callable[[], None]) -> float:
    work()
    seconds = []
    for _ in range(TRIES):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def plans(scenarios: int, leaves: list[int], limit: float) -> list[str]:
    """neocloud with reviews of rentals at the median, covenants in each node."""
    case = capmix.load_case("neocloud")
    labels = case.horizon.labels
    lines = ["| leaves | status | objective | gap | seconds | of the master | LPs | full passes | CVaR out of sample |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for count in leaves:
        reviews = tuple(
            Review(at=labels.index(d), signal="rental", quantiles=(0.5,), names=(f"weak{i}", f"strong{i}"))
            for i, d in enumerate(DATES[count])
        )
        plan = capmix.optimize(replace(case, review=reviews), scenarios, 1, "cpu", time_limit=limit, review_worth=False)
        risk = ", ".join(f"{f.out_of_sample.value:.3f} of {f.limit:g}" for f in plan.risk if f.out_of_sample)
        gap = "" if plan.certificate is None else f"{plan.certificate.gap:.1e}"
        lines.append(
            f"| {count} | {plan.status.value} | {plan.objective_value:,.0f} | {gap} | {plan.timings.total_s:.1f} | "
            f"{plan.timings.master_s:.1f} | {plan.passes.solves} | {plan.passes.full} | {risk} |"
        )
    return lines


if __name__ == "__main__":
    words = sys.argv[1:]
    print("\n".join(passes()))
    print("\n".join(plans(int(words[0]) if words else 20_000, [int(w) for w in words[1:]] or [*DATES], 300.0)))
