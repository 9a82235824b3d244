"""Limits on funding: investors, facilities, collateral, and what the money may be spent on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account
from ..schema.financing import Instrument
from . import owners, rules
from .assembly import Assembly, BoolArray, cumulative, only
from .balances import BALANCES, OWED, SMALL_SHARE, add_balances, label, owed, pledge, taking
from .circularity import raised
from .financing import lent
from .quantities import MILLION, accelerators_by_id
from .revolver import BLOCK, lines
from .seasoned import constrain_seasoned


def constrain(a: Assembly) -> None:
    """Add the balances owed[instrument,t], and the limits on who lends, how much, against what and for what."""
    a.use_rule(rules.DEPTH)
    add_balances(a)
    _investors(a)
    _facilities(a)
    _collateral(a)
    constrain_seasoned(a)
    _use(a)
    _tied(a)


def _investors(a: Assembly) -> None:
    """Appetite for what is placed or committed in a period; holdings with commitments not yet drawn; share."""
    total: csr_array | None = None
    for investor in a.case.investor:
        placed = a.mask(block="issue", investor=investor.id) | a.mask(block="commit", investor=investor.id)
        placed |= a.mask(block=BLOCK, investor=investor.id)
        if not placed.any():
            continue
        a.rows(
            rules.ISSUANCE_CAPACITY,
            label(a, investor.id),
            a.selector(placed, range(a.periods)),
            upper=investor.issuance_capacity,
        )
        if investor.max_holding is not None:
            held = a.mask(investor=investor.id) | a.mask(kind="debt", holder=investor.id)
            exposure = a.expected(BALANCES, held) + only(csr_array(undrawn(a) + lines(a.case, a.ledger)), held)
            a.rows(rules.HOLDING, label(a, investor.id), csr_array(exposure), upper=investor.max_holding)
        if investor.max_share < 1.0:
            total = raised(a)[0] if total is None else total
            own = a.expected([Account.PROCEEDS], a.mask(investor=investor.id))
            beyond = cumulative(csr_array(own - investor.max_share * total))
            a.rows(rules.HOLDER_SHARE, label(a, investor.id), beyond, upper=0.0)


def undrawn(a: Assembly) -> csr_array:
    """(T, N) commitments not yet drawn at the end of each period in which they can still be."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    window = {i.id: i.draw_window for i in a.case.instrument}
    start = {label: t for t, label in enumerate(a.labels)}
    for j, decision in enumerate(a.ledger.decisions):
        if decision.block not in ("commit", "draw"):
            continue
        committed = decision.period if decision.block == "commit" else start[decision.tags["committed"]]
        times = range(decision.period, min(committed + window[decision.tags["instrument"]], a.periods))
        rows += times
        columns += [j] * len(times)
        values += [1.0 if decision.block == "commit" else -1.0] * len(times)
    return csr_array((values, (rows, columns)), shape=(a.periods, len(a.ledger.decisions)))


def _facilities(a: Assembly) -> None:
    """Most outstanding of an instrument; draws within the commitment they belong to."""
    for instrument in a.case.instrument:
        if instrument.max_outstanding is not None and a.first(OWED, instrument.id) is not None:
            terms = owed(a, {instrument.id: 1.0}, range(a.periods))
            most = instrument.max_outstanding
            a.rows(rules.OUTSTANDING, label(a, instrument.id), None, upper=most, terms=terms)
    facilities: dict[str, int] = {}
    entries: list[tuple[int, int, float]] = []
    for j, decision in enumerate(a.ledger.decisions):
        if decision.block in ("commit", "draw"):
            tags = decision.tags
            agreed = tags["period"] if decision.block == "commit" else tags["committed"]
            name = f"{tags['instrument']},{tags['investor']},{tags['step']},{agreed}"
            row = facilities.setdefault(name, len(facilities))
            entries.append((row, j, -1.0 if decision.block == "commit" else 1.0))
    if entries:
        a.rows(rules.DRAWN, list(facilities), None, upper=0.0, terms=entries)


def _collateral(a: Assembly) -> None:
    """The value of a class of assets is pledged once: outstanding / advance rate, over all instruments, is at most it.

    Opening debt takes what it needs of the opening assets, at most all of them; an instrument without an advance rate
    is lent up to the full value. Debt secured by `all` may lean on either class, so it counts in the sum of both only.
    An entity pledges its own assets only.
    """
    for entity, own in owners.rings(a.case, a.ledger):
        _collateral_of(a, entity, own)


