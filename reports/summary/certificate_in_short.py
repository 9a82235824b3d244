"""The end of the short summary: the proof in a line, remarks, and where everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ..outputs import REPORT, WORKBOOK
from ..text import safe, seconds
from .certificate import TITLE, proof, where_planned
from .layout import QUIET, heading, note, text
from .section import Section, View, always
from .views import has_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The proof in a line, remarks, and where everything stands."""
    if plan.certificate is not None and has_plan(plan):
        yield from heading(TITLE)
        yield note(proof(plan), "")
    for message in plan.messages:
        yield note(f"Note: {safe(message)}", "")
    yield Text("")
    if view.folder is not None:
        there = [name for name in (REPORT, WORKBOOK) if (view.folder / name).is_file()]
        beside = f", with {' and '.join(there)}" if there else ""
        yield text(f"run folder: {safe(view.folder)}{beside}")
    yield text(f"{seconds(plan.timings.total_s)} on {where_planned(plan)}", QUIET)


SECTION = Section("certificate_in_short", TITLE, (), _render, always)
