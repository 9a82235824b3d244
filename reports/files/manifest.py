"""The manifest of a run folder, enough to repeat the run and to check the files, and what a plan's folder holds.

It names no place outside the folder: who hands the folder on hands on no home directory.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..exits import Exit
from .document import EXIT_OF_STATUS, all_tables, document, encode, number, version
from .solution import solution_makers
from .tables import csv_bytes, guarded, parquet_bytes

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.plan import Device, Plan, Table, Timings

MANIFEST = "manifest.json"
SEAL = "manifest_sha256"  # of all its other keys
MANIFEST_VERSION = 4  # since plan.json has version 2, and tables and keys their present names
STATUS_OF_EXIT = {code: status for status, code in EXIT_OF_STATUS.items()}


@dataclass(frozen=True)
class Run:
    """How the command was called: arguments, files of the case by their path in the folder, UTC time of the start."""

    argv: Sequence[str]
    case_files: Mapping[str, bytes]
    started: datetime
    tables: str = "csv"


@dataclass(frozen=True)
class About:
    """What a manifest says of a run beside its files.

    kind: plan, compare or frontier. exit_code: OK where every plan in it is certified or proven infeasible. timings: of
    all its plans together, those that were made beside each other too, so parts may add up to more than the total.
    versions: of packages, where the result tells them.
    """

    kind: str
    case: Case
    exit_code: Exit
    scenarios: int
    seed: int
    device: Device
    timings: Timings
    versions: Mapping[str, str] = field(default_factory=dict)


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


def data_files(plan: Plan, extension: str) -> dict[str, Callable[[], bytes]]:
    """How to make every file of data of a plan's folder."""
    return makers(plan, extension) | {"tables/columns.csv": lambda: columns_file(plan)}


def plan_files(plan: Plan, run: Run) -> dict[str, Callable[[], bytes]]:
    """How to make every file of a plan's folder but its summary and its manifest."""
    return data_files(plan, run.tables) | copies(run.case_files)


def together(spent: Iterable[Timings], total: float) -> Timings:
    """The seconds of several plans, added up step by step; total: of the clock."""
    from ...optimizer.plan import Timings

    steps = [asdict(one) for one in spent]
    return Timings(**{step: sum(one[step] for one in steps) for step in steps[0]} | {"total_s": total})


def about_plan(plan: Plan) -> About:
    """What the manifest of a plan's folder says of it."""
    return About(
        kind="plan",
        case=plan.case,
        exit_code=EXIT_OF_STATUS[plan.status.value],
        scenarios=plan.scenarios.count,
        seed=plan.scenarios.seed,
        device=plan.device,
        timings=plan.timings,
        versions=plan.versions,
    )


def plan_manifest(plan: Plan, run: Run, files: Mapping[str, bytes]) -> bytes:
    """manifest.json of a plan's folder, listing the files."""
    return manifest(run, about_plan(plan), files)


def contents(plan: Plan, run: Run, summary: str) -> dict[str, bytes]:
    """All files of a plan's folder by their relative path; manifest.json last, listing the others."""
    files = {name: make() for name, make in plan_files(plan, run).items()}
    files["summary.txt"] = summary.encode("utf-8", "backslashreplace")
    return files | {"manifest.json": plan_manifest(plan, run, files)}


def manifest(run: Run, about: About, files: Mapping[str, bytes]) -> bytes:
    """manifest.json: how the command was called, on which case and machine, and the files with their hashes."""
    case = about.case
    found = {
        "manifest_version": MANIFEST_VERSION,
        "kind": about.kind,
        "capmix_version": version(),
        "started": run.started.astimezone(UTC).isoformat(timespec="seconds"),
        "argv": list(run.argv),
        "case": {"name": case.case.name, "path": f"case/{PurePath(case.path).name}", "sha256": case.sha256},
        "status": STATUS_OF_EXIT[about.exit_code],
        "exit_code": int(about.exit_code),
        "scenarios": about.scenarios,
        "seed": about.seed,
        "device": asdict(about.device),
        "timings": {step: number(seconds) for step, seconds in asdict(about.timings).items()},
        "versions": {name: about.versions.get(name, number) for name, number in package_versions().items()},
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "files": [
            {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(files.items())
        ],
    }
    return encode(found | {SEAL: hashlib.sha256(encode(found)).hexdigest()})


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
