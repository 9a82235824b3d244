"""The books of a company on the expected path: income, balance sheet, cash flow, changes in equity; they articulate.

Every posting of cash stands in one of income, an asset, a liability or equity, so assets = liabilities + equity follows
and is checked: equity is carried forward from income, assets and liabilities are what stands in the ledger. All lines
but deferred tax are sums of expected postings, linear in the scenarios, so they articulate on the mean as they do in
each scenario; deferred tax follows from the expected income, as the tax that is paid does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.ledger import Account
from ...arrays import FloatArray
from ..expected import Amounts
from ..statements import StatementError
from .company import Company
from .deferred_tax import deferred_tax
from .names import BookRow, CashLine, EquityLine, IncomeLine
from .postings import rolled

EBITDA = tuple(a for a in Account if a.ebitda)
CLOSING = 1e-9
"""What a statement may be off by, of the largest of its sums, flows and one billion."""

Lines = dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Books:
    """Statements of one company, or of all together: (T,) billion by line in order, costs and outflows negative.

    income, cash and equity hold their sums among the lines; assets, liabilities and owners, which are the balance
    sheet, do not. opening_equity: at the start, billion.
    """

    income: Lines
    cash: Lines
    equity: Lines
    assets: Lines
    liabilities: Lines
    owners: Lines
    opening_equity: float


def added(lines: Lines) -> FloatArray:
    """(T,) sum of all lines."""
    return np.asarray(np.sum(list(lines.values()), axis=0))


def consolidated(amounts: Amounts) -> Books:
    """The books of all companies together. StatementError if they do not close."""
    return _books(Company(amounts), None, "the company")


def by_entity(amounts: Amounts, group: Books) -> dict[str, Books]:
    """The books of each entity by its id, in the case's order; none where the case has no entities.

    Tax and deferred tax are the parent's. A company that an entity owns is an asset of it at cost: its equity at the
    start and what was contributed since; what it distributes is income (IAS 27.10 and 27.12). StatementError.
    """
    nothing = np.zeros(amounts.periods)
    return {
        e.id: _books(
            Company(amounts, e), group.liabilities[BookRow.DEFERRED] if e.kind == "parent" else nothing,
            f"entity {e.id}",
        )
        for e in amounts.case.entity
    }  # fmt: skip


def _books(own: Company, deferred: FloatArray | None, name: str) -> Books:
    """deferred: (T,) tax that is owed for later; None to find that of the group."""
    income = _income(own, deferred)
    tax_ahead = np.cumsum(-income[IncomeLine.DEFERRED])
    equity = _changes(own, income)
    assets, liabilities = _assets(own), _liabilities(own, tax_ahead)
    cash = _cash_flow(own, income)
    books = Books(income, cash, equity, assets, liabilities, _owners(own, equity), own.equity_at_start)
    _check(books, own, name)
    return books


def _income(own: Company, deferred: FloatArray | None) -> Lines:
    """Presented by nature (IAS 1.102); interest, rent of leases and fees as a cost of money."""
    lines: Lines = {a.label: own.of(a) for a in EBITDA}
    rent = own.of(Account.RENT)
    lines[IncomeLine.EBITDA] = added(lines)
    below: Lines = {
        IncomeLine.DEPRECIATION_SYSTEMS: -own.held.depreciation_systems,
        IncomeLine.DEPRECIATION_SITES: -own.held.depreciation_sites,
        IncomeLine.GAIN: own.of(Account.SALVAGE),
        IncomeLine.LEASES: -rent,
        IncomeLine.REST: own.of(Account.ORGANIC) - own.of(Account.ORGANIC_EBITDA),
    }
    lines |= below
    lines[IncomeLine.OPERATING_PROFIT] = lines[IncomeLine.EBITDA] + added(below)
    below = {
        IncomeLine.INTEREST: own.of(Account.INTEREST),
        IncomeLine.LEASE_INTEREST: rent + own.lease_repayment,
        IncomeLine.ACCRETION: own.of(Account.ACCRETION),
        IncomeLine.FEES: -own.fee.written_off,
        IncomeLine.COMMITMENT: -own.fee.running,
        IncomeLine.ON_CASH: own.interest_on_cash,
        IncomeLine.FROM_COMPANIES: own.from_companies,
    }
    lines |= below
    lines[IncomeLine.BEFORE_TAX] = lines[IncomeLine.OPERATING_PROFIT] + added(below)
    if deferred is None:
        taxed_here = lines[IncomeLine.BEFORE_TAX] - own.of(Account.ORGANIC)
        deferred = deferred_tax(own.amounts, taxed_here, own.fee.deducted_of_equity)
    below = {IncomeLine.TAX: own.of(Account.TAX), IncomeLine.DEFERRED: -np.diff(deferred, prepend=0.0)}
    lines |= below
    lines[IncomeLine.NET_INCOME] = lines[IncomeLine.BEFORE_TAX] + added(below)
    return lines


def _assets(own: Company) -> Lines:
    return {
        BookRow.CASH: own.cash,
        BookRow.RECEIVABLES: own.of(Account.RECEIVABLE),
        BookRow.SYSTEMS: own.held.systems,
        BookRow.SITES: own.held.sites,
        BookRow.CONSTRUCTION: own.held.construction,
        BookRow.RIGHTS: own.of(Account.SITE_LEASES),
        BookRow.COMPANIES: own.companies_at_start + np.cumsum(own.to_companies),
    }


def _liabilities(own: Company, tax_ahead: FloatArray) -> Lines:
    """Leased sites: rents are level, so the right to use one is worth what is owed for it and their cost is the rent
    (an operating lease of ASC 842-20-25-6 and 842-20-35-3).
    """
    return {
        BookRow.PAYABLES: own.of(Account.PAYABLE),
        BookRow.ADVANCES: own.of(Account.ADVANCES),
        BookRow.UNEARNED: own.of(Account.UNEARNED),
        BookRow.DEBT: own.of(Account.DEBT),
        BookRow.FEES: -own.fee.left,
        BookRow.LEASES: own.of(Account.LEASES),
        BookRow.SITE_LEASES: own.of(Account.SITE_LEASES),
        BookRow.DEFERRED: tax_ahead,
    }


def _changes(own: Company, income: Lines) -> Lines:
    changes: Lines = {
        EquityLine.NET_INCOME: income[IncomeLine.NET_INCOME],
        EquityLine.DIVIDENDS: own.of(Account.DIVIDENDS),
        EquityLine.ISSUED: own.proceeds(own.of_equity),
        EquityLine.ISSUE_COSTS: -own.fee.of_equity,
        EquityLine.CONTRIBUTED: own.from_owner,
        EquityLine.DISTRIBUTED: -own.to_owner,
    }
    closing = own.equity_at_start + np.cumsum(added(changes))
    return {EquityLine.START: rolled(own.equity_at_start, closing), **changes, EquityLine.END: closing}


def _owners(own: Company, equity: Lines) -> Lines:
    """Outside equity at what its holders are owed; what that grows by comes off the profits kept (IAS 33.14)."""
    outside = own.of(Account.EQUITY)
    paid_in = np.cumsum(own.from_owner - own.to_owner)
    kept = equity[EquityLine.NET_INCOME] + equity[EquityLine.DIVIDENDS] + equity[EquityLine.ISSUE_COSTS]
    grown = np.diff(outside, prepend=0.0) - equity[EquityLine.ISSUED]
    return {
        BookRow.OUTSIDE: outside,
        BookRow.AT_START: np.full(own.periods, own.equity_at_start),
        BookRow.CONTRIBUTED: paid_in,
        BookRow.RETAINED: np.cumsum(kept - grown),
    }


def _cash_flow(own: Company, income: Lines) -> Lines:
    """Indirect, interest and tax as operating (ASC 230-10-45-17 and 45-28), upfront fees as financing (45-15)."""
    held, fee = own.held, own.fee
    sections: dict[str, Lines] = {
        CashLine.OPERATING: {
            CashLine.NET_INCOME: income[IncomeLine.NET_INCOME],
            CashLine.DEPRECIATION: held.depreciation_systems + held.depreciation_sites,
            CashLine.GAIN: -income[IncomeLine.GAIN],
            CashLine.ACCRETION: -income[IncomeLine.ACCRETION],
            CashLine.FEES: fee.written_off,
            CashLine.DEFERRED: -income[IncomeLine.DEFERRED],
            CashLine.RECEIVABLES: own.of(Account.RECEIVABLES),
            CashLine.BAD_DEBTS: -own.of(Account.BAD_DEBTS),
            CashLine.PAYABLES: own.of(Account.PAYABLES),
            CashLine.UNEARNED: own.of(Account.PREPAYMENT),
        },
        CashLine.INVESTING: {
            CashLine.SYSTEMS: own.of(Account.HARDWARE),
            CashLine.SITES: own.of(Account.SITES),
            CashLine.SALES: own.of(Account.SALVAGE),
            CashLine.TO_COMPANIES: -own.to_companies,
        },
        CashLine.FINANCING: {
            CashLine.DRAWN: own.proceeds(~own.of_leases & ~own.of_equity),
            CashLine.LEASED: own.proceeds(own.of_leases),
            CashLine.ISSUED: own.proceeds(own.of_equity),
            CashLine.FEES_PAID: -fee.paid,
            CashLine.ISSUE_COSTS: -fee.of_equity,
            CashLine.REPAID: own.of(Account.PRINCIPAL),
            CashLine.LEASES_REPAID: -own.lease_repayment,
            CashLine.DIVIDENDS: own.of(Account.DIVIDENDS),
            CashLine.CONTRIBUTED: own.from_owner,
            CashLine.DISTRIBUTED: -own.to_owner,
        },
    }
    lines: Lines = {}
    change = np.zeros(own.periods)
    for name, section in sections.items():
        lines |= {**section, name: added(section)}
        change = change + added(section)
    end = own.opening_cash() + np.cumsum(change)
    return {**lines, CashLine.CHANGE: change, CashLine.START: rolled(own.opening_cash(), end), CashLine.END: end}


def _check(books: Books, own: Company, name: str) -> None:
    """StatementError unless the balance sheet balances and the cash flow ends with the cash of the ledger."""
    owned, owed, claim = added(books.assets), added(books.liabilities), added(books.owners)
    flows = [np.abs(values) for values in (*books.cash.values(), *books.income.values(), owned, owed, claim)]
    scale = max(1.0, float(np.max(flows)))
    for what, values in (
        ("assets differ from liabilities and equity", owned - owed - claim),
        ("equity differs from what it was and what changed it", claim - books.equity[EquityLine.END]),
        ("the cash flow statement ends with other cash than the ledger", books.cash[CashLine.END] - own.cash),
    ):
        wrong = np.flatnonzero(~(np.abs(values) <= CLOSING * scale))
        if wrong.size:
            label, off = own.amounts.labels[int(wrong[0])], values[wrong[0]]
            raise StatementError(f"books of {name}: {what} by {off:.3g} billion at the end of {label}")
