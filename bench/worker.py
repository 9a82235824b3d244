"""python -m bench.worker FOLDER: one subject, one instance, in a process of its own that may be killed.

FOLDER holds request.json; `begin` appears there when the clock starts, `result.json` and x.npy when it is done. Not
part of the time: process start, reading the instance, and a tiny run first, so that libraries are imported and code is
compiled. Part of it: everything from NumPy arrays in memory to the answer, the building of models included.
"""

from __future__ import annotations

import ctypes
import json
import resource
import statistics
import sys
import time
from dataclasses import replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from . import instances
from .peers import SUBJECTS
from .peers.adapter import Answer, CannotState, NotAvailable, Options, Subject

REPEAT_BELOW = 2.0  # seconds: shorter runs are repeated, and their median counts
REPEATS = 3
TINY = (400, 12)


def main(folder: Path) -> int:
    request = json.loads((folder / "request.json").read_text())
    subject = SUBJECTS[request["subject"]]
    options = Options(request["tolerance"], request["time_limit"], request["threads"])
    result: dict[str, Any] = {"version": ""}
    try:
        result["version"] = installed(subject)
        instance = instances.Instance.load(Path(request["instance"]))
        warm_up(subject, instance.family, options)
        answer, seconds, runs = measured(subject, instance, options, folder)
        result |= {"outcome": "answered" if answer.x is not None else "no answer", "status": answer.status}
        result |= {"seconds": seconds, "runs": runs, "claimed": answer.claimed, "claimed_bound": answer.bound}
        result |= {"phases": answer.phases, "counts": answer.counts}
        if answer.x is not None:
            np.save(folder / "x.npy", answer.x)
    except NotAvailable as error:
        result |= {"outcome": "not available", "status": str(error)}
    except CannotState as error:
        result |= {"outcome": "cannot state", "status": str(error)}
    except MemoryError:
        result |= {"outcome": "out of memory", "status": "MemoryError"}
    except Exception as error:
        # a peer may raise anything, and its failure is a row of the table
        result |= {"outcome": "failed", "status": f"{type(error).__name__}: {error}"[:300]}
    result["peak_bytes"] = peak_bytes()
    (folder / "result.tmp").write_text(json.dumps(result))
    (folder / "result.tmp").rename(folder / "result.json")
    return 0


def installed(subject: Subject) -> str:
    """Version of the first distribution that the subject needs. NotAvailable names what is missing."""
    if subject.gpu and not _device():
        raise NotAvailable("needs a CUDA device; there is none here")
    versions = []
    for name in subject.needs:
        try:
            versions.append(version(name))
        except PackageNotFoundError:
            raise NotAvailable(f"not installed: {name}; pip install 'capmix[peers]'") from None
    return versions[0]


def warm_up(subject: Subject, family: str, options: Options) -> None:
    """The same family at its smallest, unjudged; what cannot be stated at all shows here."""
    solve(subject, instances.make(family, *TINY), replace(options, time_limit=60.0))


def measured(
    subject: Subject, instance: instances.Instance, options: Options, folder: Path
) -> tuple[Answer, float, list[float]]:
    """The last answer, its median seconds, and those of every run."""
    runs: list[float] = []
    (folder / "begin").touch()
    while True:
        begin = time.perf_counter()
        answer = solve(subject, instance, options)
        runs.append(time.perf_counter() - begin)
        if len(runs) == REPEATS or sum(runs) > REPEAT_BELOW:
            return answer, statistics.median(runs), runs


def solve(subject: Subject, instance: instances.Instance, options: Options) -> Answer:
    module = import_module(f".peers.{subject.module}", __package__)
    answer: Answer = module.solve(instance, options, **subject.settings)
    return answer


def peak_bytes() -> int:
    """Peak resident bytes of this process. Not ru_maxrss where /proc is there: that one remembers the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _device() -> bool:
    """True where CUDA's driver finds a device; asked of the driver, since each peer brings libraries of its own."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
