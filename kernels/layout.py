"""Table of terms regrouped for speed: entries of a period that share their other factors are summed before the product.

    flow[t] = constant[t] + sum over groups g of ( sum over entries of g of exposure * x[factor] ) * prod x[rest[g]]

Of an entry's factors, the one that is rarest within the period is summed over; the others are the group's `rest`.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .store import Store
from .tables import FloatArray, LossTable

IndexArray = NDArray[np.int64]

GRADIENT_GROUP = 16  # blocks of rows whose gradients are added up in sequence


class Program(NamedTuple):
    """Arrays that drive the compiled passes over M losses, their periods, groups and entries in sequence.

    Attributes:
        table: (M + 1,) first period of each loss. kind, rate, surplus, deficit, dt: (M,) as in `LossTable`; rate is the
            flat position driver * T, or -1.
        revolver: (M,) 1 where a line stands behind the balance, else 0; drawn: (M,) its margin.
        floor, line, constant: (periods,); line is zero without a revolver.
        begins, opening: (periods,) 1 where a balance begins, and with what; else 0.
        seen: (periods,) how far behind `rate` the rate lies that carries the balance into each period.
        group: (periods + 1,) first group of each period.
        rest: (G, R) flat positions of the factors that multiply a group, -1 for empty. entry: (G + 1,) first entry.
        factor, exposure: (entries,) flat position and weight of each entry.
    """

    table: IndexArray
    kind: IndexArray
    rate: IndexArray
    surplus: FloatArray
    deficit: FloatArray
    dt: FloatArray
    revolver: IndexArray
    drawn: FloatArray
    floor: FloatArray
    line: FloatArray
    constant: FloatArray
    begins: IndexArray
    opening: FloatArray
    seen: IndexArray
    group: IndexArray
    rest: IndexArray
    entry: IndexArray
    factor: IndexArray
    exposure: FloatArray


@dataclass(frozen=True, eq=False)
class Layout:
    """Order in which a table's entries are visited.

    Attributes:
        entries: E of the table. order: (E',) those that have factors, in groups. owner: (E',) their group.
        period: (G,) of each group, ascending. fixed: entries without a factor. fixed_period: their periods.
        whole: the program of all groups, for exposures of zero.
    """

    entries: int
    order: IndexArray
    owner: IndexArray
    period: IndexArray
    fixed: IndexArray
    fixed_period: IndexArray
    whole: Program

    def program(self, exposure: FloatArray, sparse: bool) -> Program:
        """The program for an exposure; `sparse`: without entries of exposure 0, and groups that hold nothing else."""
        whole, own, periods = self.whole, exposure[self.order], self.whole.floor.size
        constant = np.bincount(self.fixed_period, weights=exposure[self.fixed], minlength=periods).astype(np.float64)
        line = exposure[self.entries :] if whole.revolver[0] else whole.line
        p = whole._replace(constant=constant, line=line, exposure=own)
        keep = np.flatnonzero(own)
        if not sparse or keep.size == own.size:
            return p
        length = np.bincount(self.owner[keep], minlength=self.period.size)
        held = np.flatnonzero(length)
        return p._replace(
            group=np.searchsorted(self.period[held], np.arange(periods + 1)),
            rest=whole.rest[held],
            entry=_edges(length[held]),
            factor=whole.factor[keep],
            exposure=own[keep],
        )


def lay_out(table: LossTable, periods: int) -> Layout:
    """Group the entries of a table. periods: T of the store."""
    terms = table.terms
    factors = terms.factors[terms.atom].astype(np.int64)
    period = np.repeat(np.arange(terms.periods), np.diff(terms.start))
    width = max(factors.shape[1] - 1, 1)
    varies = (factors >= 0).any(axis=1)
    fixed, moving = np.flatnonzero(~varies), np.flatnonzero(varies)
    if moving.size == 0:
        none = np.zeros(0, dtype=np.int64)
        whole = _program(table, periods, none, np.zeros((0, width), np.int64), none, none)
        return Layout(terms.entries, none, none, none, fixed, period[fixed], whole)
    factors, when = factors[moving], period[moving]
    count = int(factors.max()) + 1
    uses = np.bincount((when[:, None] * count + factors)[factors >= 0], minlength=terms.periods * count)
    often = np.where(factors >= 0, uses[when[:, None] * count + np.maximum(factors, 0)], np.iinfo(np.int64).max)
    picked = often.argmin(axis=1)
    row = np.arange(moving.size)
    factor = factors[row, picked]
    others = factors.copy()
    others[row, picked] = -1
    rest = -np.sort(-others, axis=1)[:, :width]  # descending, so that empty slots come last
    keys, owner = np.unique(np.column_stack((when, rest)), axis=0, return_inverse=True)
    owner = owner.ravel()
    sequence = np.lexsort((factor, owner))
    starts, groups = keys[:, 0], np.ascontiguousarray(keys[:, 1:])
    whole = _program(table, periods, starts, groups, owner[sequence], factor[sequence])
    return Layout(terms.entries, moving[sequence], owner[sequence], starts, fixed, period[fixed], whole)


def _program(
    table: LossTable, periods: int, starts: IndexArray, rest: IndexArray, owner: IndexArray, factor: IndexArray
) -> Program:
    """The program of one table for no exposure. starts: (G,) period of each group; owner: (entries,) ascending."""
    count = table.terms.periods
    begins = table.within == 0
    opening = np.zeros(count)
    opening[begins] = (table.opening, *table.others)
    return Program(
        table=np.array([0, count], dtype=np.int64),
        kind=np.array([int(table.kind)], dtype=np.int64),
        rate=np.array([table.rate_driver * periods if table.rate_driver >= 0 else -1], dtype=np.int64),
        surplus=_one(table.surplus_margin),
        deficit=_one(table.deficit_margin),
        dt=_one(table.dt),
        revolver=np.array([int(table.revolver)], dtype=np.int64),
        drawn=_one(table.revolver_margin),
        floor=np.ascontiguousarray(table.floor, dtype=np.float64),
        line=np.zeros(count),
        constant=np.zeros(count),
        begins=begins.astype(np.int64),
        opening=opening,
        seen=np.maximum(table.within - 1, 0),
        group=np.searchsorted(starts, np.arange(count + 1)),
        rest=rest,
        entry=_edges(np.bincount(owner, minlength=starts.size)),
        factor=factor,
        exposure=np.zeros(factor.size),
    )


def _one(value: float) -> FloatArray:
    return np.array([value], dtype=np.float64)


def _edges(counts: IndexArray) -> IndexArray:
    """0, and where each of the parts ends."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))


