"""Settlement of every scenario: at the first shortfall or the last period, pools pay claims by a waterfall.

The definition, in NumPy. Nothing here knows what is owed or why: amounts per period come as numbers that are fixed
and flows that the drivers add, and a running balance tells when a scenario is settled. Not convex in anything, so it is
evaluated for one set of exposures and no cut is taken from it: see docs/mathematics-loss.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_loss, exposures, need
from .losses import line
from .means import MEAN_GROUP
from .store import LANES
from .tables import FloatArray, IntArray, LossKind, LossTable
from .waterfall import Distribute, Waterfall, check_waterfall

NOISE = 1e-9  # what a balance may be short of, and a claim may lose, without being counted


@dataclass(frozen=True, eq=False)
class Settling:
    """When a scenario is settled, what is due then, and what there is to pay it from.

    A scenario is settled at the end of the first period in which its balance is below minus the line behind it, else
    of the last. With b the balance and C the line of that period the claims are, in this order: the first `owed`
    amounts; what is drawn of the line, min(max(-b, 0), C); what was left unpaid, max(-b, 0) - that, at a shortfall
    only; and `last`. Pool p holds surplus * max(b, 0) + share * amount * factor, the two being amounts; an amount of
    -1 is none, a factor of -1 is 1.

    Attributes:
        balance, balance_exposure: a PEAK loss table of T periods, and the running balance's exposure.
        fixed: (R, T) amounts, which are never below 0 once the flows are added.
        moving: (R',) amounts that `flows` adds to: a WORST loss table of R' * T periods, amount by amount, or None.
        owed: number of amounts that are claims.
        last: (T,) what the last claim is due.
        surplus, share, amount, factor: (P,) of each pool.
        bearers: number of the last pools whose payments are losses of their own, such as guarantors'.
        steps: of the waterfall, with owed + 3 claims and P pools.
    """

    balance: LossTable
    balance_exposure: FloatArray
    fixed: FloatArray
    moving: NDArray[np.int64]
    flows: LossTable | None
    flow_exposure: FloatArray
    owed: int
    last: FloatArray
    surplus: FloatArray
    share: FloatArray
    amount: IntArray
    factor: IntArray
    bearers: int
    steps: Waterfall

    @property
    def periods(self) -> int:
        return int(self.fixed.shape[1])

    @property
    def width(self) -> int:
        """Number of those that bear losses: the claims and the last pools."""
        return self.steps.claims + self.bearers

    @property
    def line(self) -> FloatArray:
        """(T,) committed line behind the balance."""
        return line(self.balance, np.asarray(self.balance_exposure, dtype=np.float64))

    @property
    def least(self) -> FloatArray:
        """(T,) a balance below this is a shortfall."""
        return np.asarray(-self.line - NOISE)


@dataclass(frozen=True, eq=False)
class Settled:
    """What the waterfall leaves in each of n scenarios.

    Attributes:
        due: (n, claims) what each claim is owed at its date.
        losses: (n, claims) what stays unpaid, guarantees counted as payments.
        guarantees: (n, bearers) what the last pools pay: their loss.
        value: (n,) value of all other pools.
        left: (n,) of that value, what no claim took.
        date: (n,) period of the settlement.
        defaulted: (n,) whether it is a shortfall.
    """

    due: FloatArray
    losses: FloatArray
    guarantees: FloatArray
    value: FloatArray
    left: FloatArray
    date: NDArray[np.int64]
    defaulted: NDArray[np.bool_]

    @property
    def total(self) -> FloatArray:
        """(n,) all losses, added claim by claim, then pool by pool."""
        out = np.zeros(self.losses.shape[0])
        for column in (*self.losses.T, *self.guarantees.T):
            out += column
        return out


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over scenarios.

    Attributes:
        sums: (width,) weighted losses of each claim and bearing pool.
        owed: (claims,) weighted amounts due.
        hits: (width,) number of scenarios with a loss.
        dates: (T,) number of scenarios that fall short first in each period.
    """

    sums: FloatArray
    owed: FloatArray
    hits: NDArray[np.int64]
    dates: NDArray[np.int64]


def check_settling(table: Settling, drivers: int, periods: int) -> None:
    """ValueError unless the table fits itself and a store of so many drivers and periods."""
    check_waterfall(table.steps)
    check_loss(table.balance, drivers, periods)
    exposures(table.balance, table.balance_exposure)
    amounts, horizon = table.fixed.shape
    need(table.balance.kind == LossKind.PEAK, "the balance must be a PEAK loss")
    need(horizon == table.balance.terms.periods, f"fixed must have {table.balance.terms.periods} periods")
    need(bool(np.isfinite(table.fixed).all() and np.isfinite(table.last).all()), "fixed and last must be finite")
    need(table.last.shape == (horizon,) and bool((table.last >= 0.0).all()), f"last must be ({horizon},), from 0 up")
    need(bool((table.line >= 0.0).all()), "the line must not be negative")
    need(0 <= table.owed <= amounts and table.steps.claims == table.owed + 3,
         f"{table.owed} of {amounts} amounts and 3 more claims are not the steps' {table.steps.claims}")  # fmt: skip
    pools = table.steps.pools
    need(0 <= table.bearers <= pools, f"bearers must lie in 0..{pools}; got {table.bearers}")
    for name, values in (("amount", table.amount), ("factor", table.factor)):
        within = values.shape == (pools,) and bool(((values >= -1) & (values < amounts)).all())
        need(within, f"{name} must be ({pools},) amounts in -1..{amounts - 1}")
    for name, parts in (("surplus", table.surplus), ("share", table.share)):
        good = parts.shape == (pools,) and bool(np.isfinite(parts).all() and (parts >= 0.0).all())
        need(good, f"{name} must be ({pools},), finite and not negative")
    if table.flows is None:
        need(table.moving.size == 0, "amounts that move need flows")
        return
    check_loss(table.flows, drivers, periods)
    exposures(table.flows, table.flow_exposure)
    flat = table.moving.size * horizon
    need(table.flows.kind == LossKind.WORST and table.flows.terms.periods == flat,
         f"flows must be a WORST loss of {flat} periods")  # fmt: skip
    within = bool(((table.moving >= 0) & (table.moving < amounts)).all())
    need(within and np.unique(table.moving).size == table.moving.size, f"moving must be amounts in 0..{amounts - 1}")


def settle(table: Settling, balance: FloatArray, flows: FloatArray | None, distribute: Distribute) -> Settled:
    """Settle n scenarios.

    Args:
        balance: (n, T) running balances. flows: (n, R' * T) what the drivers add to the moving amounts.
        distribute: the waterfall.
    """
    n, horizon = balance.shape
    at = np.arange(n)
    below = balance < table.least
    defaulted: NDArray[np.bool_] = np.any(below, axis=1)
    date = np.where(defaulted, below.argmax(axis=1), horizon - 1)
    held = table.fixed[:, date].T.copy()
    if flows is not None:
        held[:, table.moving] += flows.reshape(n, table.moving.size, horizon)[at, :, date]
    held = np.maximum(held, 0.0)
    final = balance[at, date]
    short, surplus = np.maximum(-final, 0.0), np.maximum(final, 0.0)
    drawn = np.minimum(short, table.line[date])
    unpaid = np.where(defaulted, short - drawn, 0.0)
    due = np.column_stack([held[:, : table.owed], drawn, unpaid, table.last[date]])
    pools = np.empty((n, table.steps.pools))
    for p, (share, amount, factor) in enumerate(zip(table.share, table.amount, table.factor, strict=True)):
        pools[:, p] = table.surplus[p] * surplus
        if amount >= 0:
            pools[:, p] += share * held[:, amount] * (held[:, factor] if factor >= 0 else 1.0)
    lost, left = distribute(table.steps, due, pools)
    own = pools.shape[1] - table.bearers
    value, over = pools[:, :own].sum(axis=1), left[:, :own].sum(axis=1)
    return Settled(due, lost, (pools - left)[:, own:], value, over, date, defaulted)


class Shaped(Protocol):
    """What a tally needs to know of a settling."""

    @property
    def periods(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def steps(self) -> Waterfall: ...


class Tallying:
    """Adds up settlements in a fixed order: lanes of 256 scenarios by halves, blocks in sequence within groups of 64,
    then the groups in sequence, as `means` does.
    """

    def __init__(self, table: Shaped) -> None:
        self._width = table.width
        self._sums = np.zeros(table.width + table.steps.claims)
        self._group, self._blocks = np.zeros_like(self._sums), 0
        self._hits, self._dates = np.zeros(table.width, np.int64), np.zeros(table.periods, np.int64)

    def add(self, one: Settled, weights: ArrayLike | None = None) -> None:
        """Add n scenarios; n is a multiple of 256 in all calls but the last. weights: (n,)."""
        borne = np.hstack([one.losses, one.guarantees])
        self._hits += (borne > NOISE).sum(axis=0)
        self._dates += np.bincount(one.date[one.defaulted], minlength=self._dates.size)
        columns = np.hstack([borne, one.due])
        if weights is not None:
            columns *= np.asarray(weights, dtype=np.float64)[:, None]
        n = columns.shape[0]
        padded = np.zeros((-(-n // LANES), LANES, columns.shape[1]))
        padded.reshape(-1, columns.shape[1])[:n] = columns
        half = LANES // 2
        while half > 0:
            padded[:, :half] += padded[:, half : 2 * half]
            half //= 2
        for block in padded[:, 0]:
            self._group += block
            self._blocks += 1
            if self._blocks == MEAN_GROUP:
                self._close()

    def _close(self) -> None:
        self._sums += self._group
        self._group, self._blocks = np.zeros_like(self._sums), 0

    def tally(self) -> Tally:
        if self._blocks:
            self._close()
        return Tally(self._sums[: self._width], self._sums[self._width :], self._hits, self._dates)


def added(tallies: list[Tally]) -> Tally:
    """Tallies of several sets of scenarios, added up in their order."""
    first, *rest = tallies
    sums, owed = first.sums.copy(), first.owed.copy()
    hits, dates = first.hits.copy(), first.dates.copy()
    for one in rest:
        sums += one.sums
        owed += one.owed
        hits += one.hits
        dates += one.dates
    return Tally(sums, owed, hits, dates)
