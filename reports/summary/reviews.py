"""The part of the summary on plans that adapt: the tree of reviews, what differs in it, and what they are worth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.review_names import (
    FREE,
    NODE,
    NODE_DIFFERENCES,
    NODE_RISK,
    REVIEW_TREE,
    REVIEW_WORTH,
    WITH,
    WITHOUT,
    NodeRisk,
    ReviewTree,
    ReviewWorth,
)
from ..text import figure, percent, safe
from .layout import grid, heading, note
from .review_sentences import condition, sentences
from .section import Section, View
from .views import has_plan

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan
    from ...optimizer.table import Record

TITLE = "Reviews"


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The tree, sentences, and the worth in bounds that are proven."""
    nodes = plan.tables[REVIEW_TREE].records()
    yield from heading(TITLE, "CVaR in each node, of its own scenarios; limits hold over all of them")
    yield _tree(plan, nodes)
    for sentence in sentences(plan, view.money):
        yield note(sentence, "")
    yield from _worth(plan)


def _tree(plan: Plan, nodes: list[Record]) -> RenderableType:
    limits = [risk.name for risk in plan.risk]
    cvars = {
        (row.text(NodeRisk.NODE), row.text(NodeRisk.LIMIT)): row.number(NodeRisk.CVAR)
        for row in plan.tables[NODE_RISK].records()
    }
    rows = []
    for node in _behind(nodes, nodes[0]):
        name = node.text(ReviewTree.NODE)
        depth = name.count("/") + 1 if name else 0
        seen = f"{node.text(ReviewTree.REVIEW)}: {condition(node)}" if name else "before any review"
        share = percent(node.number(ReviewTree.PROBABILITY))
        shown = "  " * depth + (safe(name.rpartition("/")[2]) if name else "all")
        rows.append((shown, seen, share, *(figure(cvars[name, limit]) for limit in limits)))
    heads = ("node", "if", "probability", *(f"CVaR {safe(limit)}" for limit in limits))
    return grid(heads, "llr" + "r" * len(limits), rows, flexible=1)


def _behind(nodes: list[Record], node: Record) -> Iterator[Record]:
    """A node, and all behind it, one branch after the other."""
    yield node
    for other in nodes[1:]:
        if other.text(ReviewTree.PARENT) == node.text(ReviewTree.NODE):
            yield from _behind(nodes, other)


def _worth(plan: Plan) -> Iterator[RenderableType]:
    table = plan.tables[REVIEW_WORTH]
    if len(table.rows) < 2:  # there was no time to plan without the reviews
        return
    found = [(name, table.row(name)) for name in (WITH, WITHOUT, FREE)]
    bounds = (ReviewWorth.LOWER, ReviewWorth.UPPER)
    rows = [(name, *(figure(row.maybe(key), 7) for key in bounds), row.text(ReviewWorth.STATUS)) for name, row in found]
    yield grid((f"best objective, {plan.objective_unit}", "at least", "at most", ""), "lrrl", rows)
    if said := worth_in_words(plan):
        yield note(said, "")


def worth_in_words(plan: Plan) -> str:
    """What the reviews are worth for certain, in a sentence; "" where there was no time to plan without them."""
    table = plan.tables[REVIEW_WORTH]
    if len(table.rows) < 2:
        return ""
    rows = [table.row(name) for name in (WITH, WITHOUT, FREE)]
    return _in_words(plan, *((row.maybe(ReviewWorth.LOWER), row.maybe(ReviewWorth.UPPER)) for row in rows))


Span = tuple[float | None, float | None]


def _in_words(plan: Plan, own: Span, without: Span, free: Span) -> str:
    """What the reviews bring for certain, and what part of the cost of the limits that is."""
    if None in own or None in without:
        return ""
    (low, high), (least, most) = _told(own), _told(without)
    gains = (least - high, most - low) if _falls(plan) else (low - most, high - least)
    base = max(1e-9, abs(0.5 * (least + most)))
    said = (
        f"the reviews are worth {_span(*map(figure, gains))} {plan.objective_unit} "
        f"({_span(*(percent(gain / base, 2) for gain in gains))})"
    )
    if None not in free:
        cost = abs(sum(_told(free)) - least - most) / 2.0
        if cost > 1e-6 * base:
            said += (
                f"; limits on risk cost {percent(cost / base, 2)} without them, of which that is "
                f"{percent(0.5 * sum(gains) / cost, 0)}"
            )
    return said


def _told(span: Span) -> tuple[float, float]:
    low, high = span
    return (math.nan if low is None else low), (math.nan if high is None else high)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _falls(plan: Plan) -> bool:
    """Whether less of the objective is better."""
    return plan.case.objective.kind == "cost"


def adapts(plan: Plan) -> bool:
    """Whether there is a plan, and it has reviews."""
    return has_plan(plan) and NODE in plan.decisions.names


SECTION = Section("reviews", TITLE, (REVIEW_TREE, NODE_DIFFERENCES, NODE_RISK, REVIEW_WORTH), _render, adapts)
