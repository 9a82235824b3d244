"""Entities: cash of each company of the group, and what moves between an SPV and its owner.

An SPV's cash has its own balance and minimum; the parent has what is left of the group's. Up goes distribution[e,t],
down goes contribution[e,t]; each posts both sides, so that the group's cash flow does not see it.

Whether the tests of a distribution are met is a yes or no: "d = 0, or headroom >= 0" is a union of two half-spaces, and
no set that a linear program can describe holds both and nothing else: midway between a plan that is locked up and one
that pays lies a plan that pays while locked up. So the program is given the calendar of the periods in which an SPV is
closed: there d = 0 and no test applies; in the others the tests are rows, and every distribution it plans passes them.
Debt service cover is no test where no service is due: the calendar says that too. The engine chooses it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from scipy.sparse import csr_array

from ..flows import Flow, expected, trailing_window
from ..ledger import CASH_ACCOUNTS, Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.entities import Entity
from . import cash as cash_block
from . import owners, rules
from .assembly import Assembly

ENTITY_CASH = "entity_cash"
EBITDA = tuple(x for x in Account if x.ebitda)
SERVICE = (Account.INTEREST, Account.PRINCIPAL)

Calendar = Collection[tuple[str, int]]
"""Pairs (entity, period) in which it may not distribute, beside those before its distribution_from."""


def lock_up_of(entity: Entity) -> str:
    """Name of an entity's lock-up in the calendar of tests that do not apply."""
    return f"lock-up {entity.id}"


def declare(case: Case, builder: LedgerBuilder) -> None:
    """Decisions distribution[entity,t] and contribution[entity,t], billion. Cash bounds them, so they need no bound."""
    for entity in owners.companies(case):
        tags = {"entity": entity.id, "owner": owners.owner_of(case, entity)}
        for t, label in enumerate(case.horizon.labels):
            if t >= entity.distribution_from:
                _decide(builder, "distribution", {**tags, "period": label}, t)
            if entity.contributions:
                _decide(builder, "contribution", {**tags, "period": label}, t)


def _decide(builder: LedgerBuilder, block: str, tags: dict[str, str], t: int) -> None:
    number = builder.decide(
        Decision(
            key=f"{block}[{tags['entity']},{tags['period']}]",
            block=block,
            period=t,
            unit="billion",
            lower=0.0,
            upper=np.inf,
            tags=tags,
        )
    )
    builder.post(number, Account.RECEIVED_WITHIN, t, 1.0)
    builder.post(number, Account.PAID_WITHIN, t, -1.0)


def own(a: Assembly, entity: str, accounts: Sequence[Account], last_year: bool = False) -> csr_array:
    """(T, N) expected amounts of an entity alone; with `last_year` over the last year, as covenants count it."""
    window = trailing_window(a.periods, a.case.horizon.per_year) if last_year else None
    share = owners.share_of(a.case, a.ledger, entity)
    return expected(a.ledger, [Flow(tuple(accounts), share=share, window=window)], a.means, range(a.periods))


def cash_terms(a: Assembly, entity: str | None, times: Sequence[int], factor: float) -> list[tuple[int, int, float]]:
    """Terms of factor × cash of an entity, or of the group, in the periods `times`.

    The parent's is the group's less the SPVs'.
    """
    group = cash_block.column(a)
    if entity is None:
        return [(i, group + t, factor) for i, t in enumerate(times)]
    first = a.first(ENTITY_CASH, entity)
    if first is not None:
        return [(i, first + t, factor) for i, t in enumerate(times)]
    terms = [(i, group + t, factor) for i, t in enumerate(times)]
    for company in owners.companies(a.case):
        terms += cash_terms(a, company.id, times, -factor)
    return terms


def constrain(a: Assembly, closed: Calendar = (), nothing_due: Calendar = ()) -> None:
    """Cash balance and minimum of each entity, and the tests of its distributions where the calendar opens them.

    nothing_due: (name of a lock-up, period) in which no debt service is due, so that its cover is not tested.
    """
    for entity in owners.companies(a.case):
        first = a.state(ENTITY_CASH, entity.id, lower=None, kind="entity")
        terms = [(t, first + t, 1.0) for t in range(a.periods)]
        terms += [(t, first + t - 1, -(1.0 + a.rates[t])) for t in range(1, a.periods)]
        start = np.zeros(a.periods)
        start[0] = entity.opening_cash * (1.0 + a.rates[0])
        index = _index(a, entity)
        a.rows(rules.ENTITY_BALANCE, index, -own(a, entity.id, CASH_ACCOUNTS), lower=start, upper=start, terms=terms)
        _tests(a, entity, closed, nothing_due)
    for entity in a.case.entity:
        least = cash_terms(a, entity.id, range(a.periods), 1.0)
        a.rows(rules.ENTITY_MINIMUM, _index(a, entity), None, lower=entity.minimum_cash, terms=least)


def _tests(a: Assembly, entity: Entity, closed: Calendar, nothing_due: Calendar) -> None:
    paid = a.mask(block="distribution", entity=entity.id)
    shut = [t for t in range(a.periods) if (entity.id, t) in closed]
    index = _index(a, entity)
    if shut:
        names = [index[t] for t in shut]
        a.rows(rules.LOCKED_UP, names, a.selector(paid, shut), upper=0.0)
    tested = [t for t in range(entity.distribution_from, a.periods) if t not in shut]
    if not tested or not has_tests(entity):
        return
    names = [index[t] for t in tested]
    if any(entity.reserve):
        least = [entity.reserve[t] for t in tested]
        a.rows(rules.RESERVE, names, None, lower=least, terms=cash_terms(a, entity.id, tested, 1.0))
    if entity.lock_up is not None:
        service = own(a, entity.id, SERVICE, True)
        cover = csr_array(own(a, entity.id, EBITDA, True) + entity.lock_up * service)
        without = [t for t in tested if (lock_up_of(entity), t) in nothing_due]
        there = np.diff(service.indptr) > 0
        covered = [t for t in tested if there[t] and t not in without]
        a.rows(rules.LOCK_UP, [index[t] for t in covered], csr_array(cover[covered]), lower=0.0)
        a.rows(rules.NOTHING_DUE, [index[t] for t in without], csr_array(-service[without]), upper=0.0)


def has_tests(entity: Entity) -> bool:
    """Whether a distribution of the entity has to pass anything but its minimum cash."""
    return entity.lock_up is not None or any(r > m for r, m in zip(entity.reserve, entity.minimum_cash, strict=True))


def _index(a: Assembly, entity: Entity) -> list[str]:
    return [f"{entity.id},{label}" for label in a.labels]
