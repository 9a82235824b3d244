"""What the treasury tables, their columns and their rows are called, as `analysis/names.py` has it of others."""

from __future__ import annotations

from enum import StrEnum

INCOME_STATEMENT, BOOK_CASH_FLOW, BOOK_BALANCE = "income_statement", "cash_flow_statement", "balance_sheet"
CHANGES_IN_EQUITY = "changes_in_equity"
ENTITY_INCOME, ENTITY_BOOK_CASH_FLOW = "entity_income_statement", "entity_cash_flow_statement"
ENTITY_BALANCE, ENTITY_CHANGES = "entity_balance_sheet", "entity_changes_in_equity"


class EntityLines(StrEnum):
    """Of the statements of each entity."""

    ENTITY = "entity"
    LINE = "line"
    SECTION = "section"


class Section(StrEnum):
    """Of a statement's rows: a section's last row is its sum and bears the section `sum`."""

    EBITDA = "EBITDA"
    OPERATING_PROFIT = "operating profit"
    BEFORE_TAX = "profit before tax"
    NET_INCOME = "net income"
    ASSETS = "assets"
    LIABILITIES = "liabilities"
    EQUITY = "equity"
    OPERATING = "cash from operating activities"
    INVESTING = "cash from investing activities"
    FINANCING = "cash from financing activities"
    CASH = "cash"


class IncomeLine(StrEnum):
    """Rows of income_statement below the accounts of EBITDA."""

    EBITDA = "EBITDA"
    DEPRECIATION_SYSTEMS = "depreciation of systems"
    DEPRECIATION_SITES = "depreciation of sites"
    GAIN = "gain on the sale of systems"
    LEASES = "rent within EBITDA that pays lease liabilities and their interest"
    REST = "rest of the company, from its EBITDA to its cash flow"
    OPERATING_PROFIT = "operating profit"
    INTEREST = "interest on debt"
    LEASE_INTEREST = "interest on leases"
    ACCRETION = "accretion (pay-in-kind interest)"
    FEES = "fees and issue discount, spread over the life of the debt"
    COMMITMENT = "commitment fees"
    ON_CASH = "interest on cash"
    FROM_COMPANIES = "dividends from companies of the group"
    BEFORE_TAX = "profit before tax"
    TAX = "current tax"
    DEFERRED = "deferred tax"
    NET_INCOME = "net income"


class BookRow(StrEnum):
    """Rows of balance_sheet."""

    CASH = "cash"
    RECEIVABLES = "receivables"
    SYSTEMS = "systems, at cost less depreciation"
    SITES = "sites, at cost less depreciation"
    CONSTRUCTION = "construction in progress and deposits on systems"
    RIGHTS = "rights to use leased sites"
    COMPANIES = "investments in companies of the group"
    ASSETS = "assets"
    PAYABLES = "payables"
    ADVANCES = "bills that customers have paid ahead"
    UNEARNED = "prepayments not yet earned"
    DEBT = "debt, at its balance"
    FEES = "less fees and issue discount not yet written off"
    LEASES = "lease liabilities"
    SITE_LEASES = "lease liabilities of sites"
    DEFERRED = "deferred tax liability"
    LIABILITIES = "liabilities"
    OUTSIDE = "outside equity"
    AT_START = "own equity at the start"
    CONTRIBUTED = "contributed by its owner, less distributions"
    RETAINED = "accumulated profit or loss since the start"
    EQUITY = "closing equity"
    BOTH = "liabilities and equity"


class CashLine(StrEnum):
    """Rows of cash_flow_statement."""

    NET_INCOME = "net income"
    DEPRECIATION = "depreciation"
    GAIN = "less gain on the sale of systems"
    ACCRETION = "accretion, which is not paid"
    FEES = "fees and issue discount written off"
    DEFERRED = "deferred tax"
    RECEIVABLES = "change in receivables and customers' advances"
    PAYABLES = "change in payables for operation"
    UNEARNED = "change in prepayments not yet earned"
    OPERATING = "cash from operating activities"
    SYSTEMS = "systems"
    SITES = "sites"
    SALES = "sale of retired systems"
    TO_COMPANIES = "contributions to companies of the group"
    INVESTING = "cash from investing activities"
    DRAWN = "debt issued and drawn"
    LEASED = "leases drawn"
    ISSUED = "outside equity issued"
    FEES_PAID = "upfront fees and issue discount"
    ISSUE_COSTS = "costs of issuing equity"
    REPAID = "repayment of debt"
    LEASES_REPAID = "repayment of leases"
    DIVIDENDS = "dividends"
    CONTRIBUTED = "contributions from its owner"
    DISTRIBUTED = "distributions to its owner"
    FINANCING = "cash from financing activities"
    CHANGE = "net change in cash"
    START = "cash at the start"
    END = "cash at the end"


class EquityLine(StrEnum):
    """Rows of changes_in_equity."""

    START = "opening equity"
    NET_INCOME = "net income"
    DIVIDENDS = "dividends"
    ISSUED = "outside equity issued"
    ISSUE_COSTS = "costs of issuing equity"
    CONTRIBUTED = "contributions from its owner"
    DISTRIBUTED = "distributions to its owner"
    END = "closing equity"
