"""All limits of a case that its user has set himself, and how each of them is relaxed.

A limit is a family of rows, a risk limit, or both. What balances, defines or describes the world (supply, sites, depth)
is no limit in this sense: a plan that needs more of it is answered by the limits that ask for more than there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from ...models.blocks import rules
from ...models.blocks.entities import lock_up_of
from ...models.blocks.headroom import name_of
from ...models.schema.case import Case
from ...models.schema.covenant_kinds import COVENANT_KINDS
from ...models.schema.entities import Entity
from ...models.schema.losses import LOSS_SPECS
from ...models.schema.rules import Covenant, Risk
from .limits import (
    BUDGET,
    CASH,
    CONCENTRATION,
    COVENANT,
    OWN_LIMIT,
    RATIO,
    RISK,
    TARGET,
    Limit,
    Own,
    lowered,
)
from .obligations import obligations

NOTHING = 1e-9  # of a target: as if there were none


def limits_of(case: Case, own: Own) -> tuple[Limit, ...]:
    """Every limit of the case, the earlier kinds first."""
    return (
        *_added(own),
        *(_covenant(c) for c in case.covenant if c.as_ != "monitored"),
        *_target(case),
        *_cash(case),
        *_budget(case),
        *(_risk(r) for r in case.risk),
        *_concentration(case),
        *obligations(case),
    )


def _added(own: Own) -> Iterator[Limit]:
    for rule in dict.fromkeys(limit.rule for limit in own):
        mine = [limit for limit in own if limit.rule == rule]
        for at_least in (False, True):
            some = [b for b in (x.lower if at_least else x.upper for x in mine) if math.isfinite(b)]
            if not some:
                continue
            yield Limit(
                key=mine[0].name,
                kind=OWN_LIMIT,
                title=f"own limit {mine[0].name}",
                asked=(max(some) if at_least else min(some),),
                unit=mine[0].unit,
                at_least=at_least,
                change=partial(_move_own, rule=rule),
                rules=frozenset({rule}),
            )
            break


def _move_own(case: Case, own: Own, move: float, rule: str) -> tuple[Case, Own]:
    if math.isinf(move):
        return case, tuple(limit for limit in own if limit.rule != rule)
    moved = (replace(x, lower=x.lower - move, upper=x.upper + move) if x.rule == rule else x for x in own)
    return case, tuple(moved)


def _covenant(covenant: Covenant) -> Limit:
    kind = COVENANT_KINDS[covenant.kind]
    if kind.at_least:
        most = math.inf if kind.signed else covenant.limit
    else:
        most = math.inf if kind.most is None else kind.most - covenant.limit
    hard = covenant.as_ == "maintained"
    return Limit(
        key=f"covenant.{covenant.id}.limit",
        kind=COVENANT,
        title=f"covenant {covenant.id} ({kind.title})",
        asked=(covenant.limit,),
        unit=kind.unit,
        at_least=kind.at_least,
        change=partial(_move_covenant, which=covenant.id),
        rules=frozenset({rules.covenant(covenant).name} if hard else ()),
        risks=() if hard else (name_of(covenant),),
        most=max(most, 0.0),
        additive=kind.unit == "billion",
        date=None if kind.at_end else covenant.from_period,
        later=None if kind.at_end else partial(_test_later, which=covenant.id),
    )


def _test_later(case: Case, own: Own, date: int, which: str) -> tuple[Case, Own]:
    covenants = tuple(replace(c, from_period=date) if c.id == which else c for c in case.covenant)
    return replace(case, covenant=covenants), own


def _move_covenant(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    if math.isinf(move):
        return replace(case, covenant=tuple(c for c in case.covenant if c.id != which)), own
    moved = (replace(c, limit=c.limit + (-move if c.at_least else move)) if c.id == which else c for c in case.covenant)
    return replace(case, covenant=tuple(moved)), own


def _risk(risk: Risk) -> Limit:
    return Limit(
        key=f"risk.{risk.id}.limit",
        kind=RISK,
        title=f"risk limit {risk.id} (CVaR {100.0 * risk.level:.6g} % of {risk.loss.replace('_', ' ')})",
        asked=(risk.limit,),
        unit=LOSS_SPECS[risk.loss].unit,
        at_least=False,
        change=partial(_move_risk, which=risk.id),
        risks=(risk.id,),
    )


def _move_risk(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    if math.isinf(move):
        return replace(case, risk=tuple(r for r in case.risk if r.id != which)), own
    risks = tuple(replace(r, limit=r.limit + move) if r.id == which else r for r in case.risk)
    return replace(case, risk=risks), own


def _target(case: Case) -> Iterator[Limit]:
    target = case.objective.target
    if case.objective.kind != "cost" or target is None:
        return
    yield Limit(
        key="objective.target",
        kind=TARGET,
        title="compute target",
        asked=(target,),
        unit="PFLOP/s",
        at_least=True,
        change=_move_target,
        rules=frozenset({rules.TARGET.name}),
        most=target,
        date=case.horizon.periods - 1 if case.objective.at is None else case.objective.at,
        later=_later_target,
    )


def _later_target(case: Case, own: Own, date: int) -> tuple[Case, Own]:
    return replace(case, objective=replace(case.objective, at=date)), own


def _move_target(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    target = case.objective.target or 0.0
    return replace(case, objective=replace(case.objective, target=max(target - move, NOTHING * target))), own


def _cash(case: Case) -> Iterator[Limit]:
    minimum = case.cash.minimum
    measured = tuple(r.id for r in case.risk if r.loss == "liquidity" and not case.entity)
    if any(minimum):
        yield Limit(
            key="cash.minimum",
            kind=CASH,
            title="minimum cash",
            asked=minimum,
            unit="billion",
            at_least=True,
            change=_move_cash,
            rules=frozenset({rules.MINIMUM_CASH.name}),
            risks=measured,
            most=max(minimum),
            additive=not case.entity and min(minimum) == max(minimum),
            hint=bool(case.entity),
        )
    for entity in case.entity:
        if any(entity.minimum_cash):
            yield Limit(
                key=f"entity.{entity.id}.minimum_cash",
                kind=CASH,
                title=f"minimum cash of {entity.id}",
                asked=entity.minimum_cash,
                unit="billion",
                at_least=True,
                change=partial(_move_minimum, which=entity.id),
                rules=frozenset({rules.ENTITY_MINIMUM.name}),
                keys=(entity.id,),
                most=max(entity.minimum_cash),
                additive=False,
                hint=True,
            )
        if any(entity.reserve):
            yield Limit(
                key=f"entity.{entity.id}.reserve",
                kind=CASH,
                title=f"reserve of {entity.id} when it distributes",
                asked=entity.reserve,
                unit="billion",
                at_least=True,
                change=partial(_move_reserve, which=entity.id),
                rules=frozenset({rules.RESERVE.name}),
                keys=(entity.id,),
                most=max(entity.reserve),
                additive=False,
            )
        if entity.lock_up is not None:
            yield Limit(
                key=f"entity.{entity.id}.lock_up",
                kind=COVENANT,
                title=f"{lock_up_of(entity)} (debt service cover at which it distributes)",
                asked=(entity.lock_up,),
                unit=RATIO,
                at_least=True,
                change=partial(_move_lock_up, which=entity.id),
                rules=frozenset({rules.LOCK_UP.name}),
                keys=(entity.id,),
                most=entity.lock_up,
                additive=False,
            )


def _move_cash(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    return replace(case, cash=replace(case.cash, minimum=lowered(case.cash.minimum, move))), own


def _move_minimum(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    return _entity(case, which, lambda e: replace(e, minimum_cash=lowered(e.minimum_cash, move))), own


def _move_reserve(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    return _entity(case, which, lambda e: replace(e, reserve=lowered(e.reserve, move))), own


def _move_lock_up(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    def moved(e: Entity) -> Entity:
        level = None if e.lock_up is None or e.lock_up - move <= 0.0 else e.lock_up - move
        return replace(e, lock_up=level)

    return _entity(case, which, moved), own


def _entity(case: Case, which: str, change: Callable[[Entity], Entity]) -> Case:
    return replace(case, entity=tuple(change(e) if e.id == which else e for e in case.entity))


def _budget(case: Case) -> Iterator[Limit]:
    budget = case.budget
    if budget is None:
        return
    if budget.total is not None:
        yield Limit(
            key="budget.total",
            kind=BUDGET,
            title="budget over the horizon",
            asked=(budget.total,),
            unit="billion",
            at_least=False,
            change=_move_total,
            rules=frozenset({rules.BUDGET_TOTAL.name}),
        )
    if budget.per_period is not None:
        yield Limit(
            key="budget.per_period",
            kind=BUDGET,
            title="budget of a period",
            asked=budget.per_period,
            unit="billion",
            at_least=False,
            change=_move_each,
            rules=frozenset({rules.BUDGET_PERIOD.name}),
        )


def _move_total(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    assert case.budget is not None
    assert case.budget.total is not None
    total = None if math.isinf(move) else case.budget.total + move
    return replace(case, budget=replace(case.budget, total=total)), own


def _move_each(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    assert case.budget is not None
    assert case.budget.per_period is not None
    each = None if math.isinf(move) else tuple(v + move for v in case.budget.per_period)
    return replace(case, budget=replace(case.budget, per_period=each)), own


def _concentration(case: Case) -> Iterator[Limit]:
    cap = case.circularity.cap
    if cap < 1.0:
        yield Limit(
            key="circularity.cap",
            kind=CONCENTRATION,
            title="cap on circular financing",
            asked=(cap,),
            unit="fraction",
            at_least=False,
            change=_move_cap,
            rules=frozenset({rules.CIRCULARITY.name}),
            most=1.0 - cap,
            additive=False,
        )
    for investor in case.investor:
        if investor.max_share < 1.0:
            yield Limit(
                key=f"investor.{investor.id}.max_share",
                kind=CONCENTRATION,
                title=f"largest share of the funding from {investor.id}",
                asked=(investor.max_share,),
                unit="fraction",
                at_least=False,
                change=partial(_move_share, which=investor.id),
                rules=frozenset({rules.HOLDER_SHARE.name}),
                keys=(investor.id,),
                most=1.0 - investor.max_share,
                additive=False,
            )


def _move_cap(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    cap = min(1.0, case.circularity.cap + move)
    return replace(case, circularity=replace(case.circularity, cap=cap)), own


def _move_share(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    investors = tuple(replace(i, max_share=min(1.0, i.max_share + move)) if i.id == which else i for i in case.investor)
    return replace(case, investor=investors), own
