"""The manifest of a run folder, enough to repeat the run and to check the files, and what a plan's folder holds.

It names no place outside the folder: who hands the folder on hands on no home directory.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from .document import all_tables, document, encode, number, version
from .solution import solution_makers
from .tables import csv_bytes, guarded, parquet_bytes

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.plan import Device, Plan, Table, Timings

MANIFEST = "manifest.json"
SEAL = "manifest_sha256"  # of all its other keys
MANIFEST_VERSION = 3  # since plan.json has version 2, and tables their present names


@dataclass(frozen=True)
class Run:
    """How the command was called: arguments, files of the case by their path in the folder, UTC time of the start."""

    argv: Sequence[str]
    case_files: Mapping[str, bytes]
    started: datetime
    tables: str = "csv"


def arguments(options: argparse.Namespace) -> list[str]:
    """The command's words, a whole path given by what it is seen from the folder: case/NAME.toml, or NAME alone."""
    words = []
    for word in options.argv:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        path = PurePath(value)
        if path.is_absolute():
            value = f"case/{path.name}" if value == options.case else path.name
        words.append(option + equals + value)
    return words


def makers(plan: Plan, extension: str, under: str = "") -> dict[str, Callable[[], bytes]]:
    """How to make each file of a plan, by its path in the folder: the document and its tables."""
    files: dict[str, Callable[[], bytes]] = {f"{under}plan.json": lambda: encode(document(plan, extension))}
    for name, table in all_tables(plan).items():
        files[f"{under}tables/{name}.{extension}"] = _maker(table, extension)
    return files | solution_makers({f"{under}solution.json": plan.evidence})


def table_makers(tables: Mapping[str, Table], extension: str) -> dict[str, Callable[[], bytes]]:
    """How to make the file of each table, by its path in the folder."""
    return {f"tables/{name}.{extension}": _maker(table, extension) for name, table in tables.items()}


def copies(files: Mapping[str, bytes]) -> dict[str, Callable[[], bytes]]:
    """How to make the files of the case, by their path in the folder."""

    def same(content: bytes) -> Callable[[], bytes]:
        return lambda: content

    return {f"case/{name}": same(content) for name, content in files.items()}


def _maker(table: Table, extension: str) -> Callable[[], bytes]:
    return lambda: parquet_bytes(table) if extension == "parquet" else csv_bytes(table)


def plan_files(plan: Plan, run: Run) -> dict[str, Callable[[], bytes]]:
    """How to make every file of a plan's folder but its summary and its manifest."""
    return {
        **makers(plan, run.tables),
        "tables/columns.csv": lambda: columns_file(plan),
        **copies(run.case_files),
    }


def plan_manifest(plan: Plan, run: Run, files: Mapping[str, bytes]) -> bytes:
    """manifest.json of a plan's folder, listing the files."""
    about = {
        "status": plan.status.value,
        "scenarios": plan.scenarios.count,
        "seed": plan.scenarios.seed,
        "device": {**device(plan.device), "mode": plan.device.mode},
        "timings": timings(plan.timings),
    }
    return manifest(run, plan.case, about, files, plan.versions)


def contents(plan: Plan, run: Run, summary: str) -> dict[str, bytes]:
    """All files of a plan's folder by their relative path; manifest.json last, listing the others."""
    files = {name: make() for name, make in plan_files(plan, run).items()}
    files["summary.txt"] = summary.encode("utf-8", "backslashreplace")
    return files | {"manifest.json": plan_manifest(plan, run, files)}


def manifest(
    run: Run, case: Case, about: Mapping[str, Any], files: Mapping[str, bytes], versions: Mapping[str, str]
) -> bytes:
    """manifest.json: how the command was called, on which case and machine, and the files with their hashes."""
    found = {
        "manifest_version": MANIFEST_VERSION,
        "capmix_version": version(),
        "started": run.started.astimezone(UTC).isoformat(timespec="seconds"),
        "argv": list(run.argv),
        "case": {"name": case.case.name, "path": f"case/{PurePath(case.path).name}", "sha256": case.sha256},
        **about,
        "versions": package_versions() | dict(versions),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "files": [
            {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(files.items())
        ],
    }
    return encode(found | {SEAL: hashlib.sha256(encode(found)).hexdigest()})


def device(found: Device) -> dict[str, Any]:
    return {"backend": found.backend, "name": found.name, "threads": found.threads}


def timings(spent: Timings) -> dict[str, Any]:
    return {
        "build_s": number(spent.build_s),
        "simulate_s": number(spent.simulate_s),
        "evaluate_s": number(spent.evaluate_s),
        "master_s": number(spent.master_s),
        "total_s": number(spent.total_s),
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


def columns_file(plan: Plan) -> bytes:
    """Unit of every column of every table."""
    lines = ["table,column,unit,form"]
    for name, table in all_tables(plan).items():
        lines += [f"{name},{_quoted(c.name)},{_quoted(c.unit)},{c.form}" for c in table.columns]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "backslashreplace")


def _quoted(text: str) -> str:
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
