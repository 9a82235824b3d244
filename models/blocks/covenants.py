"""Covenants that are kept on the expected path: one row per test and period, in billions of headroom."""

from __future__ import annotations

from ..flows import expected
from . import rules
from .assembly import Assembly
from .entities import cash_terms
from .funding_limits import owed
from .headroom import headrooms


def constrain(a: Assembly) -> None:
    """Headroom of each hard covenant is not negative: what it requires, less what there is, is at most 0."""
    for covenant in a.case.covenant:
        if covenant.as_ != "hard":
            continue
        for test in headrooms(a.case, a.ledger, covenant):
            short = test.at(covenant.limit).scaled(-1.0)
            terms = owed(a, short.owed, test.times)
            if short.cash:
                terms += cash_terms(a, covenant.entity, test.times, short.cash)
            index = [f"{test.of},{a.labels[t]}" if test.of else a.labels[t] for t in test.times]
            matrix = expected(a.ledger, short.flows, a.means, test.times)
            a.rows(rules.covenant(covenant), index, matrix, upper=-short.constant, terms=terms)
