"""`capmix frontier`: what a risk limit costs, in the terminal and as a run folder."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..exits import Exit, UsageError
from ..files.document import encode, number, records, version
from ..files.folder import reserve
from ..files.manifest import Run, arguments, copies, device, manifest, table_makers, timings
from ..files.solution import solution_makers
from ..files.tables import require_parquet
from ..memory import shortage
from ..text import plural
from .case_files import case_files
from .computing import computing
from .doubts import tell_doubts
from .hand_over import SUMMARY_WIDTH, Result, hand_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...models.schema.case import Case
    from ...optimizer.frontiers.frontier import Frontier

FRONTIER_SCHEMA = 2


def frontier_command(options: argparse.Namespace) -> int:
    """Trace a frontier. Everything that can be known to fail is found before anything is computed."""
    started = datetime.now(UTC)
    if options.tables == "parquet":
        require_parquet()
    from ...models.reading.load import load_case

    case = load_case(options.case)
    run = Run(argv=arguments(options), case_files=case_files(case), started=started, tables=options.tables)
    if options.variant is not None:
        from ...models.reading.variants import apply_variant

        case = apply_variant(case, options.variant)
    tell_doubts(case)
    if options.low is not None and options.high is not None and not options.low < options.high:
        raise UsageError(f"--from {options.low:g} must be below --to {options.high:g}")
    place = reserve(options.out, f"{case.case.name}-frontier")
    found = _traced(case, options)
    ending = hand_over(_result(found, run), place, options.json)
    return int(ending if ending is not Exit.OK else exit_code(found))


def _traced(case: Case, options: argparse.Namespace) -> Frontier:
    scenarios = options.scenarios or case.simulation.count
    if short := shortage(case, scenarios):
        raise UsageError(short)
    with computing(options) as progress:
        from ...optimizer.frontiers.frontier import frontier

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
    """0 where every point is certified or proven infeasible; 3 where none has a plan; 4 where one was stopped, or the
    frontier was interrupted.
    """
    states = {point.status.value for point in found.points}
    if "stopped" in states or found.interrupted:
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
            "minimum": None if found.minimum is None else number(found.minimum),
            "minimum_bound": None if found.minimum_bound is None else number(found.minimum_bound),
            "free_from": None if found.free_from is None else number(found.free_from),
        },
        "objective": {"name": found.objective_name, "unit": found.objective_unit},
        "tolerance": number(found.tolerance),
        "interrupted": found.interrupted,
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


def _result(found: Frontier, run: Run) -> Result:
    from ..summary.frontier_view import render_frontier

    def gist() -> str:
        planned = sum(point.planned for point in found.points)
        return f"{found.case.case.name}: {found.limit} at {plural(len(found.points), 'point')}, {planned} planned"

    return Result(
        files={
            "frontier.json": lambda: encode(frontier_document(found, run.tables)),
            **table_makers(found.tables, run.tables),
            **solution_makers({f"points/{i}.json": p.evidence for i, p in enumerate(found.points, 1)}),
            **copies(run.case_files),
        },
        document="frontier.json",
        texts={"summary.txt": lambda: render_frontier(found, SUMMARY_WIDTH)},
        manifest=lambda made: _manifest(found, run, made),
        draw=lambda width, folder, colour, g: render_frontier(found, width, folder, colour, g),
        gist=gist,
    )


def _manifest(found: Frontier, run: Run, files: Mapping[str, bytes]) -> bytes:
    about = {
        "scenarios": found.scenarios.count,
        "seed": found.scenarios.seed,
        "device": {**device(found.device), "mode": found.device.mode},
        "timings": timings(found.timings),
    }
    return manifest(run, found.case, about, files, {})
