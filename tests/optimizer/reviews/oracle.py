"""An adaptive case written out: a copy of the static program for each node, tied together by equalities, and a block of
rows per scenario. It shares nothing with the engine's stitching or its leaves: each node's copy has every column of the
static program, what is decided before a node equals its parent's, and rows are chosen by their names here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from capmix.kernels.backend import get_backend
from capmix.kernels.store import Store
from capmix.kernels.tables import LossTable, TermTable
from capmix.models.blocks.quantities import money_discount
from capmix.models.blocks.tax import BORROWING, TAX_EBITDA, TAXABLE
from capmix.models.build import build_ledger, build_program
from capmix.models.ledger import CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account, Ledger
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from capmix.optimizer.cutting_planes.solution import RiskLimit
from capmix.optimizer.setup.assemble import liquidity, measured
from capmix.optimizer.setup.driver_order import driver_order, reordered
from capmix.optimizer.setup.risk_losses import all_risks

NUMPY = get_backend("numpy")
EXPECTED = ("cash", "outstanding_balance", "entity_cash")
DEFINE = ("cash_balance", "outstanding_balance", "entity_balance")


@dataclass(frozen=True)
class Spot:
    """A node: periods, its scenarios, and the node before it."""

    start: int
    end: int
    rows: np.ndarray
    parent: int


def spots(case: Case, values: np.ndarray) -> list[Spot]:
    """The tree, from the drivers' values (S, D, T) alone."""
    order, periods = driver_order(case), case.horizon.periods
    columns = {c.id: c.drivers for c in case.column}
    found = [Spot(0, periods, np.arange(values.shape[0]), -1)]
    names: list[tuple[str, ...]] = [()]
    leaves = [0]
    for number, review in enumerate(case.review):
        drivers = columns.get(review.signal, (review.signal,))
        signal = np.prod([values[:, order.index(d), review.at] for d in drivers], axis=0)
        levels = review.levels or tuple(np.quantile(signal, review.quantiles))
        after = []
        for leaf in leaves:
            spot = found[leaf]
            if review.only_if is not None and review.only_if not in names[leaf]:
                after.append(leaf)
                continue
            found[leaf] = replace(spot, end=review.at)
            edges = [-np.inf, *levels, np.inf]
            for k, band in enumerate(review.named(number)):
                mine = spot.rows[(signal[spot.rows] >= edges[k]) & (signal[spot.rows] < edges[k + 1])]
                assert mine.size
                after.append(len(found))
                names.append((*names[leaf], band))
                found.append(Spot(review.at, periods, mine, leaf))
        leaves = after
    return found


@dataclass(frozen=True)
class Written:
    """The problem without its scenarios: a program over all nodes' copies, and each risk over indicator drivers."""

    program: LinearProgram
    risks: list[RiskLimit]
    values: np.ndarray
    spots: list[Spot]


def nothing_tax(
    case: Case, ledger: Ledger, tree: list[Spot], leaf: int, means: list[np.ndarray], rates: list[np.ndarray]
) -> np.ndarray:
    """(T,) tax of doing nothing on the way to a leaf: in each period on what the node that decides then expects.

    rates: (T,) of each node, at which its cash earns.
    """
    periods, tax = case.horizon.periods, case.tax
    out = np.zeros(periods)
    if tax is None:
        return out
    fixed = ledger.mask(block="fixed").astype(float)
    line = [leaf]
    while tree[line[-1]].parent >= 0:
        line.append(tree[line[-1]].parent)
    carried, waiting = tax.opening_losses, tax.opening_interest
    for t in range(periods):
        k = next(k for k in line if tree[k].start <= t < tree[k].end)

        def sums(accounts: tuple[Account, ...], k: int = k) -> np.ndarray:
            return ledger.expected(accounts, means[k]) @ fixed

        cash, flow = case.cash.opening, sums(CASH_ACCOUNTS)
        for u in range(t):
            cash += rates[k][u] * cash + flow[u] - out[u]
        income = sums(TAXABLE)[t]
        if tax.interest_limit is not None:
            kept_off = max(waiting - sums(BORROWING)[t] - tax.interest_limit * sums(TAX_EBITDA)[t], 0.0)
            income, waiting = income + kept_off - waiting, kept_off
        used = min(tax.loss_use * max(income, 0.0), carried)
        carried += max(-income, 0.0) - used
        out[t] = tax.rate * (max(income, 0.0) - used) + tax.rate * rates[k][t] * cash
    return out


