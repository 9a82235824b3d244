"""python -m bench plans: whole plans by size in months and decisions, each with its certificate beside its time.

Sizes are MONTHSxDECISIONS of generated cases, or names of shipped cases. Each plan runs in a process of its own.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .plan_cases import generated
from .worker import peak_bytes

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = "neocloud,hyperscaler,36x1000,60x2000,120x5000"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench plans", description=__doc__)
    parser.add_argument("--sizes", default=DEFAULT, help="comma-separated: MONTHSxDECISIONS or the name of a case")
    parser.add_argument("--scenarios", default="1e5", help="comma-separated counts")
    parser.add_argument("--gap", type=float, default=1e-5)
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds per plan")
    parser.add_argument("--json", type=Path, help="write the whole run here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.one is not None:
        request = json.loads(Path(options.one).read_text())
        Path(options.one).with_suffix(".out").write_text(json.dumps(measured(**request)))
        return 0
    counts = [round(float(c)) for c in options.scenarios.split(",")]
    from .machine import copy_bandwidth, describe

    document: dict[str, Any] = {
        "schema": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "copy_bytes_per_s": copy_bandwidth(),
        "time_limit": options.time_limit,
        "plans": [],
    }
    print("\n".join(HEAD), flush=True)
    for size in options.sizes.split(","):
        for count in counts:
            found = run(size, count, options.gap, options.time_limit)
            document["plans"].append(found)
            print(row(found), flush=True)
    print(f"\n{document['machine']}; copy {document['copy_bytes_per_s'] / 1e9:.1f} GB/s read and written")
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def run(size: str, scenarios: int, gap: float, time_limit: float) -> dict[str, Any]:
    """One plan in its own process; 'did not finish' where it outlives twice its limit."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        request = Path(place) / "request.json"
        request.write_text(json.dumps({"size": size, "scenarios": scenarios, "gap": gap, "time_limit": time_limit}))
        head = {"size": size, "scenarios": scenarios, "load": os.getloadavg()[0]}
        command = [sys.executable, "-m", "bench", "plans", "--one", str(request)]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=2.0 * time_limit + 120.0
            )
        except subprocess.TimeoutExpired:
            return {**head, "outcome": "did not finish"}
        if done.returncode != 0:
            return {
                **head,
                "outcome": "failed",
                "status": (done.stderr.strip().splitlines() or ["no message"])[-1][:300],
            }
        return {**head, **json.loads(request.with_suffix(".out").read_text())}


def measured(size: str, scenarios: int, gap: float, time_limit: float) -> dict[str, Any]:
    """Figures of one plan in this process: compiled code is loaded by a small one first."""
    import capmix
    from capmix.models.build import build_ledger

    case = load(size)
    capmix.optimize(case, scenarios=1_000, out_of_sample=False, time_limit=min(time_limit, 30.0))
    begin = time.perf_counter()
    plan = capmix.optimize(case, scenarios=scenarios, gap=gap, out_of_sample=False, time_limit=time_limit)
    seconds = time.perf_counter() - begin
    certificate = plan.certificate
    return {
        "outcome": plan.status.value,
        "seconds": seconds,
        "periods": case.horizon.periods,
        "instruments": len(case.instrument),
        "decisions": len(build_ledger(case).decisions),
        "taken": len(plan.decisions.rows),
        "gap": None if certificate is None else certificate.gap,
        "upper": None if certificate is None else certificate.upper_bound,
        "lower": None if certificate is None else certificate.lower_bound,
        "over_limit": max((r.value / r.limit - 1.0 for r in plan.risk if r.limit), default=None),
        "full_passes": plan.passes.full,
        "equivalents": plan.passes.equivalent,
        "solves": plan.passes.solves,
        "simulate_s": plan.timings.simulate_s,
        "evaluate_s": plan.timings.evaluate_s,
        "master_s": plan.timings.master_s,
        "peak_bytes": peak_bytes(),
    }


def load(size: str) -> Any:
    """A generated case for MONTHSxDECISIONS, else a shipped case or a file."""
    import capmix

    months, _, decisions = size.partition("x")
    if not (months.isdigit() and decisions.isdigit()):
        return capmix.load_case(size)
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        path = Path(place) / "generated.toml"
        path.write_text(generated(int(months), int(decisions)))
        return capmix.load_case(path)


HEAD = (
    "| case | periods | decisions | scenarios | seconds | outcome | gap | over a limit | full passes | equivalents "
    "| solves | simulate s | evaluate s | master s | peak GB | load |",
    "| --- " * 16 + "|",
)


def row(found: dict[str, Any]) -> str:
    """One Markdown row."""
    if "seconds" not in found:
        text = f"{found['outcome']} {found.get('status', '')}".strip().replace("|", "/")
        return f"| {found['size']} | | | {found['scenarios']:,} | | {text} " + "| " * 9 + f"| {found['load']:.1f} |"
    gap = "" if found["gap"] is None else f"{found['gap']:.1e}"
    over = "" if found["over_limit"] is None else f"{found['over_limit']:+.1e}"
    return (
        f"| {found['size']} | {found['periods']} | {found['decisions']:,} | {found['scenarios']:,} "
        f"| {found['seconds']:.1f} | {found['outcome']} | {gap} | {over} | {found['full_passes']} "
        f"| {found['equivalents']:.1f} | {found['solves']} | {found['simulate_s']:.2f} | {found['evaluate_s']:.2f} "
        f"| {found['master_s']:.2f} | {found['peak_bytes'] / 1e9:.2f} | {found['load']:.1f} |"
    )
