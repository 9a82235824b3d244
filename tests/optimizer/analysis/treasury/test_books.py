"""The books close: in every period, company and case, of any plan whatever."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import capmix
import numpy as np
import pytest
from capmix import Plan
from capmix.models.blocks import owners
from capmix.models.ledger import ACCOUNT_NUMBER, Account
from capmix.models.schema.case import Case
from capmix.models.schema.rules import Tax, WriteOff
from capmix.optimizer.analysis import statements as market
from capmix.optimizer.analysis.entities import cash as entity_cash
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.statements import StatementError
from capmix.optimizer.analysis.treasury.books import Books, added, by_entity, consolidated
from capmix.optimizer.analysis.treasury.names import BookRow, CashLine, EquityLine, IncomeLine
from capmix.optimizer.analysis.treasury.tables import treasury_tables
from capmix.optimizer.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from ...cases import starter
from .books_cases import any_plan, in_entities, rich

EXACT = 1e-9
SUMS = {"assets": "total assets", "liabilities": "total liabilities", "equity": "closing equity"}
SHIPPED = ("hyperscaler", "neocloud", "ai_lab")


def closes(books: Books, cash: np.ndarray) -> None:
    """What `StatementError` guards, and what it does not, all in one place and from the lines alone."""
    owned, owed = added(books.assets), added(books.liabilities)
    size = max(1.0, float(np.abs(owned).max()), float(np.abs(owed).max()))
    assert np.abs(owned - owed - added(books.owners)).max() <= EXACT * size
    assert books.equity[EquityLine.END] == pytest.approx(added(books.owners), abs=EXACT * size)
    # equity rolls forward
    moved = sum(v for k, v in books.equity.items() if k not in (EquityLine.START, EquityLine.END))
    assert books.equity[EquityLine.START] + moved == pytest.approx(books.equity[EquityLine.END], abs=EXACT * size)
    assert books.equity[EquityLine.START][1:] == pytest.approx(books.equity[EquityLine.END][:-1])
    assert books.equity[EquityLine.START][0] == books.opening_equity
    assert books.equity[EquityLine.NET_INCOME] is books.income[IncomeLine.NET_INCOME]
    # what is kept is income less what holders had and what raising equity cost
    grown = np.diff(books.owners[BookRow.OUTSIDE], prepend=0.0) - books.equity[EquityLine.ISSUED]
    kept = books.income[IncomeLine.NET_INCOME] + books.equity[EquityLine.DIVIDENDS]
    kept = kept + books.equity[EquityLine.ISSUE_COSTS] - grown
    assert np.diff(books.owners[BookRow.RETAINED], prepend=0.0) == pytest.approx(kept, abs=EXACT * size)
    # cash is that of the ledger, period by period
    parts = books.cash[CashLine.OPERATING] + books.cash[CashLine.INVESTING] + books.cash[CashLine.FINANCING]
    assert books.cash[CashLine.START] + parts == pytest.approx(books.cash[CashLine.END], abs=EXACT * size)
    assert books.cash[CashLine.END] == pytest.approx(cash, abs=EXACT * size)
    assert books.assets[BookRow.CASH] == pytest.approx(cash, abs=EXACT * size)
    assert books.cash[CashLine.START][0] == pytest.approx(cash[0] - parts[0], abs=EXACT * size)


def group_is_its_companies(amounts: Amounts, group: Books, each: dict[str, Books]) -> None:
    """Consolidation: lines add up, but for what companies own of each other and pay each other."""
    size = max(1.0, float(np.abs(added(group.assets)).max()))

    def close(one: np.ndarray, other: np.ndarray) -> None:
        assert one == pytest.approx(other, abs=EXACT * size)

    for side in ("assets", "liabilities"):
        for line, values in getattr(group, side).items():
            if line != BookRow.COMPANIES:
                close(sum(getattr(books, side)[line] for books in each.values()), values)
    held = sum(books.assets[BookRow.COMPANIES] for books in each.values())
    close(sum(added(books.owners) for books in each.values()) - held, added(group.owners))
    income = sum(books.income[IncomeLine.NET_INCOME] for books in each.values())
    within = sum(books.income[IncomeLine.FROM_COMPANIES] for books in each.values())
    close(income - within, group.income[IncomeLine.NET_INCOME])
    assert held[0] - each[owners.head_name(amounts.case)].cash[CashLine.TO_COMPANIES][0] >= -size
    down = sum(books.cash[CashLine.TO_COMPANIES] + books.cash[CashLine.CONTRIBUTED] for books in each.values())
    close(down, np.zeros(amounts.periods))
    up = within + sum(books.cash[CashLine.DISTRIBUTED] for books in each.values())
    close(up, np.zeros(amounts.periods))


def hold(amounts: Amounts) -> Books:
    group = consolidated(amounts)
    closes(group, amounts.cash)
    each = by_entity(amounts, group)
    assert list(each) == [e.id for e in amounts.case.entity]
    for entity in amounts.case.entity:
        closes(each[entity.id], entity_cash(amounts, entity))
    if each:
        group_is_its_companies(amounts, group, each)
    return group


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_the_books_of_any_plan_of_a_random_case_close(seed: int) -> None:
    case = rich(seed)
    hold(any_plan(case, seed))
    hold(any_plan(in_entities(case), seed))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_books_of_any_plan_of_the_shipped_cases_close(name: str) -> None:
    case = capmix.load_case(name)
    group = hold(any_plan(case, 1))
    for line in (BookRow.CASH, BookRow.SYSTEMS, BookRow.SITES, BookRow.CONSTRUCTION, BookRow.DEBT):
        part = {**group.assets, **group.liabilities}[line]
        assert np.abs(part).max() > 0.0


def test_every_line_of_the_books_is_met() -> None:
    """Else a line that is never there would be right by never being looked at."""
    found: set[str] = set()
    for seed in range(6):
        for case in (rich(seed), in_entities(rich(seed))):
            amounts = any_plan(case, seed)
            group = consolidated(amounts)
            for books in (group, *by_entity(amounts, group).values()):
                parts = (books.income, books.cash, books.equity, books.assets, books.liabilities, books.owners)
                found |= {line for part in parts for line, values in part.items() if np.abs(values).max() > 1e-9}
    wanted = {*IncomeLine, *CashLine, *EquityLine, *BookRow} - {BookRow.ASSETS, BookRow.LIABILITIES}
    wanted -= {BookRow.EQUITY, BookRow.BOTH}  # sums of the table
    assert wanted <= found


@pytest.mark.parametrize(
    "account",
    [
        Account.PRINCIPAL, Account.PROCEEDS, Account.PREPAYMENT, Account.RECEIVABLES, Account.PAYABLES, Account.DEBT,
        Account.UNEARNED, Account.LEASES, Account.ADVANCES, Account.PAYABLE, Account.ACCRETION, Account.BAD_DEBTS,
    ],
)  # fmt: skip
def test_an_account_that_is_wrong_by_a_hundredth_is_noticed(account: Account) -> None:
    """In the period after the first in which it is largest; what stands at the start is found from the first."""
    seen = (any_plan(rich(seed), seed) for seed in range(20))
    amounts = next(amounts for amounts in seen if np.abs(amounts.of(account)[1:]).max() > 2e-5)
    consolidated(amounts)
    ledger, at = amounts.ledger, 1 + int(np.abs(amounts.of(account)[1:]).argmax())
    here = (ledger.account == ACCOUNT_NUMBER[account]) & (ledger.period == at)
    wrong = replace(ledger, coefficient=np.where(here, 1.01, 1.0) * ledger.coefficient)
    with pytest.raises(StatementError, match=r"books of the company: .* billion at the end of"):
        consolidated(replace(amounts, ledger=wrong))


def line(table: Table, name: str, labels: tuple[str, ...]) -> np.ndarray:
    return np.array(table.series(name, over=labels))


@cache
def planned(case: Case) -> Plan:
    quick = replace(case, covenant=tuple(replace(c, tightening_step=1e-3) for c in case.covenant))
    return capmix.optimize(quick, scenarios=2_000, seed=1, out_of_sample=False)


def test_the_tables_of_a_plan_close_as_they_are_shown() -> None:
    plan = planned(starter())
    labels = plan.case.horizon.labels
    sheet, income = plan.tables["balance_sheet"], plan.tables["income_statement"]
    cash, equity = plan.tables["cash_flow_statement"], plan.tables["changes_in_equity"]
    for table in (sheet, cash, income):
        parts: dict[str, np.ndarray] = {}
        for row in table.records():
            section = row.text("section")
            values = np.array([row.number(label) for label in labels])
            parts[section] = parts.get(section, np.zeros(len(labels))) + values
        if table is sheet:
            for section, total in (
                ("assets", "total assets"),
                ("liabilities", "total liabilities"),
                ("equity", "closing equity"),
            ):
                assert parts[section] == pytest.approx(line(sheet, total, labels), abs=1e-11)
        if table is cash:
            for section in ("operating", "investing", "financing"):
                name = f"cash from {section} activities"
                assert parts[name] == pytest.approx(line(cash, name, labels), abs=1e-11)
        if table is income:
            running = np.zeros(len(labels))
            for name in ("EBITDA", "operating profit", "profit before tax", "net income"):
                running = running + parts[name]
                assert running == pytest.approx(line(income, name, labels), abs=1e-11)
    owned, owed = line(sheet, "total assets", labels), line(sheet, "total liabilities and equity", labels)
    assert (np.abs(owned - owed) <= EXACT * owned).all()
    assert line(cash, "net income", labels) == pytest.approx(line(income, "net income", labels), abs=1e-12)
    assert line(equity, "net income", labels) == pytest.approx(line(income, "net income", labels), abs=1e-12)
    assert line(equity, "closing equity", labels) == pytest.approx(line(sheet, "closing equity", labels), abs=1e-12)
    assert line(sheet, "cash", labels) == pytest.approx(line(cash, "closing cash", labels), abs=1e-12)


PAIRS = (
    ("balance_sheet", "balance_sheet_at_market"), ("income_statement", "income"), ("cash_flow_statement", "cash_flow"),
    ("cash_flow_statement", "debt_service"), ("balance_sheet", "changes_in_equity"),
    ("income_statement", "changes_in_equity"), ("income_statement", "cash_flow_statement"),
)  # fmt: skip
SAME = {
    ("income_statement", "current tax"): ("income", "tax"),
    ("cash_flow_statement", "repayment of debt"): ("cash_flow", "repayment"),
    ("cash_flow_statement", "systems"): ("cash_flow", "hardware"),
    ("balance_sheet", "debt"): ("debt_service", "closing debt"),
}


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_one_figure_for_one_thing(seed: int) -> None:
    """What two tables call by one name has one value; where names differ, it is said above."""
    amounts = any_plan(rich(seed), seed)
    labels = amounts.case.horizon.labels
    tables = {**market.statements(amounts), **treasury_tables(amounts)}

    def values(table: str) -> dict[str, np.ndarray]:
        found = tables[table]
        rows = {r.text("line"): np.array([r.number(label) for label in labels]) for r in found.records()}
        return {**dict.fromkeys(found.left_out, np.zeros(len(labels))), **rows}

    shared = 0
    for one, other in PAIRS:
        ours, theirs = values(one), values(other)
        for name in set(ours) & set(theirs):
            assert ours[name] == pytest.approx(theirs[name], abs=2e-9 * max(1.0, np.abs(ours[name]).max())), (one, name)
            shared += 1
    assert shared >= 25
    for (table, name), (other, same) in SAME.items():
        assert values(table)[name] == pytest.approx(values(other)[same], abs=1e-8), (table, name)
    # the sums of the two balance sheets are called by other names, since they are other figures
    totals = {"total assets", "total liabilities", "closing equity", "total liabilities and equity"}
    assert totals <= set(values("balance_sheet"))
    assert not totals & set(values("balance_sheet_at_market"))
    assert values("cash_flow")["proceeds of financing"] == pytest.approx(values("debt_service")["gross proceeds"])


def test_deferred_tax_at_the_end_is_what_the_plan_owes_for_early_write_offs() -> None:
    """Where nothing else comes at another time: no debt is raised, so no fee is spread."""
    case = starter()
    tax = Tax(rate=0.25, loss_use=0.8, opening_losses=0.01, systems=WriteOff(method="macrs5", bonus=0.4))
    plan = planned(replace(case, tax=tax, instrument=(), covenant=(), risk=case.risk[:1]))
    labels = plan.case.horizon.labels
    owed = line(plan.tables["balance_sheet"], "deferred tax liability", labels)
    behind = plan.tables["beyond_horizon"].series(Account.DEFERRED_TAX.label)
    assert owed[-1] > 1e-3
    assert owed[-1] == pytest.approx(-behind[0], rel=1e-9)
    # Taken together, tax is the rate on what the books have earned and losses have not offset.
    income = plan.tables["income_statement"]
    paid = -line(income, "current tax", labels).sum() - line(income, "deferred tax", labels).sum()
    before = line(income, "profit before tax", labels).sum()
    pool = plan.tables["income"].series("loss carryforward at the end")[-1]
    assert paid == pytest.approx(0.25 * (before - 0.01 + pool) + (owed[-1] - 0.25 * max(_ahead(plan) - pool, 0.0)))


def _ahead(plan: Plan) -> float:
    income, tax = plan.tables["income_statement"], plan.tables["income"]
    labels = plan.case.horizon.labels
    return float((line(income, "profit before tax", labels) - line(tax, "taxable income", labels)).sum())


def test_opening_bills_are_in_the_opening_balance_sheet() -> None:
    """What a customer has paid ahead before the plan began is owed to him, what he owes is an asset."""
    case = starter()
    deal = replace(case.contract[0], opening_volume=5_000.0, opening_term=6)
    start = {}
    for days, receivable in ((None, 0.0), (-91.25, 0.0), (30.0, 0.02)):
        paid = replace(deal, payment_days=days, opening_receivable=receivable)
        start[days] = consolidated(any_plan(replace(case, contract=(paid,)), 1)).opening_equity
        bill = 5_000.0 * paid.price * 2190.0 * 1e-9
    assert start[None] == pytest.approx(0.9 + case.opening.fleet[0].book_value + case.opening.site_book_value - 0.08)
    assert start[-91.25] == pytest.approx(start[None] - bill)
    assert start[30.0] == pytest.approx(start[None] + 0.02)
