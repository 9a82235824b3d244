"""Charts: what is drawn is what the plan's tables say, and each is a valid specification."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from capmix.models.ledger import Account
from capmix.optimizer.analysis import names as n
from capmix.optimizer.plan import Plan
from capmix.optimizer.table import Table, UnknownName
from capmix.reports.charts import capital, series
from capmix.reports.charts.chart import drawings
from capmix.reports.charts.pictures import PictureError, pictures
from capmix.reports.charts.registry import CHARTS
from capmix.reports.charts.theme import MOST, OTHER
from capmix.reports.summary.sources_uses import OutOfBalance
from capmix.reports.summary.views import by_period

from .stored import RUNS, stored

HOSTILE = '</svg><script>alert("1")</script> & =1+1'


def values(spec: Any) -> Iterator[dict[str, Any]]:
    """The rows of data inside a specification."""
    if isinstance(spec, dict):
        for key, part in spec.items():
            if key == "datasets":
                for rows in part.values():
                    yield from rows
            elif key == "values" and isinstance(part, list) and part and isinstance(part[0], dict):
                yield from part
            else:
                yield from values(part)
    elif isinstance(spec, list):
        for part in spec:
            yield from values(part)


def rows_of(plan: Plan, name: str) -> list[dict[str, Any]]:
    chart = next(chart for chart in CHARTS if chart.name == name)
    drawing = chart.of(plan)
    assert drawing is not None
    return list(values(drawing.chart().to_dict()))


def test_names_are_unique_and_every_table_is_declared() -> None:
    from capmix.optimizer.analysis.declared import shape_of

    assert len({chart.name for chart in CHARTS}) == len(CHARTS)
    for chart in CHARTS:
        for table in chart.tables:
            shape_of(table)


@pytest.mark.parametrize("name", RUNS)
def test_every_chart_of_a_real_plan_is_drawn_with_a_sentence_and_its_numbers(name: str) -> None:
    shown = dict(drawings(CHARTS, stored(name)))
    assert len(shown) >= len(CHARTS) - 2
    for chart, drawing in shown.items():
        assert drawing.unit
        assert drawing.sentence.endswith("."), chart.name
        assert "nan" not in drawing.sentence
        assert drawing.numbers.rows, chart.name
    found = pictures([drawing.chart(chart.title) for chart, drawing in shown.items()])
    for chart, picture in zip(shown, found, strict=True):  # Altair has checked them against Vega-Lite's schema
        assert picture.startswith("<svg")
        assert "NaN" not in picture, chart.name
        assert "undefined" not in picture, chart.name


@pytest.mark.parametrize("name", RUNS)
def test_sources_are_uses(name: str) -> None:
    entries = capital.by_instrument(stored(name))
    total = {side: math.fsum(v for s, _, v in entries if s == side) for side in (capital.SOURCE, capital.USE)}
    assert total[capital.SOURCE] == pytest.approx(total[capital.USE], rel=1e-9)
    assert {what: v for _, what, v in entries}[n.CashRow.START] == stored(name).case.cash.opening


def test_sources_that_are_not_uses_are_refused() -> None:
    plan = stored()
    table = plan.tables[n.CASH_FLOW]
    at = table.place(plan.case.horizon.labels[0])
    spent = next(i for i, row in enumerate(table.rows) if row[0] == Account.HARDWARE.label)
    rows = list(table.rows)
    cells = list(rows[spent])
    cells[at] = float(str(cells[at])) - 0.5
    rows[spent] = tuple(cells)
    wrong = dataclasses.replace(plan, tables={**plan.tables, n.CASH_FLOW: dataclasses.replace(table, rows=tuple(rows))})
    with pytest.raises(OutOfBalance):
        capital.by_instrument(wrong)


def test_what_is_raised_adds_up_to_the_cash_flow() -> None:
    plan = stored()
    by_time: dict[str, float] = defaultdict(float)
    for row in rows_of(plan, "raised"):
        by_time[row["period"]] += row["amount"]
    assert math.fsum(by_time.values()) == pytest.approx(plan.funding.total, rel=1e-9)


def test_compute_by_system_and_by_site_add_up_to_compute_in_service() -> None:
    plan = stored()
    served = by_period(plan, n.COMPUTE, n.ComputeRow.SERVED)
    for name in ("compute_by_system", "compute_by_site"):
        rows = rows_of(plan, name)
        factor = 1.0 if max(served) < 1e5 else 1e3
        for label, value in zip(plan.case.horizon.labels, served, strict=True):
            assert factor * math.fsum(r["amount"] for r in rows if r["period"] == label) == pytest.approx(value)


def test_the_fan_is_that_of_the_table() -> None:
    plan = stored()
    table = plan.tables[n.LIQUIDITY_FAN]
    for row, drawn_row in zip(table.records(), rows_of(plan, "cash_fan"), strict=True):
        assert drawn_row["period"] == row["period"]
        assert (drawn_row["q05"], drawn_row["q50"], drawn_row["q95"]) == (
            row[n.LiquidityFan.Q05],
            row[n.LiquidityFan.Q50],
            row[n.LiquidityFan.Q95],
        )


def test_a_chart_sees_the_tables_that_it_names_alone() -> None:
    plan = stored()
    without = dataclasses.replace(plan, tables={k: v for k, v in plan.tables.items() if k != n.LIQUIDITY_FAN})
    with pytest.raises(UnknownName):
        dict(drawings(CHARTS, without))


def test_the_largest_series_are_kept_and_the_rest_is_summed() -> None:
    many = {f"s{i}": [float(i), 1.0] for i in range(2 * MOST)}
    few = series.largest(many)
    assert len(few) == MOST
    assert OTHER in few
    for t in range(2):
        assert math.fsum(v[t] for v in few.values()) == math.fsum(v[t] for v in many.values())
    assert series.largest({"a": [1.0]}) == {"a": [1.0]}


def test_a_title_from_a_case_is_text() -> None:
    plan = stored()
    table = plan.tables[n.FUNDING_BY_HOLDER]
    at = table.place(n.FundingByHolder.TITLE)
    rows = tuple((*row[:at], HOSTILE, *row[at + 1 :]) for row in table.rows)
    named = dataclasses.replace(
        plan, tables={**plan.tables, n.FUNDING_BY_HOLDER: Table(table.name, table.title, table.columns, rows)}
    )
    drawing = capital.HOLDERS.of(named)
    assert drawing is not None
    assert "<script" not in pictures([drawing.chart()])[0]


def test_a_machine_that_cannot_draw_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = next(drawing for _, drawing in drawings(CHARTS, stored()))
    assert pictures([]) == []
    for program, words in ((shutil.which("false") or "/no/such/program", "cannot"), ("/no/such/program", "cannot")):
        monkeypatch.setattr("sys.executable", program)
        with pytest.raises(PictureError, match=words):
            pictures([drawing.chart()])
