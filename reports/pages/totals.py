"""The totals of a plan, and where plan.json, the summary, the report and the workbook tell each.

Figures are read from the files of a run folder as a reader reads them, so that two outputs which tell different things
differ here.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...optimizer.table import BILLION
from ..outputs import REPORT, SUMMARY, WORKBOOK
from ..scale import SCALES
from .read_outputs import Line, Page, Shown, in_text, shown, workbook_lines

REVENUE = ("contract revenue", "relet revenue after a default", "merchant revenue")


class Outputs:
    """The four outputs of a run folder of a plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        self.summary = (folder / SUMMARY).read_text(encoding="utf-8")

    def said(self, pattern: str, unit: str = BILLION) -> Shown:
        """The figure that a pattern finds in the summary, money in billions whatever its unit there. LookupError."""
        found = in_text(self.summary, pattern)
        scale = next((s for s in SCALES if f"· {s.unit} = {s.word} " in self.summary), None)
        if scale is None:
            raise LookupError("the summary does not say in which unit money is")
        factor = scale.factor if unit == BILLION else 1.0
        return Shown(found.value / factor, found.half / factor)

    @cached_property
    def page(self) -> Page:
        return Page((self.folder / REPORT).read_text(encoding="utf-8"))

    @cached_property
    def workbook(self) -> dict[tuple[str, str, str], Line]:
        return workbook_lines((self.folder / WORKBOOK).read_bytes())

    def table(self, name: str) -> list[dict[str, str]]:
        with open(self.folder / "tables" / f"{name}.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def over_time(self, name: str, row: str) -> list[float]:
        """A row of a table, period by period; zeros where it is left out."""
        for found in self.table(name):
            if next(iter(found.values())) == row:
                return [float(found[period] or 0.0) for period in self.plan["case"]["periods"]]
        return [0.0] * len(self.plan["case"]["periods"])

    def sheet(self, sheet: str, heading: str, label: str) -> Line:
        """A row of the workbook, the heading told by its beginning. LookupError."""
        found = [v for (s, h, at), v in self.workbook.items() if s == sheet and h.startswith(heading) and at == label]
        if len(found) != 1:
            raise LookupError(f"{sheet} has {len(found)} rows {label!r} under {heading!r}")
        return found[0]

    def total(self, sheet: str, heading: str, *labels: str) -> Shown:
        """The totals of rows added up; a row that is nothing may be left out."""
        found = [
            line.total
            for (s, h, label), line in self.workbook.items()
            if s == sheet and h.startswith(heading) and label in labels
        ]
        if not found:
            raise LookupError(f"{sheet} has no row {labels} under {heading!r}")
        return Shown(math.fsum(value or 0.0 for value in found))

    def last(self, sheet: str, heading: str, label: str) -> Shown:
        return Shown(self.sheet(sheet, heading, label).last or 0.0)


@dataclass(frozen=True)
class Total:
    """A total and how each output tells it; None where one does not. where: of each output, in words."""

    title: str
    unit: str
    plan: Callable[[Outputs], float]
    summary: Callable[[Outputs], Shown] | None
    page: Callable[[Outputs], Shown] | None
    workbook: Callable[[Outputs], Shown] | None
    where: tuple[str, str, str, str]


@dataclass(frozen=True)
class Found:
    """A total as it was found: in plan.json, and as the others show it."""

    total: Total
    exact: float
    others: tuple[Shown | None, ...]

    @property
    def agrees(self) -> bool:
        return all(one is None or one.agrees(self.exact) for one in self.others)


def reconciled(folder: Path) -> list[Found]:
    """Every total of a run folder of a plan. LookupError where an output lacks one that it tells."""
    outputs = Outputs(folder)
    return [
        Found(
            one,
            one.plan(outputs),
            tuple(None if find is None else find(outputs) for find in (one.summary, one.page, one.workbook)),
        )
        for one in totals(outputs)
    ]


def totals(outputs: Outputs) -> Iterator[Total]:
    """The totals of any plan, then those of each risk limit."""
    yield from MONEY
    yield from BOOKS
    for number, limit in enumerate(outputs.plan["risk"]):
        yield from _limit(number, limit["name"], limit["unit"])


def _added(cells: Iterable[str]) -> Shown:
    parts = [shown(cell) for cell in cells]
    return Shown(math.fsum(one.value for one in parts), math.fsum(one.half for one in parts))


def _row(begins: str, name: str) -> Callable[[Outputs], Shown]:
    """A row of a table of the page over all periods, added up."""

    def find(outputs: Outputs) -> Shown:
        periods = len(outputs.plan["case"]["periods"])
        return _added(outputs.page.row(begins, name)[-periods:])

    return find


def _end(begins: str, name: str) -> Callable[[Outputs], Shown]:
    return lambda outputs: shown(outputs.page.row(begins, name)[-1])


def _spent(outputs: Outputs) -> float:
    return -math.fsum(outputs.over_time("cash_flow", "hardware") + outputs.over_time("cash_flow", "sites"))


def _sources(outputs: Outputs) -> float:
    """Cash at the start, and every line of the cash flow that brings money over the horizon; operation by its net."""
    periods = outputs.plan["case"]["periods"]
    lines = {row["line"]: [float(row[p] or 0.0) for p in periods] for row in outputs.table("cash_flow")}
    own = [row["line"] for row in outputs.table("cash_flow") if row["section"] in ("investing", "financing", "tax")]
    sums = [math.fsum(lines[name]) for name in (*own, "operating cash flow", "interest on cash")]
    return lines["opening cash"][0] + math.fsum(value for value in sums if value > 0.0)


def _sum(table: str, *rows: str) -> Callable[[Outputs], float]:
    return lambda outputs: math.fsum(value for row in rows for value in outputs.over_time(table, row))


def _page_revenue(outputs: Outputs) -> Shown:
    rows = [row for row in outputs.page.table(INCOME) if row[0] in REVENUE]
    periods = len(outputs.plan["case"]["periods"])
    return _added(cell for row in rows for cell in row[-periods:])


INCOME, EQUITY = "Expected income statement", "Expected changes in equity"
BALANCE = "Expected balance sheet of the books"
FLOWS = "Expected cash flow, "

MONEY = (
    Total(
        "objective",
        "",
        lambda o: float(o.plan["objective"]["value"]),
        lambda o: in_text(o.summary, rf"^ *{re.escape(o.plan['objective']['name'].replace('_', ' '))} +NUMBER"),
        lambda o: o.page.fact(o.plan["objective"]["name"].replace("_", " ")),
        lambda o: o.total("Risk", "Certificate", "objective"),
        ("objective.value", "headline", "head", "Risk: objective"),
    ),
    Total(
        "upper bound",
        "",
        lambda o: float(o.plan["certificate"]["upper_bound"]),
        lambda o: in_text(o.summary, r"No plan[^.]*?does better\s+than\s+NUMBER"),
        lambda o: shown(o.page.row("Bounds", "upper bound")[1]),
        lambda o: o.total("Risk", "Certificate", "upper bound"),
        ("certificate.upper_bound", "certificate", "Bounds", "Risk: upper bound"),
    ),
    Total(
        "capital raised",
        "bn",
        lambda o: float(o.plan["funding"]["total"]),
        lambda o: o.said(r"^ *capital raised +NUMBER"),
        lambda o: o.page.fact("capital raised"),
        lambda o: o.total("Summary", "Money over", "capital raised"),
        ("funding.total", "headline", "head", "Summary: capital raised"),
    ),
    Total(
        "raised, by holder",
        "bn",
        lambda o: math.fsum(float(row["face"]) for row in o.table("funding_by_holder")),
        None,
        lambda o: _added(o.page.column("Funding raised by holder", "face")),
        lambda o: o.total("Holders", "By holder", "funding"),
        ("funding_by_holder", "", "Who provides the money", "Holders: funding"),
    ),
    Total(
        "capital spent",
        "bn",
        _spent,
        lambda o: o.said(r"^ *capital spent +NUMBER"),
        lambda o: o.page.fact("capital spent"),
        lambda o: o.total("Summary", "Money over", "spent on systems and sites"),
        ("cash_flow: hardware, sites", "headline", "head", "Summary: spent on systems and sites"),
    ),
    Total(
        "closing cash",
        "bn",
        lambda o: o.over_time("cash_flow", "closing cash")[-1],
        lambda o: o.said(r"^ *closing cash +NUMBER"),
        lambda o: o.page.fact("closing cash"),
        lambda o: o.total("Summary", "Money over", "closing cash"),
        ("cash_flow: closing cash", "headline", "head", "Summary: closing cash"),
    ),
    Total(
        "closing cash, of the books",
        "bn",
        lambda o: o.over_time("balance_sheet", "cash")[-1],
        None,
        _end(BALANCE, "cash"),
        lambda o: o.last("Balance", "Books: assets", "cash"),
        ("balance_sheet: cash", "", "Statements", "Balance: cash"),
    ),
    Total(
        "sources of money, which are its uses",
        "bn",
        _sources,
        lambda o: o.said(r"^ *opening cash +(?:.*\n)+? *total +NUMBER"),
        lambda o: shown(o.page.row("Sources and uses", "sources", "total")[2]),
        lambda o: o.total("Sources_Uses", "Sources", "sources"),
        ("cash_flow: opening cash and what comes in", "Sources and uses", "Sources and uses", "Sources_Uses: sources"),
    ),
    Total(
        "lowest cash at a period's end",
        "bn",
        lambda o: min(o.over_time("cash_flow", "closing cash")),
        lambda o: o.said(r"\blowest +NUMBER in "),
        lambda o: o.page.fact("closing cash", 1, r"lowest NUMBER in "),
        lambda o: o.total("Summary", "Money over", "least cash at a period's end"),
        ("cash_flow: closing cash", "headline", "head", "Summary: least cash at a period's end"),
    ),
)

BOOKS = (
    Total(
        "revenue",
        "bn",
        lambda o: math.fsum(float(row["revenue"]) for row in o.table("coverage")),
        None,
        _page_revenue,
        lambda o: o.total("Income", "Income statement", *REVENUE),
        ("coverage: revenue", "", "income statement", "Income: revenue lines"),
    ),
    Total(
        "EBITDA",
        "bn",
        _sum("income_statement", "EBITDA"),
        None,
        _row(INCOME, "EBITDA"),
        lambda o: o.total("Summary", "Money over", "EBITDA"),
        ("income_statement: EBITDA", "", "income statement", "Summary: EBITDA"),
    ),
    Total(
        "interest paid",
        "bn",
        lambda o: -_sum("cash_flow", "interest")(o),
        None,
        lambda o: _negative(_row(FLOWS, "interest")(o)),
        lambda o: o.total("Sources_Uses", "Uses", "interest"),
        ("cash_flow: interest", "", "Expected cash flow", "Sources_Uses: interest"),
    ),
    Total(
        "repayment",
        "bn",
        lambda o: math.fsum(float(row["repayment"]) for row in o.table("coverage")),
        None,
        lambda o: _negative(_row(FLOWS, "repayment")(o)),
        lambda o: o.total("Sources_Uses", "Uses", "repayment"),
        ("coverage: repayment", "", "Expected cash flow", "Sources_Uses: repayment"),
    ),
    Total(
        "net income",
        "bn",
        _sum("income_statement", "net income"),
        None,
        _row(INCOME, "net income"),
        lambda o: o.total("Income", "Income statement", "net income"),
        ("income_statement: net income", "", "income statement", "Income: net income"),
    ),
    Total(
        "debt outstanding at the end",
        "bn",
        lambda o: math.fsum(float(row["closing balance"] or 0.0) for row in o.table("debt") if "debt" in row["claim"]),
        None,
        _end(BALANCE, "debt"),
        lambda o: o.total("Summary", "Money over", "debt at the end"),
        ("debt: closing balance", "", "balance sheet", "Summary: debt at the end"),
    ),
    Total(
        "debt outstanding at the end, by instrument",
        "bn",
        lambda o: float(o.table("coverage")[-1]["closing debt"]),
        None,
        lambda o: _added(o.page.column("Outstanding balance", o.plan["case"]["periods"][-1])),
        lambda o: o.last("Balance", "Books: liabilities", "debt"),
        ("coverage: closing debt", "", "Debt outstanding", "Balance: debt"),
    ),
    Total(
        "closing equity",
        "bn",
        lambda o: o.over_time("balance_sheet", "closing equity")[-1],
        None,
        _end(EQUITY, "closing equity"),
        lambda o: o.last("Balance", "Books: equity", "closing equity"),
        ("balance_sheet: closing equity", "", "changes in equity", "Balance: closing equity"),
    ),
    Total(
        "compute in service at the end",
        "PFLOP/s",
        lambda o: o.over_time("compute", "compute in service")[-1],
        None,
        lambda o: _added(row[-1] for row in o.page.table("Compute in service by system")[1:]),
        lambda o: o.last("Summary", "By period", "compute in service"),
        ("compute: compute in service", "", "Compute in service by system", "Summary: compute in service"),
    ),
)


def _negative(found: Shown) -> Shown:
    return Shown(-found.value, found.half)


def _limit(number: int, name: str, unit: str) -> Iterator[Total]:
    """The CVaR of a risk limit on the scenarios planned on, and on others."""
    words = name.replace("_", " ")
    line = rf"^ *{re.escape(name)}, CVaR \S+ +{{}}"
    heading = f"Risk limit {name}: "

    def page(column: int) -> Callable[[Outputs], Shown]:
        def find(outputs: Outputs) -> Shown:
            for row in outputs.page.table("Risk limits"):
                if row[0].startswith(f"{words}, "):
                    return shown(row[column])
            raise LookupError(f"the page has no risk limit {words!r}")

        return find

    plain = r"\S+ +NUMBER"
    yield Total(
        f"CVaR of {words}",
        unit,
        lambda o: float(o.plan["risk"][number]["value"]),
        lambda o: o.said(line.format(plain), unit),
        page(2),
        lambda o: o.total("Risk", heading, "CVaR"),
        (f"risk[{number}].value", "Risk", "Risk limits", "Risk: CVaR"),
    )
    yield Total(
        f"CVaR of {words}, out of sample",
        unit,
        lambda o: float(o.plan["risk"][number]["out_of_sample"]["value"]),
        lambda o: o.said(line.format(r"\S+ +\S+ +NUMBER"), unit),
        page(3),
        lambda o: o.total("Risk", heading, "CVaR out of sample"),
        (f"risk[{number}].out_of_sample.value", "Risk", "Risk limits", "Risk: CVaR out of sample"),
    )
