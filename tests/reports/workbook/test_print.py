"""How report.xlsx prints: paper, footer, and figures without digits that nobody reads."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile

from capmix.optimizer.plan import Plan
from capmix.reports.workbook.grid import FIRST, UNIT
from capmix.reports.workbook.workbook import workbook, workbook_bytes

from ..stored import stored

A3, A4 = "8", "9"


def sheets(plan: Plan) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(workbook_bytes(plan))) as book:
        names = re.findall(r'<sheet name="(\w+)"', book.read("xl/workbook.xml").decode())
        return {name: book.read(f"xl/worksheets/sheet{i}.xml").decode() for i, name in enumerate(names, 1)}


def paper(sheet: str) -> str:
    found = re.search(r'<pageSetup paperSize="(\d+)" [^>]*orientation="landscape"', sheet)
    assert found
    return found[1]


def test_a_long_timeline_takes_a_larger_sheet() -> None:
    plan = stored()
    many = plan.case.horizon.periods
    found = {name: paper(sheet) for name, sheet in sheets(plan).items()}
    assert found.pop("Cover") == A4
    assert set(found.values()) == {A3 if many > 12 else A4}


def test_the_footer_names_the_case_and_its_status_as_text() -> None:
    plan = stored()
    titled = dataclasses.replace(plan.case.case, title="A&D towers")
    named = dataclasses.replace(plan, case=dataclasses.replace(plan.case, case=titled))
    for sheet in sheets(named).values():
        assert "&amp;CA&amp;&amp;D towers, certified&amp;R" in sheet


def test_axes_of_large_figures_are_grouped() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook_bytes(stored()))) as book:
        charts = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/charts/chart")]
    formats = [set(re.findall(r'<c:numFmt formatCode="([^"]+)"', chart)) for chart in charts]
    compute = next(i for i, chart in enumerate(charts) if "Compute in service" in chart)
    assert "#,##0" in formats[compute]


def test_a_long_label_has_the_lines_that_it_takes() -> None:
    found = sheets(stored("adaptive"))["Risk"]
    heights = [float(high) for high in re.findall(r'<row r="\d+"[^>]* ht="([\d.]+)"', found)][1:]
    assert heights
    assert all(min(abs(high - 14.0 * many) for many in (2, 3, 4)) < 1.0 for high in heights)  # whole pixels


def test_covenants_are_shown_in_their_units() -> None:
    book = workbook(stored("starter"))
    kinds = {
        (cell.kind, str(content) if isinstance(content, str) else "")
        for (_, column), (content, cell) in book.sheets["Covenants"].cells.items()
        if column == UNIT
    }
    assert kinds == {("unit", "USD bn")}  # a maturity wall is money
    looks = {look.kind for (_, column), (_, look) in book.sheets["Covenants"].cells.items() if column >= FIRST}
    assert looks == {"money", "flag"}
