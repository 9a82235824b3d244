"""`capmix plan`: read, check the place and the memory, compute, write the run folder, show the summary."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from .case_files import case_files
from .document import EXIT_OF_STATUS, document, encode
from .doubts import tell_doubts
from .exits import UsageError, WriteError
from .folder import Place, publish, reserve
from .manifest import Run, contents, package_versions
from .memory import shortage
from .progress import ProgressLine
from .tables import require_parquet
from .text import safe
from .views import has_plan

if TYPE_CHECKING:
    from pathlib import Path

    from ..models.schema.case import Case
    from ..optimizer.plan import Plan

SUMMARY_WIDTH = 100


def plan_command(options: argparse.Namespace) -> int:
    """Make a plan. Everything that can be known to fail is found before anything is computed."""
    started = datetime.now(UTC)
    if options.tables == "parquet":
        require_parquet()
    from ..models.reading.load import load_case

    case = load_case(options.case)
    if options.variant is not None:
        from ..models.reading.variants import apply_variant

        case = apply_variant(case, options.variant)
    tell_doubts(case)
    run = Run(argv=options.argv, case_files=case_files(case), started=started, tables=options.tables)
    place = reserve(options.out, case.case.name)
    scenarios = options.scenarios or case.simulation.count
    if short := shortage(case, scenarios):
        raise UsageError(short)
    plan = _compute(case, scenarios, options)
    if not has_plan(plan) and any(message.startswith("interrupted") for message in plan.messages):
        raise KeyboardInterrupt
    plan = dataclasses.replace(plan, versions={**package_versions(), **plan.versions})
    return _hand_over(plan, run, place, options)


def _compute(case: Case, scenarios: int, options: argparse.Namespace) -> Plan:
    with ProgressLine(wanted=not options.no_progress) as progress, warnings.catch_warnings():
        warnings.showwarning = show_warning
        progress.say("starting")
        from ..optimizer.run import optimize

        return optimize(
            case,
            scenarios=scenarios,
            seed=options.seed,
            device=options.device,
            gap=options.gap,
            time_limit=options.time_limit,
            progress=progress,
        )


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, without its place in the sources."""
    del category, filename, lineno, file, line
    print(f"capmix: warning: {safe(message)}", file=sys.stderr)


def _hand_over(plan: Plan, run: Run, place: Place, options: argparse.Namespace) -> int:
    """Write the folder and show the plan; a plan whose folder cannot be written is still shown."""
    from .terminal import render

    folder: Path | None = None
    failure: WriteError | None = None
    try:
        folder = publish(place, contents(plan, run, render(plan, SUMMARY_WIDTH)))
    except WriteError as error:
        failure = error
    if options.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(document(plan, run.tables)))
        sys.stdout.buffer.flush()
        if folder is not None:
            print(f"run folder: {safe(folder)}", file=sys.stderr)
    else:
        _show(plan, folder)
    if failure is not None:
        raise failure
    return EXIT_OF_STATUS[plan.status.value]


def _show(plan: Plan, folder: Path | None) -> None:
    from .terminal import print_summary

    width = shutil.get_terminal_size((100, 24)).columns
    print_summary(plan, width, folder)
