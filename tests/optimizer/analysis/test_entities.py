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
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.liquidity import liquidity, liquidity_of, worst_liquidity
from capmix.optimizer.setup.prepare import prepare

from ..cases import starter


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
        "closing cash",
        "interest on cash",
    ):
        assert lines["holding", line] + lines["campus", line] == pytest.approx(group_lines[line], abs=1e-8)
    within = ("received from another entity of the group", "paid to another entity of the group")
    assert lines["holding", within[0]] == pytest.approx(-lines["campus", within[1]], abs=1e-9)
    assert not any(line in group_lines for line in within)
    assert lines["campus", "closing cash"].min() >= 0.01 - 1e-9


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


def by_line(table: Table, labels: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {str(r["line"]): np.array([r[x] for x in labels], dtype=float) for r in records(table)}


def test_trapped_cash_is_told_beside_the_group_s() -> None:
    """Closed, all of the company's cash is trapped; open, its reserve, which is more than its minimum."""
    plan = planned()
    labels = plan.case.horizon.labels
    lines = by_line(plan.tables["group_cash"], labels)
    group = by_line(plan.tables["cash_flow"], labels)["closing cash"]
    own = [r for r in records(plan.tables["entity_figures"]) if r["entity"] == "campus"]
    cash, may = np.array([r["cash"] for r in own], dtype=float), [r["may distribute"] for r in own]
    trapped = np.where(np.array(may) == "no", cash, np.minimum(cash, 0.05))
    assert lines["cash of the group"] == pytest.approx(group, abs=1e-8)
    assert lines["trapped in campus"] == pytest.approx(trapped, abs=1e-9)
    assert lines["free cash: the parent's and what may be distributed"] == pytest.approx(group - trapped, abs=1e-8)
    assert lines["cash of the parent"] == pytest.approx(group - cash, abs=1e-8)


def test_the_liquidity_of_a_group_is_the_worst_of_its_companies() -> None:
    """In every scenario: the group's shortfall, the parent's and the campus's, each from its own running cash."""
    case = split()
    ready = prepare(case, choose("cpu"), 1_000, 5)
    x = np.random.default_rng(2).random(len(ready.ledger.decisions)) * 0.05
    names = [None, "holding", "campus"]
    losses = [liquidity(case, ready.ledger) if n is None else liquidity_of(case, ready.ledger, n, "own") for n in names]
    worst = worst_liquidity(case, ready.ledger, "liquidity")
    [together] = ready.backend.losses(ready.store, [worst.table], [worst.matrix @ x])
    each = ready.backend.losses(ready.store, [m.table for m in losses], [m.matrix @ x for m in losses])
    assert np.array_equal(np.asarray(together), np.max([np.asarray(e) for e in each], axis=0))
    assert (np.asarray(each[1]) != np.asarray(each[0])).any()
    alone = replace(starter(), entity=())
    assert worst_liquidity(alone, ready.ledger, "liquidity").table.others == ()


def test_default_is_told_by_company() -> None:
    plan = planned()
    rows = {r["entity"]: r for r in records(plan.tables["entity_risk"])}
    assert list(rows) == ["holding", "campus", "the group", "shareholders of holding"]
    assert plan.loss_allocation is not None
    assert rows["holding"]["default"] == pytest.approx(plan.loss_allocation.default_probability)
    for key in ("expected loss", "mean claim"):
        parts = float(rows["holding"][key]) + float(rows["campus"][key])  # type: ignore[arg-type]
        assert rows["the group"][key] == pytest.approx(parts)
    assert float(rows["the group"]["default"]) >= float(rows["campus"]["default"])  # type: ignore[arg-type]
    dates = [r for r in records(plan.tables["entity_default"]) if r["entity"] == "campus"]
    assert dates[-1]["cumulative"] == pytest.approx(rows["campus"]["default"])
    fan = [r for r in records(plan.tables["entity_liquidity"]) if r["entity"] == "campus"]
    assert len(fan) == plan.case.horizon.periods
    assert {r["entity"] for r in records(plan.tables["loss_by_claim"])} <= {"holding", "campus"}


def trapping(locked: float) -> Case:
    """`locked` of the group's cash in an SPV that never distributes; the parent plans as the starter case does."""
    case = starter()
    flat = (0.0,) * case.horizon.periods
    prairie = case.site[0]
    idle = replace(prairie, id="idle", layer=tuple(replace(x, opening_mw=0.0, max_mw=0.0) for x in prairie.layer))
    return replace(
        case,
        entity=(
            Entity(id="holding", kind="parent", minimum_cash=case.cash.minimum, reserve=flat),
            Entity(id="vault", kind="spv", opening_cash=locked, minimum_cash=flat, reserve=flat,
                   distribution_from=case.horizon.periods - 1),
        ),
        site=(*case.site, replace(idle, entity="vault")),
    )  # fmt: skip


@pytest.mark.parametrize("locked", [0.1, 0.3])
def test_money_locked_up_is_worth_no_more_than_money_that_is_not_there(locked: float) -> None:
    """Before its last period it pays nothing, meets no need of the parent and takes nothing off his risk."""
    case = starter()
    poorer = replace(case, cash=replace(case.cash, opening=case.cash.opening - locked))
    rich, caught, poor = (
        optimize(one, scenarios=1_000, seed=1, out_of_sample=False) for one in (case, trapping(locked), poorer)
    )
    assert {p.status for p in (rich, caught, poor)} == {Status.CERTIFIED}
    assert caught.objective_value <= rich.objective_value * (1 + 1e-5)
    assert caught.objective_value <= poor.objective_value * (1 + 2e-3)  # what it brings in the last period
    assert poor.objective_value < rich.objective_value * (1 - 1e-3)
