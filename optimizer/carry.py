"""Cuts from one variant to another: what the scenarios have taught holds for every plan that they price alike.

A cut bounds the CVaR of a loss from below by a linear function of the exposures: how much of each product of drivers
a plan holds in each period. It is made from scenarios alone, and knows neither the limit's amount, nor the linear
program, nor which decisions cause the exposures. So it holds for every case with the same drivers, the same rule of the
loss and the same level, as soon as each exposure of that case is one that the cut knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..kernels.tables import LossTable, TermTable
from .prepare import Prepared, same_drivers
from .shortfalls import all_risks
from .solution import Cut


def carried(cuts: Sequence[Cut], source: Prepared, target: Prepared) -> tuple[Cut, ...]:
    """The cuts of `source` that are valid for `target`, on its decisions and in the order of its risk limits."""
    if not cuts or not same_drivers(source.processes, target.processes):
        return ()
    before = all_risks(source.case)
    limits = {r.id: m for m, r in enumerate(before)}
    found: list[Cut] = []
    for m, risk in enumerate(all_risks(target.case)):
        known = limits.get(risk.id)
        if known is None or before[known].level != risk.level:
            continue
        place = _places(source.losses[known].table, target.losses[m].table)
        if place is None:
            continue
        back = csr_array(csr_array(target.losses[m].matrix).T)
        for cut in cuts:
            if cut.limit == known:
                slope = cut.slope[place]
                found.append(Cut(m, np.asarray(back @ slope, dtype=np.float64), cut.constant, slope))
    return tuple(found)


def _places(source: LossTable, target: LossTable) -> NDArray[np.int64] | None:
    """Where each entry of the target's exposure stands in the source's; None if one is unknown, or the loss another."""
    for field in dataclasses.fields(LossTable):
        a, b = getattr(source, field.name), getattr(target, field.name)
        if not isinstance(a, TermTable) and not np.array_equal(np.asarray(a), np.asarray(b)):
            return None
    if source.terms.periods != target.terms.periods:
        return None
    at = {key: i for i, key in enumerate(_keys(source))}
    places = [at.get(key, -1) for key in _keys(target)]
    return None if -1 in places else np.array(places, dtype=np.int64)


def _keys(table: LossTable) -> list[tuple[int, ...]]:
    """What each entry of an exposure stands for: its period and the drivers' values that price it."""
    terms = table.terms
    period = np.repeat(np.arange(terms.periods), np.diff(terms.start))
    factors = np.sort(terms.factors, axis=1)[terms.atom]
    keys = [(int(t), *(int(f) for f in row if f >= 0)) for t, row in zip(period, factors, strict=True)]
    return keys + [(-1, t) for t in range(table.entries - terms.entries)]
