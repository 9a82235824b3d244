"""`capmix frontier`: what a risk limit costs, in the terminal and as a run folder."""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import sys
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .case_files import case_files
from .document import encode, number, records, version
from .doubts import tell_doubts
from .exits import Exit, UsageError, WriteError
from .folder import publish, reserve
from .manifest import MANIFEST_VERSION, package_versions
from .memory import shortage
from .plan import SUMMARY_WIDTH, show_warning
from .progress import ProgressLine
from .tables import csv_bytes, parquet_bytes, require_parquet
from .text import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..models.schema.case import Case
    from ..optimizer.frontier import Frontier

FRONTIER_SCHEMA = 1


def frontier_command(options: argparse.Namespace) -> int:
    """Trace a frontier. Everything that can be known to fail is found before anything is computed."""
    started = datetime.now(UTC)
    if options.tables == "parquet":
        require_parquet()
    from ..models.reading.load import load_case

    case = load_case(options.case)
    inputs = case_files(case)
    if options.variant is not None:
        from ..models.reading.variants import apply_variant

        case = apply_variant(case, options.variant)
    tell_doubts(case)
    if options.low is not None and options.high is not None and not options.low < options.high:
        raise UsageError(f"--from {options.low:g} must be below --to {options.high:g}")
    place = reserve(options.out, f"{case.case.name}-frontier")
    found = _traced(case, options)
    from .frontier_view import print_frontier, render_frontier

    folder, failure = None, None
    about = {"started": started.isoformat(timespec="seconds"), "argv": list(options.argv)}
    try:
        files = _contents(found, inputs, options.tables, about, render_frontier(found, SUMMARY_WIDTH))
        folder = publish(place, files)
    except WriteError as error:
        failure = error
    if options.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(frontier_document(found, options.tables)))
        sys.stdout.buffer.flush()
        if folder is not None:
            print(f"run folder: {safe(folder)}", file=sys.stderr)
    else:
        print_frontier(found, shutil.get_terminal_size((100, 24)).columns, folder)
    if failure is not None:
        raise failure
    return int(exit_code(found))


def _traced(case: Case, options: argparse.Namespace) -> Frontier:
    scenarios = options.scenarios or case.simulation.count
    if short := shortage(case, scenarios):
        raise UsageError(short)
    with ProgressLine(wanted=not options.no_progress) as progress, warnings.catch_warnings():
        warnings.showwarning = show_warning
        progress.say("starting")
        from ..optimizer.frontier import frontier

        return frontier(
            case,
            limit=options.limit,
            points=options.points,
            low=options.low,
            high=options.high,
            scenarios=scenarios,
            seed=options.seed,
            device=options.device,
            gap=options.gap,
            time_limit=options.time_limit,
            progress=progress,
        )


def exit_code(found: Frontier) -> Exit:
    """0 where every point is certified or proven infeasible; 3 where none has a plan; 4 where one was stopped."""
    states = {point.status.value for point in found.points}
    if "stopped" in states:
        return Exit.STOPPED
    return Exit.INFEASIBLE if states == {"infeasible"} else Exit.OK


def frontier_document(found: Frontier, extension: str = "csv") -> dict[str, Any]:
    """frontier.json as plain JSON values: the limit, its ends, and every table's rows."""
    heading = found.case.case
    return {
        "schema_version": FRONTIER_SCHEMA,
        "capmix_version": version(),
        "exit_code": int(exit_code(found)),
        "case": {
            "name": heading.name,
            "title": heading.title,
            "currency": heading.currency,
            "sha256": found.case.sha256,
        },
        "scenarios": {"count": found.scenarios.count, "seed": found.scenarios.seed},
        "limit": {
            "name": found.limit,
            "level": number(found.level),
            "unit": found.unit,
            "asked": number(found.asked),
            "least": None if found.least is None else number(found.least),
            "least_bound": None if found.least_bound is None else number(found.least_bound),
            "free_from": None if found.free_from is None else number(found.free_from),
        },
        "objective": {"name": found.objective_name, "unit": found.objective_unit},
        "passes": {
            "full": found.passes.full,
            "equivalent": number(found.passes.equivalent),
            "solves": found.passes.solves,
            "cuts": found.passes.cuts,
        },
        "total_s": number(found.timings.total_s),
        "messages": list(found.messages),
        "tables": {name: records(table) for name, table in found.tables.items()},
        "files": [f"tables/{name}.{extension}" for name in found.tables],
    }


def _contents(
    found: Frontier, inputs: Mapping[str, bytes], extension: str, about: dict[str, Any], summary: str
) -> dict[str, bytes]:
    """All files of the run folder by their relative path; manifest.json last, listing the others."""
    write = parquet_bytes if extension == "parquet" else csv_bytes
    files = {
        "frontier.json": encode(frontier_document(found, extension)),
        "summary.txt": summary.encode("utf-8", "backslashreplace"),
    }
    files |= {f"tables/{name}.{extension}": write(table) for name, table in found.tables.items()}
    files |= {f"case/{name}": content for name, content in inputs.items()}
    device, spent = found.device, found.timings
    files["manifest.json"] = encode(
        {
            "manifest_version": MANIFEST_VERSION,
            "capmix_version": version(),
            **about,
            "case": {"name": found.case.case.name, "path": found.case.path, "sha256": found.case.sha256},
            "scenarios": found.scenarios.count,
            "seed": found.scenarios.seed,
            "device": {"backend": device.backend, "name": device.name, "threads": device.threads, "mode": device.mode},
            "timings": {
                "simulate_s": number(spent.simulate_s),
                "build_s": number(spent.build_s),
                "evaluate_s": number(spent.evaluate_s),
                "master_s": number(spent.master_s),
                "total_s": number(spent.total_s),
            },
            "versions": package_versions(),
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "files": [
                {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for path, content in sorted(files.items())
            ],
        }
    )
    return files
