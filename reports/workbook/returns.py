"""The sheet Returns: NPV of the plan and of equity, and the rates at which their flows are worth nothing."""

from __future__ import annotations

from ...optimizer.analysis.treasury.names import AT_END, RETURN_FLOWS, RETURNS, Measure, Returns
from . import inputs, plan_values
from .book import Book
from .grid import FIRST, FLOW, OPENING, PLAIN, Row, Sheet, added, linked
from .terms import ONE, ZERO, Cell, Term, cell

NAME = "Returns"
PURPOSE = "Expected flows against doing nothing, at each period's end, and what they are worth"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    sheet.heading("Discount factors")
    rate = book.row(inputs.NAME, "objective.money_discount").whole
    factors = _factors(book, sheet, "discount rate", rate)
    checks: list[tuple[str, Term | None]] = []
    for measure in Measure:
        if (plan_values.NAME, RETURN_FLOWS, measure) not in book.rows:
            continue
        sheet.heading(f"{measure.capitalize()}")
        flows = [
            sheet.formulas(label, book.money, FLOW, linked(book.row(plan_values.NAME, RETURN_FLOWS, name)), summed=True)
            for name, label in ((measure, "flows"), (f"{AT_END}{measure}", "value at the end"))
        ]
        every = sheet.formulas("all", book.money, FLOW, added(flows), summed=True, strong=True)
        worth = _worth(book, sheet, "present value", every, factors)
        npv = book.keep(sheet.constant(Returns.NPV, book.money, worth.whole, "money"), NAME, measure, Returns.NPV)
        capmix = book.row(plan_values.NAME, RETURNS, measure, Returns.NPV).total
        checks.append((f"{measure}: NPV is capmix's", book.differs_in_money(npv.total, capmix)))
        irr = book.row(plan_values.NAME, RETURNS, measure, Returns.IRR).total
        if irr is not None:
            own = _factors(book, sheet, Returns.IRR, irr)
            nothing = _worth(book, sheet, "present value at the IRR", every, own)
            checks.append((f"{measure}: worth nothing at its IRR", book.differs_in_money(nothing.total, ZERO)))
    sheet.heading("Checks")
    for label, term in checks:
        sheet.check_one(label, term)


def _factors(book: Book, sheet: Sheet, label: str, rate: Cell) -> Row:
    """What one at the end of each period is worth today, at an effective yearly rate."""
    own = sheet.constant(label, "per year", rate, "rate")
    length = book.row(inputs.NAME, inputs.LENGTH).whole
    growth = sheet.constant(f"{label}: growth in a period", "factor", (ONE + own.whole) ** length, "factor")
    number, before = sheet.next, 1.0
    found: list[Term] = []
    for t in range(sheet.periods):
        term = cell(sheet.name, number, FIRST + t - 1 if t else OPENING, before) / growth.whole.fixed()
        before = term.number
        found.append(term)
    return sheet.formulas(f"{label}: factor", "factor", PLAIN, lambda t: found[t], "factor", opening=ONE)


def _worth(book: Book, sheet: Sheet, label: str, flows: Row, factors: Row) -> Row:
    return sheet.formulas(label, book.money, FLOW, lambda t: flows.of(t) * factors.of(t), summed=True)
