"""The scenarios as the loop sees them: CVaR of every risk limit at a plan, and cuts, over all rows or over a subset.

CVaR at level a over S scenarios is the mean of the k = (1 - a) S largest losses, the one at the border by its
fraction. For any weights w, 0 <= w <= 1, sum w = k, over any subset of the rows, sum_s w_s loss_s(x) / k is a convex
minorant of it, so its subgradient gives a cut that is valid for all rows (docs/mathematics-loop.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ...kernels.backend import EvaluatorOf, R, S, ScenarioStore, V
from ...kernels.tail import Tail, tail_mass
from ...kernels.vectors import LossVector, RowVector
from ..arrays import FloatArray
from .progress import Monitor
from .solution import Cut, RiskLimit


class RowsOf(Generic[S, V, R]):
    """The rows (scenarios) on which each limit is evaluated: one store per limit, shared where all rows count.

    Attributes:
        weights: (M,) k of each limit: its tail's weight, in scenarios of the full sample.
        index: per limit its rows of the sample, as the backend keeps rows, or None for all.
        each: per limit the weights of its rows, or None where every row weighs 1.
    """

    def __init__(
        self,
        backend: EvaluatorOf[S, V, R],
        risks: Sequence[RiskLimit],
        stores: Sequence[S],
        weights: Sequence[float],
        monitor: Monitor,
        whole: int,
        index: Sequence[R | None] | None = None,
        each: Sequence[FloatArray | None] | None = None,
    ) -> None:
        self._backend = backend
        self._risks = risks
        self._back = [risk.matrix.T for risk in risks]  # to turn a matrix round takes longer than a product
        self._stores = stores
        self._monitor = monitor
        self._whole = whole
        self.weights = tuple(weights)
        self.index = tuple(index) if index is not None else (None,) * len(risks)
        self.each = tuple(each) if each is not None else (None,) * len(risks)

    @property
    def complete(self) -> bool:
        """Every limit sees all scenarios."""
        return all(store.count == self._whole for store in self._stores)

    def store(self, limit: int) -> S:
        """The rows of a limit, as the backend holds them."""
        return self._stores[limit]

    def losses(self, decisions: FloatArray) -> list[V]:
        """Per limit the loss of each of its rows, a vector of the backend. One fused pass per store."""
        self._monitor.check()
        out: dict[int, V] = {}
        groups: dict[int, list[int]] = {}
        for m, store in enumerate(self._stores):
            groups.setdefault(id(store), []).append(m)
        with self._monitor.evaluating():
            for members in groups.values():
                store = self._stores[members[0]]
                tables = [self._risks[m].at(decisions) for m in members]
                exposures = [np.asarray(self._risks[m].matrix @ decisions, dtype=np.float64) for m in members]
                for m, loss in zip(members, self._backend.losses(store, tables, exposures), strict=True):
                    out[m] = loss
                self._count(store.count * len(members))
        if self._stores and self.complete:
            self._monitor.full += 1
        return [out[m] for m in range(len(self._risks))]

    def tail(self, limit: int, losses: V) -> Tail[R, V]:
        """The tail of weight k among the rows of `limit`."""
        with self._monitor.evaluating():
            return self._backend.tail(losses, self._risks[limit].level, self.weights[limit], self.each[limit])

    def tails(self, losses: Sequence[V]) -> list[Tail[R, V]]:
        return [self.tail(m, loss) for m, loss in enumerate(losses)]

    def mean(self, limit: int, losses: V, worst: Tail[R, V]) -> float:
        """Mean of the losses of `limit` over the rows and weights of a tail."""
        with self._monitor.evaluating():
            return self._backend.dot(losses, worst.rows, worst.weights) / self.weights[limit]

    def size(self, losses: V, worst: Tail[R, V]) -> float:
        """Mean absolute loss over the rows of a tail."""
        return self._backend.size(losses, worst.rows)

    def above(self, losses: V, limit: float) -> float:
        """Share of the rows whose loss is above `limit`."""
        return self._backend.above(losses, limit)

    def cut(self, limit: int, decisions: FloatArray, worst: Tail[R, V]) -> Cut:
        """The cut that the weighted rows of `worst` give at `decisions`."""
        risk, k = self._risks[limit], self.weights[limit]
        with self._monitor.evaluating():
            exposure = np.asarray(risk.matrix @ decisions, dtype=np.float64)
            table = risk.at(decisions)
            total, slope = self._backend.pull_back(self._stores[limit], table, exposure, worst.rows, worst.weights)
            slope = np.asarray(slope, dtype=np.float64) / k
            gradient = np.asarray(self._back[limit] @ slope, dtype=np.float64)
            if risk.relief is not None:
                gradient = gradient - risk.relief
            self._count(worst.rows.shape[0])
        self._monitor.cuts += 1
        return Cut(limit, gradient, float(total) / k - float(gradient @ decisions), slope, decisions)

    def retaken(self, cut: Cut) -> Cut:
        """The cut that these rows give where `cut`, of other rows, was taken."""
        risk, at = self._risks[cut.limit], cut.at
        assert at is not None
        self._monitor.check()
        with self._monitor.evaluating():
            exposure = np.asarray(risk.matrix @ at, dtype=np.float64)
            losses = self._backend.losses(self._stores[cut.limit], [risk.at(at)], [exposure])[0]
            self._count(self._stores[cut.limit].count)
        return self.cut(cut.limit, at, self.tail(cut.limit, losses))

    def _count(self, rows: int) -> None:
        self._monitor.rows += rows / (self._whole * len(self._risks))


class SampleOf(Generic[S, V, R]):
    """All scenarios, and working sets of rows taken from them.

    weights: (S,) relative weights of the scenarios; None: all the same. whole: number of scenarios in which passes are
    counted; None: all of them. worst_case: a tail of less than one scenario is the worst one, and no mistake.
    """

    def __init__(
        self,
        backend: EvaluatorOf[S, V, R],
        store: S,
        risks: Sequence[RiskLimit],
        monitor: Monitor,
        weights: FloatArray | None = None,
        whole: int | None = None,
        worst_case: bool = False,
    ) -> None:
        self._backend = backend
        self._store = store
        self._risks = risks
        self._monitor = monitor
        self.count = int(store.count)
        self._whole = self.count if whole is None else whole
        self._each = None if weights is None else _mean_one(weights, self.count)
        for risk in risks:
            if not 0.0 < risk.level < 1.0:
                raise ValueError(f"risk limit '{risk.name}' has level {risk.level}; it must lie between 0 and 1")
            if not np.isfinite(risk.limit):
                raise ValueError(f"risk limit '{risk.name}' is {risk.limit}; it must be finite")
            if not (np.isfinite(risk.matrix.data).all() and np.isfinite(risk.table.floor).all()):
                raise ValueError(f"risk limit '{risk.name}' holds a number that is not finite")
            if whole is None and not worst_case and tail_mass(self.count, risk.level) < 1.0:
                raise ValueError(
                    f"risk limit '{risk.name}' at level {risk.level} has less than one of {self.count} scenarios in "
                    f"its tail; take at least {_least_count(risk.level)} scenarios"
                )
        self.weights = tuple(tail_mass(self.count, r.level) for r in risks)
        each = [self._each] * len(risks)
        self.all = RowsOf(backend, risks, [store] * len(risks), self.weights, monitor, self._whole, each=each)

    def recover(self, error: Exception) -> bool:
        """Whether the backend has got over the error; then the same call may succeed, with losses computed anew."""
        return self._backend.recover(error)

    def pilot(self, count: int) -> RowsOf[S, V, R]:
        """The first `count` scenarios, or the heaviest, as a sample of their own: what it says is an estimate, and no
        cut of it is valid.
        """
        taken = self._foremost(count)
        store = self._backend.subset(self._store, taken)
        each = None if self._each is None else self._each[taken]
        total = float(count) if each is None else float(each.sum())
        weights = [tail_mass(total, r.level) for r in self._risks]
        many = len(self._risks)
        return RowsOf(
            self._backend, self._risks, [store] * many, weights, self._monitor, self._whole, each=[each] * many
        )

    def first(self, count: int) -> SampleOf[S, V, R]:
        """The first `count` scenarios as `pilot` takes them, of which working sets can be taken."""
        taken = self._foremost(count)
        store = self._backend.subset(self._store, taken)
        each = None if self._each is None else self._each[taken]
        return SampleOf(self._backend, store, self._risks, self._monitor, each, self._whole)

    def _foremost(self, count: int) -> NDArray[np.int64]:
        """The first `count` scenarios; of unequal ones those that weigh most."""
        if self._each is None:
            return self._backend.foremost(self._store, count)
        return np.sort(np.argsort(-self._each, kind="stable")[:count])

    def worst(self, losses: Sequence[V], multiple: float, old: RowsOf[S, V, R] | None = None) -> RowsOf[S, V, R]:
        """Per limit the rows with the largest losses, `multiple` times its tail, together with those of `old`."""
        stores: list[S] = []
        index: list[R | None] = []
        with self._monitor.evaluating():
            for m, loss in enumerate(losses):
                size = int(np.ceil(multiple * self.weights[m])) + 64
                rows: R | None
                before = None if old is None else old.index[m]
                if size >= self.count or (old is not None and before is None):
                    rows = None
                elif self._each is not None:
                    found = self._backend.tail(loss, self._risks[m].level, float(size), self._each).rows
                    # only scenarios on the host have weights
                    rows = found if before is None else cast(R, np.union1d(np.asarray(found), np.asarray(before)))
                else:
                    rows = self._backend.worst(loss, size, before)
                if rows is None or rows.size > 0.7 * self.count:  # a copy would save little
                    stores.append(self._store)
                    index.append(None)
                else:
                    stores.append(self._backend.subset(self._store, rows))
                    index.append(rows)
        every = self._each
        each = [None if every is None else every if rows is None else every[np.asarray(rows)] for rows in index]
        return RowsOf(self._backend, self._risks, stores, self.weights, self._monitor, self._whole, index, each)


Rows: TypeAlias = RowsOf[ScenarioStore, LossVector, RowVector]
Sample: TypeAlias = SampleOf[ScenarioStore, LossVector, RowVector]


def _least_count(level: float) -> int:
    """The least number of scenarios of which one lies in the tail."""
    count = max(1, round(1.0 / (1.0 - level)))
    return count if tail_mass(count, level) >= 1.0 else count + 1


def _mean_one(weights: FloatArray, count: int) -> FloatArray:
    each = np.asarray(weights, dtype=np.float64)
    if each.shape != (count,) or not np.isfinite(each).all() or (each < 0.0).any() or not each.any():
        raise ValueError(f"weights must be ({count},) finite numbers, not negative and not all 0; got {each.shape}")
    return each * (count / float(each.sum()))
