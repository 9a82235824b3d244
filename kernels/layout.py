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
from numpy.typing import NDArray

from .losses import line
from .tables import FloatArray, LossTable, TermTable

IndexArray = NDArray[np.int64]

GRADIENT_GROUP = 16  # blocks of rows whose gradients are added up in sequence


class Program(NamedTuple):
    """Arrays that drive the compiled passes over M losses, their periods, groups and entries in sequence.

    Attributes:
        table: (M + 1,) first period of each loss. kind, opening, rate, surplus, deficit, dt: (M,) as in `LossTable`;
            rate is the flat position driver * T, or -1.
        revolver: (M,) 1 where a line stands behind the balance, else 0; drawn: (M,) its margin.
        floor, line, constant: (periods,); line is nil without a revolver.
        group: (periods + 1,) first group of each period.
        rest: (G, R) flat positions of the factors that multiply a group, -1 for empty. entry: (G + 1,) first entry.
        factor, exposure: (entries,) flat position and weight of each entry.
    """

    table: IndexArray
    kind: IndexArray
    opening: FloatArray
    rate: IndexArray
    surplus: FloatArray
    deficit: FloatArray
    dt: FloatArray
    revolver: IndexArray
    drawn: FloatArray
    floor: FloatArray
    line: FloatArray
    constant: FloatArray
    group: IndexArray
    rest: IndexArray
    entry: IndexArray
    factor: IndexArray
    exposure: FloatArray


@dataclass(frozen=True, eq=False)
class Layout:
    """Order in which a table's entries are visited.

    Attributes:
        order: (E',) entries that have factors, in groups. factor: (E',) what is summed over. owner: (E',) their group.
        rest: (G, R). period: (G,) period of each group, ascending.
        fixed: entries without a factor. fixed_period: their periods.
    """

    order: IndexArray
    factor: IndexArray
    owner: IndexArray
    rest: IndexArray
    period: IndexArray
    fixed: IndexArray
    fixed_period: IndexArray


def lay_out(terms: TermTable) -> Layout:
    """Group the entries of a table."""
    factors = terms.factors[terms.atom].astype(np.int64)
    period = np.repeat(np.arange(terms.periods), np.diff(terms.start))
    width = max(factors.shape[1] - 1, 1)
    varies = (factors >= 0).any(axis=1)
    fixed = np.flatnonzero(~varies)
    moving = np.flatnonzero(varies)
    if moving.size == 0:
        none = np.zeros(0, dtype=np.int64)
        return Layout(none, none, none, np.zeros((0, width), np.int64), none, fixed, period[fixed])
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
    return Layout(
        order=moving[sequence],
        factor=factor[sequence],
        owner=owner[sequence],
        rest=np.ascontiguousarray(keys[:, 1:]),
        period=keys[:, 0],
        fixed=fixed,
        fixed_period=period[fixed],
    )


class Layouts:
    """Layouts of tables, each made once as long as its table lives."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[LossTable], Layout]] = {}

    def of(self, table: LossTable) -> Layout:
        number = id(table)
        known = self._known.get(number)
        if known is not None and known[0]() is table:
            return known[1]
        layout = lay_out(table.terms)
        self._known[number] = (weakref.ref(table, lambda _: self._known.pop(number, None)), layout)
        return layout


def program(
    tables: Sequence[LossTable], layouts: Sequence[Layout], exposures: Sequence[FloatArray], periods: int, sparse: bool
) -> Program:
    """Arrays for the compiled passes.

    Args:
        periods: T of the store. sparse: leave out entries with exposure 0 and groups that hold nothing else.
    """
    width = max(layout.rest.shape[1] for layout in layouts)
    parts: list[tuple[NDArray[Any], ...]] = []
    for table, layout, e in zip(tables, layouts, exposures, strict=True):
        own = e[layout.order]
        keep = own != 0.0 if sparse else np.ones(own.shape, dtype=np.bool_)
        length = np.bincount(layout.owner[keep], minlength=layout.period.size)
        held = length > 0
        rest = np.full((int(held.sum()), width), -1, dtype=np.int64)
        rest[:, : layout.rest.shape[1]] = layout.rest[held]
        groups = np.bincount(layout.period[held], minlength=table.terms.periods)
        constant = np.bincount(layout.fixed_period, weights=e[layout.fixed], minlength=table.terms.periods)
        parts.append((constant, groups, rest, length[held], layout.factor[keep], own[keep]))

    def edges(counts: Sequence[int] | IndexArray) -> IndexArray:
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(np.asarray(counts, dtype=np.int64))))

    def of(values: Sequence[float]) -> FloatArray:
        return np.array(values, dtype=np.float64)

    return Program(
        table=edges([t.terms.periods for t in tables]),
        kind=np.array([int(t.kind) for t in tables], dtype=np.int64),
        opening=of([t.opening for t in tables]),
        rate=np.array([t.rate_driver * periods if t.rate_driver >= 0 else -1 for t in tables], dtype=np.int64),
        surplus=of([t.surplus_margin for t in tables]),
        deficit=of([t.deficit_margin for t in tables]),
        dt=of([t.dt for t in tables]),
        revolver=np.array([int(t.revolver) for t in tables], dtype=np.int64),
        drawn=of([t.revolver_margin for t in tables]),
        line=np.concatenate([line(t, e) for t, e in zip(tables, exposures, strict=True)]),
        floor=np.concatenate([np.asarray(t.floor, dtype=np.float64) for t in tables]),
        constant=np.concatenate([p[0] for p in parts]).astype(np.float64),
        group=edges(np.concatenate([p[1] for p in parts])),
        rest=np.concatenate([p[2] for p in parts]),
        entry=edges(np.concatenate([p[3] for p in parts])),
        factor=np.concatenate([p[4] for p in parts]),
        exposure=np.concatenate([p[5] for p in parts]),
    )


def compact(p: Program, periods: int) -> tuple[Program, IndexArray]:
    """The program with its flat positions replaced by their ranks among those that it reads, and the latter, ascending.

    All `periods` positions of a rate's driver are among them, so that they stay one after the other.
    """
    rates = [r + np.arange(periods) for r in p.rate if r >= 0]
    read = np.unique(np.concatenate((p.factor, p.rest[p.rest >= 0], *rates)))
    factor = np.searchsorted(read, p.factor)
    rest = np.where(p.rest >= 0, np.searchsorted(read, p.rest), -1)
    rate = np.where(p.rate >= 0, np.searchsorted(read, p.rate), -1)
    return p._replace(factor=factor, rest=rest, rate=rate), read.astype(np.int64)
