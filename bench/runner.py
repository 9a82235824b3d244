"""Run subjects on instances, each in its own process with a limit on time and memory, and judge what they answer."""

from __future__ import annotations

import datetime
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .instances import Instance, make
from .judge import gap, judge
from .peers import SUBJECTS

SCHEMA = 1
ROOT = Path(__file__).resolve().parents[1]
START_LIMIT = 300.0  # seconds for imports, reading and the tiny run
POLL = 0.02
GRACE = 5.0  # seconds beyond the limit: who keeps it himself may still need a moment to hand over what he has
COMMAND = ("-m", "bench.worker")
STOPPED = ("Time limit", "time_limit", "TimeLimit", "MaxTime", "maxTimeLimit", "out of time", "stopped")


@dataclass(frozen=True)
class Plan:
    """What is run: every subject on every size of every family.

    sizes: (scenarios, columns). tolerance: relative, of gap and violation. time_limit: seconds per run. memory_limit:
    bytes of a process. pythons: interpreters, the first that has a subject's packages is used.
    """

    families: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    subjects: tuple[str, ...]
    tolerance: float = 1e-5
    time_limit: float = 60.0
    memory_limit: float = 12e9
    seed: int = 1
    pythons: tuple[str, ...] = (sys.executable,)


def run(
    plan: Plan,
    report: Callable[[dict[str, Any]], None] | None = None,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The document of a run: machine, copy bandwidth, and a record per subject and instance, each with its verdict.

    report: called with each record of an instance when all of them are judged.
    """
    from .machine import copy_bandwidth, describe

    document: dict[str, Any] = {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "copy_bytes_per_s": copy_bandwidth(),
        "tolerance": plan.tolerance,
        "time_limit": plan.time_limit,
        "records": [],
    }
    for family in plan.families:
        for scenarios, columns in plan.sizes:
            instance = make(family, scenarios, columns, plan.seed)
            for record in compare(instance, plan, announce):
                took = record["seconds"]
                copy = 2.0 * record["bytes"] / document["copy_bytes_per_s"]
                record["copies"] = None if took is None else took / copy
                document["records"].append(record)
                if report is not None:
                    report(record)
    return document


def compare(instance: Instance, plan: Plan, announce: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
    """A record per subject on one instance, with gaps to the best bound that any answer proved.

    announce: called with a line before each subject.
    """
    records = []
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        where = Path(place) / "instance"
        instance.save(where)
        for key in plan.subjects:
            if announce is not None:
                announce(f"{instance.name}: {key}")
            records.append(one(instance, where, key, plan))
    settle(records, plan.tolerance)
    return records


def settle(records: list[dict[str, Any]], tolerance: float) -> None:
    """Give every record the best bound, its gap to it, and whether the answer is right.

    The best bound is the highest that the judge proved; where it proved none, the highest that a subject claims, and
    `bound_by` says whose. Right is an answer whose violation is within the tolerance, and whose gap is, to both sides:
    small violations can buy a large gain. A claimed bound above an answer that keeps every constraint is a
    contradiction, and marked.
    """
    proven = [r["bound"] for r in records if r["bound"] is not None]
    claims = [(r["claimed_bound"], r["subject"]) for r in records if r["claimed_bound"] is not None]
    if proven:
        best, by = max(proven), "judge"
    elif claims:
        best, by = max(claims)
    else:
        best, by = math.nan, ""
    feasible = [r["objective"] for r in records if r["objective"] is not None and r["violation"] <= 1e-9]
    for record in records:
        record["best_bound"] = best if math.isfinite(best) else None
        record["bound_by"] = by
        claim = record["claimed_bound"]
        record["claim_contradicted"] = claim is not None and any(
            claim > value + 1e-7 * max(1.0, abs(value)) for value in feasible
        )
        if record["objective"] is None:
            record["gap"], record["right"] = None, False
            continue
        distance = _distance(record["objective"], best)
        record["gap"] = distance if math.isfinite(distance) else None
        record["right"] = bool(
            record["outcome"] == "answered"
            and math.isfinite(distance)
            and abs(distance) <= tolerance
            and record["violation"] <= tolerance
        )


def _distance(objective: float, bound: float) -> float:
    from .judge import Verdict

    return gap(Verdict(objective, (), 0.0, bound), bound)


def one(instance: Instance, where: Path, key: str, plan: Plan) -> dict[str, Any]:
    """The record of one subject on the instance saved in `where`, judged; `settle` adds what needs the others."""
    subject = SUBJECTS[key]
    record: dict[str, Any] = {
        "family": instance.family,
        "scenarios": instance.scenarios,
        "columns": instance.columns,
        "seed": instance.seed,
        "bytes": instance.nbytes,
        "subject": key,
        "title": subject.title,
        "time_limit": plan.time_limit,
        "load": os.getloadavg()[0],
        "objective": None,
        "cvar": None,
        "violation": None,
        "bound": None,
        "claimed": None,
        "claimed_bound": None,
        "seconds": None,
        "copies": None,
        "phases": {},
        "counts": {},
        "peak_bytes": None,
    }
    first: dict[str, Any] | None = None
    for python in plan.pythons:
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            found = _process(Path(place), where, key, plan, python)
            answer = Path(place) / "x.npy"
            x = np.load(answer) if answer.exists() else None
        first = found if first is None else first
        if found["outcome"] != "not available":
            break
        found = first
    record |= {k: v for k, v in found.items() if k not in ("claimed", "claimed_bound")}
    for name in ("claimed", "claimed_bound"):
        value = found.get(name)
        record[name] = value if value is not None and math.isfinite(value) else None
    if x is not None:
        try:
            verdict = judge(instance, x)
        except ValueError as error:
            record |= {"outcome": "failed", "status": f"{record['status']}; {error}"}
            return record
        record |= {"objective": verdict.objective, "cvar": list(verdict.cvar), "violation": verdict.violation}
        record["bound"] = verdict.bound if math.isfinite(verdict.bound) else None
        if any(mark in str(record["status"]) for mark in STOPPED):
            record["outcome"] = "did not finish"
    elif record["outcome"] == "no answer" and any(mark in str(record["status"]) for mark in STOPPED):
        record["outcome"] = "did not finish"
    return record


def _process(folder: Path, where: Path, key: str, plan: Plan, python: str) -> dict[str, Any]:
    """Start the worker, watch time and memory, read its result. It leads a process group: all of it ends at once."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    request = {"subject": key, "instance": str(where), "tolerance": plan.tolerance}
    request |= {"time_limit": plan.time_limit, "threads": threads}
    (folder / "request.json").write_text(json.dumps(request))
    noise = folder / "noise.txt"
    with noise.open("wb") as out:
        process = subprocess.Popen(
            [python, *COMMAND, str(folder)], cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
    ended = _watch(process, folder, plan)
    result = folder / "result.json"
    if ended is not None:
        return {"outcome": ended, "status": "ended by the bench", "version": ""}
    if not result.exists():
        tail = noise.read_text(errors="replace").strip().splitlines()[-1:]
        status = f"exit code {process.returncode}: {' '.join(tail)}"[:300]
        return {"outcome": "failed", "status": status, "version": ""}
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def _watch(process: subprocess.Popen[bytes], folder: Path, plan: Plan) -> str | None:
    """None when the process ended by itself; else why it was ended."""
    start = time.monotonic()
    began: float | None = None
    allowed = 1.1 * plan.time_limit + GRACE
    while process.poll() is None:
        now = time.monotonic()
        if began is None and (folder / "begin").exists():
            began = now
        why = None
        if began is None and now - start > START_LIMIT:
            why = "failed"
        elif began is not None and now - began > allowed:
            why = "did not finish"
        elif resident(process.pid) > plan.memory_limit:
            why = "out of memory"
        if why is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return why
        time.sleep(POLL if now - start < 5.0 else 0.2)
    return None


def resident(pid: int) -> float:
    """Resident bytes of a process; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def sizes_of(text: str) -> tuple[tuple[int, int], ...]:
    """'1e4x100,100000x50' as pairs; ValueError names the wrong part."""
    pairs = []
    for part in text.split(","):
        try:
            scenarios, columns = (round(float(number)) for number in part.lower().split("x"))
        except ValueError:
            raise ValueError(f"size {part!r} is not SCENARIOSxCOLUMNS, as in 1e4x100") from None
        pairs.append((scenarios, columns))
    return tuple(pairs)


def subjects_of(names: Sequence[str]) -> tuple[str, ...]:
    """Keys of subjects; 'all' for every one, 'peers' for all but capmix. ValueError names an unknown one."""
    chosen: list[str] = []
    for name in names:
        if name == "all":
            chosen += list(SUBJECTS)
        elif name == "peers":
            chosen += [key for key in SUBJECTS if not key.startswith("capmix")]
        elif name in SUBJECTS:
            chosen.append(name)
        else:
            raise ValueError(f"unknown subject {name!r}; allowed: all, peers, {', '.join(SUBJECTS)}")
    return tuple(dict.fromkeys(chosen))
