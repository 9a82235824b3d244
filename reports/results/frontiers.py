"""A frontier as a result: its run folder with what each point follows from, its summary and its report."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..exits import Exit, of_several
from ..text import plural
from .kind import Kind, Makers

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ...optimizer.cutting_planes.solution import RiskValue
    from ...optimizer.frontiers.frontier import Frontier
    from ..files.manifest import About
    from ..glyphs import Glyphs
    from ..html.page import Page

FRONTIER_SCHEMA = 3


class FrontierKind(Kind["Frontier"]):
    """Frontiers."""

    name = "frontier"
    suffix = "-frontier"

    def case(self, found: Frontier) -> Case:
        return found.case

    def files(self, found: Frontier, tables: str) -> Makers:
        from ..files.document import encode
        from ..files.manifest import table_makers
        from ..files.solution import solution_makers

        return {
            "frontier.json": lambda: encode(frontier_document(found, tables)),
            **table_makers(found.tables, tables),
            **solution_makers({f"points/{i}.json": point.evidence for i, point in enumerate(found.points, 1)}),
        }

    def page(self, found: Frontier) -> Page:
        from ..html.frontier_page import frontier_page

        return frontier_page(found)

    def about(self, found: Frontier) -> About:
        from ..files.manifest import About

        return About(
            kind=self.name,
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


def _figures(risk: RiskValue) -> dict[str, Any]:
    from ..files.document import number

    return {key: number(value) for key, value in asdict(risk).items() if key != "name"}


def frontier_document(found: Frontier, extension: str = "csv") -> dict[str, Any]:
    """frontier.json as plain JSON values: the limit, its ends, what each point cost, and every table's rows."""
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
        "scenarios": asdict(found.scenarios),
        "device": asdict(found.device),
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
        "passes": asdict(found.passes),
        "timings": {step: number(spent) for step, spent in asdict(found.timings).items()},
        "messages": list(found.messages),
        "points": [
            {
                "passes": asdict(point.passes),
                "funding": {name: number(face) for name, face in point.funding.items()},
                "risks": [{"name": one.name, **_figures(one)} for one in point.risks],
            }
            for point in found.points
        ],
        "tables": {name: records(table) for name, table in found.tables.items()},
        "files": [f"tables/{name}.{extension}" for name in found.tables],
    }
