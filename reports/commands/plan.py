"""`capmix plan`: the best plan of a case, certified."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from .. import option_values
from ..exits import Exit
from ..options import case_argument, computing_options, variant_option
from .command import Command, Stage
from .execute import execute
from .run_folder_work import REPORT, SUMMARY, Makers, RunFolderWork, Texts

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ...optimizer.plan import Plan
    from ..files.manifest import About
    from ..glyphs import Glyphs
    from ..progress import ProgressLine


class PlanWork(RunFolderWork["Plan"]):
    """A plan and its folder."""

    kind = "plan"

    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> Plan:
        from ...optimizer.run import optimize
        from ..files.manifest import package_versions
        from ..summary.views import has_plan

        options = self.options
        plan = optimize(
            case,
            scenarios=scenarios,
            seed=options.seed,
            device=options.device,
            gap=options.gap,
            time_limit=options.time_limit,
            progress=progress,
            replications=options.replications,
        )
        if not has_plan(plan) and any(message.startswith("interrupted") for message in plan.messages):
            raise KeyboardInterrupt
        return dataclasses.replace(plan, versions={**package_versions(), **plan.versions})

    def files(self, found: Plan, tables: str) -> Makers:
        from ..files.manifest import data_files

        return data_files(found, tables)

    def texts(self, found: Plan, width: int) -> Texts:
        def report() -> str:
            from ..html.page import html
            from ..html.plan_page import plan_page

            return html(plan_page(found))

        return {SUMMARY: lambda: summary(found, width), REPORT: report}

    def about(self, found: Plan) -> About:
        from ..files.manifest import about_plan

        return about_plan(found)

    def draw(self, found: Plan, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        from ..summary.terminal import render

        return render(found, width, folder, colour, glyphs)

    def gist(self, found: Plan) -> str:
        return gist(found)

    def outcome(self, found: Plan) -> Exit:
        from ..files.document import EXIT_OF_STATUS

        return EXIT_OF_STATUS[found.status.value]


def summary(plan: Plan, width: int) -> str:
    """The summary as it lies in a folder."""
    from ..summary.terminal import render

    return render(plan, width)


def gist(plan: Plan) -> str:
    """The plan in a line, for where its summary cannot be drawn."""
    from ..summary.views import has_plan
    from ..text import figure, gap

    if not has_plan(plan):
        return f"{plan.case.case.name}: {plan.status.value}, no plan"
    proven = "" if plan.certificate is None else f", gap {gap(plan.certificate.gap)}"
    reached = f"{plan.objective_name} {figure(plan.objective_value, 7)} {plan.objective_unit}"
    return f"{plan.case.case.name}: {plan.status.value}, {reached}{proven}"


def _arguments(parser: argparse.ArgumentParser) -> None:
    case_argument(parser)
    variant_option(parser, "plan the case as its [variant.NAME] changes it")
    parser.add_argument(
        "--replications",
        type=option_values.replications,
        default=0,
        metavar="N",
        help="plan again on N other sets of scenarios, with the seeds that follow: what the choice of scenarios does "
        "to the optimum, the limits and their prices (10 give a fair standard error)",
    )
    computing_options(parser)


PLAN = Command(
    name="plan",
    title="make a plan",
    description="Make a plan for a case, print its summary and write a run folder.",
    stage=Stage.PLAN,
    examples=(("capmix plan my.toml --scenarios 100000", "make a plan; a shipped case goes by its name: hyperscaler"),),
    arguments=_arguments,
    run=lambda options: execute(PlanWork(options)),
    stoppable=True,
)
