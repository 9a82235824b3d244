"""The sheet Plan: what capmix decided and the accounts that follow, as values; beside Inputs the only entered numbers.

At its end stand the sums that capmix itself has, which nothing is computed from: the checks compare with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...optimizer.analysis import names as n
from ...optimizer.analysis.entity_names import ENTITY_CASH, EntityCash
from ...optimizer.analysis.review_names import NODE
from ...optimizer.analysis.treasury.names import COVERAGE, DEBT_SCHEDULE, RETURN_FLOWS, RETURNS, Coverage, Returns
from ...optimizer.analysis.treasury.names import DebtSchedule as Schedule
from ...optimizer.table import BILLION, TOTAL, Record, Table
from ..text import figure, safe
from .book import Book
from .grid import FLOW, IN, PLAIN, STOCK, Row, Sheet
from .inputs import scale_money
from .statements import PASSED_OVER, STOCKS, TITLES, checked
from .terms import greatest, least

NAME = "Plan"
PURPOSE = "Decisions, amounts of the accounts and risk figures of the plan: values, all else is computed from them"
ORDERED = (
    (n.PURCHASES, "Systems ordered"),
    (n.CONSTRUCTION, "Construction started"),
    (n.CONTRACTS, "Contracts signed"),
    (n.RELET, "Room kept for reletting"),
    (n.MERCHANT, "Systems rented out without a contract"),
)
MOST_PRICES = 15
FUNDED, COMMITTED = "funded", "committed"
SCHEDULED = (
    Schedule.OPENING, Schedule.PROCEEDS, Schedule.ACCRETED, Schedule.REPAID, Schedule.CLOSING, Schedule.INTEREST,
    Schedule.FEES,
)  # fmt: skip


def build(book: Book) -> None:
    """Write the sheet; define the tolerance of money."""
    sheet, tables = book.sheet(NAME, PURPOSE), book.plan.tables
    for name, title in ORDERED:
        _wide(book, sheet, tables[name], title)
    _issuance(book, sheet)
    seen: dict[tuple[object, ...], Row] = {}
    for name, title in TITLES.items():
        _accounts(book, sheet, tables[name], title, seen)
    _schedule(book, sheet)
    if ENTITY_CASH in tables:
        _entities(book, sheet, tables[ENTITY_CASH])
    _covenants(book, sheet)
    _liquidity(book, sheet)
    _returns(book, sheet)
    _certificate(book, sheet)
    _risk(book, sheet)
    _prices(book, sheet)
    _losses(book, sheet)
    sheet.heading("Sums of capmix itself, only to compare with")
    total = sheet.constant("capmix: funding", book.money, book.plan.funding.total, "money")
    book.keep(total, NAME, "funding", "total")
    for name in TITLES:
        for record in tables[name].records():
            if record.text(n.Line.LINE) in checked(book.plan, name):
                _line(book, sheet, name, record, "capmix: ")
    amounts = [row for key, row in book.rows.items() if key[:2] == (NAME, n.CASH_FLOW) and row.cells]
    scale_money(book, [term for row in amounts for term in (greatest(row.cells), -least(row.cells))])


def _wide(book: Book, sheet: Sheet, table: Table, title: str) -> None:
    """A table with a column per period; a flow per period is summed, what runs is not."""
    if not table.rows:
        return
    sheet.heading(title)
    heads = [c.name for c in table.columns if c.form == "text"]
    unit = next(c.unit for c in table.columns if c.form != "text")
    summed = TOTAL in table.names
    for record in table.records():
        label = ", ".join(safe(record.text(head)) for head in heads)
        values = [record.maybe(period) for period in book.labels]
        row = sheet.values(label, book.unit(unit), PLAIN, values, "count", summed)
        book.keep(row, NAME, table.name, *(record.text(head) for head in heads))


def _issuance(book: Book, sheet: Sheet) -> None:
    """Funding and commitments by instrument, holder and step, a row each; instruments stand together."""
    table = book.plan.tables[n.ISSUANCE]
    for column, title in ((n.Issuance.FUNDED, FUNDED), (n.Issuance.COMMITTED, COMMITTED)):
        found: dict[tuple[str, ...], list[float]] = {}
        for record in table.records():
            amount = record.number(column)
            if amount > 0.0:
                key = tuple(record.text(c) for c in (n.Issuance.INSTRUMENT, n.Issuance.HOLDER, n.Issuance.STEP))
                found.setdefault(key, [0.0] * sheet.periods)
                found[key][book.labels.index(record.text(n.Issuance.PERIOD))] += amount
        if found:
            sheet.heading(f"Money {title}: instrument, holder, step")
        for key in sorted(found, key=lambda k: [*found].index(next(f for f in found if f[0] == k[0]))):
            label = ", ".join(safe(word) for word in key if word)
            book.keep(sheet.values(label, book.money, IN, found[key], "money", True), NAME, title, *key)


def _accounts(book: Book, sheet: Sheet, table: Table, title: str, seen: dict[tuple[object, ...], Row]) -> None:
    """The rows of a statement that are no sums; one that stands above with the same amounts is not written again."""
    own, other = checked(book.plan, table.name), PASSED_OVER.get(table.name, frozenset())
    new: list[Record] = []
    for record in table.records():
        label = record.text(n.Line.LINE)
        if label in own or label in other:
            continue
        same = (label, *(record[period] for period in book.labels))
        if same in seen:
            book.keep(seen[same], NAME, table.name, label)
        else:
            new.append(record)
    if new:
        sheet.heading(title)
    for record in new:
        row = _line(book, sheet, table.name, record, "")
        seen[(record.text(n.Line.LINE), *(record[period] for period in book.labels))] = row


def _line(book: Book, sheet: Sheet, table: str, record: Record, before: str) -> Row:
    label = record.text(n.Line.LINE)
    unit = record.text(n.ComputeLines.UNIT) if n.ComputeLines.UNIT in record else BILLION
    kind = "money" if unit == BILLION else "count"
    stock = table in STOCKS
    sign = PLAIN if kind == "count" else STOCK if stock else FLOW
    values = [record.maybe(period) for period in book.labels]
    flows = not stock and not before
    row = sheet.values(before + safe(label), book.unit(unit), sign, values, kind, summed=flows)
    return book.keep(row, NAME, table, label)


def _schedule(book: Book, sheet: Sheet) -> None:
    """What moves the balance of each instrument, and what it costs."""
    table = book.plan.tables[DEBT_SCHEDULE]
    if table.rows:
        sheet.heading("Debt, leases and outside equity by instrument")
    for column in SCHEDULED:
        for key, values in _pivoted(book, sheet, table, Schedule.PERIOD, column, (Schedule.INSTRUMENT, Schedule.CLAIM)):
            summed = column not in (Schedule.OPENING, Schedule.CLOSING)
            label = ("" if summed else "capmix: ") + f"{safe(key[0])}: {column}"
            row = sheet.values(label, book.money, PLAIN if summed else STOCK, values, "money", summed)
            book.keep(row, NAME, DEBT_SCHEDULE, *key, column)


def _entities(book: Book, sheet: Sheet, table: Table) -> None:
    sheet.heading("Cash of each entity")
    for record in table.records():
        words = [record.text(c) for c in (EntityCash.ENTITY, EntityCash.LINE)]
        values = [record.maybe(period) for period in book.labels]
        row = sheet.values(safe(": ".join(words)), book.money, FLOW, values)
        book.keep(row, NAME, ENTITY_CASH, *words)


def _pivoted(
    book: Book, sheet: Sheet, table: Table, period: str, column: str, heads: Sequence[str]
) -> Iterable[tuple[tuple[str, ...], list[float | None]]]:
    """A column of a long table over the timeline, by the texts under `heads`."""
    found: dict[tuple[str, ...], list[float | None]] = {}
    for record in table.records():
        key = tuple(record.text(head) for head in heads)
        found.setdefault(key, [None] * sheet.periods)[book.labels.index(record.text(period))] = record.maybe(column)
    return found.items()


def _covenants(book: Book, sheet: Sheet) -> None:
    table, c = book.plan.tables[n.COVENANTS], n.Covenants
    if table.rows:
        sheet.heading("Covenants on the expected path")
    heads = [head for head in (c.COVENANT, c.OF, NODE) if head in table.names]
    for column, kind in ((c.VALUE, "number"), (c.HEADROOM, "number"), (c.MONEY, "money")):
        for key, values in _pivoted(book, sheet, table, c.PERIOD, column, heads):
            label = f"{', '.join(safe(word) for word in key if word)}: {column}"
            unit = book.money if kind == "money" else ""
            book.keep(sheet.values(label, unit, PLAIN, values, kind), NAME, n.COVENANTS, *key, column)


def _liquidity(book: Book, sheet: Sheet) -> None:
    fan = n.LiquidityFan
    sheet.heading("Cash over the scenarios, before any remedy")
    for column in (fan.Q05, fan.Q25, fan.Q50, fan.Q75, fan.Q95, fan.MEAN, fan.BELOW):
        (_, values), *_ = _pivoted(book, sheet, book.plan.tables[n.LIQUIDITY_FAN], fan.PERIOD, column, ())
        share = column == fan.BELOW
        label = "share of the scenarios below the minimum" if share else f"cash, {column}"
        row = sheet.values(label, "share" if share else book.money, STOCK, values, "share" if share else "money")
        book.keep(row, NAME, n.LIQUIDITY_FAN, column)


def _returns(book: Book, sheet: Sheet) -> None:
    """The flows of which NPV and IRR are made, and these; then what covers the debt, by the year of each period."""
    tables = book.plan.tables
    sheet.heading("Flows against doing nothing")
    for record in tables[RETURN_FLOWS].records():
        _line(book, sheet, RETURN_FLOWS, record, "")
    sheet.heading("NPV and IRR")
    for record in tables[RETURNS].records():
        measure = record.text(Returns.MEASURE)
        npv = sheet.constant(f"capmix: NPV: {measure}", book.money, record.number(Returns.NPV), "money")
        book.keep(npv, NAME, RETURNS, measure, Returns.NPV)
        irr = sheet.constant(f"IRR: {measure}", "per year", finite(record.maybe(Returns.IRR)), "rate")
        book.keep(irr, NAME, RETURNS, measure, Returns.IRR)
    sheet.heading("Cover by calendar year, only to compare with")
    years = {record.text(Coverage.YEAR): record for record in tables[COVERAGE].records()}
    for column in (Coverage.INTEREST_COVER, Coverage.DSCR):
        values = [years[label[:4]].maybe(column) for label in book.labels]
        book.keep(sheet.values(f"capmix: {column}", "ratio", PLAIN, values, "ratio"), NAME, COVERAGE, column)


def _certificate(book: Book, sheet: Sheet) -> None:
    plan = book.plan
    unit = book.unit(plan.objective_unit)
    sheet.heading("Objective and certificate")
    figures: list[tuple[str, float | None, str]] = [("objective", plan.objective_value, unit)]
    if (found := plan.certificate) is not None:
        figures += [("upper bound", found.upper_bound, unit), ("lower bound", found.lower_bound, unit)]
        figures += [("gap", found.gap, ""), ("gap asked for", found.tolerance, "")]
        figures.append(("sampling error", found.sampling_error, unit))
    for label, value, of in figures:
        kind = "gap" if label.startswith("gap") else "number"
        book.keep(sheet.constant(label, of, finite(value), kind), NAME, "certificate", label)


def _risk(book: Book, sheet: Sheet) -> None:
    for found in book.plan.risk:
        sheet.heading(safe(f"Risk limit {found.name}: {found.loss}, {found.measure} {found.level:g}"))
        unit = book.unit(found.unit)
        kind = "money" if found.unit == BILLION else "number"
        sample = found.out_of_sample
        figures = [
            ("limit", found.limit, unit, kind), ("CVaR", found.value, unit, kind), ("VaR", found.var, unit, kind),
            ("share of the scenarios above the limit", found.probability, "share", "share"),
            ("price", found.price, f"{book.unit(book.plan.objective_unit)} per {unit}", "number"),
            ("CVaR out of sample", None if sample is None else sample.value, unit, kind),
            ("95 % interval from", None if sample is None else sample.ci_low, unit, kind),
            ("95 % interval to", None if sample is None else sample.ci_high, unit, kind),
        ]  # fmt: skip
        for label, value, of, shown in figures:
            book.keep(sheet.constant(label, of, finite(value), shown), NAME, "risk", found.name, label)


def _prices(book: Book, sheet: Sheet) -> None:
    """What binds, and what more of it is worth."""
    prices = book.plan.prices[:MOST_PRICES]
    if prices:
        sheet.heading("What binds: change of the objective per unit more of a limit")
    for number, price in enumerate(prices):
        unit = f"{book.unit(book.plan.objective_unit)} per {figure(price.per)} {book.unit(price.unit)}"
        label = safe(f"{price.title}: {price.index}" if price.index else price.title)
        book.keep(sheet.constant(label, unit, finite(price.price)), NAME, "price", str(number))


def _losses(book: Book, sheet: Sheet) -> None:
    """What each holder is owed and loses."""
    for column in (n.Losses.CLAIM, n.Losses.EXPECTED, n.Losses.TAIL, n.Losses.SHARE):
        share = column == n.Losses.SHARE
        sheet.heading(f"Holders: {column}" + (", only to compare with" if share else ""))
        for record in book.plan.tables[n.LOSS_BY_HOLDER].records():
            holder = record.text("holder")
            unit, kind = ("share", "share") if share else (book.money, "money")
            row = sheet.constant(safe(record.text(n.Losses.TITLE)), unit, record.number(column), kind)
            book.keep(row, NAME, n.LOSS_BY_HOLDER, holder, column)


def finite(value: float | None) -> float | None:
    """A number that a spreadsheet has, or none."""
    return value if value is not None and abs(value) < float("inf") else None
