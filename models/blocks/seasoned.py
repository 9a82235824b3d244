"""Stabilised collateral: debt that may lean only on what has been in service for some time."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.sparse import coo_array, csr_array

from ..ledger import Account
from ..schema.financing import Instrument
from . import owners, rules
from .assembly import Assembly, BoolArray
from .balances import pledge
from .financing import lent

NEVER = -1
"""Stands for assets that a row leaves out."""


def constrain_seasoned(a: Assembly) -> None:
    """Debt with seasoning n is at most the value in service for n periods, over all thresholds and both classes.

    Debt of a class with seasoning n leans on the assets of that class that are at least so old, debt on all assets on
    those of both classes. By Hall's condition the debt can be covered without pledging value twice just where, for
    every pair of ages (m systems, n sites), the debt that leans on nothing else is at most the value of systems in
    service for m and sites for n periods. An age of zero takes in all of a class, also what is under construction: the
    rows where both are zero are those of all collateral and stand in funding_limits. So an instrument that is offered
    and not taken asks nothing of the others: each of its rows is then a sum of rows that are there without it.

    Opening debt secured by one class takes that class's seasoned opening assets first. Opening debt secured by all
    assets has no seasoning and may lean on any of them, so it counts where both ages are zero. An entity pledges its
    own assets only.
    """
    issuer = owners.of_instrument(a.case)
    for entity, own in owners.rings(a.case, a.ledger):
        secured = [i for i in a.case.instrument if i.secured_by != "none" and lent(i) and issuer[i.id] == entity]
        _constrain(a, secured, entity, own)


def _constrain(a: Assembly, secured: list[Instrument], entity: str, own: BoolArray | None) -> None:
    if not any(i.seasoning for i in secured):
        return
    ages = {
        k: sorted({0, *(i.seasoning for i in secured if i.secured_by in (k, "all"))}) for k in ("accelerators", "sites")
    }
    for m, n in product((*ages["accelerators"], NEVER), (*ages["sites"], NEVER)):
        leaning = [i for i in secured if _leans(i, m, n)]
        if max(m, n) > 0 and any(i.seasoning for i in leaning) and _needed(leaning, m, n):
            _row(a, leaning, m, n, entity, own)


def _leans(instrument: Instrument, m: int, n: int) -> bool:
    """Whether it can lean on nothing but systems in service for m periods and sites for n."""
    on_systems = m != NEVER and instrument.seasoning >= m
    on_sites = n != NEVER and instrument.seasoning >= n
    if instrument.secured_by == "all":
        return on_systems and on_sites
    return on_systems if instrument.secured_by == "accelerators" else on_sites


def _needed(leaning: list[Instrument], m: int, n: int) -> bool:
    """A row over both classes says more than those of each alone only with debt that may lean on either."""
    return NEVER in (m, n) or any(i.secured_by == "all" for i in leaning)


def _row(a: Assembly, leaning: list[Instrument], m: int, n: int, entity: str, own: BoolArray | None) -> None:
    value = csr_array((a.periods, len(a.ledger.decisions)))
    spare = np.zeros(a.periods)
    for account, kind, age in ((Account.HARDWARE_VALUE, "accelerators", m), (Account.SITE_VALUE, "sites", n)):
        if age == NEVER:
            continue
        held = _in_service(a, account, age, own)
        if account is Account.HARDWARE_VALUE:
            held = csr_array(held - _in_service(a, Account.PAYABLE, age, owners.within(a.mask(block="defer"), own)))
        opening = a.expected([Account.DEBT], owners.within(a.mask(kind="debt", secured_by=kind), own))
        spare += np.maximum(a.fixed(held) - a.fixed(opening), 0.0)
        value = csr_array(value + held)
    new = value @ _keep(~a.mask(block="fixed"))
    kind = "all" if NEVER not in (m, n) else "accelerators" if n == NEVER else "sites"
    index = [f"{max(m, 0)},{max(n, 0)},{name}" for name in owners.index(entity, a.labels)]
    pledged = {i.id: 1.0 if i.advance_rate is None else i.advance_rate for i in leaning}
    a.rows(rules.SEASONED[kind], index, csr_array(-new), upper=spare, terms=pledge(a, pledged, range(a.periods)))


def _keep(where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> csr_array:
    numbers = np.flatnonzero(where)
    return csr_array((np.ones(numbers.size), (numbers, numbers)), shape=(where.size, where.size))


def _in_service(a: Assembly, account: Account, age: int, own: BoolArray | None) -> csr_array:
    """(T, N) expected value of what has been in service for `age` periods at the end of each; of everything for 0."""
    everything = a.expected([account], own)
    if age == 0:
        return everything
    value = coo_array(everything)
    start = _service_start(a)
    old = value.row - start[value.col] + 1 >= age
    return csr_array((value.data[old], (value.row[old], value.col[old])), shape=value.shape)


def _service_start(a: Assembly) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(N,) period in which what a decision buys enters service; of the opening balance sheet, before 0."""
    lead = {x.id: x.lead for x in a.case.accelerator}
    layers = {(s.id, layer.kind): layer.lead for s in a.case.site for layer in s.layer}
    start = np.full(len(a.ledger.decisions), -a.periods - 1000, dtype=np.int64)
    for j, decision in enumerate(a.ledger.decisions):
        tags = decision.tags
        if decision.block in ("order", "defer"):
            start[j] = decision.period + lead[tags["accelerator"]]
        elif decision.block == "build":
            start[j] = decision.period + layers[tags["site"], tags["layer"]]
        elif tags.get("kind") == "fleet":
            number = int(decision.key[:-1].rsplit(",", 1)[1])
            start[j] = -a.case.opening.fleet[number].age
    return start
