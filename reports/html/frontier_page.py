"""The report of a frontier: the best plan at each of many amounts of one risk limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.frontiers.names import FRONTIER, FRONTIER_FUNDING
from ..charts.frontiers import frontier_drawings
from ..summary.views import words
from ..text import figure, plural, safe, seconds
from .assumptions import assumptions
from .glossary import terms
from .page import Page, Part, figure_of, grid

if TYPE_CHECKING:
    from ...optimizer.frontiers.frontier import Frontier


def frontier_page(found: Frontier) -> Page:
    """The page of a frontier; points without a plan are in its table with the reason."""
    case = found.case
    certified = sum(point.status.value == "certified" for point in found.points)
    whole = certified == len(found.points) and not found.interrupted
    sentence, sources = assumptions(case)
    return Page(
        title=f"{safe(case.case.title or case.case.name)}: what {words(safe(found.limit))} buys",
        subtitle=(
            f"{plural(len(found.points), 'point')} on {plural(found.scenarios.count, 'scenario')}, "
            f"seed {found.scenarios.seed}; in billion {safe(case.case.currency)}"
        ),
        status="ALL CERTIFIED" if whole else f"{certified} OF {len(found.points)} CERTIFIED",
        tone="good" if whole else "warn",
        facts=(),
        lead=tuple(_lead(found)),
        parts=(
            Part(
                "frontier-charts",
                "Frontier",
                figures=tuple(figure_of(*named) for named in frontier_drawings(found)),
                grids=(grid(found.tables[FRONTIER]),),
                folded=(grid(found.tables[FRONTIER_FUNDING]),),
            ),
            Part("assumptions", "Assumptions", (sentence,), folded=() if sources is None else (sources,)),
            Part("glossary", "Glossary", terms=terms()),
        ),
        foot=(
            *(safe(message) for message in found.messages),
            f"Planned in {seconds(found.timings.total_s)}. A plan is as good as its assumptions. It is not investment "
            "advice.",
        ),
    )


def _lead(found: Frontier) -> Iterator[str]:
    if found.minimum is not None:
        yield f"The minimum that any plan reaches is {figure(found.minimum, 5)} {safe(found.unit)}."
    if found.interrupted:
        yield "It was interrupted before all points were found."
