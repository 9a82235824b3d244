"""The summary: within the width, readable without colour, safe whatever a name holds, and honest."""

from __future__ import annotations

import dataclasses
import math
import re
from functools import partial
from pathlib import Path

import pytest
from capmix.models.schema.case import Heading
from capmix.models.schema.rules import Objective
from capmix.optimizer.cutting_planes.solution import Status
from capmix.optimizer.plan import Interval
from capmix.reports.glyphs import ASCII
from capmix.reports.summary.terminal import render
from rich.cells import cell_len

from .plans import infeasible_plan, make_case, make_plan, make_tables

render_full = partial(render, full=True)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [20, 80, 97, 120, 300])
@pytest.mark.parametrize("periods", [2, 8, 20, 60])
def test_lines_fit(width, periods):
    rows = render_full(make_plan(make_case(periods)), width, Path("/runs/x")).splitlines()
    assert max(map(cell_len, rows)) <= max(80, min(120, width))


def test_says_what_matters():
    text = squeezed(render_full(make_plan(), 100, Path("/runs/hand-1")))
    for words in (
        "CERTIFIED",
        "compute delivered 1,234,567 PFLOP/s-years gap 3.4e-06",
        "capital raised 10.00 bn 30.0% circular",
        "capital spent 10.00 bn hardware 8.00, sites 2.00",
        "Investment-grade bond, 7 years 7.00 70.0%",
        "NVIDIA as a lender * 3.00 30.0%",
        "liquidity, CVaR 95% 2.000 2.000 2.013 ± 0.0620 2.1% bn",
        "within the sampling error",
        "+4,321 1 bn/period more depth of an instrument: Investment-grade bond, 7 years",
        "leverage 2028Q3 2.70 3.00 0.300",
        "leverage 6.2% 2028Q3 -0.750 0.250 321",
        "campus 1.00 8.00 2.00 1.50 2.00 · 2 periods",
        "No plan does better than 1,234,571.5 PFLOP/s-years on these 100,000 scenarios; this one reaches 1,234,567.2",
        "Out of sample: liquidity 2.013 against 2.000 billion.",
        "The contract cloud_deal is signed in full.",
        "run folder: /runs/hand-1",
    ):
        assert words in text


def test_schedule_shows_each_period():
    text = render_full(make_plan(), 120)
    row = next(row for row in text.splitlines() if "GB300 NVL72" in row)
    assert row.split()[2:] == ["240", "240", "240", "1.2k", "240", "240", "·", "·", "2.4k"]
    chain = next(row for row in text.splitlines() if row.strip().startswith("Texas campus  "))
    assert chain.split()[2:] == list("SSSPPP··")
    assert "S supply (3) · P power (3)" in text


def test_many_periods_become_years():
    text = render_full(make_plan(make_case(60)), 80)
    assert "2041" in text
    assert not re.search(r"(?<!20)27Q1", text)


def test_no_colour_by_default_and_same_words_with_it():
    plain, coloured = render_full(make_plan(), 80), render_full(make_plan(), 80, colour=True)
    assert "\x1b" not in plain
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [row.rstrip() for row in stripped.splitlines()] == plain.splitlines()


def test_ascii_output():
    assert render_full(make_plan(), 80, g=ASCII).isascii()


@pytest.mark.parametrize(
    "name",
    ["[bold red]x[/]", "[/nope]", "a\x1b[2Jb", "a\nb", "\u202egnp.exe", "=cmd()", ":smile:", "a\u0000b", "日本" * 30],
)
def test_names_cannot_steer_the_terminal(name):
    case = make_case()
    case = dataclasses.replace(
        case,
        case=Heading(name="hand", title=name),
        instrument=tuple(dataclasses.replace(i, title=name) for i in case.instrument),
        site=tuple(dataclasses.replace(s, title=name) for s in case.site),
    )
    text = render_full(make_plan(case, messages=(name,)), 80, Path("/runs") / name.replace("\0", ""))
    assert all(c == "\n" or c.isprintable() for c in text)
    assert max(map(cell_len, text.splitlines())) <= 80
    if name.isascii() and name.isprintable():
        assert f"Note: {name}" in text


def test_a_stopped_plan_says_so():
    plan = make_plan(status=Status.STOPPED)
    text = squeezed(render_full(plan, 80))
    assert "STOPPED, GAP NOT MET" in text
    assert "so a better plan may exist" in text
    assert "CERTIFIED" not in text


def test_no_plan_is_never_shown_as_one():
    text = squeezed(render_full(infeasible_plan(), 80))
    assert "NO FEASIBLE PLAN" in text
    assert "liquidity 2.000 2.310 billion" in text
    assert "0.400 billion minimum cash: 2027Q1" in text
    for words in ("CAPITAL STACK", "CERTIFICATE", "capital raised", "nan"):
        assert words not in text


def test_stopped_before_any_plan():
    plan = make_plan()
    empty = dataclasses.replace(
        plan,
        status=Status.STOPPED,
        objective_value=math.nan,
        decisions=dataclasses.replace(plan.decisions, rows=()),
        tables={},
    )
    text = squeezed(render_full(empty, 80))
    assert "STOPPED, NO PLAN YET" in text
    assert "stopped before it found a plan" in text
    assert "nan" not in text


def test_out_of_sample_above_the_interval_is_said():
    plan = make_plan()
    figure = dataclasses.replace(plan.risk[0], out_of_sample=Interval(2.5, 2.4, 2.6))
    text = squeezed(render_full(dataclasses.replace(plan, risk=(figure,)), 80))
    assert "liquidity: 0.50 bn above its limit out of sample, more than the sampling error" in text


def test_cost_is_said_as_cost():
    case = make_case(objective=Objective(kind="cost", at=7, target=1000.0))
    assert "No plan costs less than 1,234,567.2" in squeezed(render_full(make_plan(case), 120))


def test_a_plan_without_funding_limits_or_orders():
    case = make_case()
    kept = ("cash_flow", "compute", "debt_service", "liquidity_fan", "entity_figures", "entity_risk", "drivers")
    tables = {k: v if k in kept else dataclasses.replace(v, rows=()) for k, v in make_tables(case).items()}
    plan = make_plan(case, tables=tables, prices=(), risk=(), messages=())
    plan = dataclasses.replace(
        plan, funding=dataclasses.replace(plan.funding, by_instrument={}, by_holder={}, total=0.0)
    )
    text = squeezed(render_full(plan, 80))
    assert "nothing is raised" in text
    assert "no systems are ordered" in text
    assert "no limit binds" in text
    assert "sets no risk limit" in text
