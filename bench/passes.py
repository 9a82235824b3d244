"""The arithmetic alone: simulation, loss pass, tail and pull-back on a case, beside a plain copy in the same run."""

from __future__ import annotations

import time

import capmix
import numpy as np
from capmix.kernels.backend import get_backend
from capmix.kernels.tail import tail
from capmix.optimizer.setup.prepare import prepare

from .machine import copy_bandwidth, median_time


def table(case_name: str, count: int) -> list[str]:
    """Markdown rows for one case; exposures of the certified plan at 20,000 scenarios."""
    case = capmix.load_case(case_name)
    backend = get_backend()
    amounts = amounts_of(capmix.optimize(case, scenarios=20_000, out_of_sample=False))
    prepare(case, backend, 1_000, 1)
    begin = time.perf_counter()
    prepared = prepare(case, backend, count, 1)
    whole = time.perf_counter() - begin
    x = np.array([amounts.get(d.key, 0.0) for d in prepared.ledger.decisions])
    tables = [m.table for m in prepared.losses]
    exposures = [m.matrix @ x for m in prepared.losses]
    store = prepared.store
    copied = copy_bandwidth()
    lines = [
        f"{case_name}, {count:,} scenarios, {store.nbytes / 1e9:.2f} GB of drivers; "
        f"copy {copied / 1e9:.1f} GB/s read and written.",
        "",
        "| step | s | GB/s of drivers | share of copy |",
        "| --- | --- | --- | --- |",
        f"| draw the scenarios | {prepared.simulate_s:.2f} | | |",
        f"| prepare in all (ledger, draws, means, program) | {whole:.2f} | | |",
    ]
    losses = backend.losses(store, tables, exposures)
    seconds = median_time(lambda: backend.losses(store, tables, exposures), 5)
    rate = store.nbytes / seconds
    lines.append(f"| loss pass, {len(tables)} losses fused | {seconds:.3f} | {rate / 1e9:.1f} | {rate / copied:.0%} |")
    for risk, values, loss, exposure in zip(case.risk, losses, tables, exposures, strict=True):
        alone = median_time(lambda loss=loss, exposure=exposure: backend.losses(store, [loss], [exposure]), 5)
        rate = store.nbytes / alone
        lines.append(f"| loss pass, {risk.id} alone | {alone:.3f} | {rate / 1e9:.1f} | {rate / copied:.0%} |")
        worst = tail(values, risk.level)
        chosen = median_time(lambda values=values, risk=risk: tail(values, risk.level), 5)
        lines.append(f"| tail selection, {risk.id} | {chosen:.3f} | | {chosen / alone:.0%} of its pass |")
        back = median_time(
            lambda loss=loss, exposure=exposure, worst=worst: backend.pull_back(
                store, loss, exposure, worst.rows, worst.weights
            ),
            5,
        )
        share = f"{back / alone:.0%} of its pass"
        lines.append(f"| pull-back over {worst.rows.size:,} rows, {risk.id} | {back:.3f} | | {share} |")
    return lines


def amounts_of(plan: capmix.Plan) -> dict[str, float]:
    """Amount of each decision by its key."""
    names = [column.name for column in plan.decisions.columns]
    key, amount = names.index("key"), names.index("amount")
    return {str(row[key]): float(row[amount] or 0.0) for row in plan.decisions.rows}
