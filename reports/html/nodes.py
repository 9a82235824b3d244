"""Tables of a plan that adapts, node by node and leaf by leaf, each short enough to be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import CASH_FLOW, PURCHASES
from ...optimizer.analysis.review_names import (
    LEAF,
    NODE_RISK,
    REVIEW_TREE,
    NodeRisk,
    ReviewTree,
    by_leaf,
)
from ...optimizer.table import Record, Table
from ..charts.reviews import adapts
from ..summary.review_sentences import SPOKEN, UNITS, Difference, condition, differences_by_node, named
from ..text import figure, money, percent, safe
from .page import Grid, grid, plain

if TYPE_CHECKING:
    from ...optimizer.plan import Plan

ALL = "all scenarios"
KINDS = {"order": "systems", "sign": "contract", "start": "construction", "raise": "capital"}
SHOWN_BY_LEAF = (CASH_FLOW, PURCHASES)


def node_risk(plan: Plan) -> tuple[Grid, ...]:
    """Losses in each node; the root is all scenarios."""
    if not adapts(plan):
        return ()
    table = plan.tables[NODE_RISK]
    at = table.place(NodeRisk.NODE)
    rows = tuple((*row[:at], row[at] or ALL, *row[at + 1 :]) for row in table.rows)
    return (grid(dataclasses.replace(table, rows=rows)),)


def node_tables(plan: Plan) -> tuple[Grid, ...]:
    """What each node does otherwise than the other bands of its review; then amounts leaf by leaf."""
    return tuple(_node_tables(plan)) if adapts(plan) else ()


def _node_tables(plan: Plan) -> Iterator[Grid]:
    nodes = plan.tables[REVIEW_TREE].records()
    paths = {node.text(ReviewTree.NODE): _path(node, nodes) for node in nodes}
    found = differences_by_node(plan)
    for name, path in paths.items():
        rows = [
            (KINDS[one.verb], named(plan.case, one), UNITS[one.verb], *_told(one))
            for one in sorted(found.get(name, ()), key=lambda one: (SPOKEN.index(one.verb), -one.size))
            if len(set(_told(one)[:2])) == 2
        ]
        if rows:
            heads = ("", "what", "unit", "here", "in the other bands", "difference")
            yield plain(f"Decided otherwise where {path}", heads, rows, (False, False, False, True, True, True))
    for title in SHOWN_BY_LEAF:
        table = plan.tables[by_leaf(title)]
        for name, path in paths.items():
            part = _of(table, LEAF, name)
            if part.rows:
                yield grid(part, f"{safe(plan.tables[title].title)} where {path}")


def _told(one: Difference) -> tuple[str, str, str]:
    """The amount here, that in the other bands, and what it is more or less."""
    text = money if one.verb == "raise" else figure
    return text(one.amount), text(one.beside), ("+" if one.amount > one.beside else "-") + text(one.size)


def _path(node: Record, nodes: list[Record]) -> str:
    """The conditions that lead to a node, and how likely they are."""
    seen: list[str] = []
    at = node
    while at.text(ReviewTree.NODE):
        seen.append(f"{condition(at)} in {at.text(ReviewTree.REVIEW)}")
        parent = at.text(ReviewTree.PARENT)
        at = next(other for other in nodes if other.text(ReviewTree.NODE) == parent)
    said = " and ".join(reversed(seen)) or "no review has been held"
    return f"{safe(said)} ({percent(node.number(ReviewTree.PROBABILITY))})"


def _of(table: Table, column: str, name: str) -> Table:
    """The rows of one node, without the column that says so."""
    at = table.place(column)
    columns = (*table.columns[:at], *table.columns[at + 1 :])
    rows = tuple((*row[:at], *row[at + 1 :]) for row in table.rows if row[at] == name)
    return dataclasses.replace(table, columns=columns, rows=rows)
