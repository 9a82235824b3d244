"""Entities in a whole run: lock-up, statements per entity, cash at risk of one entity."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.schema.case import Case
from capmix.models.schema.entities import Entity
from capmix.models.schema.rules import Risk
from capmix.optimizer.plan import Table

from .cases import starter


def records(table: Table) -> list[dict[str, object]]:
    return [{c.name: v for c, v in zip(table.columns, row, strict=True)} for row in table.rows]


def split(**changes: object) -> Case:
    """The starter case in an SPV that must keep a cover and a reserve, under a parent that pays dividends."""
    case = starter()
    flat = (0.0,) * case.horizon.periods
    own = {
        "opening_cash": 0.88, "minimum_cash": (0.01,) * case.horizon.periods, "reserve": (0.05,) * case.horizon.periods,
        "lock_up": 1.3, **changes,
    }  # fmt: skip
    return replace(
        case,
        entity=(
            Entity(id="holding", kind="parent", minimum_cash=flat, reserve=flat),
            Entity(id="campus", kind="spv", **own),  # type: ignore[arg-type]
        ),
        cash=replace(case.cash, dividends=(0.0,) * 4 + (0.01,) * (case.horizon.periods - 4)),
        site=tuple(replace(s, entity="campus") for s in case.site),
        contract=tuple(replace(c, entity="campus") for c in case.contract),
        instrument=tuple(replace(i, issuer="campus") for i in case.instrument),
        opening=replace(case.opening, debt=tuple(replace(d, entity="campus") for d in case.opening.debt)),
        risk=(
            *case.risk,
            Risk(id="campus_cash", loss="liquidity", entity="campus", level=0.9, limit=0.15),
        ),
    )


@cache
def planned() -> Plan:
    return optimize(split(), scenarios=2_000, seed=1, out_of_sample=False)


def test_a_plan_of_a_group_is_certified_and_its_statements_add_up() -> None:
    plan = planned()
    assert plan.status is Status.CERTIFIED
    assert next(r for r in plan.risk if r.name == "campus_cash").value <= 0.15 * (1 + 1e-6)
    labels = plan.case.horizon.labels
    lines = {
        (r["entity"], r["line"]): np.array([r[x] for x in labels], dtype=float)
        for r in records(plan.tables["entity_cash"])
    }
    group_lines = {r["line"]: np.array([r[x] for x in labels], dtype=float) for r in records(plan.tables["cash_flow"])}
    for line in (
        "operating cash flow",
        "investing cash flow",
        "financing cash flow",
        "cash at the end",
        "interest on cash",
    ):
        assert lines["holding", line] + lines["campus", line] == pytest.approx(group_lines[line], abs=1e-8)
    within = ("received from another entity of the group", "paid to another entity of the group")
    assert lines["holding", within[0]] == pytest.approx(-lines["campus", within[1]], abs=1e-9)
    assert not any(line in group_lines for line in within)
    assert lines["campus", "cash at the end"].min() >= 0.01 - 1e-9


def test_distributions_fall_only_where_the_tests_are_met() -> None:
    plan = planned()
    paid = 0.0
    for r in records(plan.tables["entity_figures"]):
        if r["entity"] == "campus" and float(str(r["distribution"])) > 1e-8:
            assert r["may distribute"] == "yes"
            assert float(str(r["cash"])) >= 0.05 - 1e-8
            assert r["debt service cover"] is None or float(str(r["debt service cover"])) >= 1.3 - 1e-6
            paid += float(str(r["distribution"]))
    assert paid > 0.0
    assert any("campus distributes nothing" in m for m in plan.messages) == any(
        r["may distribute"] == "no" for r in records(plan.tables["entity_figures"])
    )


def test_a_ring_fence_never_raises_compute() -> None:
    case = replace(starter(), cash=split().cash)
    loose = optimize(case, scenarios=2_000, seed=1, out_of_sample=False)
    assert planned().objective_value <= loose.objective_value * (1 + 1e-5)


def test_who_owns_whom_is_told() -> None:
    rows = {(r["owner"], r["owned"]) for r in records(planned().tables["ownership"])}
    assert ("holding", "campus") in rows