def nothing_wealth(case: Case, ledger: Ledger, mean: np.ndarray, rate: np.ndarray, tax: np.ndarray) -> float:
    """Discounted wealth that doing nothing leaves in a leaf."""
    fixed = ledger.mask(block="fixed").astype(float)
    flow, cash = ledger.expected(CASH_ACCOUNTS, mean) @ fixed, case.cash.opening
    for t in range(flow.size):
        cash += rate[t] * cash + flow[t] - tax[t]
    return float(money_discount(case)[-1] * (cash + (ledger.expected(TERMINAL_ACCOUNTS, mean) @ fixed).sum()))


def written_out(
    case: Case, values: np.ndarray, pooled: bool = False, calendars: tuple = ((), ()), own: tuple = ()
) -> Written:
    """values: (S, D, T). pooled: covenants on the mean of all nodes. calendars: in which entities pay nothing up and
    tests are left out. own: limits of a user's own.
    """
    ledger = reordered(build_ledger(case), case)
    whole = Store.from_values(values)
    cash = liquidity(case, ledger).table
    tree = spots(case, values)
    leaves = [k for k in range(len(tree)) if not any(s.parent == k for s in tree)]
    stores = [Store.from_values(values[s.rows]) for s in tree]
    means = [NUMPY.means(store, ledger.factors) for store in stores]
    rates = [NUMPY.rates(store, cash) for store in stores]
    programs = [build_program(case, ledger, m, r, *calendars, own=own) for m, r in zip(means, rates, strict=True)]
    share = [s.rows.size / values.shape[0] for s in tree]
    width, count = programs[0].matrix.shape[1], len(ledger.decisions)
    label = {name: t for t, name in enumerate(case.horizon.labels)}

    def period(name: str) -> int | None:
        last = re.split(r"[\[\],]", name.rstrip("]"))[-1]
        return label.get(last)

    when = [0 if d.block == "fixed" else d.period for d in ledger.decisions]
    when += [period(name) or 0 for name in programs[0].column_names[count:]]
    when_of = np.array(when)
    expected = np.array([j >= count and n.split("[")[0] in EXPECTED for j, n in enumerate(programs[0].column_names)])
    size = width * len(tree)
    blocks, low, high = [], [], []

    def add(matrix: sp.sparray, lower: np.ndarray, upper: np.ndarray) -> None:
        blocks.append(sp.csr_array(matrix))
        low.append(np.atleast_1d(lower))
        high.append(np.atleast_1d(upper))

    def at(k: int, matrix: sp.sparray) -> sp.csr_array:
        parts = [sp.csr_array((matrix.shape[0], width)) for _ in tree]
        parts[k] = sp.csr_array(matrix)
        return sp.csr_array(sp.hstack(parts))

    col_low, col_high = np.full(size, -np.inf), np.full(size, np.inf)
    pools: dict[str, list[tuple[int, int]]] = {}
    for k, (spot, p) in enumerate(zip(tree, programs, strict=True)):
        here = slice(k * width, (k + 1) * width)
        alive = (when_of >= spot.start) & (when_of < spot.end)
        col_low[here], col_high[here] = np.where(alive, p.col_lower, -np.inf), np.where(alive, p.col_upper, np.inf)
        later = when_of >= spot.end
        col_low[here][later] = col_high[here][later] = 0.0  # behind the node: no part of its copy
        if spot.parent >= 0:  # what was decided before it
            tied = np.flatnonzero((when_of < spot.start) & ~expected)
            eye = sp.eye_array(width, format="csr")[tied]
            add(at(k, eye) - at(spot.parent, eye), np.zeros(tied.size), np.zeros(tied.size))
        matrix = sp.csr_array(p.matrix)
        keep = []
        for i, name in enumerate(p.row_names):
            rule, t = name.split("[")[0], period(name)
            latest = max((int(when_of[j]) for j in matrix[[i]].indices), default=0)
            if rule in DEFINE:
                wanted = t is not None and t < spot.end
            elif rule.startswith("own_"):
                wanted = spot.start <= latest < spot.end
            elif t is None:
                wanted = k in leaves
            elif rule.startswith("covenant_") and pooled:
                wanted = False
                if spot.start <= t < spot.end:
                    pools.setdefault(name, []).append((k, i))
            else:
                wanted = spot.start <= max(t, latest) < spot.end
            if wanted:
                keep.append(i)
        add(at(k, matrix[keep]), p.row_lower[keep], p.row_upper[keep])
    for members in pools.values():
        line = sum(
            (share[k] * at(k, sp.csr_array(programs[k].matrix)[[i]]) for k, i in members), sp.csr_array((1, size))
        )
        add(
            line,
            np.array([sum(share[k] * programs[k].row_lower[i] for k, i in members)]),
            np.array([sum(share[k] * programs[k].row_upper[i] for k, i in members)]),
        )
    cost, offset = np.zeros(size), 0.0
    for k in leaves:
        cost[k * width : (k + 1) * width] = share[k] * programs[k].cost
        offset += share[k] * programs[k].offset
        if case.objective.kind == "cost":
            tax = nothing_tax(case, ledger, tree, k, means, rates)
            known = nothing_wealth(case, ledger, means[k], rates[k], tax)
            offset += share[k] * (known - programs[k].offset)
    base = programs[0]
    matrix = sp.csr_array(sp.vstack(blocks))
    program = replace(
        base,
        matrix=matrix, cost=cost, offset=offset, value=np.zeros(size), row_lower=np.concatenate(low),
        row_upper=np.concatenate(high), col_lower=col_low, col_upper=col_high,
        decisions=np.concatenate([k * width + np.arange(count) for k in leaves]).astype(np.int32),
        row_names=("",) * matrix.shape[0], column_names=("",) * size, bound_rules=("",) * size,
    )  # fmt: skip
    drivers, periods = values.shape[1:]
    marks = np.zeros((values.shape[0], len(leaves), periods))
    for n, k in enumerate(leaves):
        marks[tree[k].rows, n] = 1.0
    overall = NUMPY.rates(whole, cash)
    nothing = [nothing_tax(case, ledger, tree, k, means, [overall] * len(tree)) for k in leaves]
    each = [
        measured(case, ledger, means[k], overall, calendars[1], tax) for k, tax in zip(leaves, nothing, strict=True)
    ]
    fixed = next(j for j, d in enumerate(ledger.decisions) if d.block == "fixed")
    risks = [
        _marked(risk.id, [one[m].table for one in each], [one[m].matrix for one in each], risk.level, risk.limit,
                drivers, periods, fixed, count)
        for m, risk in enumerate(all_risks(case))
    ]  # fmt: skip
    return Written(program, risks, np.concatenate([values, marks], axis=1), tree)


