"""Work whose result is a run folder: what plans, comparisons and frontiers have in common."""

from __future__ import annotations

import argparse
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, TypeVar

from ..exits import Exit
from ..text import safe
from .execute import Work

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ..files.manifest import About
    from ..glyphs import Glyphs

SUMMARY = "summary.txt"
REPORT = "report.html"

Found = TypeVar("Found")
Makers = Mapping[str, Callable[[], bytes]]
Texts = Mapping[str, Callable[[], str]]


class RunFolderWork(Work[Found]):
    """What differs between them is asked of `compute` and of the methods below.

    kind: of the run; its document is KIND.json. suffix: what the folder is called beside the case.
    """

    kind: ClassVar[str]
    suffix: ClassVar[str] = ""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._started = datetime.now(UTC)

    @abstractmethod
    def files(self, found: Found, tables: str) -> Makers:
        """How to make each file of data, by its path in the folder; tables: csv or parquet."""

    @abstractmethod
    def texts(self, found: Found, width: int) -> Texts:
        """How to draw each text of the folder, by its path in it; what draws is imported when it is called."""

    @abstractmethod
    def about(self, found: Found) -> About:
        """What the manifest says of it."""

    @abstractmethod
    def draw(self, found: Found, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        """The summary on a screen."""

    @abstractmethod
    def gist(self, found: Found) -> str:
        """It in a line, for where the summary cannot be drawn."""

    @abstractmethod
    def outcome(self, found: Found) -> Exit:
        """How the command ends if all of it comes where it is to go."""

    def check(self) -> None:
        if self.options.tables == "parquet":
            from ..files.tables import require_parquet

            require_parquet()

    def reserve(self, case: Case) -> None:
        from ..files.folder import reserve
        from ..files.manifest import Run, arguments
        from .case_files import case_files

        self._run = Run(
            argv=arguments(self.options),
            case_files=case_files(case),
            started=self._started,
            tables=self.options.tables,
        )
        self._place = reserve(self.options.out, case.case.name + self.suffix)

    def keep(self, found: Found) -> None:
        from ..files.manifest import copies, manifest
        from .hand_over import SUMMARY_WIDTH, Result, keep

        run = self._run
        self._result = Result(
            files={**self.files(found, run.tables), **copies(run.case_files)},
            document=f"{self.kind}.json",
            texts=self.texts(found, SUMMARY_WIDTH),
            manifest=lambda files: manifest(run, self.about(found), files),
            draw=lambda width, folder, colour, glyphs: self.draw(found, width, folder, colour, glyphs),
            gist=lambda: self.gist(found),
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
        return self.outcome(found) if self._kept.whole and self._shown else Exit.FAILURE
