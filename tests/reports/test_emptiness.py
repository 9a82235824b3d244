"""Real plans of sparse cases are drawn and written; a plan with holes torn into it is drawn, or refused in words."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import capmix
import pytest
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Funding, Plan, UnknownName
from capmix.reports.files.manifest import Run, contents
from capmix.reports.files.schema import schema
from capmix.reports.glyphs import ASCII
from capmix.reports.results.comparisons import comparison_document
from capmix.reports.results.frontiers import frontier_document
from capmix.reports.results.plans import PlanKind
from capmix.reports.summary.frontier_view import render_frontier
from capmix.reports.summary.registry import SECTIONS
from capmix.reports.summary.side_by_side import render_comparison
from capmix.reports.summary.terminal import render
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from .schema_check import faults
from .sparse import SPARSE, planned, starter, without_instruments


def checked(plan: Plan) -> str:
    """The summary, proven to fit, and all files, proven to be what the document says."""
    for width in (80, 120):
        text = render(plan, width, Path("runs"))
        assert max(map(cell_len, text.splitlines())) <= width
    assert render(plan, 80, g=ASCII).isascii()
    assert PlanKind().gist(plan)
    run = Run(["capmix"], {"a.toml": b""}, datetime(2026, 11, 30, tzinfo=UTC))
    files = contents(plan, run, text)
    written = json.loads(files["plan.json"])
    assert list(faults(written, schema())) == []
    assert {t["file"] for t in written["tables"]} <= set(files)
    return text


@pytest.mark.parametrize("name", SPARSE)
def test_a_plan_of_a_sparse_case_is_shown_and_written(name):
    plan = planned(name)
    assert (plan.status is Status.INFEASIBLE) == name.startswith("infeasible")
    text = checked(plan)
    assert "nan" not in text.lower().split()


def test_prepayments_alone_are_shown_though_no_instrument_is():
    plan = planned("prepayments alone")
    assert set(plan.funding.by_instrument) == {"customer_prepayments"}
    assert "customer prepayments" in checked(plan)


def hole(plan: Plan, table: str, how: str) -> Plan:
    """The plan with a table that is missing, empty, at zero, or without figures."""
    found = plan.tables[table]
    if how == "missing":
        return dataclasses.replace(plan, tables={k: v for k, v in plan.tables.items() if k != table})
    numbers = {i for i, c in enumerate(found.columns) if c.form != "text"}
    number = 0.0 if how == "zero" else None
    rows = tuple(tuple(number if i in numbers else cell for i, cell in enumerate(row)) for row in found.rows)
    return dataclasses.replace(
        plan, tables={**plan.tables, table: dataclasses.replace(found, rows=() if how == "empty" else rows)}
    )


BASES = ("whole", "entities", "prepayments alone", "two periods")
HOWS = ("missing", "empty", "zero", "undefined")


@pytest.mark.parametrize(
    ("name", "how"), [*(("whole", how) for how in HOWS), ("entities", "empty"), ("entities", "undefined")]
)
def test_a_table_with_a_hole_is_drawn_or_refused(name, how):
    """What a section reads is there or refused; where all is there, if only zeros, it is drawn."""
    plan = planned(name)
    read = {table for section in SECTIONS if section.applies(plan) for table in section.tables}
    for table in plan.tables:
        torn = drawn_or_refused(hole(plan, table, how), 100)
        assert (how == "missing" and table in read) <= (not torn), table
        assert (how == "zero" or table not in read) <= torn, table


def drawn_or_refused(plan: Plan, width: int) -> bool:
    """Whether the summary is drawn; else it says which name or number is not there."""
    try:
        return bool(render(plan, width)) and bool(render(plan, width, full=True))
    except UnknownName:
        return False
    except ValueError as error:
        if "where a number must stand" not in str(error):
            raise
        return False


@settings(max_examples=50)
@given(data=st.data())
def test_any_holes_together(data):
    plan = planned(data.draw(st.sampled_from(BASES)))
    for table in data.draw(st.sets(st.sampled_from(sorted(plan.tables)))):
        plan = hole(plan, table, data.draw(st.sampled_from(HOWS)))
    nothing: dict[str, Any] = {
        "risk": (),
        "prices": (),
        "loss_allocation": None,
        "certificate": None,
        "messages": (),
        "funding": Funding({}, {}, 0.0, 0.0),
        "status": Status.STOPPED,
        "objective_value": math.nan,
        "case": dataclasses.replace(plan.case, instrument=(), investor=(), contract=(), site=(), accelerator=()),
    }
    for field in data.draw(st.sets(st.sampled_from(sorted(nothing)))):
        plan = dataclasses.replace(plan, **{field: nothing[field]})
    zero = Funding(dict.fromkeys(plan.funding.by_instrument, 0.0), dict.fromkeys(plan.funding.by_holder, 0.0), 0.0, 0.0)
    if data.draw(st.booleans()):
        plan = dataclasses.replace(plan, funding=zero)
    drawn_or_refused(plan, data.draw(st.sampled_from((80, 100, 120))))


def test_a_comparison_of_sparse_variants():
    case = starter()
    found = capmix.compare(case, scenarios=200, device="cpu")
    empty = [
        dataclasses.replace(
            one,
            plan=dataclasses.replace(
                one.plan, risk=(), loss_allocation=None, certificate=None, funding=Funding({}, {}, 0.0, 0.0)
            ),
        )
        for one in found.outcomes.values()
    ]
    bare = dataclasses.replace(found, outcomes=dict(zip(found.outcomes, empty, strict=True)))
    lost = {
        name: dataclasses.replace(one, plan=planned("infeasible limit"), capacity=None)
        for name, one in found.outcomes.items()
    }
    for each in (
        found,
        bare,
        dataclasses.replace(found, outcomes=lost, reference=""),
        dataclasses.replace(found, tables={}),
    ):
        for width in (80, 120):
            assert render_comparison(each, width, Path("runs"))
        comparison_document(each)


def test_a_frontier_without_plans_or_funding():
    case = dataclasses.replace(without_instruments(), contract=())
    for chosen in (case, starter()):
        found = capmix.frontier(chosen, points=2, low=-40.0, high=3.0, scenarios=200, device="cpu")
        none = dataclasses.replace(found, points=tuple(p for p in found.points if not p.planned))
        empty = dataclasses.replace(found, points=(), minimum=None, free_from=None, messages=())
        for each in (found, none, empty, dataclasses.replace(found, tables={})):
            assert render_frontier(each, 80, Path("runs"))
            frontier_document(each)
