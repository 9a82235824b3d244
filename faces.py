"""How results show themselves: as text, as a page, as charts, as a run folder. The engine draws none of it.

The package says, when it is loaded, which module of the floor above does (`home`); it is loaded when it is first asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

home = ""


def _faces() -> Any:
    if not home:
        raise RuntimeError("results are shown by the package's reports; import capmix, not a part of it")
    return import_module(home)


class Shown:
    """What a plan, a comparison and a frontier offer in a notebook or a script."""

    def summary(self, width: int = 100, full: bool = False) -> str:
        """What `capmix` prints of it, in 80 to 120 columns; full: of a plan every section, as `--full` does."""
        text: str = _faces().summary(self, width, full)
        return text

    @property
    def charts(self) -> Any:
        """Its charts, each a function that gives an `altair.Chart`: `plan.charts.cash_fan()`; `dir()` lists them."""
        return _faces().charts(self)

    def report(self) -> str:
        """The report as one HTML page."""
        page: str = _faces().report(self)
        return page

    def save(self, folder: str | PathLike[str], tables: str = "csv") -> Path:
        """Write the run folder, as the command does; tables: csv or parquet. Returns where it is.

        Raises:
            UsageError: the folder is not empty or cannot be written, or no file holds the case: it was changed in
                Python after it was read.
            WriteError: the disk failed.
        """
        path: Path = _faces().save(self, folder, tables)
        return path

    def __repr__(self) -> str:
        words: str = _faces().words(self) if home else object.__repr__(self)
        return words

    def _repr_html_(self) -> str:
        """What a notebook shows: the head of the report."""
        head: str = _faces().head(self)
        return head
