"""Expected statements of a plan, all from the ledger's postings: cash flow, balance sheet, debt, income, compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...errors import CapmixError
from ...models.blocks.financing import is_debt, is_repaid
from ...models.blocks.revenue import billed_ahead
from ...models.ledger import (
    CASH_ACCOUNTS,
    OWED_AT_END,
    OWNED_AT_END,
    WORKING_CAPITAL_AT_END,
    Account,
    Decision,
    Group,
)
from ..arrays import FloatArray
from ..table import BILLION, Table
from .expected import Amounts
from .names import (
    BEYOND_HORIZON,
    CASH_FLOW,
    COMPUTE,
    CONTRACTS_TO_BILL,
    DEBT_SERVICE,
    INCOME,
    MARKET_BALANCE,
    OF_CASH,
    SUM,
    BalanceRow,
    CashRow,
    ComputeLines,
    ComputeRow,
    DebtRow,
    IncomeRow,
    Line,
    Lines,
    cash_flow_of,
)
from .tabulate import wide

CLOSING = 1e-6
AS_BALANCES = (Account.TERMINAL_DEBT, Account.PAYABLES_AT_END)
"""What is owed at the end and stands in a balance of its own before it."""
NEW_BALANCES = (Account.ADVANCES, Account.PAYABLE)
"""What is owed while running, in rows that are left out where there is none of it."""
UNUSUAL = (Account.DEFERRED_TAX, *WORKING_CAPITAL_AT_END)
"""Rows of beyond_horizon that are left out where there is none of it."""
SHORT: dict[Account, str] = {Account.DEBT: BalanceRow.DEBT, Account.LEASES: BalanceRow.LEASES}
SECTIONS = (Group.OPERATING, Group.INVESTING, Group.FINANCING, Group.TAX)


class StatementError(CapmixError, RuntimeError):
    """A statement does not close: the ledger and the linear program disagree. A fault of capmix, not of the case."""


def check_closing(amounts: Amounts, cash: FloatArray, times: Sequence[int] | None = None) -> None:
    """StatementError unless closing cash of the postings is the linear program's cash (T,) to 1e-6 relative, in these
    periods, or in all.
    """
    flows = max(1.0, float(np.max(np.abs(amounts.table[: len(CASH_ACCOUNTS)]), initial=0.0)))
    scale = np.maximum(np.maximum(np.abs(cash), np.abs(amounts.cash)), flows)
    near = np.abs(amounts.cash - cash) <= CLOSING * scale
    wrong = np.array([t for t in (range(cash.size) if times is None else times) if not near[t]], dtype=np.int64)
    if wrong.size:
        t = int(wrong[0])
        raise StatementError(
            f"closing cash of {amounts.labels[t]} is {amounts.cash[t]:.9g} billion by the ledger "
            f"but {cash[t]:.9g} billion in the linear program"
        )


def statements(amounts: Amounts) -> dict[str, Table]:
    """The tables cash_flow, balance_sheet_at_market, debt_service, income, compute and beyond_horizon."""
    tables = (
        _cash_flow(amounts),
        _balance_sheet(amounts),
        _debt_service(amounts),
        _income(amounts),
        _compute(amounts),
        _beyond_horizon(amounts),
    )
    return {table.name: table for table in tables}


def _cash_flow(amounts: Amounts) -> Table:
    rows: list[tuple[tuple[str, ...], FloatArray]] = [((CashRow.START, OF_CASH), amounts.cash_before)]
    idle = set[str]()
    for group in SECTIONS:
        accounts = [a for a in CASH_ACCOUNTS if a.group is group]
        rows += [((a.label, group.value), amounts.of(a)) for a in accounts if np.any(amounts.of(a))]
        idle |= {a.label for a in accounts if not np.any(amounts.of(a))}
        rows.append(((cash_flow_of(group), SUM), amounts.of(*accounts)))
    rows.append(((CashRow.INTEREST, OF_CASH), amounts.interest_income))
    rows.append(((CashRow.CHANGE, SUM), amounts.cash - amounts.cash_before))
    rows.append(((CashRow.END, OF_CASH), amounts.cash))
    return wide(CASH_FLOW, "Expected cash flow", tuple(Lines), rows, amounts.labels, BILLION, "money", left_out=idle)


def _balance_sheet(amounts: Amounts) -> Table:
    """At market value: what is owned and what is owed then. Equity in the last period is what terminal_equity tests.

    Shareholders' equity is their claim, against debt at its balance; what market rates, steps of coupons, rents and
    contracts beyond the horizon add to equity stands beside it.
    """
    systems, sites = amounts.of(Account.HARDWARE_VALUE), amounts.of(Account.SITE_VALUE)
    owed = {SHORT.get(a, a.label): amounts.of(a) for a in (Account.DEBT, Account.LEASES, Account.UNEARNED)}
    running_owed = {a.label: amounts.of(a) for a in NEW_BALANCES}
    owed |= {label: values for label, values in running_owed.items() if np.any(values)}
    outside, receivable = amounts.of(Account.EQUITY), amounts.of(Account.RECEIVABLE)
    own = amounts.cash + systems + sites + receivable - np.sum(list(owed.values()), axis=0) - outside
    running = amounts.of(Account.CONTRACTS_AHEAD)
    ahead = {a.label: -amounts.of(a) for a in OWED_AT_END if a not in AS_BALANCES}
    ahead[Account.DEFERRED.label] += amounts.part(Account.DEFERRED, _of_equity(amounts))
    owed |= {label: values for label, values in ahead.items() if np.any(values)}
    owned = {Account.RECEIVABLE.label: receivable, Account.CONTRACTS_AHEAD.label: running}
    idle = {label for label, values in (running_owed | ahead | owned).items() if not np.any(values)}
    assets, liabilities = amounts.cash + systems + sites + receivable + running, np.sum(list(owed.values()), axis=0)
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((BalanceRow.CASH, BalanceRow.ASSETS), amounts.cash),
        ((BalanceRow.SYSTEMS, BalanceRow.ASSETS), systems),
        ((BalanceRow.SITES, BalanceRow.ASSETS), sites),
        *(((label, BalanceRow.ASSETS), values) for label, values in owned.items() if np.any(values)),
        ((BalanceRow.ASSETS, SUM), assets),
        *(((label, BalanceRow.LIABILITIES), values) for label, values in owed.items()),
        ((BalanceRow.LIABILITIES, SUM), liabilities),
        ((BalanceRow.OUTSIDE, BalanceRow.EQUITY), outside),
        ((BalanceRow.OWN, BalanceRow.EQUITY), own),
        ((BalanceRow.BEYOND, BalanceRow.EQUITY), assets - liabilities - outside - own),
        ((BalanceRow.EQUITY, SUM), assets - liabilities),
        ((BalanceRow.BOTH, SUM), liabilities + (assets - liabilities)),
    ]
    title = "Expected balance sheet at market value, at each period's end"
    return wide(MARKET_BALANCE, title, tuple(Lines), rows, amounts.labels, BILLION, "money", left_out=idle)


def _of_equity(amounts: Amounts) -> Callable[[Decision], bool]:
    equity = {i.id for i in amounts.case.instrument if not is_repaid(i)}
    return lambda decision: decision.tags.get("instrument") in equity


def _debt_service(amounts: Amounts) -> Table:
    """debt at the start + raised as debt + accretion - repayment = debt at the end."""
    interest, principal, fees = (-amounts.of(a) for a in (Account.INTEREST, Account.PRINCIPAL, Account.FEES))
    available = amounts.of(*(a for a in CASH_ACCOUNTS if a.group is Group.OPERATING))
    debts = {i.id for i in amounts.case.instrument if is_debt(i)}
    debt = amounts.of(Account.DEBT)
    opening = sum(d.amount for d in amounts.case.opening.debt)

    def of_debt(decision: Decision) -> bool:
        return decision.tags.get("instrument") in debts

    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((DebtRow.PROCEEDS,), amounts.of(Account.PROCEEDS)),
        ((Account.FEES.label,), fees),
        ((Account.INTEREST.label,), interest),
        ((Account.PRINCIPAL.label,), principal),
        ((DebtRow.SERVICE,), interest + principal),
        ((DebtRow.OPERATING,), available),
        ((DebtRow.START,), np.concatenate([[opening], debt[:-1]])),
        ((DebtRow.OF_DEBT,), amounts.part(Account.PROCEEDS, of_debt)),
        ((DebtRow.ACCRETION,), -amounts.part(Account.ACCRETION, of_debt)),
        ((DebtRow.END,), debt),
    ]
    return wide(DEBT_SERVICE, "Expected debt service", tuple(Line), rows, amounts.labels, BILLION, "money")


def _income(amounts: Amounts) -> Table:
    """Revenue to EBITDA, EBITDA to taxable income, and taxable income to tax."""
    ebitda = [a for a in Account if a.ebitda]
    below = [a for a in Account if a.taxable and not a.ebitda]
    elsewhere = amounts.of(*(a for a in ebitda if not a.taxable))
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((a.label,), amounts.of(a)) for a in ebitda if np.any(amounts.of(a))
    ]
    idle = {a.label for a in ebitda if not np.any(amounts.of(a))}
    rows.append(((IncomeRow.EBITDA,), amounts.of(*ebitda)))
    if np.any(elsewhere):
        rows.append(((IncomeRow.ELSEWHERE,), -elsewhere))
    else:
        idle.add(IncomeRow.ELSEWHERE)
    rows += [((a.label,), amounts.of(a)) for a in below if a is not Account.FEES_SPREAD or np.any(amounts.of(a))]
    idle |= {a.label for a in (Account.FEES_SPREAD,) if not np.any(amounts.of(a))}
    rows.append(((IncomeRow.INTEREST,), amounts.interest_income))
    rows += _after_limit(amounts)
    rows += _tax(amounts)
    return wide(INCOME, "Expected income", tuple(Line), rows, amounts.labels, BILLION, "money", left_out=idle)


def _after_limit(amounts: Amounts) -> list[tuple[tuple[str, ...], FloatArray]]:
    """Taxable income, and before it what a limit on interest does to it."""
    income, tax, found = amounts.taxable_income, amounts.case.tax, amounts.assessed
    if found is None or tax is None or tax.interest_limit is None:
        return [((IncomeRow.TAXABLE,), income)]
    return [
        ((IncomeRow.BEFORE_LIMIT,), income),
        ((IncomeRow.PUT_OFF,), amounts.put_off),
        ((IncomeRow.TAXABLE,), income + amounts.put_off),
        ((IncomeRow.INTEREST_CARRIED,), found.waiting),
    ]


def _tax(amounts: Amounts) -> list[tuple[tuple[str, ...], FloatArray]]:
    """From taxable income to tax; profit that is taxed is what the tax paid is due on."""
    paid, found, tax = amounts.of(Account.TAX), amounts.assessed, amounts.case.tax
    if found is None or tax is None:
        return [((Account.TAX.label,), paid)]
    profit, loss = amounts.profit, amounts.deficit
    taxed = -paid / tax.rate if tax.rate > 0.0 else profit - found.used
    used = profit - taxed
    return [
        ((IncomeRow.LOSS,), loss),
        ((IncomeRow.USED,), -used),
        ((IncomeRow.TAXED,), taxed),
        ((Account.TAX.label,), paid),
        ((IncomeRow.CARRIED,), tax.opening_losses + np.cumsum(loss - used)),
    ]


def _beyond_horizon(amounts: Amounts) -> Table:
    """What is owned and owed at the end beyond balances; last, how much hangs on the contracts that run on.

    Power, operation and support are not taken off the bills: a takeover_share is what is left after them.
    """
    billed = 0.0
    contracts = {c.id: c for c in amounts.case.contract}
    for decision, amount in amounts.decisions("contract", "fixed"):
        if (contract := contracts.get(decision.tags.get("contract", ""))) is not None:
            billed += amount * billed_ahead(amounts.case, contract, decision)
    lines = (*OWNED_AT_END, *OWED_AT_END, Account.DILUTION)
    idle = {a.label for a in UNUSUAL if not np.any(amounts.of(a))}
    rows = [((a.label,), amounts.of(a)[-1:]) for a in lines if a.label not in idle]
    rows.append(((CONTRACTS_TO_BILL,), np.array([billed])))
    title = "Assets and liabilities beyond the horizon"
    return wide(BEYOND_HORIZON, title, tuple(Line), rows, amounts.labels[-1:], BILLION, "money", left_out=idle)


def _compute(amounts: Amounts) -> Table:
    dt = amounts.case.horizon.dt
    served = amounts.of(Account.COMPUTE)
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((ComputeRow.SERVED, "PFLOP/s"), served),
        ((ComputeRow.DELIVERED, "PFLOP/s-years"), served * dt),
        ((ComputeRow.CUMULATIVE, "PFLOP/s-years"), np.cumsum(served) * dt),
        ((ComputeRow.SYSTEMS, "systems"), amounts.of(Account.SYSTEMS)),
        ((ComputeRow.POWER, "MW"), amounts.of(Account.IT_POWER)),
    ]
    title = f"Expected compute ({amounts.case.objective.metric}, dense)"
    return wide(COMPUTE, title, tuple(ComputeLines), rows, amounts.labels, "", "number")
