"""The tree of reviews on the simulated scenarios: its nodes with their levels, their scenarios and their periods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...models.program import Index
from ...models.schema.reviews import Review
from ..arrays import FloatArray

IntArray = NDArray[np.int64]

MARK = "@"
"""Before a node's name in the names of rows and columns, where it is the first part of the index."""


@dataclass(frozen=True)
class Node:
    """A node of the tree: the path of bands seen so far. Number 0 is the root, in which nothing has been seen.

    Attributes:
        path: names of the bands, in the order of the reviews.
        parent, review: number of the node before it, and of the review that leads to it; -1 at the root.
        low, high: the signal lies from low on and below high, at that review.
        start, end: its decisions are those of the periods start .. end - 1.
        count: number of the scenarios that come by.
    """

    number: int
    path: tuple[str, ...]
    parent: int
    review: int
    low: float
    high: float
    start: int
    end: int
    count: int

    @property
    def name(self) -> str:
        """ "" at the root, else the path as "weak/dead"."""
        return "/".join(self.path)


@dataclass(frozen=True, eq=False)
class Tree:
    """The nodes of reviews that part scenarios; each stands behind its parent.

    Attributes:
        reviews: with the levels that parted the scenarios.
        nodes: all nodes.
        leaves: numbers of those without another behind them, in the order in which scenarios are kept.
        moves: per review, of each node that it parts, the node of each band.
        messages: remarks on what could not be parted.
    """

    reviews: tuple[Review, ...]
    nodes: tuple[Node, ...]
    leaves: tuple[int, ...]
    moves: tuple[dict[int, tuple[int, ...]], ...]
    messages: tuple[str, ...] = ()

    @property
    def parts(self) -> bool:
        """Whether any scenarios are parted at all."""
        return len(self.leaves) > 1

    @cached_property
    def probabilities(self) -> FloatArray:
        """(nodes,) share of the scenarios that come by each node."""
        return np.array([node.count for node in self.nodes]) / self.nodes[0].count

    @property
    def shares(self) -> FloatArray:
        """(leaves,) share of the scenarios that end in each leaf."""
        return self.probabilities[list(self.leaves)]

    def line(self, node: int) -> tuple[int, ...]:
        """The node and those before it, the root last."""
        found = [node]
        while self.nodes[found[-1]].parent >= 0:
            found.append(self.nodes[found[-1]].parent)
        return tuple(found)

    def below(self, node: int) -> tuple[int, ...]:
        """Places among `leaves` of those behind a node, or of itself."""
        return tuple(i for i, leaf in enumerate(self.leaves) if node in self.line(leaf))

    def alive(self, period: int) -> Iterator[Node]:
        """The nodes that decide in a period."""
        return (node for node in self.nodes if node.start <= period < node.end)

    def at(self, node: int, periods: int) -> IntArray:
        """(periods,) the node on the line of `node` that decides in each period; -1 where that is one behind it."""
        out = np.full(periods, -1, dtype=np.int64)
        for number in self.line(node):
            out[self.nodes[number].start : self.nodes[number].end] = number
        return out

    def pooled_in(self, node: int) -> int:
        """The node over whose scenarios a covenant of `node` holds in the mean: itself, unless its review says mean."""
        while (review := self.nodes[node].review) >= 0 and self.reviews[review].covenants == "mean":
            node = self.nodes[node].parent
        return node


def index_in(index: Index, node: str) -> Index:
    """The index of a row or column of a node: it begins with the node; the root's, "", stay as they are."""
    return Index(index.rule, (f"{MARK}{node}", *index.parts), index.period) if node else index


def node_of(parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The node's name in the parts of an index, "" where there is none, and the other parts."""
    if parts and parts[0].startswith(MARK):
        return parts[0].removeprefix(MARK), parts[1:]
    return "", parts
