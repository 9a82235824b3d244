"""Outstanding balances and pledged collateral as states of the program: what the limits on funding lean on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scipy.sparse import csr_array

from ..ledger import Account
from . import rules
from .assembly import Assembly

BALANCES = (Account.DEBT, Account.EQUITY, Account.LEASES)
OWED, PLEDGED = "outstanding_balance", "pledged"
SMALL_SHARE = 0.01
"""Advance rates and shares tied to a supplier below it are not divided by."""


def add_balances(a: Assembly) -> None:
    """outstanding_balance[instrument,t], at the end of t. A state, since many rows need the sum over all issues."""
    for instrument in a.case.instrument:
        balance = a.expected(BALANCES, a.mask(instrument=instrument.id))
        if balance.nnz:
            first = a.state(OWED, instrument.id, lower=None, kind="instrument")
            terms = [(t, first + t, -1.0) for t in range(a.periods)]
            a.rows(rules.OWED, label(a, instrument.id), balance, lower=0.0, upper=0.0, terms=terms)


def owed(a: Assembly, weights: Mapping[str, float], times: Sequence[int]) -> list[tuple[int, int, float]]:
    """Terms of the weighted sum of the instruments' balances in the periods `times`."""
    found = [(name, first) for name in weights if (first := a.first(OWED, name)) is not None and weights[name] != 0.0]
    return [(i, first + t, weights[name]) for i, t in enumerate(times) for name, first in found]


def pledge(a: Assembly, instruments: Mapping[str, float], times: Sequence[int]) -> list[tuple[int, int, float]]:
    """Terms of the collateral that instruments take, by their advance rates, in the periods `times`.

    Where little is advanced on an asset, what is pledged is a state of its own, so that no row holds its reciprocal:
    beside that the claims of the other instruments would be lost in rounding.
    """
    plain = {name: 1.0 / rate for name, rate in instruments.items() if rate >= SMALL_SHARE}
    terms = owed(a, plain, times)
    for name, rate in instruments.items():
        first = a.first(OWED, name)
        if rate < SMALL_SHARE and first is not None:
            terms += [(i, _pledged_state(a, name, rate, first) + t, 1.0) for i, t in enumerate(times)]
    return terms


def _pledged_state(a: Assembly, name: str, rate: float, balance: int) -> int:
    """Column of pledged[instrument, 0], where its balance is owed[instrument, 0]: owed ≤ advance rate × pledged."""
    known = a.first(PLEDGED, name)
    return taking(a, name, rate, None, [(t, balance + t, 1.0) for t in range(a.periods)]) if known is None else known


def taking(a: Assembly, name: str, share: float, matrix: csr_array | None, terms: list[tuple[int, int, float]]) -> int:
    """First column of a state of which matrix @ x + terms may take a share."""
    first = a.state(PLEDGED, name, kind="instrument")
    terms = terms + [(t, first + t, -share) for t in range(a.periods)]
    a.rows(rules.PLEDGED, label(a, name), matrix, upper=0.0, terms=terms)
    return first


def label(a: Assembly, name: str) -> list[str]:
    """Index of the rows of `name`, one a period."""
    return [f"{name},{label}" for label in a.labels]
