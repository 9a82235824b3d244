"""Statements of each entity of the group, what moved between them, and how much of the group's cash is trapped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...models.blocks import owners
from ...models.flows import Flow, expected, trailing_window
from ...models.ledger import CASH_ACCOUNTS, Account, Group
from ...models.schema.entities import Entity
from ..arrays import FloatArray
from ..table import BILLION, Cell, Column, Table
from .entity_names import (
    ENTITY_CASH,
    ENTITY_FIGURES,
    GROUP_CASH,
    OWNERSHIP,
    EntityCash,
    EntityFigures,
    GroupCashRow,
    Ownership,
    trapped_in,
)
from .expected import Amounts
from .names import NO, OF_CASH, SUM, YES, CashRow, Line, cash_flow_of
from .statements import SECTIONS
from .tabulate import long, name_of, wide

EBITDA = tuple(a for a in Account if a.ebitda)
SERVICE = (Account.INTEREST, Account.PRINCIPAL)


def entity_tables(amounts: Amounts, closed: frozenset[tuple[str, int]]) -> dict[str, Table]:
    """entity_cash, entity_figures, group_cash and ownership; none where the case has no entities and nobody owns
    anybody.
    """
    case, found = amounts.case, {}
    if case.entity:
        rows = [row for entity in case.entity for row in _cash_flow(amounts, entity)]
        title = "Expected cash flow of each entity"
        found[ENTITY_CASH] = wide(ENTITY_CASH, title, tuple(EntityCash), rows, amounts.labels, BILLION, "money")
        held = {e.id: cash(amounts, e) for e in case.entity}
        locked = trapped(amounts, held, closed)
        figures = [row for e in case.entity for row in _figures(amounts, e, closed, held[e.id], locked[e.id])]
        columns = (
            Column(EntityFigures.ENTITY),
            Column(EntityFigures.PERIOD),
            Column(EntityFigures.CASH, BILLION, "money"),
            Column(EntityFigures.DEBT, BILLION, "money"),
            Column(EntityFigures.ASSETS, BILLION, "money"),
            Column(EntityFigures.COVER, "", "number"),
            Column(EntityFigures.DISTRIBUTION, BILLION, "money"),
            Column(EntityFigures.CONTRIBUTION, BILLION, "money"),
            Column(EntityFigures.MAY),
            Column(EntityFigures.TRAPPED, BILLION, "money"),
        )
        found[ENTITY_FIGURES] = long(ENTITY_FIGURES, "Each entity on the expected path", columns, figures)
        found[GROUP_CASH] = _group_cash(amounts, held, locked)
    holdings = _ownership(amounts)
    if holdings:
        heads = (
            Column(Ownership.OWNER), Column(Ownership.OWNED), Column(Ownership.SHARE, "", "share"),
            Column(Ownership.WHAT),
        )  # fmt: skip
        found[OWNERSHIP] = long(OWNERSHIP, "Who owns whom", heads, holdings)
    return found


def cash(amounts: Amounts, entity: Entity) -> FloatArray:
    """(T,) expected cash of an entity at each period's end."""
    return amounts.mean_of(lambda path: _carried(path, entity))


def _carried(amounts: Amounts, entity: Entity) -> FloatArray:
    held, out = owners.opening_cash(amounts.case, entity), np.empty(amounts.periods)
    flow = own(amounts, entity, *CASH_ACCOUNTS)
    for t in range(amounts.periods):
        held = held * (1.0 + amounts.deposit_rates[t]) + flow[t]
        out[t] = held
    return out


def _interest(amounts: Amounts, entity: Entity) -> FloatArray:
    held = np.concatenate([[owners.opening_cash(amounts.case, entity)], _carried(amounts, entity)[:-1]])
    return np.asarray(held * amounts.deposit_rates)


def trapped(
    amounts: Amounts, held: Mapping[str, FloatArray], closed: frozenset[tuple[str, int]]
) -> dict[str, FloatArray]:
    """(T,) by entity, cash that may not reach the parent on the expected path, billion; nothing of the parent's own.

    All of it in a period in which the company, or one between it and the parent, may not distribute; else what its
    reserve or minimum holds back, whichever is more.
    """
    by_id, found = {e.id: e for e in amounts.case.entity}, {}
    for name, own_cash in held.items():
        entity, least, shut = by_id[name], np.zeros(amounts.periods), np.zeros(amounts.periods, dtype=np.bool_)
        if entity.kind == "spv":
            least = np.maximum(entity.reserve, entity.minimum_cash)
        while entity.kind == "spv":
            shut |= [t < entity.distribution_from or (entity.id, t) in closed for t in range(amounts.periods)]
            entity = by_id[owners.owner_of(amounts.case, entity)]
        found[name] = np.asarray(np.where(shut, own_cash, np.minimum(own_cash, least)))
    return found


