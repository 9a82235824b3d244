"""`capmix frontier`: what a risk limit costs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .. import option_values
from ..exits import Exit, UsageError, of_several
from ..options import case_argument, computing_options, variant_option
from ..text import plural
from .command import Command, Stage
from .execute import execute
from .run_folder_work import REPORT, SUMMARY, Makers, RunFolderWork, Texts

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ...optimizer.frontiers.frontier import Frontier
    from ..files.manifest import About
    from ..glyphs import Glyphs
    from ..progress import ProgressLine

FRONTIER_SCHEMA = 2


class FrontierWork(RunFolderWork["Frontier"]):
    """A frontier and its folder, with what each point follows from inside."""

    kind = "frontier"
    suffix = "-frontier"

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

    def files(self, found: Frontier, tables: str) -> Makers:
        from ..files.document import encode
        from ..files.manifest import table_makers
        from ..files.solution import solution_makers

        return {
            "frontier.json": lambda: encode(frontier_document(found, tables)),
            **table_makers(found.tables, tables),
            **solution_makers({f"points/{i}.json": point.evidence for i, point in enumerate(found.points, 1)}),
        }

    def texts(self, found: Frontier, width: int) -> Texts:
        def summary() -> str:
            from ..summary.frontier_view import render_frontier

            return render_frontier(found, width)

        def report() -> str:
            from ..html.frontier_page import frontier_page
            from ..html.page import html

            return html(frontier_page(found))

        return {SUMMARY: summary, REPORT: report}

    def about(self, found: Frontier) -> About:
        from ..files.manifest import About

        return About(
            kind=self.kind,
            case=found.case,
            exit_code=exit_code(found),
            scenarios=found.scenarios.count,
            seed=found.scenarios.seed,
            device=found.device,
            timings=found.timings,
        )

    def draw(self, found: Frontier, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        from ..summary.frontier_view import render_frontier

        return render_frontier(found, width, folder, colour, glyphs)

    def gist(self, found: Frontier) -> str:
        planned = sum(point.planned for point in found.points)
        return f"{found.case.case.name}: {found.limit} at {plural(len(found.points), 'point')}, {planned} planned"

    def outcome(self, found: Frontier) -> Exit:
        return exit_code(found)


def exit_code(found: Frontier) -> Exit:
    """That of all points together."""
    return of_several((point.status.value for point in found.points), whole=not found.interrupted)


def frontier_document(found: Frontier, extension: str = "csv") -> dict[str, Any]:
    """frontier.json as plain JSON values: the limit, its ends, and every table's rows."""
    from ..files.document import number, records, version

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
        help="least amount, in the limit's unit (default: a step above the minimum)",
    )
    parser.add_argument(
        "--to",
        dest="high",
        type=option_values.amount,
        metavar="Y",
        help="largest amount (default: where the limit stops to cost anything)",
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
