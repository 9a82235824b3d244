"""What a chart is: its name, the tables it reads, and how it is drawn: unit, a sentence, the numbers, marks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..summary.views import has_plan
from .theme import altair, dressed

if TYPE_CHECKING:
    from ...optimizer.plan import Plan
    from ...optimizer.table import Table


@dataclass(frozen=True)
class Drawing:
    """A chart of one plan.

    Attributes:
        unit: of what is drawn.
        sentence: what the reader should see, with its figures; ends with a full stop.
        numbers: all that is drawn, as a table.
        marks: the chart without its clothes, made when it is asked for: only then is Altair loaded.
    """

    unit: str
    sentence: str
    numbers: Table
    marks: Callable[[], Any]

    def chart(self, title: str = "") -> Any:
        """An altair.Chart, titled where a title is given."""
        made = dressed(self.marks())
        return made.properties(title=title) if title else made


@dataclass(frozen=True)
class Chart:
    """A kind of chart.

    Attributes:
        name: unique, as it is asked for.
        title: what stands over it.
        tables: of the plan that it reads; it sees no others.
        draw: the drawing of a plan, None where there is nothing to be seen. It may raise: no figure is ever guessed.
        applies: whether the plan has it at all.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    draw: Callable[[Plan], Drawing | None]
    applies: Callable[[Plan], bool] = has_plan

    def of(self, plan: Plan) -> Drawing | None:
        """The drawing of this plan, None where it does not apply or has nothing to show.

        UnknownName: the plan lacks a table.
        """
        if not self.applies(plan):
            return None
        own = {name: plan.tables[name] for name in self.tables}
        return self.draw(dataclasses.replace(plan, tables=own))


def drawings(charts: Sequence[Chart], plan: Plan) -> Iterator[tuple[Chart, Drawing]]:
    """Those of the charts that have something to show, in their order."""
    for chart in charts:
        drawing = chart.of(plan)
        if drawing is not None:
            yield chart, drawing


def data(rows: Sequence[dict[str, Any]]) -> Any:
    """Rows as Altair takes them, inline."""
    return altair().Data(values=list(rows))
