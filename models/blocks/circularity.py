"""Circular funding: what parties that the plan pays, or is paid by, put into it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account
from ..schema.case import Case
from . import rules
from .assembly import Assembly, cumulative, only


def circular_parties(case: Case) -> frozenset[str]:
    """Ids of the parties whose money may have come from the plan, or may go back to it.

    Suppliers and customers, and whoever is linked to one of them by ownership, in either direction and at any distance.
    """
    found = {p.id for p in case.party if p.role != "other"}
    found |= {a.vendor for a in case.accelerator} | {c.customer for c in case.contract}
    links = [(p.id, stake.party) for p in case.party for stake in p.owns]
    while more := {b for pair in links for a, b in (pair, pair[::-1]) if a in found} - found:
        found |= more
    return frozenset(found)


def circular_investors(case: Case) -> frozenset[str]:
    """Ids of the investors behind whom such a party stands."""
    parties = circular_parties(case)
    return frozenset(i.id for i in case.investor if i.party in parties)


def raised(a: Assembly) -> tuple[csr_array, csr_array]:
    """(T, N) funding raised, and the part of it that is circular: face value paid out, and customers' prepayments."""
    face = a.expected([Account.PROCEEDS])
    # A prepayment is raised when the contract is signed; what is posted later is its credit against the bills.
    at_signature = a.selector(a.mask(block="contract"), range(a.periods))
    prepaid = csr_array(a.expected([Account.PREPAYMENT]).multiply(at_signature).maximum(0.0))
    circular = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
    for investor in circular_investors(a.case):
        circular |= a.mask(investor=investor)
    return csr_array(face + prepaid), csr_array(prepaid + only(face, circular))


def spent(a: Assembly) -> csr_array:
    """(T, N) paid for hardware and sites, whoever is paid; what retired systems are sold for does not lower it."""
    return csr_array(-a.expected([Account.HARDWARE, Account.SITES]))


def constrain(a: Assembly) -> None:
    """At every date, circular funding so far is at most `cap` of all spending so far, or of all funding raised so far.

    A row for the end alone could be met by what is spent or raised in the last period. Against funding raised the cap
    is diluted by money that is raised and left idle; against spending it is not.
    """
    rule = a.case.circularity
    if rule.cap >= 1.0:
        return
    total, circular = raised(a)
    base = spent(a) if rule.against == "spending" else total
    a.rows(rules.CIRCULARITY, a.labels, cumulative(csr_array(circular - rule.cap * base)), upper=0.0)
