"""Products of driver values and the flows made of them: the definition, in NumPy."""

from __future__ import annotations

import numpy as np

from .tables import FloatArray, IntArray, TermTable


def atoms(x: FloatArray, factors: IntArray) -> FloatArray:
    """(n, A) products of driver values.

    Args:
        x: (n, D, T) driver values.
        factors: (A, F) flat positions driver * T + period, -1 for an empty slot.
    """
    flat = x.reshape(x.shape[0], -1)
    product = np.ones((x.shape[0], factors.shape[0]))
    for slot in factors.T:
        held = np.flatnonzero(slot >= 0)
        product[:, held] *= flat[:, slot[held]]
    return product


def flows(x: FloatArray, terms: TermTable, exposure: FloatArray) -> FloatArray:
    """(n, periods) flow[s, t] = sum over the entries e of period t of exposure[e] * atom[e] in scenario s."""
    product = atoms(x, terms.factors)
    out = np.empty((x.shape[0], terms.periods))
    for t in range(terms.periods):
        entries = slice(int(terms.start[t]), int(terms.start[t + 1]))
        out[:, t] = product[:, terms.atom[entries]] @ exposure[entries]
    return out


def pull_back(x: FloatArray, terms: TermTable, sensitivity: FloatArray) -> FloatArray:
    """(E,) sum over s of sensitivity[s, period of e] * atom[e] in s: the transpose of `flows`."""
    product = atoms(x, terms.factors)
    out = np.empty(terms.entries)
    for t in range(terms.periods):
        entries = slice(int(terms.start[t]), int(terms.start[t + 1]))
        out[entries] = sensitivity[:, t] @ product[:, terms.atom[entries]]
    return out
