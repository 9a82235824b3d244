"""What a limit of the user's own is to the questions of this room: its amount, its rows, and how it is relaxed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...models.own_limits import OwnLimit
from ...models.program import Index
from ...models.schema.case import Case

Own = tuple[OwnLimit, ...]
Change = Callable[[Case, Own, float], tuple[Case, Own]]

RATIO = "ratio"
LITTLE = 0.03  # of a move: an amount reached that is smaller is about 0
OWN_LIMIT, COVENANT, TARGET, CASH, BUDGET, RISK, CONCENTRATION, OBLIGATION, OPENING_CASH = (
    "own limit", "covenant", "compute target", "minimum cash", "budget", "risk limit", "concentration", "obligation",
    "opening cash",
)  # fmt: skip
KINDS = (OWN_LIMIT, COVENANT, TARGET, CASH, BUDGET, RISK, CONCENTRATION, OBLIGATION, OPENING_CASH)
"""Of two limits that may both be kept or relaxed, the one of the earlier kind is looked at first."""


@dataclass(frozen=True, eq=False)
class Limit:
    """One limit.

    Attributes:
        key: where it stands in the case, e.g. "covenant.dscr.limit".
        kind: one of `KINDS`.
        title: it in words, without its amount.
        asked: its amount by period, or one number for all; in `unit`.
        at_least: whether the amount is a least value, so that it is relaxed by lowering it.
        rules, keys: its rows: the rule of each, and the keys that it begins with.
        risks: names of the risk limits that are it, or that its amount moves as much.
        column: name of the column whose lower bound it is, or "".
        most: it cannot be relaxed by more, in its unit.
        additive: relaxed by 1, its rows and risk limits are relaxed by 1 each, whatever the plan.
        hint: its rows only measure how far a plan is: more than they fails where it does.
        change: the case and its added limits where it is relaxed by so much; without it for an infinite amount.
        ledger: whether the decisions' postings change with it.
        date: period from which it is tested, or in which it must be met; None where there is none.
        later: the case and its added limits with that date.
    """

    key: str
    kind: str
    title: str
    asked: tuple[float, ...]
    unit: str
    at_least: bool
    change: Change
    rules: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    column: str = ""
    most: float = math.inf
    additive: bool = True
    ledger: bool = False
    hint: bool = False
    date: int | None = None
    later: Callable[[Case, Own, int], tuple[Case, Own]] | None = None

    def owns(self, row: Index) -> bool:
        return row.rule in self.rules and row.keys[: len(self.keys)] == self.keys

    def amount(self, period: int | None) -> float:
        """What is asked for in a period, or in the strictest one."""
        if len(self.asked) == 1:
            return self.asked[0]
        if period is not None:
            return self.asked[period]
        return max(self.asked) if self.at_least else min(self.asked)

    def relaxed(self, move: float, period: int | None = None) -> float:
        """The amount where it is relaxed by `move`."""
        return self.amount(period) + (-move if self.at_least else move)

    def beside(self, move: float) -> float:
        """What differences of a move are small or large beside: it, or the amount reached if that is smaller, but no
        less than a small share of the move.
        """
        return max(min(move, abs(self.relaxed(move))), LITTLE * move)

    @property
    def size(self) -> float:
        """A usual move: the amount's own size, or where that is 0 one unit."""
        return max(map(abs, self.asked), default=0.0) or 1.0


def lowered(series: Sequence[float], move: float) -> tuple[float, ...]:
    """A series that is lowered by `move` in each period, to 0 at the least."""
    return tuple(max(0.0, v - move) for v in series)
