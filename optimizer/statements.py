"""Expected statements of a plan, all from the ledger's postings: cash flow, balance sheet, debt, income, compute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..models.ledger import CASH_ACCOUNTS, Account, Group
from .amounts import Amounts
from .plan import Table
from .tabulate import wide

FloatArray = NDArray[np.float64]

BILLION = "billion"
CLOSING = 1e-6


class StatementError(RuntimeError):
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
    """The tables cash_flow, balance_sheet, debt_service, income and compute."""
    tables = (
        _cash_flow(amounts),
        _balance_sheet(amounts),
        _debt_service(amounts),
        _income(amounts),
        _compute(amounts),
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
    systems, sites = amounts.of(Account.HARDWARE_VALUE), amounts.of(Account.SITE_VALUE)
    debt = amounts.of(Account.DEBT)
    assets = amounts.cash + systems + sites
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        (("cash",), amounts.cash),
        (("systems at market value",), systems),
        (("sites",), sites),
        (("assets",), assets),
        (("debt",), debt),
        (("assets less debt",), assets - debt),
    ]
    return wide(
        "balance_sheet",
        "Expected balance sheet at each period's end",
        ("line",),
        rows,
        amounts.labels,
        BILLION,
        "money",
    )


def _debt_service(amounts: Amounts) -> Table:
    interest, principal, fees = (-amounts.of(a) for a in (Account.INTEREST, Account.PRINCIPAL, Account.FEES))
    available = amounts.of(*(a for a in CASH_ACCOUNTS if a.group is Group.OPERATING))
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        (("raised",), amounts.of(Account.PROCEEDS)),
        (("fees and issue discount",), fees),
        (("interest",), interest),
        (("repayment",), principal),
        (("debt service",), interest + principal),
        (("operating cash flow",), available),
        (("debt at the end",), amounts.of(Account.DEBT)),
    ]
    return wide("debt_service", "Expected debt service", ("line",), rows, amounts.labels, BILLION, "money")


def _income(amounts: Amounts) -> Table:
    ebitda = [a for a in Account if a.ebitda]
    below = [a for a in Account if a.taxable and not a.ebitda]
    rows: list[tuple[tuple[str, ...], FloatArray]] = [
        ((a.label,), amounts.of(a)) for a in ebitda if np.any(amounts.of(a))
    ]
    rows.append((("EBITDA",), amounts.of(*ebitda)))
    rows += [((a.label,), amounts.of(a)) for a in below]
    rows.append((("interest on cash",), amounts.interest_income))
    rows.append((("taxable income",), taxable_income(amounts)))
    rows.append((("tax",), amounts.of(Account.TAX)))
    return wide("income", "Expected income", ("line",), rows, amounts.labels, BILLION, "money")


def taxable_income(amounts: Amounts) -> FloatArray:
    """(T,) expected taxable income before losses carried forward, billion."""
    return amounts.of(*(a for a in Account if a.taxable)) + amounts.interest_income


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
