"""`capmix plan`: read, check the place and the memory, compute, write the run folder, show the summary."""

from __future__ import annotations

import argparse
import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..exits import Exit, UsageError
from ..files.document import EXIT_OF_STATUS
from ..files.folder import Place, reserve
from ..files.manifest import Run, arguments, package_versions, plan_files, plan_manifest
from ..files.tables import require_parquet
from ..memory import shortage
from ..summary.views import has_plan
from ..text import figure, gap
from .case_files import case_files
from .computing import computing
from .doubts import tell_doubts
from .hand_over import SUMMARY_WIDTH, Result, hand_over

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.plan import Plan


def plan_command(options: argparse.Namespace) -> int:
    """Make a plan. Everything that can be known to fail is found before anything is computed."""
    started = datetime.now(UTC)
    if options.tables == "parquet":
        require_parquet()
    from ...models.reading.load import load_case

    case = load_case(options.case)
    if options.variant is not None:
        from ...models.reading.variants import apply_variant

        case = apply_variant(case, options.variant)
    tell_doubts(case)
    run = Run(argv=arguments(options), case_files=case_files(case), started=started, tables=options.tables)
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
    with computing(options) as progress:
        from ...optimizer.run import optimize

        return optimize(
            case,
            scenarios=scenarios,
            seed=options.seed,
            device=options.device,
            gap=options.gap,
            time_limit=options.time_limit,
            progress=progress,
            replications=options.replications,
        )


def _hand_over(plan: Plan, run: Run, place: Place, options: argparse.Namespace) -> int:
    from ..summary.terminal import render

    result = Result(
        files=plan_files(plan, run),
        document="plan.json",
        texts={"summary.txt": lambda: render(plan, SUMMARY_WIDTH)},
        manifest=lambda files: plan_manifest(plan, run, files),
        draw=lambda width, folder, colour, g: render(plan, width, folder, colour, g),
        gist=lambda: gist(plan),
    )
    ending = hand_over(result, place, options.json)
    return int(ending if ending is not Exit.OK else EXIT_OF_STATUS[plan.status.value])


def gist(plan: Plan) -> str:
    """The plan in a line, for where its summary cannot be drawn."""
    if not has_plan(plan):
        return f"{plan.case.case.name}: {plan.status.value}, no plan"
    proven = "" if plan.certificate is None else f", gap {gap(plan.certificate.gap)}"
    reached = f"{plan.objective_name} {figure(plan.objective_value, 7)} {plan.objective_unit}"
    return f"{plan.case.case.name}: {plan.status.value}, {reached}{proven}"
