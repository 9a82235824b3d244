"""A case with reviews on its scenarios: the tree, each node's conditional means, its program, losses leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.memory.leaves import LeafBackend, LeafLoss, LeafStore
from ...kernels.tables import LossTable
from ...models.blocks.idle import Idle, idle
from ...models.blocks.objective import OF_MONEY
from ...models.build import build_program
from ...models.ledger import Ledger
from ...models.own_limits import OwnLimit
from ...models.program import LinearProgram
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..reviews.program import Stitched, stitch
from ..reviews.signals import LeafOf, grown, signals
from ..reviews.tree import Tree
from .assemble import measured
from .driver_order import driver_order
from .exposures import MeasuredLoss

Pairs = frozenset[tuple[str, int]]


@dataclass(frozen=True, eq=False)
class Parted:
    """The scenarios of a case with reviews, parted by its tree."""

    tree: Tree
    backend: LeafBackend
    store: LeafStore


def parted(case: Case, backend: Backend, store: ScenarioStore) -> tuple[Parted | None, tuple[str, ...]]:
    """The scenarios in the order of the tree's leaves, and remarks; None where the reviews part nothing."""
    found = signals(case, driver_order(case))
    tree = grown(case, found, backend, store)
    if not tree.parts:
        return None, tree.messages
    over = LeafBackend(backend, LeafOf(tree, found), len(tree.leaves))
    return Parted(tree, over, over.parted(store)), tree.messages


@dataclass(frozen=True, eq=False)
class Adaptive:
    """What a plan that adapts is made from.

    Attributes:
        means: (nodes, A) sample means of the ledger's atoms over the scenarios of each node.
        rates: (nodes, T) mean interest on a surplus, likewise.
        stitched: its program, and where each node sees the ledger's decisions.
        count: N, the ledger's decisions.
    """

    tree: Tree
    means: FloatArray
    rates: FloatArray
    stitched: Stitched
    count: int

    def decided(self, node: int, decisions: FloatArray) -> FloatArray:
        """(N,) the ledger's decisions on the way to a node, from those of all nodes; 0 for those behind it."""
        at = self.stitched.decisions[node]
        return np.where(at >= 0, np.asarray(decisions)[np.maximum(at, 0)], 0.0)

    def spread(self, each: Sequence[MeasuredLoss]) -> MeasuredLoss:
        """A loss that each leaf has in its own way, or all in the same, over the decisions of all nodes (L E, all)."""
        leaves = self.tree.leaves
        own = list(each) * len(leaves) if len(each) == 1 else list(each)
        total = self.stitched.program.decisions.size
        blocks = []
        for leaf, one in zip(leaves, own, strict=True):
            m = csr_array(one.matrix)
            blocks.append(
                csr_array((m.data, self.stitched.decisions[leaf][m.indices], m.indptr), shape=(m.shape[0], total))
            )
        return MeasuredLoss(own[0].name, _table([one.table for one in own]), csr_array(vstack(blocks, format="csr")))

    def losses(self, case: Case, ledger: Ledger, rates: FloatArray, nothing_due: Pairs) -> tuple[MeasuredLoss, ...]:
        """The losses of the case's risk limits, as `assemble.measured`. What a scenario loses does not depend on what
        is seen, so deposits earn the mean rates (T,) of all scenarios; the tax of doing nothing is what is expected
        node by node on the way to each leaf.
        """
        nothing = idle_of_nodes(case, ledger, self.tree, self.means, [rates] * len(self.tree.nodes))
        each = [
            measured(case, ledger, self.means[leaf], rates, nothing_due, nothing[leaf].tax) for leaf in self.tree.leaves
        ]
        return tuple(self.spread(one) for one in zip(*each, strict=True))


def adaptive(
    case: Case,
    ledger: Ledger,
    tree: Tree,
    means: FloatArray,
    rates: FloatArray,
    closed: Pairs,
    nothing_due: Pairs,
    between: Callable[[], None] = lambda: None,
    own: Sequence[OwnLimit] = (),
) -> Adaptive:
    """The program of a case with reviews.

    Args:
        ledger: as it is told on the means of all nodes.
        means, rates: (nodes, A) and (nodes, T), of each node.
        closed, nothing_due: the calendars of the expected path, kept in every node.
        own: limits that the user added, held by every node.
    """
    programs: list[LinearProgram] = [
        build_program(case, ledger, means[node.number], rates[node.number], closed, nothing_due, between, own)
        for node in tree.nodes
    ]
    if case.objective.kind in OF_MONEY:  # against doing nothing, which is taxed node by node as plans are
        nothing = idle_of_nodes(case, ledger, tree, means, list(rates))
        sign = 1.0 if case.objective.kind == "cost" else -1.0
        programs = [replace(p, offset=sign * one.wealth) for p, one in zip(programs, nothing, strict=True)]
    stitched = stitch(tree, programs, ledger)
    return Adaptive(tree, means, rates, stitched, len(ledger.decisions))


def idle_of_nodes(case: Case, ledger: Ledger, tree: Tree, means: FloatArray, rates: Sequence[FloatArray]) -> list[Idle]:
    """What doing nothing comes to in each node."""
    found: list[Idle] = []
    for node in tree.nodes:
        before = found[node.parent] if node.parent >= 0 else None
        found.append(idle(case, ledger, means[node.number], rates[node.number], node.start, before))
    return found


def over_nodes(of: Parted, leaf: FloatArray, root: FloatArray) -> FloatArray:
    """(nodes, n) means over each node's scenarios from those of the leaves (L, n); the root's as given."""
    tree = of.tree
    out = np.empty((len(tree.nodes), leaf.shape[1]))
    for node in tree.nodes:
        below = tree.below(node.number)
        counts = np.array([tree.nodes[tree.leaves[i]].count for i in below], dtype=np.float64)
        out[node.number] = leaf[below[0]] if len(below) == 1 else counts @ leaf[list(below)] / counts.sum()
    out[0] = root
    return out


def _table(tables: Sequence[LossTable]) -> LossTable:
    """One table where all leaves have the same; else one that knows each leaf's, which may differ in its floor only."""
    first = tables[0]
    for other in tables[1:]:
        same = (
            np.array_equal(first.terms.factors, other.terms.factors)
            and np.array_equal(first.terms.atom, other.terms.atom)
            and np.array_equal(first.terms.start, other.terms.start)
        )
        if not same:
            raise ValueError("the leaves of a tree see losses of different terms")
    if all(np.array_equal(first.floor, other.floor) for other in tables[1:]):
        return first
    fields = {name: getattr(first, name) for name in LossTable.__dataclass_fields__}
    return LeafLoss(**fields, leaves=tuple(replace(first, floor=other.floor) for other in tables))
