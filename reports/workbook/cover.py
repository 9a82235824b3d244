"""The sheet Cover: what the plan is, whether it is proven, whether the workbook holds together, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from ..summary.certificate import certificate_sentence
from ..summary.views import has_plan
from ..text import safe
from .book import MASTER_CHECK, MONEY_TOLERANCE, TOLERANCE, Book
from .grid import LABEL, UNIT, Look, Sheet
from .terms import ZERO, equal, where, words

NAME = "Cover"
PURPOSE = "What this workbook is"
HOLDS, FAILS = "all checks hold", "a check fails: see the sheet Checks"
LEGEND = (
    ("Blue figures on white are entered: on Inputs from the case, on Plan from capmix. Black ones are formulas.", ""),
    ("Signs: + an inflow is positive; − an outflow is shown negative; ± either; = a balance at the period's end.", ""),
    (
        "Column D is the total over the horizon, or a single figure; column E is what stands before the first period.",
        "",
    ),
    ("A period stands in the same column on every sheet. All amounts are expected ones, as planned today.", ""),
)


def build(book: Book, contents: Sequence[tuple[str, str]]) -> None:
    """Write the sheet; contents: name and purpose of the sheets that follow it, in their order."""
    sheet, plan = book.sheet(NAME, PURPOSE), book.plan
    sheet.heading("Plan")
    heading = plan.case.case
    _text(sheet, "case", heading.name)
    _text(sheet, "title", heading.title)
    _text(sheet, "description", heading.description)
    _text(sheet, "horizon", f"{book.labels[0]} to {book.labels[-1]}, {len(book.labels)} {plan.case.horizon.step}s")
    _text(sheet, "unit of money", f"{book.money}: billions of {safe(heading.currency)}")
    _text(sheet, "status", plan.status.value)
    _text(sheet, "scenarios", f"{plan.scenarios.count:,}, seed {plan.scenarios.seed}")
    _text(sheet, "capmix", plan.versions.get("capmix", ""))
    if has_plan(plan):
        _certificate(book, sheet)
        sheet.heading("Master check")
        check = book.defined(MASTER_CHECK)
        sheet.constant("failures", "", check, "flag")
        sheet.constant("they compare to within", book.money, book.defined(MONEY_TOLERANCE), "tolerance")
        sheet.constant("other figures, of the larger or of 1", "", book.defined(TOLERANCE), "tolerance")
        sheet.constant("", "", where(equal(check, ZERO), words(HOLDS), words(FAILS)), "verdict")
    if plan.messages:
        sheet.heading("Remarks")
        for message in plan.messages:
            sheet.note(safe(message))
    sheet.heading("Sheets")
    for name, purpose in contents:
        sheet.links[sheet.next, LABEL] = name
        _text(sheet, name, purpose)
    sheet.heading("How to read it")
    for line, _ in LEGEND:
        sheet.note(line)


def _certificate(book: Book, sheet: Sheet) -> None:
    sheet.heading("Certificate")
    sheet.note(certificate_sentence(book.plan))


def _text(sheet: Sheet, label: str, text: str) -> None:
    if text:
        sheet.put(sheet.next, LABEL, label, Look("label"))
        sheet.put(sheet.next, UNIT, safe(text), Look("line"))
        sheet.next += 1
