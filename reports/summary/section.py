"""What a section of the summary is: its name, the tables it reads, when it applies, and how it is drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..glyphs import UNICODE, Glyphs
from ..scale import BILLIONS, MoneyScale
from .views import has_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan


@dataclass(frozen=True)
class View:
    """What a summary is drawn for: columns of the page, run folder if there is one, glyphs and unit of money."""

    width: int
    folder: Path | None = None
    g: Glyphs = UNICODE
    money: MoneyScale = BILLIONS


def always(_: Plan) -> bool:
    """Whatever came of the run."""
    return True


@dataclass(frozen=True)
class Section:
    """A part of the summary.

    Attributes:
        name: unique, as its file is called.
        title: the words of its first heading; "" where it has none.
        tables: of the plan that it reads; it sees no others.
        render: what is drawn. It may raise: a figure that is not there is never guessed.
        applies: whether the plan has the section at all.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    render: Callable[[Plan, View], Iterator[RenderableType]]
    applies: Callable[[Plan], bool] = has_plan


def drawn(sections: Sequence[Section], plan: Plan, view: View) -> Iterator[RenderableType]:
    """The sections that apply, in their order. UnknownName where a section's table is not in the plan."""
    for section in sections:
        if section.applies(plan):
            own = {name: plan.tables[name] for name in section.tables}
            yield from section.render(dataclasses.replace(plan, tables=own), view)
