"""`capmix frontier`: what a risk limit costs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import option_values
from ..exits import UsageError
from ..options import case_argument, computing_options, variant_option
from ..results.frontiers import FrontierKind
from .command import Command, Stage
from .execute import execute
from .run_folder_work import RunFolderWork

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.frontiers.frontier import Frontier
    from ..progress import ProgressLine


class FrontierWork(RunFolderWork["Frontier"]):
    """A frontier and its folder, with what each point follows from inside."""

    kind = FrontierKind()

    def check(self) -> None:
        super().check()
        low, high = self.options.low, self.options.high
        if low is not None and high is not None and not low < high:
            raise UsageError(f"--from {low:g} must be below --to {high:g}")

    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> Frontier:
        from ...optimizer.frontiers.frontier import frontier

        options = self.options
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


def _arguments(parser: argparse.ArgumentParser) -> None:
    case_argument(parser)
    variant_option(parser)
    parser.add_argument(
        "--limit", default="liquidity", metavar="NAME", help="the risk limit that moves (default: liquidity)"
    )
    parser.add_argument(
        "--points",
        type=option_values.points,
        default=20,
        metavar="N",
        help="how many amounts, in equal steps (default: 20)",
    )
    parser.add_argument(
        "--from",
        dest="low",
        type=option_values.amount,
        metavar="X",
        help="smallest amount, in the limit's unit (default: a step above the minimum)",
    )
    parser.add_argument(
        "--to",
        dest="high",
        type=option_values.amount,
        metavar="Y",
        help="largest amount (default: where the limit no longer costs anything)",
    )
    computing_options(parser)


FRONTIER = Command(
    name="frontier",
    title="what a risk limit costs",
    description="Plan a case at many amounts of one risk limit, each certified, on one pool of scenarios and cuts.",
    stage=Stage.PLAN,
    examples=(
        (
            "capmix frontier my.toml --limit liquidity --points 20",
            "what a risk limit costs, from the safest plan to the boldest",
        ),
    ),
    arguments=_arguments,
    run=lambda options: execute(FrontierWork(options)),
    stoppable=True,
)