def _collateral_of(a: Assembly, entity: str, own: BoolArray | None) -> None:
    classes = {"accelerators": Account.HARDWARE_VALUE, "sites": Account.SITE_VALUE}
    values = {k: a.expected([account], own) for k, account in classes.items()}
    pledged = {k: _pledged(a, k, entity) for k in (*classes, "all")}
    opening = a.expected([Account.DEBT], owners.within(a.mask(kind="debt"), own))
    debts = {k: a.fixed(only(opening, a.mask(secured_by=k))) for k in (*classes, "all")}
    # Opening values and opening debt are constants; what the debt leaves free of them stands on the right.
    spare = {k: np.maximum(a.fixed(values[k]) - debts[k], 0.0) for k in classes}
    new = {k: only(v, ~a.mask(block="fixed")) for k, v in values.items()}
    # Nobody lends on systems that are delivered and not paid for.
    unpaid = a.expected([Account.PAYABLE], owners.within(a.mask(block="defer"), own))
    new["accelerators"] = csr_array(new["accelerators"] - unpaid)
    times, index = range(a.periods), owners.index(entity, a.labels)
    for k in classes:
        if pledged[k]:
            a.rows(rules.COLLATERAL[k], index, -new[k], upper=spare[k], terms=pledge(a, pledged[k], times))
    everything = pledged["accelerators"] | pledged["sites"] | pledged["all"]
    if pledged["all"] or (everything and debts["all"].any()):
        value = csr_array(-new["accelerators"] - new["sites"])
        free = np.maximum(spare["accelerators"] + spare["sites"] - debts["all"], 0.0)
        a.rows(rules.COLLATERAL["all"], index, value, upper=free, terms=pledge(a, everything, times))


def _pledged(a: Assembly, assets: str, entity: str) -> dict[str, float]:
    """Advance rate of each instrument of the entity that is secured by these assets."""
    issuer = owners.of_instrument(a.case)
    secured = [i for i in a.case.instrument if i.secured_by == assets and lent(i) and issuer[i.id] == entity]
    return {i.id: 1.0 if i.advance_rate is None else i.advance_rate for i in secured}


def _use(a: Assembly) -> None:
    """Funding for a purpose, so far, is at most the issuer's spending on it so far, over all its instruments."""
    accounts = {"accelerators": Account.HARDWARE, "sites": Account.SITES}
    for (entity, own), (purpose, account) in product(owners.rings(a.case, a.ledger), accounts.items()):
        raised = owners.within(_any(a, [i for i in a.case.instrument if i.use == purpose]), own)
        if raised.any():
            face = a.expected([Account.PROCEEDS], raised)
            spent = a.expected([account], owners.within(~a.mask(block="fixed"), own))
            index = owners.index(entity, a.labels)
            a.rows(rules.USE[purpose], index, cumulative(csr_array(face + spent)), upper=0.0)


def _tied(a: Assembly) -> None:
    """Funding tied to a supplier, each over its share, is at most what that supplier has been paid so far."""
    for party in a.case.party:
        tied = [i for i in a.case.instrument if i.tied_to == party.id and lent(i)]
        if not tied:
            continue
        total = csr_array((a.periods, len(a.ledger.decisions)))
        terms: list[tuple[int, int, float]] = []
        for instrument in tied:
            face = a.expected([Account.PROCEEDS], a.mask(instrument=instrument.id))
            if instrument.tied_share >= SMALL_SHARE:
                total = csr_array(total + face * (1.0 / instrument.tied_share))
            else:
                first = taking(a, f"{instrument.id},{party.id}", instrument.tied_share, cumulative(face), [])
                terms += [(t, first + t, 1.0) for t in range(a.periods)]
        paid = supplier_payments(a, party.id)
        a.rows(rules.TIED, label(a, party.id), cumulative(csr_array(total - paid)), upper=0.0, terms=terms)


def supplier_payments(a: Assembly, party: str) -> csr_array:
    """(T, N) expected price of systems paid to a supplier; network and installation go to others."""
    orders, deferred = a.mask(block="order", vendor=party), a.mask(block="defer", vendor=party)
    rows, columns, values = [], [], []
    systems = accelerators_by_id(a.case)
    for j in np.flatnonzero(orders).tolist():
        accelerator = systems[a.ledger.decisions[j].tags["accelerator"]]
        delivered = int(a.period[j]) + accelerator.lead
        if delivered < a.periods:
            rows.append(delivered)
            columns.append(j)
            values.append(accelerator.attach_cost * MILLION)
    shape = (a.periods, len(a.ledger.decisions))
    attached = csr_array((values, (rows, columns)), shape=shape) if rows else csr_array(shape)
    return csr_array(-a.expected([Account.HARDWARE], orders | deferred) - attached)


def _any(a: Assembly, instruments: Sequence[Instrument]) -> BoolArray:
    keep = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
    for instrument in instruments:
        keep |= a.mask(instrument=instrument.id)
    return keep
