"""report.xlsx: its formulas give what is written beside them, its checks hold, and fail where they must."""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import re
import shutil
import subprocess
import zipfile
from functools import cache

import pytest
from capmix.models.ledger import Account
from capmix.optimizer.analysis import names as n
from capmix.optimizer.analysis.treasury import names as t
from capmix.optimizer.plan import Infeasibility, Plan, RelaxedLimit, Status
from capmix.optimizer.table import Table
from capmix.reports.text import safe
from capmix.reports.workbook.book import MASTER_CHECK, TIMELINE
from capmix.reports.workbook.grid import FIRST, LABEL, PERIODS, TOP
from capmix.reports.workbook.looks import properties
from capmix.reports.workbook.registry import MADE, STANDING
from capmix.reports.workbook.terms import Term, letters
from capmix.reports.workbook.workbook import workbook, workbook_bytes, write_workbook

from ..stored import RUNS, stored
from .evaluator import Evaluator, differing
from .xlsx import File, forgotten, read

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
FREE = ("Cover", "Why")


@cache
def content(name: str) -> bytes:
    return workbook_bytes(stored(name))


@cache
def file(name: str) -> File:
    return read(content(name))


def master(plan: Plan) -> float:
    return workbook(plan).names[MASTER_CHECK][0].number


# --------------------------------------------------------------------------------------------------- the formulas
@pytest.mark.parametrize("name", RUNS)
def test_every_formula_gives_what_is_written_beside_it(name):
    found = file(name)
    assert len(found.formulas) > 1000
    assert differing(found, Evaluator(found).cell) == []


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed here")
def test_libreoffice_computes_the_same(name, tmp_path):
    source = tmp_path / "report.xlsx"
    source.write_bytes(forgotten(content(name)))
    command = [
        OFFICE, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
        "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out"), str(source),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    found = file(name)
    computed = read((tmp_path / "out" / "report.xlsx").read_bytes())
    assert {at: cell.formula for at, cell in computed.formulas.items()}.keys() == found.formulas.keys()
    assert differing(found, lambda sheet, at: computed.sheets[sheet][at].value) == []


def test_a_wrong_cached_value_is_seen():
    name = "starter"
    cash = {key: cell for key, cell in file(name).formulas.items() if key[0] == "Cash"}
    (sheet, at), cell = next((key, cell) for key, cell in cash.items() if isinstance(cell.value, float) and cell.value)
    wrong = dataclasses.replace(cell, value=cell.value * (1.0 + 1e-8))
    sheets = {**file(name).sheets, sheet: {**file(name).sheets[sheet], at: wrong}}
    found = differing(File(sheets, file(name).names), Evaluator(file(name)).cell)
    assert len(found) == 1
    assert found[0].startswith(f"{sheet}!{at}:")


@pytest.mark.parametrize("name", RUNS)
def test_numbers_are_entered_on_inputs_and_plan_alone(name):
    book = workbook(stored(name))
    entered = {
        (sheet.name, at)
        for sheet in book.sheets.values()
        for at, (value, _) in sheet.cells.items()
        if not isinstance(value, Term | str) and sheet.name not in ("Inputs", "Plan")
    }
    assert entered == set()


@pytest.mark.parametrize("name", RUNS)
def test_formulas_hold_no_constants_but_zero_and_one(name):
    for (sheet, at), cell in file(name).formulas.items():
        bare = re.sub(r'"[^"]*"|\$?[A-Z]{1,3}\$?\d+', "", cell.formula)
        assert set(re.findall(r"\d+\.?\d*", bare)) <= {"0", "1"}, (sheet, at, cell.formula)


