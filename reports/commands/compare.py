"""`capmix compare`: variants of a case side by side on one pool of scenarios, in the terminal and as a run folder."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..exits import Exit, UsageError
from ..files.document import encode, number, records, version
from ..files.folder import reserve
from ..files.manifest import Run, arguments, copies, device, makers, manifest, table_makers
from ..files.tables import require_parquet
from ..memory import shortage
from .case_files import case_files
from .computing import computing
from .doubts import tell_doubts
from .hand_over import SUMMARY_WIDTH, Result, hand_over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...optimizer.comparison.compare import Comparison
    from ...optimizer.plan import Plan

COMPARE_SCHEMA = 2


def compare_command(options: argparse.Namespace) -> int:
    """Compare variants. Everything that can be known to fail is found before anything is computed."""
    started = datetime.now(UTC)
    if options.tables == "parquet":
        require_parquet()
    from ...models.reading.load import load_case

    case = load_case(options.case)
    tell_doubts(case, variants=True)
    run = Run(argv=arguments(options), case_files=case_files(case), started=started, tables=options.tables)
    place = reserve(options.out, f"{case.case.name}-compare")
    scenarios = options.scenarios or case.simulation.count
    if short := shortage(case, scenarios):
        raise UsageError(short)
    with computing(options) as progress:
        from ...optimizer.comparison.compare import compare

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
    ending = hand_over(_result(found, run), place, options.json)
    return int(ending if ending is not Exit.OK else exit_code(found))


def exit_code(found: Comparison) -> Exit:
    """0 where every variant is certified or proven infeasible; 3 where none has a plan; 4 where one was stopped, or is
    missing since the comparison was interrupted.
    """
    states = {plan.status.value for plan in found.plans.values()}
    if "stopped" in states or found.missing:
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
        "missing": list(found.missing),
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


def _result(found: Comparison, run: Run) -> Result:
    from ..summary.side_by_side import render_comparison
    from ..summary.terminal import render

    def drawn(plan: Plan) -> Callable[[], str]:
        return lambda: render(plan, SUMMARY_WIDTH)

    files = {
        "compare.json": lambda: encode(comparison_document(found, run.tables)),
        **table_makers(found.tables, run.tables),
        **copies(run.case_files),
    }
    texts = {"summary.txt": lambda: render_comparison(found, SUMMARY_WIDTH)}
    for name, plan in found.plans.items():
        files |= makers(plan, run.tables, f"variants/{name}/")
        texts[f"variants/{name}/summary.txt"] = drawn(plan)
    return Result(
        files=files,
        document="compare.json",
        texts=texts,
        manifest=lambda made: _manifest(found, run, made),
        draw=lambda width, folder, colour, g: render_comparison(found, width, folder, colour, g),
        gist=lambda: f"{found.case.case.name}: " + ", ".join(f"{n} {p.status.value}" for n, p in found.plans.items()),
    )


def _manifest(found: Comparison, run: Run, files: Mapping[str, bytes]) -> bytes:
    first = next(iter(found.plans.values()))
    about = {
        "scenarios": first.scenarios.count,
        "seed": first.scenarios.seed,
        "device": device(first.device),
        "total_s": number(found.total_s),
    }
    return manifest(run, found.case, about, files, {})
