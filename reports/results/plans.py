"""A plan as a result: its run folder, its summary and its reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exits import Exit
from ..glyphs import UNICODE, Glyphs
from ..outputs import SUMMARY, WORKBOOK
from .kind import SUMMARY_WIDTH, Kind, Makers, Texts

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ...optimizer.plan import Plan
    from ..files.manifest import About
    from ..html.page import Page


class PlanKind(Kind["Plan"]):
    """Plans. full: whether the screen shows every section; the folder's summary always does."""

    name = "plan"

    def __init__(self, full: bool = False) -> None:
        self.full = full

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

        def summary() -> str:
            return PlanKind(full=True).draw(found, width, None, False, UNICODE)

        return {**super().texts(found, width), SUMMARY: summary, WORKBOOK: workbook}

    def about(self, found: Plan) -> About:
        from ..files.manifest import about_plan

        return about_plan(found)

    def draw(self, found: Plan, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        from ..summary.terminal import render

        return render(found, width, folder, colour, glyphs, self.full)

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
