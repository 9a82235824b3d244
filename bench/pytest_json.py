"""Measurements in the JSON of pytest-benchmark, so that its `compare` and the usual CI actions read them."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .ci_figures import Measured
from .machine import processor

FORMAT_VERSION = "5.1.0"  # of pytest-benchmark, whose layout this is: https://pytest-benchmark.readthedocs.io
ROOT = Path(__file__).resolve().parents[1]


def document(results: Sequence[Measured]) -> dict[str, Any]:
    return {
        "machine_info": _machine(),
        "commit_info": _commit(),
        "benchmarks": [_benchmark(result) for result in results],
        "datetime": datetime.datetime.now(datetime.UTC).isoformat(),
        "version": FORMAT_VERSION,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def stats(seconds: Sequence[float]) -> dict[str, Any]:
    """pytest-benchmark's statistics: quartiles by Tukey's hinges, outliers beyond one deviation and beyond 1.5 IQR."""
    data = sorted(seconds)
    count, mean, median = len(data), statistics.fmean(data), statistics.median(data)
    deviation = statistics.stdev(data) if count > 1 else 0.0
    lower, upper = data[: (count + 1) // 2], data[count // 2 :]
    q1, q3 = statistics.median(lower), statistics.median(upper)
    iqr = q3 - q1
    low, high = q1 - 1.5 * iqr, q3 + 1.5 * iqr
    far = sum(not low <= x <= high for x in data)
    wide = sum(abs(x - mean) > deviation for x in data)
    return {
        "min": data[0],
        "max": data[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": count,
        "median": median,
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": far,
        "stddev_outliers": wide,
        "outliers": f"{wide};{far}",
        "ld15iqr": min(x for x in data if x >= low),
        "hd15iqr": max(x for x in data if x <= high),
        "ops": 1.0 / mean if mean > 0.0 else 0.0,
        "total": sum(data),
        "data": list(seconds),
        "iterations": 1,
    }


def _benchmark(result: Measured) -> dict[str, Any]:
    return {
        "group": result.name.partition(":")[0],
        "name": result.name,
        "fullname": f"bench/ci.py::{result.name}",
        "params": None,
        "param": None,
        "extra_info": dict(result.figures),
        "options": {
            "disable_gc": False,
            "timer": "perf_counter",
            "min_rounds": 1,
            "max_time": 0.0,
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": stats(result.seconds),
    }


def _machine() -> dict[str, Any]:
    return {
        "node": platform.node(),
        "processor": platform.processor(),
        "machine": platform.machine(),
        "python_compiler": platform.python_compiler(),
        "python_implementation": platform.python_implementation(),
        "python_implementation_version": platform.python_version(),
        "python_version": platform.python_version(),
        "python_build": list(platform.python_build()),
        "release": platform.release(),
        "system": platform.system(),
        "cpu": {"brand_raw": processor(), "count": os.cpu_count()},
    }


def _commit() -> dict[str, Any]:
    def git(*words: str) -> str:
        try:
            done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10.0)
        except (OSError, subprocess.SubprocessError):
            return ""
        return done.stdout.strip()

    when = git("log", "-1", "--format=%cI")
    return {
        "id": git("rev-parse", "HEAD") or "unversioned",
        "time": when or None,
        "author_time": git("log", "-1", "--format=%aI") or None,
        "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        "project": "capmix",
        "branch": git("rev-parse", "--abbrev-ref", "HEAD") or "(unknown)",
    }
