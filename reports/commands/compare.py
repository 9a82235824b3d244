"""`capmix compare`: variants of a case side by side on one pool of scenarios."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import option_values
from ..options import case_argument, computing_options
from ..results.comparisons import ComparisonKind
from .command import Command, Stage
from .execute import execute
from .run_folder_work import RunFolderWork

if TYPE_CHECKING:
    from ...models.schema.case import Case
    from ...optimizer.comparison.compare import Comparison
    from ..progress import ProgressLine


class CompareWork(RunFolderWork["Comparison"]):
    """A comparison and its folder, with that of each variant's plan inside."""

    kind = ComparisonKind()
    all_variants = True

    def compute(self, case: Case, scenarios: int, progress: ProgressLine) -> Comparison:
        from ...optimizer.comparison.compare import compare

        options = self.options
        return compare(
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


def _arguments(parser: argparse.ArgumentParser) -> None:
    case_argument(parser)
    parser.add_argument(
        "--variants", type=option_values.names, metavar="A,B", help="which variants (default: all of the case's)"
    )
    parser.add_argument(
        "--milestones",
        type=option_values.marks,
        metavar="X,Y",
        help="compute in service, PFLOP/s, whose dates are compared",
    )
    computing_options(parser)


COMPARE = Command(
    name="compare",
    title="put variants of a case side by side",
    description="Plan the [variant.NAME] tables of a case on one pool of scenarios and put them side by side.",
    stage=Stage.PLAN,
    examples=(("capmix compare my.toml", "put the case's variants side by side on the same scenarios"),),
    arguments=_arguments,
    run=lambda options: execute(CompareWork(options)),
    stoppable=True,
)
