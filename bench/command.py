"""The whole command as a user runs it: wall time, peak memory and what the plan says of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run of `capmix plan`: wall and processor seconds, peak resident GB, exit code and plan.json."""

    wall: float
    cpu: float
    peak_gb: float
    code: int
    document: dict[str, Any]


def plan(case: str, scenarios: int, *extra: str) -> Run:
    """Run `capmix plan` in a process of its own, writing to a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "capmix", "plan", case, "--scenarios", str(scenarios)]
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--out", str(out), *extra], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder
        )
        assert process.stderr is not None
        message = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 4):
            raise RuntimeError(f"capmix plan {case} ended with {code}: {message}")
        document = json.loads((out / "plan.json").read_text())
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9, code, document)


def table(case: str, counts: list[int]) -> list[str]:
    """Markdown rows: second run of the command at each scenario count (the first fills the compile cache)."""
    lines = [
        "| scenarios | wall s | cpu s | peak GB | gap | full passes | equivalents | solves | simulate s | evaluate s "
        "| master s | ms per solve | objective |",
        "| --- " * 13 + "|",
    ]
    plan(case, min(counts))
    for count in counts:
        run = plan(case, count)
        d, t, p = run.document, run.document["timings"], run.document["passes"]
        lines.append(
            f"| {count:,} | {run.wall:.1f} | {run.cpu:.1f} | {run.peak_gb:.2f} "
            f"| {d['certificate']['gap']:.1e} | {p['full']} | "
            f"{p['equivalent']:.1f} | {p['solves']} | {t['simulate_s']:.2f} | {t['evaluate_s']:.2f} | "
            f"{t['master_s']:.2f} | "
            f"{1e3 * t['master_s'] / max(1, p['solves']):.1f} | {d['objective']['value']:,.2f} |"
        )
    return lines
