"""The tables of the books: income, balance sheet, cash flow and changes in equity, of all and of each entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ...arrays import FloatArray
from ...table import BILLION, Table
from ..expected import Amounts
from ..names import SUM, Lines
from ..tabulate import clean, wide
from .books import EBITDA, Books, added, by_entity, consolidated
from .names import (
    BOOK_BALANCE,
    BOOK_CASH_FLOW,
    CHANGES_IN_EQUITY,
    ENTITY_BALANCE,
    ENTITY_BOOK_CASH_FLOW,
    ENTITY_CHANGES,
    ENTITY_INCOME,
    INCOME_STATEMENT,
    BookRow,
    CashLine,
    EntityLines,
    EquityLine,
    IncomeLine,
    Section,
)

NOISE = 1e-12
"""Of the largest amount of a row, or of one billion: what is smaller is rounding, and shown as zero."""

Row = tuple[str, str, FloatArray]
"""Line, section, (T,) values."""

WITHIN = frozenset(
    {
        IncomeLine.FROM_COMPANIES, BookRow.COMPANIES, BookRow.CONTRIBUTED, CashLine.TO_COMPANIES, CashLine.CONTRIBUTED,
        CashLine.DISTRIBUTED, EquityLine.CONTRIBUTED, EquityLine.DISTRIBUTED,
    }
)  # fmt: skip
"""Lines of entities alone: what moves within the group is nothing to the whole of it."""
ALWAYS = frozenset(
    {
        IncomeLine.EBITDA, IncomeLine.OPERATING_PROFIT, IncomeLine.BEFORE_TAX, IncomeLine.NET_INCOME,
        BookRow.CASH, BookRow.ASSETS, BookRow.DEBT, BookRow.LIABILITIES, BookRow.AT_START, BookRow.RETAINED,
        BookRow.EQUITY, BookRow.BOTH,
        CashLine.NET_INCOME, CashLine.OPERATING, CashLine.INVESTING, CashLine.FINANCING, CashLine.CHANGE,
        CashLine.START, CashLine.END,
        EquityLine.START, EquityLine.NET_INCOME, EquityLine.END,
    }
)  # fmt: skip
"""Lines that are there even where they are 0 in every period."""

TITLES = {
    INCOME_STATEMENT: "Expected income statement of the books",
    BOOK_BALANCE: "Expected balance sheet of the books, at each period's end",
    BOOK_CASH_FLOW: "Expected cash flow statement of the books",
    CHANGES_IN_EQUITY: "Expected changes in equity of the books",
}
OF_ENTITIES = {
    ENTITY_INCOME: INCOME_STATEMENT,
    ENTITY_BALANCE: BOOK_BALANCE,
    ENTITY_BOOK_CASH_FLOW: BOOK_CASH_FLOW,
    ENTITY_CHANGES: CHANGES_IN_EQUITY,
}
LABELS: dict[str, tuple[str, ...]] = {
    INCOME_STATEMENT: (*(a.label for a in EBITDA), *IncomeLine),
    BOOK_BALANCE: tuple(BookRow),
    BOOK_CASH_FLOW: tuple(CashLine),
    CHANGES_IN_EQUITY: tuple(EquityLine),
}
"""Every line of each statement."""


def book_tables(amounts: Amounts) -> dict[str, Table]:
    """The statements of the books, consolidated, and of each entity where the case has any. StatementError."""
    group = consolidated(amounts)
    tables = {name: _table(name, rows, amounts.labels) for name, rows in rows_of(group).items()}
    companies = by_entity(amounts, group)
    if companies:
        each = {entity: rows_of(books) for entity, books in companies.items()}
        for name, of in OF_ENTITIES.items():
            rows = [
                ((entity, line, section), values) for entity, own in each.items() for line, section, values in own[of]
            ]
            title = f"{TITLES[of]}, of each entity"
            tables[name] = wide(name, title, tuple(EntityLines), rows, amounts.labels, BILLION, "money", noise=NOISE)
    return tables


def rows_of(books: Books) -> dict[str, list[Row]]:
    """The rows of the four statements, zero ones among them."""
    return {
        INCOME_STATEMENT: list(
            _to_sums(
                books.income,
                {
                    IncomeLine.EBITDA: Section.EBITDA,
                    IncomeLine.OPERATING_PROFIT: Section.OPERATING_PROFIT,
                    IncomeLine.BEFORE_TAX: Section.BEFORE_TAX,
                    IncomeLine.NET_INCOME: Section.NET_INCOME,
                },
            )
        ),
        BOOK_BALANCE: list(_balance(books)),
        BOOK_CASH_FLOW: list(
            _to_sums(
                books.cash,
                {
                    CashLine.OPERATING: Section.OPERATING,
                    CashLine.INVESTING: Section.INVESTING,
                    CashLine.FINANCING: Section.FINANCING,
                    CashLine.CHANGE: SUM,
                },
                of_cash=(CashLine.START, CashLine.END),
            )
        ),
        CHANGES_IN_EQUITY: [(line, Section.EQUITY, values) for line, values in books.equity.items()],
    }


def _to_sums(lines: dict[str, FloatArray], sums: dict[str, str], of_cash: Sequence[str] = ()) -> Iterator[Row]:
    """Each line with the section of the sum that follows it."""
    waiting: list[tuple[str, FloatArray]] = []
    for line, values in lines.items():
        if line in sums:
            yield from ((before, sums[line], amounts) for before, amounts in waiting)
            yield line, SUM, values
            waiting = []
        elif line in of_cash:
            yield line, Section.CASH, values
        else:
            waiting.append((line, values))


def _balance(books: Books) -> Iterator[Row]:
    owned, owed, claim = added(books.assets), added(books.liabilities), added(books.owners)
    yield from ((line, Section.ASSETS, values) for line, values in books.assets.items())
    yield BookRow.ASSETS, SUM, owned
    yield from ((line, Section.LIABILITIES, values) for line, values in books.liabilities.items())
    yield BookRow.LIABILITIES, SUM, owed
    yield from ((line, Section.EQUITY, values) for line, values in books.owners.items())
    yield BookRow.EQUITY, SUM, claim
    yield BookRow.BOTH, SUM, owed + claim


def _table(name: str, rows: Iterable[Row], labels: Sequence[str]) -> Table:
    shown: list[tuple[tuple[str, ...], FloatArray]] = []
    idle = set[str]()
    for line, section, values in rows:
        if line in WITHIN:
            continue
        if line in ALWAYS or np.any(clean(values, NOISE)):
            shown.append(((line, section), values))
        else:
            idle.add(line)
    return wide(name, TITLES[name], tuple(Lines), shown, labels, BILLION, "money", left_out=idle, noise=NOISE)
