"""The sections on circular financing and on who bears the loss."""

from __future__ import annotations

import dataclasses

import pytest
from capmix.optimizer.analysis.names import CIRCULAR_LOOPS, LOSS_BY_HOLDER
from capmix.optimizer.plan import Funding, LossAllocation, Plan, Table
from capmix.reports.files.document import document
from capmix.reports.files.json_schema import faults
from capmix.reports.files.schema import schema
from capmix.reports.summary.terminal import render

from .plans import infeasible_plan, like, make_plan
from .stored import stored

BEARERS = LossAllocation(0.95, 0.21, 1.25, 0.6, 0.4, 0.08, 0.013)


def filled(name: str, rows: list[tuple[object, ...]]) -> Table:
    """A table as the stored one, with these rows."""
    return like(name, [dict(zip(stored().tables[name].names, row, strict=True)) for row in rows])


def losing() -> Plan:
    plan = make_plan()
    tables = (
        filled(CIRCULAR_LOOPS, [("company > party nvidia > investor vendor > company", "funding", 2.5, 0.25)]),
        filled(
            LOSS_BY_HOLDER,
            [
                ("own_equity", "shareholders' equity", 9.0, 0.15, 0.75, 0.6),
                ("pension", "Pension funds", 7.0, 0.05, 0.4, 0.32),
                ("vendor", "NVIDIA as a lender", 3.0, 0.01, 0.1, 0.08),
                ("lucky", "Lucky", 1.0, 0.0, 0.0, 0.0),
            ],
        ),
    )
    raised = Funding(plan.funding.by_instrument, plan.funding.by_holder, 0.3, 10.0, 2.5, 0.25)
    return dataclasses.replace(
        plan, funding=raised, loss_allocation=BEARERS, tables={**plan.tables, **{t.name: t for t in tables}}
    )


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_sections_say_who_and_how_much(width: int) -> None:
    text = render(losing(), width, full=True)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    assert "company > NVIDIA > NVIDIA as a lender > company" in words
    assert "2.50 of 10.00 raised can circulate (25.0%); suppliers and customers put in 30.0%" in words
    assert "loss allocation" in words.lower()
    assert "Pension funds 7.00 0.05 0.40 32.0%" in words
    assert "CVaR 95% 1.25; of the tail 40.0% falls outside the company, 8.0% on suppliers and customers" in words
    assert "defaults in 1.3% of scenarios" in words
    assert "Lucky" not in words


def test_the_document_holds_the_figures() -> None:
    d = document(losing())
    assert list(faults(d, schema())) == []
    assert d["loss_allocation"]["outside_share"] == 0.4
    assert (d["funding"]["circulating"], d["funding"]["circulating_share"]) == (2.5, 0.25)
    assert document(infeasible_plan())["loss_allocation"] is None


def test_nothing_circular_and_nobody_who_loses() -> None:
    plan = make_plan(funding=Funding({"ig_bond_7y": 7.0}, {"pension": 7.0}, 0.0, 7.0), loss_allocation=BEARERS)
    text = render(plan, 100, full=True)
    assert "circular financing" not in text.lower()
    assert "nobody loses in any scenario" in text
