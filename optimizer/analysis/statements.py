"""Expected statements of a plan, all from the ledger's postings: cash flow, balance sheet, debt, income, compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

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
from ..plan import Table
from .expected import Amounts
from .tabulate import wide

FloatArray = NDArray[np.float64]

BILLION = "billion"
CLOSING = 1e-6
_AS_BALANCES = (Account.TERMINAL_DEBT, Account.PAYABLES_AT_END)
"""What is owed at the end and stands in a balance of its own before it."""
SHORT = {Account.DEBT.label: "debt", Account.LEASES.label: "lease liabilities"}


class StatementError(CapmixError, RuntimeError):
    """A statement does not close: the ledger and the linear program disagree. A fault of capmix, not of the case."""


def check_closing(amounts: Amounts, cash: FloatArray) -> None:
    """StatementError unless closing cash of the postings is the linear program's cash (T,) to 1e-6 relative."""
    flows = max(1.0, float(np.max(np.abs(amounts.table[: len(CASH_ACCOUNTS)]), initial=0.0)))
    scale = np.maximum(np.maximum(np.abs(cash), np.abs(amounts.cash)), flows)
    wrong = np.flatnonzero(~(np.abs(amounts.cash - cash) <= CLOSING * scale))
    if wrong.size:
        t = int(wrong[0])
        raise StatementError(
            f"cash at the end of {amounts.labels[t]} is {amounts.cash[t]:.9g} billion by the ledger "
            f"but {cash[t]:.9g} billion in the linear program"
        )


def statements(amounts: Amounts) -> dict[str, Table]:
    """The tables cash_flow, balance_sheet, debt_service, income, compute and behind_horizon."""
    tables = (
        _cash_flow(amounts),
        _balance_sheet(amounts),
        _debt_service(amounts),
        _income(amounts),
        _compute(amounts),
        _behind_horizon(amounts),
    )
    return {table.name: table for table in tables}


def _cash_flow(amounts: Amounts) -> Table:
    rows: list[tuple[tuple[str, ...], FloatArray]] = [(("cash at the start", "cash"), amounts.cash_before)]
    for group in (Group.OPERATING, Group.INVESTING, Group.FINANCING, Group.TAX):
        accounts = [a for a in CASH_ACCOUNTS if a.group is group]
        rows += [((a.label, group.value), amounts.of(a)) for a in accounts if np.any(amounts.of(a))]
        rows.append(((f"{group.value} cash flow", "sum"), amounts.of(*accounts)))
    rows.append((("interest on cash", "cash"), amounts.interest_income))
    rows.append((("net change in cash", "sum"), amounts.cash - amounts.cash_before))
    rows.append((("cash at the end", "cash"), amounts.cash))
    return wide("cash_flow", "Expected cash flow", ("line", "section"), rows, amounts.labels, BILLION, "money")


def _balance_sheet(amounts: Amounts) -> Table:
    """At market value: what is owned and what is owed then. Equity in the last period is what terminal_equity tests.

    Own equity is the shareholders' claim, against debt at its balance; what market rates, steps of coupons, rents and
    contracts behind the horizon add to equity stands beside it.
    """
    systems, sites = amounts.of(Account.HARDWARE_VALUE), amounts.of(Account.SITE_VALUE)
    owed = {a.label: amounts.of(a) for a in (Account.DEBT, Account.LEASES, Account.UNEARNED)}
    owed |= {a.label: amounts.of(a) for a in (Account.ADVANCES, Account.PAYABLE) if np.any(amounts.of(a))}
    outside, receivable = amounts.of(Account.EQUITY), amounts.of(Account.RECEIVABLE)
    own = amounts.cash + systems + sites + receivable - np.sum(list(owed.values()), axis=0) - outside
    running = amounts.of(Account.CONTRACTS_AHEAD)
    ahead = {a.label: -amounts.of(a) for a in OWED_AT_END if a not in _AS_BALANCES}
    ahead[Account.DEFERRED.label] += amounts.part(Account.DEFERRED, _of_equity(amounts))
    owed |= {label: values for label, values in ahead.items() if np.any(values)}
    assets, liabilities = amounts.cash + systems + sites + receivable + running, np.sum(list(owed.values()), axis=0)
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        (("cash", "assets"), amounts.cash),
        (("systems at market value", "assets"), systems),
        (("sites", "assets"), sites),
        *([((Account.RECEIVABLE.label, "assets"), receivable)] if np.any(receivable) else []),
        *([((Account.CONTRACTS_AHEAD.label, "assets"), running)] if np.any(running) else []),
        (("assets", "sum"), assets),
        *(((SHORT.get(label, label), "liabilities"), values) for label, values in owed.items()),
        (("liabilities", "sum"), liabilities),
        (("outside equity, at face value", "equity"), outside),
        (("own equity", "equity"), own),
        (("value of what lies behind the horizon", "equity"), assets - liabilities - outside - own),
        (("equity", "sum"), assets - liabilities),
        (("liabilities and equity", "sum"), liabilities + (assets - liabilities)),
    ]
    title = "Expected balance sheet at market value, at each period's end"
    return wide("balance_sheet", title, ("line", "section"), rows, amounts.labels, BILLION, "money")


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
        (("raised",), amounts.of(Account.PROCEEDS)),
        (("fees and issue discount",), fees),
        (("interest",), interest),
        (("repayment",), principal),
        (("debt service",), interest + principal),
        (("operating cash flow",), available),
        (("debt at the start",), np.concatenate([[opening], debt[:-1]])),
        (("raised as debt",), amounts.part(Account.PROCEEDS, of_debt)),
        (("accretion",), -amounts.part(Account.ACCRETION, of_debt)),
        (("debt at the end",), debt),
    ]
    return wide("debt_service", "Expected debt service", ("line",), rows, amounts.labels, BILLION, "money")


