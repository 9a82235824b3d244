"""Settlement of a group: companies with balances of their own, which pay each other, default and are settled apart.

The definition, in NumPy, on the flows that any backend gives: it is evaluated for one plan at a time, and no cut is
taken from it. Nothing here knows what is owed or why. The first company owns all others, directly or through others;
each of the others pays its owner what was planned, if it has it and passes its gate, and is paid what was planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .backend import Backend, ScenarioStore
from .checks import need
from .losses import growth_at
from .memory.leaves import LeafBackend, LeafStore
from .settling import NOISE, Settled, Tally, Tallying, added
from .store import LANES, RowArray
from .tables import FloatArray, IntArray, LossKind, LossTable
from .vectors import LossVector, RowVector
from .waterfall import Waterfall, check_waterfall, distribute

_CELLS = 1 << 23  # doubles of flows held at one time

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Companies:
    """K companies, owners behind what they own; the first is the last of all owners.

    Attributes:
        opening: (K,) balances at the start. owner: (K,) of each, -1 of the first.
        up, down: (K, T) what each is to pay its owner, and to be paid by it; 0 of the first.
        keep: (K, T) balance that a payment to the owner must leave.
        gated: (K,) whether a payment to the owner needs the gate of its period to be at least 0.
    """

    opening: FloatArray
    owner: IntArray
    up: FloatArray
    down: FloatArray
    keep: FloatArray
    gated: BoolArray

    @property
    def count(self) -> int:
        return int(self.opening.size)

    @property
    def order(self) -> list[int]:
        """The owned before their owners."""

        def depth(k: int) -> int:
            return 0 if self.owner[k] < 0 else 1 + depth(int(self.owner[k]))

        return sorted(range(self.count), key=lambda k: -depth(k))


@dataclass(frozen=True, eq=False)
class GroupSettling:
    """When each company of each scenario is settled, what is due then, and what there is to pay it from.

    A company is settled at the end of the first period in which its balance, before what it pays its owner, is below
    minus its line, else of the last; only the first company has a line. From its default on it neither pays its owner
    nor is paid, nor does its owner from his. The claims are, in this order: the first `owed` amounts; what is drawn of
    the line; what the first company leaves unpaid at its default; `last`; and what each other company leaves unpaid.

    Attributes:
        table: a PEAK loss table of T periods: margins, step and line of all balances.
        line: (T,) of the first company.
        flows: a WORST loss table with these numbers per scenario: each company's flow by period, without what is paid
            within the group (K * T); the gates of those that have one, by period; the rate that is seen on the way into
            each period (T); and what is added to the moving amounts, amount by amount, by period.
        exposure: of the flows.
        fixed: (R, T) amounts, never below 0 once the flows are added. moving: (R',) amounts that the flows add to.
        of: (R,) company at whose date each amount is taken.
        owed: number of amounts that are claims. last: (T,) what that claim is due.
        estate: (K,) pool that takes each company's balance above 0.
        share, amount, factor: (P,) of each pool, as in `settling.Settling`; a factor is taken at its amount's date.
        bearers: number of the last pools whose payments are losses of their own.
        steps: of the waterfall.
    """

    companies: Companies
    table: LossTable
    line: FloatArray
    flows: LossTable
    exposure: FloatArray
    fixed: FloatArray
    moving: NDArray[np.int64]
    of: IntArray
    owed: int
    last: FloatArray
    estate: IntArray
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


@dataclass(frozen=True, eq=False)
class Run:
    """How the companies fare in n scenarios.

    Attributes:
        date, defaulted: (n, K) when each is settled, and whether at a default.
        final: (n, K) its balance then.
        balance: (n, K, T) balances at each period's end; after a default without meaning.
        paid: (n, K, T) what each paid its owner.
    """

    date: NDArray[np.int64]
    defaulted: BoolArray
    final: FloatArray
    balance: FloatArray
    paid: FloatArray


def check_group(table: GroupSettling) -> None:
    """ValueError unless the table fits itself."""
    check_waterfall(table.steps)
    c, periods = table.companies, table.periods
    need(c.count >= 1 and int(c.owner[0]) == -1, "the first company has no owner")
    within = bool(((c.owner[1:] >= 0) & (c.owner[1:] < c.count)).all())
    need(within, f"the owner of each other company must lie in 0..{c.count - 1}")
    for name, values in (("up", c.up), ("down", c.down), ("keep", c.keep)):
        good = values.shape == (c.count, periods) and bool(np.isfinite(values).all())
        need(good, f"{name} must be ({c.count}, {periods}) and finite")
    rows = (c.count + int(c.gated.sum()) + 1 + table.moving.size) * periods
    need(table.flows.kind == LossKind.WORST and table.flows.terms.periods == rows,
         f"flows must be a WORST loss of {rows} periods")  # fmt: skip
    claims = table.owed + 2 + c.count
    need(table.steps.claims == claims, f"the steps have {table.steps.claims} claims for {claims}")
    need(table.of.shape == (table.fixed.shape[0],), "each amount has a company")
    need(bool((table.line >= 0.0).all() and (table.last >= 0.0).all()), "line and last must not be negative")


def run(table: GroupSettling, flows: FloatArray) -> Run:
    """Carry the balances of all companies through n scenarios; flows: (n, rows) as the table says."""
    c, periods, n = table.companies, table.periods, flows.shape[0]
    own = flows[:, : c.count * periods].reshape(n, c.count, periods)
    gates = flows[:, c.count * periods : (c.count + int(c.gated.sum())) * periods].reshape(n, -1, periods)
    gate_of = np.cumsum(c.gated) - 1
    first = (c.count + int(c.gated.sum())) * periods
    surplus, drawn, deficit = growth_at(flows[:, first : first + periods], table.table)
    behind = np.concatenate(([0.0], table.line[:-1]))
    held = np.tile(c.opening, (n, 1))
    date = np.full((n, c.count), periods - 1)
    defaulted = np.zeros((n, c.count), dtype=np.bool_)
    final, balance, paid = np.zeros((n, c.count)), np.zeros((n, c.count, periods)), np.zeros((n, c.count, periods))
    for t in range(periods):
        good, dear = surplus[:, t], deficit[:, t]
        for k in range(c.count):
            line = behind[t] if k == 0 else 0.0
            before, beyond = held[:, k], held[:, k] < -line
            within = np.where(before >= 0.0, good, drawn[:, t] if k == 0 else dear)
            extra = np.where(beyond, line * (dear - drawn[:, t]), 0.0)
            held[:, k] = before * np.where(beyond, dear, within) + extra + own[:, k, t]
        alive = ~defaulted
        for k in range(1, c.count):
            owner = int(c.owner[k])
            both = alive[:, k] & alive[:, owner]
            given = np.where(both, c.down[k, t], 0.0)
            held[:, k] += given
            held[:, owner] -= given
        for k in c.order:
            short = alive[:, k] & (held[:, k] < -(table.line[t] if k == 0 else 0.0) - NOISE)
            date[short, k] = t
            final[short, k] = held[short, k]
            defaulted[:, k] |= short
            if k == 0:
                continue
            owner = int(c.owner[k])
            may = ~defaulted[:, k] & alive[:, owner]
            if c.gated[k]:
                may &= gates[:, gate_of[k], t] >= -NOISE
            room = np.maximum(held[:, k] - c.keep[k, t], 0.0)
            paid[:, k, t] = np.where(may, np.minimum(c.up[k, t], room), 0.0)
            held[:, k] -= paid[:, k, t]
            held[:, owner] += paid[:, k, t]
        balance[:, :, t] = held
    final = np.where(defaulted, final, held)
    return Run(date, defaulted, final, balance, paid)


def settle_group(table: GroupSettling, flows: FloatArray) -> tuple[Settled, Run]:
    """Settle n scenarios; date and default of what is returned are those of the first company."""
    went = run(table, flows)
    n, periods, moving = flows.shape[0], table.periods, table.moving.size
    at, place = np.arange(n), {int(r): j for j, r in enumerate(table.moving)}
    added = flows[:, flows.shape[1] - moving * periods :].reshape(n, moving, periods)

    def amount(r: int, company: int) -> FloatArray:
        """(n,) an amount at a company's date."""
        date = went.date[:, company]
        value = table.fixed[r, date]
        if r in place:
            value = value + added[at, place[r], date]
        return np.asarray(np.maximum(value, 0.0))

    held = np.column_stack([amount(r, int(table.of[r])) for r in range(table.owed)] or [np.zeros((n, 0))])
    short = np.maximum(-went.final, 0.0)
    drawn = np.minimum(short[:, 0], table.line[went.date[:, 0]])
    unpaid = np.where(went.defaulted, short, 0.0)
    unpaid[:, 0] = np.where(went.defaulted[:, 0], short[:, 0] - drawn, 0.0)
    due = np.column_stack([held, drawn, unpaid[:, 0], table.last[went.date[:, 0]], unpaid[:, 1:]])
    pools = np.zeros((n, table.steps.pools))
    for p, (share, r, factor) in enumerate(zip(table.share, table.amount, table.factor, strict=True)):
        if r >= 0:
            company = int(table.of[r])
            pools[:, p] = share * amount(int(r), company) * (amount(int(factor), company) if factor >= 0 else 1.0)
    for k, p in enumerate(table.estate):
        pools[:, p] += np.maximum(went.final[:, k], 0.0)
    lost, left = distribute(table.steps, due, pools)
    own = pools.shape[1] - table.bearers
    value, over = pools[:, :own].sum(axis=1), left[:, :own].sum(axis=1)
    settled = Settled(due, lost, (pools - left)[:, own:], value, over, went.date[:, 0], went.defaulted[:, 0])
    return settled, went


@dataclass(frozen=True, eq=False)
class GroupTally:
    """Sums over scenarios: `tally` as of one company; of each company by period (K, T) the scenarios that default
    first, those in which a planned payment to the owner was not made in full, and the balances.
    """

    tally: Tally
    dates: NDArray[np.int64]
    withheld: NDArray[np.int64]
    missing: FloatArray
    any_default: int


def settle_apart(
    backend: LeafBackend,
    store: LeafStore,
    tables: Sequence[GroupSettling],
    rows: RowVector | ArrayLike | None = None,
    weights: LossVector | ArrayLike | None = None,
) -> tuple[FloatArray, GroupTally]:
    """`settle_all` of scenarios that are parted into leaves, with the table of each leaf (L,)."""
    w = None if weights is None else np.asarray(weights, dtype=np.float64)
    r = None if rows is None and w is None else np.arange(store.count) if rows is None else store.checked(rows)
    total, parts = np.empty(store.count if r is None else r.size), []
    for segment, places, local in backend.each(store, r):
        each = None if w is None else w[places]
        total[places], tally = settle_all(backend.inner, segment.store, tables[segment.leaf], local, each)
        parts.append(tally)
    need(bool(parts), "no rows to settle")
    return total, GroupTally(
        added([one.tally for one in parts]),
        np.sum([one.dates for one in parts], axis=0),
        np.sum([one.withheld for one in parts], axis=0),
        np.sum([one.missing for one in parts], axis=0),
        sum(one.any_default for one in parts),
    )


def settle_all(
    backend: Backend,
    store: ScenarioStore,
    table: GroupSettling,
    rows: RowVector | ArrayLike | None = None,
    weights: LossVector | ArrayLike | None = None,
) -> tuple[FloatArray, GroupTally]:
    """Total loss of each given row, or of all, and sums over them.

    weights: (n,) of the rows, for the losses and what is owed; 1 each if left out. FloatingPointError names a scenario
    that overflows.
    """
    check_group(table)
    chosen = np.arange(store.count) if rows is None else np.asarray(rows)
    each = None if weights is None else np.asarray(weights, dtype=np.float64)
    c = table.companies
    total, tallying = np.empty(chosen.size), Tallying(table)
    dates, withheld = (np.zeros((c.count, table.periods), np.int64) for _ in range(2))
    missing, some = np.zeros((c.count, table.periods)), 0
    for low, (one, went) in _pieces(backend, store, table, chosen):
        n = one.date.size
        total[low : low + n] = one.total
        tallying.add(one, None if each is None else each[low : low + n])
        for k in range(c.count):
            dates[k] += np.bincount(went.date[went.defaulted[:, k], k], minlength=table.periods)
        less = np.maximum(c.up - went.paid, 0.0)
        withheld += (less > NOISE).sum(axis=0)
        missing += less.sum(axis=0)
        some += int(went.defaulted.any(axis=1).sum())
    return total, GroupTally(tallying.tally(), dates, withheld, missing, some)


def _pieces(
    backend: Backend, store: ScenarioStore, table: GroupSettling, rows: RowArray
) -> Iterator[tuple[int, tuple[Settled, Run]]]:
    step = max(LANES, _CELLS // table.flows.terms.periods // LANES * LANES)
    for low in range(0, rows.size, step):
        flows = backend.balances(store, table.flows, table.exposure, rows[low : low + step])
        yield low, settle_group(table, flows)
