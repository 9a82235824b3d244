"""The tables of a plan that adapts: its tree, what each node decides otherwise, statements and risk by node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...kernels.backend import Backend
from ...kernels.memory.leaves import LeafStore
from ...kernels.tail import tail
from ...kernels.vectors import LossVector
from ...models.schema.rules import Risk
from ..reviews.tree import Node, Tree
from ..table import Cell, Column, Table
from .adaptive_amounts import AdaptiveAmounts
from .expected import LEAST_SIZE, Amounts
from .funding_tables import funding, holdings
from .names import DECISIONS, NO, YES, Decisions
from .review_names import (
    BY_LEAF,
    LEAF,
    NODE,
    NODE_DIFFERENCES,
    NODE_RISK,
    REVIEW_TREE,
    NodeDifferences,
    NodeRisk,
    ReviewTree,
    by_leaf,
)
from .risk_figures import UNITS
from .statements import statements
from .tabulate import NEGLIGIBLE, long, rounded_off


def review_tables(
    amounts: AdaptiveAmounts, backend: Backend, store: LeafStore, risks: Sequence[Risk], losses: Sequence[LossVector]
) -> dict[str, Table]:
    """review_tree, node_differences, node_risk, and the tables of `BY_LEAF`."""
    labels = amounts.labels
    found = [
        _tree(amounts.tree, labels),
        _differences(amounts),
        _risk(amounts.tree, backend, store, risks, losses),
        *_by_leaf(amounts),
    ]
    return {table.name: table for table in found}


def node_decisions(amounts: AdaptiveAmounts) -> Table:
    """Every decision that is taken at all, once for each node that takes it."""
    rows: list[tuple[Cell, ...]] = []
    for node in amounts.tree.nodes:
        path = amounts.each[node.number]
        for decision, amount in zip(amounts.ledger.decisions, path.decided.tolist(), strict=True):
            taken = node.start <= decision.period < node.end
            if decision.block == "fixed" or not taken or abs(amount) <= NEGLIGIBLE * LEAST_SIZE:
                continue
            tags = ", ".join(f"{k}={v}" for k, v in decision.tags.items())
            label = amounts.labels[decision.period]
            rows.append((decision.key, decision.block, label, amount, decision.unit, tags, node.name))
    columns = (
        Column(Decisions.KEY),
        Column(Decisions.BLOCK),
        Column(Decisions.PERIOD),
        Column(Decisions.AMOUNT, "", "number"),
        Column(Decisions.UNIT),
        Column(Decisions.TAGS),
        Column(NODE),
    )
    return long(DECISIONS, "Decisions, of each node of the tree", columns, rows)


def _tree(tree: Tree, labels: Sequence[str]) -> Table:
    """A row per node: where it comes from, what has been seen, how likely it is, and which periods it decides."""
    columns = (
        Column(ReviewTree.NODE),
        Column(ReviewTree.PARENT),
        Column(ReviewTree.REVIEW),
        Column(ReviewTree.SIGNAL),
        Column(ReviewTree.FROM, "", "number"),
        Column(ReviewTree.BELOW, "", "number"),
        Column(ReviewTree.PROBABILITY, "", "share"),
        Column(ReviewTree.SCENARIOS, "", "count"),
        Column(ReviewTree.FIRST),
        Column(ReviewTree.LAST),
        Column(ReviewTree.LEAF),
        Column(ReviewTree.COVENANTS),
    )
    rows: list[tuple[Cell, ...]] = []
    for node, share in zip(tree.nodes, tree.probabilities.tolist(), strict=True):
        review = None if node.review < 0 else tree.reviews[node.review]
        decides = node.start < node.end
        rows.append(
            (
                node.name,
                None if node.parent < 0 else tree.nodes[node.parent].name,
                None if review is None else labels[review.at],
                None if review is None else review.signal,
                node.low if np.isfinite(node.low) else None,
                node.high if np.isfinite(node.high) else None,
                share,
                node.count,
                labels[node.start] if decides else None,
                labels[node.end - 1] if decides else None,
                YES if node.number in tree.leaves else NO,
                "" if review is None else review.covenants,
            )
        )
    return long(REVIEW_TREE, "The tree of the reviews", columns, rows)


def _differences(amounts: AdaptiveAmounts) -> Table:
    """What is decided after a review in one band and otherwise in the others: expected totals from its date on."""
    tree = amounts.tree
    columns = (
        Column(NodeDifferences.NODE),
        Column(NodeDifferences.BLOCK),
        Column(NodeDifferences.WHAT),
        Column(NodeDifferences.UNIT),
        Column(NodeDifferences.AMOUNT, "", "number"),
        Column(NodeDifferences.BESIDE, "", "number"),
        Column(NodeDifferences.DIFFERENCE, "", "number"),
    )
    rows: list[tuple[Cell, ...]] = []
    for node in tree.nodes[1:]:
        others = [n for n in tree.nodes if n.parent == node.parent and n.number != node.number]
        weight = sum(n.count for n in others)
        own = _after(amounts, node)
        each = [(n.count / weight, _after(amounts, n)) for n in others]
        for key, amount in own.items():
            beside = sum(share * other[key] for share, other in each)
            difference = rounded_off(amount - beside, amount, beside)
            if abs(difference) > LEAST_SIZE * max(abs(amount), abs(beside), 1e-3):
                rows.append((node.name, *key, amount, beside, difference))
    return long(NODE_DIFFERENCES, "What differs from the other bands of the same review", columns, rows)


def _after(amounts: AdaptiveAmounts, node: Node) -> dict[tuple[str, str, str], float]:
    """Expected totals of what is decided from a node's date on, by block, tags (without the period) and unit."""
    tree, total = amounts.tree, np.zeros(len(amounts.ledger.decisions))
    for i in tree.below(node.number):
        leaf = tree.leaves[i]
        total += tree.nodes[leaf].count / node.count * amounts.each[leaf].decided
    found: dict[tuple[str, str, str], float] = {}
    for decision, amount in zip(amounts.ledger.decisions, total.tolist(), strict=True):
        if decision.block in ("fixed", "tax") or decision.period < node.start:
            continue
        what = ", ".join(f"{k}={v}" for k, v in decision.tags.items() if k != "period")
        key = (decision.block, what, decision.unit)
        found[key] = found.get(key, 0.0) + amount
    return found


