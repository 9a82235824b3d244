"""The sheet Risk: the certificate, each risk limit against the plan, and the range of cash over the scenarios."""

from __future__ import annotations

from ...optimizer.analysis.names import LIQUIDITY_FAN, LiquidityFan
from ...optimizer.table import BILLION
from ..text import level, safe
from . import cash, inputs, plan_values
from .book import Book
from .grid import PLAIN, STOCK, Row, Sheet, linked
from .terms import ZERO, Term, larger, ratio, size

NAME = "Risk"
PURPOSE = "What is proven, the risk limits, and cash over the scenarios"


def build(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME, PURPOSE)
    checks = [*_certificate(book, sheet), *_limits(book, sheet)]
    _fan(book, sheet)
    _prices(book, sheet)
    sheet.heading("Checks")
    for label, term in checks:
        sheet.check_one(label, term)


def _certificate(book: Book, sheet: Sheet) -> list[tuple[str, Term | None]]:
    sheet.heading("Certificate")
    names = ("objective", "upper bound", "lower bound", "sampling error")
    found = {name: _link(book, sheet, name, ("certificate", name)) for name in names}
    objective, upper, lower = (found[name] for name in names[:3])
    if objective is None or upper is None or lower is None:
        return []
    floor = book.row(inputs.NAME, inputs.LEAST_OBJECTIVE)
    gap = sheet.constant(
        "gap: upper less lower bound, of the objective", "fraction",
        (upper.whole - lower.whole) / larger(floor.whole, size(objective.whole)), "gap",
    )  # fmt: skip
    book.keep(gap, NAME, "gap")
    asked = _link(book, sheet, "gap asked for", ("certificate", "gap asked for"))
    checks = [
        ("objective is not above the upper bound", book.exceeds(objective.whole, upper.whole)),
        ("objective is not below the lower bound", book.exceeds(lower.whole, objective.whole)),
        ("gap is capmix's", book.differs(gap.whole, book.row(plan_values.NAME, "certificate", "gap").total)),
    ]
    if book.plan.status.value == "certified" and asked is not None:
        checks.append(("gap is not above the one asked for", book.exceeds(gap.whole, asked.whole)))
    return checks


def _limits(book: Book, sheet: Sheet) -> list[tuple[str, Term | None]]:
    checks: list[tuple[str, Term | None]] = []
    for found in book.plan.risk:
        name = safe(found.name)
        sheet.heading(f"Risk limit {name}: {safe(found.loss)}, {found.measure} {level(found.level)}")
        limit = _limit(book, sheet, found.name)
        cvar = _link(book, sheet, "CVaR", ("risk", found.name, "CVaR"))
        assert limit is not None
        assert cvar is not None
        kind = "money" if found.unit == BILLION else "number"
        sheet.constant("headroom", cvar.unit, limit.whole - cvar.whole, kind)
        sheet.constant("used of the limit", "share", ratio(cvar.whole, limit.whole), "share")
        for label in ("VaR", "share of the scenarios above the limit", "price", "CVaR out of sample",
                      "95 % interval from", "95 % interval to"):  # fmt: skip
            _link(book, sheet, label, ("risk", found.name, label))
        book.keep(limit, NAME, found.name, "limit")
        book.keep(cvar, NAME, found.name, "CVaR")
        checks.append((f"{name}: CVaR is not above the limit", book.exceeds(cvar.whole, limit.whole)))
        var = book.row(plan_values.NAME, "risk", found.name, "VaR").total
        checks.append((f"{name}: VaR is not above CVaR", book.exceeds(var, cvar.whole)))
    return checks


def _limit(book: Book, sheet: Sheet, name: str) -> Row | None:
    """The limit, from the case where it stands there under this name."""
    entered = book.rows.get((inputs.NAME, f"risk.{name}.limit"))
    source = entered or book.row(plan_values.NAME, "risk", name, "limit")
    kind = book.row(plan_values.NAME, "risk", name, "limit").kind
    unit = book.row(plan_values.NAME, "risk", name, "limit").unit
    return None if source.total is None else sheet.constant("limit", unit, source.total, kind)


def _link(book: Book, sheet: Sheet, label: str, key: tuple[str, ...]) -> Row | None:
    """A figure of the sheet Plan; None, and no row, where it has none."""
    source = book.rows.get((plan_values.NAME, *key))
    if source is None or source.total is None:
        return None
    return sheet.constant(label, source.unit, source.total, source.kind)


def _fan(book: Book, sheet: Sheet) -> None:
    sheet.heading("Cash over the scenarios, before any remedy")
    for key, source in list(book.rows.items()):
        if key[:2] == (plan_values.NAME, LIQUIDITY_FAN):
            row = sheet.formulas(source.label, source.unit, STOCK, linked(source), source.kind)
            book.keep(row, NAME, key[2])
    minimum = book.row(cash.NAME, cash.MINIMUM)
    least = book.row(NAME, LiquidityFan.Q05)
    sheet.formulas("minimum cash", book.money, STOCK, linked(minimum))
    sheet.formulas(
        "5 % of the scenarios fall below the minimum by more than", book.money, PLAIN,
        lambda t: larger(minimum.of(t) - least.of(t), ZERO), strong=True,
    )  # fmt: skip


def _prices(book: Book, sheet: Sheet) -> None:
    """What binds, and what more of it is worth."""
    found = [row for key, row in book.rows.items() if key[:2] == (plan_values.NAME, "price")]
    if found:
        sheet.heading("What binds: change of the objective per unit more of a limit")
    for row in found:
        sheet.constant(row.label, row.unit, row.total)
