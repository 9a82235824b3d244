"""Work whose result is a run folder: what plans, comparisons and frontiers have in common."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ..exits import Exit
from ..outputs import REPORT
from ..results.kind import Kind
from ..text import safe
from .execute import Work

if TYPE_CHECKING:
    from ...models.schema.case import Case

Found = TypeVar("Found")


class RunFolderWork(Work[Found]):
    """What differs between them is asked of `compute` and of the kind of result."""

    kind: Kind[Any]

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._started = datetime.now(UTC)

    def check(self) -> None:
        if self.options.tables == "parquet":
            from ..files.tables import require_parquet

            require_parquet()

    def reserve(self, case: Case) -> None:
        from ..files.case_files import case_files
        from ..files.folder import reserve
        from ..files.manifest import Run, arguments

        self._run = Run(
            argv=arguments(self.options),
            case_files=case_files(case),
            started=self._started,
            tables=self.options.tables,
        )
        self._place = reserve(self.options.out, case.case.name + self.kind.suffix)

    def keep(self, found: Found) -> None:
        from ..files.manifest import copies, manifest
        from .hand_over import Result, keep

        run, kind = self._run, self.kind
        self._result = Result(
            files={**kind.files(found, run.tables), **copies(run.case_files)},
            document=f"{kind.name}.json",
            texts=kind.texts(found),
            manifest=lambda files: manifest(run, kind.about(found), files),
            draw=lambda width, folder, colour, glyphs: kind.draw(found, width, folder, colour, glyphs),
            gist=lambda: kind.gist(found),
        )
        self._kept = keep(self._result, self._place, self.options.json)

    def show(self, found: Found) -> None:
        from .hand_over import show

        del found
        if self.options.open:
            self._open()
        self._shown = show(self._result, self._kept, self.options.json)

    def _open(self) -> None:
        """Show the report in the browser; a line where there is none of either."""
        import webbrowser

        from ..streams import complain

        report = None if self._kept.folder is None else (self._kept.folder / REPORT).resolve()
        if report is None or not report.is_file():
            complain("capmix: warning: there is no report to open", alone=self.options.json)
            return
        try:
            opened = webbrowser.open(report.as_uri())
        except (webbrowser.Error, OSError):
            opened = False
        if not opened:
            complain(f"capmix: warning: no browser was found; the report is {safe(report)}", alone=self.options.json)

    def ending(self, found: Found) -> Exit:
        return self.kind.outcome(found) if self._kept.whole and self._shown else Exit.FAILURE
