"""The treasury tables as they are promised."""

from __future__ import annotations

from ..names import Line, Lines
from ..shape import Shape
from .names import (
    AT_END,
    BOOK_BALANCE,
    BOOK_CASH_FLOW,
    CHANGES_IN_EQUITY,
    COVERAGE,
    DEBT,
    DEBT_BY_STEP,
    DEBT_BY_YEAR,
    DEBT_PORTFOLIO,
    DEBT_SCHEDULE,
    ENTITY_BALANCE,
    ENTITY_BOOK_CASH_FLOW,
    ENTITY_CHANGES,
    ENTITY_INCOME,
    INCOME_STATEMENT,
    MATURITIES,
    RETURN_FLOWS,
    RETURNS,
    YEAR,
    Coverage,
    Debt,
    DebtByStep,
    DebtPortfolio,
    DebtSchedule,
    EntityLines,
    Maturities,
    Measure,
    Returns,
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
    Shape(DEBT, "What each instrument raises, costs and repays; debts of the opening balance sheet at the end.",
          tuple(Debt)),
    Shape(DEBT_BY_STEP, "The same by holder and step of the depth.", tuple(DebtByStep)),
    Shape(DEBT_SCHEDULE, "Each instrument by period: opening + gross proceeds + accreted - repaid = closing.",
          tuple(DebtSchedule)),
    Shape(DEBT_BY_YEAR, "The same by calendar year.",
          tuple(YEAR if c is DebtSchedule.PERIOD else c for c in DebtSchedule)),
    Shape(MATURITIES, "Repayment of each instrument by calendar year, also after the horizon.", tuple(Maturities)),
    Shape(DEBT_PORTFOLIO, "Debt by period: fixed and floating, the rate paid, the average life.", tuple(DebtPortfolio)),
    Shape(COVERAGE, "Revenue, EBITDA, debt service and what covers it, by calendar year.", tuple(Coverage)),
    Shape(RETURNS, "NPV and IRR of the plan and of equity, against doing nothing.", tuple(Returns)),
    Shape(RETURN_FLOWS, "The flows of which NPV and IRR are made.", tuple(Line),
          rows=frozenset(Measure) | {f"{AT_END}{m}" for m in Measure}, periods="all"),
)  # fmt: skip