@pytest.mark.parametrize("name", RUNS)
def test_a_row_has_one_formula_over_the_timeline(name):
    """In relative terms: the same formula may be filled from the first period to the last."""
    rows: dict[tuple[str, int], set[str]] = {}
    for (sheet, at), cell in file(name).formulas.items():
        column, row = re.fullmatch(r"([A-Z]+)(\d+)", at).groups()
        if sheet not in FREE and _number(column) >= FIRST:
            rows.setdefault((sheet, int(row)), set()).add(_relative(cell.formula, _number(column)))
    assert len(rows) > 100
    assert {key: found for key, found in rows.items() if len(found) > 1} == {}


def _number(column: str) -> int:
    return sum((ord(c) - 64) * 26**k for k, c in enumerate(reversed(column))) - 1


def _relative(formula: str, column: int) -> str:
    def moved(found: re.Match[str]) -> str:
        return found[0] if "$" in found[0] else f"[{_number(found[1]) - column}]{found[2]}"

    return re.sub(r"(?<![A-Za-z_])\$?([A-Z]{1,3})\$?(\d+)", moved, formula)


@pytest.mark.parametrize("name", RUNS)
def test_every_sheet_has_the_timeline_in_the_same_columns(name):
    labels = stored(name).case.horizon.labels
    first, last = letters(FIRST), letters(FIRST + len(labels) - 1)
    assert file(name).names[TIMELINE] == f"Inputs!${first}${PERIODS + 1}:${last}${PERIODS + 1}"
    for sheet, cells in file(name).sheets.items():
        if sheet not in FREE:
            shown = [cells[f"{letters(FIRST + t)}{PERIODS + 1}"].value for t in range(len(labels))]
            assert shown == list(labels), sheet


# ------------------------------------------------------------------------------------------------ agreement, checks
@pytest.mark.parametrize("name", RUNS)
def test_the_master_check_holds(name):
    found = file(name)
    sheet, _, at = found.names[MASTER_CHECK].replace("$", "").partition("!")
    assert Evaluator(found).cell(sheet, at) == 0.0
    assert any(cell.value == "all checks hold" for cell in found.sheets["Cover"].values())


