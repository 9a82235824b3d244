"""`capmix compare`: variants of a case side by side on one pool of scenarios, in the terminal and as a run folder."""

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
from .document import all_tables, document, encode, number, records, version
from .doubts import tell_doubts
from .exits import Exit, UsageError, WriteError
from .folder import publish, reserve
from .manifest import MANIFEST_VERSION, package_versions
from .memory import shortage
from .plan import SUMMARY_WIDTH, show_warning
from .progress import ProgressLine
from .tables import csv_bytes, parquet_bytes, require_parquet
from .text import safe
from .views import has_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..optimizer.compare import Comparison

COMPARE_SCHEMA = 1


def compare_command(options: argparse.Namespace) -> int:
    """Compare variants. Everything that can be known to fail is found before anything is computed."""
    started = datetime.now(UTC)
    if options.tables == "parquet":
        require_parquet()
    from ..models.reading.load import load_case

    case = load_case(options.case)
    tell_doubts(case, variants=True)
    inputs = case_files(case)
    place = reserve(options.out, f"{case.case.name}-compare")
    scenarios = options.scenarios or case.simulation.count
    if short := shortage(case, scenarios):
        raise UsageError(short)
    with ProgressLine(wanted=not options.no_progress) as progress, warnings.catch_warnings():
        warnings.showwarning = show_warning
        progress.say("starting")
        from ..optimizer.compare import compare

        found = compare(
            case,
            variants=options.variants,
            scenarios=scenarios,
            seed=options.seed,
            device=options.device,
            gap=options.gap,
            time_limit=options.time_limit,
            progress=progress,
            milestones=options.milestones,
        )
    from .side_by_side import print_comparison, render_comparison

    folder, failure = None, None
    about = {"started": started.isoformat(timespec="seconds"), "argv": list(options.argv)}
    try:
        files = _contents(found, inputs, options.tables, about, render_comparison(found, SUMMARY_WIDTH))
        folder = publish(place, files)
    except WriteError as error:
        failure = error
    if options.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(comparison_document(found, options.tables)))
        sys.stdout.buffer.flush()
        if folder is not None:
            print(f"run folder: {safe(folder)}", file=sys.stderr)
    else:
        print_comparison(found, shutil.get_terminal_size((100, 24)).columns, folder)
    if failure is not None:
        raise failure
    return int(exit_code(found))


def exit_code(found: Comparison) -> Exit:
    """0 where every variant is certified or proven infeasible; 3 where none has a plan; 4 where one was stopped."""
    states = {plan.status.value for plan in found.plans.values()}
    if "stopped" in states:
        return Exit.STOPPED
    return Exit.INFEASIBLE if states == {"infeasible"} else Exit.OK


def comparison_document(found: Comparison, extension: str = "csv") -> dict[str, Any]:
    """compare.json as plain JSON values: every table's rows, and per variant what plan.json says in short."""
    heading, first = found.case.case, next(iter(found.plans.values()))
    return {
        "schema_version": COMPARE_SCHEMA,
        "capmix_version": version(),
        "exit_code": int(exit_code(found)),
        "case": {
            "name": heading.name,
            "title": heading.title,
            "currency": heading.currency,
            "sha256": found.case.sha256,
        },
        "scenarios": {"count": first.scenarios.count, "seed": first.scenarios.seed},
        "reference": found.reference or None,
        "milestones": [number(mark) for mark in found.milestones],
        "total_s": number(found.total_s),
        "variants": [
            {
                "name": name,
                "title": one.title,
                "status": one.plan.status.value,
                "plan": f"variants/{name}/plan.json",
                "total_s": number(one.plan.timings.total_s),
                "solves": one.plan.passes.solves,
            }
            for name, one in found.outcomes.items()
        ],
        "tables": {name: records(table) for name, table in found.tables.items()},
        "files": [f"tables/{name}.{extension}" for name in found.tables],
    }


def _contents(
    found: Comparison, inputs: Mapping[str, bytes], extension: str, about: dict[str, Any], summary: str
) -> dict[str, bytes]:
    """All files of the run folder by their relative path; manifest.json last, listing the others."""
    from .terminal import render

    write = parquet_bytes if extension == "parquet" else csv_bytes
    files = {
        "compare.json": encode(comparison_document(found, extension)),
        "summary.txt": summary.encode("utf-8", "backslashreplace"),
    }
    files |= {f"tables/{name}.{extension}": write(table) for name, table in found.tables.items()}
    for name, plan in found.plans.items():
        files[f"variants/{name}/plan.json"] = encode(document(plan, extension))
        files[f"variants/{name}/summary.txt"] = render(plan, SUMMARY_WIDTH).encode("utf-8", "backslashreplace")
        if has_plan(plan):
            files |= {f"variants/{name}/tables/{t}.{extension}": write(v) for t, v in all_tables(plan).items()}
    files |= {f"case/{name}": content for name, content in inputs.items()}
    first = next(iter(found.plans.values()))
    files["manifest.json"] = encode(
        {
            "manifest_version": MANIFEST_VERSION,
            "capmix_version": version(),
            **about,
            "case": {"name": found.case.case.name, "path": found.case.path, "sha256": found.case.sha256},
            "scenarios": first.scenarios.count,
            "seed": first.scenarios.seed,
            "device": {"backend": first.device.backend, "name": first.device.name, "threads": first.device.threads},
            "total_s": number(found.total_s),
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
