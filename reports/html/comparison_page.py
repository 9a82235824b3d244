"""The report of a comparison: variants of one case on the same scenarios, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.comparison.names import COMPARISON, COST_BY_INSTRUMENT, LIMITS, MILESTONES
from ..charts.variants import comparison_drawings
from ..summary.side_by_side import rows
from ..text import plural, safe, seconds
from .assumptions import assumptions
from .glossary import terms
from .page import Grid, Page, Part, figure_of, grid, plain

if TYPE_CHECKING:
    from ...optimizer.comparison.compare import Comparison


def comparison_page(found: Comparison) -> Page:
    """The page of a comparison; variants without a plan are named with the reason."""
    case, outcomes = found.case, list(found.outcomes.values())
    first = outcomes[0].plan
    planned = [one for one in outcomes if one.capacity is not None]
    proven = all(one.plan.status.value == "certified" for one in outcomes) and not found.missing
    sentence, sources = assumptions(case)
    return Page(
        title=safe(case.case.title or case.case.name),
        subtitle=(
            f"{plural(len(outcomes), 'variant')} on the same {plural(first.scenarios.count, 'scenario')}, "
            f"seed {first.scenarios.seed}; in billion {safe(case.case.currency)}"
        ),
        status="ALL CERTIFIED" if proven else f"{len(planned)} OF {len(outcomes) + len(found.missing)} PLANNED",
        tone="good" if proven else "warn",
        facts=(),
        lead=tuple(_lead(found)),
        parts=(
            Part(
                "variants",
                "Variants",
                figures=tuple(figure_of(*named) for named in comparison_drawings(found)),
                grids=(_figures(found),),
            ),
            Part(
                "tables",
                "Tables",
                folded=tuple(grid(found.tables[name]) for name in (COMPARISON, MILESTONES, LIMITS, COST_BY_INSTRUMENT)),
            ),
            Part("assumptions", "Assumptions", (sentence,), folded=() if sources is None else (sources,)),
            Part("glossary", "Glossary", terms=terms()),
        ),
        foot=(
            f"Planned in {seconds(found.total_s)}. A plan is as good as its assumptions. It is not investment advice.",
        ),
    )


def _figures(found: Comparison) -> Grid:
    """As in the terminal: figures as rows, variants as columns."""
    outcomes = list(found.outcomes.values())
    names = [one.name for one in outcomes]
    return plain("Side by side", ["", *names], list(rows(found, outcomes)), [False, *(True for _ in names)])


def _lead(found: Comparison) -> Iterator[str]:
    for one in found.outcomes.values():
        if one.capacity is None:
            plan = one.plan
            why = plan.infeasibility.reason if plan.infeasibility is not None else "; ".join(plan.messages)
            yield f"{safe(one.name)} has no plan: {safe(why)}"
    if found.missing:
        yield f"Interrupted: not planned are {safe(', '.join(found.missing))}."
