"""A plan as a result: its run folder, its summary and its reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exits import Exit
from .kind import SUMMARY_WIDTH, WORKBOOK, Kind, Makers, Texts

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ...optimizer.plan import Plan
    from ..files.manifest import About
    from ..glyphs import Glyphs
    from ..html.page import Page


class PlanKind(Kind["Plan"]):
    """Plans."""

    name = "plan"

    def case(self, found: Plan) -> Case:
        return found.case

    def files(self, found: Plan, tables: str) -> Makers:
        from ..files.manifest import data_files

        return data_files(found, tables)

    def page(self, found: Plan) -> Page:
        from ..html.plan_page import plan_page

        return plan_page(found)

    def texts(self, found: Plan, width: int = SUMMARY_WIDTH) -> Texts:
        def workbook() -> bytes:
            from ..workbook.workbook import workbook_bytes

            return workbook_bytes(found)

        return {**super().texts(found, width), WORKBOOK: workbook}

    def about(self, found: Plan) -> About:
        from ..files.manifest import about_plan

        return about_plan(found)

    def draw(self, found: Plan, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        from ..summary.terminal import render

        return render(found, width, folder, colour, glyphs)

    def gist(self, found: Plan) -> str:
        from ..summary.views import has_plan
        from ..text import figure, gap

        if not has_plan(found):
            return f"{found.case.case.name}: {found.status.value}, no plan"
        proven = "" if found.certificate is None else f", gap {gap(found.certificate.gap)}"
        reached = f"{found.objective_name} {figure(found.objective_value, 7)} {found.objective_unit}"
        return f"{found.case.case.name}: {found.status.value}, {reached}{proven}"

    def outcome(self, found: Plan) -> Exit:
        from ..files.document import EXIT_OF_STATUS

        return EXIT_OF_STATUS[found.status.value]
