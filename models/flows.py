"""Linear figures of the ledger over windows of periods: sums of postings, read as expected rows or as exposures.

A figure has R rows, e.g. one per period in which something is tested. Row r is the sum over its flows of
factor × Σ_u window[r, u] × (amount that the flow's accounts are posted in period u, each posting times its share).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from .arrays import FloatArray
from .ledger import ACCOUNT_NUMBER, Account, Exposure, Ledger, net


@dataclass(frozen=True, eq=False)
class Flow:
    """A part of a figure.

    Attributes:
        accounts: whose postings are summed.
        factor: what the sum is multiplied by.
        share: (P,) part of each posting that counts; all of it where left out.
        window: (R, T) weight of each period in each row; each period its own row where left out.
    """

    accounts: tuple[Account, ...]
    factor: float = 1.0
    share: FloatArray | None = None
    window: FloatArray | None = None

    def scaled(self, factor: float) -> Flow:
        return replace(self, factor=self.factor * factor)

    def rows(self, times: Sequence[int], periods: int) -> FloatArray:
        """(len(times), T) window of the chosen rows."""
        window = np.eye(periods) if self.window is None else self.window
        return np.asarray(window[np.asarray(times, dtype=np.int64)])

    def postings(self, ledger: Ledger) -> tuple[NDArray[np.int64], FloatArray]:
        """Postings that count, and what each of them counts per unit of its decision and of its price."""
        keep = np.isin(ledger.account, [ACCOUNT_NUMBER[a] for a in self.accounts])
        value = ledger.coefficient * self.factor
        if self.share is not None:
            value = value * self.share
            keep &= self.share != 0.0
        at = np.flatnonzero(keep)
        return at, value[at]


def expected(ledger: Ledger, flows: Sequence[Flow], means: FloatArray, times: Sequence[int]) -> csr_array:
    """(len(times), N) expected figure per unit of each decision; `means` is (A,), the atoms' sample means."""
    total = csr_array((len(times), len(ledger.decisions)))
    for flow in flows:
        at, value = flow.postings(ledger)
        shape = (ledger.periods, len(ledger.decisions))
        amounts = net(value * means[ledger.atom[at]], ledger.period[at], ledger.decision[at], shape)
        total = csr_array(total + csr_array(flow.rows(times, ledger.periods)) @ amounts)
    return total


Block = tuple[Sequence[Flow], Sequence[int]]
"""Flows of a figure and the rows of it that are wanted."""


def exposure(ledger: Ledger, blocks: Sequence[Block]) -> Exposure:
    """Entries (row, atom) of figures one below the other, and the matrix that maps decisions to them."""
    atoms, count = ledger.factors.shape[0], 0
    keys: list[NDArray[np.int64]] = []
    parts: list[csr_array] = []
    for flows, times in blocks:
        for flow in flows:
            at, value = flow.postings(ledger)
            code = ledger.period[at].astype(np.int64) * atoms + ledger.atom[at]
            priced, row = np.unique(code, return_inverse=True)
            base = csr_array((value, (row.ravel(), ledger.decision[at])), shape=(priced.size, len(ledger.decisions)))
            period, atom = np.divmod(priced, atoms)
            weight = flow.rows(times, ledger.periods)[:, period]  # (rows, priced)
            rows, source = np.nonzero(weight)
            spread = csr_array((weight[rows, source], (np.arange(rows.size), source)), shape=(rows.size, priced.size))
            keys.append((count + rows) * atoms + atom[source])
            parts.append(csr_array(spread @ base))
        count += len(times)
    return _merged(ledger, np.concatenate(keys) if keys else np.zeros(0, np.int64), parts, count)


def _merged(ledger: Ledger, keys: NDArray[np.int64], parts: Sequence[csr_array], count: int) -> Exposure:
    """Entries with the same key added up, ordered by row."""
    atoms = ledger.factors.shape[0]
    entries, row = np.unique(keys, return_inverse=True)
    stacked = vstack(parts, format="csr") if parts else csr_array((0, len(ledger.decisions)))
    gather = csr_array((np.ones(keys.size), (row.ravel(), np.arange(keys.size))), shape=(entries.size, keys.size))
    used, atom = np.unique(entries % atoms, return_inverse=True)
    return Exposure(
        periods=count,
        factors=ledger.factors[used],
        atom=atom.ravel().astype(np.int32),
        start=np.searchsorted(entries // atoms, np.arange(count + 1)).astype(np.int32),
        matrix=csr_array(gather @ stacked),
    )


def trailing_window(periods: int, span: int) -> FloatArray:
    """(T, T) sums over the last `span` periods; where fewer have passed, scaled up to `span`."""
    grid = np.tril(np.ones((periods, periods))) - np.tril(np.ones((periods, periods)), -span)
    return np.asarray(grid * (span / grid.sum(axis=1, keepdims=True)))


def cumulative_window(periods: int) -> FloatArray:
    """(T, T) sums over all periods so far."""
    return np.tril(np.ones((periods, periods)))


def carried_window(rates: FloatArray) -> FloatArray:
    """(T, T) what one received in period u has grown to at the end of t: the product of 1 + rates[k], u < k <= t."""
    periods = rates.size
    grown = np.concatenate([[0.0], np.cumsum(np.log1p(rates))])[1:]
    return np.asarray(np.tril(np.exp(grown[:, None] - grown[None, :]))) if periods else np.zeros((0, 0))


def interest_window(rates: FloatArray) -> FloatArray:
    """(T, T) interest that one received in period u earns in period t > u: rates[t] × what it has grown to at t - 1."""
    earned = np.zeros((rates.size, rates.size))
    earned[1:] = rates[1:, None] * carried_window(rates)[:-1]
    return earned