class Layouts:
    """Layouts of tables, each checked and made once as long as its table lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int], tuple[weakref.ref[LossTable], Layout]] = {}

    def of(self, table: LossTable, drivers: int, periods: int) -> Layout:
        """The layout of a table for stores of so many drivers and periods. ValueError where it is none for them."""
        key = id(table), drivers, periods
        known = self._known.get(key)
        if known is not None and known[0]() is table:
            return known[1]
        checks.check_loss(table, drivers, periods)
        layout = lay_out(table, periods)
        self._known[key] = (weakref.ref(table, lambda _: self._known.pop(key, None)), layout)
        return layout

    def program(
        self, store: Store, tables: Sequence[LossTable], exposures: Sequence[ArrayLike], sparse: bool
    ) -> Program:
        """The program of the tables for a store, as `Layout.program`. ValueError for tables or exposures that make no
        sense.
        """
        layouts = [self.of(t, store.drivers, store.periods) for t in tables]
        checked = [checks.exposures(t, e) for t, e in zip(tables, exposures, strict=True)]
        return joined([one.program(e, sparse) for one, e in zip(layouts, checked, strict=True)])


def joined(programs: Sequence[Program]) -> Program:
    """One program of several tables."""
    if len(programs) == 1:
        return programs[0]
    width = max(p.rest.shape[1] for p in programs)
    rest = [np.pad(p.rest, ((0, 0), (0, width - p.rest.shape[1])), constant_values=-1) for p in programs]
    parts: dict[str, NDArray[Any]] = {"rest": np.concatenate(rest)}
    for name in Program._fields:
        arrays = [getattr(p, name) for p in programs]
        if name in ("table", "group", "entry"):  # edges, one more than parts
            parts[name] = _edges(np.concatenate([np.diff(a) for a in arrays]))
        elif name != "rest":
            parts[name] = np.concatenate(arrays)
    return Program(**parts)


def compact(p: Program, drivers: int, periods: int) -> tuple[Program, IndexArray]:
    """The program with its flat positions replaced by their ranks among those that it reads, and the latter, ascending.

    All `periods` positions of a rate's driver are among them, so that they stay one after the other.
    """
    used = np.zeros(drivers * periods + 1, dtype=np.bool_)  # the last stands for -1, no position
    used[p.factor] = True
    used[p.rest] = True
    for rate in p.rate[p.rate >= 0]:
        used[rate : rate + periods] = True
    read = np.flatnonzero(used[:-1])
    rank = np.full(used.size, -1, dtype=np.int64)
    rank[read] = np.arange(read.size)
    return p._replace(factor=rank[p.factor], rest=rank[p.rest], rate=rank[p.rate]), read
