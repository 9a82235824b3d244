"""Cuts from one variant to another: valid wherever both put the same exposures on the decisions that they share.

A cut bounds the CVaR of a loss from below by a function of the decisions. It is made from scenarios and exposures, and
knows neither the limit's amount nor the linear program, so it holds for every case with the same drivers whose decisions
cause the same postings: decisions that the other case lacks count as nought. What is not the same is found here by comparing exposures
entry by entry, and its cuts are left behind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..kernels.tables import LossTable, TermTable
from .assemble import Measured
from .prepare import Prepared, same_drivers
from .solution import Cut

SAME = 1e-12


def carried(cuts: Sequence[Cut], source: Prepared, target: Prepared) -> tuple[Cut, ...]:
    """The cuts of `source` that are valid for `target`, on its decisions and in the order of its risk limits."""
    if not cuts or not same_drivers(source.processes, target.processes):
        return ()
    at = {d.key: j for j, d in enumerate(source.ledger.decisions)}
    keys = [d.key for d in target.ledger.decisions]
    if any(key not in at for key in keys):
        return ()
    shared = np.array([at[key] for key in keys], dtype=np.int64)
    limits = {r.id: m for m, r in enumerate(source.case.risk)}
    place: dict[int, int] = {}
    for m, risk in enumerate(target.case.risk):
        known = limits.get(risk.id)
        if known is None or source.case.risk[known].level != risk.level:
            continue
        if _same_loss(source.losses[known], target.losses[m], shared):
            place[known] = m
    return tuple(Cut(place[c.limit], c.gradient[shared], c.constant) for c in cuts if c.limit in place)


def _same_loss(source: Measured, target: Measured, shared: NDArray[np.int64]) -> bool:
    """Whether the loss of every plan of the target is that of the same plan in the source."""
    one, other = source.table, target.table
    for field in dataclasses.fields(LossTable):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if not isinstance(a, TermTable) and not _equal(a, b):
            return False
    if one.terms.periods != other.terms.periods:
        return False
    number: dict[tuple[int, ...], int] = {}
    rows = [[number.setdefault(key, len(number)) for key in _keys(table)] for table in (one, other)]
    a = _spread(csr_array(source.matrix)[:, shared], rows[0], len(number))
    b = _spread(csr_array(target.matrix), rows[1], len(number))
    difference = abs(a - b)
    size = max(float(abs(a).max()), float(abs(b).max()), 1.0)
    return bool(difference.max() <= SAME * size)


def _keys(table: LossTable) -> list[tuple[int, ...]]:
    """What each entry of an exposure stands for: its period and the drivers' values that price it."""
    terms = table.terms
    period = np.repeat(np.arange(terms.periods), np.diff(terms.start))
    factors = np.sort(terms.factors, axis=1)[terms.atom]
    keys = [(int(t), *(int(f) for f in row if f >= 0)) for t, row in zip(period, factors, strict=True)]
    return keys + [(-1, t) for t in range(table.entries - terms.entries)]


def _spread(matrix: csr_array, rows: Sequence[int], count: int) -> csr_array:
    """The matrix with its rows added up under their new numbers."""
    picked = csr_array((np.ones(len(rows)), (np.asarray(rows), np.arange(len(rows)))), shape=(count, len(rows)))
    return csr_array(picked @ matrix)


def _equal(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return bool(np.array_equal(np.asarray(a), np.asarray(b)))
    return a == b
