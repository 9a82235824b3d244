"""Shadow prices against plans of changed cases, and the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from capmix import Plan, Status, optimize
from capmix.models.program import split
from capmix.models.schema.case import Case

from ..cases import every_loss, starter, with_risk

COUNT = 2_000


def poor(opening: float = 0.35) -> Case:
    """The starter with little cash of its own, so that depth has a price."""
    case = replace(starter(), cash=replace(starter().cash, opening=opening))
    return with_risk(with_risk(case, "liquidity", limit=0.5), "net_loss", limit=0.9)


def planned(case: Case) -> Plan:
    plan = optimize(case, scenarios=COUNT, gap=1e-9, out_of_sample=False)
    assert plan.status is Status.CERTIFIED
    return plan


def bracket(change: Callable[[float], Case], step: float, price: float) -> None:
    """The objective is concave in a limit: its price lies between the slopes to either side."""
    less, base, more = (planned(change(d)).objective_value for d in (-step, 0.0, step))
    slack = 1e-6 * abs(price) + 4e-9 * base / step
    assert (more - base) / step - slack <= price <= (base - less) / step + slack


def test_price_of_a_depth_step() -> None:
    base = poor()
    plan = planned(base)
    price = next(p for p in plan.prices if p.rule == "depth" and p.price > 0.0)
    instrument, investor, step = (part.strip() for part in price.index.split(",")[:3])

    def change(amount: float) -> Case:
        def sized(i: object) -> object:
            if i.id != instrument:  # type: ignore[attr-defined]
                return i
            depths = []
            for depth in i.depth:  # type: ignore[attr-defined]
                steps = list(depth.steps)
                if depth.investor == investor:
                    old = steps[int(step) - 1]
                    steps[int(step) - 1] = replace(old, size=old.size + amount)
                depths.append(replace(depth, steps=tuple(steps)))
            return replace(i, depth=tuple(depths))  # type: ignore[type-var]

        return replace(base, instrument=tuple(sized(i) for i in base.instrument))  # type: ignore[misc]

    assert price.unit.startswith("billion")
    assert price.per == 1.0
    bracket(change, 1e-3, price.price)


@pytest.mark.parametrize("name", ["liquidity", "net_loss", "late"])
def test_price_of_a_risk_limit(name: str) -> None:
    plan = planned(every_loss())
    figure = next(r for r in plan.risk if r.name == name)
    assert figure.price > 0.0
    shown = next(p for p in plan.prices if p.rule == "risk" and name in p.title)
    assert shown.price == pytest.approx(figure.price * shown.per)
    bracket(lambda d: with_risk(every_loss(), name, limit=figure.limit + d), 1e-3 * figure.limit, figure.price)


def test_price_of_supply_over_all_its_periods() -> None:
    plan = planned(starter())
    price = next(p for p in plan.prices if p.rule == "supply" and p.index.startswith("gb300"))

    def change(systems: float) -> Case:
        return replace(
            starter(),
            accelerator=tuple(
                replace(a, supply=tuple(s + systems for s in a.supply)) if a.id == "gb300" else a
                for a in starter().accelerator
            ),
        )

    bracket(change, 0.05, price.price / price.per)


def test_prices_are_few_and_the_most_important_come_first() -> None:
    plan = planned(starter())
    assert 3 <= len(plan.prices) <= 15
    assert all(np.isfinite(p.price) and p.price != 0.0 for p in plan.prices)
    table = plan.tables["prices"]
    assert [row[3] for row in table.rows] == [p.price for p in plan.prices]
    assert all(p.unit and p.title for p in plan.prices)


def test_the_chain_names_a_link_that_is_full() -> None:
    plan = planned(starter())
    table = plan.tables["bottlenecks"]
    names = [c.name for c in table.columns]
    assert {"shell", "power", "cooling", "security", "fibre", "supply", "grid"} <= set(names)
    assert len(table.rows) == plan.case.horizon.periods * len(plan.case.site)
    seen = set()
    for row in table.rows:
        cells = dict(zip(names, row, strict=True))
        link = str(cells["bottleneck"])
        seen.add(link)
        for name in ("shell", "power", "cooling", "security", "fibre"):
            assert -1e-9 <= float(cells[name]) <= 1.0 + 1e-6  # type: ignore[arg-type]
        if link in names:
            assert float(cells[link]) == pytest.approx(1.0, abs=1e-6)  # type: ignore[arg-type]
            assert float(cells["price"]) > 0.0  # type: ignore[arg-type]
    assert "power" in seen


def test_names_are_taken_apart() -> None:
    assert split("site_power[texas,2027Q1]") == ("site_power", ("texas", "2027Q1"))
    assert split("budget_total") == ("budget_total", ())