def _group_cash(amounts: Amounts, held: Mapping[str, FloatArray], locked: Mapping[str, FloatArray]) -> Table:
    parent = held[owners.head_name(amounts.case)]
    group = np.sum(list(held.values()), axis=0)
    caught = np.sum(list(locked.values()), axis=0)
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((GroupCashRow.GROUP,), group),
        ((GroupCashRow.PARENT,), parent),
        ((GroupCashRow.COMPANIES,), group - parent),
        *(((trapped_in(e.id),), locked[e.id]) for e in owners.companies(amounts.case)),
        ((GroupCashRow.TRAPPED,), caught),
        ((GroupCashRow.FREE,), group - caught),
    ]
    title = "Cash of the group on the expected path, and what of it is trapped"
    return wide(GROUP_CASH, title, tuple(Line), rows, amounts.labels, BILLION, "money")


def own(amounts: Amounts, entity: Entity, *accounts: Account, last_year: bool = False) -> FloatArray:
    """(T,) expected amounts of an entity."""
    share = owners.share_of(amounts.case, amounts.ledger, entity.id)
    window = trailing_window(amounts.periods, amounts.case.horizon.per_year) if last_year else None
    flow = Flow(accounts, share=share, window=window)
    times = range(amounts.periods)
    return amounts.mean_of(lambda path: np.asarray(expected(path.ledger, [flow], path.means, times) @ path.decided))


def _cash_flow(amounts: Amounts, entity: Entity) -> list[tuple[tuple[str, str, str], FloatArray]]:
    end = cash(amounts, entity)
    start = np.concatenate([[owners.opening_cash(amounts.case, entity)], end[:-1]])
    rows: list[tuple[tuple[str, str, str], FloatArray]] = [((entity.id, CashRow.START, OF_CASH), start)]
    for group in SECTIONS:
        accounts = [a for a in CASH_ACCOUNTS if a.group is group]
        rows.append(((entity.id, cash_flow_of(group), SUM), own(amounts, entity, *accounts)))
    for account in (Account.RECEIVED_WITHIN, Account.PAID_WITHIN):
        rows.append(((entity.id, account.label, Group.INTERNAL.value), own(amounts, entity, account)))
    rows.append(((entity.id, CashRow.INTEREST, OF_CASH), amounts.mean_of(lambda path: _interest(path, entity))))
    rows.append(((entity.id, CashRow.END, OF_CASH), end))
    return rows


def _figures(
    amounts: Amounts, entity: Entity, closed: frozenset[tuple[str, int]], held: FloatArray, locked: FloatArray
) -> list[tuple[Cell, ...]]:
    debt = own(amounts, entity, Account.DEBT)
    assets = own(amounts, entity, Account.HARDWARE_VALUE, Account.SITE_VALUE)
    earned = own(amounts, entity, *EBITDA, last_year=True)
    service = -own(amounts, entity, *SERVICE, last_year=True)
    moved = amounts.by_period("distribution", ("entity",)), amounts.by_period("contribution", ("entity",))
    nothing = np.zeros(amounts.periods)
    up, down = (m.get((entity.id,), nothing) for m in moved)
    rows: list[tuple[Cell, ...]] = []
    for t, label in enumerate(amounts.labels):
        cover = float(earned[t] / service[t]) if service[t] > 1e-9 else None
        shut = t < entity.distribution_from or (entity.id, t) in closed
        may = "" if entity.kind == "parent" else NO if shut else YES
        rows.append(
            (
                entity.id,
                label,
                float(held[t]),
                float(debt[t]),
                float(assets[t]),
                cover,
                float(up[t]),
                float(down[t]),
                may,
                float(locked[t]),
            )
        )
    return rows


def _ownership(amounts: Amounts) -> list[tuple[Cell, ...]]:
    """Entities of the group, stakes between parties, and parties that also fund."""
    case = amounts.case
    rows: list[tuple[Cell, ...]] = [
        (owners.owner_of(case, e), e.id, 1.0, "entity of the group") for e in owners.companies(case)
    ]
    rows += [(p.id, s.party, s.share, "stake between parties") for p in case.party for s in p.owns]
    rows += [(i.party, i.id, 1.0, f"funds as {name_of(i)}") for i in case.investor if i.party is not None]
    return rows


def remarks(amounts: Amounts, closed: frozenset[tuple[str, int]]) -> tuple[str, ...]:
    """In words, where an entity is locked up."""
    found = []
    for entity in owners.companies(amounts.case):
        shut = [amounts.labels[t] for e, t in sorted(closed) if e == entity.id]
        if shut:
            span = shut[0] if len(shut) == 1 else f"{len(shut)} periods from {shut[0]} to {shut[-1]}"
            found.append(
                f"entity {entity.id} distributes nothing in {span}, where its tests are not met; the calendar was "
                "chosen on the expected path without risk limits, and the certificate holds for it"
            )
    return tuple(found)
