"""python -m bench.programs [--scenarios N] [CASE …]: size and build time of each case's linear program, and its solves.

The program does not grow with the scenarios: its size is that of the decisions, the periods and the rules.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import capmix
from capmix.kernels.backend import get_backend
from capmix.models.build import build_ledger, build_program
from capmix.models.schema.case import Case
from capmix.optimizer.setup.prepare import prepare

from .machine import describe, median_time

SHIPPED = ("hyperscaler", "neocloud", "ai_lab")


def sizes(names: Sequence[str]) -> list[str]:
    """Markdown rows: what the program holds, and median seconds of three builds after one that imports Pyomo."""
    lines = [
        "| case | periods | instruments | decisions | columns | rows | nonzeros | postings | read s | ledger s "
        "| program s |",
        "| --- " * 11 + "|",
    ]
    backend = get_backend()
    for name in names:
        case: Case = capmix.load_case(name)
        ready = prepare(case, backend, 1_000, 1)
        read = median_time(lambda name=name: capmix.load_case(name), 3)
        ledger = median_time(lambda case=case: build_ledger(case), 3)
        build = median_time(
            lambda r=ready: build_program(r.case, r.ledger, r.means, r.deposit_rates, r.closed, r.nothing_due),
            3,
        )
        rows, columns = ready.program.matrix.shape
        lines.append(
            f"| {name} | {case.horizon.periods} | {len(case.instrument)} | {len(ready.ledger.decisions):,} "
            f"| {columns:,} | {rows:,} | {ready.program.matrix.nnz:,} | {ready.ledger.coefficient.size:,} "
            f"| {read:.2f} | {ledger:.2f} | {build:.2f} |"
        )
    return lines


def solves(names: Sequence[str], scenarios: int) -> list[str]:
    """Markdown rows: the master's work in one certified plan of each case, cuts included."""
    lines = [
        "| case | scenarios | gap | full passes | solves | master s | ms per solve | whole s | master's share |",
        "| --- " * 9 + "|",
    ]
    for name in names:
        begin = time.perf_counter()
        plan = capmix.optimize(capmix.load_case(name), scenarios=scenarios, out_of_sample=False)
        whole = time.perf_counter() - begin
        if plan.certificate is None:
            raise RuntimeError(f"{name}: no certified plan at {scenarios:,} scenarios ({plan.status.value})")
        count = max(1, plan.passes.solves)
        lines.append(
            f"| {name} | {scenarios:,} | {plan.certificate.gap:.1e} | {plan.passes.full} | {plan.passes.solves} "
            f"| {plan.timings.master_s:.2f} | {1e3 * plan.timings.master_s / count:.1f} | {whole:.1f} "
            f"| {plan.timings.master_s / whole:.0%} |"
        )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.programs", description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(SHIPPED), help="cases by name or path; the shipped ones")
    parser.add_argument("--scenarios", type=int, default=100_000)
    options = parser.parse_args(argv)
    print(describe())
    print("\n## programs\n", *sizes(options.cases), "", *solves(options.cases, options.scenarios), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
