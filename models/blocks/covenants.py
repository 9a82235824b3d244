"""Covenants that are kept on the expected path: one row per test and period, in billions of headroom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..flows import expected
from ..program import Rule
from . import rules
from .assembly import Assembly
from .balances import owed
from .entities import cash_terms
from .figures import Figure, opening_cash
from .headroom import Headroom, NothingDue, headrooms, name_of


def constrain(a: Assembly, nothing_due: NothingDue = ()) -> None:
    """Headroom of each hard covenant is not negative: what it requires, less what there is, is at most 0.

    "Nothing is due, or the test is met" is a union of two sets, which no linear rows can state. So the program is given
    the calendar of the periods in which nothing is due: there what is due is at most 0, and no test applies. A covenant
    that is kept over the scenarios follows the same calendar.
    """
    for covenant in a.case.covenant:
        if covenant.as_ == "monitored":
            continue
        for test in headrooms(a.case, a.ledger, covenant, nothing_due):
            if covenant.as_ == "maintained":
                short = test.at(covenant.limit).scaled(-1.0)
                at_most_zero(a, rules.covenant(covenant), test, short, test.tested)
            if test.due is not None:
                chosen = [t for t in test.times if (name_of(covenant), t) in nothing_due]
                at_most_zero(a, rules.nothing_due(covenant), test, test.due, chosen)


def at_most_zero(a: Assembly, rule: Rule, test: Headroom, figure: Figure, times: Sequence[int]) -> None:
    """Rows: the figure is at most 0 in the periods `times`."""
    if not times:
        return
    entity = test.covenant.entity
    terms = owed(a, figure.owed, times)
    constant = np.full(len(times), figure.constant)
    if figure.cash:
        terms += cash_terms(a, entity, times, figure.cash)
    if figure.deposits is not None:
        for i, t in enumerate(times):
            weights = figure.deposits[t] * a.rates  # of the cash that each period begins with
            constant[i] += weights[0] * opening_cash(a.case, entity)
            for u in np.flatnonzero(weights[1:]).tolist():
                terms += [(i, column, value) for _, column, value in cash_terms(a, entity, [u], float(weights[u + 1]))]
    index = [test.index(a.labels[t]) for t in times]
    matrix = expected(a.ledger, figure.flows, a.means, times)
    a.rows(rule, index, matrix, upper=-constant, terms=terms)
