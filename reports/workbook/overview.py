"""The sheet Summary: the plan in a page of figures and charts, every one of them a reference to another sheet."""

from __future__ import annotations

from ...models.ledger import Account, Group
from ...optimizer.analysis.names import COMPUTE, CashRow, ComputeRow, DebtRow, LiquidityFan, cash_flow_of
from ...optimizer.analysis.treasury.names import IncomeLine
from ..text import safe
from . import cash, debt, holders, income, plan_values, risk, sources_uses
from .book import Book
from .grid import FLOW, IN, PLAIN, STOCK, Chart, Row, Sheet, added, linked
from .terms import greatest, least, ratio, total

NAME = "Summary"
PURPOSE = "The plan in figures and charts"
CHARTS_APART = 20
"""Rows from the top of a chart to the top of the one below it."""


def build(book: Book) -> None:
    """Write the sheet and order its charts."""
    sheet = book.sheet(NAME, PURPOSE)
    _figures(book, sheet)
    _periods(book, sheet)
    _charts(book, sheet)


def _figures(book: Book, sheet: Sheet) -> None:
    plan = book.plan
    sheet.heading(safe(plan.objective_name).capitalize())
    objective = book.row(plan_values.NAME, "certificate", "objective")
    sheet.constant("objective", objective.unit, objective.total, "number")
    if (gap := book.rows.get((risk.NAME, "gap"))) is not None:
        sheet.constant("gap that is proven", "fraction", gap.total, "gap")
    sheet.heading("Money over the horizon")
    funding = book.row(holders.NAME, "By holder").whole
    sheet.constant("capital raised", book.money, funding, "money")
    spent = [row.whole for account in (Account.HARDWARE, Account.SITES)
             if (row := book.rows.get((sources_uses.NAME, sources_uses.USES, account.label))) is not None]  # fmt: skip
    sheet.constant("spent on systems and sites", book.money, total(spent), "money")
    ebitda = book.row(income.NAME, IncomeLine.EBITDA).whole
    sheet.constant("EBITDA", book.money, ebitda, "money")
    end = book.row(cash.NAME, CashRow.END)
    sheet.constant("closing cash", book.money, end.of(sheet.periods - 1), "money")
    sheet.constant("least cash at a period's end", book.money, least(end.cells), "money")
    owed = book.row(debt.NAME, DebtRow.END)
    sheet.constant("most debt at a period's end", book.money, greatest(owed.cells), "money")
    sheet.constant("debt at the end", book.money, owed.of(sheet.periods - 1), "money")
    if plan.risk:
        sheet.heading("Risk limits: used")
    for found in plan.risk:
        cvar, limit = (book.row(risk.NAME, found.name, name).whole for name in ("CVaR", "limit"))
        sheet.constant(safe(found.name), "share", ratio(cvar, limit), "share")


def _periods(book: Book, sheet: Sheet) -> None:
    sheet.heading("By period")
    raised = [row for key, row in book.rows.items() if key[:2] == (sources_uses.NAME, sources_uses.SOURCES) and key[2:]]
    lines: list[tuple[str, str, Row | None]] = [
        ("EBITDA", FLOW, book.row(income.NAME, IncomeLine.EBITDA)),
        ("operating cash flow", FLOW, book.row(cash.NAME, cash_flow_of(Group.OPERATING))),
        ("investing cash flow", FLOW, book.row(cash.NAME, cash_flow_of(Group.INVESTING))),
        ("debt service", PLAIN, book.row(debt.NAME, DebtRow.SERVICE)),
    ]
    for label, sign, row in lines:
        if row is not None:
            sheet.formulas(label, book.money, sign, linked(row), summed=True)
    sheet.formulas("raised by instruments", book.money, IN, added(raised), summed=True)
    for label, row in (("debt at the end", book.row(debt.NAME, DebtRow.END)), ("closing cash", _end(book))):
        sheet.formulas(label, book.money, STOCK, linked(row))
    for label in (ComputeRow.SERVED, ComputeRow.POWER):
        row = book.row(plan_values.NAME, COMPUTE, label)
        sheet.formulas(label, row.unit, PLAIN, linked(row), row.kind)


def _end(book: Book) -> Row:
    return book.row(cash.NAME, CashRow.END)


def _charts(book: Book, sheet: Sheet) -> None:
    sides = _sources_and_uses(book, sheet)
    sheet.breaks.append(sheet.next + 1)
    sheet.heading("Charts")
    top = sheet.next
    raised = [
        (row.label, row)
        for key, row in book.rows.items()
        if key[:2] == (sources_uses.NAME, sources_uses.SOURCES) and key[2:]
    ]
    if raised:
        book.charts.append(Chart(NAME, "Capital raised", book.money, tuple(raised), "column", (top, 0), stacked=True))
    low = book.row(risk.NAME, LiquidityFan.Q05)
    lines = (("cash, expected", _end(book)), ("cash, worst 5 % of scenarios", low),
             ("minimum cash", book.row(cash.NAME, cash.MINIMUM)))  # fmt: skip
    book.charts.append(Chart(NAME, "Cash against its minimum", book.money, lines, "line", (top, 1)))
    served = book.row(plan_values.NAME, COMPUTE, ComputeRow.SERVED)
    below = top + CHARTS_APART
    book.charts.append(Chart(NAME, "Compute in service", served.unit, ((served.label, served),), "area", (below, 0)))
    if sides:
        book.charts.append(Chart(NAME, "Sources and uses over the horizon", book.money, sides, "bar", (below, 1)))
    sheet.next = below + CHARTS_APART


def _sources_and_uses(book: Book, sheet: Sheet) -> tuple[tuple[str, Row], ...]:
    """Where the money comes from and goes, over the horizon; without what is nothing."""
    sheet.heading("Sources and uses over the horizon")
    found: list[tuple[str, Row]] = []
    for side in (sources_uses.SOURCES, sources_uses.USES):
        for row in book.sides[side]:
            if row.whole.number:
                found.append((side, sheet.constant(row.label, book.money, row.whole, "money")))
    return tuple(found)
