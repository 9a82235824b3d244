"""What a result of each kind puts into its run folder and onto the screen: asked by the command line and by Python."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from ..glyphs import UNICODE, Glyphs
from ..outputs import REPORT, SUMMARY

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.schema.case import Case
    from ..exits import Exit
    from ..files.manifest import About
    from ..html.page import Page

SUMMARY_WIDTH = 100

Found = TypeVar("Found")
Makers = Mapping[str, Callable[[], bytes]]
Texts = Mapping[str, Callable[[], str | bytes]]


class Kind(ABC, Generic[Found]):
    """A kind of result.

    name: its document is NAME.json. suffix: what the folder is called beside the case.
    """

    name: ClassVar[str]
    suffix: ClassVar[str] = ""

    @abstractmethod
    def case(self, found: Found) -> Case:
        """The case it is about."""

    @abstractmethod
    def files(self, found: Found, tables: str) -> Makers:
        """How to make each file of data, by its path in the folder; tables: csv or parquet."""

    @abstractmethod
    def page(self, found: Found) -> Page:
        """Its report."""

    @abstractmethod
    def about(self, found: Found) -> About:
        """What the manifest says of it."""

    @abstractmethod
    def draw(self, found: Found, width: int, folder: Path | None, colour: bool, glyphs: Glyphs) -> str:
        """The summary on a screen."""

    @abstractmethod
    def gist(self, found: Found) -> str:
        """It in a line."""

    @abstractmethod
    def outcome(self, found: Found) -> Exit:
        """How a command ends that has made it."""

    def texts(self, found: Found, width: int = SUMMARY_WIDTH) -> Texts:
        """How to draw each summary and report of the folder, by its path in it.

        What draws is imported by the makers, when the data is safe: a library that is broken costs its text alone.
        """

        def report() -> str:
            from ..html.page import html

            return html(self.page(found))

        return {SUMMARY: lambda: self.draw(found, width, None, False, UNICODE), REPORT: report}


def encoded(text: str | bytes) -> bytes:
    """What has been drawn, as it is written; a lone surrogate of a name is spelt out."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