def _income(amounts: Amounts) -> Table:
    """Revenue to EBITDA, EBITDA to taxable income, and taxable income to tax."""
    ebitda = [a for a in Account if a.ebitda]
    below = [a for a in Account if a.taxable and not a.ebitda]
    elsewhere = amounts.of(*(a for a in ebitda if not a.taxable))
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((a.label,), amounts.of(a)) for a in ebitda if np.any(amounts.of(a))
    ]
    rows.append((("EBITDA",), amounts.of(*ebitda)))
    if np.any(elsewhere):
        rows.append((("less EBITDA that is taxed with the rest of the company",), -elsewhere))
    rows += [((a.label,), amounts.of(a)) for a in below if a is not Account.FEES_SPREAD or np.any(amounts.of(a))]
    rows.append((("interest on cash",), amounts.interest_income))
    rows += _after_limit(amounts)
    rows += _tax(amounts)
    return wide("income", "Expected income", ("line",), rows, amounts.labels, BILLION, "money")


def put_off(amounts: Amounts) -> FloatArray:
    """(T,) interest of the period that its limit keeps from income, less what was kept before and is deducted now."""
    found, tax = amounts.assessed, amounts.case.tax
    if found is None or tax is None or tax.interest_limit is None:
        return np.zeros(amounts.periods)
    return np.diff(found.waiting, prepend=tax.opening_interest)


def _after_limit(amounts: Amounts) -> list[tuple[tuple[str, ...], FloatArray]]:
    """Taxable income, and before it what a limit on interest does to it."""
    income, tax, found = amounts.taxable_income, amounts.case.tax, amounts.assessed
    if found is None or tax is None or tax.interest_limit is None:
        return [(("taxable income",), income)]
    return [
        (("income before the limit on interest",), income),
        (("interest put off, less what is deducted later",), put_off(amounts)),
        (("taxable income",), income + put_off(amounts)),
        (("interest carried forward at the end",), found.waiting),
    ]


def _tax(amounts: Amounts) -> list[tuple[tuple[str, ...], FloatArray]]:
    """From taxable income to tax; profit that is taxed is what the tax paid is due on."""
    paid, found, tax = amounts.of(Account.TAX), amounts.assessed, amounts.case.tax
    if found is None or tax is None:
        return [(("tax",), paid)]
    income = amounts.taxable_income + put_off(amounts)
    taxed = -paid / tax.rate if tax.rate > 0.0 else np.maximum(income, 0.0) - found.used
    used, loss = np.maximum(income, 0.0) - taxed, np.maximum(-income, 0.0)
    return [
        (("loss of the period, carried forward",), loss),
        (("carried losses used",), -used),
        (("taxed profit",), taxed),
        (("tax",), paid),
        (("carried losses at the end",), tax.opening_losses + np.cumsum(loss - used)),
    ]


def _behind_horizon(amounts: Amounts) -> Table:
    """What is owned and owed at the end beyond balances; last, how much hangs on the contracts that run on.

    Power, operation and support are not taken off the bills: a takeover_share is what is left after them.
    """
    billed = 0.0
    contracts = {c.id: c for c in amounts.case.contract}
    for decision, amount in amounts.decisions("sign", "fixed"):
        if (contract := contracts.get(decision.tags.get("contract", ""))) is not None:
            billed += amount * billed_ahead(amounts.case, contract, decision)
    unusual = (Account.DEFERRED_TAX, *WORKING_CAPITAL_AT_END)
    lines = (*OWNED_AT_END, *OWED_AT_END, Account.DILUTION)
    rows = [((a.label,), amounts.of(a)[-1:]) for a in lines if a not in unusual or np.any(amounts.of(a))]
    rows.append(
        (("contracts still to be billed, discounted: their value with a takeover_share of 1",), np.array([billed]))
    )
    title = "Behind the horizon: what is owned and owed at its end"
    return wide("behind_horizon", title, ("line",), rows, amounts.labels[-1:], BILLION, "money")


def _compute(amounts: Amounts) -> Table:
    dt = amounts.case.horizon.dt
    served = amounts.of(Account.COMPUTE)
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        (("compute in service", "PFLOP/s"), served),
        (("compute delivered", "PFLOP/s-years"), served * dt),
        (("compute delivered so far", "PFLOP/s-years"), np.cumsum(served) * dt),
        (("systems in service", "systems"), amounts.of(Account.SYSTEMS)),
        (("IT power", "MW"), amounts.of(Account.IT_POWER)),
    ]
    title = f"Expected compute ({amounts.case.objective.metric}, dense)"
    return wide("compute", title, ("line", "unit"), rows, amounts.labels, "", "number")
