"""One figure for one thing: every table with a total sums to it, and what two places show is the same."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import capmix
import numpy as np
import pytest
from capmix import Plan
from capmix.models.schema.case import Case
from capmix.optimizer.analysis.claims import claims
from capmix.optimizer.analysis.loss_allocation import settling, stock_means
from capmix.optimizer.analysis.tidy import amounts_of
from capmix.optimizer.plan import Table
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import prepare
from capmix.reports.files.document import document
from capmix.reports.scale import SCALES, MoneyScale
from capmix.reports.summary.terminal import render
from numpy.typing import NDArray

from ..cases import starter

FloatArray = NDArray[np.float64]

COUNT = 2_000
CLOSE = 1e-7


def with_leases_and_equity() -> Case:
    """The starter case where the notes are a lease whose payments are rent, and the vendor takes equity."""
    case = starter()
    lease = replace(next(i for i in case.instrument if i.id == "notes"), kind="lease", rent=True)
    stake = replace(
        next(i for i in case.instrument if i.id == "vendor_credit"), kind="equity", amortisation="none",
        secured_by="none", tied_to=None, advance_rate=0.0,
    )  # fmt: skip
    changed = {"notes": lease, "vendor_credit": stake}
    return replace(case, instrument=tuple(changed.get(i.id, i) for i in case.instrument))


@cache
def planned(name: str) -> Plan:
    shipped = {"starter": starter, "leases": with_leases_and_equity}
    case = shipped[name]() if name in shipped else capmix.load_case(name)
    # steps of covenants are priced by planning again, which has its own tests
    equity = tuple(replace(c, tightening_step=1e-3) for c in case.covenant if c.kind == "terminal_equity")
    case = replace(case, covenant=equity)
    return capmix.optimize(case, scenarios=COUNT, seed=1, out_of_sample=False)


@pytest.fixture(params=["starter", "leases", "hyperscaler", "neocloud", "ai_lab"])
def plan(request: pytest.FixtureRequest) -> Plan:
    return planned(request.param)


def rows(table: Table, plan: Plan) -> dict[str, FloatArray]:
    names = [column.name for column in table.columns]
    at = [names.index(label) for label in plan.case.horizon.labels]
    return {str(row[0]): np.array([float(row[i] or 0.0) for i in at]) for row in table.rows}


def column(table: Table, name: str) -> list[float]:
    i = [c.name for c in table.columns].index(name)
    return [float(row[i] or 0.0) for row in table.rows]


def by(table: Table, key: str, value: str) -> dict[str, float]:
    names = [c.name for c in table.columns]
    found: dict[str, float] = {}
    for row in table.rows:
        name = str(row[names.index(key)])
        found[name] = found.get(name, 0.0) + float(row[names.index(value)] or 0.0)
    return found


def test_what_is_owned_is_owed_or_equity(plan: Plan) -> None:
    sheet = rows(plan.tables["balance_sheet_at_market"], plan)
    sections = {str(row[0]): str(row[1]) for row in plan.tables["balance_sheet_at_market"].rows}
    for section in ("assets", "liabilities", "equity"):
        parts = [values for name, values in sheet.items() if sections[name] == section]
        assert np.sum(parts, axis=0) == pytest.approx(sheet[section], abs=CLOSE)
    assert sheet["assets"] == pytest.approx(sheet["liabilities and equity"], abs=CLOSE)
    assert sheet["liabilities"] + sheet["equity"] == pytest.approx(sheet["assets"], abs=CLOSE)
    assert sheet["cash"] == pytest.approx(rows(plan.tables["cash_flow"], plan)["closing cash"], abs=CLOSE)
    assert sheet["debt"] == pytest.approx(rows(plan.tables["debt_service"], plan)["closing debt"], abs=CLOSE)
    for name in ("debt", "lease liabilities", "unearned prepayments", "outside equity"):
        assert (sheet[name] >= -CLOSE).all()


def test_leases_and_outside_equity_are_shown() -> None:
    sheet = rows(planned("leases").tables["balance_sheet_at_market"], planned("leases"))
    assert sheet["lease liabilities"].max() > 0.01
    assert sheet["outside equity"].max() > 0.001
    assert (
        rows(planned("hyperscaler").tables["balance_sheet_at_market"], planned("hyperscaler"))[
            "unearned prepayments"
        ].max()
        > 0.1
    )


def test_prepayments_roll_forward() -> None:
    """Without a customer who can default: prepaid less credited is what is not yet earned."""
    case = starter()
    alive = replace(case, contract=tuple(replace(c, survival=None) for c in case.contract))
    plan = capmix.optimize(alive, scenarios=500, seed=1, out_of_sample=False)
    moved = rows(plan.tables["cash_flow"], plan)["customer prepayments, net of credits"]
    unearned = rows(plan.tables["balance_sheet_at_market"], plan)["unearned prepayments"]
    assert unearned.max() > 0.01
    assert unearned == pytest.approx(np.cumsum(moved), abs=CLOSE)


def test_equity_at_the_end_has_one_value(plan: Plan) -> None:
    tests = [row for row in plan.tables["covenants"].rows if row[1] == "terminal_equity"]
    equity = rows(plan.tables["balance_sheet_at_market"], plan)["equity"][-1]
    for row in tests:
        assert row[4] == pytest.approx(equity, abs=1e-6)
    if plan.case.case.name in ("hyperscaler", "neocloud"):
        assert tests


@pytest.mark.parametrize("name", ["starter", "leases", "ai_lab"])
def test_own_equity_on_the_path_is_the_shareholders_claim(name: str) -> None:
    """At every date at which a scenario may be settled, the last one among them."""
    plan = planned(name)
    ready = prepare(plan.case, choose("cpu"), COUNT, 1)
    amount = {row[0]: float(str(row[3])) for row in plan.decisions.rows}
    decided = np.array([1.0 if d.block == "fixed" else amount.get(d.key, 0.0) for d in ready.ledger.decisions])
    amounts = amounts_of(ready, decided)
    known = claims(amounts)
    means = stock_means(known, lambda factors: ready.backend.means(ready.store, factors))
    claim = settling(amounts, known, ready.liquidity, means).last
    own = rows(plan.tables["balance_sheet_at_market"], plan)["shareholders' equity"]
    assert claim == pytest.approx(np.maximum(own, 0.0), abs=1e-6)
    assert claim.max() > 0.0


def test_cash_is_what_it_was_and_what_moved(plan: Plan) -> None:
    table = plan.tables["cash_flow"]
    lines = rows(table, plan)
    parts: dict[str, FloatArray] = {}
    for row, values in zip(table.rows, lines.values(), strict=True):
        parts[str(row[1])] = parts.get(str(row[1]), np.zeros_like(values)) + values
    for group in ("operating", "investing", "financing", "tax"):
        assert parts.get(group, 0.0) == pytest.approx(lines[f"{group} cash flow"], abs=CLOSE)
    moved = sum(lines[f"{group} cash flow"] for group in ("operating", "investing", "financing", "tax"))
    assert lines["opening cash"] + moved + lines["interest on cash"] == pytest.approx(lines["closing cash"], abs=CLOSE)


def test_debt_is_what_it_was_raised_and_repaid(plan: Plan) -> None:
    lines = rows(plan.tables["debt_service"], plan)
    moved = lines["gross proceeds of debt"] + lines["accretion"] - lines["repayment"]
    assert lines["opening debt"] + moved == pytest.approx(lines["closing debt"], abs=CLOSE)
    assert lines["opening debt"][0] == pytest.approx(sum(d.amount for d in plan.case.opening.debt))
    assert lines["interest"] + lines["repayment"] == pytest.approx(lines["debt service"], abs=CLOSE)
    cash = rows(plan.tables["cash_flow"], plan)
    assert cash.get("interest", 0.0) == pytest.approx(-lines["interest"], abs=CLOSE)
    assert lines["operating cash flow"] == pytest.approx(cash["operating cash flow"], abs=CLOSE)


def test_income_leads_to_tax(plan: Plan) -> None:
    lines = rows(plan.tables["income"], plan)
    names = list(lines)
    ebitda = np.sum([lines[n] for n in names[: names.index("EBITDA")]], axis=0)
    assert ebitda == pytest.approx(lines["EBITDA"], abs=CLOSE)
    below = names[names.index("EBITDA") : names.index("taxable income")]
    assert np.sum([lines[n] for n in below], axis=0) == pytest.approx(lines["taxable income"], abs=CLOSE)
    tax = plan.case.tax
    assert tax is not None
    taxed = lines["taxable income"] + lines["loss of the period"] + lines["loss carryforward used"]
    assert taxed == pytest.approx(lines["taxable profit after losses"], abs=CLOSE)
    assert -tax.rate * lines["taxable profit after losses"] == pytest.approx(lines["tax"], abs=CLOSE)
    assert lines["tax"] == pytest.approx(rows(plan.tables["cash_flow"], plan)["tax cash flow"], abs=CLOSE)


def test_tax_is_that_of_the_income_shown(plan: Plan) -> None:
    """Recomputed by hand from the income shown: losses are used at once, up to loss_use of a profit."""
    tax = plan.case.tax
    assert tax is not None
    lines = rows(plan.tables["income"], plan)
    pool = tax.opening_losses
    for income, paid, left in zip(
        lines["taxable income"], lines["tax"], lines["loss carryforward at the end"], strict=True
    ):
        profit, used = max(income, 0.0), 0.0
        if income > 0.0:
            used = min(tax.loss_use * profit, pool)
        pool += max(-income, 0.0) - used
        assert -paid == pytest.approx(tax.rate * (profit - used), abs=CLOSE)
        assert left == pytest.approx(pool, abs=CLOSE)


def test_funding_is_one_sum(plan: Plan) -> None:
    issued, total = plan.tables["issuance"], plan.funding.total
    assert sum(column(issued, "funded")) == pytest.approx(total, abs=CLOSE)
    named = by(issued, "instrument", "funded")
    for name, face in plan.funding.by_instrument.items():
        assert named[name] == pytest.approx(face, abs=CLOSE)
    for table in ("funding_by_instrument", "funding_by_holder"):
        assert sum(column(plan.tables[table], "face")) == pytest.approx(total, abs=CLOSE)
        assert sum(column(plan.tables[table], "share")) == pytest.approx(1.0)
    placed = total - named.get("customer_prepayments", 0.0)
    assert placed == pytest.approx(rows(plan.tables["debt_service"], plan)["gross proceeds"].sum(), abs=1e-5)
    for row in issued.rows:
        record = dict(zip([c.name for c in issued.columns], row, strict=True))
        assert (record["how"] == "committed") == (record["funded"] == 0.0)
        assert (record["committed"] == 0.0) == (record["how"] != "committed")


def test_draws_stay_within_commitments(plan: Plan) -> None:
    issued = plan.tables["issuance"]
    for name, committed in by(issued, "instrument", "committed").items():
        kind = next((i.kind for i in plan.case.instrument if i.id == name), "")
        if kind.startswith("delayed_draw"):
            assert by(issued, "instrument", "funded")[name] <= committed + CLOSE


def test_purchases_add_up(plan: Plan) -> None:
    for table in ("purchases", "construction", "contracts"):
        found = plan.tables[table]
        totals = column(found, "total")
        for values, total in zip(rows_in_order(found, plan), totals, strict=True):
            assert values.sum() == pytest.approx(total, rel=1e-9)


def rows_in_order(table: Table, plan: Plan) -> list[FloatArray]:
    names = [c.name for c in table.columns]
    at = [names.index(label) for label in plan.case.horizon.labels]
    return [np.array([float(row[i] or 0.0) for i in at]) for row in table.rows]


def test_losses_add_up(plan: Plan) -> None:
    assert plan.loss_allocation is not None
    for table in ("loss_by_claim", "loss_by_holder", "loss_by_instrument", "loss_by_party"):
        found = plan.tables[table]
        assert sum(column(found, "expected loss")) == pytest.approx(plan.loss_allocation.expected, abs=1e-6)
        assert sum(column(found, "loss in the tail")) == pytest.approx(plan.loss_allocation.cvar, rel=1e-6, abs=1e-6)


def unit_of_money(text: str) -> MoneyScale:
    """The unit that the head of a summary names."""
    return next(scale for scale in SCALES if f"· {scale.unit} = {scale.word} " in text)


def test_the_summary_shows_cash_that_adds_up(plan: Plan) -> None:
    text = render(plan, 140, full=True)
    written = 10.0 ** -unit_of_money(text).decimals
    head = text[text.index("CASH AND DEBT SERVICE") :].splitlines()
    opening = float(re.search(r"cash: ([\d.,]+) opening", text).group(1).replace(",", ""))  # type: ignore[union-attr]
    cash, seen = opening, 0
    for label in plan.case.horizon.labels:
        line = next((row for row in head if row.strip().startswith(label)), None)
        assert line is not None
        cells = [0.0 if c == "·" else float(c.replace(",", "")) for c in line.split()[1:8]]
        _, earned, invested, raised, service, other, end = cells
        assert end == pytest.approx(cash + earned - invested + raised - service + other, abs=3.1 * written)
        cash, seen = end, seen + 1
    assert seen == plan.case.horizon.periods


def test_what_moves_cash_beside_the_rest_is_the_lines_named(plan: Plan) -> None:
    from capmix.reports.summary.cash import other_flows

    lines = rows(plan.tables["cash_flow"], plan)
    nothing = np.zeros(plan.case.horizon.periods)
    named = [
        lines.get(name, nothing)
        for name in (
            "customer prepayments, net of credits", "fees and issue discount", "dividends", "tax", "interest on cash",
        )
    ]  # fmt: skip
    assert np.sum(named, axis=0) == pytest.approx(other_flows(plan), abs=CLOSE)


@pytest.mark.parametrize("full", [False, True], ids=["short", "full"])
def test_the_same_figure_everywhere(plan: Plan, full: bool) -> None:
    """Collect each figure from the document, the tables and the summary."""
    shown, text = document(plan), render(plan, 140, full=full)
    scale = unit_of_money(text)
    cash = rows(plan.tables["cash_flow"], plan)["closing cash"][-1]
    spent = -sum(rows(plan.tables["cash_flow"], plan)[name].sum() for name in ("hardware", "sites"))
    figures = {
        "capital raised": [
            shown["funding"]["total"],
            plan.funding.total,
            sum(column(plan.tables["issuance"], "funded")),
        ],
        "closing cash": [cash, rows(plan.tables["balance_sheet_at_market"], plan)["cash"][-1]],
        "capital spent": [spent],
    }
    for name, values in figures.items():
        assert values == pytest.approx([values[0]] * len(values), abs=CLOSE)
        found = re.search(rf"{name} +([\d.,]+|·)", text)
        assert found is not None
        printed = 0.0 if found[1] == "·" else float(found[1].replace(",", ""))
        assert printed == pytest.approx(values[0] * scale.factor, abs=0.51 * 10.0**-scale.decimals)
    for figure in plan.risk:
        entry = next(r for r in shown["risk"] if r["name"] == figure.name)
        assert entry["value"] == figure.value
        assert figure.value <= figure.limit + 1e-6 * max(1.0, abs(figure.limit))
    compute = rows(plan.tables["compute"], plan)["compute delivered"]
    dt = plan.case.horizon.dt
    weights = (1.0 + plan.case.objective.compute_discount) ** (-np.arange(compute.size) * dt)
    assert weights @ compute == pytest.approx(plan.objective_value, rel=1e-6)
    assert shown["objective"]["value"] == plan.objective_value
