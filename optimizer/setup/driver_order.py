"""Where drivers are stored and what their draws depend on: their names, never their places in the case.

Adding, removing or moving a driver that nothing refers to leaves the draws of all others, and so the plan, bit for bit
as they were. What else refers to a driver does not matter either: taking an instrument out moves no scenario.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...models.ledger import Ledger
from ...models.schema.case import Case
from ...models.schema.drivers import Correlation, Shown
from ..arrays import FloatArray

SEMIDEFINITE = 1e-9


def driver_order(case: Case) -> tuple[str, ...]:
    """Ids of the drivers as they are stored, whatever their order in the case.

    First the correlated ones as `correlation.drivers` lists them, so that one appended to that list changes no other's
    shocks; then those with shocks of their own by name; those that only show another driver stand last.
    """
    listed = () if case.correlation is None else case.correlation.drivers
    rank = {name: i for i, name in enumerate(listed)}
    shown = {d.id for d in case.driver if isinstance(d, Shown)}
    return tuple(sorted((d.id for d in case.driver), key=lambda name: (name in shown, rank.get(name, len(rank)), name)))


def counter_words(names: Sequence[str]) -> NDArray[np.uint64]:
    """(D,) each driver's word in the counter of its draws: the first 64 bits of BLAKE2b of its name (RFC 7693)."""
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    return np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)


def reordered(ledger: Ledger, case: Case) -> Ledger:
    """The ledger with its factors, made in the case's order of the drivers, pointing to where they are stored."""
    order = {name: i for i, name in enumerate(driver_order(case))}
    place = np.array([order[d.id] for d in case.driver], dtype=np.int64)
    flat = ledger.factors.astype(np.int64)
    driver, period = np.divmod(np.maximum(flat, 0), ledger.periods)
    moved = np.where(flat < 0, np.iinfo(np.int64).max, place[driver] * ledger.periods + period)
    moved.sort(axis=1)  # products are formed from left to right, and rounded
    return replace(ledger, factors=np.where(moved == np.iinfo(np.int64).max, -1, moved).astype(np.int32))


def correlation_factor(order: Sequence[str], correlation: Correlation | None) -> FloatArray:
    """Lower-triangular L with L L' = the correlation of all shocks; drivers left out are independent.

    A singular matrix has no Cholesky factor in floating point, so one with an eigenvalue near 0 is split by its
    eigenvectors and made triangular by QR. Raises ValueError if an eigenvalue is clearly negative.
    """
    lower = np.eye(len(order))
    if correlation is None:
        return lower
    # The correlated ones alone, so that an independent driver beside them does not change a rounding.
    at = np.array(sorted(order.index(name) for name in correlation.drivers))
    row = [correlation.drivers.index(order[i]) for i in at]
    matrix = np.asarray(correlation.matrix, dtype=np.float64)[np.ix_(row, row)]
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -SEMIDEFINITE * len(at):
        raise ValueError(f"the correlation matrix is not positive semidefinite: least eigenvalue {values[0]:.3g}")
    if values[0] > SEMIDEFINITE:
        factor = np.linalg.cholesky(matrix)
    else:
        factor = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T).R.T
        factor = factor * np.where(np.diag(factor) < 0, -1.0, 1.0)
        # Rounding must not leave a shock with a variance other than 1.
        factor = factor / np.linalg.norm(factor, axis=1, keepdims=True)
    lower[np.ix_(at, at)] = factor
    return lower