SHEETS = {
    n.CASH_FLOW: "Cash", n.INCOME: "Tax", n.MARKET_BALANCE: "Balance", t.INCOME_STATEMENT: "Income",
    t.BOOK_CASH_FLOW: "Cash", t.BOOK_BALANCE: "Balance", t.CHANGES_IN_EQUITY: "Balance",
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_the_statements_are_those_of_the_plan(name):
    """Every row of the tables, sums among them, stands on its sheet with the plan's figures, computed from the text."""
    plan, found = stored(name), file(name)
    computed = Evaluator(found)
    for table, sheet in SHEETS.items():
        shown = _rows(found, sheet)
        for record in plan.tables[table].records():
            label = record.text(n.Line.LINE)
            values = [record.number(period) for period in plan.case.horizon.labels]
            rows = [
                [computed.cell(sheet, f"{letters(FIRST + i)}{row}") for i in range(len(values))] for row in shown[label]
            ]
            assert any(cells == pytest.approx(values, rel=1e-7, abs=1e-9) for cells in rows), (sheet, label)


def _rows(found: File, sheet: str) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for at, cell in found.sheets[sheet].items():
        column, row = re.fullmatch(r"([A-Z]+)(\d+)", at).groups()
        if column == letters(LABEL) and int(row) > TOP and isinstance(cell.value, str):
            rows.setdefault(cell.value, []).append(int(row))
    return rows


def changed(plan: Plan, table: str, key: str, period: int, by: float) -> Plan:
    """The plan with one figure of a table changed."""
    old = plan.tables[table]
    at = old.place(plan.case.horizon.labels[period])
    rows = tuple(
        tuple(c + by if i == at else c for i, c in enumerate(row)) if row[0] == key else row for row in old.rows
    )
    assert rows != old.rows
    return dataclasses.replace(plan, tables={**plan.tables, table: dataclasses.replace(old, rows=rows)})


BROKEN = [
    (n.CASH_FLOW, Account.HARDWARE.label), (n.CASH_FLOW, Account.INTEREST.label), (n.CASH_FLOW, n.CashRow.END),
    (n.CASH_FLOW, "operating cash flow"), (n.CASH_FLOW, n.CashRow.INTEREST), (n.INCOME, Account.POWER.label),
    (n.INCOME, n.IncomeRow.EBITDA), (n.INCOME, n.IncomeRow.TAXABLE), (n.INCOME, n.IncomeRow.CARRIED),
    (n.INCOME, Account.TAX.label), (n.DEBT_SERVICE, n.DebtRow.OF_DEBT), (n.DEBT_SERVICE, n.DebtRow.END),
    (n.DEBT_SERVICE, n.DebtRow.SERVICE), (n.MARKET_BALANCE, n.BalanceRow.SYSTEMS),
    (n.MARKET_BALANCE, n.BalanceRow.CASH), (n.MARKET_BALANCE, n.BalanceRow.BOTH), (n.MARKET_BALANCE, n.BalanceRow.OWN),
    (t.INCOME_STATEMENT, t.IncomeLine.DEPRECIATION_SYSTEMS), (t.INCOME_STATEMENT, t.IncomeLine.NET_INCOME),
    (t.INCOME_STATEMENT, t.IncomeLine.DEFERRED), (t.BOOK_CASH_FLOW, t.CashLine.DRAWN),
    (t.BOOK_CASH_FLOW, t.CashLine.DEPRECIATION), (t.BOOK_CASH_FLOW, t.CashLine.END),
    (t.BOOK_BALANCE, t.BookRow.SYSTEMS), (t.BOOK_BALANCE, t.BookRow.UNEARNED), (t.BOOK_BALANCE, t.BookRow.RETAINED),
    (t.BOOK_BALANCE, t.BookRow.DEFERRED), (t.RETURN_FLOWS, t.Measure.EQUITY), (t.CHANGES_IN_EQUITY, t.EquityLine.END),
]  # fmt: skip


@pytest.mark.parametrize(("table", "row"), BROKEN)
@pytest.mark.parametrize("period", [0, 7])
def test_a_figure_that_does_not_fit_makes_the_master_check_fail(table, row, period):
    plan = stored()
    assert master(changed(plan, table, row, period, 1e-5)) > 0.0


def long(plan: Plan, table: str, column: str, row: int, by: float) -> Plan:
    old = plan.tables[table]
    at = old.place(column)
    rows = tuple(
        tuple(c + by if j == at else c for j, c in enumerate(cells)) if i == row else cells
        for i, cells in enumerate(old.rows)
    )
    return dataclasses.replace(plan, tables={**plan.tables, table: dataclasses.replace(old, rows=rows)})


@pytest.mark.parametrize(
    ("table", "column", "by"),
    [
        (n.ISSUANCE, n.Issuance.FUNDED, 1e-4), (n.COVENANTS, n.Covenants.VALUE, 1e-3),
        (n.COVENANTS, n.Covenants.MONEY, -5.0), (n.LOSS_BY_HOLDER, n.Losses.TAIL, 0.3),
        (n.LOSS_BY_HOLDER, n.Losses.SHARE, 0.1), (t.DEBT_SCHEDULE, t.DebtSchedule.PROCEEDS, 1e-4),
        (t.DEBT_SCHEDULE, t.DebtSchedule.REPAID, 1e-4), (t.RETURNS, t.Returns.NPV, 1e-4),
        (t.RETURNS, t.Returns.IRR, 1e-3), (t.COVERAGE, t.Coverage.DSCR, 1e-3),
        (t.DEBT_SCHEDULE, t.DebtSchedule.CLOSING, 1e-4),
    ],
)  # fmt: skip
def test_so_does_one_of_a_list(table, column, by):
    row = 1 if table in (n.LOSS_BY_HOLDER, t.RETURNS) and column != n.Losses.SHARE else 2
    assert master(long(stored(), table, column, row, by)) > 0.0


def test_a_plan_that_breaks_its_proof_or_a_limit_fails():
    plan = stored()
    assert plan.certificate is not None
    above = dataclasses.replace(plan.risk[0], value=plan.risk[0].limit * 1.01)
    for wrong in (
        dataclasses.replace(plan, objective_value=plan.objective_value * 1.01),
        dataclasses.replace(plan, certificate=dataclasses.replace(plan.certificate, gap=0.1)),
        dataclasses.replace(plan, certificate=dataclasses.replace(plan.certificate, tolerance=1e-9)),
        dataclasses.replace(plan, risk=(above, *plan.risk[1:])),
        dataclasses.replace(plan, funding=dataclasses.replace(plan.funding, total=plan.funding.total + 0.01)),
    ):  # fmt: skip
        assert master(wrong) > 0.0


def test_cash_of_the_entities_must_be_the_groups():
    plan = stored("group")
    old = plan.tables["entity_cash"]
    rows = [list(row) for row in old.rows]
    rows[1][4] += 1e-4
    table = dataclasses.replace(old, rows=tuple(map(tuple, rows)))
    assert master(dataclasses.replace(plan, tables={**plan.tables, "entity_cash": table})) > 0.0
    assert {"cash of holding is capmix's", "cash of campus is capmix's", "cash of the entities is the group's"} <= {
        check.label.removeprefix("check: ") for check in workbook(plan).sheets["Cash"].checks
    }


# ------------------------------------------------------------------------------------------------- texts and files
EVIL = [
    "=1+1", "+SUM(A1)", "-2", "@now", '=HYPERLINK("http://x","y")', "\t=1", "{=1}", "http://x.example/", "mailto:a@b",
    "internal:'Cash'!A1", "_x0041_", "a\x00b\x1f", "\ud800", "<&>\"'", "&A &P", "1e5", "TRUE", "x" * 40_000, "#REF!",
    "]]>", "\u202eabc", "='Cash'!A1",
]  # fmt: skip


def titled(texts: list[str]) -> bytes:
    """The workbook of the starter plan with these texts for its titles, as many as there are, and its remarks."""
    plan, given = stored(), itertools.cycle(texts)
    case = plan.case
    heading = dataclasses.replace(case.case, title=next(given), description=next(given), currency=next(given)[:9])
    case = dataclasses.replace(
        case,
        case=heading,
        instrument=tuple(dataclasses.replace(i, title=next(given)) for i in case.instrument),
        investor=tuple(dataclasses.replace(i, title=next(given)) for i in case.investor),
        party=tuple(dataclasses.replace(i, title=next(given)) for i in case.party),
    )
    holders = plan.tables[n.LOSS_BY_HOLDER]
    at = holders.place(n.Losses.TITLE)
    rows = tuple(tuple(next(given) if i == at else c for i, c in enumerate(row)) for row in holders.rows)
    tables = {**plan.tables, n.LOSS_BY_HOLDER: dataclasses.replace(holders, rows=rows)}
    return workbook_bytes(dataclasses.replace(plan, case=case, tables=tables, messages=tuple(texts)))


def test_no_text_of_a_case_is_a_formula():
    plain = [f"plain {i}" for i in range(len(EVIL))]
    harmless = {at: cell.formula for at, cell in read(titled(plain)).formulas.items()}
    for shift in (0, 8, 16):
        written = titled(EVIL[shift:] + EVIL[:shift])
        found = read(written)
        assert {at: cell.formula for at, cell in found.formulas.items()} == harmless
        assert not _outward(written)
        shown = {_unescaped(cell.value) for cell in found.sheets["Cover"].values() if isinstance(cell.value, str)}
        assert {safe(text)[:32_000] for text in EVIL} <= shown
        assert differing(found, Evaluator(found).cell) == []


def _unescaped(text: str) -> str:
    """A text as a spreadsheet shows it: _x0041_ is how a file says A."""
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def _outward(found: bytes) -> list[str]:
    """Links that lead out of the workbook."""
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        return [name for name in archive.namelist() if b'TargetMode="External"' in archive.read(name)]


@pytest.mark.parametrize("name", RUNS)
def test_it_opens_elsewhere(name):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed here")
    book = openpyxl.load_workbook(io.BytesIO(content(name)))
    assert book.sheetnames == [s for s in STANDING if s != "Why"]
    assert len(book["Summary"]._charts) == 4
    assert all(len(sheet) <= 31 for sheet in book.sheetnames)
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert not sheet.merged_cells.ranges
        if sheet.title not in FREE:
            assert sheet.freeze_panes == f"{letters(FIRST)}{TOP + 1}"


def test_charts_refer_to_cells_that_are_there():
    found = file("starter")
    with zipfile.ZipFile(io.BytesIO(content("starter"))) as archive:
        charts = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 4
    for chart in charts:
        places = re.findall(r"<c:f>([^<]+)</c:f>", chart)
        assert places
        for place in places:
            sheet, _, area = place.replace("$", "").partition("!")
            for at in area.split(":"):
                assert at in found.sheets[sheet], place


def test_formulas_and_arguments_fit_a_spreadsheet():
    for name in RUNS:
        assert max(len(cell.formula) for cell in file(name).formulas.values()) < 8192


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    from datetime import UTC, datetime

    made = datetime(2026, 12, 1, tzinfo=UTC)
    path = tmp_path / "report.xlsx"
    write_workbook(stored(), path, made)
    assert path.read_bytes() == workbook_bytes(stored(), made)


def test_entered_figures_are_blue_and_formulas_are_not():
    book = workbook(stored())
    for sheet in book.sheets.values():
        for value, look in sheet.cells.values():
            if look.kind in ("money", "number", "share", "count", "rate"):
                assert ("font_color" in properties(look, "0")) == (not isinstance(value, Term))


# ---------------------------------------------------------------------------------------------------- other plans
def unplanned(status: Status, reason: Infeasibility | None) -> Plan:
    return dataclasses.replace(
        stored(), status=status, objective_value=math.nan, certificate=None, risk=(), tables={}, prices=(),
        decisions=Table(n.DECISIONS, "Decisions", (), ()), infeasibility=reason,
    )  # fmt: skip


def test_without_a_plan_there_are_inputs_and_the_reason():
    reason = Infeasibility(
        "no plan keeps every limit", (("net_loss", 0.6, 0.9, "billion"), ("liquidity", 0.1, math.inf, "billion")),
        (RelaxedLimit("power", "power in service", "prairie, 2028Q1", 3.5, "MW"),), True,
    )  # fmt: skip
    for status, why, words in (
        (Status.INFEASIBLE, reason, "no plan keeps every limit"),
        (Status.STOPPED, None, "the search was stopped"),
    ):
        found = read(workbook_bytes(unplanned(status, why)))
        assert list(found.sheets) == ["Cover", "Why", "Inputs"]
        assert differing(found, Evaluator(found).cell) == []
        assert any(str(cell.value).startswith(words) for cell in found.sheets["Why"].values())
        assert any(cell.value == status.value for cell in found.sheets["Cover"].values())
    shown = read(workbook_bytes(unplanned(Status.INFEASIBLE, reason))).sheets["Why"]
    assert any(cell.value == 3.5 for cell in shown.values())


def test_a_renamed_row_is_an_error():
    plan = stored()
    old = plan.tables[n.CASH_FLOW]
    rows = tuple(("cash at the close", *row[1:]) if row[0] == n.CashRow.END else row for row in old.rows)
    with pytest.raises(KeyError):
        workbook(dataclasses.replace(plan, tables={**plan.tables, n.CASH_FLOW: dataclasses.replace(old, rows=rows)}))


def test_every_sheet_of_the_registry_is_shown():
    assert {name for name, _ in MADE} | {"Cover", "Why"} == set(STANDING)
