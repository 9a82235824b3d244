"""What a case has to serve and to pay whatever its plan is, and the cash that is there to do so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ...models.blocks import rules
from ...models.schema.case import Case
from .limits import OBLIGATION, OPENING_CASH, Limit, Own, lowered

PLENTY = 1e3  # times what a case has to keep and to pay: as if cash were no limit


def obligations(case: Case) -> tuple[Limit, ...]:
    """Each of them as a limit."""
    return (*_signed(case), *_cash(case))


def _signed(case: Case) -> Iterator[Limit]:
    for contract in case.contract:
        if contract.opening_volume > 0.0:
            yield Limit(
                key=f"contract.{contract.id}.opening_volume",
                kind=OBLIGATION,
                title=f"volume already signed of contract {contract.id}",
                asked=(contract.opening_volume,),
                unit="PFLOP/s",
                at_least=True,
                change=partial(_move_signed, which=contract.id),
                column=f"fixed[contract,{contract.id}]",
                most=contract.opening_volume,
                additive=False,
                ledger=True,
                hint=True,
            )


def _move_signed(case: Case, own: Own, move: float, which: str) -> tuple[Case, Own]:
    contracts = tuple(
        replace(c, opening_volume=max(0.0, c.opening_volume - move)) if c.id == which else c for c in case.contract
    )
    return replace(case, contract=contracts), own


def _cash(case: Case) -> Iterator[Limit]:
    """What is paid whatever happens, and the cash that is there to begin with."""
    if any(case.cash.dividends):
        yield Limit(
            key="cash.dividends",
            kind=OBLIGATION,
            title="dividends",
            asked=case.cash.dividends,
            unit="billion",
            at_least=True,
            change=_move_dividends,
            rules=frozenset({rules.MINIMUM_CASH.name}),
            most=max(case.cash.dividends),
            additive=False,
            ledger=True,
            hint=True,
        )
    yield Limit(
        key="cash.opening",
        kind=OPENING_CASH,
        title="opening cash",
        asked=(case.cash.opening,),
        unit="billion",
        at_least=False,
        change=_move_opening,
        rules=frozenset({rules.MINIMUM_CASH.name}),
        additive=False,
        hint=True,
    )


def _move_dividends(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    return replace(case, cash=replace(case.cash, dividends=lowered(case.cash.dividends, move))), own


def _move_opening(case: Case, own: Own, move: float) -> tuple[Case, Own]:
    needed = 1.0 + case.cash.opening + max(case.cash.minimum) + sum(case.cash.dividends)
    return replace(case, cash=replace(case.cash, opening=case.cash.opening + min(move, PLENTY * needed))), own
