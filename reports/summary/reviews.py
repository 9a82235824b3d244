"""The part of the summary on plans that adapt: the tree of reviews, what differs in it, and what they are worth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.review_names import (
    FREE,
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


def _render(plan: Plan, _: View) -> Iterator[RenderableType]:
    """The tree, sentences, and the worth in bounds that are proven."""
    nodes = plan.tables[REVIEW_TREE].records()
    yield from heading(TITLE, "CVaR in each node, of its own scenarios; limits hold over all of them")
    yield _tree(plan, nodes)
    for sentence in sentences(plan):
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
    found = {row.text(ReviewWorth.CASE): row for row in plan.tables[REVIEW_WORTH].records()}
    bounds = (ReviewWorth.LOWER, ReviewWorth.UPPER)
    rows = [
        (name, *(figure(row.maybe(key), 7) for key in bounds), row.text(ReviewWorth.STATUS))
        for name, row in found.items()
    ]
    if len(rows) < 2:
        return
    yield grid((f"best objective, {plan.objective_unit}", "at least", "at most", ""), "lrrl", rows)
    said = _in_words(plan, found)
    if said:
        yield note(said, "")


def _in_words(plan: Plan, found: dict[str, Record]) -> str:
    """What the reviews bring for certain, and what part of the cost of the limits that is."""
    low = {name: row.maybe(ReviewWorth.LOWER) for name, row in found.items()}
    high = {name: row.maybe(ReviewWorth.UPPER) for name, row in found.items()}
    if None in (low.get(WITH), high.get(WITH), low.get(WITHOUT), high.get(WITHOUT)):
        return ""
    lower, upper = ({k: v for k, v in each.items() if v is not None} for each in (low, high))
    falls = _falls(plan)
    least = lower[WITHOUT] - upper[WITH] if falls else lower[WITH] - upper[WITHOUT]
    most = upper[WITHOUT] - lower[WITH] if falls else upper[WITH] - lower[WITHOUT]
    base = max(1e-9, abs(found[WITHOUT].number(ReviewWorth.OBJECTIVE)))
    said = (
        f"the reviews are worth {_span(figure(least), figure(most))} {plan.objective_unit} "
        f"({_span(percent(least / base, 2), percent(most / base, 2))})"
    )
    if FREE in lower and FREE in upper:
        free, static = found[FREE].number(ReviewWorth.OBJECTIVE), found[WITHOUT].number(ReviewWorth.OBJECTIVE)
        cost = abs(free - static)
        if cost > 1e-6 * base and math.isfinite(cost):
            said += (
                f"; limits on risk cost {percent(cost / base, 2)} without them, of which that is "
                f"{percent(0.5 * (least + most) / cost, 0)}"
            )
    return said


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _falls(plan: Plan) -> bool:
    """Whether less of the objective is better."""
    return plan.case.objective.kind == "cost"


def _applies(plan: Plan) -> bool:
    return has_plan(plan) and REVIEW_TREE in plan.tables


SECTION = Section("reviews", TITLE, (REVIEW_TREE, NODE_DIFFERENCES, NODE_RISK, REVIEW_WORTH), _render, _applies)
