"""What goes into a run folder, and the manifest that lists it: enough to repeat the run and to check the files."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .document import all_tables, document, encode, number, version
from .tables import csv_bytes, guarded, parquet_bytes

if TYPE_CHECKING:
    from ..optimizer.plan import Plan, Table

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class Run:
    """How the command was called: arguments, files of the case by their path in the folder, UTC time of the start."""

    argv: Sequence[str]
    case_files: Mapping[str, bytes]
    started: datetime
    tables: str = "csv"


def contents(plan: Plan, run: Run, summary: str) -> dict[str, bytes]:
    """All files of the run folder by their relative path; manifest.json last, listing the others."""
    write: Callable[[Table], bytes] = parquet_bytes if run.tables == "parquet" else csv_bytes
    files = {
        "plan.json": encode(document(plan, run.tables)),
        "summary.txt": summary.encode("utf-8", "backslashreplace"),
    }
    files |= {f"tables/{name}.{run.tables}": write(table) for name, table in all_tables(plan).items()}
    files["tables/columns.csv"] = _columns(plan)
    files |= {f"case/{name}": content for name, content in run.case_files.items()}
    files["manifest.json"] = encode(_manifest(plan, run, files))
    return files


def _manifest(plan: Plan, run: Run, files: Mapping[str, bytes]) -> dict[str, Any]:
    timings = plan.timings
    return {
        "manifest_version": MANIFEST_VERSION,
        "capmix_version": version(),
        "started": run.started.astimezone(UTC).isoformat(timespec="seconds"),
        "argv": list(run.argv),
        "status": plan.status.value,
        "case": {"name": plan.case.case.name, "path": plan.case.path, "sha256": plan.case.sha256},
        "scenarios": plan.scenarios.count,
        "seed": plan.scenarios.seed,
        "device": {
            "backend": plan.device.backend,
            "name": plan.device.name,
            "threads": plan.device.threads,
            "mode": plan.device.mode,
        },
        "timings": {
            "build_s": number(timings.build_s),
            "simulate_s": number(timings.simulate_s),
            "evaluate_s": number(timings.evaluate_s),
            "master_s": number(timings.master_s),
            "total_s": number(timings.total_s),
        },
        "versions": package_versions() | dict(plan.versions),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "files": [
            {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(files.items())
        ],
    }


PACKAGES = ("numpy", "scipy", "pyomo", "highspy", "numba", "llvmlite", "rich", "pyarrow")


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that a run may use; "" for one that is not there."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    found = {}
    for name in PACKAGES:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _columns(plan: Plan) -> bytes:
    """Unit of every column of every table."""
    lines = ["table,column,unit,form"]
    for name, table in all_tables(plan).items():
        lines += [f"{name},{_quoted(c.name)},{_quoted(c.unit)},{c.form}" for c in table.columns]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "backslashreplace")


def _quoted(text: str) -> str:
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
