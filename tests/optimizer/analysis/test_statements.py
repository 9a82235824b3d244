"""Statements close, agree with each other, and with the scenarios' own mean."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.terms import flows
from capmix.models.ledger import OWED_AT_END, OWNED_AT_END, Account
from capmix.optimizer.analysis.compose import Circumstances, compose
from capmix.optimizer.analysis.covenants import covenants
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.statements import StatementError, check_closing
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.cutting_planes.solution import Solution
from capmix.optimizer.plan import Plan
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..cases import starter

COUNT = 2_000


@pytest.fixture(scope="module")
def made() -> tuple[PlanningProblem, Solution, Amounts, Plan]:
    case = starter()
    ready = prepare(case, choose("cpu"), COUNT, 3)
    solution = maximise(ready.program, risk_limits(case, ready.losses), ready.backend, ready.store, Settings())
    assert solution.decisions is not None
    amounts = Amounts(case, ready.ledger, ready.means, solution.decisions, ready.deposit_rates)
    return ready, solution, amounts, compose(ready, solution, Circumstances(3, 1e-5, None, ()))


def line(plan: Plan, table: str, name: str) -> np.ndarray:
    labels = plan.case.horizon.labels
    found = plan.tables[table]
    at = [[c.name for c in found.columns].index(label) for label in labels]
    return np.array(next([float(row[i]) for i in at] for row in found.rows if row[0] == name))  # type: ignore[arg-type]


def test_cash_flow_adds_up(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    plan = made[3]
    table = plan.tables["cash_flow"]
    change = line(plan, "cash_flow", "net change in cash")
    start, end = line(plan, "cash_flow", "opening cash"), line(plan, "cash_flow", "closing cash")
    assert end == pytest.approx(start + change, abs=1e-9)
    assert start[0] == plan.case.cash.opening
    assert start[1:] == pytest.approx(end[:-1])
    sections = {str(row[1]) for row in table.rows} - {"cash", "sum"}
    total = line(plan, "cash_flow", "interest on cash")
    for section in sections:
        rows = [np.array(row[2:], dtype=float) for row in table.rows if row[1] == section]
        assert sum(rows) == pytest.approx(line(plan, "cash_flow", f"{section} cash flow"), abs=1e-9)
        total = total + line(plan, "cash_flow", f"{section} cash flow")
    assert total == pytest.approx(change, abs=1e-9)


def test_expected_flow_is_the_mean_over_the_scenarios(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    ready, solution, amounts, _ = made
    exposure = ready.liquidity.matrix @ solution.decisions
    simulated = flows(ready.backend.values(ready.store, np.arange(COUNT)), ready.liquidity.table.terms, exposure)
    assert amounts.cash_flow == pytest.approx(simulated.mean(axis=0), rel=1e-9, abs=1e-9)


def test_closing_cash_is_checked_against_the_program(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    amounts = made[2]
    check_closing(amounts, amounts.cash)
    for error in (1e-3, np.nan):
        wrong = amounts.cash.copy()
        wrong[4] += error
        with pytest.raises(StatementError, match=amounts.labels[4]):
            check_closing(amounts, wrong)


def test_debt_rolls_forward(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    plan, amounts = made[3], made[2]
    debt = line(plan, "debt_service", "closing debt")
    before = np.concatenate([[0.08], debt[:-1]])
    grown = -amounts.of(Account.ACCRETION)
    moved = line(plan, "debt_service", "gross proceeds") - line(plan, "debt_service", "repayment") + grown
    assert debt == pytest.approx(before + moved, abs=1e-8)
    assert line(plan, "balance_sheet_at_market", "debt") == pytest.approx(debt)
    assert (debt >= 0.0).all()
    assert line(plan, "balance_sheet_at_market", "cash") == pytest.approx(line(plan, "cash_flow", "closing cash"))


def test_tax_lies_between_what_carried_losses_allow(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    plan = made[3]
    tax = plan.case.tax
    assert tax is not None
    income, paid = line(plan, "income", "taxable income"), -line(plan, "income", "tax")
    due = tax.rate * np.maximum(income, 0.0)
    assert (paid <= due + 1e-8).all()
    assert (paid >= (1.0 - tax.loss_use) * due - 1e-8).all()


def test_compute_adds_up_to_the_objective(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    plan = made[3]
    dt = plan.case.horizon.dt
    weights = (1.0 + plan.case.objective.compute_discount) ** (-np.arange(plan.case.horizon.periods) * dt)
    assert weights @ line(plan, "compute", "compute delivered") == pytest.approx(plan.objective_value, rel=1e-9)
    assert line(plan, "compute", "cumulative compute delivered")[-1] == pytest.approx(
        line(plan, "compute", "compute delivered").sum()
    )


def test_funding_is_the_same_from_every_side(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    plan, amounts = made[3], made[2]
    raised = plan.funding
    prepaid = raised.by_instrument.get("customer_prepayments", 0.0)
    placed = sum(float(r[5]) for r in plan.tables["issuance"].rows if r[3] in ("issued", "drawn"))  # type: ignore[arg-type]
    assert raised.total == pytest.approx(sum(raised.by_instrument.values()))
    assert raised.total == pytest.approx(sum(raised.by_holder.values()))
    assert raised.total == pytest.approx(placed + prepaid, abs=1e-7)
    assert placed == pytest.approx(amounts.of(Account.PROCEEDS).sum(), abs=1e-7)
    vendor = raised.by_holder.get("chip_capital", 0.0)
    assert raised.circular_share == pytest.approx((vendor + prepaid) / raised.total)
    spent = -amounts.of(Account.HARDWARE, Account.SITES).sum()
    assert raised.circular_of_spending == pytest.approx((vendor + prepaid) / spent)
    assert raised.circular_of_spending <= plan.case.circularity.cap + 1e-7


def test_covenants_agree_with_their_rows(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    from dataclasses import replace

    from capmix.models.build import build_program
    from capmix.models.schema.rules import COVENANTS, Covenant

    ready, solution, _, _ = made
    tests = tuple(
        Covenant(
            id=kind, kind=kind, limit=2.0 if kind not in ("terminal_equity", "net_worth") else 0.1, from_period=1,
            advance=(0.8, 0.6, 0.3) if kind == "borrowing_base" else (),
        )
        for kind in COVENANTS
    )  # fmt: skip
    case = replace(ready.case, covenant=tests)
    program = build_program(case, ready.ledger, ready.means, ready.deposit_rates)
    states = dict(zip(ready.program.column_names, solution.columns, strict=True))
    columns = np.array([states[name] for name in program.column_names])
    amounts = Amounts(case, ready.ledger, ready.means, solution.decisions, ready.deposit_rates)
    table = covenants(amounts)
    assert {row[0] for row in table.rows} == set(COVENANTS)
    activity = dict(zip(program.row_names, program.row_upper - program.matrix @ columns, strict=True))
    seen = 0
    for row in table.rows:
        name, _, of, period, value, _, headroom, money, _ = row
        known = activity.get(f"covenant_{name}[{f'{of},' if of else ''}{period}]")
        if known is not None:
            assert money == pytest.approx(known, rel=1e-6, abs=1e-7), row
            seen += 1
        if value is None:
            continue
        # A ratio keeps its limit exactly where the linear row has headroom.
        assert np.sign(round(headroom, 9)) == np.sign(round(money, 9)), row
    assert seen > 0.9 * len(table.rows)
    last = ready.case.horizon.labels[-1]
    equity = next(row for row in table.rows if row[0] == "terminal_equity" and row[3] == last)
    assets = amounts.of(*OWNED_AT_END, *OWED_AT_END)[-1]
    assert equity[4] == pytest.approx(amounts.cash[-1] + assets, rel=1e-9)
    sheet = {row[0]: np.array(row[2:]) for row in made[3].tables["balance_sheet_at_market"].rows}
    own = sheet["shareholders' equity"] + sheet["outside equity"]
    worth = [row[4] for row in table.rows if row[0] == "net_worth"]
    np.testing.assert_allclose(worth, own[1:], rtol=1e-6)


def test_every_promised_table_is_there(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    names = (
        "issuance funding_by_instrument funding_by_holder purchases construction contracts cash_flow balance_sheet "
        "balance_sheet_at_market income_statement cash_flow_statement changes_in_equity "
        "debt_service bottlenecks covenants covenant_risk covenant_breaches prices liquidity_fan scaling income compute"
    )
    plan = made[3]
    assert set(names.split()) <= set(plan.tables)
    for name, table in plan.tables.items():
        assert table.name == name
        assert all(len(row) == len(table.columns) for row in table.rows)
        for row in table.rows:
            assert all(np.isfinite(cell) for cell in row if isinstance(cell, float)), (name, row)


def test_decisions_rebuild_the_plan(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    ready, solution, _, plan = made
    shown = {row[0]: row[3] for row in plan.decisions.rows}
    assert solution.decisions is not None
    largest: dict[str, float] = {}
    for d, amount in zip(ready.ledger.decisions, solution.decisions, strict=True):
        largest[d.block] = max(largest.get(d.block, 0.0), abs(float(amount)))
    rebuilt = np.array([1.0 if d.block == "fixed" else shown.get(d.key, 0.0) for d in ready.ledger.decisions])
    # what is left out is below a billionth of the largest of its kind, whatever its unit; what is shown is exact
    room = np.array([1e-9 * max(1e-9, largest[d.block]) for d in ready.ledger.decisions])
    assert (np.abs(rebuilt - solution.decisions) <= room).all()


def test_the_fan_is_that_of_running_cash(made: tuple[PlanningProblem, Solution, Amounts, Plan]) -> None:
    ready, solution, _, plan = made
    balances = choose("numpy").balances(ready.store, ready.liquidity.table, ready.liquidity.matrix @ solution.decisions)
    table = plan.tables["liquidity_fan"]
    names = [c.name for c in table.columns]
    for t, row in enumerate(table.rows):
        cells = dict(zip(names, row, strict=True))
        for share in (5, 25, 50, 75, 95):
            assert cells[f"{share}%"] == pytest.approx(np.quantile(balances[:, t], share / 100), rel=1e-9)
        assert cells["below minimum"] == pytest.approx(np.mean(balances[:, t] < plan.case.cash.minimum[t]))
