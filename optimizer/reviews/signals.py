"""Which leaf a scenario belongs to: signals as the kernels read them, levels from quantiles, and the tree they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...kernels.backend import Backend, ScenarioStore
from ...kernels.tables import MAX_FACTORS, LossKind, LossTable, TermTable
from ...models.schema.case import Case
from ...models.schema.reviews import Review
from ..arrays import FloatArray
from .tree import Node, Tree

FEW = 200
"""Scenarios of a node below which its conditional means say little."""


@dataclass(frozen=True, eq=False)
class Signal:
    """What is looked at: the product of drivers in one period, as a flow of the kernels."""

    table: LossTable

    @classmethod
    def of(cls, drivers: Sequence[int], period: int, periods: int) -> Signal:
        """drivers: where they are stored."""
        factors = np.full((1, MAX_FACTORS), -1, dtype=np.int32)
        factors[0, : len(drivers)] = sorted(d * periods + period for d in drivers)
        terms = TermTable(1, factors, np.zeros(1, dtype=np.int32), np.array([0, 1], dtype=np.int32))
        return cls(LossTable(LossKind.WORST, terms, np.zeros(1)))

    def values(self, backend: Backend, store: ScenarioStore) -> FloatArray:
        """(S,) its value in each scenario."""
        return np.asarray(backend.balances(store, self.table, np.ones(1))[:, 0])


def signals(case: Case, order: Sequence[str]) -> tuple[Signal, ...]:
    """The signal of each review. order: ids of the drivers as they are stored."""
    columns: Mapping[str, tuple[str, ...]] = {c.id: c.drivers for c in case.column}
    return tuple(
        Signal.of([order.index(name) for name in columns.get(r.signal, (r.signal,))], r.at, case.horizon.periods)
        for r in case.review
    )


def grown(case: Case, found: Sequence[Signal], backend: Backend, store: ScenarioStore) -> Tree:
    """The tree of a case's reviews on the scenarios of a store.

    Quantiles become levels of all scenarios. A band without scenarios goes to the next one below it that has some, else
    above; a review that parts nothing leaves its node as it is. Both are told.
    """
    periods, labels = case.horizon.periods, case.horizon.labels
    nodes = [Node(0, (), -1, -1, -np.inf, np.inf, 0, periods, store.count)]
    at = np.zeros(store.count, dtype=np.int64)
    leaves, reviews = [0], list[Review]()
    moves: list[dict[int, tuple[int, ...]]] = []
    messages: list[str] = []
    for r, (review, signal) in enumerate(zip(case.review, found, strict=True)):
        values, names = signal.values(backend, store), review.named(r)
        if not review.levels:
            levels = tuple(float(v) for v in np.quantile(values, review.quantiles))
            review = replace(review, levels=levels, quantiles=())
        reviews.append(review)
        band = np.searchsorted(np.asarray(review.levels), values, side="right")
        edges = [-np.inf, *review.levels, np.inf]
        here: dict[int, tuple[int, ...]] = {}
        after: list[int] = []
        for leaf in leaves:
            node = nodes[leaf]
            if review.only_if is not None and review.only_if not in node.path:
                after.append(leaf)
                continue
            mine = at == leaf
            counts = np.bincount(band[mine], minlength=len(names))
            full = np.flatnonzero(counts)
            where = f"the review of {labels[review.at]}" + (f" in {node.name}" if node.path else "")
            empty = [names[b] for b in np.flatnonzero(counts == 0)]
            if empty:
                span = f"{review.signal} lies between {values[mine].min():.6g} and {values[mine].max():.6g} there"
                messages.append(f"{where}: no scenario lies in {', '.join(empty)}; {span}")
            if full.size < 2:
                after.append(leaf)
                continue
            nodes[leaf] = replace(node, end=review.at)
            chosen = [int(full[max(0, int(np.searchsorted(full, b, side="right")) - 1)]) for b in range(len(names))]
            first = len(nodes)
            for b in full.tolist():
                own = [k for k, c in enumerate(chosen) if c == b]
                low, high = edges[own[0]], edges[own[-1] + 1]
                count = int(counts[b])
                nodes.append(Node(len(nodes), (*node.path, names[b]), leaf, r, low, high, review.at, periods, count))
                if count < FEW:
                    messages.append(f"{where}: only {count} scenarios lie in {names[b]}; more make its means sure")
            here[leaf] = tuple(first + int(np.searchsorted(full, c)) for c in chosen)
            after += range(first, len(nodes))
            at[mine] = np.asarray(here[leaf])[band[mine]]
        leaves = after
        moves.append(here)
    return Tree(tuple(reviews), tuple(nodes), tuple(leaves), tuple(moves), tuple(messages))


class LeafOf:
    """The leaf of each scenario of a store, by the levels of a tree (`kernels.memory.leaves.LeafOf`)."""

    def __init__(self, tree: Tree, found: Sequence[Signal]) -> None:
        self._tree, self._signals = tree, tuple(found)

    def __call__(self, backend: Backend, store: ScenarioStore) -> NDArray[np.uint8]:
        tree = self._tree
        at = np.zeros(store.count, dtype=np.int64)
        for review, signal, moves in zip(tree.reviews, self._signals, tree.moves, strict=True):
            if not moves:
                continue
            band = np.searchsorted(np.asarray(review.levels), signal.values(backend, store), side="right")
            step = np.tile(np.arange(len(tree.nodes))[:, None], (1, len(review.levels) + 1))
            for node, behind in moves.items():
                step[node] = behind
            at = step[at, band]
        place = np.zeros(len(tree.nodes), dtype=np.uint8)
        place[list(tree.leaves)] = np.arange(len(tree.leaves))
        return np.asarray(place[at])
