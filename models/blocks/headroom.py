"""What each covenant tests, as headroom that is linear in the plan: level + limit × slope >= 0, in billions.

A ratio a / b at most l is the headroom l b - a, at least l it is a - l b; an amount at most l is l - a. The same
definition is read on the expected path (rows of the linear program, tables) and in every scenario (the loss
"covenant shortfall").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..ledger import Ledger
from ..schema.case import Case
from ..schema.covenant_kinds import COVENANT_KINDS
from ..schema.rules import Covenant
from . import owners
from .covenant_kinds import due, pairs
from .figures import Figure, View, spelled_out
from .quantities import window

NothingDue = Collection[tuple[str, int]]
"""Tests by name (`name_of` a covenant, or of an entity's lock-up) and period that do not apply: nothing is due."""


@dataclass(frozen=True, eq=False)
class Headroom:
    """One test of a covenant: headroom = level + limit × slope in each of the periods `times`.

    of: whose concentration is tested; "" for the other kinds. due: what the test is held against; None where it always
    applies. untested: those of `times` in which nothing is due, so that it does not apply.
    """

    covenant: Covenant
    of: str
    times: tuple[int, ...]
    level: Figure
    slope: Figure
    due: Figure | None = None
    untested: frozenset[int] = frozenset()

    @property
    def tested(self) -> tuple[int, ...]:
        return tuple(t for t in self.times if t not in self.untested)

    def index(self, label: str) -> str:
        """Of its row in the period of that label, within the covenant's rule."""
        return f"{self.of},{label}" if self.of else label

    def at(self, limit: float) -> Figure:
        return self.level.plus(self.slope.scaled(limit))


def name_of(covenant: Covenant) -> str:
    """Name of its tests, and of its risk limit where it is kept over the scenarios."""
    return test_of(covenant.id)


def test_of(covenant: str) -> str:
    """The same, of a covenant of this id."""
    return f"covenant {covenant}"


def whose(case: Case, covenant: Covenant) -> str | None:
    """Entity whose figures a covenant tests; None for the whole group.

    Liquidity of a group with ring-fenced companies is what the parent has: what is locked up in them pays no debt of
    his.
    """
    if COVENANT_KINDS[covenant.kind].own_cash and covenant.entity is None and owners.companies(case):
        return owners.head_name(case)
    return covenant.entity


def headrooms(case: Case, ledger: Ledger, covenant: Covenant, nothing_due: NothingDue = ()) -> tuple[Headroom, ...]:
    """The tests of a covenant: one, or one for each party or holder whose concentration it limits.

    A covenant of cover is not tested in the periods of the calendar `nothing_due`, nor in those in which nothing can be
    due whatever the plan.
    """
    covenant = replace(covenant, entity=whose(case, covenant))
    view = View(case, ledger, covenant)
    times = tuple(window(covenant.from_period, covenant.to_period, ledger.periods))
    if COVENANT_KINDS[covenant.kind].at_end:
        times = (ledger.periods - 1,)
    tests = pairs(view)
    owing = due(view, tests[0][2]) if tests else None
    if owing is None:
        return tuple(Headroom(covenant, name, times, level, slope) for name, level, slope in tests)
    possible = may_be_due(case, ledger, covenant.entity, owing)
    without = frozenset(t for t in times if not possible[t] or (name_of(covenant), t) in nothing_due)
    return tuple(Headroom(covenant, name, times, level, slope, owing, without) for name, level, slope in tests)


def may_be_due(case: Case, ledger: Ledger, entity: str | None, owing: Figure) -> NDArray[np.bool_]:
    """(T,) whether some plan owes anything in each period."""
    spelled = spelled_out(case, ledger, entity, owing, np.zeros(ledger.periods))
    found = np.zeros(ledger.periods, dtype=np.bool_)
    for flow in spelled.flows:
        at, _ = flow.postings(ledger)
        posted = np.unique(ledger.period[at])
        found |= (flow.rows(range(ledger.periods), ledger.periods)[:, posted] != 0.0).any(axis=1)
    return found