def _risk(tree: Tree, backend: Backend, store: LeafStore, risks: Sequence[Risk], losses: Sequence[LossVector]) -> Table:
    """Each loss among the scenarios of each node. Only the root's CVaR is limited."""
    columns = (
        Column(NodeRisk.NODE),
        Column(NodeRisk.LIMIT),
        Column(NodeRisk.LEVEL, "", "share"),
        Column(NodeRisk.UNIT),
        Column(NodeRisk.MEAN, "", "number"),
        Column(NodeRisk.VAR, "", "number"),
        Column(NodeRisk.CVAR, "", "number"),
        Column(NodeRisk.ASKED, "", "number"),
        Column(NodeRisk.ABOVE, "", "share"),
    )
    ends = np.concatenate([[0], np.cumsum(store.counts())])
    rows: list[tuple[Cell, ...]] = []
    for risk, loss in zip(risks, losses, strict=True):
        values = backend.host(loss)
        for node in tree.nodes:
            mine = np.concatenate([values[ends[i] : ends[i + 1]] for i in tree.below(node.number)])
            worst = tail(mine, risk.level)
            above = float((mine > risk.limit).mean())
            figures = (float(mine.mean()), worst.var, worst.cvar, risk.limit, above)
            rows.append((node.name, risk.id, risk.level, UNITS[risk.loss], *figures))
    return long(NODE_RISK, "Losses among the scenarios of each node", columns, rows)


def _by_leaf(amounts: AdaptiveAmounts) -> list[Table]:
    """Statements and holdings of each leaf, on its own conditional means: the whole path that leads there."""
    tables: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in BY_LEAF}
    heads: dict[str, Table] = {}
    for leaf in amounts.tree.leaves:
        path: Amounts = amounts.each[leaf]
        here = statements(path) | holdings(path, funding(path))
        for name in BY_LEAF:
            heads[name] = here[name]
            tables[name] += [(amounts.tree.nodes[leaf].name, *row) for row in here[name].rows]
    return [
        Table(by_leaf(name), f"{heads[name].title}, by leaf", (Column(LEAF), *heads[name].columns), tuple(rows))
        for name, rows in tables.items()
    ]
