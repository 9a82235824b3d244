"""`capmix plan`: the best plan of a case, certified."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from .. import option_values
from ..options import case_argument, computing_options, variant_option
from ..results.plans import PlanKind
from .command import Command, Stage
from .execute import execute
from .run_folder_work import RunFolderWork

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.plan import Plan
    from ..progress import ProgressLine


class PlanWork(RunFolderWork["Plan"]):
    """A plan and its folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.kind = PlanKind(full=options.full)

    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> Plan:
        from ...optimizer.cutting_planes.endings import Ending
        from ...optimizer.cutting_planes.solution import Status
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
        if not has_plan(plan) and plan.status is Status.STOPPED and plan.ending is Ending.INTERRUPTED:
            raise KeyboardInterrupt
        return dataclasses.replace(plan, versions={**package_versions(), **plan.versions})


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
    parser.add_argument("--full", action="store_true", help="print every section of the summary, not one screen")
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
