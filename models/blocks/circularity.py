"""Circular funding: what parties that the plan pays, or is paid by, put into it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account
from . import rules
from .assembly import Assembly, FloatArray


def circular_parties(a: Assembly) -> frozenset[str]:
    """Ids of the investors behind whom a supplier or customer stands."""
    roles = {p.id: p.role for p in a.case.party}
    return frozenset(i.id for i in a.case.investor if i.party is not None and roles[i.party] != "other")


def raised(a: Assembly) -> tuple[FloatArray, FloatArray]:
    """(N,) funding raised per unit of decision, and the part of it that is circular: face value and prepayments."""
    face = np.asarray(a.expected([Account.PROCEEDS]).sum(axis=0)).ravel()
    signed = a.mask(block="sign")
    inflow = a.expected([Account.PREPAYMENT], signed)
    prepaid = np.zeros(face.size)
    for j in np.flatnonzero(signed).tolist():
        prepaid[j] = max(float(inflow[[int(a.period[j])], :].toarray()[0, j]), 0.0)
    circular = prepaid.copy()
    for investor in circular_parties(a):
        circular += np.where(a.mask(investor=investor), face, 0.0)
    return face + prepaid, circular


def constrain(a: Assembly) -> None:
    """Over the horizon, circular funding is at most `cap` of all funding raised."""
    cap = a.case.circularity.cap
    if cap >= 1.0:
        return
    total, circular = raised(a)
    a.rows(rules.CIRCULARITY, ["total"], csr_array((circular - cap * total)[None, :]), upper=0.0)
