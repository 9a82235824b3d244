"""The treasury tables as they are promised."""

from __future__ import annotations

from ..names import Lines
from ..shape import Shape
from .names import (
    BOOK_BALANCE,
    BOOK_CASH_FLOW,
    CHANGES_IN_EQUITY,
    ENTITY_BALANCE,
    ENTITY_BOOK_CASH_FLOW,
    ENTITY_CHANGES,
    ENTITY_INCOME,
    INCOME_STATEMENT,
    EntityLines,
)
from .statements import ALWAYS, LABELS, WITHIN

_MEANING = {
    INCOME_STATEMENT: "Expected income of the books, from revenue to net income.",
    BOOK_BALANCE: "Expected balance sheet of the books, at each period's end: at cost, not at market value.",
    BOOK_CASH_FLOW: "Expected cash flow of the books, from net income to the change in cash.",
    CHANGES_IN_EQUITY: "How equity of the books comes about.",
}


def _statement(name: str, meaning: str) -> Shape:
    shown = frozenset(LABELS[name]) - WITHIN
    return Shape(name, meaning, tuple(Lines), rows=shown & ALWAYS, zero=shown - ALWAYS, periods="all")


TREASURY = (
    *(_statement(name, meaning) for name, meaning in _MEANING.items()),
    *(
        Shape(name, meaning, tuple(EntityLines), periods="all", always=False)
        for name, meaning in (
            (ENTITY_INCOME, "Income statement of each entity."),
            (ENTITY_BALANCE, "Balance sheet of the books of each entity; a company that it owns is an asset at cost."),
            (ENTITY_BOOK_CASH_FLOW, "Cash flow statement of each entity."),
            (ENTITY_CHANGES, "How the equity of each entity comes about."),
        )
    ),
)