def _marked(
    name: str, tables: list[LossTable], matrices: list[sp.sparray], level: float, limit: float, drivers: int,
    periods: int, fixed: int, count: int,
) -> RiskLimit:  # fmt: skip
    """One loss over the leaves' own decisions: each leaf's entries, times its indicator, a driver of its own."""
    first = tables[0]
    flow = first.terms.periods
    factors, atoms, rows, start = [], [], [], [0]
    for t in range(flow):
        for n, (table, matrix) in enumerate(zip(tables, matrices, strict=True)):
            mark = (drivers + n) * periods
            for e in range(table.terms.start[t], table.terms.start[t + 1]):
                factors.append([*table.terms.factors[table.terms.atom[e]], mark])
                rows.append((n, sp.csr_array(matrix)[[e]]))
            if table.floor[t] != first.floor[t]:  # what the leaf's own constant adds to the flow
                factors.append([-1] * table.terms.factors.shape[1] + [mark])
                shift = sp.csr_array(([first.floor[t] - table.floor[t]], ([0], [fixed])), shape=(1, count))
                rows.append((n, shift))
        start.append(len(rows))
    for n in range(len(tables)) if first.revolver else ():
        assert n == 0, "a revolver's lines have no indicator here"
    atoms = list(range(len(factors)))
    terms = TermTable(
        flow, np.array(factors, dtype=np.int32), np.array(atoms, dtype=np.int32), np.array(start, np.int32)
    )
    lines = [sp.hstack([row if k == n else sp.csr_array((1, count)) for k in range(len(tables))]) for n, row in rows]
    matrix = sp.csr_array(sp.vstack(lines))
    return RiskLimit(name, replace(first, terms=terms), matrix, level, limit)
