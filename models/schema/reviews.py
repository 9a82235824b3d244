"""Review dates: when the plan is looked at again, on which signal; and the tree of nodes that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import fields as f
from .fields import Sourced

MOST_LEAVES = 16


@dataclass(frozen=True, kw_only=True)
class Review(Sourced):
    """A date at which the plan goes on in one of several ways, by the band in which a signal lies.

    Every decision of the date or later is made once for each band; `levels` are the borders between them, and a value at
    a level belongs to the band above it. Bands are named from the lowest up.
    """

    at: int = f.period("the date; its own decisions are made with the signal known", edge="first")
    signal: str = f.ref("driver or price column that is looked at, in the period of the date", "column")
    levels: tuple[float, ...] = f.numbers("borders between the bands, rising", "the signal's own unit", default=())
    quantiles: tuple[float, ...] = f.numbers(
        "instead of levels: the shares of the simulated scenarios below each border; the plan holds the levels that they "
        "come to", "fraction", ge=0, le=1, default=(),
    )  # fmt: skip
    names: tuple[str, ...] = f.idents("name of each band, the lowest first; r1_low, r1_high if left out", default=())
    only_if: str | None = f.text("band of an earlier review; elsewhere this review is left out", default=None)
    covenants: str = f.choice(
        "node: covenants on the expected path hold in each band; mean: on the mean of the bands",
        ("node", "mean"), default="node",
    )  # fmt: skip

    @property
    def bands(self) -> int:
        return len(self.levels or self.quantiles) + 1

    def named(self, number: int) -> tuple[str, ...]:
        """Names of the bands of the review with this number, counted from 0."""
        if self.names:
            return self.names
        words = {2: ("low", "high"), 3: ("low", "middle", "high")}.get(self.bands)
        words = words or tuple(f"band{i + 1}" for i in range(self.bands))
        return tuple(f"r{number + 1}_{word}" for word in words)


@dataclass(frozen=True)
class Branch:
    """A node of the tree of reviews: the path of bands seen so far. Number 0 is the root, in which nothing is.

    Attributes:
        path: names of its bands, in the order of the reviews.
        parent, review, band: number of the node before it, of the review that leads to it and of the band; -1 at the
            root.
        start, end: its decisions are those of the periods start .. end - 1.
    """

    number: int
    path: tuple[str, ...]
    parent: int
    review: int
    band: int
    start: int
    end: int

    @property
    def name(self) -> str:
        return "/".join(self.path)


def branches(reviews: Sequence[Review], periods: int) -> tuple[Branch, ...]:
    """All nodes, each after its parent: the reviews one after the other, each on the leaves that it applies to."""
    found = [Branch(0, (), -1, -1, -1, 0, periods)]
    leaves = [0]
    for r, review in enumerate(reviews):
        names = review.named(r)
        after: list[int] = []
        for leaf in leaves:
            node = found[leaf]
            if review.only_if is not None and review.only_if not in node.path:
                after.append(leaf)
                continue
            found[leaf] = Branch(leaf, node.path, node.parent, node.review, node.band, node.start, review.at)
            for band, name in enumerate(names):
                after.append(len(found))
                found.append(Branch(len(found), (*node.path, name), leaf, r, band, review.at, periods))
        leaves = after
    return tuple(found)


def leaves_after(reviews: Sequence[Review]) -> list[int]:
    """Number of leaves of the tree after each review."""
    counts = []
    paths: list[tuple[str, ...]] = [()]
    for r, review in enumerate(reviews):
        parted = [p for p in paths if review.only_if is None or review.only_if in p]
        kept = [p for p in paths if p not in parted]
        if len(kept) + len(parted) * review.bands > 10**6:
            counts.append(len(kept) + len(parted) * review.bands)
            break
        paths = kept + [(*p, name) for p in parted for name in review.named(r)]
        counts.append(len(paths))
    return counts
