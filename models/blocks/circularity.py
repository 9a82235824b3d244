"""Circular funding: what parties that the plan pays, or is paid by, put into it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account
from . import rules
from .assembly import Assembly, cumulative, only


def circular_parties(a: Assembly) -> frozenset[str]:
    """Ids of the investors behind whom a supplier or customer stands."""
    roles = {p.id: p.role for p in a.case.party}
    return frozenset(i.id for i in a.case.investor if i.party is not None and roles[i.party] != "other")


def raised(a: Assembly) -> tuple[csr_array, csr_array]:
    """(T, N) funding raised, and the part of it that is circular: face value paid out, and customers' prepayments."""
    face = a.expected([Account.PROCEEDS])
    # A prepayment is raised when the contract is signed; what is posted later is its credit against the bills.
    at_signature = a.selector(a.mask(block="sign"), range(a.periods))
    prepaid = csr_array(a.expected([Account.PREPAYMENT]).multiply(at_signature).maximum(0.0))
    circular = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
    for investor in circular_parties(a):
        circular |= a.mask(investor=investor)
    return csr_array(face + prepaid), csr_array(prepaid + only(face, circular))


def constrain(a: Assembly) -> None:
    """At every date, circular funding so far is at most `cap` of all funding raised so far.

    A row for the end alone could be met by raising idle money in the last period.
    """
    cap = a.case.circularity.cap
    if cap >= 1.0:
        return
    total, circular = raised(a)
    a.rows(rules.CIRCULARITY, a.labels, cumulative(csr_array(circular - cap * total)), upper=0.0)
